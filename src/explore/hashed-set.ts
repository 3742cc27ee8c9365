/**
 * A set of 128-bit sums (@internal), numbered from 0 in the order they were first met.
 *
 * Open addressing with linear probing; the sums lie beside the table, so that most of what is not in the set costs one cache
 * miss. A state whose sum equals another's is taken for it: with n states and sums like random ones, the probability that any
 * is missed is about n² / 2^129.
 */
const LANES = 4;

/** Probability that at least two of `states` different states have the same sum. */
export function omissionProbability(states: number): number {
  return (states * (states - 1)) / 2 / 2 ** 128;
}

export class HashedSet {
  size = 0;
  /** Whether the last {@link intern} met its sum for the first time. */
  fresh = false;
  readonly #limitBytes: number;
  #sums = new Int32Array(LANES * 1024);
  #table = new Int32Array(2048);

  constructor(limitBytes = Infinity) {
    this.#limitBytes = limitBytes;
  }

  get bytes(): number {
    return this.#sums.byteLength + this.#table.byteLength;
  }

  /** The number of a sum; -1 when it is new and memory is used up. */
  intern(sum: Int32Array): number {
    const table = this.#table;
    const sums = this.#sums;
    const mask = table.length - 1;
    const [a, b, c, d] = [sum[0]!, sum[1]!, sum[2]!, sum[3]!];
    let at = (a ^ (b >>> 7)) & mask;
    for (let entry = table[at]!; entry !== 0; entry = table[at]!) {
      const i = (entry - 1) * LANES;
      if (sums[i] === a && sums[i + 1] === b && sums[i + 2] === c && sums[i + 3] === d) {
        this.fresh = false;
        return entry - 1;
      }
      at = (at + 1) & mask;
    }
    if (!this.#room()) {
      this.fresh = false;
      return -1;
    }
    const id = this.size++;
    const into = this.#sums;
    into[id * LANES] = a;
    into[id * LANES + 1] = b;
    into[id * LANES + 2] = c;
    into[id * LANES + 3] = d;
    if (table !== this.#table) at = this.#free(id);
    this.#table[at] = id + 1;
    this.fresh = true;
    return id;
  }

  /** The free place for a sum that is not in the table. */
  #free(id: number): number {
    const mask = this.#table.length - 1;
    let at = (this.#sums[id * LANES]! ^ (this.#sums[id * LANES + 1]! >>> 7)) & mask;
    while (this.#table[at] !== 0) at = (at + 1) & mask;
    return at;
  }

  /** Makes room for one more; false when the bound does not allow it. Old and new array live side by side while copying. */
  #room(): boolean {
    if (this.bytes > this.#limitBytes) return false;
    if ((this.size + 1) * LANES > this.#sums.length) {
      const length = Math.ceil(this.#sums.length / LANES / 2) * 3 * LANES;
      if (this.bytes + length * 4 > this.#limitBytes) return false;
      const sums = new Int32Array(length);
      sums.set(this.#sums);
      this.#sums = sums;
    }
    if ((this.size + 1) * 8 > this.#table.length * 5) {
      const length = this.#table.length * 2;
      if (this.bytes + length * 4 > this.#limitBytes) return false;
      this.#table = new Int32Array(length);
      for (let id = 0; id < this.size; id++) this.#table[this.#free(id)] = id + 1;
    }
    return true;
  }
}
