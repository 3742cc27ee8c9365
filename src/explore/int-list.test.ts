import { describe, expect, test } from "vitest";
import { ByteList, IntList } from "./int-list.ts";

describe.each([
  ["IntList", (capacity?: number) => new IntList(capacity), 4],
  ["ByteList", (capacity?: number) => new ByteList(capacity), 1],
] as const)("%s", (_, make, width) => {
  test.each([undefined, 0, 1, 5])("keeps all that was pushed, from capacity %s", (capacity) => {
    const list = make(capacity);
    for (let i = 0; i < 200; i++) {
      list.push(i);
      expect(list.length).toBe(i + 1);
    }
    for (let i = 0; i < 200; i++) expect(list.at(i)).toBe(i);
    expect(list.bytes).toBe(list.data.length * width);
    expect(list.bytes).toBeGreaterThanOrEqual(200 * width);
    expect(list.bytes).toBeLessThan(200 * width * 3);
  });

  test("takes up its capacity before it grows", () => {
    const list = make(3);
    const { data } = list;
    for (let i = 0; i < 3; i++) list.push(7);
    expect(list.data).toBe(data);
    list.push(7);
    expect(list.data).not.toBe(data);
    expect([0, 1, 2, 3].map((at) => list.at(at))).toEqual([7, 7, 7, 7]);
  });
});

test("an IntList is a stack", () => {
  const list = new IntList();
  for (const n of [-3, 2 ** 31 - 1, 5]) list.push(n);
  expect(list.top()).toBe(5);
  expect([list.pop(), list.length, list.top()]).toEqual([5, 2, 2 ** 31 - 1]);
  list.push(9);
  expect([list.pop(), list.pop(), list.pop(), list.length]).toEqual([9, 2 ** 31 - 1, -3, 0]);
});
