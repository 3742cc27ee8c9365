/** A lock in one word of shared memory (@internal); 0 is unlocked. (Drepper, "Futexes Are Tricky", 2011, the second mutex.) */
const [UNLOCKED, LOCKED, AWAITED] = [0, 1, 2];

export class Mutex {
  readonly #words: Int32Array;
  readonly #at: number;

  constructor(words: Int32Array, at: number) {
    this.#words = words;
    this.#at = at;
  }

  lock(): void {
    lock(this.#words, this.#at);
  }
  unlock(): void {
    unlock(this.#words, this.#at);
  }
}

/** Takes the lock in `words[at]`. */
export function lock(words: Int32Array, at: number): void {
  let was = Atomics.compareExchange(words, at, UNLOCKED, LOCKED);
  while (was !== UNLOCKED) {
    if (was === AWAITED || Atomics.compareExchange(words, at, LOCKED, AWAITED) !== UNLOCKED)
      Atomics.wait(words, at, AWAITED);
    was = Atomics.compareExchange(words, at, UNLOCKED, AWAITED);
  }
}

export function unlock(words: Int32Array, at: number): void {
  if (Atomics.exchange(words, at, UNLOCKED) === AWAITED) Atomics.notify(words, at, 1);
}
