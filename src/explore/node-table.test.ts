import { describe, expect, test } from "vitest";
import { type MemoryBudget, NodeTable } from "./node-table.ts";
import { RandomNumbers } from "./random-numbers.ts";

const unbounded = (): MemoryBudget => ({ limitBytes: Infinity, bytes: 0 });

describe("rows of words", () => {
  test.each([1, 2, 3, 8, 16])("of width %s are numbered as a map of texts would", (width) => {
    const budget = unbounded();
    const table = new NodeTable(width, budget);
    const other = new NodeTable(3, budget);
    const draw = new RandomNumbers(width);
    const known = new Map<string, number>();
    const source = new Int32Array(40);
    for (let i = 0; i < 1500; i++) {
      const from = draw.below(40 - width);
      for (let k = 0; k < width; k++) source[from + k] = draw.below(width === 1 ? 2000 : 5) - 2;
      const text = source.slice(from, from + width).join();
      const number = table.intern(source, from);
      expect([number, table.fresh]).toEqual([known.get(text) ?? known.size, !known.has(text)]);
      known.set(text, number);
    }
    expect(table.size).toBe(known.size);
    for (const [text, number] of known)
      expect(table.data.slice(number * width, (number + 1) * width).join()).toBe(text);
    expect(budget.bytes).toBe(table.bytes + other.bytes);
    expect(table.bytes).toBeGreaterThan(known.size * (width + 1) * 4);
    // half full at the least, but for the copy that is made while it grows
    expect(table.bytes).toBeLessThan(Math.max(64, known.size) * (width + 4) * 8);
  });

  test.each([1, 5])("of width %s: full, the table is still read, and takes no new row", (width) => {
    for (const limitBytes of [2_000, 6_000, 20_000]) {
      const budget = { limitBytes, bytes: 0 };
      const table = new NodeTable(width, budget);
      const source = new Int32Array(width);
      while (table.intern(source, 0) >= 0) source[width - 1]!++;
      const { size } = table;
      expect(size).toBe(source[width - 1]);
      expect(size).toBeGreaterThanOrEqual(64);
      expect(budget.bytes).toBe(table.bytes);
      expect(budget.bytes).toBeLessThanOrEqual(limitBytes);
      for (let n = 0; n < size; n++) {
        source[width - 1] = n;
        expect([table.intern(source, 0), table.fresh]).toEqual([n, false]);
      }
      source[width - 1] = size;
      expect([table.intern(source, 0), table.size]).toEqual([-1, size]);
    }
  });

  test("while it grows, the old and the new array count together", () => {
    const first = new NodeTable(4, unbounded());
    const begin = first.bytes;
    const rows = (limitBytes: number): number => {
      const table = new NodeTable(4, { limitBytes, bytes: 0 });
      const source = new Int32Array(4);
      while (source[0]! < 500 && table.intern(source, 0) >= 0) source[0]!++;
      return table.size;
    };
    // 64 rows fit before the first growth; it needs room for 96 rows of four words of four bytes beside what is there
    expect(rows(begin)).toBe(64);
    expect(rows(begin + 96 * 16 - 1)).toBe(64);
    expect(rows(begin + 96 * 16)).toBeGreaterThan(64);
  });
});
