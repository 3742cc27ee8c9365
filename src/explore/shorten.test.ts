import { describe, expect, test } from "vitest";
import { random } from "./random.ts";
import { replay } from "./schedule.ts";
import { abba, randomToy, Toy, type ToyOp } from "./toys.ts";
import type { Fault, Reducible, ScheduleStep } from "./types.ts";
import { irreversible, type StillFails, sameFault, sameState, shorten } from "./witness.ts";

const set = (word: number, value: number): ToyOp => ({ op: "set", word, value });
const forEver: ToyOp = { op: "jump", to: 0 };
/** Steps of `task/0`, `task/1` and so on. */
const steps = (contexts: string): ScheduleStep[] =>
  [...contexts].map((c) => ({ context: `task/${c}`, way: 0, position: "" }));
const line = (schedule: readonly ScheduleStep[]): string =>
  schedule.map((step) => step.context.replace("task/", "")).join("");
const counters = (count: number, length: number): Toy =>
  new Toy(
    Array.from({ length: count }, (_, c) => ({ ops: Array.from({ length }, (__, n) => set(c, n + 1)) })),
    count,
  );
/** Fails once each of these words is at least so high. */
const reached =
  (...least: readonly number[]): StillFails =>
  (program) =>
    least.every((value, word) => program.words[program.contexts * 2 + word]! >= value);

/** All schedules of a counting program that end in the failure, best first: fewest tasks, then steps, then switches. */
const measure = (text: string): number[] => [
  new Set(text).size,
  text.length,
  [...text].filter((c, i) => i > 0 && c !== text[i - 1]).length,
];

describe("shorten", () => {
  test("who has no part in the failure goes, with all steps", () => {
    const long = steps("2012021102");
    expect(line(shorten(counters(3, 5), long, reached(2, 0, 0)))).toBe("00");
    expect(line(shorten(counters(3, 5), long, reached(0, 1, 3)))).toBe("2221");
  });

  test("who has no part goes even where none of its steps could be spared alone", () => {
    const lock = { op: "lock", mutex: 2 } as const;
    const unlock = { op: "unlock", mutex: 2 } as const;
    const noise = [lock, { op: "wait", word: 0, value: 1 } as const, unlock];
    const program = (): Toy => new Toy([{ ops: noise }, { ops: [set(0, 1), lock, set(0, 2)] }], 3);
    expect(line(shorten(program(), steps("010011"), reached(2)))).toBe("111");
  });

  test("detours of one context are left out", () => {
    const ops: ToyOp[] = [{ op: "choose", ways: 2 }, { op: "jumpIf", value: 0, to: 0 }, set(0, 1)];
    const take = (...ways: number[]): ScheduleStep[] => ways.map((way) => ({ context: "task/0", way, position: "" }));
    const short = shorten(new Toy([{ ops }], 1), take(0, 0, 0, 0, 0, 0, 1, 0, 0), reached(1));
    expect(short.map((step) => step.way)).toEqual([1, 0, 0]);
  });

  test("where a run cannot be moved up, the one before is moved down to it", () => {
    const first = { ops: [set(0, 1), { op: "wait", word: 1, value: 1 } as const, set(0, 2)] };
    const program = (): Toy => new Toy([first, { ops: [set(1, 1)] }], 2);
    expect(line(shorten(program(), steps("0100"), reached(2)))).toBe("1000");
  });

  test("cuts where it fails first, and gives the steps their true positions", () => {
    const short = shorten(counters(1, 5), steps("00000"), reached(3));
    expect(short.map((step) => step.position)).toEqual(["0:set 0 1", "1:set 0 2", "2:set 0 3"]);
    expect(shorten(counters(1, 5), steps("00"), () => true)).toEqual([]);
  });

  test("steps of one context are moved together, up or down", () => {
    const long = steps("0101010101");
    expect(measure(line(shorten(counters(2, 5), long, reached(5, 5))))).toEqual([2, 10, 1]);
    // the second needs the first's first step, the first's second needs the second's
    const needs = (): Toy =>
      new Toy(
        [
          { ops: [set(0, 1), { op: "wait", word: 1, value: 1 }, set(0, 2)] },
          { ops: [{ op: "wait", word: 0, value: 1 }, set(1, 1)] },
          { ops: [set(2, 1), set(2, 2)] },
        ],
        3,
      );
    const short = shorten(needs(), steps("2011200"), reached(2, 1, 2));
    expect(measure(line(short))).toEqual([3, 7, 3]);
    expect(replay(needs(), short)).toMatchObject({ ok: true });
  });

  test("steps that cannot be taken are left out, also of contexts that there are not, and in ways that there are not", () => {
    const chooses = (): Toy =>
      new Toy(
        [
          {
            ops: [
              { op: "choose", ways: 2 },
              { op: "put", word: 0 },
            ],
          },
        ],
        1,
      );
    const given: ScheduleStep[] = [
      { context: "nobody", way: 0, position: "" },
      { context: "task/0", way: 2, position: "" },
      { context: "task/0", way: 1, position: "" },
      { context: "task/0", way: 0, position: "" },
      { context: "task/0", way: 0, position: "" },
    ];
    expect(shorten(chooses(), given, reached(1))).toEqual([
      { context: "task/0", way: 1, position: "0:choose 2" },
      { context: "task/0", way: 0, position: "1:put 0" },
    ]);
  });

  test("an error that is not the failure ends a candidate, and one that is may end a schedule", () => {
    const program = (): Toy =>
      new Toy([{ ops: [set(0, 1), { op: "fail", message: "boom" }] }, { ops: [set(1, 1), set(1, 2)] }], 2);
    const fault: Fault = { kind: "invariant", contexts: [0], message: "boom" };
    expect(line(shorten(program(), steps("1010"), sameFault(fault)))).toBe("00");
    const long = steps("0010");
    expect(shorten(program(), long, reached(0, 1))).toBe(long);
    const thrower = Object.assign(program(), {
      step: () => {
        throw "no error";
      },
    });
    expect(() => shorten(thrower, long, reached(0, 1))).toThrow("no error");
    expect(thrower.words).toEqual(new Int32Array(6));
  });

  test("nothing that is dropped later can be dropped from the result", () => {
    for (let seed = 0; seed < 60; seed++) {
      const options = { deadSubset: seed % 2 === 0 };
      const found = random(randomToy(seed, options), { seed, maxExecutions: 30, maxDepth: 100 }).finding;
      if (found === undefined) continue;
      const fails = sameFault(found);
      const short = shorten(randomToy(seed, options), found.schedule, fails);
      for (let at = 0; at < short.length; at++) {
        const program: Reducible = randomToy(seed, options);
        const less = short.filter((_, i) => i !== at);
        const again = shorten(program, less, fails);
        expect(again === less || again.length >= short.length, `seed ${seed} without step ${at}`).toBe(true);
      }
    }
  });

  test("takes no more steps than it was given, and keeps the best by then", () => {
    const long = steps("01".repeat(20));
    const take = (maxSteps: number) => {
      const program = counters(2, 20);
      let taken = 0;
      const step = program.step.bind(program);
      const counted = Object.assign(program, {
        step: (c: number, way: number) => {
          taken++;
          step(c, way);
        },
      });
      const short = shorten(counted, long, reached(7, 7), { maxSteps });
      return { short, taken };
    };
    // not even one run to the failure
    expect(take(12).short).toBe(long);
    for (const maxSteps of [14, 50, 100, 300]) {
      const { short, taken } = take(maxSteps);
      // naming the steps of the result runs them once more
      expect(taken).toBeLessThanOrEqual(maxSteps + short.length);
      expect(short.length).toBe(14);
    }
    expect(measure(line(take(10_000).short))).toEqual([2, 14, 1]);
  });
});

describe("what a failure is", () => {
  const deadlock = (): Toy => {
    const program = abba({ deadSubset: true });
    program.step(0, 0);
    program.step(1, 0);
    return program;
  };
  const done = new Toy([{ ops: [] }], 1);

  test("a deadlock: nothing can step and somebody is stuck", () => {
    const fails = sameFault({ kind: "deadlock", contexts: [9], message: "other" });
    expect(fails(deadlock(), undefined)).toBe(true);
    expect(fails(deadlock(), new Error("boom"))).toBe(false);
    expect(fails(abba(), undefined)).toBe(false);
    expect(fails(done, undefined)).toBe(false);
  });

  test("a dead subset: the program tells one", () => {
    const fails = sameFault({ kind: "dead-subset", contexts: [9], message: "other" });
    expect(fails(deadlock(), undefined)).toBe(true);
    expect(fails(deadlock(), new Error("boom"))).toBe(false);
    expect(fails(abba({ deadSubset: true }), undefined)).toBe(false);
  });

  test("a broken law or an error: the same message", () => {
    const fails = sameFault({ kind: "invariant", contexts: [9], message: "word 0 is above 1" });
    const program = new Toy([{ ops: [set(0, 2)] }], 1, { atMost: 1 });
    expect(fails(program, undefined)).toBe(false);
    program.step(0, 0);
    expect(fails(program, undefined)).toBe(true);
    expect(fails(program, new Error("boom"))).toBe(false);
    expect(fails(done, new Error("word 0 is above 1"))).toBe(true);
    expect(fails(done, undefined)).toBe(false);
  });

  test("a state: every word as it was then", () => {
    const there = deadlock();
    const fails = sameState(there.words);
    there.words[0] = 9;
    expect(fails(deadlock(), undefined)).toBe(true);
    expect(fails(there, undefined)).toBe(false);
    expect(fails(deadlock(), new Error("boom"))).toBe(false);
  });
});

describe("the step that cannot be undone", () => {
  const schedule: ScheduleStep[] = ["fault", "flusher"].map((context) => ({ context, way: 0, position: "" }));

  test("is before the first where the first state is dead already", () => {
    const program = Object.assign(abba(), { deadSubset: () => [1] });
    expect(irreversible(program, schedule)).toEqual({ at: -1, contexts: [1] });
    expect(irreversible(program, [])).toEqual({ at: -1, contexts: [1] });
  });

  test("is unknown where a step throws before, or is of nobody; other than errors are passed on", () => {
    const fails = new Toy([{ ops: [{ op: "fail", message: "boom" }] }], 1, { deadSubset: true });
    expect(irreversible(fails, steps("0"))).toBeUndefined();
    expect(fails.words).toEqual(new Int32Array(3));
    expect(irreversible(abba({ deadSubset: true }), steps("7"))).toBeUndefined();
    const thrower = Object.assign(abba(), {
      step: () => {
        thrower.words[0] = 3;
        throw "no error";
      },
    });
    expect(() => irreversible(thrower, schedule)).toThrow("no error");
    expect(thrower.words).toEqual(new Int32Array(6));
  });

  test("leaves the words as they were, and keeps its own list", () => {
    const contexts = [0];
    const idle = { ops: [forEver], idle: true };
    const program = new Toy([...abba().tasks, idle], 2, { deadSubset: true });
    const noisy = [
      { context: "task/2", way: 0, position: "" },
      ...schedule,
      { context: "task/2", way: 0, position: "" },
    ];
    expect(irreversible(program, noisy)).toEqual({ at: 2, contexts: [0, 1] });
    expect(program.words).toEqual(new Int32Array(8));
    const told = irreversible(Object.assign(abba(), { deadSubset: () => contexts }), []);
    contexts.push(1);
    expect(told).toEqual({ at: -1, contexts: [0] });
  });
});
