import { describe, expect, it } from "vitest";
import { prepareTwoMutexes } from "../../test/two-mutexes-program.ts";
import { type ExploreOptions, exploreIncident } from "./incident.ts";
import { choicesOf, parseWitness, replayWitness, strategies, type Witness } from "./incident-witness.ts";
import { replayIncident } from "./replay-incident.ts";

const ordered = { fixes: ["nofs-pte"] };
const pairs = (e: ReturnType<typeof exploreIncident>) =>
  e.account?.core.map((edge) => `${edge.waiter.comm} ${edge.waitsFor.id} ${edge.heldBy.map((by) => by.comm).join()}`);

describe("exploring two mutexes", () => {
  it.each([undefined, ...strategies])("finds the circle: %s", (strategy) => {
    const prepared = prepareTwoMutexes({ waiter: 1, worker: 1 });
    const first = prepared.kernel.start().words.slice();
    const e = exploreIncident(prepared, strategy === undefined ? {} : { strategy });
    expect(e.outcome).toBe("deadlock");
    expect(pairs(e)).toEqual(["fault lock_b kworker/u4:1", "kworker/u4:1 lock_a fault"]);
    expect(e.account?.stuckBehind.map((group) => [group.waitsFor.id, group.contexts.map((c) => c.comm)])).toEqual([
      ["lock_a", ["sync"]],
    ]);
    expect(e.account?.breakers.map((c) => c.comm)).toEqual(["fault", "kworker/u4:1"]);
    expect(e.complete).toBe(false);
    expect(e.stopped).toBe("finding");
    expect(e.witness).toMatchObject({ outcome: "deadlock", shortened: true, irreversibleAfter: 2, contextSwitches: 1 });
    // which of the two comes first is the strategy's luck
    expect(e.witness?.schedule.map((step) => step.context).toSorted()).toEqual(["fault/1000", "kworker/u4:1/1001"]);
    expect(e.timeline.map((step) => step.what).toSorted()).toEqual(["mutex_lock lock_a", "mutex_lock lock_b"]);
    expect(prepared.kernel.machine.words).toEqual(first);
  });

  it("says none and complete only after a proof", () => {
    expect(exploreIncident(prepareTwoMutexes({}, ordered))).toMatchObject({
      outcome: "none",
      complete: true,
      strategy: "prove",
      witness: undefined,
      account: undefined,
    });
    for (const strategy of ["hunt", "pct", "random"] as const) {
      const e = exploreIncident(prepareTwoMutexes({}, ordered), { strategy, bounds: { maxExecutions: 50 } });
      expect([e.outcome, e.complete]).toEqual(["none", false]);
    }
  });

  it.each([
    [{ maxStates: 10 }, "states"],
    [{ memoryBytes: 1 }, "memory"],
    [{ maxSteps: 5 }, "steps"],
  ] as const)("a bound of %o gives no false none", (bounds, stopped) => {
    const e = exploreIncident(prepareTwoMutexes({ steps: 9 }, ordered), { strategy: "prove", bounds });
    expect([e.outcome, e.complete, e.stopped]).toEqual(["none", false, stopped]);
  });

  it("stops when asked to, with what it has", () => {
    const calls: string[] = [];
    const options: ExploreOptions = {
      pollEvery: 1,
      aborted: () => calls.length > 3,
      progress: (phase) => void calls.push(phase),
    };
    const e = exploreIncident(prepareTwoMutexes({ steps: 9 }, ordered), options);
    expect([e.outcome, e.complete, e.stopped]).toEqual(["none", false, "aborted"]);
    expect(calls).toEqual(["random", "random", "random", "random"]);
  });

  it("finds livelocks with their cycle", () => {
    const e = exploreIncident(prepareTwoMutexes({ spinner: 1, steps: 0 }, ordered), { strategy: "prove" });
    expect(e.outcome).toBe("livelock");
    expect(e.exits).toEqual([]);
    expect(e.witness?.cycle.map((step) => step.context)).toEqual(["spinner/1002"]);
    expect(e.account?.contexts.map((c) => [c.comm, c.state, c.role])).toEqual([["spinner", "R", "core"]]);
  });

  it("finds thrown errors as broken invariants", () => {
    const e = exploreIncident(prepareTwoMutexes({ broken: 1 }, ordered));
    expect(e.outcome).toBe("invariant");
    expect(e.message).toContain("counter below zero");
    expect(e.timeline.at(-1)?.context).toBe("broken/1003");
  });

  it("is the same for the same seed", () => {
    const run = (seed: number) => exploreIncident(prepareTwoMutexes({ waiter: 1 }), { strategy: "random", seed });
    expect(run(3)).toEqual(run(3));
    expect(run(3).seed).toBe(3);
  });
});

describe("witnesses", () => {
  const found = (parameters = {}, choices = {}): Witness => {
    const { witness } = exploreIncident(prepareTwoMutexes(parameters, choices));
    return witness!;
  };

  it.each([
    [{ waiter: 1 }, {}],
    [{ spinner: 1 }, ordered],
    [{ broken: 1 }, ordered],
  ])("%o replay byte for byte to the same account", (parameters, choices) => {
    const e = exploreIncident(prepareTwoMutexes(parameters, choices));
    const parsed = parseWitness(JSON.parse(JSON.stringify(e.witness)));
    if (!parsed.ok) throw new Error(parsed.message);
    expect(parsed.witness).toEqual(e.witness);
    const again = replayIncident(
      prepareTwoMutexes(parsed.witness.parameters, choicesOf(parsed.witness)),
      parsed.witness,
    );
    if (!again.ok) throw new Error(again.message);
    const { outcome, witness, timeline, account } = again.exploration;
    expect({ outcome, witness, timeline, account }).toEqual({
      outcome: e.outcome,
      witness: e.witness,
      timeline: e.timeline,
      account: e.account,
    });
  });

  it("that no longer end in anything say none", () => {
    const whole = found();
    const cut = { ...whole, schedule: whole.schedule.slice(0, 1) };
    const prepared = prepareTwoMutexes();
    const again = replayIncident(prepared, cut);
    expect(again.ok && again.exploration.outcome).toBe("none");
    expect(prepared.kernel.machine.position(0)).toBe(whole.schedule[0]!.position.replace("lock_a", "lock_b"));
  });

  it("of another incident, order or program are refused at the first step that differs", () => {
    const witness = found();
    expect(replayWitness(prepareTwoMutexes(), { ...witness, incident: "other" })).toMatchObject({
      ok: false,
      message: "the witness is of other, not of two-mutexes",
    });
    expect(replayWitness(prepareTwoMutexes({}, ordered), witness)).toMatchObject({ ok: false, at: 1 });
    const moved = { ...witness, schedule: witness.schedule.map((s) => ({ ...s, position: `${s.position}!` })) };
    expect(replayWitness(prepareTwoMutexes(), moved)).toMatchObject({ ok: false, at: 0 });
    const spins = found({ spinner: 1 }, ordered);
    const broken = { ...spins, cycle: [...spins.cycle, ...witness.schedule] };
    expect(replayWitness(prepareTwoMutexes({ spinner: 1 }, ordered), broken)).toMatchObject({ ok: false });
  });

  it("that are none are refused in one line", () => {
    const witness = found();
    const wrong = (value: unknown): string | undefined => {
      const parsed = parseWitness(value);
      return parsed.ok ? undefined : parsed.message;
    };
    expect(wrong([])).toBe("not a witness");
    expect(wrong({})).toBe("not a witness: it has no schema");
    expect(wrong({ ...witness, schema: "unwedge.witness/2" })).toMatch(/^unwedge.witness\/2 is not/);
    expect(wrong({ ...witness, era: 6 })).toBe("its era is no text");
    expect(wrong({ ...witness, fixes: [1] })).toBe("its fixes are no list of names");
    expect(wrong({ ...witness, parameters: { a: "b" } })).toBe("its parameters are no numbers");
    expect(wrong({ ...witness, schedule: [{}] })).toBe("its schedule is no list of steps");
    expect(wrong({ schema: "unwedge.exploration/1", witness: null })).toMatch(/found nothing/);
    expect(wrong({ schema: "unwedge.exploration/1", witness })).toBe(undefined);
  });
});
