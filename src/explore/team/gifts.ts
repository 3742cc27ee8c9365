/**
 * Work handed from one member of a team to another that has none (@internal): a choice, and those that lead to where it is made.
 *
 * A member without work waits. One that has more than it needs serves it: fills its letter box and wakes it. When all members
 * wait there is nothing left to do.
 */
import type { Choice } from "../types.ts";
import {
  BUSY,
  countsOf,
  DONE,
  FILLED,
  GIFTS,
  IDLE,
  LONGEST_PREFIX,
  MOST_GIFTS,
  NOWHERE,
  SERVED,
  STOP,
  type TeamMemory,
  WAITING,
  WANTS,
} from "./team-memory.ts";

export interface Gift {
  readonly number: number;
  /** From the first state on; the last one is the gift. */
  readonly choices: readonly Choice[];
}

/** How long a member without work sleeps until it looks whether the user wants it to stop, in milliseconds. */
const NAP = 100;
/** Naps after which nobody is thought to be searching any more. */
const LONGEST_SILENCE = 1200;

export class Gifts {
  readonly #control: Int32Array;
  readonly #letters: Int32Array[];
  readonly #results: Int32Array;
  readonly #me: number;
  readonly #members: number;

  constructor(memory: TeamMemory, me: number) {
    this.#control = new Int32Array(memory.control);
    this.#letters = memory.letters.map((buffer) => new Int32Array(buffer));
    this.#results = new Int32Array(memory.results);
    this.#me = me;
    this.#members = memory.members;
  }

  /** Whether somebody waits for work. */
  get wanted(): boolean {
    return Atomics.load(this.#control, IDLE) > 0;
  }

  /** Gives a choice to somebody who waits; its number, or -1 when nobody took it. `write` fills in `length` choices. */
  give(length: number, write: (into: Int32Array, at: number) => void): number {
    if (length > LONGEST_PREFIX || Atomics.load(this.#control, GIFTS) >= MOST_GIFTS) return -1;
    for (let member = 0; member < this.#members; member++) {
      if (Atomics.compareExchange(this.#control, WANTS + member, WAITING, SERVED) !== WAITING) continue;
      Atomics.sub(this.#control, IDLE, 1);
      const number = Atomics.add(this.#control, GIFTS, 1);
      const letter = this.#letters[member]!;
      letter[0] = number;
      letter[1] = length;
      write(letter, 2);
      Atomics.store(this.#control, WANTS + member, FILLED);
      Atomics.notify(this.#control, WANTS + member);
      return number;
    }
    return -1;
  }

  /** Waits for work; undefined when there is none any more, or everybody is to stop. `poll` is called now and then. */
  wait(poll: () => void): Gift | undefined {
    const control = this.#control;
    const mine = WANTS + this.#me;
    Atomics.store(control, mine, WAITING);
    if (Atomics.add(control, IDLE, 1) + 1 === this.#members) this.#end();
    let idle = 0;
    let steps = 0;
    for (;;) {
      const now = Atomics.load(control, mine);
      if (now === FILLED) break;
      if (now === WAITING && (Atomics.load(control, DONE) !== 0 || Atomics.load(control, STOP) !== 0)) return undefined;
      Atomics.wait(control, mine, now, NAP);
      poll();
      const { steps: taken } = countsOf(control, this.#members);
      idle = taken === steps ? idle + 1 : 0;
      steps = taken;
      if (idle > LONGEST_SILENCE)
        throw new Error("another thread of the search does not go on; it may be out of memory");
    }
    Atomics.store(control, mine, BUSY);
    const letter = this.#letters[this.#me]!;
    const choices: Choice[] = [];
    for (let i = 0; i < letter[1]!; i++) choices.push({ context: letter[2 + i * 2]!, way: letter[3 + i * 2]! });
    return { number: letter[0]!, choices };
  }

  #end(): void {
    Atomics.store(this.#control, DONE, 1);
    for (let member = 0; member < this.#members; member++) Atomics.notify(this.#control, WANTS + member);
  }

  /** Where a gift led; undefined: its step threw. */
  answer(gift: number, state: number | undefined): void {
    Atomics.store(this.#results, gift, state === undefined ? NOWHERE : state + 1);
  }

  /** The state that a gift led to; {@link NOWHERE} when its step threw, undefined when it was not taken yet. */
  resultOf(gift: number): number | undefined {
    const result = Atomics.load(this.#results, gift);
    return result === 0 ? undefined : result === NOWHERE ? NOWHERE : result - 1;
  }
}
