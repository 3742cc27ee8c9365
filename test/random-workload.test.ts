/** Promise: a random fault/write/sync workload in a full v1 group meets the page-fault ABBA by itself, and only where the facts say so. */
import { describe, expect, it } from "vitest";
import { random, replay } from "../src/explore/index.ts";
import type { Page } from "../src/kernel/mm/page.ts";
import type { Kernel } from "../src/kernel/sched/kernel.ts";
import { obstacleOf } from "../src/kernel/sched/stuck.ts";
import type { Task } from "../src/kernel/sched/task.ts";
import { randomWorkload, type World } from "./random-workload-program.ts";

const SEEDS = [1, 2, 3, 4];
const WALKS = 40;

/** What random walks find, one run of them for each seed. */
const walks = (world: World) => {
  const kernel = randomWorkload(world);
  return SEEDS.map((seed) => {
    const { finding } = random(kernel.start(), { maxExecutions: WALKS, maxDepth: 500, seed });
    return { kernel, finding };
  });
};

/** What a blocked task waits for. */
const waitOf = (kernel: Kernel, task: Task) => {
  const obstacle = obstacleOf(kernel, task);
  return obstacle?.kind === "wait" ? obstacle.wait : undefined;
};
const runs = (kernel: Kernel, task: Task, fn: string): boolean =>
  kernel.machine.stack(task.context).some(({ name }) => name === fn);

/**
 * The core: somebody in a page fault or in its way to it charges a page table with a page locked and waits for PG_writeback,
 * which only a sweep can end that waits for that page's lock.
 */
const abba = (kernel: Kernel): boolean =>
  kernel.tasks.some((fault) => {
    const writeback = waitOf(kernel, fault);
    if (writeback?.resource.class !== "PG_writeback") return false;
    if (!runs(kernel, fault, "finishFault") || !runs(kernel, fault, "pteAllocOne")) return false;
    return writeback.providers.some((sweep) => {
      if (sweep === "hardware" || !runs(kernel, sweep, "ext4Writepages")) return false;
      const { op, object } = kernel.machine.pending(sweep.context);
      return op === "wait for PG_locked" && (object as Page).lockedBy === fault;
    });
  });

describe("a random workload in a full v1 group, no incident file", () => {
  it.each<[string, World]>([
    ["4.20.0", { invariants: true }],
    ["6.1.192 with prealloc-pte reverted", { era: "6.1.192", revert: "prealloc-pte", invariants: true }],
  ])("%s: meets the ABBA with every seed", (_, world) => {
    for (const { kernel, finding } of walks(world)) {
      expect(finding?.kind).toMatch(/^dead/);
      const { machine } = kernel;
      const first = machine.words.slice();
      expect(replay(machine, finding?.schedule ?? [])).toMatchObject({ ok: true });
      expect(abba(kernel), finding?.message).toBe(true);
      machine.words.set(first);
    }
  });

  it.each<[string, World]>([
    ["4.20.0 with prealloc-pte", { fix: "prealloc-pte" }],
    ["4.20.0, kernel memory not accounted", { kmem: false }],
    ["4.20.0 on cgroup v2", { cgroup: "v2" }],
    ["4.7.4: page tables were not charged", { era: "4.7.4" }],
  ])("%s: the same seeds meet nothing", (_, world) => {
    expect(walks(world).map(({ finding }) => finding?.message)).toEqual(SEEDS.map(() => undefined));
  });
});
