import { describe, expect, test } from "vitest";
import { hunt } from "./hunt.ts";
import { prove } from "./prove.ts";
import { replay } from "./schedule.ts";
import { abba, philosophers, randomToy, Toy, type ToyOp, type ToyTask } from "./toys.ts";
import type { SearchCounts } from "./types.ts";

const set = (word: number, value = 1): ToyOp => ({ op: "set", word, value });
const add = (word: number): ToyOp => ({ op: "add", word, value: 1 });
const forEver: ToyOp = { op: "jump", to: 0 };
const alone = (words: readonly number[]): Toy =>
  new Toy(
    words.map((word) => ({ ops: [add(word)] })),
    4,
  );

/** Contexts of every execution that came to its end. */
function orders(program: Toy): string[] {
  const lines: string[] = [];
  hunt(program, { find: "all", onExecution: (events) => void lines.push(events.map((e) => e.context).join("")) });
  return lines;
}

describe("a hunt", () => {
  test("runs each order that matters once", () => {
    expect(orders(alone([0, 1, 2]))).toEqual(["012"]);
    expect(orders(alone([0, 0])).sort()).toEqual(["01", "10"]);
    expect(orders(alone([0, 0, 0])).sort()).toEqual(["012", "021", "102", "120", "201", "210"]);
    // two pairs that do not meet: two orders of each
    expect(orders(alone([0, 1, 0, 1])).length).toBe(4);
    const reads = new Toy(
      [0, 1, 2].map(() => ({ ops: [{ op: "get", word: 0 } as const] })),
      1,
    );
    expect(orders(reads)).toEqual(["012"]);
  });

  test("keeps to who ran last, and tries all ways of a step", () => {
    const program = new Toy([{ ops: [set(0), set(0)] }, { ops: [set(1), set(1)] }], 2);
    expect(orders(program)).toEqual(["0011"]);
    const ways: string[] = [];
    const chooses = new Toy(
      [
        {
          ops: [
            { op: "choose", ways: 3 },
            { op: "choose", ways: 2 },
          ],
        },
      ],
      1,
    );
    hunt(chooses, { find: "all", onExecution: (events) => void ways.push(events.map((e) => e.way).join("")) });
    expect(ways).toEqual(["00", "01", "10", "11", "20", "21"]);
  });

  test("counts executions, steps, depth and what it gave up", () => {
    const outcome = hunt(alone([0, 0]), { find: "all" });
    expect(outcome).toMatchObject({ states: undefined, executions: 2, steps: 4, depth: 2, pruned: 0, complete: true });
    let [ended, given] = [0, 0];
    for (let seed = 0; seed < 60; seed++) {
      let runs = 0;
      const found = hunt(randomToy(seed, { loops: false, maxTasks: 3 }), {
        find: "all",
        maxExecutions: 3000,
        onExecution: () => void runs++,
      });
      const threw = found.findings.some((f) => f.kind === "invariant");
      if (!threw) expect(found.executions, `seed ${seed}`).toBe(runs + found.pruned);
      ended += runs;
      given += found.pruned;
    }
    expect(ended).toBeGreaterThan(100);
    expect(given).toBeGreaterThan(10);
  });

  test("states at rest are those of a proof, with three and more tasks, laws and dead subsets too", () => {
    const seen = { dead: 0, broken: 0 };
    for (let seed = 5000; seed < 5080; seed++) {
      const options = { loops: false, maxOps: 4, deadSubset: true };
      const truth = prove(randomToy(seed, options), { find: "all" });
      const found = hunt(randomToy(seed, options), { find: "all", maxExecutions: 20_000 });
      if (!found.complete) continue;
      const where = `seed ${seed}`;
      expect([...found.deadlocks].sort(), where).toEqual([...truth.deadlocks].sort());
      expect([...found.ends].sort(), where).toEqual([...truth.ends].sort());
      const messages = (o: typeof truth | typeof found, kind: string): string[] =>
        [...new Set(o.findings.filter((f) => f.kind === kind).map((f) => f.message))].sort();
      expect(messages(found, "invariant"), where).toEqual(messages(truth, "invariant"));
      expect(messages(found, "deadlock"), where).toEqual(messages(truth, "deadlock"));
      seen.dead += truth.deadlocks.size;
      seen.broken += messages(truth, "invariant").length;
    }
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(5);
  });

  test("every schedule it names leads to its fault", () => {
    for (let seed = 0; seed < 80; seed++) {
      const options = { loops: false, deadSubset: seed % 2 === 0 };
      for (const { kind, message, contexts, schedule } of hunt(randomToy(seed, options), {
        find: "all",
        maxExecutions: 300,
      }).findings) {
        const program = randomToy(seed, options);
        const run = replay(program, schedule);
        expect(run, `seed ${seed}`).toMatchObject({ ok: true });
        if (kind === "invariant") expect(run.ok && run.error?.message).toBe(message);
        else expect(contexts.every((c) => program.ways(c) === 0)).toBe(true);
      }
    }
  });

  test("who could run where a step throws is tried as well", () => {
    const program = new Toy([{ ops: [{ op: "fail", message: "boom" }] }, { ops: [set(0)] }, { ops: [set(1)] }], 2);
    const outcome = hunt(program, { find: "all" });
    expect(outcome.findings.map((f) => f.schedule.map((s) => s.context))).toEqual([["task/0"]]);
    expect(outcome).toMatchObject({ complete: true });
    expect(outcome.executions).toBeGreaterThan(2);
    const last = hunt(new Toy([{ ops: [set(0), { op: "fail", message: "boom" }] }, { ops: [set(0, 2)] }], 1));
    expect(last).toMatchObject({ stopped: "finding", executions: 1, steps: 2, depth: 2 });
  });

  test("a law broken at the start or at rest, beside a deadlock, is told too", () => {
    expect(hunt(new Toy([{ ops: [] }], 1, { atMost: -1 })).finding).toMatchObject({ contexts: [], schedule: [] });
    const both = new Toy([{ ops: [set(0, 2), { op: "lock", mutex: 0 }] }], 1, { atMost: 1 });
    expect(hunt(both, { find: "all" }).findings.map((f) => [f.kind, f.contexts.join()])).toEqual([
      ["invariant", "0"],
      ["deadlock", "0"],
    ]);
    const idle = [{ ops: [set(0, 2), { op: "lock", mutex: 0 }] as const, idle: true }];
    expect(hunt(new Toy(idle, 1, { atMost: 1 }), { find: "all" }).findings.map((f) => f.kind)).toEqual(["invariant"]);
  });

  test("the dead among services at rest are no deadlock, and are told when the program tells them", () => {
    const tasks = abba().tasks.map((task) => ({ ...task, idle: true }));
    const program = Object.assign(new Toy(tasks, 2), {
      deadSubset: (): number[] => (program.words[4] === 1 && program.words[5] === 2 ? [0, 1] : []),
    });
    const { findings, deadlocks, ends } = hunt(program, { find: "all" });
    expect(findings.map((f) => f.kind)).toEqual(["dead-subset"]);
    expect([deadlocks.size, ends.size]).toEqual([0, 2]);
    // a law that is broken there too does not hide them
    const law = { brokenInvariant: () => (program.words[5] === 2 ? "taken" : undefined) };
    const kinds = hunt(Object.assign(program, law), { find: "all" }).findings.map((f) => f.kind);
    expect(new Set(kinds)).toEqual(new Set(["invariant", "dead-subset"]));
  });

  test("tracking is off again and the words are back, also when a step throws no error", () => {
    const program = abba();
    const tracked: boolean[] = [];
    const track = program.track.bind(program);
    Object.assign(program, {
      track: (on: boolean) => {
        tracked.push(on);
        track(on);
      },
    });
    hunt(program);
    expect([tracked[0], tracked.at(-1)]).toEqual([true, false]);
    expect(program.words).toEqual(new Int32Array(6));
    Object.assign(program, {
      step: () => {
        program.words[0] = 1;
        throw "no error";
      },
    });
    expect(() => hunt(program)).toThrow("no error");
    expect([tracked.at(-1), program.words[0]]).toEqual([false, 0]);
  });
});

describe("bounds of a hunt", () => {
  test("runs that are too long are cut, and the search goes on", () => {
    const program = new Toy([{ ops: [add(0), add(0), add(0)] }, { ops: [set(1)] }, { ops: [forEver], idle: true }], 2);
    const outcome = hunt(program, { find: "all", maxDepth: 6, maxExecutions: 50 });
    expect(outcome).toMatchObject({ complete: false, depth: 6 });
    expect(outcome.executions).toBeGreaterThan(0);
    const exact = new Toy([{ ops: [add(0), add(0), add(0)] }], 1);
    expect(hunt(exact, { find: "all", maxDepth: 3 })).toMatchObject({ complete: true, depth: 3 });
    expect(hunt(exact, { find: "all", maxDepth: 2 })).toMatchObject({ stopped: "depth", executions: 1, steps: 2 });
    expect(hunt(new Toy([{ ops: [forEver] }], 1), { find: "all" })).toMatchObject({ depth: 10_000, stopped: "depth" });
  });

  test("so many executions, and no more", () => {
    for (const maxExecutions of [1, 2, 5])
      expect(hunt(philosophers(3), { find: "all", maxExecutions })).toMatchObject({
        executions: maxExecutions,
        stopped: "executions",
        complete: false,
      });
    expect(hunt(alone([0, 0]), { find: "all", maxExecutions: 2 })).toMatchObject({ complete: true, executions: 2 });
  });

  test("memory held is that of the words kept on every eighth step of the run", () => {
    const told: SearchCounts[] = [];
    const ops = Array.from({ length: 20 }, () => add(0));
    hunt(new Toy([{ ops }], 1), { find: "all", pollEvery: 1, onProgress: (counts) => void told.push(counts) });
    expect(told.map((counts) => counts.bytes / 12)).toEqual(
      Array.from({ length: 20 }, (_, n) => Math.ceil((n + 1) / 8)),
    );
    expect(told.map((counts) => counts.depth)).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(told.map((counts) => counts.steps)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
  });
});

describe("a hunt that looks elsewhere", () => {
  // each has a word of its own, and they meet in one: many schedules, no fault
  const together: ToyTask = { ops: [{ op: "lock", mutex: 0 }, add(1), { op: "unlock", mutex: 0 }] };
  const many = (tasks: number): Toy =>
    new Toy(
      Array.from({ length: tasks }, () => together),
      2,
    );

  test("does so after five hundred steps, and not when all is wanted or somebody counts executions", () => {
    const small = many(5);
    const all = hunt(small, { find: "all" });
    expect(all).toMatchObject({ complete: true });
    expect(all.steps).toBeGreaterThan(500);
    // every state is seen elsewhere, so it ends sooner than by running all orders
    const first = hunt(small);
    expect(first).toMatchObject({ complete: true, stopped: undefined, finding: undefined });
    expect(first.executions).toBeGreaterThan(0);
    const counted = hunt(small, { onExecution: () => undefined });
    expect([counted.steps, counted.executions]).toEqual([all.steps, all.executions]);
  });

  test("keeps to the steps and the executions that it was given", () => {
    for (const maxSteps of [499, 500, 501, 700, 1999, 2001, 3000]) {
      const outcome = hunt(philosophers(6, true), { maxSteps });
      expect(outcome.steps).toBeLessThanOrEqual(maxSteps);
      expect(outcome).toMatchObject({ complete: false, stopped: "steps" });
    }
    const outcome = hunt(philosophers(5, true), { maxExecutions: 60, maxDepth: 30 });
    expect(outcome).toMatchObject({ executions: 60, stopped: "executions" });
  });

  test("tells its steps on from where it was, and stops when asked to", () => {
    const told: number[] = [];
    const outcome = hunt(philosophers(6, true), {
      pollEvery: 100,
      onProgress: (counts) => void told.push(counts.steps),
      shouldStop: () => told.length === 30,
    });
    expect(outcome).toMatchObject({ stopped: "aborted", complete: false });
    expect(told.length).toBe(30);
    expect(told.slice(0, 6)).toEqual([100, 200, 300, 400, 500, 600]);
    expect([...told].sort((a, b) => a - b)).toEqual(told);
    expect(outcome.steps).toBeGreaterThanOrEqual(told.at(-1)!);
  });

  test("what it finds there is its finding, with all steps counted", () => {
    const found = hunt(philosophers(9));
    expect(found).toMatchObject({ stopped: "finding", complete: false, finding: { kind: "deadlock" } });
    expect(found.steps).toBeGreaterThan(500);
    expect(found.depth).toBeGreaterThanOrEqual(9);
    const shown = philosophers(9);
    expect(replay(shown, found.finding!.schedule)).toMatchObject({ ok: true });
    expect(Array.from({ length: 9 }, (_, c) => shown.ways(c))).toEqual(new Array(9).fill(0));
  });
});
