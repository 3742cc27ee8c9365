import { describe, expect, test } from "vitest";
import { prepareTwoMutexes } from "../../test/two-mutexes-program.ts";
import { defineIncident } from "../incidents/incident.ts";
import { incidents } from "../incidents/index.ts";
import { type Prepared, prepare } from "../incidents/prepare.ts";
import { keptSpinLock, spinCircle, waiterAndWorker } from "../incidents/stuck-tasks-program.ts";
import type { Kernel } from "../kernel/sched/kernel.ts";
import { exploreIncident } from "./incident.ts";
import { judge, look } from "./judge.ts";
import { provePreemptions } from "./preemptions.ts";
import { prove } from "./prove.ts";
import { random } from "./random.ts";
import { contextsByName } from "./schedule.ts";
import type { Finding, ScheduleStep } from "./types.ts";

const ordered = { fixes: ["nofs-pte"] };

function prepared(setup: (kernel: Kernel) => unknown): Prepared {
  const incident = defineIncident({
    id: "stuck",
    title: "Somebody is stuck.",
    era: "6.1",
    parameters: {},
    fixes: [],
    fixedChoices: [],
    setup: (scene) => void setup(scene.kernel),
  });
  const result = prepare(incident, {});
  if (!result.ok) throw new Error(result.error.message);
  return result.prepared;
}
/** Steps of two-mutexes by the first letters of their contexts, with the positions that they have. */
function steps(of: Prepared, letters: string): ScheduleStep[] {
  const machine = of.kernel.start();
  const first = machine.words.slice();
  const byName = [...contextsByName(machine)];
  const taken = [...letters].map((letter) => {
    const [name, context] = byName.find(([n]) => n.startsWith(letter))!;
    const step = { context: name, way: 0, position: machine.position(context) };
    machine.step(context, 0);
    return step;
  });
  machine.words.set(first);
  return taken;
}

describe("what an exploration says of itself", () => {
  test("the kernel that it was, with every choice", () => {
    const choices = { era: "6.1.150", fixes: ["nofs-pte"], hacks: ["swapped"], cgroup: "v2", kmem: false } as const;
    const e = exploreIncident(prepareTwoMutexes({ steps: 0, broken: 1 }, { ...choices, invariants: true }));
    const kernel = {
      incident: "two-mutexes",
      era: "6.1.150",
      fixes: ["nofs-pte"],
      reverted: [],
      cgroup: "v2",
      kmem: false,
      hacks: ["swapped"],
      parameters: { steps: 0, waiter: 0, worker: 0, spinner: 0, broken: 1 },
    };
    expect(e).toMatchObject(kernel);
    expect(e).toMatchObject({
      title: "Two mutexes taken in opposite order.",
      lawsChecked: true,
      defaults: {
        era: "6.1.192",
        cgroup: "v1",
        parameters: { steps: 2, waiter: 0, worker: 0, spinner: 0, broken: 0 },
      },
      scope: { tasks: 3, fixedChoices: ["two locks"] },
    });
    expect(e.witness).toMatchObject({ ...kernel, schema: "unwedge.witness/1" });
    const reverted = exploreIncident(prepareTwoMutexes({}, { reverted: ["prealloc-pte"] }));
    expect([reverted.fixes, reverted.reverted, reverted.hacks, reverted.kmem]).toEqual([
      [],
      ["prealloc-pte"],
      [],
      true,
    ]);
    expect([reverted.lawsChecked, reverted.witness?.reverted]).toEqual([false, ["prealloc-pte"]]);
  });

  test("which search gave the answer, with which seed", () => {
    const by = (strategy: "hunt" | "prove" | "pct" | "random" | undefined, seed?: number) => {
      const e = exploreIncident(prepareTwoMutexes(), {
        ...(strategy === undefined ? {} : { strategy }),
        ...(seed === undefined ? {} : { seed }),
      });
      return [e.asked, e.strategy, e.seed, e.witness?.strategy];
    };
    expect(by(undefined)).toEqual([undefined, "random", 1, "random"]);
    expect(by(undefined, 5)).toEqual([undefined, "random", 5, "random"]);
    expect(by("random")).toEqual(["random", "random", 1, "random"]);
    expect(by("pct", 7)).toEqual(["pct", "pct", 7, "pct"]);
    expect(by("hunt", 7)).toEqual(["hunt", "hunt", undefined, "hunt"]);
    expect(by("prove", 7)).toEqual(["prove", "prove", undefined, "prove"]);
  });

  test("the counts of the search, or of all there were", () => {
    const alone = exploreIncident(prepareTwoMutexes({}, ordered), { strategy: "prove" });
    const truth = prove(prepareTwoMutexes({}, ordered).kernel.start(), { reduce: true });
    expect(alone).toMatchObject({
      states: truth.states,
      steps: truth.steps,
      depth: truth.depth,
      bytes: truth.bytes,
      omission: truth.omission,
      executions: 0,
      exact: false,
    });
    expect(alone.omission).toBeGreaterThan(0);
    const after = exploreIncident(prepareTwoMutexes({}, ordered));
    expect([after.strategy, after.states]).toEqual(["prove", truth.states]);
    // 3,000 steps at random, and the short proof was enough
    expect(after.steps).toBe(truth.steps + 3_000);
    expect(after.executions).toBeGreaterThan(300);
    const walks = exploreIncident(prepareTwoMutexes({}, ordered), { strategy: "random", bounds: { maxExecutions: 7 } });
    expect(walks).toMatchObject({ executions: 7, steps: 70, states: undefined, omission: 0, pruned: 0 });
    const exact = exploreIncident(prepareTwoMutexes({}, ordered), { strategy: "prove", bounds: { exact: true } });
    expect(exact).toMatchObject({ exact: true, omission: 0, outcome: "none", complete: true });
    const hunted = exploreIncident(prepareTwoMutexes({}, ordered), { strategy: "hunt" });
    expect(hunted.pruned).toBeGreaterThan(0);
  });

  test("a bound on preemptions is no proof, and says how far it came", () => {
    const bounded = (maxPreemptions: number, choices = {}) =>
      exploreIncident(prepareTwoMutexes({}, choices), { strategy: "prove", bounds: { maxPreemptions } });
    expect(bounded(0)).toMatchObject({ outcome: "none", complete: false, maxPreemptions: 0, preemptions: 0 });
    expect(bounded(1)).toMatchObject({ outcome: "deadlock", complete: false, maxPreemptions: 1, preemptions: 0 });
    // everything was seen long before: no number bounds it then
    const all = bounded(50, ordered);
    expect(all).toMatchObject({ outcome: "none", complete: false, maxPreemptions: 50 });
    expect(all).not.toHaveProperty("preemptions");
    const none = exploreIncident(prepareTwoMutexes({}, ordered), {
      strategy: "prove",
      bounds: { maxPreemptions: 1, maxSteps: 2 },
    });
    expect(none).not.toHaveProperty("preemptions");
    expect(exploreIncident(prepareTwoMutexes())).not.toHaveProperty("maxPreemptions");
    const truth = provePreemptions(prepareTwoMutexes({}, ordered).kernel.start(), { maxPreemptions: 1 });
    expect(bounded(1, ordered)).toMatchObject({ steps: truth.steps, states: truth.states, preemptions: 1 });
  });

  test("bounds hold for the quick searches too", () => {
    const e = exploreIncident(prepareTwoMutexes({}, ordered), { bounds: { maxSteps: 8 } });
    // four quick ones, two short proofs and a proof of eight steps each at most
    expect(e).toMatchObject({ outcome: "none", complete: false, stopped: "steps" });
    expect(e.steps).toBe(56);
    // the last proof is no longer than the second would be
    const few = exploreIncident(prepareTwoMutexes({}, ordered), { bounds: { maxSteps: 8, maxStates: 50_000 } });
    expect(few.steps).toBe(48);
    const deep = exploreIncident(prepareTwoMutexes({ steps: 900 }, ordered), {
      strategy: "random",
      bounds: { maxDepth: 20, maxExecutions: 2 },
    });
    expect(deep).toMatchObject({ depth: 20, executions: 2 });
    for (const strategy of ["hunt", "pct"] as const)
      expect(
        exploreIncident(prepareTwoMutexes({}, ordered), { strategy, bounds: { maxDepth: 4, maxExecutions: 2 } }),
      ).toMatchObject({ depth: 4, executions: 2 });
  });

  test("random schedules are those of the search itself, ten thousand unless told otherwise", () => {
    const e = exploreIncident(prepareTwoMutexes({ steps: 0 }, ordered), { strategy: "random", seed: 3 });
    expect(e).toMatchObject({ executions: 10_000, steps: 80_000, depth: 8, stopped: "executions" });
    const bounds = { maxExecutions: 40 };
    const seeded = exploreIncident(prepareTwoMutexes(), { strategy: "random", seed: 3, shorten: false, bounds });
    const truth = random(prepareTwoMutexes().kernel.start(), { seed: 3 });
    expect(seeded.witness?.schedule).toEqual(truth.finding?.schedule);
    expect(seeded).toMatchObject({ steps: truth.steps, executions: truth.executions });
  });
});

describe("what is said of a finding", () => {
  const found = (schedule: readonly ScheduleStep[], kind: Finding["kind"] = "deadlock"): Finding => ({
    kind,
    contexts: [0, 1],
    message: "as the search had it",
    schedule,
    cycle: [],
    exits: [],
  });

  test("what others do after contexts are dead is left out", () => {
    const of = prepareTwoMutexes({ waiter: 1 });
    for (const shorten of [true, false]) {
      const judged = judge(of, found(steps(of, "bfkbs".slice(0, 4))), "hunt", shorten);
      const names = judged.witness.schedule.map((step) => step.context[0]).join("");
      expect(names).toBe(shorten ? "fk" : "bfk");
      expect(judged).toMatchObject({
        outcome: "deadlock",
        message: "can never proceed again: fault/1000, kworker/u4:1/1001, sync/1003",
        witness: { shortened: shorten, strategy: "hunt", irreversibleAfter: names.length },
      });
      expect(judged.timeline.length).toBe(names.length);
      of.kernel.machine.words.set(prepareTwoMutexes({ waiter: 1 }).kernel.start().words);
    }
  });

  test("who spins for what nobody can raise locks up a CPU; who spins in a circle is in a deadlock", () => {
    const kept = exploreIncident(prepared(keptSpinLock), { strategy: "prove" });
    expect([kept.outcome, kept.account?.kind, kept.account?.spins]).toEqual(["lockup", "nobody", true]);
    expect(kept.witness?.outcome).toBe("lockup");
    const circle = exploreIncident(prepared(spinCircle), { strategy: "prove" });
    expect([circle.outcome, circle.account?.kind, circle.account?.spins]).toEqual(["deadlock", "circle", true]);
    const fine = exploreIncident(prepared(waiterAndWorker), { strategy: "prove" });
    expect([fine.outcome, fine.complete]).toEqual(["none", true]);
  });

  test("a livelock's stem is made short to the same state, and the cycle follows in the timeline", () => {
    const of = prepareTwoMutexes({ spinner: 1 }, ordered);
    const { finding } = prove(of.kernel.start());
    const long = { ...finding!, schedule: [...finding!.cycle, ...finding!.schedule] };
    const judged = judge(of, long, "prove", true);
    expect(judged.witness.schedule.length).toBe(finding!.schedule.length);
    expect(judged.witness).toMatchObject({ shortened: true, irreversibleAfter: null, cycle: finding!.cycle });
    expect(judged.timeline.length).toBe(judged.witness.schedule.length + finding!.cycle.length);
    expect(judged.timeline.at(-1)).toEqual({ context: "spinner/1003", what: "work", within: undefined });
    expect(judged.message).toBe(finding!.message);
    expect(judged.account.contexts.map((context) => context.comm)).toEqual(["spinner"]);
  });

  test("a broken law is told in its own words, with nobody stuck", () => {
    const of = prepareTwoMutexes({ broken: 1 });
    const judged = judge(
      of,
      { ...prove(of.kernel.start(), { find: "all" }).findings.find((f) => f.kind === "invariant")! },
      "prove",
      true,
    );
    expect(judged).toMatchObject({ outcome: "invariant", account: { kind: "none", contexts: [] } });
    expect(judged.message).toContain("counter below zero");
    expect(judged.witness.schedule.map((step) => step.context)).toEqual(["broken/1003"]);
  });

  test("a law that is broken after others have died is told with all its steps", () => {
    const of = prepareTwoMutexes({ broken: 1 });
    const last = { context: "broken/1003", way: 0, position: "fails:1 work" };
    const judged = judge(of, found([...steps(of, "fk"), last], "invariant"), "pct", false);
    expect(judged).toMatchObject({ outcome: "invariant", message: "as the search had it" });
    expect(judged.witness).toMatchObject({ irreversibleAfter: null, contextSwitches: 2, strategy: "pct" });
    expect(judged.timeline.length).toBe(3);
  });

  test("of a dead subset that is told while others run, the dead are named", () => {
    const of = prepareTwoMutexes({ spinner: 1 });
    const judged = judge(of, found(steps(of, "sfks"), "dead-subset"), "prove", true);
    expect(judged).toMatchObject({
      outcome: "deadlock",
      message: "can never proceed again: fault/1000, kworker/u4:1/1001",
      account: { kind: "circle", contexts: [{ comm: "fault" }, { comm: "kworker/u4:1" }] },
    });
    expect(judged.timeline.map((step) => step.what)).toEqual(["mutex_lock lock_a", "mutex_lock lock_b"]);
  });

  test("a step is told with the kernel function that takes it, not the lock's own", () => {
    const incident = incidents.find(({ id }) => id === "memcg-writeback-abba")!;
    const result = prepare(incident, {});
    if (!result.ok) throw new Error(result.error.message);
    const { timeline } = exploreIncident(result.prepared, { strategy: "random", shorten: false });
    const told = new Set(timeline.map(({ what, within }) => `${what.replace(/[0-9]+/g, "N")} in ${within}`));
    expect([...told].sort().join("\n")).toMatchInlineSnapshot(`
      "charge /a N in try_charge
      down_read invalidate_lock in ext4_page_mkwrite
      down_read mmap_lock in __do_page_fault
      first work of wb N in wb_workfn
      folio_lock page N in __lock_page
      folio_trylock page N in folio_trylock
      folio_unlock page N in unlock_page
      look up dirty pages of mapping N from N in filemap_get_folios_tag
      look up index N of mapping N in filemap_get_page
      map page N in vma N in alloc_set_pte
      pmd_install vma N in pmd_install
      read list sizes of /a in shrink_node
      set PG_dirty of page N in __set_page_dirty_buffers
      spin_lock i_pages in __test_set_page_writeback
      spin_lock lru_lock in shrink_active_list
      spin_lock lru_lock in shrink_inactive_list
      spin_lock wb_list_lock in wb_writeback
      take work of writeback in worker_thread
      test the dirty tag of mapping N in ext4_writepages
      unmap page N in try_to_unmap"
    `);
  });

  test("a schedule that does not replay is refused", () => {
    const of = prepareTwoMutexes();
    const wrong = [{ context: "fault/1000", way: 0, position: "elsewhere" }];
    of.kernel.start();
    expect(() => look(of, found(wrong), { strategy: "hunt", shortened: false, irreversibleAfter: null })).toThrow(
      "a schedule that was found does not replay: step 1 of 1: expected fault/1000 at elsewhere",
    );
  });
});
