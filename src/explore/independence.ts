/**
 * Whether learned steps of two contexts commute (@internal): neither changes what the other one looked at, the tests of who can
 * step included. Then they lead to the same state in either order, and are the same steps in both.
 */
import { ByteList, IntList } from "./int-list.ts";
import type { LearnedProgram } from "./learned.ts";

/** Whether one of two accesses writes what the other touches: sets of reads, then of writes, as bits, in one row of words each. */
export function accessesMeet(a: Int32Array, b: Int32Array): boolean {
  const width = a.length >>> 1;
  for (let i = 0; i < width; i++) {
    const [readA, writeA, readB, writeB] = [a[i]!, a[width + i]!, b[i]!, b[width + i]!];
    if ((writeA & (readB | writeB)) !== 0 || (readA & writeB) !== 0) return true;
  }
  return false;
}

const [UNKNOWN, NO, YES] = [0, 1, 2];

export class Independence {
  readonly #learned: LearnedProgram;
  /** 32-bit words of a set of parts. */
  readonly #width: number;
  /** By leaf: the class of what it reads and writes. */
  readonly #classOf = new IntList(256);
  /** By class: the parts read, then those written, as bits. */
  readonly #sets: Int32Array[] = [];
  readonly #classes = new Map<string, number>();
  /** By two classes: what is known of them. */
  readonly #known: ByteList[] = [];

  constructor(learned: LearnedProgram) {
    this.#learned = learned;
    this.#width = (learned.slots.length + 31) >>> 5;
  }

  /** Whether two steps of different contexts commute. */
  commute(a: number, b: number): boolean {
    const learned = this.#learned;
    if ((learned.askAgain(b) & (1 << learned.leafContext(a))) !== 0) return false;
    if ((learned.askAgain(a) & (1 << learned.leafContext(b))) !== 0) return false;
    return this.#independent(this.#class(a), this.#class(b));
  }

  #independent(a: number, b: number): boolean {
    const row = this.#known[a]!;
    while (row.length <= b) row.push(UNKNOWN);
    const known = row.at(b);
    if (known !== UNKNOWN) return known === YES;
    const independent = !accessesMeet(this.#sets[a]!, this.#sets[b]!);
    row.data[b] = independent ? YES : NO;
    return independent;
  }

  #class(leaf: number): number {
    while (this.#classOf.length <= leaf) this.#classOf.push(this.#newClass(this.#classOf.length));
    return this.#classOf.at(leaf);
  }

  #newClass(leaf: number): number {
    const sets = new Int32Array(this.#width * 2);
    const add = (from: number, part: number): void => {
      sets[from + (part >>> 5)]! |= 1 << (part & 31);
    };
    for (const part of this.#learned.leafReads(leaf)) add(0, part);
    this.#learned.leafWrites(leaf, (part) => add(this.#width, part));
    const key = sets.join();
    const known = this.#classes.get(key);
    if (known !== undefined) return known;
    const made = this.#sets.push(sets) - 1;
    this.#classes.set(key, made);
    this.#known.push(new ByteList());
    return made;
  }
}
