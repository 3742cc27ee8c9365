import { describe, expect, it } from "vitest";
import type { Resumable } from "../../resumable/index.ts";
import type { Bio } from "../block/bio.ts";
import { bioProviders } from "../block/bio-providers.ts";
import { era, withFix, withoutFix } from "../era.ts";
import { kernelName } from "../frame-names.ts";
import { bootCachedPage } from "../mm/boot-cache.ts";
import { folioLock, folioUnlock, vfsWrite } from "../mm/filemap.ts";
import type { Page } from "../mm/page.ts";
import { folioMarkDirty } from "../mm/page-writeback.ts";
import { type FileWorld, type FileWorldOptions, fileWorld } from "../mm/testing.ts";
import { deadSubset, obstacleOf } from "../sched/stuck.ts";
import type { Task } from "../sched/task.ts";
import { runAlone, runRandomly, runSteps } from "../sched/testing.ts";
import { createInode, createSuperBlock } from "./boot-writeback.ts";
import { wakeupFlusherThreads } from "./fs-writeback.ts";
import { I_DIRTY, type Inode } from "./inode.ts";
import { ksysSync, vfsFsyncRange } from "./sync.ts";

interface DirtyWorld extends FileWorld {
  readonly pages: readonly Page[];
  readonly flusher: Task;
}

/** A file with dirty pages in the cache. */
function dirtyWorld(
  release: Parameters<typeof fileWorld>[0],
  delayed = false,
  options: FileWorldOptions = {},
): DirtyWorld {
  const world = fileWorld(release, options);
  const { kernel, inode, memcg, bdi } = world;
  const pages = [0, 1, 2].map((i) => bootCachedPage(kernel, inode, i, { memcg, dirty: true, delayed }));
  const flusher = bdi.wb.queue.workers.at(0) as Task;
  return { ...world, pages, flusher };
}

function* wake(): Resumable {
  yield* wakeupFlusherThreads();
}
function* holdPage(page: Page): Resumable {
  yield* folioLock(page);
  yield undefined;
  yield* folioUnlock(page);
}

/** The bio that carries a page under writeback. */
const bioOf = (page: Page | undefined): Bio | undefined => page?.writebackBio as Bio | undefined;

const stackOf = ({ kernel }: FileWorld, task: Task): string =>
  kernel.machine
    .stack(task.context)
    .map((frame) => kernelName(frame.name, kernel.era))
    .filter((name) => name !== undefined)
    .join(" ");

const FLUSHER =
  "do_writepages __writeback_single_inode writeback_sb_inodes __writeback_inodes_wb wb_writeback wb_workfn " +
  "process_one_work worker_thread";

function expectClean({ pages, inode, bdi, kernel }: DirtyWorld): void {
  expect(pages.map((p) => [p.dirty, p.writeback, p.lockedBy, p.dirtyTag, p.towriteTag])).toEqual(
    pages.map(() => [false, false, undefined, false, false]),
  );
  expect(inode.state).toBe(0);
  for (const wb of bdi.wbs) {
    expect([wb.bDirty.length, wb.bIo.length, wb.bMoreIo.length, wb.works.length, wb.startAll]).toEqual([
      0,
      0,
      0,
      0,
      false,
    ]);
    expect([wb.nrReclaimable, wb.nrWriteback]).toEqual([0, 0]);
  }
  expect(deadSubset(kernel)).toEqual([]);
}

describe("the flusher", () => {
  it.each([
    ["4.4.1", "ext4", false],
    ["4.20", "ext4", true],
    ["6.1.192", "ext4", false],
    ["6.12", "ext4", true],
    ["4.4.1", "xfs", false],
    ["4.20", "xfs", true],
    ["6.1", "xfs", false],
  ] as const)("%s %s writes everything that is dirty, in any schedule", (release, fs, delayed) => {
    for (let seed = 0; seed < 25; seed++) {
      const world = dirtyWorld(release, delayed, { fs });
      const { kernel, pages } = world;
      kernel.spawn({ comm: "wake" }, wake);
      kernel.spawn({ comm: "sync" }, ksysSync);
      kernel.spawn({ comm: "fsync" }, vfsFsyncRange, [world.inode]);
      kernel.spawn({ comm: "lock" }, holdPage, [pages[1]]);
      runRandomly(kernel, Math.imul(seed, 0x9e3779b1));
      expectClean(world);
    }
  });

  it.each([
    ["4.20", "ext4", "__lock_page mpage_prepare_extent_to_map ext4_writepages"],
    ["6.1.192", "ext4", "__folio_lock mpage_prepare_extent_to_map ext4_writepages"],
    ["6.12", "ext4", "__folio_lock mpage_prepare_extent_to_map ext4_do_writepages ext4_writepages"],
    ["4.20", "xfs", "__lock_page write_cache_pages xfs_vm_writepages"],
    ["6.1", "xfs", "__folio_lock write_cache_pages iomap_writepages xfs_vm_writepages"],
  ] as const)(
    "%s %s sleeps for a page lock with pages before it in a bio that only it can submit",
    (release, fs, top) => {
      const world = dirtyWorld(release, false, { fs });
      const { kernel, pages, flusher } = world;
      const holder = kernel.spawn({ comm: "lock" }, holdPage, [pages[2]]);
      const waker = kernel.spawn({ comm: "wake" }, wake);
      runSteps(kernel, holder, 1);
      runAlone(kernel, waker);
      runAlone(kernel, flusher);
      expect(stackOf(world, flusher)).toBe(`${top} ${FLUSHER}`);
      expect(pages.map((p) => [p.writeback, p.lockedBy, bioOf(p)?.state, bioOf(p)?.owner])).toEqual([
        [true, undefined, "building", flusher],
        [true, undefined, "building", flusher],
        [false, holder, undefined, undefined],
      ]);
      const obstacle = obstacleOf(kernel, flusher);
      expect(obstacle?.kind === "wait" && obstacle.wait.providers).toEqual([holder]);
      runRandomly(kernel, 3);
      expectClean(world);
    },
  );

  it("submits before it waits for a page lock, with the proposal of 2018", () => {
    const fixed = withFix(era("4.20"), "submit-before-lock");
    if (!fixed.ok) throw new Error(fixed.error);
    const { kernel, pages, flusher } = dirtyWorld(fixed.era);
    const holder = kernel.spawn({ comm: "lock" }, holdPage, [pages[2]]);
    const waker = kernel.spawn({ comm: "wake" }, wake);
    runSteps(kernel, holder, 1);
    runAlone(kernel, waker);
    runAlone(kernel, flusher);
    expect(pages.map((p) => bioOf(p)?.state)).toEqual(["in_flight", "in_flight", undefined]);
  });

  it("locks the pages of an extent without blocks together", () => {
    const { kernel, pages, flusher } = dirtyWorld("4.20", true);
    const holder = kernel.spawn({ comm: "lock" }, holdPage, [pages[2]]);
    const waker = kernel.spawn({ comm: "wake" }, wake);
    runSteps(kernel, holder, 1);
    runAlone(kernel, waker);
    runAlone(kernel, flusher);
    expect(pages.map((p) => [p.writeback, p.lockedBy])).toEqual([
      [false, flusher],
      [false, flusher],
      [false, holder],
    ]);
  });

  it("starts by itself after a write when it is periodic, and not otherwise", () => {
    for (const periodic of [true, false]) {
      for (let seed = 0; seed < 10; seed++) {
        const world = fileWorld("6.1", { writeback: { periodic } });
        const writer = world.kernel.spawn({ comm: "dd", memcg: world.memcg }, vfsWrite, [world.inode, 0, 3]);
        runRandomly(world.kernel, Math.imul(seed, 0x9e3779b1));
        expect(world.kernel.machine.finished(writer.context)).toBe(true);
        expect((world.inode.state & I_DIRTY) === 0).toBe(periodic);
        expect([...world.inode.mapping.pages].map((p) => p.dirty)).toEqual(Array(3).fill(!periodic));
      }
    }
  });
});

describe("unwritten extents", () => {
  it.each(["ext4", "xfs"] as const)("%s: their writeback ends in a worker", (fs) => {
    for (let seed = 0; seed < 20; seed++) {
      const { kernel, memcg, bdi } = fileWorld("6.1", { fs });
      const sb = createSuperBlock(kernel, bdi, fs, { unwrittenExtents: true });
      const inode = createInode(sb, 3);
      const pages = [0, 1, 2].map((i) => bootCachedPage(kernel, inode, i, { memcg, dirty: true, delayed: i > 0 }));
      const fsync = kernel.spawn({ comm: "fsync" }, vfsFsyncRange, [inode]);
      const machine = kernel.start();
      runAlone(kernel, fsync);
      const converter = sb.unwrittenEnds?.queue.workers.at(0);
      const handlers = kernel.tasks.filter((t) => t.kind === "hardirq");
      for (let able = handlers; able.length > 0; able = handlers.filter((t) => machine.ways(t.context) > 0)) {
        for (const t of able) runAlone(kernel, t);
      }
      // page 0 had its blocks; ext4 writes it in a bio of its own before it starts a handle, XFS in the same ioend
      expect(pages.map((p) => p.writeback)).toEqual(fs === "ext4" ? [false, true, true] : [true, true, true]);
      expect(bioProviders(bioOf(pages[1]) as Bio)).toEqual([converter]);
      runRandomly(kernel, Math.imul(seed, 0x9e3779b1));
      expect(machine.finished(fsync.context)).toBe(true);
      expect(pages.some((p) => p.writeback)).toBe(false);
    }
  });
});

describe("sync(2)", () => {
  it("waits for the flusher's work in the frames of the kernel, and for the flusher alone", () => {
    const world = dirtyWorld("6.1");
    const { kernel, pages, flusher } = world;
    const holder = kernel.spawn({ comm: "lock" }, holdPage, [pages[0]]);
    const sync = kernel.spawn({ comm: "sync" }, ksysSync);
    runSteps(kernel, holder, 1);
    runAlone(kernel, sync);
    runAlone(kernel, flusher);
    expect(stackOf(world, sync)).toBe(
      "wb_wait_for_completion sync_inodes_sb sync_inodes_one_sb iterate_supers ksys_sync",
    );
    const obstacle = obstacleOf(kernel, sync);
    expect(obstacle?.kind === "wait" && obstacle.wait.providers).toEqual([flusher]);
    expect(deadSubset(kernel)).toEqual([]);
  });
});

function* redirtyAndFsync(inode: Inode, first: Page, second: Page | undefined): Resumable {
  yield* redirty(first);
  if (second !== undefined) yield* redirty(second);
  yield* vfsFsyncRange(inode);
}
function* redirty(page: Page): Resumable {
  yield* folioLock(page);
  yield* folioMarkDirty(page);
  yield* folioUnlock(page);
}

describe("a cyclic sweep of XFS that wraps inside one call", () => {
  function cyclic(release: Parameters<typeof fileWorld>[0]): DirtyWorld {
    const world = fileWorld(release, { fs: "xfs" });
    const { kernel, inode, memcg, bdi } = world;
    const pages = [0, 1].map((i) => bootCachedPage(kernel, inode, i, { memcg, dirty: true }));
    inode.mapping.writebackIndex = 1;
    kernel.spawn({ comm: "wake" }, wake);
    return { ...world, pages, flusher: bdi.wb.queue.workers.at(0) as Task };
  }

  /** The schedule of the commit message: the flusher stops with page 1 in its ioend and page 0 to come. */
  function dead(release: Parameters<typeof fileWorld>[0]): readonly string[] {
    const { kernel, inode, pages, flusher } = cyclic(release);
    const [first, second] = pages;
    const both = kernel.spawn({ comm: "both" }, redirtyAndFsync, [inode, first, second]);
    const one = kernel.spawn({ comm: "one" }, redirtyAndFsync, [inode, first]);
    const machine = kernel.start();
    runAlone(kernel, kernel.tasks.find((t) => t.comm === "wake") as Task);
    while (!(second?.writeback && second.lockedBy === undefined)) machine.step(flusher.context, 0);
    for (const task of [both, one, flusher]) runAlone(kernel, task);
    const subset = deadSubset(kernel);
    if (subset.length === 0) runRandomly(kernel, 7);
    expect(machine.finished(both.context) && machine.finished(one.context)).toBe(subset.length === 0);
    return subset.map((context) => {
      const obstacle = obstacleOf(kernel, kernel.tasks[context] as Task);
      if (obstacle?.kind !== "wait") return "";
      return `${kernel.tasks[context]?.comm} ${obstacle.wait.resource.class} ${obstacle.wait.providers.map((p) => (p as Task).comm)}`;
    });
  }

  it("deadlocks with two fsyncs, and not since 4.20 and 4.19.87", () => {
    const comm = "kworker/u4:4";
    const expected = [`${comm} PG_locked one`, `both PG_writeback ${comm}`, "one PG_writeback both"];
    expect(dead("4.19")).toEqual(expected);
    expect(dead("4.20")).toEqual([]);
    expect(dead("4.19.87")).toEqual([]);
    const reverted = withoutFix(era("4.20"), "no-cyclic-wrap");
    expect(reverted.ok && dead(reverted.era)).toEqual(expected);
    // up to 4.5 every page submitted its own ioend
    expect(dead("4.4")).toEqual([]);
  });

  it("does not with one fsync: two sweepers alone, however they dirty, always go on", () => {
    for (let seed = 0; seed < 100; seed++) {
      const world = cyclic("4.19");
      const { kernel, inode, pages } = world;
      kernel.spawn({ comm: "both" }, redirtyAndFsync, [inode, pages[0], pages[1]]);
      runRandomly(kernel, Math.imul(seed, 0x9e3779b1));
      expectNothingDead(world);
    }
  });
});

function expectNothingDead({ kernel }: FileWorld): void {
  expect(deadSubset(kernel)).toEqual([]);
  expect(kernel.tasks.filter((t) => t.kind === "task").every((t) => kernel.machine.finished(t.context))).toBe(true);
}
