import { describe, expect, test } from "vitest";
import { stateText } from "./faults.ts";
import { naive } from "./naive.ts";
import { prove } from "./prove.ts";
import { replay } from "./schedule.ts";
import { abba, philosophers, randomToy, spinLivelock, Toy } from "./toys.ts";

const sorted = (set: ReadonlySet<string>) => [...set].sort();

describe("prove against the naive oracle", () => {
  const SEEDS = 600;
  const seen = { deadlock: 0, livelock: 0, dead: 0, broken: 0, ends: 0, private: 0 };

  test.each([
    ["steps run", { parts: false, reduce: false }],
    ["steps run, reduction", { parts: false, reduce: true }],
    ["steps learned, sums", { parts: true, reduce: false }],
    ["steps learned, exact states", { parts: true, reduce: false, exact: true }],
    ["steps learned, reduction", { parts: true, reduce: true }],
  ])(`${SEEDS} generated programs, %s`, (_, { parts, reduce, ...rest }) => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const options = { deadSubset: seed % 3 === 0 };
      const oracle = naive(randomToy(seed, options));
      const program = randomToy(seed, { ...options, parts });
      const found = prove(program, { find: "all", reduce, ...rest });
      const where = `seed ${seed}`;
      const kinds = new Set(found.findings.map((f) => f.kind));
      expect(found.complete, where).toBe(true);
      expect(sorted(found.deadlocks), where).toEqual(sorted(oracle.deadlocks));
      expect(sorted(found.ends), where).toEqual(sorted(oracle.ends));
      expect(kinds.has("livelock"), where).toBe(oracle.livelock);
      expect(kinds.has("deadlock"), where).toBe(oracle.deadlocks.size > 0);
      const broken = new Set(found.findings.filter((f) => f.kind === "invariant").map((f) => f.message));
      expect(sorted(broken), where).toEqual(sorted(oracle.broken));
      if (!options.deadSubset) expect(kinds.has("dead-subset"), where).toBe(oracle.deadWhileOthersRun);
      // Reduced, the others may all have finished by the time the subset dies.
      else if (!reduce) expect(kinds.has("dead-subset"), where).toBe(expectDead(oracle));
      else if (expectDead(oracle)) expect(kinds.has("dead-subset") || kinds.has("deadlock"), where).toBe(true);
      for (const finding of found.findings) expectShows(randomToy(seed, options), finding, where);
      if (reduce) {
        expect(found.states, where).toBeLessThanOrEqual(oracle.states);
        seen.private += found.reduced;
        continue;
      }
      expect(found.states, where).toBe(oracle.states);
      expect(found.steps, where).toBe(oracle.steps);
      expect(found.terminals, where).toBe(oracle.deadlocks.size + oracle.ends.size);
      seen.deadlock += oracle.deadlocks.size > 0 ? 1 : 0;
      seen.livelock += oracle.livelock ? 1 : 0;
      seen.dead += oracle.deadWhileOthersRun ? 1 : 0;
      seen.broken += oracle.broken.size > 0 ? 1 : 0;
      seen.ends += oracle.ends.size > 0 ? 1 : 0;
    }
    for (const [what, count] of Object.entries(seen))
      if (what !== "private" || reduce) expect(count, what).toBeGreaterThan(5);
  });
});

/** Dead subsets that the program tells count unless the same state is at rest, where they are deadlocks. */
function expectDead(oracle: ReturnType<typeof naive>): boolean {
  return oracle.deadSubsets.size > 0 || oracle.deadWhileOthersRun;
}

/** A finding's schedule leads to its fault. */
function expectShows(program: Toy, finding: NonNullable<ReturnType<typeof prove>["finding"]>, where: string) {
  const result = replay(program, finding.schedule);
  expect(result, where).toMatchObject({ ok: true, steps: finding.schedule.length });
  const able = () => program.tasks.some((_, c) => program.ways(c) > 0);
  if (finding.kind === "deadlock") expect(able(), where).toBe(false);
  if (finding.kind === "invariant") expect(result.ok && result.error?.message, where).toBe(finding.message);
  if (finding.kind === "dead-subset") for (const c of finding.contexts) expect(program.ways(c), where).toBe(0);
  if (finding.kind !== "livelock") return;
  const before = stateText(program.words);
  expect(finding.cycle.length, where).toBeGreaterThan(0);
  expect(replay(program, finding.cycle), where).toMatchObject({ ok: true });
  expect(stateText(program.words), where).toBe(before);
}

describe("prove", () => {
  test("finds the ABBA deadlock and leaves the program as it was", () => {
    const program = abba();
    const outcome = prove(program);
    expect(outcome).toMatchObject({ complete: false, stopped: "finding" });
    expect(outcome.finding).toMatchInlineSnapshot(`
      {
        "contexts": [
          0,
          1,
        ],
        "cycle": [],
        "exits": [],
        "kind": "deadlock",
        "message": "nothing can step; stuck: fault, flusher",
        "schedule": [
          {
            "context": "fault",
            "position": "0:lock 0",
            "way": 0,
          },
          {
            "context": "flusher",
            "position": "0:lock 1",
            "way": 0,
          },
        ],
      }
    `);
    expect(program.words.every((word) => word === 0)).toBe(true);
  });

  test("reports the dead subset at the step that makes it irreversible, while others run", () => {
    const others: Toy = abba({ deadSubset: true });
    const program = new Toy([...others.tasks, { ops: [{ op: "jump", to: 0 }], idle: true }], 2, { deadSubset: true });
    const { finding } = prove(program);
    expect(finding).toMatchObject({ kind: "dead-subset", contexts: [0, 1] });
    expect(finding?.schedule.at(-1)?.context).not.toBe("task/2");
  });

  test("contexts that are dead while a service ticks for ever are found without the program's help", () => {
    const program = new Toy([...abba().tasks, { ops: [{ op: "jump", to: 0 }], idle: true }], 2);
    expect(prove(program, { find: "all" }).findings).toMatchObject([{ kind: "dead-subset", contexts: [0, 1] }]);
  });

  test("a service that ticks for ever after everyone has finished is no fault", () => {
    const program = new Toy(
      [{ ops: [{ op: "set", word: 0, value: 1 }] }, { ops: [{ op: "jump", to: 0 }], idle: true }],
      1,
    );
    expect(prove(program)).toMatchObject({ finding: undefined, complete: true, terminals: 0, states: 2 });
  });

  test("a spin livelock has a stem and a fair cycle", () => {
    const { finding } = prove(spinLivelock());
    expect(finding).toMatchObject({ kind: "livelock", contexts: [0] });
    expect(finding?.cycle.map((s) => s.position)).toEqual(["0:get 0", "1:jumpIf 0 0"]);
  });

  test("a loop that makes progress is no livelock", () => {
    const program = Object.assign(spinLivelock(), { progressed: () => true });
    expect(prove(program)).toMatchObject({ finding: undefined, complete: true });
  });

  test("a loop that can be left is no livelock", () => {
    expect(prove(philosophers(3, true), { find: "all" })).toMatchObject({ findings: [], complete: true });
  });

  test("philosophers have exactly one deadlock", () => {
    const outcome = prove(philosophers(5), { find: "all" });
    expect(outcome.findings.map((f) => f.kind)).toEqual(["deadlock"]);
    expect([outcome.deadlocks.size, outcome.ends.size]).toEqual([1, 1]);
  });

  test("a broken law is found in the initial state and after a step", () => {
    const add = [{ op: "add", word: 0, value: 2 } as const];
    expect(prove(new Toy([{ ops: add }], 1, { atMost: 1 })).finding).toMatchObject({
      kind: "invariant",
      contexts: [0],
      message: "word 0 is above 1",
      schedule: [{ context: "task/0", position: "0:add 0 2" }],
    });
    expect(prove(new Toy([{ ops: add }], 1, { atMost: -1 })).finding).toMatchObject({ contexts: [], schedule: [] });
  });

  test.each([
    ["states", { maxStates: 10 }],
    ["steps", { maxSteps: 10 }],
    ["memory", { memoryBytes: 4000 }],
    ["aborted", { pollEvery: 10, shouldStop: () => true }],
  ] as const)("bound %s: not complete", (stopped, options) => {
    const outcome = prove(philosophers(5, true), options);
    expect(outcome).toMatchObject({ finding: undefined, complete: false, stopped });
    expect(outcome.states).toBeGreaterThan(0);
  });

  test("an abort keeps what was found", () => {
    let polls = 0;
    const outcome = prove(philosophers(4), { find: "all", pollEvery: 50, shouldStop: () => ++polls > 9 });
    expect(outcome).toMatchObject({ complete: false, stopped: "aborted", steps: 500 });
    expect(outcome.finding?.kind).toBe("deadlock");
  });

  test("progress is told at the same steps every time", () => {
    const told: number[] = [];
    prove(philosophers(4), { find: "all", pollEvery: 100, onProgress: (counts) => told.push(counts.steps) });
    expect(told.slice(0, 3)).toEqual([100, 200, 300]);
  });

  test("is deterministic", () => {
    for (let seed = 0; seed < 20; seed++)
      expect(prove(randomToy(seed), { find: "all" })).toEqual(prove(randomToy(seed), { find: "all" }));
  });
});
