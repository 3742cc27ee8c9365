/**
 * Reclaim or a throttle that waits for a service which itself needs memory: each incident is found, by whom it names, and each
 * fix is proved to leave nothing, at sizes that a test can afford.
 */
import { describe, expect, it } from "vitest";
import type { Switch } from "../src/cli/explore/job.ts";
import { switchesOf } from "../src/cli/explore/switches.ts";
import { exploreIncident, prove, random } from "../src/explore/index.ts";
import { replayIncident } from "../src/explore/replay-incident.ts";
import {
  type Choices,
  dmSnapshotCowThrottle,
  drainPagesWorkqueue,
  fuseServerMemcg,
  type Incident,
  nbdServerMemcg,
  nfsReleaseKthreadd,
  prepare,
} from "../src/incidents/index.ts";
import { diagnose } from "../src/index.ts";
import { brokenLaw } from "../src/kernel/invariants.ts";
import type { Kernel } from "../src/kernel/sched/kernel.ts";
import { kernelLog, showState } from "../src/kernel/sched/show-task.ts";

const kernelOf = (incident: Incident, choices: Choices): Kernel => {
  const result = prepare(incident, choices);
  if (!result.ok) throw new Error(result.error.message);
  return result.prepared.kernel;
};

/** The contexts of the first fault that random walks meet, by their names; undefined: they meet none. */
const dead = (incident: Incident, choices: Choices = {}): readonly string[] | undefined => {
  const kernel = kernelOf(incident, choices);
  const { finding } = random(kernel.start(), { maxExecutions: 1000, seed: 7 });
  if (finding === undefined) return undefined;
  expect(finding.kind).toMatch(/^dead/);
  return finding.contexts.map((c) => (kernel.tasks[c]?.comm ?? "").replace(/\/.*/, "")).toSorted();
};

/** What a proof over all states says; a law of the model that breaks on the way fails the test. */
const proof = (incident: Incident, choices: Choices) => {
  const kernel = kernelOf(incident, { ...choices, invariants: true });
  const { finding, complete } = prove(kernel.start(), { maxStates: 150_000 });
  expect(finding?.kind === "invariant" ? brokenLaw(kernel) : undefined).toBeUndefined();
  return { fault: finding?.kind, complete };
};
/** What the kernel of an incident prints when it is dead. */
const deadLog = (incident: Incident, choices: Choices): string => {
  const result = prepare(incident, choices);
  if (!result.ok) throw new Error(result.error.message);
  const { prepared } = result;
  const { witness } = exploreIncident(prepared);
  replayIncident(prepared, witness!);
  return `${kernelLog(prepared.kernel)}${showState(prepared.kernel).join("\n")}\n`;
};
const none = { fault: undefined, complete: true };

describe("fuse-server-memcg", () => {
  const small = { writers: 1, pages: 1 };
  const revert = { reverted: ["skip-deadlockable-mappings"] };

  it("a server waits for what only it can end; two of them for each other", () => {
    expect(dead(fuseServerMemcg)).toEqual(["fuse-server"]);
    expect(dead(fuseServerMemcg, { era: "6.18.0", ...revert })).toEqual(["fuse-server"]);
    expect(dead(fuseServerMemcg, { parameters: { servers: 2 } })).toContain("fuse-server");
  });

  it.each<[string, Choices]>([
    ["6.16.0 with the fix named", { fixes: ["skip-deadlockable-mappings"] }],
    ["6.16.0 as it was released", { era: "6.16.0" }],
    ["copies instead of cached pages, reclaim not told", { reverted: ["fuse-no-copies"] }],
    ["6.15.0, which has neither", { era: "6.15.0" }],
    ["cgroup v2", { cgroup: "v2" }],
    ["kernel memory not accounted: the pipe's page is not charged", { kmem: false }],
    ["room for all that is allocated", { parameters: { ...small, room: 3 } }],
  ])("%s: none, every schedule", (_, choices) => {
    expect(proof(fuseServerMemcg, { parameters: small, ...choices })).toEqual(none);
  });

  it("a release that is named is taken as it was; a fix of the incident's own can be named again", () => {
    const eraOf = (choices: Choices) => kernelOf(fuseServerMemcg, choices).era.changes;
    expect(eraOf({})).toEqual(["-skip-deadlockable-mappings"]);
    expect(eraOf({ fixes: ["skip-deadlockable-mappings"] })).toEqual([]);
    expect(eraOf({ era: "6.16.0" })).toEqual([]);
    expect(eraOf({ era: "6.16.0", ...revert })).toEqual(["-skip-deadlockable-mappings"]);
    // what was taken out is named in results and witnesses, which replay
    const result = prepare(fuseServerMemcg, {});
    expect(result.ok && result.prepared.choices.reverted).toEqual(["skip-deadlockable-mappings"]);
    const replayed = prepare(fuseServerMemcg, { era: "6.16.0", ...(result.ok ? result.prepared.choices : {}) });
    expect(replayed.ok && replayed.prepared.era.changes).toEqual(["-skip-deadlockable-mappings"]);
    const { switches } = switchesOf(fuseServerMemcg, revert) as { switches: readonly Switch[] };
    expect(switches.map(({ name }) => name)).toContain("--fix skip-deadlockable-mappings");
    expect(switches.every(({ choices }) => prepare(fuseServerMemcg, choices).ok)).toBe(true);
  });
});

describe("dm-snapshot-cow-throttle", () => {
  const fixes = ["dm-snap-unlocked-throttle"];

  it.each(["4.4.184", "4.19.81", "5.0.0", "5.3.8"])("%s: kcopyd, the throttled writer and lvcreate", (era) => {
    expect(dead(dmSnapshotCowThrottle, { era })).toEqual(["drbd_r_r1", "kworker", "lvcreate"]);
  });

  it.each<[string, Choices]>([
    ["the fix", { fixes }],
    ["the fix, two writers of one chunk each", { fixes, parameters: { writers: 2, chunks: 1 } }],
    ["5.4.0", { era: "5.4.0" }],
    ["5.3.9", { era: "5.3.9" }],
    ["4.4.199", { era: "4.4.199" }],
    ["4.20.0: no throttle yet", { era: "4.20.0" }],
    ["nobody makes a snapshot meanwhile", { parameters: { lvcreates: 0 } }],
    ["as many copies allowed as there are", { parameters: { threshold: 2 } }],
  ])("%s: none, every schedule", (_, choices) => {
    expect(proof(dmSnapshotCowThrottle, choices)).toEqual(none);
  });

  it("its log is recognised, and names the command that shows it", async () => {
    const d = await diagnose(deadLog(dmSnapshotCowThrottle, { era: "4.4.184" }));
    expect([d.verdict, d.knownBugs[0]?.id, d.knownBugs[0]?.match]).toEqual(["deadlock", "dm-snapshot-cow-throttle", 1]);
    expect(d.advice.join("\n")).toContain("unwedge explore dm-snapshot-cow-throttle --era 4.4.184");
    expect(d.unparsed.count).toBe(0);
  });
});

describe("nbd-server-memcg", () => {
  it.each<[string, Choices]>([
    ["5.5.0", {}],
    ["5.5.0, the server alone", { parameters: { writers: 0 } }],
    ["5.6.0 and a server that does not ask", { era: "5.6.0", parameters: { asks: 0 } }],
    ["6.1.192 and a server that does not ask", { era: "6.1.192", parameters: { asks: 0 } }],
  ])("%s: the server waits for what only it can end", (_, choices) => {
    expect(dead(nbdServerMemcg, choices)).toEqual(["nbd-server"]);
  });

  it.each<[string, Choices]>([
    ["the fix", { fixes: ["pr-set-io-flusher"] }],
    ["5.6.0", { era: "5.6.0" }],
    ["5.15.0", { era: "5.15.0" }],
    ["cgroup v2", { cgroup: "v2", parameters: { writers: 0 } }],
    ["kernel memory not accounted", { kmem: false }],
    ["room for all", { parameters: { room: 2 } }],
  ])("%s: none, every schedule", (_, choices) => {
    expect(proof(nbdServerMemcg, choices)).toEqual(none);
  });

  it("5.16.0 forces no charge that found no victim: where nothing is clean the server tries for ever", () => {
    expect(proof(nbdServerMemcg, { era: "5.16.0" }).fault).toBe("livelock");
    expect(proof(nbdServerMemcg, { era: "5.16.0", parameters: { room: 2 } })).toEqual(none);
  });
});

describe("drain-pages-workqueue", () => {
  const reverted = ["drain-rescuer"];

  it("the pool's manager and kthreadd; whoever is not one of the two goes on", () => {
    expect(dead(drainPagesWorkqueue)).toEqual(["kthreadd", "kworker"]);
    expect(dead(drainPagesWorkqueue, { era: "5.15.0", reverted })).toEqual(["kthreadd", "kworker"]);
  });

  it.each<[string, Choices]>([
    ["the fix", { fixes: ["drain-rescuer"] }],
    ["the fix, more of everything", { fixes: ["drain-rescuer"], parameters: { pages: 2, works: 2, times: 2 } }],
    ["4.10.0: interrupts drain", { era: "4.10.0" }],
    ["4.11.0 as it was released", { era: "4.11.0" }],
    ["6.1.0: drained by hand", { era: "6.1.0" }],
    ["nobody takes the page that was reclaimed", { parameters: { hogs: 0 } }],
    ["nothing to do for the pool", { parameters: { works: 0 } }],
  ])("%s: none, every schedule", (_, choices) => {
    expect(proof(drainPagesWorkqueue, choices)).toEqual(none);
  });

  it("its log is read as the same circle", async () => {
    const d = await diagnose(deadLog(drainPagesWorkqueue, {}));
    expect(d.verdict).toBe("deadlock");
    expect(d.core.map((edge) => edge.waiter.comm).toSorted()).toEqual(["kthreadd", "kworker/0:0"]);
    expect(d.core.map((edge) => edge.waitsFor.class).toSorted()).toEqual(["completion", "work_flush"]);
  });
});

describe("nfs-release-kthreadd", () => {
  it.each(["6.3.0", "6.6.0", "6.12.60", "6.18.0"])("%s: kthreadd, and who wants the state manager", (era) => {
    expect(dead(nfsReleaseKthreadd, { era })).toEqual(["kthreadd", "kworker"]);
  });
  it("6.12.117 with the fix taken out", () => {
    const choices = { era: "6.12.117", reverted: ["nfs-release-no-wait"] };
    expect(dead(nfsReleaseKthreadd, choices)).toEqual(["kthreadd", "kworker"]);
  });

  it.each<[string, Choices]>([
    ["the fix", { fixes: ["nfs-release-no-wait"] }],
    ["the fix, beside a task that reclaims too", { fixes: ["nfs-release-no-wait"], parameters: { apps: 1 } }],
    ["6.12.117", { era: "6.12.117" }],
    ["6.1.192: such a folio is kept", { era: "6.1.192" }],
    ["the session lives", { parameters: { forgets: 0, apps: 1 } }],
    ["everything is committed", { parameters: { uncommitted: 0 } }],
  ])("%s: none, every schedule", (_, choices) => {
    expect(proof(nfsReleaseKthreadd, choices)).toEqual(none);
  });

  it("a task that waits for the COMMIT with all that is reclaimable in its hands", () => {
    const { finding } = prove(kernelOf(nfsReleaseKthreadd, { parameters: { apps: 1 } }).start(), {
      maxStates: 150_000,
    });
    expect(finding?.kind).toMatch(/^dead|livelock/);
  });
});
