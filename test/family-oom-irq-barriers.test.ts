/**
 * What the facts predict for the incidents of the OOM killer, of interrupts and of barriers: each is met without its fix,
 * closed in every schedule with it, and gone as soon as one of its preconditions is taken away.
 */
import { describe, expect, it } from "vitest";
import { exploreIncident } from "../src/explore/incident.ts";
import { replayIncident } from "../src/explore/replay-incident.ts";
import {
  type Choices,
  ext4SyncHandle,
  type Incident,
  memcgOomTrap,
  oomFrozenVictim,
  prepare,
  queueFreezeReclaim,
  zonelistSeqIrq,
} from "../src/incidents/index.ts";
import { diagnose } from "../src/index.ts";
import { kernelLog } from "../src/kernel/sched/show-task.ts";

/** Outcome, with the laws of the model checked in every state, and who is part of it by name without number. */
const explored = (incident: Incident, choices: Choices = {}) => {
  const result = prepare(incident, { ...choices, invariants: true });
  if (!result.ok) throw new Error(result.error.message);
  const { outcome, complete, account } = exploreIncident(result.prepared, { bounds: { maxStates: 200_000 } });
  const names = (account?.contexts ?? []).map((c) => (c.comm ?? "").replace(/\/.*|:.*/, ""));
  return { outcome, complete, who: [...new Set(names)].toSorted() };
};
const none = { outcome: "none", complete: true };
const found = (outcome: string, ...who: readonly string[]) => ({ outcome, who });

describe("memcg-oom-trap", () => {
  const handler = { parameters: { handler: 1 } };

  it("4.4.0 without the fix: the charge goes round while its victim waits for i_mutex", () => {
    expect(explored(memcgOomTrap)).toMatchObject(found("livelock", "dd", "truncate"));
    expect(explored(memcgOomTrap, { parameters: { writers: 2 } })).toMatchObject(found("livelock", "dd", "truncate"));
  });
  it("4.4.0 without the fix, killing left to user space: a deadlock", () => {
    expect(explored(memcgOomTrap, handler)).toMatchObject(found("deadlock", "dd", "oom-handler"));
  });
  it("6.1.192 without the fix: the reaper saves the first, nobody the second", () => {
    const without = { era: "6.1.192", reverted: ["memcg-oom-unwind"] };
    expect(explored(memcgOomTrap, without)).toMatchObject(none);
    expect(explored(memcgOomTrap, { ...without, ...handler })).toMatchObject(found("deadlock", "dd", "oom-handler"));
  });
  it.each([
    ["with the fix", { fixes: ["memcg-oom-unwind"] }],
    ["4.4.0 as it is", { era: "4.4.0" }],
    ["4.18.0 without the fix: there is a reaper", { era: "4.18.0", reverted: ["memcg-oom-unwind"] }],
    ["4.20.0: the charge kills again, and there is a reaper", { era: "4.20.0" }],
    ["6.1.192", { era: "6.1.192" }],
  ])("%s: none, every schedule", (_, choices) => {
    expect(explored(memcgOomTrap, choices)).toMatchObject(none);
  });
  it.each(["4.4.0", "4.18.0", "4.20.0", "6.1.192"])("%s, killing left to user space: none", (era) => {
    expect(explored(memcgOomTrap, { era, ...handler })).toMatchObject(none);
  });
});

describe("oom-frozen-victim", () => {
  const reverted = ["oom-victims-not-frozen"];

  it("4.4.0 without the fix: the manager's faults go round while the victim stays frozen", () => {
    expect(explored(oomFrozenVictim)).toMatchObject(found("livelock", "job", "manager"));
    expect(explored(oomFrozenVictim, { parameters: { jobs: 2 } })).toMatchObject(found("livelock", "job", "manager"));
  });
  it.each([
    ["with the fix", { fixes: reverted }],
    ["4.4.0 as it is", { era: "4.4.0" }],
    ["4.6.0 without the fix: there is a reaper", { era: "4.6.0", reverted }],
    ["6.1.192 without the fix", { era: "6.1.192", reverted }],
    ["6.1.192", { era: "6.1.192" }],
    ["the manager outside the group", { parameters: { outside: 1 } }],
    ["a manager that needs no memory", { parameters: { needs: 0 } }],
  ])("%s: none, every schedule", (_, choices) => {
    expect(explored(oomFrozenVictim, choices)).toMatchObject(none);
  });
});

describe("zonelist-seq-irq", () => {
  const [below, elsewhere] = [0, 1].map((cpu) => ({ "irq-cpus": cpu }));
  const guarded = ["zonelist-update-guarded"];

  it.each([
    ["6.2.0", {}],
    ["6.1.192 without the fix", { era: "6.1.192", reverted: guarded }],
  ])("%s: the interrupt and the task below it, or the console", (_, choices) => {
    expect(explored(zonelistSeqIrq, { ...choices, parameters: below! })).toMatchObject(
      found("deadlock", "bash", "hardirq"),
    );
    expect(explored(zonelistSeqIrq, { ...choices, parameters: elsewhere! })).toMatchObject(
      found("deadlock", "bash", "hardirq"),
    );
  });
  it("either half of the fix leaves the other way", () => {
    const half = (hack: string, parameters: Choices["parameters"] = {}) =>
      explored(zonelistSeqIrq, { hacks: [hack], parameters }).outcome;
    expect([half("only-irqs-off"), half("only-irqs-off", below)]).toEqual(["deadlock", "none"]);
    expect([half("only-printk-deferred"), half("only-printk-deferred", elsewhere)]).toEqual(["deadlock", "none"]);
  });
  it.each([
    ["with the fix", { fixes: guarded }],
    ["with the fix, two characters and two hotplugs", { fixes: guarded, parameters: { characters: 2, hotplugs: 2 } }],
    ["5.18.0: no sequence is looked at", { era: "5.18.0" }],
    ["6.1.192", { era: "6.1.192" }],
    ["6.12.0", { era: "6.12.0" }],
    ["nobody on the slow path", { parameters: { free: 2 } }],
    ["no console, interrupts elsewhere", { parameters: { console: 0, "irq-cpus": 1 } }],
    ["no interrupt", { parameters: { characters: 0 } }],
  ])("%s: none, every schedule", (_, choices: Choices) => {
    expect(explored(zonelistSeqIrq, choices)).toMatchObject(none);
  });
});

describe("ext4-sync-handle", () => {
  const fix = "ext4-sync-handle-last";

  it.each([
    ["4.7.0", {}],
    ["two CPUs, nobody else", { parameters: { cpus: 2, touchers: 0 } }],
    ["6.1.192 without the fix", { era: "6.1.192", reverted: [fix] }],
  ])("%s: the flusher and the commit", (_, choices: Choices) => {
    expect(explored(ext4SyncHandle, choices)).toMatchObject(found("deadlock", "jbd2", "kworker"));
  });
  it.each([
    ["with the fix", { fixes: [fix] }],
    ["with the fix, two CPUs", { fixes: [fix], parameters: { cpus: 2 } }],
    ["4.6.0: the commit does not wait for these data", { era: "4.6.0" }],
    ["4.7.4", { era: "4.7.4" }],
    ["6.1.192", { era: "6.1.192" }],
    ["the file stays below 2 GiB", { parameters: { small: 1 } }],
    ["the filesystem has a large file already", { parameters: { large: 1 } }],
  ])("%s: none, every schedule", (_, choices: Choices) => {
    expect(explored(ext4SyncHandle, choices)).toMatchObject(none);
  });
});

describe("queue-freeze-reclaim", () => {
  const fixes = ["freeze-noio", "sysfs-store-noio"];

  it.each([
    ["6.12.0", {}],
    ["6.1.192", { era: "6.1.192" }],
    ["6.18.0 without the fixes", { era: "6.18.0", reverted: fixes }],
    ["nobody else", { parameters: { dirty: 0 } }],
  ])("%s: who froze the queue waits for it", (_, choices: Choices) => {
    expect(explored(queueFreezeReclaim, choices)).toMatchObject({ outcome: "deadlock" });
    expect(explored(queueFreezeReclaim, choices).who).toContain("echo");
  });
  it.each([
    ["freeze-noio", { fixes: ["freeze-noio"] }],
    ["sysfs-store-noio", { fixes: ["sysfs-store-noio"] }],
    ["sysfs-store-noio in 6.1", { era: "6.1.192", fixes: ["sysfs-store-noio"] }],
    ["6.12.117, which has the second", { era: "6.12.117" }],
    ["6.14.0", { era: "6.14.0" }],
    ["6.18.0 without the first: the second is enough", { era: "6.18.0", reverted: ["freeze-noio"] }],
    ["swap on another disk", { parameters: { elsewhere: 1 } }],
    ["a free page", { parameters: { free: 1 } }],
    ["nothing to swap out", { parameters: { anonymous: 0 } }],
  ])("%s: none, every schedule", (_, choices: Choices) => {
    expect(explored(queueFreezeReclaim, choices)).toMatchObject(none);
  });

  it("printed as a kernel log it is recognised, with its core", async () => {
    const result = prepare(queueFreezeReclaim, {});
    if (!result.ok) throw new Error(result.error.message);
    const { witness } = exploreIncident(result.prepared);
    replayIncident(result.prepared, witness!);
    const { verdict, core, knownBugs, advice } = await diagnose(kernelLog(result.prepared.kernel));
    expect(verdict).toBe("deadlock");
    expect(core.map((edge) => [edge.waiter.comm, edge.waitsFor.class, edge.heldBy[0]?.comm])).toEqual([
      ["echo", "queue_freeze", "echo"],
    ]);
    expect(knownBugs.map((bug) => bug.incident)).toContain("queue-freeze-reclaim");
    expect(advice.join(" ")).toContain("unwedge explore queue-freeze-reclaim --era 6.12.0");
  });
});
