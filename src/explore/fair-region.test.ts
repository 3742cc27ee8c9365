import { describe, expect, test } from "vitest";
import { stateText } from "./faults.ts";
import { naive } from "./naive.ts";
import { prove } from "./prove.ts";
import { random } from "./random.ts";
import { replay } from "./schedule.ts";
import { philosophers, randomToy, spinLivelock, Toy } from "./toys.ts";
import type { Finding } from "./types.ts";

/** The cycle of a livelock is a cycle, fair, and stays without rest; each exit is a step that can be taken on it. */
function expectFairCycle(program: Toy, { schedule, cycle, exits, contexts }: Finding, where: string) {
  expect(replay(program, schedule), where).toMatchObject({ ok: true });
  const home = stateText(program.words);
  const served = new Set<number>();
  const spinning = new Set(contexts);
  for (const step of cycle) {
    for (let c = 0; c < program.contexts; c++) {
      if (program.ways(c) === 0) served.add(c);
      if (program.finished(c) || program.idle(c)) spinning.delete(c);
    }
    expect(replay(program, [step]), where).toMatchObject({ ok: true });
    served.add(program.tasks.findIndex((_, c) => program.name(c) === step.context));
  }
  expect(stateText(program.words), where).toBe(home);
  expect(served.size, where).toBe(program.contexts);
  expect(spinning.size, where).toBeGreaterThan(0);
  for (const exit of exits)
    expect(
      program.tasks.some((_, c) => program.name(c) === exit.context),
      where,
    ).toBe(true);
}

describe("fair livelocks against the naive oracle", () => {
  test.each([
    ["steps run", false],
    ["steps learned", true],
  ])("700 generated programs, %s", (_, parts) => {
    const seen = { fair: 0, certain: 0, none: 0, exits: 0 };
    for (let seed = 2000; seed < 2700; seed++) {
      const oracle = naive(randomToy(seed), 600, true);
      if (!oracle.complete) continue;
      const found = prove(randomToy(seed, { parts }), { find: "all", livelocks: "fair", reduce: true });
      const livelocks = found.findings.filter(({ kind }) => kind === "livelock");
      const where = `seed ${seed}`;
      expect(livelocks.length > 0, where).toBe(oracle.fairLivelock);
      if (oracle.livelock) expect(oracle.fairLivelock, where).toBe(true);
      expect([found.states, found.steps >= oracle.steps], where).toEqual([oracle.states, true]);
      for (const finding of livelocks) expectFairCycle(randomToy(seed), finding, where);
      if (livelocks.some(({ exits }) => exits.length > 0)) seen.exits++;
      if (oracle.livelock) seen.certain++;
      else if (oracle.fairLivelock) seen.fair++;
      else seen.none++;
    }
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(8);
  });
});

describe("random runs that do not end", () => {
  test("are looked at for livelocks where asked, and only there", () => {
    const options = { maxDepth: 20, maxExecutions: 3 };
    expect(random(spinLivelock(), options).finding).toBeUndefined();
    const { finding, steps } = random(spinLivelock(), { ...options, suspectStates: 100 });
    expect(finding).toMatchObject({ kind: "livelock", contexts: [0] });
    // the run, and the two states of the loop
    expect([finding?.schedule.length, finding?.cycle.length, steps]).toEqual([20, 2, 22]);
    expect(replay(spinLivelock(), [...finding!.schedule, ...finding!.cycle])).toMatchObject({ ok: true });
  });

  test("are no livelocks when they could end, or when that does not show within the bound", () => {
    const options = { maxDepth: 9, maxExecutions: 50, suspectStates: 100_000 };
    expect(random(philosophers(3, true), options).finding).toBeUndefined();
    expect(random(philosophers(3, true), { ...options, livelocks: "fair" }).finding?.kind).toBe("livelock");
    expect(random(spinLivelock(), { maxDepth: 20, maxExecutions: 3, suspectStates: 1 }).finding).toBeUndefined();
  });

  test("agree with the oracle on 300 generated programs", () => {
    let found = 0;
    for (let seed = 0; seed < 300; seed++) {
      const oracle = naive(randomToy(seed), 2000);
      const options = { find: "all", maxDepth: 30, maxExecutions: 20, suspectStates: 2000 } as const;
      const { findings } = random(randomToy(seed), options);
      for (const finding of findings.filter(({ kind }) => kind === "livelock")) {
        found++;
        expect(oracle.livelock, `seed ${seed}`).toBe(true);
        expect(replay(randomToy(seed), [...finding.schedule, ...finding.cycle]), `seed ${seed}`).toMatchObject({
          ok: true,
        });
      }
    }
    expect(found).toBeGreaterThan(10);
  });
});

describe("a fair region", () => {
  /** One lets go of a flag and takes it back for ever; the other tries for it. */
  const starving = (progress = false): Toy => {
    const program = new Toy(
      [
        {
          name: "holder",
          ops: [
            { op: "set", word: 0, value: 1 },
            { op: "set", word: 0, value: 0 },
            { op: "jump", to: 0 },
          ],
          idle: true,
        },
        {
          name: "trier",
          ops: [
            { op: "get", word: 0 },
            { op: "jumpIf", value: 1, to: 0 },
          ],
        },
      ],
      1,
      { parts: true },
    );
    return progress ? Object.assign(program, { progressed: () => true }) : program;
  };

  test("may be one that luck would end: the exit is named", () => {
    expect(prove(starving())).toMatchObject({ finding: undefined, complete: true });
    const { finding } = prove(starving(), { livelocks: "fair" });
    expect(finding).toMatchObject({ kind: "livelock", contexts: [1] });
    expect(finding?.exits).toMatchObject([{ context: "trier" }]);
    expectFairCycle(starving(), finding!, "starving");
  });

  test("is none when its steps get something done", () => {
    expect(prove(starving(true), { livelocks: "fair" })).toMatchObject({ finding: undefined, complete: true });
  });

  test("has no exit where nothing ends it", () => {
    const { finding } = prove(spinLivelock(), { livelocks: "fair" });
    expect(finding).toMatchObject({ kind: "livelock", exits: [] });
  });

  test("is none where only an unfair scheduler could go round", () => {
    // a waiter that polls for what a bystander is about to do
    const ops = [
      { op: "get", word: 0 },
      { op: "jumpIf", value: 0, to: 0 },
    ] as const;
    const program = new Toy([{ ops }, { ops: [{ op: "set", word: 0, value: 1 }] }], 1);
    expect(prove(program, { livelocks: "fair" })).toMatchObject({ finding: undefined, complete: true });
    const { finding } = prove(program, { livelocks: "any" });
    expect(finding).toMatchObject({ kind: "livelock", contexts: [0, 1] });
    expect(finding?.exits.map(({ context }) => context)).toEqual(["task/1"]);
    expect(finding?.cycle.map(({ position }) => position)).toEqual(["0:get 0", "1:jumpIf 0 0"]);
  });

  test("of polite philosophers: all take and give back for ever", () => {
    const { finding } = prove(philosophers(3, true), { livelocks: "fair" });
    expect(finding).toMatchObject({ kind: "livelock", contexts: [0, 1, 2] });
    expect(finding?.exits.length).toBeGreaterThan(0);
  });

  test("that does not fit into memory leaves the search open", () => {
    expect(prove(philosophers(4, true), { livelocks: "fair", memoryBytes: 30_000 })).toMatchObject({
      complete: false,
      stopped: "memory",
    });
  });
});
