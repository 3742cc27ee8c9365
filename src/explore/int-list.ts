/**
 * Numbers collected one by one in a typed array (@internal): plain arrays of millions cost the garbage collector
 * seconds.
 */
export class IntList {
  /** Only the first {@link length} entries count. */
  data: Int32Array;
  length = 0;

  constructor(capacity = 16) {
    this.data = new Int32Array(capacity);
  }

  push(value: number): void {
    if (this.length === this.data.length) {
      const grown = new Int32Array(this.length * 2 + 8);
      grown.set(this.data);
      this.data = grown;
    }
    this.data[this.length++] = value;
  }

  /** The entry at `index`, which must be below {@link length}. */
  at(index: number): number {
    return this.data[index]!;
  }

  /** The last entry; the list must not be empty. */
  top(): number {
    return this.data[this.length - 1]!;
  }

  /** Removes and returns the last entry; the list must not be empty. */
  pop(): number {
    return this.data[--this.length]!;
  }

  /** Memory held, in bytes. */
  get bytes(): number {
    return this.data.byteLength;
  }

  /** The entries, not copied. */
  save(): Int32Array {
    return this.data.subarray(0, this.length);
  }
  /** Takes over entries that were saved. */
  restore(entries: Int32Array): void {
    this.data = entries;
    this.length = entries.length;
  }
}

/** Small numbers, 0 to 255, collected one by one (@internal). */
export class ByteList {
  data: Uint8Array;
  length = 0;

  constructor(capacity = 16) {
    this.data = new Uint8Array(capacity);
  }

  push(value: number): void {
    if (this.length === this.data.length) {
      const grown = new Uint8Array(this.length * 2 + 8);
      grown.set(this.data);
      this.data = grown;
    }
    this.data[this.length++] = value;
  }

  at(index: number): number {
    return this.data[index]!;
  }

  get bytes(): number {
    return this.data.byteLength;
  }

  save(): Uint8Array {
    return this.data.subarray(0, this.length);
  }
  restore(entries: Uint8Array): void {
    this.data = entries;
    this.length = entries.length;
  }
}
