import { describe, expect, test } from "vitest";
import { stateText } from "./faults.ts";
import { hunt } from "./hunt.ts";
import { replay } from "./schedule.ts";
import { abba, philosophers, randomToy, Toy, type ToyOp } from "./toys.ts";
import type { TraceEvent } from "./trace.ts";

type Event = Pick<TraceEvent, "context" | "way" | "reads" | "writes">;

/** The class of a trace: its events in Foata's normal form, layer by layer. */
function traceClass(events: readonly Event[]): string {
  const layers: string[][] = [];
  const layerOf: number[] = [];
  events.forEach((e, i) => {
    let layer = 0;
    for (let j = 0; j < i; j++) {
      const f = events[j]!;
      const meet =
        [...e.writes].some((w) => f.reads.has(w) || f.writes.has(w)) || [...e.reads].some((w) => f.writes.has(w));
      if ((meet || e.context === f.context) && layerOf[j]! >= layer) layer = layerOf[j]! + 1;
    }
    layerOf.push(layer);
    (layers[layer] ??= []).push(`${e.context}.${e.way}`);
  });
  return layers.map((l) => l.sort().join(" ")).join(" | ");
}

/** Every schedule there is, run one by one; undefined when there are more than `limit`. */
function allTraces(program: Toy, limit: number) {
  const classes = new Set<string>();
  const thrown = new Set<string>();
  const deadlocks = new Set<string>();
  const ends = new Set<string>();
  const events: Event[] = [];
  let executions = 0;
  program.track(true);
  const go = (): boolean => {
    if (executions > limit || events.length > 40) return false;
    const here = program.words.slice();
    let rest = true;
    for (let c = 0; c < program.contexts; c++) {
      program.words.set(here);
      const ways = program.ways(c);
      for (let way = 0; way < ways; way++) {
        rest = false;
        program.words.set(here);
        let error: unknown;
        try {
          program.step(c, way);
        } catch (caught) {
          error = caught;
        }
        events.push({
          context: c,
          way,
          reads: new Set(program.touched.reads),
          writes: new Set(program.touched.writes),
        });
        if (error !== undefined) {
          executions++;
          thrown.add((error as Error).message);
        } else if (!go()) return false;
        events.pop();
      }
    }
    if (!rest) return true;
    executions++;
    classes.add(traceClass(events));
    const stuck = program.tasks.some((_, c) => !program.finished(c) && !program.idle(c));
    (stuck ? deadlocks : ends).add(stateText(here));
    return true;
  };
  return go() ? { classes, thrown, deadlocks, ends, executions } : undefined;
}

describe("hunt against all traces", () => {
  test.each([false, true])("generated programs whose runs end, opaque enabledness %s", (opaqueWays) => {
    let compared = 0;
    let all = 0;
    let run = 0;
    let deadlocking = 0;
    for (let seed = 1000; compared < 520 && seed < 6000; seed++) {
      const shape = { loops: false, maxTasks: 3, maxOps: 5, opaqueWays };
      const oracle = allTraces(randomToy(seed, shape), 1000);
      if (oracle === undefined) continue;
      compared++;
      const classes = new Set<string>();
      const outcome = hunt(randomToy(seed, shape), {
        find: "all",
        onExecution: (events) => classes.add(traceClass(events)),
      });
      const where = `seed ${seed}`;
      const messages = outcome.findings.filter((f) => f.kind === "invariant").map((f) => f.message);
      expect(outcome.complete, where).toBe(true);
      expect([...new Set(messages)].sort(), where).toEqual([...oracle.thrown].sort());
      expect([...outcome.deadlocks].sort(), where).toEqual([...oracle.deadlocks].sort());
      expect([...outcome.ends].sort(), where).toEqual([...oracle.ends].sort());
      expect([...classes].sort(), where).toEqual([...oracle.classes].sort());
      all += oracle.executions;
      run += outcome.executions;
      if (oracle.deadlocks.size > 0) deadlocking++;
      for (const finding of outcome.findings)
        expect(replay(randomToy(seed, shape), finding.schedule), where).toMatchObject({ ok: true });
    }
    expect(compared).toBe(520);
    expect(deadlocking).toBeGreaterThan(30);
    // A search that runs everything would pass all of the above.
    if (!opaqueWays) expect(run).toBeLessThan(all / 4);
  });
});

describe("hunt", () => {
  test("finds the ABBA deadlock in three executions at most", () => {
    const program = abba();
    const outcome = hunt(program);
    expect(outcome.finding).toMatchObject({ kind: "deadlock", contexts: [0, 1] });
    expect(outcome.executions).toBeLessThanOrEqual(3);
    expect(replay(program, outcome.finding!.schedule)).toMatchObject({ ok: true });
  });

  test("independent tasks need one execution", () => {
    const task = (word: number) => ({ ops: Array.from({ length: 4 }, (): ToyOp => ({ op: "add", word, value: 1 })) });
    expect(hunt(new Toy([task(0), task(1), task(2)], 3), { find: "all" })).toMatchObject({
      executions: 1,
      complete: true,
    });
  });

  test("philosophers: one deadlock among few executions", () => {
    const outcome = hunt(philosophers(3), { find: "all" });
    expect(outcome).toMatchObject({ complete: true, pruned: expect.any(Number) });
    expect([outcome.deadlocks.size, outcome.ends.size]).toEqual([1, 1]);
  });

  test.each([
    ["depth", { maxDepth: 5 }],
    ["executions", { maxExecutions: 2 }],
    ["steps", { maxSteps: 7 }],
    ["aborted", { pollEvery: 3, shouldStop: () => true }],
  ] as const)("bound %s: not complete", (stopped, options) => {
    expect(hunt(philosophers(3, true), options)).toMatchObject({ finding: undefined, complete: false, stopped });
  });

  test("reports errors, laws and dead subsets", () => {
    const fail = new Toy([{ ops: [{ op: "fail", message: "boom" }] }, { ops: [{ op: "set", word: 0, value: 1 }] }], 1);
    expect(hunt(fail, { find: "all" }).findings).toMatchObject([{ kind: "invariant", message: "boom", contexts: [0] }]);
    const law = new Toy([{ ops: [{ op: "add", word: 0, value: 3 }] }], 1, { atMost: 2 });
    expect(hunt(law).finding).toMatchObject({ kind: "invariant", message: "word 0 is above 2" });
    const dead = new Toy([...abba().tasks, { ops: [{ op: "jump", to: 0 }], idle: true }], 2, { deadSubset: true });
    expect(hunt(dead, { maxDepth: 12 }).finding).toMatchObject({ kind: "dead-subset", contexts: [0, 1] });
  });

  test("is deterministic", () => {
    const search = (seed: number) => hunt(randomToy(seed, { loops: false }), { find: "all", maxExecutions: 200 });
    for (let seed = 0; seed < 20; seed++) expect(search(seed)).toEqual(search(seed));
  });
});
