/**
 * A small seeded generator (@internal): xoshiro128** (Blackman, Vigna, "Scrambled linear pseudorandom number
 * generators", 2018), its state filled by splitmix32. The same seed gives the same numbers on every machine, which is
 * all that replay needs.
 */
export class RandomNumbers {
  readonly #s = new Uint32Array(4);

  constructor(seed: number) {
    let x = seed | 0;
    for (let i = 0; i < 4; i++) {
      x = (x + 0x9e3779b9) | 0;
      let z = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      this.#s[i] = z ^ (z >>> 15);
    }
  }

  /** 32 random bits. */
  next(): number {
    const s = this.#s;
    const s1 = s[1]!;
    const five = Math.imul(s1, 5);
    const result = Math.imul((five << 7) | (five >>> 25), 9) >>> 0;
    s[2]! ^= s[0]!;
    s[3]! ^= s1;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= s1 << 9;
    s[3] = (s[3]! << 11) | (s[3]! >>> 21);
    return result;
  }

  /** A whole number from 0 to below `bound`, without the bias of a remainder. */
  below(bound: number): number {
    const limit = 0x1_0000_0000 - (0x1_0000_0000 % bound);
    for (;;) {
      const x = this.next();
      if (x < limit) return x % bound;
    }
  }
}
