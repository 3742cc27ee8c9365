import { describe, expect, it } from "vitest";
import type { Resumable } from "../../resumable/index.ts";
import { type Era, era, withFix, withoutFix } from "../era.ts";
import { LAB_INLINED, procStack } from "../frame-names.ts";
import { wakeupFlusherThreads } from "../fs/fs-writeback.ts";
import type { Inode } from "../fs/inode.ts";
import { PF_MEMALLOC_NOFS } from "../gfp.ts";
import type { KernelConfig } from "../sched/kernel.ts";
import { taskFrames } from "../sched/show-task.ts";
import { deadSubset, obstacleOf } from "../sched/stuck.ts";
import type { Task } from "../sched/task.ts";
import { runAlone, runRandomly, runSteps } from "../sched/testing.ts";
import { bootCachedPage } from "./boot-cache.ts";
import { folioLock, folioUnlock } from "./filemap.ts";
import { userPageFault } from "./memory.ts";
import type { MmStruct, Vma } from "./mm-types.ts";
import { createMm, createVma, doMunmap, exitMmap } from "./mmap.ts";
import type { Page } from "./page.ts";
import { type FileWorld, fileWorld, leftovers } from "./testing.ts";
import { doTruncate } from "./truncate.ts";

function* touch(vma: Vma, index: number, write: boolean): Resumable {
  yield* userPageFault(vma, index, write);
}
function* touchAndExit(vma: Vma, index: number, write: boolean): Resumable {
  yield* userPageFault(vma, index, write);
  yield* exitMmap(vma.mm);
}
function* readThenWrite(vma: Vma, index: number): Resumable {
  if (yield* userPageFault(vma, index, false)) yield* userPageFault(vma, index, true);
}
function* truncate(inode: Inode, size: number): Resumable {
  yield* doTruncate(inode, size);
}
function* unmap(vma: Vma): Resumable {
  yield* doMunmap(vma);
}
function* wakeFlusher(): Resumable {
  yield* wakeupFlusherThreads();
}
function* lockOnce(page: Page): Resumable {
  yield* folioLock(page);
  yield* folioUnlock(page);
}

const with_ = (release: string, fix: string): Era => unwrap(withFix(era(release), fix));
const without = (release: string, fix: string): Era => unwrap(withoutFix(era(release), fix));
function unwrap(result: ReturnType<typeof withFix>): Era {
  if (!result.ok) throw new Error(result.error);
  return result.era;
}

interface Abba extends FileWorld {
  readonly faulter: Task;
  readonly flusher: Task;
}
/** A group with three dirty pages and no more room than told, whose flusher is on its way; the fault needs a page table. */
function abba(
  release: string | Era,
  write: boolean,
  shared: boolean,
  config: Partial<KernelConfig> = {},
  room = 0,
): Abba {
  const world = fileWorld(release, { limits: { max: 3 + room }, mm: { chargeRetries: 2 }, config });
  const { kernel, memcg, inode, bdi } = world;
  for (let index = 0; index < 3; index++) bootCachedPage(kernel, inode, index, { memcg, dirty: true });
  const mm = createMm();
  const vma = createVma(kernel, mm, { file: inode, length: 4, shared });
  const faulter = kernel.spawn({ comm: "faulter", memcg, mm }, touch, [vma, 1, write]);
  kernel.spawn({ comm: "waker" }, wakeFlusher);
  const flusher = bdi.wb.queue.workers.at(0) as Task;
  return { ...world, faulter, flusher };
}

/** Seeds, of the first 40, whose schedule ends with somebody who never runs again. */
function deadSeeds(make: () => FileWorld): readonly number[] {
  const dead: number[] = [];
  for (let seed = 1; seed <= 40; seed++) {
    const { kernel } = make();
    runRandomly(kernel, seed);
    if (deadSubset(kernel).length > 0) dead.push(seed);
  }
  return dead;
}

describe("a page table for a locked page of a full v1 group", () => {
  const FAULT =
    "wait_on_page_bit shrink_page_list shrink_inactive_list shrink_node_memcg shrink_node do_try_to_free_pages " +
    "try_to_free_mem_cgroup_pages try_charge memcg_kmem_charge_memcg memcg_kmem_charge __alloc_pages_nodemask " +
    "alloc_pages_current pte_alloc_one __pte_alloc alloc_set_pte do_fault handle_mm_fault __do_page_fault " +
    "do_page_fault page_fault";
  const FLUSHER =
    "__lock_page mpage_prepare_extent_to_map ext4_writepages do_writepages __writeback_single_inode " +
    "writeback_sb_inodes __writeback_inodes_wb wb_writeback wb_workfn process_one_work worker_thread kthread " +
    "ret_from_fork";

  it("is the deadlock of memcg-writeback-abba in 4.20.0, with the stacks of the document", () => {
    const make = (): Abba => abba("4.20.0", true, true);
    const [seed] = deadSeeds(make);
    const { kernel, faulter, flusher } = make();
    runRandomly(kernel, seed as number);
    expect(deadSubset(kernel)).toEqual([flusher.context, faulter.context]);
    expect(procStack(taskFrames(kernel, faulter)).join(" ")).toBe(FAULT);
    expect(procStack(taskFrames(kernel, flusher)).join(" ")).toBe(FLUSHER);
  });

  it("prints as the lab's kernel does in 6.1.192 without the fix", () => {
    const make = (): Abba => abba(without("6.1.192", "prealloc-pte"), true, true);
    const [seed] = deadSeeds(make);
    const { kernel, faulter } = make();
    runRandomly(kernel, seed as number);
    const frames = taskFrames(kernel, faulter).filter((frame) => !LAB_INLINED.has(frame));
    expect(frames.join(" ")).toBe(
      "__schedule schedule io_schedule folio_wait_bit_common folio_wait_writeback shrink_folio_list shrink_lruvec " +
        "shrink_node do_try_to_free_pages try_to_free_mem_cgroup_pages try_charge_memcg __memcg_kmem_charge_page " +
        "__alloc_pages pte_alloc_one __pte_alloc finish_fault __handle_mm_fault handle_mm_fault do_user_addr_fault " +
        "exc_page_fault asm_exc_page_fault",
    );
  });

  it("deadlocks for a private write too, not for a read, whose fault-around allocates first", () => {
    expect(deadSeeds(() => abba("4.20.0", true, false, {}, 1)).length).toBeGreaterThan(0);
    expect(deadSeeds(() => abba("4.20.0", false, true))).toEqual([]);
  });

  it("is charged under the page lock for a read too when the fault-around got none, up to 5.11", () => {
    for (const [release, chargesLocked] of [
      ["4.20.0", true],
      [without("5.12", "prealloc-pte"), false],
    ] as const) {
      const { kernel, memcg, inode } = fileWorld(release, { limits: { kmemMax: 0 } });
      const page = bootCachedPage(kernel, inode, 1, { memcg });
      const mm = createMm();
      const vma = createVma(kernel, mm, { file: inode, length: 4 });
      const task = kernel.spawn({ comm: "t", memcg, mm }, touch, [vma, 1, false]);
      const { machine } = kernel;
      kernel.start();
      let seen = false;
      for (let i = 0; i < 100; i++) {
        runSteps(kernel, task, 1);
        if (page.lockedBy === task && machine.pending(task.context).op === "charge") seen = true;
      }
      expect(seen).toBe(chargesLocked);
    }
  });

  it("that nobody will ever get is the end of somebody, or of nobody since faults call no OOM killer", () => {
    for (const [release, killed] of [
      ["4.20.0", true],
      ["5.15.0", true],
      ["5.15.3", false],
    ] as const) {
      const { kernel, memcg, inode } = fileWorld(release, { limits: { kmemMax: 0 } });
      bootCachedPage(kernel, inode, 1, { memcg });
      const mm = createMm();
      const vma = createVma(kernel, mm, { file: inode, length: 4 });
      const task = kernel.spawn({ comm: "t", memcg, mm }, touch, [vma, 1, false]);
      runSteps(kernel, task, 400);
      expect([task.fatalSignal, kernel.machine.finished(task.context)]).toEqual([killed, killed]);
    }
  });

  it.each([
    ["4.4: page tables not charged", "4.4"],
    ["4.7: page tables not charged", "4.7"],
    ["4.20.0 with prealloc-pte", with_("4.20.0", "prealloc-pte")],
    ["4.20.3: the backport", "4.20.3"],
    ["4.20.0 with submit-before-lock", with_("4.20.0", "submit-before-lock")],
    ["6.1.192", "6.1.192"],
  ])("does not deadlock in %s", (_name, release) => {
    expect(deadSeeds(() => abba(release, true, true))).toEqual([]);
  });

  it("does not deadlock without kmem accounting", () => {
    expect(deadSeeds(() => abba("4.20.0", true, true, { kmem: false }))).toEqual([]);
  });

  it("deadlocks again in 5.12, where finish_fault did not use the preallocated table", () => {
    expect(deadSeeds(() => abba("5.12", true, true, {}, 1)).length).toBeGreaterThan(0);
    expect(deadSeeds(() => abba("5.14", true, true, {}, 1))).toEqual([]);
  });
});

interface Small extends FileWorld {
  readonly mm: MmStruct;
  readonly vma: Vma;
}
function small(release: string | Era, shared = true): Small {
  const world = fileWorld(release);
  const mm = createMm();
  return { ...world, mm, vma: createVma(world.kernel, mm, { file: world.inode, length: 4, shared }) };
}
const RELEASES = ["4.4", "4.20.0", "5.4", "5.12", "5.15", "6.1", "6.12", "6.18"];

describe("page faults", () => {
  it.each(RELEASES)("read, write shared and write private pages of a file in %s", (release) => {
    for (const [write, shared] of [
      [false, true],
      [true, true],
      [true, false],
    ] as const) {
      const { kernel, memcg, inode, vma, mm } = small(release, shared);
      const page = bootCachedPage(kernel, inode, 1, { memcg });
      const task = kernel.spawn({ comm: "t", memcg, mm }, touch, [vma, 1, write]);
      runAlone(kernel, task);
      expect(kernel.machine.finished(task.context)).toBe(true);
      expect(vma.present.length).toBe(1);
      expect(vma.present.at(0) === page).toBe(shared || !write);
      expect([page.dirty, vma.writablePtes.length]).toEqual([write && shared, write ? 1 : 0]);
      expect(leftovers(kernel)).toEqual([]);
      expect([...mm.mmapLock.readers, ...vma.vmLock.readers]).toEqual([]);
    }
  });

  it.each(RELEASES)("read what the cache has not, in %s", (release) => {
    const { kernel, memcg, inode, vma, mm } = small(release);
    const task = kernel.spawn({ comm: "t", memcg, mm }, touch, [vma, 2, false]);
    runRandomly(kernel, 7);
    expect(kernel.machine.finished(task.context)).toBe(true);
    expect(inode.mapping.pages.snapshot().map((p) => [p.index, p.uptodate, p.memcg === memcg])).toEqual([
      [2, true, true],
    ]);
    expect(leftovers(kernel)).toEqual([]);
  });

  it.each(RELEASES)("of two threads make one page table, and give everything back at exit, in %s", (release) => {
    for (let seed = 1; seed <= 15; seed++) {
      const { kernel, memcg, inode, vma, mm } = small(release, seed % 2 === 0);
      for (let i = 0; i < 2; i++) bootCachedPage(kernel, inode, i, { memcg });
      kernel.spawn({ comm: "a", memcg, mm }, touch, [vma, 0, true]);
      kernel.spawn({ comm: "b", memcg, mm }, touch, [vma, 1, seed % 3 === 0]);
      const other = createMm();
      const theirs = createVma(kernel, other, { file: inode, length: 4, shared: true });
      kernel.spawn({ comm: "c", memcg, mm: other }, touchAndExit, [theirs, 1, true]);
      runRandomly(kernel, seed);
      expect(leftovers(kernel)).toEqual([]);
      expect(memcg.kmem.usage).toBe(kernel.era.features.pageTablesCharged ? 1 : 0);
      expect(theirs.pmdNone).toBe(true);
    }
  });

  it("of anonymous memory are charged, and freed by munmap", () => {
    for (const release of RELEASES) {
      const { kernel, memcg } = fileWorld(release);
      const mm = createMm();
      const vma = createVma(kernel, mm, { length: 2 });
      const task = kernel.spawn({ comm: "t", memcg, mm }, touch, [vma, 0, true]);
      const end = kernel.spawn({ comm: "u", memcg, mm }, unmap, [vma]);
      runAlone(kernel, task);
      expect(memcg.memory.usage - memcg.kmem.usage).toBeGreaterThan(0);
      expect(vma.present.at(0)?.anon).toBe(true);
      runAlone(kernel, end);
      expect([vma.present.length, vma.pmdNone]).toEqual([0, true]);
      expect(leftovers(kernel)).toEqual([]);
    }
  });

  it("outside the file end without a page", () => {
    const { kernel, memcg, vma, mm, inode } = small("6.1");
    inode.size = 1;
    const task = kernel.spawn({ comm: "t", memcg, mm }, touch, [vma, 3, true]);
    runAlone(kernel, task);
    expect([kernel.machine.finished(task.context), vma.present.length]).toEqual([true, 0]);
    expect(leftovers(kernel)).toEqual([]);
  });
});

describe("a write to a page that is mapped read-only", () => {
  it.each(RELEASES)("makes it writable and dirty when shared, a copy when private, in %s", (release) => {
    for (const shared of [true, false]) {
      const { kernel, memcg, inode, vma, mm } = small(release, shared);
      const page = bootCachedPage(kernel, inode, 1, { memcg });
      const task = kernel.spawn({ comm: "t", memcg, mm }, readThenWrite, [vma, 1]);
      kernel.start();
      while (vma.present.length === 0) runSteps(kernel, task, 1);
      expect([vma.present.at(0), vma.writablePtes.length, page.dirty]).toEqual([page, 0, false]);
      runAlone(kernel, task);
      const now = vma.present.at(0) as Page;
      expect([now === page, now.anon, vma.writablePtes.includes(now), page.dirty]).toEqual([
        shared,
        !shared,
        true,
        shared,
      ]);
      expect([page.mapCount, vma.present.length]).toEqual([shared ? 1 : 0, 1]);
      expect(leftovers(kernel)).toEqual([]);
    }
  });

  it("finds the page gone when truncation was faster, under any schedule", () => {
    let gone = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const { kernel, memcg, inode, vma, mm } = small("6.1");
      bootCachedPage(kernel, inode, 1, { memcg });
      const task = kernel.spawn({ comm: "t", memcg, mm }, readThenWrite, [vma, 1]);
      const other = kernel.spawn({ comm: "truncate" }, truncate, [inode, 0]);
      runRandomly(kernel, seed);
      expect([task, other].every((t) => kernel.machine.finished(t.context))).toBe(true);
      expect([inode.mapping.pages.length, vma.present.length]).toEqual([0, 0]);
      expect(leftovers(kernel)).toEqual([]);
      if (!vma.pmdNone) gone++;
    }
    expect(gone).toBeGreaterThan(0);
  });
});

describe("readahead", () => {
  it("adds a window of pages, locked one after the other, in a NOFS scope from 5.8", () => {
    for (const [release, nofs] of [
      ["5.4", false],
      ["5.15", true],
    ] as const) {
      const { kernel, memcg, inode, vma, mm } = small(release);
      kernel.subsystems.set("readahead pages", 3);
      const task = kernel.spawn({ comm: "t", memcg, mm }, touch, [vma, 0, false]);
      kernel.start();
      while (inode.mapping.pages.length < 2) runSteps(kernel, task, 1);
      expect(inode.mapping.pages.at(0)?.lockedBy).toBe(task);
      expect((task.flags & PF_MEMALLOC_NOFS) !== 0).toBe(nofs);
      runRandomly(kernel, 1);
      expect(kernel.machine.finished(task.context)).toBe(true);
      expect([inode.mapping.pages.length, task.flags & PF_MEMALLOC_NOFS]).toEqual([3, 0]);
      expect(leftovers(kernel)).toEqual([]);
    }
  });
});

describe("a truncation while a fault waits for PG_locked", () => {
  it.each([
    ["ext4", "4.4", undefined],
    ["ext4", "4.20.0", "invalidate_lock"],
    ["ext4", "5.14", "invalidate_lock"],
    ["ext4", "5.15", undefined],
    ["xfs", "4.4", "invalidate_lock"],
    ["xfs", "4.20.0", "invalidate_lock"],
    ["xfs", "6.1", undefined],
  ] as const)("waits for the lock that %s takes over its fault in %s, if it does", (fs, release, blocks) => {
    const { kernel, memcg, inode } = fileWorld(release, { fs });
    const mm = createMm();
    const vma = createVma(kernel, mm, { file: inode, length: 4, shared: true });
    const page = bootCachedPage(kernel, inode, 1, { memcg });
    const holder = kernel.spawn({ comm: "holder" }, lockOnce, [page]);
    const task = kernel.spawn({ comm: "t", memcg, mm }, touch, [vma, 1, true]);
    // nothing is cached at index 2, so that the truncation itself meets no locked page
    const truncation = kernel.spawn({ comm: "truncate" }, truncate, [inode, 2]);
    runSteps(kernel, holder, 1);
    runAlone(kernel, task);
    runAlone(kernel, truncation);
    const obstacle = obstacleOf(kernel, truncation);
    const waitsFor = obstacle?.kind === "wait" ? obstacle.wait.resource.class : undefined;
    expect(waitsFor).toBe(blocks);
    expect(kernel.machine.finished(truncation.context)).toBe(blocks === undefined);
    runRandomly(kernel, 1);
    expect(kernel.machine.finished(truncation.context) && kernel.machine.finished(task.context)).toBe(true);
    expect(leftovers(kernel)).toEqual([]);
  });
});

describe("mmap_lock while a fault waits for PG_locked", () => {
  function waiting(release: string): { held: number; wait: string; frames: string } {
    const { kernel, memcg, inode, vma, mm } = small(release);
    const page = bootCachedPage(kernel, inode, 1, { memcg });
    const holder = kernel.spawn({ comm: "holder" }, lockOnce, [page]);
    const task = kernel.spawn({ comm: "t", memcg, mm }, touch, [vma, 1, true]);
    runSteps(kernel, holder, 1);
    runAlone(kernel, task);
    const obstacle = obstacleOf(kernel, task);
    const wait =
      obstacle?.kind === "wait" ? `${obstacle.wait.state} ${obstacle.wait.verb} ${obstacle.wait.providers}` : "";
    const held = mm.mmapLock.readers.length + vma.vmLock.readers.length;
    const frames = taskFrames(kernel, task).join(" ");
    runRandomly(kernel, 1);
    expect(kernel.machine.finished(task.context)).toBe(true);
    expect(leftovers(kernel)).toEqual([]);
    return { held, wait, frames };
  }

  it.each(RELEASES)("is dropped on the first try in %s, and the wait is killable", (release) => {
    const { held, wait } = waiting(release);
    expect([held, wait]).toEqual([0, "K unlock holder/1005"]);
  });
  it("is held on the second try; with VMA locks the first try with mmap_lock is the second and drops it too", () => {
    for (const [release, held] of [
      ["4.4", 1],
      ["4.20.0", 1],
      ["5.4", 1],
      ["6.1", 1],
      ["6.12", 0],
    ] as const) {
      const { kernel, memcg, inode, vma, mm } = small(release);
      const page = bootCachedPage(kernel, inode, 1, { memcg });
      const first = kernel.spawn({ comm: "first" }, lockOnce, [page]);
      const second = kernel.spawn({ comm: "second" }, lockOnce, [page]);
      const task = kernel.spawn({ comm: "t", memcg, mm }, touch, [vma, 1, true]);
      runSteps(kernel, first, 1);
      runAlone(kernel, task);
      runAlone(kernel, first);
      // the waiter goes on until it faults again, and finds the page locked by somebody else
      while (mm.mmapLock.readers.length === 0) runSteps(kernel, task, 1);
      runSteps(kernel, second, 1);
      runAlone(kernel, task);
      expect([page.lockedBy, mm.mmapLock.readers.length]).toEqual([second, held]);
      runAlone(kernel, second);
      runAlone(kernel, task);
      expect(kernel.machine.finished(task.context)).toBe(true);
    }
  });
  it("prints as it waits: for the unlock up to 5.0, for the lock from 5.1", () => {
    expect(waiting("4.20.0").frames).toContain(
      " wait_on_page_bit_killable __lock_page_or_retry filemap_fault ext4_filemap_fault __do_fault ",
    );
    expect(waiting("4.4").frames).toContain(" __lock_page_or_retry filemap_fault __do_fault ");
    expect(waiting("5.4").frames).toContain(" __lock_page_killable filemap_fault ext4_filemap_fault __do_fault ");
    expect(waiting("6.1").frames).toContain(" __folio_lock_killable filemap_fault __do_fault ");
  });
});
