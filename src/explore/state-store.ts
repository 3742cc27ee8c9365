/**
 * The exact set of visited states, compressed without loss.
 *
 * Tree compression (Blom, Lisser, van de Pol, Weber, "A database approach to distributed state space generation",
 * 2009; Laarman, van de Pol, Weber, "Parallel recursive state compression for free", 2011), with wide nodes instead
 * of pairs: the vector is cut into chunks, each chunk is interned to a number, rows of numbers are interned again, up
 * to one root. Neighbour states share all but a few nodes, so a state costs its root row and the few rows that are
 * new. Cost of an intern: one comparison per word of the chunks that may have changed (all, when the program keeps no
 * `dirty`) with the last vector, and a hash and probe per changed chunk and its ancestors. Nothing is approximate: rows are compared whole.
 *
 * Invariant while {@link StateStore.#known}: `#kept` equals the vector interned or loaded last, `#ids` its node
 * numbers; what differs from it now was written by steps, and is marked dirty.
 */
import { type MemoryBudget, NodeTable } from "./node-table.ts";
import { type SavedStates, take } from "./saved-search.ts";

/** Words per bit of `Explorable.dirty`. */
const DIRTY_WORDS = 16;

/** How a store is laid out; the defaults are measured on vectors of 300 to 3000 words. */
export interface StateStoreOptions {
  /** Most bytes its tables may hold; no bound by default. */
  readonly memoryBytes?: number;
  /** Words per chunk. */
  readonly chunkWords?: number;
  /** Numbers per inner row. */
  readonly fanOut?: number;
}

/**
 * Numbers states from 0 in the order they are first seen.
 *
 * @example
 * const store = new StateStore(program.words.length);
 * const id = store.intern(program.words); // store.fresh tells whether it was new
 * store.load(id, program.words);
 * @since 0.2.0
 */
export class StateStore {
  /** Whether the last {@link intern} met its state for the first time. */
  fresh = false;
  readonly #length: number;
  readonly #chunk: number;
  readonly #budget: MemoryBudget;
  /** Level 0 interns chunks, the last level whole states. */
  readonly #tables: NodeTable[] = [];
  /** Node numbers of the last vector, per level, padded with zeros to whole rows of the level above. */
  readonly #ids: Int32Array[] = [];
  readonly #counts: number[] = [];
  /** Changed nodes of the level at work and of the one above. */
  #changed: Int32Array;
  #above: Int32Array;
  readonly #kept: Int32Array;
  #known = false;

  constructor(length: number, options: StateStoreOptions = {}) {
    const { memoryBytes = Infinity, chunkWords = 16, fanOut = 8 } = options;
    this.#length = length;
    this.#budget = { limitBytes: memoryBytes, bytes: 0 };
    let count = Math.max(1, Math.ceil(length / chunkWords));
    this.#chunk = chunkWords;
    this.#kept = new Int32Array(count * chunkWords);
    this.#changed = new Int32Array(count);
    this.#above = new Int32Array(count);
    let width = chunkWords;
    for (;;) {
      this.#tables.push(new NodeTable(width, this.#budget));
      this.#counts.push(count);
      const last = count <= fanOut;
      width = last ? count : fanOut;
      const above = Math.ceil(count / width);
      this.#ids.push(new Int32Array(above * width));
      if (count === 1) break;
      count = above;
    }
  }

  /** How many different states there are. */
  get size(): number {
    return this.#tables[this.#tables.length - 1]!.size;
  }

  /** Memory held by the tables, in bytes. */
  get bytes(): number {
    return this.#budget.bytes;
  }

  /** Must be called when the words were changed without being interned: the next load writes all of them. */
  forget(): void {
    this.#known = false;
  }

  /**
   * The number of a state; -1 when it is new and memory is used up (the store then stays as it is, readable). `dirty`,
   * when the program has it (see `Explorable.dirty`), says which chunks to look at, and is cleared.
   */
  intern(words: Int32Array, dirty?: Int32Array): number {
    let ids = this.#ids[0]!;
    let table = this.#tables[0]!;
    let changed = this.#changed;
    let count = this.#compare(words, dirty);
    if (count < 0) return this.#full();
    if (count === 0) {
      this.fresh = false;
      return ids.length === 1 ? ids[0]! : this.#ids[this.#ids.length - 1]![0]!;
    }
    let above = this.#above;
    for (let level = 1; level < this.#tables.length; level++) {
      const below = ids;
      table = this.#tables[level]!;
      ids = this.#ids[level]!;
      const width = table.width;
      let rows = 0;
      let last = -1;
      for (let k = 0; k < count; k++) {
        const row = (changed[k]! / width) | 0;
        if (row === last) continue;
        last = row;
        const id = table.intern(below, row * width);
        if (id < 0) return this.#full();
        ids[row] = id;
        above[rows++] = row;
      }
      count = rows;
      const free = changed;
      changed = above;
      above = free;
    }
    this.#known = true;
    this.fresh = table.fresh;
    return ids[0]!;
  }

  /** Interns the chunks that differ from the kept ones and lists them in `#changed`; -1 when memory is used up. */
  #compare(words: Int32Array, dirty: Int32Array | undefined): number {
    const chunks = this.#counts[0]!;
    let count = 0;
    if (dirty === undefined || !this.#known || this.#chunk !== DIRTY_WORDS) {
      for (let c = 0; c < chunks && count >= 0; c++) count = this.#compareChunk(words, c, count);
      dirty?.fill(0);
      return count;
    }
    for (let d = 0; d < dirty.length; d++) {
      for (let bits = dirty[d]!; bits !== 0; bits &= bits - 1) {
        const c = d * 32 + 31 - Math.clz32(bits & -bits);
        if (c >= chunks) break;
        count = this.#compareChunk(words, c, count);
        if (count < 0) return -1;
      }
      dirty[d] = 0;
    }
    return count;
  }

  #compareChunk(words: Int32Array, c: number, count: number): number {
    const kept = this.#kept;
    const base = c * this.#chunk;
    const end = Math.min(base + this.#chunk, this.#length);
    let i = base;
    // Eight words a turn without a branch each: without `dirty` this loop is most of the cost on long vectors.
    let differs = 0;
    for (const whole = end - 7; i < whole; i += 8)
      differs |=
        (words[i]! ^ kept[i]!) |
        (words[i + 1]! ^ kept[i + 1]!) |
        (words[i + 2]! ^ kept[i + 2]!) |
        (words[i + 3]! ^ kept[i + 3]!) |
        (words[i + 4]! ^ kept[i + 4]!) |
        (words[i + 5]! ^ kept[i + 5]!) |
        (words[i + 6]! ^ kept[i + 6]!) |
        (words[i + 7]! ^ kept[i + 7]!);
    for (; i < end; i++) differs |= words[i]! ^ kept[i]!;
    if (differs === 0 && this.#known) return count;
    for (i = base; i < end; i++) kept[i] = words[i]!;
    const id = this.#tables[0]!.intern(kept, base);
    if (id < 0) return -1;
    this.#ids[0]![c] = id;
    this.#changed[count] = c;
    return count + 1;
  }

  /** Kept copy and node numbers no longer belong together. */
  #full(): number {
    this.#known = false;
    this.fresh = false;
    return -1;
  }

  /**
   * Writes state `id` into `words`, which must hold the state interned or loaded last unless {@link forget} was
   * called. Only what differs is written.
   */
  load(id: number, words: Int32Array): void {
    const all = !this.#known;
    const top = this.#tables.length - 1;
    if (!all && this.#ids[top]![0] === id) return;
    this.#ids[top]![0] = id;
    let changed = this.#changed;
    let below = this.#above;
    changed[0] = 0;
    let count = 1;
    for (let level = top; level > 0; level--) {
      const { width, data } = this.#tables[level]!;
      const ids = this.#ids[level]!;
      const children = this.#ids[level - 1]!;
      const real = this.#counts[level - 1]!;
      let rows = 0;
      for (let k = 0; k < count; k++) {
        const row = changed[k]!;
        const from = ids[row]! * width;
        const first = row * width;
        const end = first + width < real ? width : real - first;
        for (let j = 0; j < end; j++) {
          const child = data[from + j]!;
          if (child === children[first + j] && !all) continue;
          children[first + j] = child;
          below[rows++] = first + j;
        }
      }
      count = rows;
      const free = changed;
      changed = below;
      below = free;
    }
    this.#write(words, changed, count);
    this.#known = true;
  }

  #write(words: Int32Array, chunks: Int32Array, count: number): void {
    const { data } = this.#tables[0]!;
    const ids = this.#ids[0]!;
    const chunk = this.#chunk;
    const kept = this.#kept;
    for (let k = 0; k < count; k++) {
      const base = chunks[k]! * chunk;
      const end = Math.min(base + chunk, this.#length);
      for (let i = base, from = ids[chunks[k]!]! * chunk; i < end; i++, from++) {
        kept[i] = data[from]!;
        words[i] = data[from]!;
      }
    }
  }

  /** What the store holds (@internal), not copied. */
  save(): SavedStates {
    const tables = this.#tables;
    return {
      rows: tables.map(({ data, size, width }) => data.subarray(0, size * width)),
      words: tables.map(({ capacity }) => capacity[0]),
      slots: tables.map(({ capacity }) => capacity[1]),
    };
  }

  /** @internal */
  restore(saved: SavedStates): void {
    this.#tables.forEach((table, level) => {
      table.restore(take(saved.rows, level), [saved.words[level]!, saved.slots[level]!]);
    });
    this.#known = false;
  }
}
