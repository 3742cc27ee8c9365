/**
 * A set of 128-bit sums that several threads fill together (@internal).
 *
 * Open addressing with linear probing in memory that all share; an entry is the number of the state and the four lanes. A state's
 * number says which member met it first, and as its how-manieth. The table is cut into segments, each with a lock of its own:
 * whoever looks a sum up or doubles a segment holds its lock. Memory is asked for at once and used as the segments grow.
 */
import { lock, unlock } from "./mutex.ts";
import { ENTRY, FIRST_ENTRIES, MEMBER_BITS, SEGMENTS, type TeamMemory } from "./team-memory.ts";

/** Entries looked at without the lock. */
const MOST_TRIES = 16;
const SEGMENT_SHIFT = 32 - Math.log2(SEGMENTS);

export class SharedSet {
  /** Whether the last {@link intern} met its sum for the first time. */
  fresh = false;
  /** How many states this member met first. */
  size = 0;
  readonly #me: number;
  readonly #segments: Int32Array[];
  readonly #locks: Int32Array;
  /** By segment: entries in use, and how many there is room for at present. */
  readonly #used: Int32Array;
  readonly #room: Int32Array;

  constructor(memory: TeamMemory, me: number) {
    this.#me = me;
    this.#segments = memory.segments.map((buffer) => new Int32Array(buffer));
    this.#locks = new Int32Array(memory.locks);
    this.#used = new Int32Array(memory.used);
    this.#room = new Int32Array(memory.room);
  }

  /** What all members' states take. */
  get bytes(): number {
    let entries = 0;
    for (const room of this.#room) entries += Math.max(room, FIRST_ENTRIES);
    return entries * ENTRY * 4;
  }

  /** The number of a sum; -1 when it is new and memory is used up. */
  intern(sum: Int32Array): number {
    const known = this.#find(sum);
    if (known >= 0) {
      this.fresh = false;
      return known;
    }
    const segment = sum[1]! >>> SEGMENT_SHIFT;
    lock(this.#locks, segment);
    const state = this.#look(segment, sum);
    unlock(this.#locks, segment);
    return state;
  }

  /**
   * The number of a known sum; -1 when it is not there or somebody just moves it. Without the lock: an entry counts when its
   * number is the same before and after its lanes were looked at.
   */
  #find(sum: Int32Array): number {
    const segment = sum[1]! >>> SEGMENT_SHIFT;
    const table = this.#segments[segment]!;
    const room = Atomics.load(this.#room, segment);
    if (room === 0) return -1;
    let at = place(sum[0]!, room);
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const entry = Atomics.load(table, at);
      if (entry === 0) return -1;
      if (Atomics.load(table, at + 1) === sum[0] && Atomics.load(table, at + 2) === sum[1]) {
        const equal = Atomics.load(table, at + 3) === sum[2] && Atomics.load(table, at + 4) === sum[3];
        if (equal && Atomics.load(table, at) === entry) return entry - 1;
      }
      at += ENTRY;
      if (at === room * ENTRY) at = 0;
    }
    return -1;
  }

  #look(segment: number, sum: Int32Array): number {
    const table = this.#segments[segment]!;
    if (this.#room[segment] === 0) this.#room[segment] = FIRST_ENTRIES;
    let room = this.#room[segment]!;
    let at = place(sum[0]!, room);
    for (let entry = table[at]!; entry !== 0; entry = table[at]!) {
      if (table[at + 1] === sum[0] && same(table, at, sum)) {
        this.fresh = false;
        return entry - 1;
      }
      at += ENTRY;
      if (at === room * ENTRY) at = 0;
    }
    this.fresh = false;
    // at most 11 of 16 entries are used
    if ((this.#used[segment]! + 1) * 16 > room * 11) {
      if (room * ENTRY === table.length) return -1;
      room = Math.min(room * 2, table.length / ENTRY);
      spread(table, this.#room[segment]!, room);
      Atomics.store(this.#room, segment, room);
      at = freePlace(table, room, sum[0]!);
    }
    this.#used[segment]!++;
    const state = (this.size++ << MEMBER_BITS) | this.#me;
    for (let lane = 0; lane < 4; lane++) table[at + 1 + lane] = sum[lane]!;
    Atomics.store(table, at, state + 1);
    this.fresh = true;
    return state;
  }
}

function same(table: Int32Array, at: number, sum: Int32Array): boolean {
  return table[at + 2] === sum[1] && table[at + 3] === sum[2] && table[at + 4] === sum[3];
}

function place(lane: number, room: number): number {
  return Math.floor((lane >>> 0) * (room / 2 ** 32)) * ENTRY;
}

function freePlace(table: Int32Array, room: number, lane: number): number {
  let at = place(lane, room);
  while (table[at] !== 0) {
    at += ENTRY;
    if (at === room * ENTRY) at = 0;
  }
  return at;
}

/** Moves the entries of a segment to where they lie when there is more room. */
function spread(table: Int32Array, from: number, to: number): void {
  const old = table.slice(0, from * ENTRY);
  // numbers first: whoever looks without the lock must not take one for another's
  for (let at = 0; at < old.length; at += ENTRY) Atomics.store(table, at, 0);
  for (let at = 0; at < old.length; at += ENTRY) {
    if (old[at] === 0) continue;
    const free = freePlace(table, to, old[at + 1]!);
    for (let lane = 1; lane < ENTRY; lane++) table[free + lane] = old[at + lane]!;
    Atomics.store(table, free, old[at]!);
  }
}
