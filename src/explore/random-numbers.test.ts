import { describe, expect, test } from "vitest";
import { RandomNumbers } from "./random-numbers.ts";

const U32 = 0xffffffffn;
const rotl = (x: bigint, k: bigint): bigint => ((x << k) | (x >> (32n - k))) & U32;

/** xoshiro128** seeded by splitmix32, written down again in unbounded integers. */
function* reference(seed: number): Generator<number> {
  let x = BigInt(seed) & U32;
  const s = [0, 0, 0, 0].map(() => {
    x = (x + 0x9e3779b9n) & U32;
    let z = ((x ^ (x >> 16n)) * 0x21f0aaadn) & U32;
    z = ((z ^ (z >> 15n)) * 0x735a2d97n) & U32;
    return z ^ (z >> 15n);
  }) as [bigint, bigint, bigint, bigint];
  for (;;) {
    yield Number((rotl((s[1] * 5n) & U32, 7n) * 9n) & U32);
    const t = (s[1] << 9n) & U32;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 11n);
  }
}

describe("RandomNumbers", () => {
  test.each([0, 1, 2, 77, -1, 2 ** 31 - 1, 2 ** 32 + 5])("seed %s: as the paper has them", (seed) => {
    const random = new RandomNumbers(seed);
    const expected = reference(seed);
    for (let i = 0; i < 300; i++) expect(random.next()).toBe(expected.next().value);
  });

  test("below a bound, what would favour small numbers is left out", () => {
    for (const bound of [1, 2, 3, 1000, 2 ** 31, 2 ** 31 + 1, 3 * 2 ** 30, 2 ** 32]) {
      const [random, raw] = [new RandomNumbers(9), reference(9)];
      const limit = Math.floor(2 ** 32 / bound) * bound;
      for (let i = 0; i < 200; i++) {
        let x = raw.next().value as number;
        while (x >= limit) x = raw.next().value as number;
        expect(random.below(bound)).toBe(x % bound);
      }
    }
  });
});
