/** What the facts predict for each incident, release and switch, at sizes that a test can afford; bench/incidents.ts has the full ones. */
import { describe, expect, it } from "vitest";
import { prove, random } from "../src/explore/index.ts";
import {
  type Choices,
  type Incident,
  memcgWritebackAbba,
  prepare,
  wbSwitchIrqNesting,
  xfsPageLockOrder,
} from "../src/incidents/index.ts";
import type { Kernel } from "../src/kernel/sched/kernel.ts";

const kernelOf = (incident: Incident, choices: Choices): Kernel => {
  const result = prepare(incident, choices);
  if (!result.ok) throw new Error(result.error.message);
  return result.prepared.kernel;
};

/** The first dead subset that random walks meet, by the names of its contexts without numbers. */
const walks = (incident: Incident, choices: Choices, most = 4000): readonly string[] | undefined => {
  const kernel = kernelOf(incident, choices);
  const { finding } = random(kernel.start(), { maxExecutions: most, seed: 7 });
  if (finding === undefined) return undefined;
  expect(finding.kind).toMatch(/^dead/);
  return finding.contexts.map((c) => (kernel.tasks[c]?.comm ?? "").replace(/\/.*|:.*/, "")).toSorted();
};

const proof = (incident: Incident, choices: Choices) => {
  const { finding, complete, states } = prove(kernelOf(incident, choices).start(), { maxStates: 150_000 });
  return { fault: finding?.kind, complete, states };
};
const none = { fault: undefined, complete: true };
const livelock = { fault: "livelock", complete: false };

/** One faulting process, no writer, one CPU; the group is full. */
const small = { faulters: 1, writers: 0, pages: 3, cpus: 1, room: 0 };

describe("memcg-writeback-abba", () => {
  it.each([
    ["4.20.0", {}],
    ["6.1.192, prealloc-pte reverted", { era: "6.1.192", reverted: ["prealloc-pte"] }],
    ["5.12.0, whose finish_fault() forgot the preallocated table", { era: "5.12.0" }],
  ])("%s: the fault and the flusher wait for each other", (_, choices) => {
    const dead = walks(memcgWritebackAbba, choices);
    expect(dead).toContain("fault");
    expect(dead).toContain("kworker");
  });

  it.each([
    ["4.20.0 with prealloc-pte", { fixes: ["prealloc-pte"] }],
    ["4.20.0 with submit-before-lock", { fixes: ["submit-before-lock"] }],
    ["4.4.155: page tables were not charged", { era: "4.4.155" }],
    ["4.7.4: page tables were not charged", { era: "4.7.4" }],
    ["6.1.192 as it is", { era: "6.1.192" }],
    ["kernel memory not accounted", { kmem: false }],
    ["cgroup v2", { cgroup: "v2" as const }],
  ])("%s: none, every schedule", (_, choices) => {
    expect(proof(memcgWritebackAbba, { ...choices, parameters: small })).toMatchObject(none);
  });

  it.each([0, 1])(
    "nofs-pte trades the deadlock for a livelock, as a NOFS memcg OOM kills nobody in 4.20 (timer %i)",
    (timer) => {
      expect(proof(memcgWritebackAbba, { fixes: ["nofs-pte"], parameters: { ...small, timer } })).toMatchObject(
        livelock,
      );
    },
  );
  it("nofs-pte ends it where a NOFS memcg OOM kills (5.4)", () => {
    const choices = { era: "5.4.0", reverted: ["prealloc-pte"], fixes: ["nofs-pte"], parameters: small };
    expect(proof(memcgWritebackAbba, choices)).toMatchObject(none);
  });
});

describe("wb-switch-irq-nesting", () => {
  const hacks = ["switching", "moving"];
  const bare = { movers: 0 };

  it.each(["4.16.0", "4.4.1"])("%s with both hacks: the handler and the truncation below it", (era) => {
    const kernel = kernelOf(wbSwitchIrqNesting, { era, hacks, parameters: bare });
    const { finding } = prove(kernel.start(), { maxStates: 150_000 });
    expect(finding?.kind).toMatch(/^dead/);
    const names = finding?.contexts.map((c) => kernel.tasks[c]?.comm);
    expect(names).toContain("hardirq/0");
    expect(names).toContain("truncate");
  });

  it("the document's reproducer locks up with both hacks, and not without", () => {
    const parameters = { writers: 1, times: 2, movers: 1, pages: 2 };
    expect(walks(wbSwitchIrqNesting, { hacks, parameters }, 100)).toEqual(expect.arrayContaining(["dd", "hardirq"]));
    expect(walks(wbSwitchIrqNesting, { parameters }, 300)).toBeUndefined();
  });

  it.each([
    ["no hack", { parameters: bare }],
    ["no hack, 4.4.1", { era: "4.4.1", parameters: bare }],
    ["switching alone", { hacks: ["switching"], parameters: bare }],
    ["moving alone", { hacks: ["moving"], parameters: bare }],
    ["both, with wb-lock-cookie", { hacks, fixes: ["wb-lock-cookie"], parameters: bare }],
    ["both, the completion on another CPU", { hacks, parameters: { ...bare, "irq-cpu": 1 } }],
  ])("%s: none, every schedule", (_, choices) => {
    expect(proof(wbSwitchIrqNesting, choices)).toMatchObject(none);
  });
});

describe("xfs-page-lock-order", () => {
  it.each([
    ["4.20.0", {}],
    ["hidden-alloc beside prealloc-pte", { fixes: ["prealloc-pte"], hacks: ["hidden-alloc"] }],
  ])("%s: a fault and a sweep", (_, choices) => {
    expect(walks(xfsPageLockOrder, choices)).toEqual(expect.arrayContaining(["fault", "kworker"]));
  });

  it("prealloc-pte closes the page table's way", () => {
    expect(proof(xfsPageLockOrder, { fixes: ["prealloc-pte"], parameters: small })).toMatchObject(none);
  });

  it("two sweeps and one that wraps: in 4.19.0, and in 4.20.0 only with no-cyclic-wrap reverted", () => {
    const sweeps = { faulters: 0, writers: 0, fsyncers: 2, pages: 2 };
    expect(walks(xfsPageLockOrder, { era: "4.19.0", parameters: sweeps })).toEqual(["fsync", "fsync", "kworker"]);
    expect(walks(xfsPageLockOrder, { reverted: ["no-cyclic-wrap"], parameters: sweeps })).toEqual([
      "fsync",
      "fsync",
      "kworker",
    ]);
    expect(walks(xfsPageLockOrder, { parameters: sweeps }, 500)).toBeUndefined();
  });
});
