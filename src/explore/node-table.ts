/**
 * Interning of short rows of words (@internal): equal rows get the same number, numbers are dense and start at 0.
 *
 * Open addressing with linear probing; the rows themselves lie one after the other in `data` and are compared word by
 * word, so nothing rests on the hash being free of collisions. Load is kept below 5/8: a probe that misses costs a
 * cache miss.
 */
export interface MemoryBudget {
  readonly limitBytes: number;
  /** What all tables of the budget hold now. */
  bytes: number;
}

export class NodeTable {
  readonly width: number;
  size = 0;
  /** Whether the last {@link intern} met its row for the first time. */
  fresh = false;
  /** Row n lies at n * width. */
  data: Int32Array;
  readonly #budget: MemoryBudget;
  /** Row number + 1, or 0 for an empty slot; the length is a power of two. */
  #slots: Int32Array;

  constructor(width: number, budget: MemoryBudget) {
    this.width = width;
    this.#budget = budget;
    this.data = new Int32Array(width * 64);
    this.#slots = new Int32Array(128);
    budget.bytes += this.bytes;
  }

  get bytes(): number {
    return this.data.byteLength + this.#slots.byteLength;
  }

  #hash(source: Int32Array, from: number): number {
    // Two lanes: one alone would wait for its own multiplications.
    const end = from + this.width;
    let g = 0x2545f491;
    let h = 0x7feb352d;
    let i = from;
    for (; i + 1 < end; i += 2) {
      g = Math.imul(g ^ source[i]!, 0x9e3779b1);
      h = Math.imul(h ^ source[i + 1]!, 0x85ebca6b);
      g ^= g >>> 15;
      h ^= h >>> 13;
    }
    if (i < end) g = Math.imul(g ^ source[i]!, 0x9e3779b1);
    h = Math.imul(h ^ g ^ (g >>> 16), 0xc2b2ae35);
    return (h ^ (h >>> 13)) >>> 0;
  }

  /**
   * Doubles what is full; false when the budget does not allow it. Old and new array live side by side while copying.
   */
  #grow(): boolean {
    const budget = this.#budget;
    if ((this.size + 1) * this.width > this.data.length) {
      const rows = Math.max(64, Math.ceil(this.size * 1.5));
      const bytes = rows * this.width * 4;
      if (budget.bytes + bytes > budget.limitBytes) return false;
      const data = new Int32Array(rows * this.width);
      data.set(this.data);
      budget.bytes += data.byteLength - this.data.byteLength;
      this.data = data;
    }
    if ((this.size + 1) * 8 > this.#slots.length * 5) {
      const bytes = this.#slots.byteLength * 2;
      if (budget.bytes + bytes > budget.limitBytes) return false;
      budget.bytes += bytes - this.#slots.byteLength;
      this.#slots = this.#slotted(this.#slots.length * 2);
    }
    return true;
  }

  /** The number of the row at `source[from..from + width)`; -1 when it is new and the budget is used up. */
  intern(source: Int32Array, from: number): number {
    const { width, data } = this;
    const slots = this.#slots;
    const mask = slots.length - 1;
    let at = this.#hash(source, from) & mask;
    for (let slot = slots[at]!; slot !== 0; slot = slots[at]!) {
      let a = (slot - 1) * width;
      let b = from;
      const end = b + width;
      while (b < end && data[a] === source[b]) {
        a++;
        b++;
      }
      if (b === end) {
        this.fresh = false;
        return slot - 1;
      }
      at = (at + 1) & mask;
    }
    return this.#add(source, from, at);
  }

  #add(source: Int32Array, from: number, slot: number): number {
    if ((this.size + 1) * this.width > this.data.length || (this.size + 1) * 8 > this.#slots.length * 5) {
      if (!this.#grow()) return -1;
      const mask = this.#slots.length - 1;
      slot = this.#hash(source, from) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    }
    const id = this.size++;
    const { width, data } = this;
    for (let i = 0, a = id * width; i < width; i++) data[a + i] = source[from + i]!;
    this.#slots[slot] = id + 1;
    this.fresh = true;
    return id;
  }

  /** How many words and slots there is room for. */
  get capacity(): readonly [words: number, slots: number] {
    return [this.data.length, this.#slots.length];
  }

  /** Holds `rows`, numbered as they lie, with this room. */
  restore(rows: Int32Array, [words, slots]: readonly [words: number, slots: number]): void {
    this.#budget.bytes -= this.bytes;
    this.size = rows.length / this.width;
    this.data = new Int32Array(words);
    this.data.set(rows);
    this.#slots = this.#slotted(slots);
    this.#budget.bytes += this.bytes;
  }

  #slotted(length: number): Int32Array {
    const slots = new Int32Array(length);
    const mask = length - 1;
    for (let n = 0; n < this.size; n++) {
      let at = this.#hash(this.data, n * this.width) & mask;
      while (slots[at] !== 0) at = (at + 1) & mask;
      slots[at] = n + 1;
    }
    return slots;
  }
}
