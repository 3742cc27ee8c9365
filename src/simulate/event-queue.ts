/** Events in the order of their times, and of being pushed where times are equal (@internal): a binary heap. */
export class EventQueue {
  /** By place in the heap: time, sequence number, payload. */
  readonly #times: number[] = [];
  readonly #sequence: number[] = [];
  readonly #payloads: number[] = [];
  #pushed = 0;

  get length(): number {
    return this.#times.length;
  }
  /** When the first event is; Infinity when there is none. */
  get next(): number {
    return this.#times[0] ?? Infinity;
  }

  push(time: number, payload: number): void {
    let at = this.#times.length;
    const sequence = this.#pushed++;
    this.#set(at, time, sequence, payload);
    for (let parent = (at - 1) >> 1; at > 0 && this.#before(time, sequence, parent); parent = (at - 1) >> 1) {
      this.#move(parent, at);
      at = parent;
      this.#set(at, time, sequence, payload);
    }
  }

  /** Removes the first event and returns its payload; there must be one. */
  pop(): number {
    const payload = this.#payloads[0] as number;
    const [time, sequence, last] = [this.#times.pop(), this.#sequence.pop(), this.#payloads.pop()];
    if (this.#times.length > 0) this.#sink(time as number, sequence as number, last as number);
    return payload;
  }

  #sink(time: number, sequence: number, payload: number): void {
    const { length } = this.#times;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= length) break;
      if (child + 1 < length && this.#before(this.#times[child + 1]!, this.#sequence[child + 1]!, child)) child++;
      if (!this.#before(this.#times[child]!, this.#sequence[child]!, undefined, time, sequence)) break;
      this.#move(child, at);
      at = child;
    }
    this.#set(at, time, sequence, payload);
  }

  /** Whether (time, sequence) comes before the event at `place`, or before the one given. */
  #before(time: number, sequence: number, place: number | undefined, other = 0, otherSequence = 0): boolean {
    const t = place === undefined ? other : this.#times[place]!;
    const s = place === undefined ? otherSequence : this.#sequence[place]!;
    return time < t || (time === t && sequence < s);
  }
  #set(at: number, time: number, sequence: number, payload: number): void {
    this.#times[at] = time;
    this.#sequence[at] = sequence;
    this.#payloads[at] = payload;
  }
  #move(from: number, to: number): void {
    this.#set(to, this.#times[from]!, this.#sequence[from]!, this.#payloads[from]!);
  }
}
