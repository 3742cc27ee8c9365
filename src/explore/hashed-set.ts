/**
 * A set of 128-bit sums (@internal), numbered from 0 in the order they were first met.
 *
 * Open addressing with linear probing; an entry is the number and the four lanes side by side, so that a look costs one cache
 * miss. The table is cut into segments that grow one by one, so that growing needs little room beside it. A state whose sum
 * equals another's is taken for it: with n states and sums like random ones, the probability that any is missed is about
 * n² / 2^129.
 */

import { type SavedSums, take } from "./saved-search.ts";

/** Words of an entry: its number + 1 (0: free), then the lanes. */
const ENTRY = 5;
const SEGMENT_BITS = 4;
const SEGMENTS = 1 << SEGMENT_BITS;
const FIRST_ENTRIES = 64;

/** Probability that at least two of `states` different states have the same sum. */
export function omissionProbability(states: number): number {
  return (states * (states - 1)) / 2 / 2 ** 128;
}

export class HashedSet {
  size = 0;
  /** Whether the last {@link intern} met its sum for the first time. */
  fresh = false;
  readonly #limitBytes: number;
  readonly #segments: Int32Array[];
  readonly #used = new Int32Array(SEGMENTS);
  /** By segment: the number of entries, a power of two, less one. */
  readonly #masks = new Int32Array(SEGMENTS).fill(FIRST_ENTRIES - 1);
  #bytes = SEGMENTS * FIRST_ENTRIES * ENTRY * 4;

  constructor(limitBytes = Infinity) {
    this.#limitBytes = limitBytes;
    this.#segments = Array.from({ length: SEGMENTS }, () => new Int32Array(FIRST_ENTRIES * ENTRY));
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The number of a sum; -1 when it is new and memory is used up. */
  intern(sum: Int32Array): number {
    const [a, b, c, d] = [sum[0]!, sum[1]!, sum[2]!, sum[3]!];
    const segment = b >>> (32 - SEGMENT_BITS);
    const table = this.#segments[segment]!;
    let at = (a & this.#masks[segment]!) * ENTRY;
    for (let entry = table[at]!; entry !== 0; entry = table[at]!) {
      if (table[at + 1] === a && table[at + 2] === b && table[at + 3] === c && table[at + 4] === d) {
        this.fresh = false;
        return entry - 1;
      }
      at += ENTRY;
      if (at === table.length) at = 0;
    }
    return this.#add(segment, at, sum);
  }

  #add(segment: number, free: number, sum: Int32Array): number {
    this.fresh = false;
    if (this.#bytes > this.#limitBytes) return -1;
    let at = free;
    let table = this.#segments[segment]!;
    // at most 11 of 16 entries are used
    if ((this.#used[segment]! + 1) * ENTRY * 16 > table.length * 11) {
      const bytes = this.#bytes + table.byteLength;
      if (bytes > this.#limitBytes) return -1;
      this.#bytes = bytes;
      table = grown(table);
      this.#segments[segment] = table;
      this.#masks[segment] = this.#masks[segment]! * 2 + 1;
      at = freePlace(table, sum[0]!);
    }
    this.#used[segment]!++;
    table[at] = ++this.size;
    for (let lane = 0; lane < 4; lane++) table[at + 1 + lane] = sum[lane]!;
    this.fresh = true;
    return this.size - 1;
  }

  /** What the set holds; made in its own memory, so that it is of no use any more. */
  save(): SavedSums {
    return { size: this.size, masks: this.#masks, segments: this.#segments.map(packed) };
  }

  restore(saved: SavedSums): void {
    this.size = saved.size;
    this.#bytes = 0;
    for (let segment = 0; segment < SEGMENTS; segment++) {
      const entries = take(saved.segments, segment);
      const table = new Int32Array((saved.masks[segment]! + 1) * ENTRY);
      insertAll(table, entries);
      this.#segments[segment] = table;
      this.#masks[segment] = saved.masks[segment]!;
      this.#used[segment] = entries.length / ENTRY;
      this.#bytes += table.byteLength;
    }
  }
}

function freePlace(table: Int32Array, lane: number): number {
  let at = (lane & (table.length / ENTRY - 1)) * ENTRY;
  while (table[at] !== 0) {
    at += ENTRY;
    if (at === table.length) at = 0;
  }
  return at;
}

function grown(table: Int32Array): Int32Array {
  const bigger = new Int32Array(table.length * 2);
  insertAll(bigger, table);
  return bigger;
}

function insertAll(into: Int32Array, entries: Int32Array): void {
  for (let from = 0; from < entries.length; from += ENTRY) {
    if (entries[from] === 0) continue;
    const at = freePlace(into, entries[from + 1]!);
    for (let i = 0; i < ENTRY; i++) into[at + i] = entries[from + i]!;
  }
}

/** Moves the entries of a table to its front. */
function packed(table: Int32Array): Int32Array {
  let to = 0;
  for (let from = 0; from < table.length; from += ENTRY) {
    if (table[from] === 0) continue;
    table.copyWithin(to, from, from + ENTRY);
    to += ENTRY;
  }
  return table.subarray(0, to);
}
