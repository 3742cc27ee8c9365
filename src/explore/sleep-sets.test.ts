import { describe, expect, test } from "vitest";
import { prove } from "./prove.ts";
import { philosophers, randomToy, Toy, type ToyOp, type ToyTask } from "./toys.ts";

/** A law that always holds: nobody is put off then, so that contexts may sleep. */
const lawful = <T extends Toy>(program: T): T => Object.assign(program, { brokenInvariant: () => undefined });
const count = (times: number, word: number): ToyTask => ({
  ops: Array.from({ length: times }, (): ToyOp => ({ op: "add", word, value: 1 })),
});

describe("sleep sets", () => {
  test("two tasks that do not meet: every state, and one step into each", () => {
    const program = () => lawful(new Toy([count(3, 0), count(4, 1)], 2, { parts: true }));
    expect(prove(program())).toMatchObject({ states: 20, steps: 31 });
    expect(prove(program(), { reduce: true })).toMatchObject({ states: 20, steps: 19, reduced: 0, complete: true });
  });

  test("a loop is not put to sleep: it could be what goes on for ever", () => {
    const loop: ToyTask = {
      ops: [
        { op: "get", word: 0 },
        { op: "jump", to: 0 },
      ],
    };
    const program = () => lawful(new Toy([loop, count(1, 1)], 2, { parts: true }));
    const found = prove(program(), { reduce: true, find: "all" });
    expect(found.findings.map((f) => f.kind)).toEqual(["livelock"]);
    expect(found).toMatchObject({ steps: prove(program(), { find: "all" }).steps });
  });

  test("steps that change what the other looks at do not sleep", () => {
    const program = () => lawful(new Toy([count(2, 0), count(2, 0)], 1, { parts: true }));
    const [asleep, awake] = [prove(program(), { reduce: true }), prove(program())];
    expect(asleep.steps).toBe(awake.steps);
  });

  test("a program of more contexts than bits has none", () => {
    const tasks = Array.from({ length: 33 }, (_, i) => count(i < 2 ? 2 : 0, i % 2));
    const program = () => lawful(new Toy(tasks, 2, { parts: true }));
    expect(prove(program(), { reduce: true }).steps).toBe(prove(program()).steps);
  });

  test.each([
    ["sums", {}],
    ["exact states", { exact: true }],
  ])("1500 generated programs, %s: all is the same but for fewer steps", (_, options) => {
    let [awake, asleep] = [0, 0];
    for (let seed = 0; seed < 1500; seed++) {
      const program = () => lawful(randomToy(seed, { parts: true, deadSubset: seed % 3 === 0 }));
      const [all, some] = [false, true].map((reduce) => prove(program(), { find: "all", reduce, ...options }));
      const same = { steps: 0, bytes: 0 };
      expect({ ...some, ...same }, `seed ${seed}`).toEqual({ ...all, ...same });
      awake += all!.steps;
      asleep += some!.steps;
    }
    expect(asleep).toBeLessThan(awake * 0.97);
  });

  test("philosophers: all is the same but for fewer steps", () => {
    const program = () => lawful(Object.assign(philosophers(5), {}));
    const [all, some] = [false, true].map((reduce) => prove(program(), { find: "all", reduce }));
    expect({ ...some, steps: 0 }).toEqual({ ...all, steps: 0 });
  });
});
