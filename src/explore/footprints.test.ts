import { describe, expect, test } from "vitest";
import { prove } from "./prove.ts";
import { Toy, type ToyOp, type ToyTask } from "./toys.ts";

const sorted = (set: ReadonlySet<string>) => [...set].sort();
const lock = (mutex: number): ToyOp => ({ op: "lock", mutex });
const unlock = (mutex: number): ToyOp => ({ op: "unlock", mutex });
const add = (word: number): ToyOp => ({ op: "add", word, value: 1 });
const toy = (tasks: readonly ToyTask[], words: number): Toy => new Toy(tasks, words, { parts: true });

describe("footprints", () => {
  test("contexts that share nothing run one after the other", () => {
    const tasks = Array.from({ length: 5 }, (_, c) => ({ ops: [add(c), add(c), add(c)] }));
    expect(prove(toy(tasks, 5), { find: "all" }).states).toBe(4 ** 5);
    const reduced = prove(toy(tasks, 5), { find: "all", reduce: true });
    expect(reduced).toMatchObject({ states: 16, complete: true, terminals: 1 });
  });

  test("what was shared and is not any more leaves nobody waiting for the others", () => {
    // a lock each takes once, then work of its own
    const tasks = Array.from({ length: 3 }, (_, c) => ({ ops: [lock(0), unlock(0), add(c + 1), add(c + 1)] }));
    const all = prove(toy(tasks, 4), { find: "all" });
    const reduced = prove(toy(tasks, 4), { find: "all", reduce: true });
    expect(reduced.states).toBeLessThan(all.states / 2);
    expect(sorted(reduced.ends)).toEqual(sorted(all.ends));
  });

  test("a reader is put off only where nobody may write what it reads", () => {
    const reader = {
      ops: [
        { op: "get", word: 0 },
        { op: "put", word: 1 },
      ],
    } as ToyTask;
    const writer = { ops: [{ op: "set", word: 0, value: 1 }] } as ToyTask;
    for (const tasks of [
      [reader, writer],
      [reader, reader],
      [writer, reader, writer],
    ]) {
      const all = prove(toy(tasks, 2), { find: "all" });
      const reduced = prove(toy(tasks, 2), { find: "all", reduce: true });
      expect(sorted(reduced.ends)).toEqual(sorted(all.ends));
    }
  });

  test("one who waits is joined by all who may end its wait", () => {
    const waiter = { ops: [lock(0), { op: "wait", word: 2, value: 1 }, lock(1)] } as ToyTask;
    const helper = { ops: [add(3), lock(1), { op: "set", word: 2, value: 1 }, lock(0)] } as ToyTask;
    const all = prove(toy([waiter, helper], 4), { find: "all" });
    const reduced = prove(toy([waiter, helper], 4), { find: "all", reduce: true });
    expect(all.deadlocks.size).toBeGreaterThan(0);
    expect(sorted(reduced.deadlocks)).toEqual(sorted(all.deadlocks));
  });

  test("a way that random runs do not meet makes the search begin again", () => {
    // one choice in 5,000 takes the locks the other way round
    const rare: ToyOp[] = [
      { op: "choose", ways: 5000 },
      { op: "jumpIf", value: 4711, to: 4 },
      add(2),
      { op: "jump", to: 8 },
      lock(1),
      lock(0),
      unlock(0),
      unlock(1),
    ];
    const program = (): Toy => toy([{ ops: rare }, { ops: [lock(0), lock(1), unlock(1), unlock(0)] }], 3);
    const all = prove(program(), { find: "all" });
    const reduced = prove(program(), { find: "all", reduce: true });
    expect(all.deadlocks.size).toBe(1);
    expect(sorted(reduced.deadlocks)).toEqual(sorted(all.deadlocks));
    expect(sorted(reduced.ends)).toEqual(sorted(all.ends));
    expect(reduced.reduced).toBeGreaterThan(1000);
    // what was searched before it began again is counted as steps, not as states
    expect(reduced.states).toBeLessThan(all.states);
    expect(reduced.steps).toBeGreaterThan(reduced.states + 1000);
  });

  test("a test that looks further in rare cases only is reckoned with", () => {
    // the waiter sees word 1 set, as the other clears it under the lock only; but in one case of 16,384 without the lock,
    // and then it looks at word 2 for the first time
    const set = (word: number, value: number): ToyOp => ({ op: "set", word, value });
    const waiter: ToyOp[] = [set(1, 1), lock(0), { op: "waitAny", word: 1, other: 2, value: 1 }];
    const after: ToyOp[] = [{ op: "get", word: 1 }, { op: "put", word: 3 }, unlock(0)];
    const coins = Array.from({ length: 14 }, (): ToyOp[] => [
      { op: "choose", ways: 2 },
      { op: "jumpIf", value: 0, to: 30 },
    ]);
    const locked: ToyOp[] = [lock(0), set(1, 0), set(1, 1), unlock(0)];
    const clearer: ToyOp[] = [...coins.flat(), set(1, 0), { op: "jump", to: 34 }, ...locked];
    const pulse = [set(2, 1), set(2, 0)];
    const program = (): Toy => toy([{ ops: [...waiter, ...after] }, { ops: clearer }, { ops: pulse }], 4);
    const all = prove(program(), { find: "all" });
    const reduced = prove(program(), { find: "all", reduce: true });
    expect(sorted(reduced.deadlocks)).toEqual(sorted(all.deadlocks));
    expect(sorted(reduced.ends)).toEqual(sorted(all.ends));
    expect(reduced.states).toBeLessThan(all.states);
  });

  test("a cycle is left by everybody once", () => {
    // alone, the first would go round for ever, and the deadlock of the others would not be met
    const round = { ops: [add(2), { op: "jump", to: 0 }], idle: true } as ToyTask;
    const tasks = [round, { ops: [lock(0), lock(1)] }, { ops: [lock(1), lock(0)] }];
    const reduced = prove(toy(tasks, 3), { find: "all", reduce: true });
    expect(reduced.findings).toContainEqual(expect.objectContaining({ kind: "dead-subset", contexts: [1, 2] }));
    expect(reduced.reduced).toBeGreaterThan(0);
  });

  test("laws and livelocks with exits turn it off", () => {
    const tasks = [{ ops: [add(0)] }, { ops: [add(1)] }];
    const lawful = new Toy(tasks, 2, { parts: true, atMost: 3 });
    expect(prove(lawful, { reduce: true })).toMatchObject({ states: 4, reduced: 0 });
    expect(prove(toy(tasks, 2), { reduce: true, livelocks: "fair" })).toMatchObject({ states: 4, reduced: 0 });
    expect(prove(toy(tasks, 2), { reduce: true })).toMatchObject({ states: 3, reduced: 1 });
  });
});
