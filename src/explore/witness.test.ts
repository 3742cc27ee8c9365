import { describe, expect, test } from "vitest";
import { hunt } from "./hunt.ts";
import { pct } from "./pct.ts";
import { prove } from "./prove.ts";
import { random } from "./random.ts";
import { contextSwitches, parseSchedule, replay } from "./schedule.ts";
import { abba, philosophers, randomToy, spinLivelock, Toy } from "./toys.ts";
import { irreversible, sameFault, sameState, shorten } from "./witness.ts";

const text = (program: Toy) => program.words.join();

describe("replay", () => {
  test("ends in the same state byte for byte, after a way through JSON", () => {
    let replayed = 0;
    for (let seed = 0; seed < 150; seed++) {
      const finding = prove(randomToy(seed)).finding;
      if (finding === undefined) continue;
      replayed++;
      const schedule = parseSchedule(JSON.parse(JSON.stringify(finding.schedule)))!;
      const [a, b] = [randomToy(seed), randomToy(seed)];
      const steps: unknown[] = [];
      expect(replay(a, schedule, (step) => steps.push(step))).toMatchObject({ ok: true, steps: schedule.length });
      replay(b, finding.schedule);
      expect(text(a)).toBe(text(b));
      expect(JSON.stringify(steps)).toBe(JSON.stringify(finding.schedule));
    }
    expect(replayed).toBeGreaterThan(50);
  });

  const good = [
    { context: "fault", way: 0, position: "0:lock 0" },
    { context: "flusher", way: 0, position: "0:lock 1" },
  ];
  test.each([
    [{ ...good[1]!, context: "kswapd" }, "step 2 of 2: expected context kswapd, found no context of that name"],
    [{ ...good[1]!, position: "0:lock 7" }, "step 2 of 2: expected flusher at 0:lock 7, found flusher at 0:lock 1"],
    [{ ...good[1]!, way: 3 }, "step 2 of 2: expected flusher to step in way 3 of 0:lock 1, found 1 ways"],
    [{ context: "fault", way: 0, position: "1:lock 1" }, undefined],
  ])("says where a schedule does not fit: %j", (step, message) => {
    const result = replay(abba(), [good[0]!, step]);
    if (message === undefined) expect(result.ok).toBe(true);
    else expect(result).toMatchObject({ ok: false, at: 1, message });
  });

  test("refuses a step of a blocked context, and an error before the end", () => {
    const blocked = [...good, { context: "fault", way: 0, position: "1:lock 1" }];
    expect(replay(abba(), blocked)).toMatchObject({ ok: false, at: 2, found: "it blocked" });
    const fail = () => new Toy([{ ops: [{ op: "fail", message: "boom" }] }], 1);
    const step = { context: "task/0", way: 0, position: "0:fail boom" };
    expect(replay(fail(), [step])).toMatchObject({ ok: true, error: new Error("boom") });
    expect(replay(fail(), [step, step])).toMatchObject({ ok: false, at: 0, found: "boom" });
  });

  test.each([[1], [{}], [[1]], [[{}]], [[{ ...good[0]!, way: -1 }]], [[{ ...good[0]!, way: 0.5 }]], [[null]]])(
    "%j is no schedule",
    (value) => {
      expect(parseSchedule(value)).toBeUndefined();
    },
  );
});

describe("shorten", () => {
  const size = (steps: readonly { context: string }[]) => [
    new Set(steps.map((s) => s.context)).size,
    steps.length,
    contextSwitches(steps),
  ];

  test("still fails, never grows, is deterministic", () => {
    let shorter = 0;
    for (let seed = 0; seed < 200; seed++) {
      const options = { deadSubset: seed % 2 === 0 };
      const finding = random(randomToy(seed, options), { seed, maxExecutions: 50, maxDepth: 200 }).finding;
      if (finding === undefined) continue;
      const program = randomToy(seed, options);
      const judge = sameFault(finding);
      const short = shorten(program, finding.schedule, judge);
      expect(text(program), `seed ${seed}`).toBe(text(randomToy(seed, options)));
      const result = replay(program, short);
      expect(result, `seed ${seed}`).toMatchObject({ ok: true, steps: short.length });
      expect(judge(program, result.ok ? result.error : undefined), `seed ${seed}`).toBe(true);
      const [before, after] = [size(finding.schedule), size(short)];
      const at = after.findIndex((value, i) => value !== before[i]);
      if (at >= 0) expect(after[at]!, `seed ${seed}`).toBeLessThan(before[at]!);
      if (at >= 0) shorter++;
      expect(shorten(randomToy(seed, options), finding.schedule, judge)).toEqual(short);
    }
    expect(shorter).toBeGreaterThan(30);
  });

  test("drops bystanders, detours and switches", () => {
    const spin = { name: "noise", ops: [{ op: "jump", to: 0 } as const], idle: true };
    const program = new Toy([...abba().tasks, spin], 2, { deadSubset: true });
    const [f, l, n] = ["fault", "flusher", "noise"].map((context) => ({ context, way: 0, position: "" }));
    const long = [n!, f!, n!, f!, f!, n!, f!, l!, l!, n!, l!, l!];
    expect(shorten(program, long, sameFault({ kind: "deadlock", contexts: [], message: "" }))).toBe(long);
    const failing = [n!, n!, f!, n!, n!, l!, f!, n!];
    expect(size(shorten(program, failing, (p) => p.deadSubset?.().length === 2))).toEqual([2, 2, 1]);
    const walked = random(program, { seed: 4 }).finding!;
    expect(shorten(program, walked.schedule, sameFault(walked))).toMatchInlineSnapshot(`
      [
        {
          "context": "flusher",
          "position": "0:lock 1",
          "way": 0,
        },
        {
          "context": "fault",
          "position": "0:lock 0",
          "way": 0,
        },
      ]
    `);
  });

  test("a livelock's stem shortens to another way into the same state", () => {
    const program = spinLivelock();
    const finding = prove(program).finding!;
    replay(program, finding.schedule);
    const judge = sameState(program.words);
    const short = shorten(spinLivelock(), finding.schedule, judge);
    const again = spinLivelock();
    replay(again, short);
    expect(judge(again, undefined)).toBe(true);
    expect(replay(again, finding.cycle)).toMatchObject({ ok: true });
  });

  test("returns a schedule that does not fail as it is, and the best so far at its bound", () => {
    const schedule = [{ context: "fault", way: 0, position: "0:lock 0" }];
    expect(shorten(abba(), schedule, () => false)).toBe(schedule);
    const finding = random(philosophers(4), { seed: 3 }).finding!;
    expect(shorten(philosophers(4), finding.schedule, sameFault(finding), { maxSteps: 10 }).length).toBeGreaterThan(0);
  });
});

describe("irreversible", () => {
  test("is the step at which the dead subset appears", () => {
    const program = abba({ deadSubset: true });
    const { finding } = hunt(abba());
    const schedule = finding!.schedule;
    expect(irreversible(program, schedule)).toEqual({ at: 1, contexts: [0, 1] });
    expect(irreversible(abba(), schedule)).toBeUndefined();
    expect(irreversible(program, schedule.slice(0, 1))).toBeUndefined();
  });
});

describe("random and pct", () => {
  test.each([
    ["random", random],
    ["pct", pct],
  ])("%s finds the deadlock of the philosophers, the same with the same seed", (_, search) => {
    const outcome = search(philosophers(3), { seed: 1 });
    expect(outcome).toMatchObject({ complete: false, stopped: "finding", finding: { kind: "deadlock" } });
    expect(search(philosophers(3), { seed: 1 })).toEqual(outcome);
    const shown = philosophers(3);
    expect(replay(shown, outcome.finding!.schedule)).toMatchObject({ ok: true });
    expect(sameFault(outcome.finding!)(shown, undefined)).toBe(true);
  });

  test.each([
    ["random", random],
    ["pct", pct],
  ])("%s finds only what prove finds, on generated programs", (_, search) => {
    for (let seed = 0; seed < 120; seed++) {
      const truth = prove(randomToy(seed), { find: "all" });
      const drawn = search(randomToy(seed), { seed, find: "all", maxExecutions: 30, maxDepth: 100 });
      for (const state of drawn.deadlocks) expect(truth.deadlocks.has(state), `seed ${seed}`).toBe(true);
      for (const state of drawn.ends) expect(truth.ends.has(state), `seed ${seed}`).toBe(true);
    }
  });

  test.each([
    ["executions", { maxExecutions: 3 }],
    ["steps", { maxSteps: 20 }],
    ["aborted", { pollEvery: 5, shouldStop: () => true }],
  ] as const)("bound %s: not complete", (stopped, options) => {
    for (const search of [random, pct])
      expect(search(philosophers(3, true), options)).toMatchObject({ finding: undefined, complete: false, stopped });
  });

  test("pct lets others run beside one that spins", () => {
    const wait = [{ op: "get", word: 0 } as const, { op: "jumpIf", value: 0, to: 0 } as const];
    const program = new Toy([{ ops: wait }, { ops: [{ op: "set", word: 0, value: 1 }] }], 1);
    expect(pct(program, { find: "all", maxExecutions: 5, bugDepth: 1 }).ends.size).toBe(1);
    expect(pct(program, { maxDepth: 50, maxExecutions: 5, bugDepth: 1, find: "all" }).depth).toBe(50);
  });

  test("schedules of a seed stay what they are", () => {
    const line = (search: typeof pct) =>
      search(philosophers(3), { seed: 7 }).finding!.schedule.map((s) => `${s.context} ${s.position}`);
    expect([line(random), line(pct)]).toMatchInlineSnapshot(`
      [
        [
          "philosopher/2 0:lock 2",
          "philosopher/1 0:lock 1",
          "philosopher/0 0:lock 0",
        ],
        [
          "philosopher/0 0:lock 0",
          "philosopher/2 0:lock 2",
          "philosopher/1 0:lock 1",
        ],
      ]
    `);
  });
});
