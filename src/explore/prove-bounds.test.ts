import { describe, expect, test } from "vitest";
import { omissionProbability } from "./hashed-set.ts";
import { type ProveOptions, prove } from "./prove.ts";
import { replay } from "./schedule.ts";
import { abba, philosophers, randomToy, Toy, type ToyOp, type ToyOptions, type ToyTask } from "./toys.ts";
import type { Reducible, SearchCounts } from "./types.ts";

const set = (word: number, value = 1): ToyOp => ({ op: "set", word, value });
const forEver: ToyOp = { op: "jump", to: 0 };
const line = (length: number): ToyTask => ({ ops: Array.from({ length }, (_, n) => set(0, n + 1)) });
const own = (count: number, length: number, options: ToyOptions = {}): Toy =>
  new Toy(
    Array.from({ length: count }, (_, c) => ({ ops: Array.from({ length }, (__, n) => set(c, n + 1)) })),
    count,
    options,
  );

describe.each([
  ["steps run", {}, {}],
  ["steps learned", { parts: true }, {}],
  ["steps learned, exact states", { parts: true }, { exact: true }],
] as const)("a proof, %s", (_, toy, options) => {
  const all = (program: Reducible, more: ProveOptions = {}) => prove(program, { find: "all", ...options, ...more });

  test("counts states, steps, depth and states at rest", () => {
    expect(all(new Toy([line(5)], 1, toy))).toMatchObject({ states: 6, steps: 5, depth: 5, terminals: 1, reduced: 0 });
    expect(all(own(2, 3, toy))).toMatchObject({ states: 16, steps: 24, depth: 6, terminals: 1, executions: undefined });
    const ways = new Toy(
      [
        {
          ops: [
            { op: "choose", ways: 4 },
            { op: "put", word: 0 },
          ],
        },
      ],
      1,
      toy,
    );
    expect(all(ways)).toMatchObject({ states: 9, steps: 8, depth: 2, terminals: 4 });
  });

  test("as many states as there are may be allowed", () => {
    for (const maxStates of [1, 2, 15])
      expect(all(own(2, 3, toy), { maxStates })).toMatchObject({ stopped: "states", states: maxStates });
    expect(all(own(2, 3, toy), { maxStates: 16 })).toMatchObject({ complete: true, states: 16 });
  });

  test("memory counts the path beside the states, and bounds both", () => {
    const told: SearchCounts[] = [];
    const whole = all(new Toy([line(6_000)], 1, toy), {
      pollEvery: 1000,
      onProgress: (counts) => void told.push(counts),
    });
    expect(whole).toMatchObject({ complete: true, states: 6_001, depth: 6_000 });
    told.forEach((counts, i) => {
      expect(counts).toMatchObject({ steps: 1000 * (i + 1), states: 1000 * (i + 1), executions: undefined });
      // a number, a lowest place, a flag and two words of choices for each state on the path, beside its own
      expect(counts.bytes).toBeGreaterThan(counts.states! * (4 + 4 + 1 + 8 + 12));
    });
    const half = all(new Toy([line(6_000)], 1, toy), { memoryBytes: whole.bytes >> 1 });
    expect(half).toMatchObject({ complete: false, stopped: "memory" });
    expect(half.states).toBeGreaterThan(1000);
    expect(half.states).toBeLessThan(6_000);
    expect(all(new Toy([line(6_000)], 1, toy), { memoryBytes: whole.bytes * 3 })).toMatchObject({ complete: true });
  });

  test("the schedule of a finding deep on the path is the path", () => {
    const ops = [...Array.from({ length: 200 }, () => set(0)), { op: "fail", message: "boom" } as const];
    const { finding } = all(new Toy([{ ops }, { ops: [set(1)] }], 2, toy));
    expect(finding).toMatchObject({ kind: "invariant", message: "boom", contexts: [0] });
    expect(finding!.schedule.length).toBe(201);
    expect(replay(new Toy([{ ops }, { ops: [set(1)] }], 2), finding!.schedule)).toMatchObject({ ok: true, steps: 201 });
  });

  test("a loop that an error leaves is no place to stay", () => {
    const ops: ToyOp[] = [
      { op: "choose", ways: 2 },
      { op: "jumpIf", value: 0, to: 0 },
      { op: "fail", message: "out" },
    ];
    expect(all(new Toy([{ ops }], 1, toy)).findings.map((f) => f.message)).toEqual(["out"]);
  });

  test("a loop that leads into another one is left; the last is the fault, once", () => {
    const ops: ToyOp[] = [
      { op: "choose", ways: 2 },
      { op: "jumpIf", value: 0, to: 0 },
      set(0),
      { op: "get", word: 0 },
      { op: "jump", to: 3 },
    ];
    const { findings } = all(new Toy([{ ops }], 1, toy));
    expect(findings.map((f) => [f.kind, f.cycle.map((s) => s.position)])).toEqual([
      ["livelock", ["3:get 0", "4:jump 3"]],
    ]);
    expect(findings[0]!.schedule.length).toBe(3);
  });

  test("a law is looked at in every state, and a dead subset at the step that completes it", () => {
    const law = all(new Toy([{ ops: [set(0, 2), set(0, 3)] }, { ops: [set(1, 2)] }], 2, { ...toy, atMost: 1 }));
    expect(new Set(law.findings.map((f) => `${f.message} by ${f.contexts}`))).toEqual(
      new Set(["word 0 is above 1 by 0", "word 1 is above 1 by 1", "word 0 is above 1 by 1"]),
    );
    const idle = { ops: [forEver], idle: true };
    const dead = prove(new Toy([...abba().tasks, idle], 2, { ...toy, deadSubset: true }), options);
    expect(dead.finding).toMatchObject({ kind: "dead-subset", contexts: [0, 1] });
    expect(dead.finding!.schedule.filter((s) => s.context !== "task/2").length).toBe(2);
    const first = Object.assign(new Toy([...abba().tasks, idle], 2, toy), { deadSubset: () => [1] });
    // who can step is not blocked: nothing is asked
    expect(prove(first, { ...options, maxSteps: 0 }).finding).toBeUndefined();
  });

  test("stops at the first fault, with the words put back", () => {
    const program = philosophers(4);
    const learned = Object.assign(program, "parts" in toy ? { parts: partsOf(program) } : {});
    expect(prove(learned, options)).toMatchObject({ stopped: "finding", findings: [{ kind: "deadlock" }] });
    expect(program.words).toEqual(new Int32Array(12));
    const throws = Object.assign(own(1, 2, toy), {
      step: () => {
        throw "no error";
      },
    });
    expect(() => prove(throws, options)).toThrow("no error");
    expect(throws.words).toEqual(new Int32Array(3));
  });
});

function partsOf(program: Toy) {
  return {
    starts: Int32Array.from({ length: program.words.length + 1 }, (_, word) => word),
    own: program.tasks.map((_, c) => [c * 2, c * 2 + 1]),
  };
}

describe("how likely a state was missed", () => {
  test("is said where states are told apart by sums, and nothing where they are whole", () => {
    const sums = prove(own(2, 9, { parts: true }));
    expect(sums.omission).toBe(omissionProbability(sums.states));
    expect(sums.omission).toBeGreaterThan(0);
    expect(prove(own(2, 9, { parts: true }), { exact: true }).omission).toBe(0);
    expect(prove(own(2, 9)).omission).toBe(0);
  });
});

describe("a reduced proof", () => {
  test("lets tasks alone that nobody meets, one after the other", () => {
    for (const parts of [false, true]) {
      const program = own(3, 4, { parts });
      expect(prove(program, { find: "all" })).toMatchObject({ states: 125, reduced: 0 });
      const reduced = prove(program, { find: "all", reduce: true });
      expect(reduced).toMatchObject({ complete: true, states: 13, steps: 12, terminals: 1 });
      expect(reduced.reduced).toBeGreaterThan(7);
    }
  });

  test("leaves out nothing where there are laws: those speak of every state", () => {
    for (const parts of [false, true]) {
      const program = own(2, 3, { parts, atMost: 9 });
      expect(prove(program, { find: "all", reduce: true })).toMatchObject({ states: 16, reduced: 0 });
    }
  });

  test("does not let one who spins keep the others out for ever", () => {
    for (const parts of [false, true]) {
      const spins: ToyOp[] = [set(0), set(0, 2), { op: "jump", to: 0 }];
      const fails: ToyOp[] = [set(1), { op: "fail", message: "behind the spinner" }];
      const program = new Toy([{ ops: spins }, { ops: fails }], 2, { parts });
      expect(prove(program, { find: "all", reduce: true }).findings.map((f) => f.message)).toContain(
        "behind the spinner",
      );
    }
  });

  test("begins again when a step shows up that no random walk is likely to meet", () => {
    // one of 3^12 ways through the choices writes what the other task looks at first
    const choices = Array.from({ length: 12 }, (_, n): ToyOp[] => [
      { op: "choose", ways: 3 },
      { op: "jumpIf", value: 2, to: 3 * n + 3 },
      { op: "jump", to: 99 },
    ]);
    const looks: ToyOp[] = [
      { op: "get", word: 0 },
      { op: "jumpIf", value: 1, to: 3 },
      { op: "jump", to: 99 },
      { op: "fail", message: "saw it" },
    ];
    const tasks = [{ ops: [...choices.flat(), set(0)] }, { ops: looks }];
    for (const exact of [false, true]) {
      const found = prove(new Toy(tasks, 1, { parts: true }), { find: "all", reduce: true, exact });
      expect(found.findings.map((f) => f.message)).toEqual(["saw it"]);
      expect(found.complete).toBe(true);
      expect(found.states).toBeLessThanOrEqual(prove(new Toy(tasks, 1), { find: "all" }).states);
    }
  });

  test("finds the faults that a whole one finds, and no more states", () => {
    let fewer = 0;
    for (let seed = 3000; seed < 3060; seed++) {
      const whole = prove(randomToy(seed), { find: "all" });
      const reduced = prove(randomToy(seed, { parts: true }), { find: "all", reduce: true });
      const where = `seed ${seed}`;
      expect([...reduced.deadlocks].sort(), where).toEqual([...whole.deadlocks].sort());
      expect([...reduced.ends].sort(), where).toEqual([...whole.ends].sort());
      expect(new Set(reduced.findings.map((f) => f.kind)), where).toEqual(new Set(whole.findings.map((f) => f.kind)));
      expect(reduced.states, where).toBeLessThanOrEqual(whole.states);
      if (reduced.states < whole.states) fewer++;
      expect(reduced.complete && whole.complete, where).toBe(true);
    }
    expect(fewer).toBeGreaterThan(10);
  });
});
