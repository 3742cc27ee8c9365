/** Ordered lists in the heap: word 0 is the length, the values follow; unused words are zero. */
import { ModelError } from "./errors.ts";
import { decode, encode } from "./heap.ts";
import { $, markRange } from "./state.ts";

/** A list with a fixed capacity; changing it changes the state of its world. @since 0.2.0 */
export class List<T> implements Iterable<T> {
  readonly #at: number;
  readonly #capacity: number;
  readonly #name: string;

  /** @internal use the field kind `list` */
  constructor(at: number, capacity: number, name: string) {
    this.#at = at;
    this.#capacity = capacity;
    this.#name = name;
  }

  /** Its words: the first, and how many (@internal). */
  get range(): { readonly at: number; readonly words: number } {
    return { at: this.#at, words: this.#capacity + 1 };
  }
  get length(): number {
    this.#read();
    return $.h[this.#at] as number;
  }
  /** The value at a place; negative places count from the end. */
  at(place: number): T | undefined {
    const length = this.length;
    const index = place < 0 ? length + place : place;
    return index < 0 || index >= length ? undefined : (decode($.h[this.#at + 1 + index] as number) as T);
  }
  /** Adds at the end. Throws {@link ModelError} when the list is full. */
  push(item: T): void {
    const word = encode(item, this.#name);
    const length = this.#grow();
    $.h[this.#at + 1 + length] = word;
  }
  /** Adds in front. */
  unshift(item: T): void {
    const word = encode(item, this.#name);
    const length = this.#grow();
    $.h.copyWithin(this.#at + 2, this.#at + 1, this.#at + 1 + length);
    $.h[this.#at + 1] = word;
  }
  /** Takes the first value. */
  shift(): T | undefined {
    return this.removeAt(0);
  }
  /** Takes the last value. */
  pop(): T | undefined {
    return this.removeAt(this.length - 1);
  }
  /** Takes the value at a place. */
  removeAt(index: number): T | undefined {
    const length = this.length;
    if (index < 0 || index >= length) return undefined;
    this.#write();
    const from = this.#at + 1 + index;
    const item = decode($.h[from] as number) as T;
    $.h.copyWithin(from, from + 1, this.#at + 1 + length);
    $.h[this.#at + length] = 0;
    $.h[this.#at] = length - 1;
    return item;
  }
  /** Takes a value out wherever it is; false when it is not there. */
  remove(item: T): boolean {
    const index = this.indexOf(item);
    if (index >= 0) this.removeAt(index);
    return index >= 0;
  }
  indexOf(item: T): number {
    const word = encode(item);
    const length = this.length;
    for (let i = 0; i < length; i++) if ($.h[this.#at + 1 + i] === word) return i;
    return -1;
  }
  includes(item: T): boolean {
    return this.indexOf(item) >= 0;
  }
  clear(): void {
    const length = this.length;
    this.#write();
    $.h.fill(0, this.#at, this.#at + 1 + length);
  }
  /** The values as they are now, frozen, so that a function may keep them over a step. */
  snapshot(): readonly T[] {
    return Object.freeze([...this]);
  }
  *[Symbol.iterator](): Iterator<T> {
    for (let i = 0; i < this.length; i++) yield this.at(i) as T;
  }

  #grow(): number {
    const length = this.length;
    if (length >= this.#capacity) throw new ModelError(`${this.#name} is full (capacity ${this.#capacity})`);
    this.#write();
    $.h[this.#at] = length + 1;
    return length;
  }
  #read(): void {
    if ($.tracking) $.world?.reads.add(this.#at);
  }
  #write(): void {
    if ($.tracking) $.world?.writes.add(this.#at);
    markRange(this.#at, this.#at + 2 + ($.h[this.#at] as number));
  }
}
