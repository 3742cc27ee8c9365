import { describe, expect, it } from "vitest";
import { create, type Resumable } from "../../resumable/index.ts";
import { SuperBlock } from "../fs/inode.ts";
import { superCacheScan } from "../fs/super.ts";
import { GFP_KERNEL, GFP_NOFS } from "../gfp.ts";
import { downWrite, RwSemaphore } from "../locking/rwsem.ts";
import { SpinLock } from "../locking/spinlock.ts";
import { runAlone, testKernel } from "../sched/testing.ts";
import { bootPage } from "./boot-pages.ts";
import { bootKswapd } from "./kswapd.ts";
import type { MemCgroup } from "./memcg-types.ts";
import { bootMm, createMemcg } from "./mm.ts";
import { AddressSpace } from "./page.ts";
import type { Shrinker } from "./shrinker.ts";
import { tryToFreeMemCgroupPages, tryToFreePages } from "./vmscan.ts";

function* globally(gfp: number): Resumable {
  yield* tryToFreePages(gfp);
}
function* inGroup(memcg: MemCgroup, gfp: number): Resumable {
  yield* tryToFreeMemCgroupPages(memcg, 1, gfp, true);
}
function* holdForWrite(sem: RwSemaphore): Resumable {
  yield* downWrite(sem);
}

describe("kswapd", () => {
  it("sleeps until an allocation finds nothing, then frees pages of any group", () => {
    const kernel = testKernel("6.1");
    const mm = bootMm(kernel);
    const mapping = create(AddressSpace, { treeLock: create(SpinLock, { lockClass: "i_pages" }) });
    const memcg = createMemcg(kernel, "/a");
    for (let index = 0; index < 8; index++) bootPage(kernel, { memcg, mapping, index });
    const task = bootKswapd(kernel);
    expect(runAlone(kernel, task)).toBe(0);
    mm.node.kswapdWanted = true;
    runAlone(kernel, task);
    expect(mapping.pages.length).toBeLessThan(8);
    expect([mm.node.kswapdWanted, mm.node.kswapdFailures, kernel.machine.idle(task.context)]).toEqual([false, 0, true]);
  });

  it("leaves pages alone that it has seen under writeback before, once all it takes is so (case 1)", () => {
    const kernel = testKernel("6.1");
    const mm = bootMm(kernel, { pages: 4 });
    const mapping = create(AddressSpace, { treeLock: create(SpinLock, { lockClass: "i_pages" }) });
    const pages = [0, 1, 2, 3].map((index) => bootPage(kernel, { mapping, index }));
    for (const page of pages) page.writeback = true;
    const task = bootKswapd(kernel);
    mm.node.kswapdWanted = true;
    const machine = kernel.start();
    const throttled: string[] = [];
    for (let run = 0; run < 8; run++) {
      mm.node.kswapdWanted = true;
      while (machine.ways(task.context) > 0) {
        const { op } = machine.pending(task.context);
        if (op === "reclaim_throttle") throttled.push(op);
        machine.step(task.context, 0);
      }
    }
    expect([pages.some((page) => page.reclaim), mm.node.writeback]).toEqual([true, true]);
    expect(throttled.length).toBeGreaterThan(0);
    expect(mm.node.kswapdFailures).toBe(8);
  });
});

describe("kswapd that frees nothing", () => {
  const failures = (release: string, runs: number): number => {
    const kernel = testKernel(release);
    const mm = bootMm(kernel, { pages: 2 });
    for (let i = 0; i < 2; i++) bootPage(kernel, { anon: true });
    const task = bootKswapd(kernel);
    for (let run = 0; run < runs; run++) {
      mm.node.kswapdWanted = true;
      runAlone(kernel, task);
    }
    return mm.node.kswapdFailures;
  };
  it("gives up after sixteen runs, from 4.12 on", () => {
    expect([failures("4.11", 20), failures("4.12", 20), failures("6.1", 3)]).toEqual([0, 16, 3]);
  });
  it("is asked again once a direct reclaimer has freed something", () => {
    const kernel = testKernel("6.1");
    const mm = bootMm(kernel, { pages: 2 });
    const mapping = create(AddressSpace, { treeLock: create(SpinLock, { lockClass: "i_pages" }) });
    bootPage(kernel, { mapping });
    mm.node.kswapdFailures = 16;
    runAlone(kernel, kernel.spawn({ comm: "t" }, globally, [GFP_KERNEL]));
    expect(mm.node.kswapdFailures).toBe(0);
  });
});

describe("slab shrinkers", () => {
  function tries(
    release: string,
    gfp: number,
    target: "group" | "all",
    blocked?: "s_umount" | "shrinker_rwsem",
  ): string[] {
    const kernel = testKernel(release);
    const sb = create(SuperBlock, { sUmount: create(RwSemaphore, { lockClass: "s_umount", tried: true }) });
    const shrinker: Shrinker = { name: "sb", memcgAware: false, sb, count: () => 4, scan: superCacheScan };
    const mm = bootMm(kernel, { shrinkers: [shrinker], priority: 0 });
    const memcg = createMemcg(kernel, "/a");
    const holder = kernel.spawn({ comm: "holder" }, holdForWrite, [
      blocked === "s_umount" ? sb.sUmount : mm.shrinkerRwsem,
    ]);
    const task =
      target === "all"
        ? kernel.spawn({ comm: "t" }, globally, [gfp])
        : kernel.spawn({ comm: "t" }, inGroup, [memcg, gfp]);
    const machine = kernel.start();
    if (blocked !== undefined) runAlone(kernel, holder);
    const taken: string[] = [];
    while (machine.ways(task.context) > 0) {
      const { op, object } = machine.pending(task.context);
      if (op === "down_read") taken.push((object as RwSemaphore).lockClass);
      machine.step(task.context, 0);
    }
    return taken;
  }

  it("run under shrinker_rwsem up to 6.6, and never wait for it or for s_umount", () => {
    expect(tries("6.6", GFP_KERNEL, "all")).toEqual(["shrinker_rwsem", "s_umount", "shrinker_rwsem", "s_umount"]);
    expect(tries("6.7", GFP_KERNEL, "all")).toEqual(["s_umount", "s_umount"]);
    expect(tries("6.6", GFP_KERNEL, "all", "shrinker_rwsem")).toEqual(["shrinker_rwsem", "shrinker_rwsem"]);
    expect(tries("6.7", GFP_KERNEL, "all", "s_umount")).toEqual(["s_umount", "s_umount"]);
  });

  it("touch no filesystem without FS, and no group when they know none", () => {
    expect(tries("6.7", GFP_NOFS, "all")).toEqual([]);
    expect(tries("6.7", GFP_KERNEL, "group")).toEqual([]);
  });
});
