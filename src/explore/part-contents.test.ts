import { describe, expect, test } from "vitest";
import { mixInto, PartContents } from "./part-contents.ts";
import { RandomNumbers } from "./random-numbers.ts";

const sumsOf = (contents: PartContents, number: number): number[] =>
  [0, 1, 2, 3].map((lane) => contents.sumOf(number, lane));

describe("contents of a part", () => {
  test("are numbered by their words as a map of texts would, wherever they lie", () => {
    const draw = new RandomNumbers(2);
    const contents = new PartContents(1);
    const known = new Map<string, number>();
    const words = new Int32Array(12);
    for (let i = 0; i < 1500; i++) {
      const from = draw.below(8);
      words.forEach((_, at) => {
        words[at] = draw.below(5) - 1;
      });
      const text = words.slice(from, from + 4).join();
      const number = contents.intern(words, from, from + 4);
      expect(number).toBe(known.get(text) ?? known.size);
      known.set(text, number);
      words.fill(8);
      contents.put(number, words, from, from + 4);
      expect(words.slice(from, from + 4).join()).toBe(text);
      expect(words.filter((word) => word === 8).length).toBe(8);
    }
    expect(contents.size).toBe(known.size);
    expect(known.size).toBeGreaterThan(300);
  });

  test("trailing zeros do not count, not even where nothing but zeros are before", () => {
    const contents = new PartContents(0);
    const words = Int32Array.of(0, 0, 0, 1, 2, 0, 0, 9);
    expect(contents.intern(words, 1, 3)).toBe(0);
    expect(contents.intern(words, 1, 2)).toBe(0);
    expect(contents.intern(words, 3, 5)).toBe(1);
    expect(contents.intern(words, 3, 7)).toBe(1);
    expect(contents.size).toBe(2);
    contents.put(0, words, 3, 7);
    expect([...words]).toEqual([0, 0, 0, 0, 0, 0, 0, 9]);
  });

  test("differ in every lane of their sums, by words and by place", () => {
    const draw = new RandomNumbers(4);
    const lanes = [0, 1, 2, 3].map(() => new Set<number>());
    let count = 0;
    for (let place = 0; place < 4; place++) {
      const contents = new PartContents(place);
      const words = new Int32Array(4);
      for (let i = 0; i < 500; i++) {
        words[draw.below(4)] = draw.below(6);
        const number = contents.intern(words, 0, 4);
        sumsOf(contents, number).forEach((sum, lane) => void lanes[lane]!.add(sum));
      }
      count += contents.size;
    }
    expect(lanes.map((sums) => sums.size)).toEqual([count, count, count, count]);
    const contents = new PartContents(0);
    expect(new Set(sumsOf(contents, contents.intern(Int32Array.of(1, 2), 0, 2))).size).toBe(4);
  });

  test("the sum is one of the contents alone, not of what lies beside them", () => {
    const [a, b] = [new PartContents(6), new PartContents(6)];
    a.intern(Int32Array.of(5, 5), 0, 2);
    const one = a.intern(Int32Array.of(1, 2, 0, 7), 0, 3);
    const other = b.intern(Int32Array.of(3, 1, 2, 9), 1, 3);
    expect([one, other]).toEqual([1, 0]);
    expect(sumsOf(a, one)).toEqual(sumsOf(b, other));
  });

  test("stay apart where the first lane of their sums is the same", () => {
    // by the birthday bound two rows agree in 32 bits after some hundred thousand, whatever the sum is made of
    const contents = new PartContents(3);
    const words = new Int32Array(2);
    const bySum = new Map<number, number>();
    const row = (i: number): void => words.set([(i % 1000) + 1, (i / 1000 + 1) | 0]);
    let twin: number | undefined;
    let i = 0;
    for (; i < 1_000_000 && twin === undefined; i++) {
      row(i);
      const sum = contents.sumOf(contents.intern(words, 0, 2), 0);
      twin = bySum.get(sum);
      bySum.set(sum, i);
    }
    const twins = words.slice();
    row(twin!);
    const again = new PartContents(3);
    expect([again.intern(twins, 0, 2), again.intern(words, 0, 2)]).toEqual([0, 1]);
    expect([again.intern(twins, 0, 2), again.intern(words, 0, 2)]).toEqual([0, 1]);
    expect(again.sumOf(0, 0)).toBe(again.sumOf(1, 0));
    expect(sumsOf(again, 0)).not.toEqual(sumsOf(again, 1));
  });
});

describe("what one word contributes to a sum", () => {
  test("is four lanes at its place, and can be taken away again", () => {
    const into = new Int32Array(12);
    mixInto(into, 4, 2, 77, 1);
    expect([...into.slice(0, 4), ...into.slice(8)]).toEqual(new Array(8).fill(0));
    expect(new Set(into.slice(4, 8)).size).toBe(4);
    const first = into.slice();
    mixInto(into, 4, 3, -5, 1);
    mixInto(into, 4, 2, 77, -1);
    mixInto(into, 4, 2, 77, 1);
    mixInto(into, 4, 3, -5, -1);
    expect(into).toEqual(first);
  });

  test("differs in every lane by place and by value", () => {
    const lanes = [0, 1, 2, 3].map(() => new Set<number>());
    for (let place = 0; place < 40; place++)
      for (let value = -20; value < 20; value++) {
        const into = new Int32Array(4);
        mixInto(into, 0, place, value, 1);
        into.forEach((sum, lane) => void lanes[lane]!.add(sum));
      }
    expect(lanes.map((sums) => sums.size)).toEqual([1600, 1600, 1600, 1600]);
  });
});
