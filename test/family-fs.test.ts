/** Promise: incidents of reclaim that comes back into the filesystem or the block layer are found, and each fix closes its own. */
import { describe, expect, it } from "vitest";
import { exploreIncident } from "../src/explore/incident.ts";
import { prove, random } from "../src/explore/index.ts";
import { replayIncident } from "../src/explore/replay-incident.ts";
import {
  type Choices,
  dmBufioLoop,
  erofsShrinkSpin,
  ext4WritepagesReclaim,
  type Incident,
  memoryHighNofs,
  prepare,
} from "../src/incidents/index.ts";
import { diagnose } from "../src/index.ts";
import type { Kernel } from "../src/kernel/sched/kernel.ts";
import { kernelLog, taskFrames } from "../src/kernel/sched/show-task.ts";

const preparedOf = (incident: Incident, choices: Choices) => {
  const result = prepare(incident, choices);
  if (!result.ok) throw new Error(result.error.message);
  return result.prepared;
};
const kernelOf = (incident: Incident, choices: Choices): Kernel => preparedOf(incident, choices).kernel;

/** The dead subset that random walks meet, by the names of its contexts without numbers. */
const walks = (incident: Incident, choices: Choices): readonly string[] => {
  const kernel = kernelOf(incident, choices);
  const { finding } = random(kernel.start(), { maxExecutions: 2000, seed: 7 });
  expect(finding?.kind).toMatch(/^dead/);
  return (finding?.contexts ?? []).map((c) => (kernel.tasks[c]?.comm ?? "").replace(/\/.*|:.*/, "")).toSorted();
};

const proof = (incident: Incident, choices: Choices) => {
  const { finding, complete } = prove(kernelOf(incident, choices).start(), { maxStates: 150_000 });
  return { fault: finding?.kind, complete };
};
const none = { fault: undefined, complete: true };

/** Who waits for which kind of thing of whom. */
interface Edge {
  readonly waiter: { readonly pid?: number };
  readonly waitsFor: { readonly class: string };
  readonly heldBy: readonly { readonly pid?: number }[];
}
const coreOf = (edges: readonly Edge[]): string[] =>
  edges
    .map((e) => `${e.waiter.pid} waits for ${e.waitsFor.class} of ${e.heldBy.map((by) => by.pid).join()}`)
    .toSorted();

/** The deadlock printed as a log of that kernel, and what is read out of it. */
const roundTrip = async (incident: Incident, choices: Choices) => {
  const prepared = preparedOf(incident, choices);
  const { witness, account } = exploreIncident(prepared);
  replayIncident(prepared, witness!);
  const d = await diagnose(kernelLog(prepared.kernel));
  return { d, core: coreOf(account!.core) };
};

describe("ext4-writepages-reclaim", () => {
  const incident = ext4WritepagesReclaim;

  it.each([
    ["6.1.190", {}],
    ["6.3.0", { era: "6.3.0" }],
    ["5.8.0, the first with I_DONTCACHE", { era: "5.8.0" }],
    ["6.12.0, writepages-nofs reverted", { era: "6.12.0", reverted: ["writepages-nofs"] }],
    ["several files and writers", { parameters: { pages: 2, unused: 2, chattrs: 2, cpus: 2 } }],
  ])("%s: the flusher and chattr wait for each other", (_, choices) => {
    expect(walks(incident, choices)).toEqual(expect.arrayContaining(["chattr", "kworker"]));
  });

  it.each([
    ["6.1.190 with writepages-nofs", { fixes: ["writepages-nofs"] }],
    ["6.1.191, which has the backport", { era: "6.1.191" }],
    ["6.4.0", { era: "6.4.0" }],
    ["5.7.0: an unused dentry keeps no inode out of the cache", { era: "5.7.0" }],
    ["4.6.0: no lock", { era: "4.6.0" }],
    ["no writer", { parameters: { chattrs: 0 } }],
    ["no unused file", { parameters: { unused: 0 } }],
    ["unused files that may stay in the cache", { parameters: { cached: 1 } }],
    ["free memory", { parameters: { free: 2 } }],
  ])("%s: none, every schedule", (_, choices) => {
    expect(proof(incident, choices)).toMatchObject(none);
  });

  it("two writers, and files whose blocks are not allocated: none with the fix, and no law is broken", () => {
    const parameters = { pages: 2, unused: 2, chattrs: 2 };
    expect(proof(incident, { fixes: ["writepages-nofs"], parameters, invariants: true })).toMatchObject(none);
  });

  it("printed as a log it is recognised, with the same core", async () => {
    const { d, core } = await roundTrip(incident, {});
    expect([d.verdict, coreOf(d.core)]).toEqual(["deadlock", core]);
    expect(d.knownBugs.map((bug) => bug.incident)).toContain(incident.id);
  });
});

describe("dm-bufio-loop", () => {
  const incident = dmBufioLoop;
  const circle = ["dd", "dmsetup", "loop0"];

  it.each([
    ["5.2.0", {}],
    ["4.19.60", { era: "4.19.60" }],
    ["5.3.0, loop-noio reverted", { era: "5.3.0", reverted: ["loop-noio"] }],
  ])("%s: somebody's reclaim and the loop thread, or that thread alone", (_, choices) => {
    const dead = walks(incident, choices);
    expect(dead).toContain("loop0");
    for (const name of dead) expect(circle).toContain(name);
  });

  it("two readers and no commit: reclaim that evicts a buffer and the loop thread wait for each other", () => {
    expect(walks(incident, { parameters: { commits: 0, readers: 2 } })).toEqual(
      expect.arrayContaining(["dd", "loop0"]),
    );
  });

  it.each([
    ["5.2.0 with loop-noio", { fixes: ["loop-noio"] }],
    ["with both fixes", { fixes: ["loop-noio", "bufio-trylock"] }],
    ["5.3.0", { era: "5.3.0" }],
    ["5.9.0 with loop-noio reverted: a worker evicts, no shrinker waits", { era: "5.9.0", reverted: ["loop-noio"] }],
    ["the metadata on a disk", { parameters: { loop: 0 } }],
    ["free memory", { parameters: { free: 2 } }],
  ])("%s: none, every schedule", (_, choices) => {
    expect(proof(incident, choices)).toMatchObject(none);
  });

  it("only trying for the mutex leaves the loop thread that evicts a buffer it is to write itself", () => {
    const kernel = kernelOf(incident, { fixes: ["bufio-trylock"], parameters: { readers: 0 } });
    const { finding } = prove(kernel.start(), { maxStates: 150_000 });
    expect(finding?.kind).toMatch(/^dead/);
    expect(finding?.contexts.map((c) => kernel.tasks[c]?.comm)).toContain("loop0");
    expect(walks(incident, { era: "4.19.61" })).toContain("loop0");
  });

  it("no law is broken", () => {
    expect(proof(incident, { fixes: ["loop-noio"], invariants: true })).toMatchObject(none);
  });

  it("printed as a log it is recognised, with the same core", async () => {
    const { d, core } = await roundTrip(incident, {});
    expect([d.verdict, coreOf(d.core)]).toEqual(["deadlock", core]);
    expect(d.knownBugs.map((bug) => bug.incident)).toContain(incident.id);
  });
});

describe("erofs-shrink-spin", () => {
  const incident = erofsShrinkSpin;

  it.each([
    ["5.15.0", {}],
    ["5.7.0, the first with an XArray", { era: "5.7.0" }],
    ["5.10.0", { era: "5.10.0" }],
    ["6.12.0, erofs-xa-lock reverted", { era: "6.12.0", reverted: ["erofs-xa-lock"] }],
  ])("%s: the shrinker and an insertion spin for each other", (_, choices) => {
    const dead = walks(incident, choices);
    expect(dead).toContain("cat");
    expect(dead.length).toBeGreaterThanOrEqual(2);
  });

  it.each([
    ["5.15.0 with erofs-xa-lock", { fixes: ["erofs-xa-lock"] }],
    ["5.4.0, a radix tree under the lock", { era: "5.4.0" }],
    ["5.16.0", { era: "5.16.0" }],
    ["one CPU, which a frozen group keeps for the shrinker", { parameters: { cpus: 1 } }],
    ["enough memory", { parameters: { pages: 3 } }],
    ["one reader", { parameters: { readers: 1 } }],
  ])("%s: none, every schedule", (_, choices) => {
    expect(proof(incident, choices)).toMatchObject(none);
  });
});

describe("memory-high-nofs", () => {
  const incident = memoryHighNofs;

  it.each([
    ["6.5.5", { era: "6.5.5" }],
    ["6.1.55", { era: "6.1.55" }],
    ["5.18.0, the first that reclaims in the charge", { era: "5.18.0" }],
    ["6.12.0, high-gfp reverted", { era: "6.12.0", reverted: ["high-gfp"] }],
  ])("%s: the lookup and the commit wait for each other", (_, choices) => {
    expect(walks(incident, choices)).toEqual(["find", "sync"]);
  });

  it.each([
    ["6.5.0 with high-gfp", { fixes: ["high-gfp"] }],
    ["6.5.6", { era: "6.5.6" }],
    ["6.1.56", { era: "6.1.56" }],
    ["6.6.0", { era: "6.6.0" }],
    ["5.17.0: only on the way back to user mode, with no lock", { era: "5.17.0" }],
    ["no memory.high", { parameters: { high: 0 } }],
    ["cgroup v1", { cgroup: "v1" as const }],
    ["less than a batch over memory.high", { parameters: { owed: 0 } }],
    ["no commit", { parameters: { syncs: 0 } }],
    ["no unused inode", { parameters: { unused: 0 } }],
  ])("%s: none, every schedule", (_, choices) => {
    expect(proof(incident, choices)).toMatchObject(none);
  });

  it("no law is broken", () => {
    expect(proof(incident, { fixes: ["high-gfp"], invariants: true })).toMatchObject(none);
  });

  it("printed as a log it names the bug and the incident", async () => {
    const { d } = await roundTrip(incident, {});
    expect(d.knownBugs.map((bug) => bug.incident)).toContain(incident.id);
  });

  it("the lookup's stack is the one of the report", () => {
    const prepared = preparedOf(incident, {});
    const { witness } = exploreIncident(prepared);
    replayIncident(prepared, witness!);
    const { kernel } = prepared;
    const find = kernel.tasks.find((task) => task.comm === "find")!;
    // inlined by the model's compiler, or debugging's names
    const report =
      "__btrfs_release_delayed_node btrfs_evict_inode evict prune_icache_sb super_cache_scan do_shrink_slab shrink_slab shrink_node do_try_to_free_pages try_to_free_mem_cgroup_pages mem_cgroup_handle_over_high try_charge_memcg charge_memcg __mem_cgroup_charge __filemap_add_folio filemap_add_folio __filemap_get_folio alloc_extent_buffer read_tree_block read_block_for_search btrfs_search_slot";
    const printed = taskFrames(kernel, find).filter((name) => report.split(" ").includes(name));
    expect(printed.join(" ")).toBe(report);
  });
});
