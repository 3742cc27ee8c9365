import { describe, expect, test } from "vitest";
import { abba, randomToy, Toy, type ToyOp } from "./toys.ts";
import { type Policy, type WalkOptions, walk } from "./walk.ts";

/** Runs on with the first context that can, and writes down what it was asked. */
function first(asked: unknown[] = []): Policy {
  return {
    begin: () => void asked.push("begin"),
    choose: (able, step) => {
      asked.push([[...able], step]);
      return able[0]!;
    },
    way: (ways) => {
      asked.push(ways);
      return ways - 1;
    },
  };
}
/** The contexts named, then the first that can. */
function scripted(...contexts: number[]): Policy {
  return { begin: () => undefined, choose: (able, step) => contexts[step] ?? able[0]!, way: () => 0 };
}
const set = (value: number): ToyOp => ({ op: "set", word: 0, value });
const forEver: ToyOp = { op: "jump", to: 0 };
const one: WalkOptions = { find: "all", maxExecutions: 1 };

describe("a walk", () => {
  test("asks who of those that can step, and in which of their ways, from the first state again each time", () => {
    const asked: unknown[] = [];
    const program = new Toy(
      [
        {
          ops: [
            { op: "choose", ways: 3 },
            { op: "put", word: 0 },
          ],
        },
        { ops: [] },
        { ops: [set(1)] },
      ],
      1,
    );
    const outcome = walk(program, first(asked), { find: "all", maxExecutions: 2 });
    const run = ["begin", [[0, 2], 0], 3, [[0, 2], 1], 1, [[2], 2], 1];
    expect(asked).toEqual([...run, ...run]);
    expect(outcome).toEqual({
      finding: undefined,
      findings: [],
      complete: false,
      stopped: "executions",
      states: undefined,
      steps: 6,
      executions: 2,
      depth: 3,
      bytes: 7 * 4,
      deadlocks: new Set(),
      ends: new Set(["0:2 4:1 6:1"]),
    });
    expect(program.words).toEqual(new Int32Array(7));
  });

  test("makes a thousand runs of ten thousand steps where no bound is given", () => {
    expect(walk(new Toy([{ ops: [] }], 1), first(), {})).toMatchObject({ executions: 1000, depth: 0 });
    const spins = new Toy([{ ops: [forEver] }], 1);
    expect(walk(spins, first(), { maxExecutions: 2 })).toMatchObject({ executions: 2, depth: 10_000, steps: 20_000 });
  });

  test("of the longest of its runs it tells the length", () => {
    let runs = 0;
    const ops = [{ op: "choose", ways: 2 } as const, { op: "jumpIf", value: 0, to: 4 } as const, set(1), set(2)];
    const policy: Policy = { ...first(), begin: () => void runs++, way: (ways) => (ways > 1 && runs === 2 ? 1 : 0) };
    expect(walk(new Toy([{ ops }], 1), policy, { maxExecutions: 3 })).toMatchObject({ depth: 4, steps: 2 + 4 + 2 });
  });

  test("finds deadlocks, names how, and stops at the first unless all are wanted", () => {
    const found = walk(abba(), scripted(0, 1), {});
    expect(found).toMatchObject({ stopped: "finding", executions: 1, steps: 2, depth: 2, complete: false });
    expect(found.finding?.schedule.map((step) => `${step.context} ${step.position}`)).toEqual([
      "fault 0:lock 0",
      "flusher 0:lock 1",
    ]);
    const all = walk(abba(), scripted(0, 1), { find: "all", maxExecutions: 5 });
    expect(all).toMatchObject({ stopped: "executions", executions: 5, findings: [{ kind: "deadlock" }] });
    expect([...all.deadlocks]).toEqual(["0:1 2:1 4:1 5:2"]);
  });

  test("a law is asked before the first step and after each", () => {
    const broken = walk(new Toy([{ ops: [set(1)] }], 1, { atMost: -1 }), first(), {});
    expect(broken).toMatchObject({ steps: 0, finding: { kind: "invariant", contexts: [], schedule: [] } });
    const later = walk(new Toy([{ ops: [] }, { ops: [set(1), set(2), set(3)] }], 1, { atMost: 1 }), first(), {});
    expect(later).toMatchObject({ steps: 2, finding: { contexts: [1], message: "word 0 is above 1" } });
    expect(later.finding?.schedule.length).toBe(2);
    // a run goes on behind a law that was broken before, and may break others
    const on = walk(new Toy([{ ops: [set(2), set(3)] }], 1, { atMost: 1 }), first(), one);
    expect(on).toMatchObject({ steps: 2, findings: [{ contexts: [0] }] });
    expect([...on.ends]).toEqual(["0:2 2:3"]);
  });

  test("dead contexts are asked for only where somebody is blocked who may not be", () => {
    let asked = 0;
    const count = (program: Toy): Toy =>
      Object.assign(program, {
        deadSubset: () => {
          asked++;
          return [];
        },
      });
    walk(
      count(new Toy([{ ops: [set(1)] }, { ops: [] }, { ops: [{ op: "lock", mutex: 1 }], idle: true }], 2)),
      first(),
      one,
    );
    walk(count(new Toy([{ ops: [] }, { ops: [{ op: "wait", word: 0, value: 1 }], idle: true }], 2)), first(), one);
    expect(asked).toBe(0);
    const program = new Toy([...abba().tasks, { ops: [forEver], idle: true }], 2, { deadSubset: true });
    const found = walk(program, scripted(0, 2, 1), {});
    expect(found).toMatchObject({ steps: 3, finding: { kind: "dead-subset", contexts: [0, 1] } });
  });

  test("an error ends the run, not the walk", () => {
    const program = new Toy([{ ops: [set(1), { op: "fail", message: "boom" }, set(2)] }], 1);
    const outcome = walk(program, first(), { find: "all", maxExecutions: 3 });
    expect(outcome).toMatchObject({
      executions: 3,
      steps: 6,
      depth: 2,
      findings: [{ message: "boom", contexts: [0] }],
    });
    expect(walk(program, first(), {})).toMatchObject({ executions: 1, stopped: "finding" });
    expect(program.words).toEqual(new Int32Array(3));
  });

  test("puts the first state back even where a policy throws", () => {
    const program = abba();
    const policy: Policy = {
      ...first(),
      choose: (able, step) => {
        if (step > 1) throw new RangeError("policy");
        return able[0]!;
      },
    };
    expect(() => walk(program, policy, {})).toThrow("policy");
    expect(program.words).toEqual(new Int32Array(6));
  });

  test("tells how far it is, and stops when asked to", () => {
    const told: unknown[] = [];
    const spins = new Toy([{ ops: [forEver] }], 1);
    const outcome = walk(spins, first(), {
      maxDepth: 4,
      pollEvery: 3,
      onProgress: (counts) => void told.push(counts),
      shouldStop: () => told.length === 3,
    });
    const counts = { states: undefined, bytes: 12 };
    expect(told).toEqual([
      { ...counts, steps: 3, executions: 1, depth: 2 },
      { ...counts, steps: 6, executions: 2, depth: 4 },
      { ...counts, steps: 9, executions: 3, depth: 4 },
    ]);
    expect(outcome).toMatchObject({ stopped: "aborted", executions: 3, steps: 9 });
  });

  test("learned by heart it is the same walk, laws and dead contexts included", () => {
    let findings = 0;
    for (let seed = 0; seed < 80; seed++) {
      const toy = { deadSubset: seed % 2 === 0, ...(seed % 3 === 0 ? { atMost: 1 } : {}) };
      const options: WalkOptions = { find: "all", maxExecutions: 3, maxDepth: 30 };
      const run = walk(randomToy(seed, toy), scripted(), options);
      const learned = walk(randomToy(seed, { ...toy, parts: true }), scripted(), { ...options, learn: true });
      expect(learned).toEqual(run);
      expect(walk(randomToy(seed, toy), scripted(), { ...options, learn: true })).toEqual(run);
      findings += run.findings.length;
    }
    expect(findings).toBeGreaterThan(20);
  });
});
