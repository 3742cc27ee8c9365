/**
 * What the facts predict for charges under a journal handle: the document's livelock with what would end it, closed by the
 * proposal's scope, and the defects of the proposal as it was posted.
 */
import { describe, expect, it } from "vitest";
import { exploreIncident, prove, random } from "../src/explore/index.ts";
import { replayIncident } from "../src/explore/replay-incident.ts";
import {
  accountForceDebt,
  accountForceNesting,
  type Choices,
  type Incident,
  jbd2MemcgOom,
  prepare,
} from "../src/incidents/index.ts";
import { diagnose } from "../src/index.ts";
import { kernelLog, showState, taskFrames } from "../src/kernel/sched/show-task.ts";
import { runSteps } from "../src/kernel/sched/testing.ts";

const prepared = (incident: Incident, choices: Choices = {}) => {
  const result = prepare(incident, choices);
  if (!result.ok) throw new Error(result.error.message);
  return result.prepared;
};

/** Every schedule, and livelocks with exits. */
const proof = (incident: Incident, choices: Choices = {}) => {
  const { kernel } = prepared(incident, choices);
  const livelocks = incident.fair === true ? ("fair" as const) : ("endless" as const);
  const { finding, complete } = prove(kernel.start(), { maxStates: 400_000, livelocks });
  const who = finding?.contexts.map((c) => (kernel.tasks[c]?.comm ?? "").replace(/\/.*|:.*/, "")).toSorted();
  return { fault: finding?.kind, complete, who, exits: finding?.exits.map((step) => step.position) };
};
const none = { fault: undefined, complete: true };
const round = {
  fault: "livelock",
  who: ["creat", "jbd2", "kworker", "map", "oom_reaper"],
  exits: ["oomReapTask:4 reap again or give up"],
};

describe("jbd2-memcg-oom", () => {
  it.each([
    ["5.15.135", {}],
    ["5.15.135 with account-force alone, as nobody sets the flag", { fixes: ["account-force"] }],
    ["6.1.192", { era: "6.1.192" }],
    ["5.15.0 with the commit that took out the forced charge", { era: "5.15.0", fixes: ["no-dying-force"] }],
  ])("%s: goes round until the reaper gives its victim up", (_, choices) => {
    expect(proof(jbd2MemcgOom, choices)).toMatchObject(round);
  });
  it.each([
    ["account-force-jbd2", { fixes: ["account-force-jbd2"] }],
    ["account-force-jbd2 in 6.1.192", { era: "6.1.192", fixes: ["account-force-jbd2"] }],
    ["account-force-ext4: no scope nests in creat", { fixes: ["account-force-ext4"] }],
    ["nofail-without-reclaim, while the machine has free pages", { fixes: ["nofail-without-reclaim"] }],
    ["5.15.0: the charge is forced before the OOM killer", { era: "5.15.0" }],
    ["4.20.0", { era: "4.20.0" }],
  ])("%s: none, every schedule", (_, choices) => {
    expect(proof(jbd2MemcgOom, choices)).toMatchObject(none);
  });
  it("nofail-without-reclaim is no way out when the machine has no free page", () => {
    const choices = { fixes: ["nofail-without-reclaim"], parameters: { free: 0 } };
    expect(proof(jbd2MemcgOom, choices)).toMatchObject({ fault: "invariant" });
  });

  it("keeps the laws of the model in random schedules", () => {
    for (const fixes of [[], ["account-force-jbd2"]]) {
      const { kernel } = prepared(jbd2MemcgOom, { fixes, invariants: true, parameters: { splitters: 1, faulters: 1 } });
      const { finding } = random(kernel.start(), { maxExecutions: 40, seed: 3, suspectStates: 0, maxDepth: 600 });
      expect(finding).toBeUndefined();
    }
  });

  it("shows the stack of the document, and its log is read whole", async () => {
    const p = prepared(jbd2MemcgOom);
    const { witness, outcome, exits } = exploreIncident(p);
    expect([outcome, exits]).toEqual([
      "livelock",
      ["oom_reaper/1000: oomReapTask:4 reap again or give up, after 1 s at the latest"],
    ]);
    replayIncident(p, witness!);
    const { kernel } = p;
    const stackOf = (comm: string): string =>
      taskFrames(kernel, kernel.tasks.find((task) => task.comm.startsWith(comm))!).join(" ");
    expect(stackOf("creat")).toMatch(
      /try_charge_memcg charge_memcg __mem_cgroup_charge __add_to_page_cache_locked add_to_page_cache_lru pagecache_get_page __getblk_gfp __ext4_get_inode_loc ext4_get_inode_loc ext4_reserve_inode_write __ext4_mark_inode_dirty __ext4_new_inode ext4_create path_openat/,
    );
    expect(stackOf("kworker")).toMatch(
      /wait_transaction_locked add_transaction_credits start_this_handle .*ext4_writepages/,
    );
    expect(stackOf("map")).toMatch(/wait_transaction_locked .*ext4_dirty_inode __mark_inode_dirty .*mmap_region/);
    // on through the round, to where it reclaims
    const creat = kernel.tasks.find((task) => task.comm === "creat")!;
    for (let i = 0; i < 200 && !stackOf("creat").includes(" do_try_to_free_pages "); i++) runSteps(kernel, creat, 1);
    kernel.world.activate();
    const d = await diagnose(`${kernelLog(kernel)}${showState(kernel).join("\n")}\n`);
    expect(d.unparsed.count).toBe(0);
    expect(d.knownBugs.map((bug) => bug.incident)).toContain("jbd2-memcg-oom");
    const waits = d.details.filter((view) => view.state === "D").map((view) => view.comm);
    expect(waits).toEqual(expect.arrayContaining(["jbd2/8:0-8", "map"]));
  });
});

describe("account-force-nesting", () => {
  it("an inner handle ends the scope, and the charge of the directory's block goes round", () => {
    expect(proof(accountForceNesting)).toMatchObject({ fault: "livelock", exits: round.exits });
  });
  it.each([
    ["account-force-nests", { fixes: ["account-force-nests"] }],
    ["the scope in jbd2 instead", { reverted: ["account-force-ext4"], fixes: ["account-force-jbd2"] }],
  ])("%s: none, every schedule", (_, choices) => {
    expect(proof(accountForceNesting, choices)).toMatchObject(none);
  });
});

describe("account-force-debt", () => {
  it("9 pages of debt call no OOM killer", () => {
    expect(proof(accountForceDebt)).toMatchObject({ fault: "invariant" });
  });
  it.each([
    ["8 pages", { parameters: { extents: 8 } }],
    ["account-force-any-debt", { fixes: ["account-force-any-debt"] }],
  ])("%s: none, every schedule", (_, choices) => {
    expect(proof(accountForceDebt, choices)).toMatchObject(none);
  });
});
