/**
 * Numbers that the members of a team give to values of the program (@internal), the same for all: `Numbering` in
 * `../../resumable/explorable.ts`. The texts of the values lie in shared memory, in the order of their numbers.
 */
import type { Numbering } from "../../resumable/explorable.ts";
import { Mutex } from "./mutex.ts";
import type { TeamMemory } from "./team-memory.ts";

/** Words of the head: how many texts there are, and where the next one goes. */
const COUNT = 1;
const NEXT = 2;

export class SharedNumbers {
  readonly #mutex: Mutex;
  readonly #head: Int32Array;
  /** Each text: its length in two words, then its characters. */
  readonly #texts: Uint16Array;
  readonly #known = new Map<string, number>();
  #read = 0;
  #at = 0;

  constructor({ names, nameTexts }: TeamMemory) {
    this.#head = new Int32Array(names);
    this.#mutex = new Mutex(this.#head, 0);
    this.#texts = new Uint16Array(nameTexts);
  }

  /** Makes a program's numbers everybody's: what it has met so far, by the first member before the others begin. */
  found(numbering: Numbering): void {
    this.#append(numbering.program);
    for (const key of numbering.keys) this.#append(key);
    this.#readOn();
    this.#join(numbering);
  }

  /** Has a program take part; throws when it is not the program of the first member, or has met other values. */
  join(numbering: Numbering): void {
    this.#readOn();
    const texts = [...this.#known.keys()];
    const same = texts[0] === numbering.program && numbering.keys.every((key) => this.#known.has(key));
    if (!same) throw new Error("the threads of a search run different programs");
    this.#join(numbering);
  }

  #join(numbering: Numbering): void {
    numbering.share((key) => this.#numberOf(key));
  }

  /** The number of a value's text; the program's own text is none. */
  #numberOf(key: string): number {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    this.#mutex.lock();
    this.#readOn();
    if (!this.#known.has(key)) {
      this.#append(key);
      this.#readOn();
    }
    this.#mutex.unlock();
    return this.#known.get(key) as number;
  }

  #append(text: string): void {
    const at = this.#head[NEXT]!;
    if (at + text.length + 2 > this.#texts.length) throw new Error("the threads of a search met too many values");
    this.#texts[at] = text.length & 0xffff;
    this.#texts[at + 1] = text.length >>> 16;
    for (let i = 0; i < text.length; i++) this.#texts[at + 2 + i] = text.charCodeAt(i);
    this.#head[NEXT] = at + 2 + text.length;
    this.#head[COUNT]!++;
  }

  #readOn(): void {
    for (; this.#read < this.#head[COUNT]!; this.#read++) {
      const length = this.#texts[this.#at]! + this.#texts[this.#at + 1]! * 2 ** 16;
      const codes = this.#texts.subarray(this.#at + 2, this.#at + 2 + length);
      const text = Array.from(codes, (code) => String.fromCharCode(code)).join("");
      // of values that read the same, the first one's
      if (!this.#known.has(text)) this.#known.set(text, this.#read - 1);
      this.#at += 2 + length;
    }
  }
}
