import { describe, expect, it } from "vitest";
import { create, type Resumable } from "../../resumable/index.ts";
import { GFP_KERNEL, GFP_NOWAIT } from "../gfp.ts";
import { SpinLock } from "../locking/spinlock.ts";
import type { Kernel } from "../sched/kernel.ts";
import { runAlone, runRandomly, testKernel } from "../sched/testing.ts";
import { bootPage } from "./boot-pages.ts";
import { folioTrylock } from "./filemap.ts";
import type { MemCgroup } from "./memcg-types.ts";
import { bootMm, createMemcg, type Mm } from "./mm.ts";
import { AddressSpace, type Page } from "./page.ts";
import { allocPages, freePage, reservePages } from "./page-alloc.ts";
import { folioAddLru, folioMarkAccessed, folioRotateReclaimable } from "./swap.ts";

function small(release = "6.1"): { readonly kernel: Kernel; readonly mm: Mm; readonly memcg: MemCgroup } {
  const kernel = testKernel(release);
  const mm = bootMm(kernel);
  return { kernel, mm, memcg: createMemcg(kernel, "/a") };
}
function* rotate(page: Page): Resumable {
  yield* folioRotateReclaimable(page);
}
function* lockAndRotate(page: Page): Resumable {
  yield* folioTrylock(page);
  yield* folioRotateReclaimable(page);
}
function* touch(page: Page, times: number): Resumable {
  for (let i = 0; i < times; i++) yield* folioMarkAccessed(page);
}
function* allocate(count: number, gfp: number, back: boolean): Resumable {
  for (let i = 0; i < count; i++) {
    const page: Page | undefined = yield* allocPages(gfp);
    if (page === undefined) continue;
    yield* folioAddLru(page);
    if (back) yield* freePage(page);
  }
}

describe("LRU lists", () => {
  it("take new pages at the head, and a rotated page at the tail", () => {
    const { kernel, memcg } = small();
    const [oldest, , newest] = [0, 1, 2].map(() => bootPage(kernel, { memcg })) as [Page, Page, Page];
    const list = memcg.lruvec.inactiveFile.pages;
    expect([list.at(0), list.at(-1)]).toEqual([newest, oldest]);
    runAlone(kernel, kernel.spawn({ comm: "t" }, rotate, [newest]));
    expect([list.length, list.at(-1)]).toEqual([3, newest]);
  });

  it("rotate active pages to the inactive tail, and no locked, dirty or isolated ones", () => {
    const { kernel, memcg } = small();
    const active = bootPage(kernel, { memcg, active: true });
    const [locked, dirty, isolated] = [0, 1, 2].map(() => bootPage(kernel, { memcg })) as [Page, Page, Page];
    dirty.dirty = true;
    isolated.lru?.pages.remove(isolated);
    isolated.lru = undefined;
    const { inactiveFile, activeFile } = memcg.lruvec;
    const tasks = [
      kernel.spawn({ comm: "t" }, rotate, [active]),
      kernel.spawn({ comm: "t" }, lockAndRotate, [locked]),
      kernel.spawn({ comm: "t" }, rotate, [dirty]),
      kernel.spawn({ comm: "t" }, rotate, [isolated]),
    ];
    for (const task of tasks) runAlone(kernel, task);
    expect([[...inactiveFile.pages], activeFile.pages.length, active.active]).toEqual([
      [dirty, locked, active],
      0,
      false,
    ]);
    expect(isolated.lru).toBeUndefined();
  });

  it("activate at the second touch", () => {
    const { kernel, memcg } = small();
    const [once, twice] = [bootPage(kernel, { memcg }), bootPage(kernel, { memcg })];
    const first = kernel.spawn({ comm: "t" }, touch, [once, 1]);
    const second = kernel.spawn({ comm: "t" }, touch, [twice, 2]);
    runAlone(kernel, first);
    runAlone(kernel, second);
    expect([once.active, once.referenced, twice.active, twice.referenced]).toEqual([false, true, true, false]);
    expect(twice.lru?.kind).toBe("active_file");
  });

  it("have the lock of their release", () => {
    const locks = (release: string): number => {
      const { mm, memcg } = small(release);
      return new Set([mm.root.lruvec.lock, memcg.lruvec.lock]).size;
    };
    expect([locks("4.7"), locks("5.10"), locks("5.11")]).toEqual([1, 1, 2]);
  });
});

describe("the page allocator", () => {
  it("gives a task its reserved pages first, then the lowest free one", () => {
    const { kernel, mm } = small();
    const task = kernel.spawn({ comm: "t" }, allocate, [3, GFP_NOWAIT, false]);
    const other = kernel.spawn({ comm: "u" }, allocate, [0, GFP_NOWAIT, false]);
    reservePages(mm, other, 1);
    reservePages(mm, task, 1);
    runAlone(kernel, task);
    expect(mm.pages.map((p) => p.allocated)).toEqual([false, true, true, true, ...Array(4).fill(false)]);
    expect(mm.pages.map((p) => p.reservedFor)).toEqual([other, task, ...Array(6).fill(undefined)]);
  });

  it("fails without a way to reclaim, and reclaims from everybody otherwise", () => {
    const { kernel, mm, memcg } = small();
    const mapping = create(AddressSpace, { treeLock: create(SpinLock, { lockClass: "i_pages" }) });
    for (let index = 0; index < 8; index++) bootPage(kernel, { memcg, mapping, index });
    const nowait = kernel.spawn({ comm: "t" }, allocate, [1, GFP_NOWAIT, false]);
    const task = kernel.spawn({ comm: "u" }, allocate, [1, GFP_KERNEL, false]);
    runAlone(kernel, nowait);
    expect([mapping.pages.length, mm.node.kswapdWanted]).toEqual([8, true]);
    runAlone(kernel, task);
    expect(mapping.pages.length).toBeLessThan(8);
    expect(mm.pages.filter((p) => p.allocated)).toHaveLength(mapping.pages.length + 1);
  });

  it("gets every page back, lists empty, under any schedule", () => {
    for (let seed = 0; seed < 30; seed++) {
      const { kernel, mm } = small();
      for (let i = 0; i < 3; i++) kernel.spawn({ comm: "t" }, allocate, [3, GFP_NOWAIT, true]);
      runRandomly(kernel, seed);
      expect(mm.pages.filter((p) => p.allocated || p.lru !== undefined)).toEqual([]);
      expect(mm.root.lruvec.inactiveFile.pages.length).toBe(0);
    }
  });
});
