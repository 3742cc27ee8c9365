import { describe, expect, it } from "vitest";
import { create, type Resumable } from "../../resumable/index.ts";
import { bootBlock } from "../block/blk-core.ts";
import { type Era, era, withFix } from "../era.ts";
import { __GFP_NORETRY, GFP_KERNEL, GFP_NOFS, GFP_NOIO, PF_LESS_THROTTLE, PF_WQ_WORKER } from "../gfp.ts";
import { SpinLock } from "../locking/spinlock.ts";
import type { Task } from "../sched/task.ts";
import { runAlone, testKernel } from "../sched/testing.ts";
import { sleepOf } from "../sched/timeout.ts";
import { bootPage } from "./boot-pages.ts";
import { bootMm, createMemcg, type Mm } from "./mm.ts";
import { AddressSpace } from "./page.ts";
import { bootGlobalDirtyLimits, throttleVmWriteout, type VmWriteoutThrottle } from "./throttle-vm-writeout.ts";
import { tryToFreePages } from "./vmscan.ts";
import { waitIffCongested } from "./vmscan-throttle.ts";

const PAGES = 100;
interface World {
  readonly task: Task;
  readonly mm: Mm;
  readonly counts: VmWriteoutThrottle;
  /** Steps until the task has slept so often or ends; how often it slept. */
  sleeps(most: number, before?: (mm: Mm) => void): number;
}

/** 100 pages: so many under writeback, so many of anonymous memory, the rest free. */
function world(release: string | Era, writeback: number, anon: number, fn: unknown, args: unknown[], flags = 0): World {
  const kernel = testKernel(release, {
    capacities: { pages: PAGES, contexts: 4, bios: 1, inodes: 1, memcgs: 4, vmas: 1 },
  });
  const mm = bootMm(kernel, { priority: 3 });
  const counts = bootGlobalDirtyLimits(kernel);
  createMemcg(kernel, "/a");
  const mapping = create(AddressSpace, { treeLock: create(SpinLock, { lockClass: "i_pages" }) });
  for (let index = 0; index < writeback; index++) bootPage(kernel, { mapping, index }).writeback = true;
  for (let i = 0; i < anon; i++) bootPage(kernel, { anon: true });
  const task = kernel.spawn({ comm: "t", flags }, fn as (...args: never[]) => unknown, args);
  const machine = kernel.start();
  const sleeps = (most: number, before?: (mm: Mm) => void): number => {
    let slept = 0;
    while (machine.ways(task.context) > 0 && slept < most) {
      if (machine.pending(task.context).op === "congestion_wait") {
        slept++;
        before?.(mm);
      }
      machine.step(task.context, 0);
    }
    return slept;
  };
  return { task, mm, counts, sleeps };
}
function* throttled(gfp: number): Resumable {
  yield* throttleVmWriteout(gfp);
}
function* waits(): Resumable {
  yield* waitIffCongested();
}
function* reclaims(gfp: number): Resumable {
  yield* tryToFreePages(gfp);
}
const fixed = (id: string): Era => {
  const r = withFix(era("4.7.4"), id);
  if (!r.ok) throw new Error(r.error);
  return r.era;
};
const sleeps = (release: string | Era, writeback: number, anon: number, gfp = GFP_NOIO, flags = 0): number =>
  world(release, writeback, anon, throttled, [gfp], flags).sleeps(5);

describe("throttle_vm_writeout", () => {
  it("sleeps only above the dirty limit and a tenth: 19 of 100 pages and 1", () => {
    expect([20, 21].map((n) => sleeps("4.7.4", n, 0))).toEqual([0, 1]);
  });

  it("has a lower limit the less is free or page cache", () => {
    // 50 free or cached: 9; 26: 5
    expect([9, 10].map((n) => sleeps("4.7.4", n, 50))).toEqual([0, 1]);
    expect([5, 6].map((n) => sleeps("4.7.4", n, 74))).toEqual([0, 1]);
  });

  it("sleeps once without __GFP_IO or __GFP_FS, else until it is below the limit", () => {
    expect([GFP_NOIO, GFP_NOFS, GFP_KERNEL].map((gfp) => sleeps("4.7.4", 30, 0, gfp))).toEqual([1, 1, 5]);
    const w = world("4.7.4", 23, 0, throttled, [GFP_KERNEL]);
    // one write ends in each tenth of a second
    const endOne = (mm: Mm): void => {
      mm.pages.find((page) => page.writeback)!.writeback = false;
    };
    expect([w.sleeps(9, endOne), w.counts.sleeps, w.counts.workerSleeps]).toEqual([3, 3, 0]);
  });

  it("is gone in 4.9", () => {
    expect(["4.4.1", "4.8", "4.9", "6.1.192"].map((release) => sleeps(release, 30, 0))).toEqual([1, 1, 0, 0]);
  });

  it("lifts the limit by a quarter for PF_LESS_THROTTLE, and no more", () => {
    // 19 + 4, and a tenth of that
    expect([24, 25, 26].map((n) => sleeps("4.7.4", n, 0, GFP_NOIO, PF_LESS_THROTTLE))).toEqual([0, 0, 1]);
    const companion = fixed("throttle-honours-less-throttle");
    expect([sleeps(companion, 60, 0, GFP_NOIO, PF_LESS_THROTTLE), sleeps(companion, 60, 0)]).toEqual([0, 1]);
  });

  it("lets __GFP_NORETRY pass with Patocka's patch", () => {
    const era = fixed("noretry-no-throttle");
    expect([sleeps(era, 60, 0, GFP_NOIO | __GFP_NORETRY), sleeps(era, 60, 0)]).toEqual([0, 1]);
    expect(sleeps("4.7.4", 60, 0, GFP_NOIO | __GFP_NORETRY)).toBe(1);
  });

  it("sleeps at every priority for each group, although there is nothing to scan, and counts workers", () => {
    const w = world("4.7.4", 30, 60, reclaims, [GFP_NOIO], PF_WQ_WORKER);
    // priorities 3 to 0, the root and /a
    expect([w.sleeps(99), w.counts.workerSleeps]).toEqual([8, 8]);
    expect(world("4.9", 30, 60, reclaims, [GFP_NOIO]).sleeps(99)).toBe(0);
  });
});

describe("wait_iff_congested", () => {
  /** Steps of a task while so many of 16 requests are in use; 1 when it sleeps. */
  const steps = (release: string, tags: number, flags = 0, kind: "task" | "kworker" = "task"): number => {
    const kernel = testKernel(release);
    bootMm(kernel);
    bootBlock(kernel, [{ depth: 16 }]).queues[0]!.tags = tags;
    return runAlone(kernel, kernel.spawn({ comm: "t", flags, kind }, waits));
  };
  it("sleeps while a legacy queue has given out seven eighths of its requests", () => {
    expect([0, 13, 14, 16].map((tags) => steps("4.7.4", tags))).toEqual([0, 0, 1, 1]);
    expect(steps("5.0", 16)).toBe(0);
  });
  it("spares who has PF_LESS_THROTTLE and writes for a device, which no worker does", () => {
    expect([steps("4.7.4", 16, PF_LESS_THROTTLE), steps("4.7.4", 16, PF_LESS_THROTTLE, "kworker")]).toEqual([0, 1]);
  });
});

describe("the sleeps of reclaim", () => {
  it("say how long they last", () => {
    const jiffies = (name: string, reason?: string): unknown => sleepOf(name, undefined, reason)?.jiffies(250);
    expect(jiffies("congestion_wait")).toBe(25);
    expect(["writeback", "isolated", "noprogress", "congested"].map((r) => jiffies("reclaim_throttle", r))).toEqual([
      25, 5, 1, 1,
    ]);
    expect(sleepOf("folio_lock", undefined, undefined)).toBeUndefined();
  });
});
