import { describe, expect, it } from "vitest";
import { create, Entity, fields, int, type Resumable } from "../../resumable/index.ts";
import { __GFP_HIGH, __GFP_NOMEMALLOC, GFP_KERNEL, GFP_NOFS, GFP_NOWAIT, PF_MEMALLOC } from "../gfp.ts";
import { SpinLock } from "../locking/spinlock.ts";
import type { Kernel } from "../sched/kernel.ts";
import { obstacleOf } from "../sched/stuck.ts";
import type { Task } from "../sched/task.ts";
import { runAlone, runSteps, testKernel } from "../sched/testing.ts";
import { sleepOf } from "../sched/timeout.ts";
import { bootPage } from "./boot-pages.ts";
import { bootKswapd } from "./kswapd.ts";
import { bootMm, type Mm } from "./mm.ts";
import { AddressSpace } from "./page.ts";
import { allocPages } from "./page-alloc.ts";
import { throttleDirectReclaim } from "./throttle-direct-reclaim.ts";

class Count extends Entity {
  declare got: number;
  static {
    fields(Count, { got: int });
  }
}
function* eat(gfp: number, count: Count): Resumable {
  for (;;) {
    if ((yield* allocPages(gfp)) === undefined) return;
    count.got++;
  }
}
function* throttled(gfp: number, count: Count): Resumable {
  count.got = (yield* throttleDirectReclaim(gfp)) ? 2 : 1;
}
interface World {
  readonly kernel: Kernel;
  readonly mm: Mm;
}
function world(pages = 20): World {
  const kernel = testKernel("6.1", { capacities: { pages, contexts: 8, bios: 1, inodes: 1, memcgs: 2, vmas: 1 } });
  const mm = bootMm(kernel, { watermarks: { min: 6, low: 8, high: 10 } });
  return { kernel, mm };
}
const eats = (gfp: number, flags = 0): number => {
  const { kernel } = world();
  const count = create(Count);
  runAlone(kernel, kernel.spawn({ comm: "t", flags }, eat, [gfp, count]));
  return count.got;
};

describe("watermarks", () => {
  it("leave pages for those who need them more", () => {
    expect(eats(GFP_NOWAIT)).toBe(14);
    expect(eats(GFP_NOWAIT | __GFP_HIGH)).toBe(17);
    expect(eats(GFP_NOWAIT, PF_MEMALLOC)).toBe(20);
    expect(eats(GFP_NOWAIT | __GFP_NOMEMALLOC, PF_MEMALLOC)).toBe(14);
  });

  it("wake kswapd below the low one, which reclaims up to the high one", () => {
    const { kernel, mm } = world();
    const mapping = create(AddressSpace, { treeLock: create(SpinLock, { lockClass: "i_pages" }) });
    for (let index = 0; index < 12; index++) bootPage(kernel, { mapping, index });
    const task = kernel.spawn({ comm: "t" }, eat, [GFP_NOWAIT, create(Count)]);
    const kswapd = bootKswapd(kernel);
    kernel.start();
    expect(mm.node.kswapdWanted).toBe(false);
    runSteps(kernel, task, 1);
    expect(mm.node.kswapdWanted).toBe(true);
    runAlone(kernel, kswapd);
    const free = mm.pages.filter((page) => !page.allocated).length;
    expect(free).toBeGreaterThanOrEqual(10);
  });
});

describe("the slow path", () => {
  it("asks the OOM killer after so many fruitless rounds as it is told", () => {
    const rounds = (allocRetries?: number | "free"): number => {
      const kernel = testKernel("6.1");
      const mm = bootMm(kernel, { priority: 0, ...(allocRetries === undefined ? {} : { allocRetries }) });
      for (const page of mm.pages) page.allocated = true;
      const task = kernel.spawn({ comm: "t" }, eat, [GFP_KERNEL, create(Count)]);
      const machine = kernel.start();
      let scans = 0;
      // the last way: an end where the schedule may choose one
      for (let ways = machine.ways(task.context); ways > 0; ways = machine.ways(task.context)) {
        if (machine.pending(task.context).op === "get_scan_count") scans++;
        machine.step(task.context, ways - 1);
      }
      return scans;
    };
    expect([rounds(), rounds(3), rounds("free")]).toEqual([17, 4, 1]);
  });
});

describe("throttle_direct_reclaim", () => {
  const under = (gfp: number, free: number, flags = 0): { w: World; task: Task; kswapd: Task; count: Count } => {
    const w = world();
    for (const page of w.mm.pages.slice(free)) page.allocated = true;
    const count = create(Count);
    const task = w.kernel.spawn({ comm: "t", flags, kind: flags === 0 ? "task" : "kthread" }, throttled, [gfp, count]);
    const kswapd = bootKswapd(w.kernel);
    runSteps(w.kernel, task, 1);
    return { w, task, kswapd, count };
  };

  it("lets pass while more than half of the least is free, and kernel threads in any case", () => {
    expect(under(GFP_KERNEL, 4).count.got).toBe(1);
    expect(under(GFP_KERNEL, 3).count.got).toBe(0);
    expect(under(GFP_KERNEL, 0, PF_MEMALLOC).count.got).toBe(1);
  });

  it("makes who may enter filesystems wait killably, until kswapd finds enough free", () => {
    const { w, task, kswapd, count } = under(GFP_KERNEL, 3);
    const waits = obstacleOf(w.kernel, task);
    expect(waits).toMatchObject({ kind: "wait", wait: { state: "K", providers: [kswapd] } });
    w.mm.pages[10]!.allocated = false;
    expect(w.kernel.machine.ways(task.context)).toBe(0);
    runAlone(w.kernel, kswapd);
    runSteps(w.kernel, task, 10);
    expect(count.got).toBe(1);
  });

  it("sends a killed task away", () => {
    const { w, task, count } = under(GFP_KERNEL, 3);
    task.fatalSignal = true;
    runSteps(w.kernel, task, 10);
    expect(count.got).toBe(2);
  });

  it("makes the others wait a second at most", () => {
    const { w, task, count } = under(GFP_NOFS, 3);
    const { op, object, argument } = w.kernel.machine.pending(task.context);
    const sleep = sleepOf(op, object, argument);
    expect([sleep?.jiffies(250), sleep?.woken]).toEqual([250, false]);
    runSteps(w.kernel, task, 10);
    expect(count.got).toBe(1);
  });
});
