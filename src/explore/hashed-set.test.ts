import { describe, expect, test } from "vitest";
import { HashedSet, omissionProbability } from "./hashed-set.ts";

describe("a set of sums", () => {
  test("sums that differ in one lane only are different", () => {
    const set = new HashedSet();
    const sums = [0, 1, 2, 3].map((lane) => Int32Array.from({ length: 4 }, (_, i) => (i === lane ? -1 : 0)));
    const none = new Int32Array(4);
    expect([none, ...sums].map((sum) => set.intern(sum))).toEqual([0, 1, 2, 3, 4]);
    expect(set.fresh).toBe(true);
    expect([...sums, none].map((sum) => set.intern(sum))).toEqual([1, 2, 3, 4, 0]);
    expect(set.fresh).toBe(false);
    expect(set.size).toBe(5);
  });

  test("keeps its numbers while it grows", () => {
    const set = new HashedSet();
    const sum = new Int32Array(4);
    const intern = (_: unknown, i: number): number => {
      sum.set([Math.imul(i, 0x9e3779b1), Math.imul(i, 0x85ebca6b), i >> 4, i % 7]);
      return set.intern(sum);
    };
    const begin = set.bytes;
    const numbers = Array.from({ length: 20_000 }, (_, i) => i);
    expect(numbers.map(intern)).toEqual(numbers);
    expect(numbers.map(intern)).toEqual(numbers);
    expect(set.size).toBe(20_000);
    expect(set.bytes).toBeGreaterThanOrEqual(20_000 * 16);
    expect(set.bytes).toBeGreaterThan(begin);
  });

  test("full, it still knows what it has and takes nothing new", () => {
    const { bytes } = new HashedSet();
    expect(new HashedSet(bytes - 1).intern(new Int32Array(4))).toBe(-1);
    const set = new HashedSet(bytes);
    const sum = new Int32Array(4);
    while (set.intern(sum) >= 0) sum[2]!++;
    expect(set.fresh).toBe(false);
    expect(set.size).toBe(sum[2]);
    expect(set.size).toBeGreaterThan(10);
    expect(set.bytes).toBeLessThanOrEqual(bytes);
    expect(set.intern(sum)).toBe(-1);
    sum[2] = 3;
    expect([set.intern(sum), set.fresh]).toEqual([3, false]);
  });
});

test("the probability that a state was missed is that of two equal ones among all pairs of sums", () => {
  expect(omissionProbability(2) * 2 ** 128).toBe(1);
  expect(omissionProbability(5) * 2 ** 128).toBe(10);
});
