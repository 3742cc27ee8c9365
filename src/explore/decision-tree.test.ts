import { describe, expect, test } from "vitest";
import { ModelError } from "../resumable/errors.ts";
import { DecisionTree } from "./decision-tree.ts";
import { IntList } from "./int-list.ts";
import { RandomNumbers } from "./random-numbers.ts";

const listOf = (...numbers: number[]): IntList => {
  const list = new IntList();
  for (const n of numbers) list.push(n);
  return list;
};

describe("a decision tree", () => {
  test("several roots in one tree do not see each other's leaves", () => {
    const slots = new Int32Array(2);
    const tree = new DecisionTree(slots);
    const first = tree.learn(0, listOf(0, 1), 4);
    const second = tree.learn(0, listOf(1), 5);
    expect(first).not.toBe(second);
    expect([tree.find(first), tree.find(second)]).toEqual([4, 5]);
    slots[1] = 1;
    expect([tree.find(first), tree.find(second)]).toEqual([-1, -1]);
    expect(tree.learn(first, listOf(0, 1), 0)).toBe(first);
    expect([tree.find(first), tree.find(second)]).toEqual([0, -1]);
  });

  test("an order that ends where a known one goes on contradicts it", () => {
    const slots = new Int32Array(3);
    const tree = new DecisionTree(slots);
    const root = tree.learn(0, listOf(0, 1, 2), 1);
    expect(() => tree.learn(root, listOf(0), 2)).toThrow(ModelError);
    expect(() => tree.learn(root, listOf(0, 1), 2)).toThrow(ModelError);
    expect(tree.find(root)).toBe(1);
  });

  test("one slot of thousands of values, negative ones too", () => {
    const slots = new Int32Array(1);
    const tree = new DecisionTree(slots);
    const draw = new RandomNumbers(5);
    const values = Array.from({ length: 4000 }, () => draw.next() | 0);
    let root = 0;
    values.forEach((value, i) => {
      slots[0] = value;
      root = tree.learn(root, listOf(0), i);
    });
    const found = values.map((value) => {
      slots[0] = value;
      return tree.find(root);
    });
    expect(found).toEqual(values.map((_, i) => i));
  });

  test("memory held never shrinks, and covers every edge", () => {
    const slots = new Int32Array(1);
    const tree = new DecisionTree(slots);
    let before = tree.bytes;
    expect(before).toBeGreaterThan(0);
    for (let i = 0; i < 1000; i++) {
      tree.learn(0, listOf(0), i);
      if (tree.bytes < before) throw new Error(`${tree.bytes} bytes after ${before}`);
      before = tree.bytes;
    }
    expect(before).toBeGreaterThan(1000 * 16);
  });
});
