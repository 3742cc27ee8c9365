import { describe, expect, test } from "vitest";
import { prepareTwoMutexes } from "../../test/two-mutexes-program.ts";
import { exploreIncident } from "./incident.ts";
import { choicesOf, parseWitness, replayWitness, strategies, type Witness, witnessOf } from "./incident-witness.ts";
import { replayIncident } from "./replay-incident.ts";

const ordered = { fixes: ["nofs-pte"] };
const witness = (parameters = {}, choices = {}): Witness =>
  exploreIncident(prepareTwoMutexes(parameters, choices), { strategy: "prove" }).witness!;
const parsed = (value: unknown): Witness => {
  const result = parseWitness(value);
  if (!result.ok) throw new Error(result.message);
  return result.witness;
};

describe("a witness from JSON", () => {
  const least = { schema: "unwedge.witness/1", incident: "i", era: "6.1", schedule: [] };

  test("needs an incident, a release and a schedule; the rest has defaults", () => {
    expect(parsed(least)).toEqual({
      ...least,
      fixes: [],
      reverted: [],
      cgroup: "v1",
      kmem: true,
      hacks: [],
      parameters: {},
      outcome: "deadlock",
      strategy: "hunt",
      cycle: [],
      contextSwitches: 0,
      shortened: false,
      irreversibleAfter: null,
    });
  });

  test("keeps every member that it knows, and none that it does not", () => {
    const step = (context: string) => ({ context, way: 1, position: "p" });
    const whole = {
      ...least,
      file: "./mine.ts",
      fixes: ["a"],
      reverted: ["b"],
      cgroup: "v2",
      kmem: false,
      hacks: ["c"],
      parameters: { n: 2 },
      outcome: "lockup",
      strategy: "pct",
      schedule: [step("x"), step("y"), step("x")],
      cycle: [step("z")],
      contextSwitches: 2,
      shortened: true,
      irreversibleAfter: 4,
    };
    expect(parsed({ ...whole, contextSwitches: 77, more: 1 })).toEqual(whole);
    for (const outcome of ["deadlock", "livelock", "lockup", "invariant", "none"])
      expect(parsed({ ...least, outcome }).outcome).toBe(outcome);
    for (const strategy of strategies) expect(parsed({ ...least, strategy }).strategy).toBe(strategy);
  });

  test("takes what it does not know for the default", () => {
    const odd = {
      file: 1,
      cgroup: "v3",
      kmem: 0,
      outcome: "slow",
      strategy: "luck",
      shortened: 1,
      irreversibleAfter: "2",
    };
    expect(parsed({ ...least, ...odd })).toEqual(parsed(least));
    expect(strategies).toEqual(["hunt", "prove", "pct", "random"]);
  });

  test.each([
    [null, "not a witness"],
    ["text", "not a witness"],
    [[least], "not a witness"],
    [{ ...least, schema: 1 }, "not a witness: it has no schema"],
    [{ ...least, schema: "other/1" }, "not a witness: it has no schema"],
    [
      { ...least, schema: "unwedge.witness/9" },
      "unwedge.witness/9 is not unwedge.witness/1, which this version replays",
    ],
    [{ schema: "unwedge.exploration/1" }, "an exploration that found nothing: there is no witness in it"],
    [{ schema: "unwedge.exploration/1", witness: {} }, "not a witness: it has no schema"],
    [{ ...least, incident: 1 }, "its incident is no text"],
    [{ ...least, era: undefined }, "its era is no text"],
    [{ ...least, fixes: "a" }, "its fixes are no list of names"],
    [{ ...least, reverted: [null] }, "its reverted are no list of names"],
    [{ ...least, hacks: ["a", 2] }, "its hacks are no list of names"],
    [{ ...least, parameters: "n" }, "its parameters are no numbers"],
    [{ ...least, parameters: { a: 1, b: "2" } }, "its parameters are no numbers"],
    [{ ...least, schedule: undefined }, "its schedule is no list of steps"],
    [{ ...least, cycle: [1] }, "its schedule is no list of steps"],
  ])("%j is none: %s", (value, message) => {
    expect(parseWitness(value)).toEqual({ ok: false, message });
  });
});

describe("a witness of an incident", () => {
  test("has in it what the incident is prepared with", () => {
    const w = witness({ waiter: 1 });
    expect(choicesOf(w)).toEqual({
      era: "6.1.192",
      fixes: [],
      reverted: [],
      cgroup: "v1",
      kmem: true,
      hacks: [],
      parameters: { steps: 2, waiter: 1, worker: 0, spinner: 0, broken: 0 },
    });
    const { schedule, cycle, outcome, strategy, shortened, irreversibleAfter } = w;
    const told = { outcome, strategy, shortened, irreversibleAfter };
    expect(witnessOf(prepareTwoMutexes({ waiter: 1 }), { schedule, cycle }, told)).toEqual(w);
  });

  test("replays, and tells the steps of its cycle with their numbers", () => {
    const w = witness({ spinner: 1 }, ordered);
    const told: [string, number][] = [];
    const of = prepareTwoMutexes({ spinner: 1 }, ordered);
    const run = replayWitness(of, w, (step, _, index) => void told.push([step.context, index]));
    expect(run).toEqual({ ok: true, steps: w.schedule.length, error: undefined });
    expect(told.map(([, index]) => index)).toEqual(Array.from({ length: w.schedule.length + 1 }, (_, n) => n));
    expect(told.at(-1)![0]).toBe("spinner/1003");
  });

  test("whose cycle leads elsewhere, or does not fit, is refused", () => {
    const w = witness({ spinner: 1 }, ordered);
    const of = () => prepareTwoMutexes({ spinner: 1 }, ordered);
    const first = w.schedule.slice(0, 1);
    expect(replayWitness(of(), { ...w, schedule: [], cycle: first })).toEqual({
      ok: false,
      at: 0,
      expected: "a cycle",
      found: "another state",
      message: "its cycle does not lead back to the state it began in",
    });
    // all but the spinner have ended: what it does not do there is refused in its place
    const whole = { ...w, schedule: [...w.cycle, ...w.schedule], cycle: [...w.cycle, { ...w.cycle[0]!, way: 9 }] };
    const again = replayWitness(of(), whole);
    expect(again).toMatchObject({ ok: false, at: whole.schedule.length + 1, found: "1 ways" });
    expect(!again.ok && again.message).toMatch(/^its cycle, step 2 of 2: expected spinner\/1003 to step in way 9/);
    expect(replayWitness(prepareTwoMutexes(), { ...w, incident: "other" })).toEqual({
      ok: false,
      at: 0,
      expected: "other",
      found: "two-mutexes",
      message: "the witness is of other, not of two-mutexes",
    });
  });

  test("whose cycle throws is refused", () => {
    const broken = witness({ broken: 1 }, ordered);
    const of = prepareTwoMutexes({ broken: 1 }, ordered);
    expect(replayWitness(of, { ...broken, schedule: [], cycle: broken.schedule })).toMatchObject({
      ok: false,
      message: "its cycle does not lead back to the state it began in",
    });
  });
});

describe("a replay of an incident", () => {
  test.each([
    ["deadlock", { waiter: 1 }, {}, 2],
    ["livelock", { spinner: 1, steps: 0 }, ordered, null],
    ["invariant", { broken: 1 }, ordered, null],
  ])("ends in %s again, and counts nothing but itself", (outcome, parameters, choices, irreversibleAfter) => {
    const found = exploreIncident(prepareTwoMutexes(parameters, choices));
    const w = found.witness!;
    const again = replayIncident(prepareTwoMutexes(parameters, choices), {
      ...w,
      irreversibleAfter: 77,
      shortened: false,
    });
    expect(again).toMatchObject({
      ok: true,
      exploration: {
        outcome,
        message: found.message,
        account: found.account,
        asked: undefined,
        strategy: w.strategy,
        seed: undefined,
        exits: [],
        complete: false,
        stopped: undefined,
        executions: 1,
        steps: w.schedule.length,
        states: undefined,
        pruned: 0,
        depth: w.schedule.length,
        bytes: 0,
        exact: false,
        omission: 0,
        witness: { ...w, irreversibleAfter, shortened: false },
      },
    });
    expect(again.ok && again.exploration.timeline.length).toBe(w.schedule.length + w.cycle.length);
  });

  test("a state at rest where nobody is stuck, or where all can go on, is none", () => {
    const w = witness();
    const of = prepareTwoMutexes({}, ordered);
    const machine = of.kernel.start();
    const schedule = [];
    for (let c = 0; c < machine.contexts; c++)
      while (machine.ways(c) > 0) {
        schedule.push({ context: machine.name(c), way: 0, position: machine.position(c) });
        machine.step(c, 0);
      }
    const end = machine.words.slice();
    const done = replayIncident(prepareTwoMutexes({}, ordered), { ...w, schedule });
    expect(done).toMatchObject({
      ok: true,
      exploration: { outcome: "none", message: undefined, witness: undefined, timeline: [], account: undefined },
    });
    const left = prepareTwoMutexes({}, ordered);
    replayIncident(left, { ...w, schedule });
    expect(left.kernel.machine.words).toEqual(end);
    expect(replayIncident(prepareTwoMutexes(), { ...w, schedule: [] })).toMatchObject({
      ok: true,
      exploration: { outcome: "none", steps: 0 },
    });
  });

  test("that does not fit says where", () => {
    const w = witness();
    const moved = { ...w, schedule: [w.schedule[0]!, { ...w.schedule[1]!, way: 4 }] };
    expect(replayIncident(prepareTwoMutexes(), moved)).toEqual({
      ok: false,
      at: 1,
      message: expect.stringMatching(/^step 2 of 2: expected .* in way 4 of/),
    });
  });
});
