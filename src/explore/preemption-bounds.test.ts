import { describe, expect, test } from "vitest";
import { type PreemptionOptions, provePreemptions } from "./preemptions.ts";
import { prove } from "./prove.ts";
import { replay } from "./schedule.ts";
import { abba, philosophers, Toy, type ToyOp } from "./toys.ts";
import type { SearchCounts } from "./types.ts";

const set = (word: number, value = 1): ToyOp => ({ op: "set", word, value });
/** Fails when the first task is stopped so many times and the second one time less, each right before it looks. */
function pingPong(rounds: number): Toy {
  const first: ToyOp[] = [];
  const second: ToyOp[] = [];
  for (let n = 1; n <= rounds; n++) {
    const look = (word: number, at: number): ToyOp[] => [
      { op: "get", word },
      { op: "jumpIf", value: n, to: at + 3 },
      { op: "jump", to: 100 },
    ];
    first.push(set(0, n), ...look(1, first.length + 1));
    second.push(...look(0, second.length), set(1, n));
  }
  return new Toy([{ ops: [...first, { op: "fail", message: "met" }] }, { ops: second }], 2);
}

describe("a search in the order of preemptions", () => {
  test("what needs so many preemptions is met at that bound, not below", () => {
    for (const rounds of [1, 2, 3]) {
      const needed = 2 * rounds - 1;
      const found = [0, 1, 2, 3, 4, 5, 6].map((maxPreemptions) =>
        provePreemptions(pingPong(rounds), { maxPreemptions }),
      );
      expect(found.findIndex(({ finding }) => finding !== undefined)).toBe(needed);
      expect(found.slice(0, needed).map((o) => [o.stopped, o.preemptions])).toEqual(
        Array.from({ length: needed }, (_, n) => ["preemptions", n]),
      );
      expect(provePreemptions(pingPong(rounds))).toMatchObject({
        finding: { message: "met" },
        stopped: "finding",
        preemptions: needed - 1,
      });
    }
  });

  test("an answer with a bound says up to where all was seen", () => {
    const program = new Toy([{ ops: [set(0), set(0)] }, { ops: [set(1), set(1)] }], 2);
    const bounded = (maxPreemptions: number) => provePreemptions(program, { find: "all", maxPreemptions });
    // of the three by three states only the one in the middle has both in the midst of their work
    expect(bounded(0)).toMatchObject({ stopped: "preemptions", preemptions: 0, states: 8, steps: 8, terminals: 1 });
    expect(bounded(1)).toMatchObject({ preemptions: 1, states: 9, steps: 12, terminals: 1 });
    expect(provePreemptions(program, { find: "all" })).toMatchObject({ complete: true, states: 9, steps: 12 });
  });

  test("stopped in the midst of schedules with so many preemptions, it has not seen all of those", () => {
    const program = new Toy([{ ops: [set(0), set(0)] }, { ops: [set(1), set(1)] }], 2);
    const seen = Array.from({ length: 12 }, (_, maxSteps) => provePreemptions(program, { find: "all", maxSteps }));
    expect(seen.map((outcome) => outcome.stopped)).toEqual(new Array(12).fill("steps"));
    // all without a preemption take eight steps
    expect(seen.map((outcome) => outcome.preemptions)).toEqual([...new Array(8).fill(-1), 0, 0, 0, 0]);
    const turns = { find: "all", turnSteps: 1 } as const;
    for (let maxSteps = 0; maxSteps < 12; maxSteps++)
      expect(provePreemptions(program, { ...turns, maxSteps }).preemptions).toBeLessThanOrEqual(
        seen[maxSteps]!.preemptions,
      );
    const alone = new Toy([{ ops: [set(0), set(0)] }], 1);
    expect(provePreemptions(alone, { maxSteps: 1 })).toMatchObject({ stopped: "steps", preemptions: -1 });
  });

  test("with turns, schedules with more preemptions come before all with fewer are done", () => {
    const noise = Array.from({ length: 5 }, (_, c) => ({ ops: [0, 1, 2].map((n) => set(2 + c, n + 1)) }));
    const program = (): Toy =>
      new Toy(
        [...noise, ...abba().tasks].map(({ ops }) => ({ ops })),
        7,
      );
    const strict = provePreemptions(program());
    const turns = provePreemptions(program(), { turnSteps: 20 });
    expect([strict.finding?.kind, turns.finding?.kind]).toEqual(["deadlock", "deadlock"]);
    expect(turns.steps).toBeLessThan(strict.steps);
    const all = (options: PreemptionOptions) => provePreemptions(program(), { find: "all", ...options });
    expect(all({ turnSteps: 20, maxPreemptions: 1 })).toMatchObject({ stopped: "preemptions", preemptions: 1 });
    const [whole, turned] = [all({}), all({ turnSteps: 20 })];
    expect([turned.states, turned.steps, turned.deadlocks]).toEqual([whole.states, whole.steps, whole.deadlocks]);
  });

  test("a law broken at the start or by a step is named with its schedule", () => {
    const ops = [set(0, 1), set(0, 2)];
    expect(provePreemptions(new Toy([{ ops }], 1, { atMost: -1 })).finding).toMatchObject({
      contexts: [],
      schedule: [],
    });
    const { finding } = provePreemptions(new Toy([{ ops: [] }, { ops }], 1, { atMost: 1 }));
    expect(finding).toMatchObject({ kind: "invariant", contexts: [1], message: "word 0 is above 1" });
    expect(finding?.schedule.map((step) => step.position)).toEqual(["0:set 0 1", "1:set 0 2"]);
  });

  test("dead contexts are told while others run, with the ways of all", () => {
    const idle = { ops: [{ op: "jump", to: 0 } as const], idle: true };
    const program = new Toy([...abba().tasks, idle], 2, { deadSubset: true });
    const found = provePreemptions(program);
    expect(found.finding).toMatchObject({ kind: "dead-subset", contexts: [0, 1] });
    const asked: number[][] = [];
    const told = new Toy([{ ops: [set(0)] }, { ops: [{ op: "choose", ways: 3 }] }], 1);
    Object.assign(told, { deadSubset: (ways: ArrayLike<number>) => asked.push(Array.from(ways)) && [] });
    provePreemptions(told, { find: "all" });
    expect(asked[0]).toEqual([1, 3]);
    expect(new Set(asked.map((ways) => ways.join(" ")))).toEqual(new Set(["1 3", "0 3", "1 0", "0 0"]));
  });

  test("who has more ways than are counted is refused, not cut", () => {
    const ways = (count: number): Toy => new Toy([{ ops: [{ op: "choose", ways: count }] }], 1);
    expect(() => provePreemptions(ways(256))).toThrow("task/0: a step with 256 ways");
    expect(provePreemptions(ways(255))).toMatchObject({ complete: true, steps: 255, states: 2 });
  });

  test("a step that throws is one fault among others; the search goes on from the states it knows", () => {
    const fails: ToyOp[] = [set(0), { op: "fail", message: "boom" }];
    const program = new Toy([{ ops: fails }, { ops: [set(1), set(1, 2)] }], 2);
    const outcome = provePreemptions(program, { find: "all" });
    expect(outcome).toMatchObject({ complete: true, states: 6, findings: [{ message: "boom", contexts: [0] }] });
    const schedule = outcome.findings[0]!.schedule;
    expect(replay(program, schedule)).toMatchObject({ ok: true, error: new Error("boom") });
    expect(schedule.map((step) => step.context)).toEqual(["task/0", "task/0"]);
  });
});

describe("bounds and counts of a search in the order of preemptions", () => {
  test.each([1, 2, 9, 10])("at most %s states", (maxStates) => {
    const outcome = provePreemptions(philosophers(4), { find: "all", maxStates });
    expect(outcome).toMatchObject({ stopped: "states", complete: false });
    expect(outcome.states).toBe(maxStates + 1);
  });

  test("exactly as many states as there are do not stop it", () => {
    const { states } = provePreemptions(philosophers(4), { find: "all" });
    expect(provePreemptions(philosophers(4), { find: "all", maxStates: states })).toMatchObject({ complete: true });
    expect(provePreemptions(philosophers(4), { find: "all", maxStates: states - 1 })).toMatchObject({
      stopped: "states",
    });
  });

  test("memory counts the rows and lists beside the states", () => {
    const told: SearchCounts[] = [];
    const outcome = provePreemptions(philosophers(6), {
      find: "all",
      pollEvery: 500,
      onProgress: (counts) => void told.push(counts),
    });
    expect(outcome.complete).toBe(true);
    expect(outcome.states).toBeGreaterThan(2000);
    // nothing is run twice, nor left out, while the rows grow
    const truth = prove(philosophers(6), { find: "all" });
    expect([outcome.states, outcome.steps]).toEqual([truth.states, truth.steps]);
    for (const [i, counts] of told.entries()) {
      expect(counts).toMatchObject({ steps: (i + 1) * 500, executions: undefined });
      expect(counts.bytes).toBeGreaterThan(3 * 8192 + counts.states! * 12);
      expect(counts.states).toBeGreaterThanOrEqual(told[i - 1]?.states ?? 0);
    }
    const { bytes } = outcome;
    const within = (memoryBytes: number) => provePreemptions(philosophers(6), { find: "all", memoryBytes });
    expect(within(bytes * 3)).toMatchObject({ complete: true, bytes });
    const less = within(Math.floor(bytes * 0.8));
    expect(less).toMatchObject({ complete: false, stopped: "memory" });
    expect(less.states).toBeGreaterThan(100);
  });

  test("the states alone may be too many, however few", () => {
    const few = provePreemptions(philosophers(4), { find: "all" });
    expect(few.states).toBeLessThan(1024);
    const outcome = provePreemptions(philosophers(4), { find: "all", memoryBytes: 1 });
    expect(outcome).toMatchObject({ stopped: "memory", preemptions: -1 });
    expect(outcome.states).toBeLessThan(few.states);
  });

  test("the depth is that of the longest schedule that was named", () => {
    expect(provePreemptions(abba()).depth).toBe(2);
    expect(provePreemptions(philosophers(4), { find: "all" }).depth).toBe(4);
  });
});
