/**
 * The execution under way, with its happens-before order (@internal).
 *
 * Two events are dependent when they are of one context, or one writes a shared word that the other reads or writes.
 * Clock vectors (Mattern 1989) hold, for each context, the position of its last event that happened before; every
 * event carries its own. Per word the positions of reads and writes are kept, so an event's dependents are found
 * without walking the whole trace.
 */
export interface TraceEvent {
  readonly context: number;
  readonly way: number;
  readonly reads: ReadonlySet<number>;
  readonly writes: ReadonlySet<number>;
  /** By context: 1 + the position of its last event that happened before this one or is it; 0 when there is none. */
  readonly clock: Int32Array;
  /** Position of the context's previous event, -1 for its first. */
  readonly previous: number;
}

/** Whether an event's words conflict with others. */
export function conflicts(
  aReads: ReadonlySet<number>,
  aWrites: ReadonlySet<number>,
  bReads: ReadonlySet<number>,
  bWrites: ReadonlySet<number>,
): boolean {
  for (const word of aWrites) if (bReads.has(word) || bWrites.has(word)) return true;
  for (const word of aReads) if (bWrites.has(word)) return true;
  return false;
}

const NONE: readonly number[] = [];

export class Trace {
  readonly events: TraceEvent[] = [];
  /** By context: the position of its last event, -1 when there is none. */
  readonly last: Int32Array;
  readonly #contexts: number;
  readonly #reads = new Map<number, number[]>();
  readonly #writes = new Map<number, number[]>();
  readonly #start: Int32Array;

  constructor(contexts: number) {
    this.#contexts = contexts;
    this.last = new Int32Array(contexts).fill(-1);
    this.#start = new Int32Array(contexts);
  }

  /** The clock of a context after its last event. */
  clockOf(context: number): Int32Array {
    const last = this.last[context]!;
    return last < 0 ? this.#start : this.events[last]!.clock;
  }

  /** Whether the event at `position` happened before some event that `clock` knows. */
  before(position: number, clock: Int32Array): boolean {
    return clock[this.events[position]!.context]! > position;
  }

  /**
   * The races of an access of `context` to these words, made after the last event: positions of events that are
   * dependent with it and ordered before it by nothing else, neither by the context's own events nor by another
   * dependent.
   */
  races(context: number, reads: ReadonlySet<number>, writes: ReadonlySet<number>): number[] {
    const found = new Set<number>();
    // Accesses before the last write of a word happened before that write, so they are ordered by it.
    for (const word of reads) {
      const written = this.#writes.get(word)?.at(-1);
      if (written !== undefined) found.add(written);
    }
    for (const word of writes) {
      const written = this.#writes.get(word)?.at(-1) ?? -1;
      if (written >= 0) found.add(written);
      const positions = this.#reads.get(word) ?? NONE;
      for (let k = positions.length - 1; k >= 0 && positions[k]! > written; k--) found.add(positions[k]!);
    }
    return this.#immediate(context, [...found]);
  }

  /** The races of an access of `context` to nobody knows what: with the writes of the others. */
  writeRaces(context: number): number[] {
    const writers: number[] = [];
    for (let i = this.events.length - 1; i >= 0; i--) if (this.events[i]!.writes.size > 0) writers.push(i);
    return this.#immediate(context, writers);
  }

  #immediate(context: number, positions: readonly number[]): number[] {
    const clock = this.clockOf(context).slice();
    const races: number[] = [];
    for (const i of [...positions].sort((a, b) => b - a)) {
      if (this.before(i, clock)) continue;
      races.push(i);
      this.#join(clock, i);
    }
    return races;
  }

  /**
   * The contexts that could begin a run from before the event at `position` in which `context` makes its access (to
   * these words, after the last event) before that event: the initials of what does not depend on the event, followed
   * by the access.
   */
  initials(position: number, context: number, reads: ReadonlySet<number>, writes: ReadonlySet<number>): number[] {
    const owner = this.events[position]!.context;
    const first = new Int32Array(this.#contexts).fill(-1);
    const begin: number[] = [];
    const free = (clock: Int32Array): boolean => {
      for (let q = 0; q < this.#contexts; q++) if (first[q]! >= 0 && clock[q]! > first[q]!) return false;
      return true;
    };
    for (let k = position + 1; k < this.events.length; k++) {
      const event = this.events[k]!;
      if (event.clock[owner]! > position || first[event.context]! >= 0) continue;
      if (free(event.clock)) begin.push(event.context);
      first[event.context] = k;
    }
    if (first[context]! < 0 && free(this.#clockOfAccess(context, reads, writes))) begin.push(context);
    return begin;
  }

  #join(clock: Int32Array, at: number): void {
    const other = this.events[at]!.clock;
    for (let c = 0; c < this.#contexts; c++) if (other[c]! > clock[c]!) clock[c] = other[c]!;
  }

  /** What happened before an access of `context` to these words. */
  #clockOfAccess(context: number, reads: ReadonlySet<number>, writes: ReadonlySet<number>): Int32Array {
    const clock = this.clockOf(context).slice();
    for (const word of reads) {
      const written = this.#writes.get(word)?.at(-1);
      if (written !== undefined) this.#join(clock, written);
    }
    for (const word of writes) {
      const written = this.#writes.get(word)?.at(-1) ?? -1;
      if (written >= 0) this.#join(clock, written);
      const positions = this.#reads.get(word) ?? NONE;
      for (let k = positions.length - 1; k >= 0 && positions[k]! > written; k--) this.#join(clock, positions[k]!);
    }
    return clock;
  }

  push(context: number, way: number, reads: ReadonlySet<number>, writes: ReadonlySet<number>): TraceEvent {
    const position = this.events.length;
    const clock = this.#clockOfAccess(context, reads, writes);
    clock[context] = position + 1;
    for (const word of reads) note(this.#reads, word, position);
    for (const word of writes) note(this.#writes, word, position);
    const event: TraceEvent = { context, way, reads, writes, clock, previous: this.last[context]! };
    this.last[context] = position;
    this.events.push(event);
    return event;
  }

  /** Takes the last event back. */
  pop(): void {
    const event = this.events.pop()!;
    this.last[event.context] = event.previous;
    for (const word of event.reads) this.#reads.get(word)!.pop();
    for (const word of event.writes) this.#writes.get(word)!.pop();
  }
}

function note(positions: Map<number, number[]>, word: number, position: number): void {
  const list = positions.get(word);
  if (list === undefined) positions.set(word, [position]);
  else list.push(position);
}
