import { describe, expect, it } from "vitest";
import { create, Entity, fields, type Resumable, value } from "../../resumable/index.ts";
import { type Era, era, withoutFix } from "../era.ts";
import { WritebackControl } from "../fs/writeback-control.ts";
import { runAlone, runRandomly, runSteps } from "../sched/testing.ts";
import { bootCachedPage, bootMappedPage } from "./boot-cache.ts";
import { folioEndWriteback, folioLock, folioUnlock } from "./filemap.ts";
import { createMm, createVma } from "./mmap.ts";
import type { AddressSpace, Page } from "./page.ts";
import {
  folioCancelDirty,
  folioClearDirtyForIo,
  folioMarkDirty,
  folioRedirtyForWritepage,
  folioStartWriteback,
  LAST_INDEX,
  writeCachePages,
} from "./page-writeback.ts";
import { fileWorld, leftovers } from "./testing.ts";

class Order extends Entity {
  declare written: string;
  static {
    fields(Order, { written: value });
  }
}

function* dirtyTwice(page: Page, order: Order): Resumable {
  yield* folioLock(page);
  const first = yield* folioMarkDirty(page);
  const second = yield* folioMarkDirty(page);
  yield* folioUnlock(page);
  order.written = `${first} ${second}`;
}
function* clean(page: Page, order: Order): Resumable {
  yield* folioLock(page);
  const was = yield* folioClearDirtyForIo(page);
  order.written = `${was} ${page.dirty} ${page.dirtyTag}`;
  yield* folioUnlock(page);
}
function* writeAndEnd(page: Page): Resumable {
  yield* folioLock(page);
  yield* folioClearDirtyForIo(page);
  yield* folioStartWriteback(page);
  yield* folioUnlock(page);
  yield* folioEndWriteback(page);
}
function* cancel(page: Page): Resumable {
  yield* folioLock(page);
  yield* folioCancelDirty(page);
  page.dirtyTag = false;
  yield* folioUnlock(page);
}
function* redirty(page: Page, wbc: WritebackControl): Resumable {
  yield* folioLock(page);
  yield* folioClearDirtyForIo(page);
  yield* folioRedirtyForWritepage(wbc, page);
  yield* folioUnlock(page);
}

/** Notes the index and leaves the page under writeback, unlocked. */
function* note(page: Page, _wbc: WritebackControl, data: Entity | undefined): Resumable<number> {
  const order = data as Order;
  order.written = `${order.written ?? ""}${page.index}`;
  yield* folioStartWriteback(page);
  yield* folioUnlock(page);
  return 0;
}
function* refuseSecond(page: Page, wbc: WritebackControl, data: Entity | undefined): Resumable<number> {
  yield* note(page, wbc, data);
  return page.index === 1 ? -5 : 0;
}
function* sweep(mapping: AddressSpace, wbc: WritebackControl, order: Order): Resumable {
  yield* writeCachePages(mapping, wbc, note, order);
}
function* failingSweep(mapping: AddressSpace, wbc: WritebackControl, order: Order): Resumable {
  yield* writeCachePages(mapping, wbc, refuseSecond, order);
}

const cyclic = { rangeCyclic: true, nrToWrite: 1024, rangeStart: 0, rangeEnd: LAST_INDEX };
const integrity = { syncAll: true, nrToWrite: 1024, rangeStart: 0, rangeEnd: LAST_INDEX };

describe("PG_dirty", () => {
  it("counts a page once, in its memcg and its domain, and puts the inode on the list", () => {
    const { kernel, memcg, inode } = fileWorld("6.1");
    const page = bootCachedPage(kernel, inode, 0, { memcg, reclaim: true });
    const order = create(Order);
    runAlone(kernel, kernel.spawn({ comm: "t", memcg }, dirtyTwice, [page, order]));
    expect(order.written).toBe("true false");
    expect([memcg.nrFileDirty, inode.wb?.nrReclaimable, page.dirtyTag, page.reclaim]).toEqual([1, 1, true, false]);
    expect(inode.wb?.bDirty.snapshot()).toEqual([inode]);
    expect(leftovers(kernel)).toEqual([]);
  });

  it("gathers dirty page table entries, write-protects them and leaves the tag until writeback starts", () => {
    const { kernel, memcg, inode } = fileWorld("6.1");
    const page = bootCachedPage(kernel, inode, 0, { memcg });
    const vma = createVma(kernel, createMm(), { file: inode, length: 1, shared: true, populated: true });
    bootMappedPage(vma, page, true);
    const order = create(Order);
    runAlone(kernel, kernel.spawn({ comm: "t", memcg }, clean, [page, order]));
    expect(order.written).toBe("true false true");
    expect([vma.present.includes(page), vma.writablePtes.length, page.pteDirty]).toEqual([true, 0, false]);
    expect([memcg.nrFileDirty, inode.wb?.nrReclaimable]).toEqual([0, 0]);
  });

  it("comes back with a redirtied page, which was skipped", () => {
    const { kernel, memcg, inode } = fileWorld("6.1");
    const page = bootCachedPage(kernel, inode, 0, { memcg, dirty: true });
    const wbc = create(WritebackControl);
    runAlone(kernel, kernel.spawn({ comm: "t", memcg }, redirty, [page, wbc]));
    expect([page.dirty, memcg.nrFileDirty, wbc.pagesSkipped]).toEqual([true, 1, 1]);
    expect(leftovers(kernel)).toEqual([]);
  });

  it.each(["4.4", "4.16", "4.20", "6.1", "6.18"])(
    "and PG_writeback keep their counts under any schedule in %s",
    (release) => {
      for (let seed = 1; seed <= 20; seed++) {
        const { kernel, memcg, inode } = fileWorld(release, { mm: { moveCharge: true } });
        const [a, b] = [0, 1].map((index) => bootCachedPage(kernel, inode, index, { memcg, dirty: true })) as [
          Page,
          Page,
        ];
        kernel.spawn({ comm: "writer", memcg }, writeAndEnd, [a]);
        kernel.spawn({ comm: "dirtier", memcg }, dirtyTwice, [a, create(Order)]);
        kernel.spawn({ comm: "canceller", memcg }, cancel, [b]);
        runRandomly(kernel, seed);
        expect(b.dirty).toBe(false);
        expect(inode.wb?.nrReclaimable).toBe(a.dirty ? 1 : 0);
        expect(leftovers(kernel)).toEqual([]);
      }
    },
  );
});

describe("write_cache_pages", () => {
  function world(release: string | Era, given: Partial<typeof cyclic> | typeof integrity, start = 0) {
    const w = fileWorld(release, { fs: "xfs" });
    const pages = [0, 1, 2, 3].map((index) =>
      bootCachedPage(w.kernel, w.inode, index, { memcg: w.memcg, dirty: true }),
    );
    w.inode.mapping.writebackIndex = start;
    const wbc = create(WritebackControl, given);
    const order = create(Order);
    return { ...w, pages, wbc, order };
  }

  it("locks in ascending index and notes where a cyclic sweep ended", () => {
    const { kernel, inode, wbc, order } = world("6.1", { ...cyclic, nrToWrite: 2 });
    runAlone(kernel, kernel.spawn({ comm: "flusher" }, sweep, [inode.mapping, wbc, order]));
    expect([order.written, inode.mapping.writebackIndex, wbc.nrToWrite]).toEqual(["01", 1, 0]);
    expect(leftovers(kernel)).toEqual([]);
  });

  it("wraps a cyclic sweep in the same call before 4.20 only", () => {
    const written = (release: string | Era): unknown[] => {
      const { kernel, inode, wbc, order } = world(release, cyclic, 2);
      runAlone(kernel, kernel.spawn({ comm: "flusher" }, sweep, [inode.mapping, wbc, order]));
      return [order.written, inode.mapping.writebackIndex];
    };
    expect(written("4.4")).toEqual(["2301", 1]);
    expect(written("4.19")).toEqual(["2301", 1]);
    expect(written("4.20")).toEqual(["23", 0]);
    const reverted = withoutFix(era("4.20"), "no-cyclic-wrap");
    expect(reverted.ok && written(reverted.era)).toEqual(["2301", 1]);
  });

  it("skips a page under writeback, and waits for it with the page locked when integrity is asked for", () => {
    for (const [given, finishes] of [
      [cyclic, true],
      [integrity, false],
    ] as const) {
      const { kernel, inode, pages, wbc, order } = world("6.1", given);
      const busy = pages[1] as Page;
      busy.writeback = true;
      const task = kernel.spawn({ comm: "flusher" }, sweep, [inode.mapping, wbc, order]);
      runAlone(kernel, task);
      expect([order.written, kernel.machine.finished(task.context)]).toEqual(finishes ? ["023", true] : ["0", false]);
      expect(busy.lockedBy).toBe(finishes ? undefined : task);
      busy.writeback = false;
      runAlone(kernel, task);
      expect(order.written).toBe(finishes ? "023" : "0123");
    }
  });

  it("writes with integrity what was dirty when it began, not what becomes dirty behind it", () => {
    const { kernel, inode, pages, wbc, order } = world("6.1", integrity);
    const late = pages[3] as Page;
    late.dirty = false;
    late.dirtyTag = false;
    const task = kernel.spawn({ comm: "flusher" }, sweep, [inode.mapping, wbc, order]);
    runSteps(kernel, task, 1);
    late.dirty = true;
    late.dirtyTag = true;
    runAlone(kernel, task);
    expect(order.written).toBe("012");
  });

  it("finds a page by its tag although its dirty bit is gone, and lets go of it", () => {
    const { kernel, inode, pages, wbc, order } = world("6.1", cyclic);
    const first = pages[0] as Page;
    first.dirty = false;
    runAlone(kernel, kernel.spawn({ comm: "flusher" }, sweep, [inode.mapping, wbc, order]));
    expect([order.written, first.lockedBy]).toEqual(["123", undefined]);
  });

  it("stops at an error, unless integrity is asked for", () => {
    for (const [given, expected] of [
      [cyclic, "01"],
      [integrity, "0123"],
    ] as const) {
      const { kernel, inode, wbc, order } = world("6.1", given);
      runAlone(kernel, kernel.spawn({ comm: "flusher" }, failingSweep, [inode.mapping, wbc, order]));
      expect(order.written).toBe(expected);
      if (given === cyclic) expect(inode.mapping.writebackIndex).toBe(2);
    }
  });
});
