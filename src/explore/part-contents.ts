/** The contents that parts of a state have had (@internal), numbered from 0 in the order they were first seen. */
import { type SavedRows, savedRows, saveRows } from "./saved-search.ts";

const SEEDS = [0x2545f491, 0x7feb352d, 0x1b873593, 0x52dce729] as const;
const FACTORS = [0x9e3779b1, 0x85ebca6b, 0xcc9e2d51, 0xc2b2ae35] as const;

function mix(lane: number, a: number, b: number): number {
  const factor = FACTORS[lane]!;
  let x = Math.imul(a ^ SEEDS[lane]!, factor) ^ Math.imul((b + lane + 1) ^ (b >>> 16), 0x27d4eb2f);
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

/** Adds what one word of a state contributes to its sum of 128 bits; `sign` -1 takes it away. */
export function mixInto(into: Int32Array, at: number, place: number, value: number, sign: number): void {
  for (let lane = 0; lane < 4; lane++) into[at + lane]! += sign * mix(lane, mix(lane, place + 1, 0), value);
}

/** Rows of words of one place, trailing zeros left off. */
export class PartContents {
  readonly #rows: Int32Array[] = [];
  readonly #sums: Int32Array[] = [];
  readonly #byHash = new Map<number, number[]>();
  readonly #place: number;

  /** `place`: so that equal contents of different parts contribute differently. */
  constructor(place: number) {
    this.#place = place;
  }

  get size(): number {
    return this.#rows.length;
  }

  /** The number of the contents `words[from..end)`. */
  intern(words: Int32Array, from: number, end: number): number {
    let length = end - from;
    while (length > 0 && words[from + length - 1] === 0) length--;
    const sums = Int32Array.from(SEEDS, (_, lane) => mix(lane, this.#place + 1, length));
    for (let i = 0; i < length; i++)
      for (let lane = 0; lane < 4; lane++) sums[lane] = mix(lane, sums[lane]!, words[from + i]!);
    const same = this.#byHash.get(sums[0]!);
    const known = same?.find((n) => this.#equals(n, words, from, length));
    if (known !== undefined) return known;
    const number = this.#rows.push(words.slice(from, from + length)) - 1;
    this.#sums.push(sums);
    if (same === undefined) this.#byHash.set(sums[0]!, [number]);
    else same.push(number);
    return number;
  }

  #equals(number: number, words: Int32Array, from: number, length: number): boolean {
    const row = this.#rows[number]!;
    if (row.length !== length) return false;
    for (let i = 0; i < length; i++) if (row[i] !== words[from + i]) return false;
    return true;
  }

  /** Writes contents back to their place. */
  put(number: number, words: Int32Array, from: number, end: number): void {
    const row = this.#rows[number]!;
    words.set(row, from);
    words.fill(0, from + row.length, end);
  }

  /** What the contents contribute to lane `lane` of a state's sum. */
  sumOf(number: number, lane: number): number {
    return this.#sums[number]![lane]!;
  }

  save(): SavedRows {
    return saveRows(this.#rows);
  }
  restore(saved: SavedRows): void {
    for (const row of savedRows(saved)) this.intern(row, 0, row.length);
  }
}
