import { describe, expect, it } from "vitest";
import { create, Entity, fields, type Resumable, value } from "../../resumable/index.ts";
import type { Inode } from "../fs/inode.ts";
import { obstacleOf } from "../sched/stuck.ts";
import { runAlone, runRandomly, runSteps } from "../sched/testing.ts";
import { bootCachedPage } from "./boot-cache.ts";
import {
  __filemapGetFolio,
  EEXIST,
  ENOMEM,
  FGP_CREAT,
  FGP_LOCK,
  FGP_NOWAIT,
  filemapAddFolio,
  filemapFdatawaitRange,
  filemapGetFoliosTag,
  filemapGetPage,
  folioBatchRelease,
  folioEndWriteback,
  folioLock,
  folioPut,
  folioUnlock,
  vfsWrite,
} from "./filemap.ts";
import type { AddressSpace, Page } from "./page.ts";
import { allocPages, freePage } from "./page-alloc.ts";
import { fileWorld, leftovers } from "./testing.ts";

class Note extends Entity {
  declare said: unknown;
  static {
    fields(Note, { said: value });
  }
}

function* getOrMake(mapping: AddressSpace, index: number, fgp: number, note: Note): Resumable {
  const page = yield* __filemapGetFolio(mapping, index, fgp, mapping.gfpMask);
  note.said = page;
  if (page === undefined) return;
  if ((fgp & FGP_LOCK) !== 0) yield* folioUnlock(page);
  yield* folioPut(page);
}
function* addOnly(mapping: AddressSpace, index: number, note: Note): Resumable {
  const page = yield* allocPages(mapping.gfpMask);
  if (page === undefined) return;
  note.said = yield* filemapAddFolio(mapping, page, index, mapping.gfpMask);
  if (note.said === 0) yield* folioUnlock(page);
  else yield* freePage(page);
}
function* lookAndHold(mapping: AddressSpace, index: number): Resumable {
  const page = yield* filemapGetPage(mapping, index);
  if (page === undefined) return;
  yield* folioLock(page);
  yield* folioUnlock(page);
  yield* folioPut(page);
}
function* lookUpDirty(mapping: AddressSpace, note: Note): Resumable {
  const batch = yield* filemapGetFoliosTag(mapping, 1, 3, "dirty");
  note.said = Object.freeze(batch.map((page) => page.index));
  yield* folioBatchRelease(batch);
}
function* write(inode: Inode, start: number, count: number, note: Note): Resumable {
  note.said = yield* vfsWrite(inode, start, count);
}
function* waitRange(mapping: AddressSpace): Resumable {
  yield* filemapFdatawaitRange(mapping, 0, 3);
}
function* endWriteback(page: Page): Resumable {
  yield* folioEndWriteback(page);
}

const RELEASES = ["4.4", "4.20", "5.15", "6.1", "6.18"];

describe("the page cache", () => {
  it.each(RELEASES)("makes one page for all who ask for it, under any schedule, in %s", (release) => {
    for (let seed = 1; seed <= 25; seed++) {
      const { kernel, memcg, inode } = fileWorld(release);
      const notes = [create(Note), create(Note), create(Note)];
      for (const note of notes) {
        kernel.spawn({ comm: "t", memcg }, getOrMake, [inode.mapping, 2, FGP_LOCK | FGP_CREAT, note]);
      }
      runRandomly(kernel, seed);
      expect(inode.mapping.pages.length).toBe(1);
      expect(new Set(notes.map((note) => note.said))).toEqual(new Set([inode.mapping.pages.at(0)]));
      expect(memcg.memory.usage).toBe(1 + kernel.cpus.reduce((sum, cpu) => sum + cpu.stockPages, 0));
      expect(leftovers(kernel)).toEqual([]);
    }
  });

  it("charges a page before it goes in; refused, nothing stays", () => {
    const { kernel, memcg, inode } = fileWorld("6.1", { limits: { max: 0 }, mm: { chargeRetries: 1 } });
    const note = create(Note);
    const task = kernel.spawn({ comm: "t", memcg }, addOnly, [inode.mapping, 0, note]);
    task.oomVictim = true;
    runAlone(kernel, task);
    expect([note.said, inode.mapping.pages.length, memcg.memory.usage]).toEqual([-ENOMEM, 0, 0]);
    expect(leftovers(kernel)).toEqual([]);
  });

  it("gives the charge back when somebody was faster", () => {
    const { kernel, memcg, inode } = fileWorld("6.1", { limits: { max: 4 } });
    bootCachedPage(kernel, inode, 0, { memcg });
    const note = create(Note);
    runAlone(kernel, kernel.spawn({ comm: "t", memcg }, addOnly, [inode.mapping, 0, note]));
    expect([note.said, inode.mapping.pages.length, memcg.memory.usage]).toEqual([-EEXIST, 1, 1]);
    expect(leftovers(kernel)).toEqual([]);
  });

  it("does not wait for a locked page when told not to", () => {
    const { kernel, memcg, inode } = fileWorld("6.1");
    const page = bootCachedPage(kernel, inode, 0, { memcg });
    const holder = kernel.spawn({ comm: "holder" }, lookAndHold, [inode.mapping, 0]);
    const note = create(Note);
    const task = kernel.spawn({ comm: "t" }, getOrMake, [inode.mapping, 0, FGP_LOCK | FGP_NOWAIT, note]);
    runSteps(kernel, holder, 2);
    expect(page.lockedBy).toBe(holder);
    runAlone(kernel, task);
    expect([note.said, kernel.machine.finished(task.context)]).toEqual([undefined, true]);
    runAlone(kernel, holder);
    expect(leftovers(kernel)).toEqual([]);
  });

  it("keeps pages in ascending index and finds them by tag", () => {
    const { kernel, memcg, inode } = fileWorld("6.1");
    for (const index of [3, 0, 2, 1]) bootCachedPage(kernel, inode, index, { memcg, dirty: index !== 2 });
    expect(inode.mapping.pages.snapshot().map((page) => page.index)).toEqual([0, 1, 2, 3]);
    const note = create(Note);
    runAlone(kernel, kernel.spawn({ comm: "t" }, lookUpDirty, [inode.mapping, note]));
    expect(note.said).toEqual([1, 3]);
    expect(leftovers(kernel)).toEqual([]);
  });
});

describe("write(2)", () => {
  it.each(RELEASES)("dirties pages one after the other under i_rwsem in %s", (release) => {
    const { kernel, memcg, inode } = fileWorld(release, { size: 0 });
    const note = create(Note);
    const task = kernel.spawn({ comm: "dd", memcg }, write, [inode, 0, 3, note]);
    runSteps(kernel, task, 1);
    expect(inode.rwsem.writer).toBe(task);
    runAlone(kernel, task);
    expect([note.said, inode.size, inode.rwsem.writer]).toEqual([3, 3, undefined]);
    expect(inode.mapping.pages.snapshot().map((page) => page.dirty && page.uptodate)).toEqual([true, true, true]);
    expect([memcg.nrFileDirty, inode.wb?.nrReclaimable, inode.wb?.bDirty.includes(inode)]).toEqual([3, 3, true]);
    expect(leftovers(kernel)).toEqual([]);
  });

  it("pays for memory.high on its way back, when it holds nothing any more", () => {
    // without a writeback domain of the group nobody slows the writer down before
    const { kernel, memcg, inode } = fileWorld("5.2", {
      size: 0,
      fs: "xfs",
      limits: { high: 1 },
      config: { cgroup: "v2" },
    });
    const note = create(Note);
    const task = kernel.spawn({ comm: "dd", memcg }, write, [inode, 0, 3, note]);
    kernel.start();
    const heldWhileReclaiming: boolean[] = [];
    for (let i = 0; i < 300; i++) {
      if (kernel.machine.pending(task.context).op === "get_scan_count")
        heldWhileReclaiming.push(inode.rwsem.writer !== undefined);
      runSteps(kernel, task, 1);
    }
    expect(new Set(heldWhileReclaiming)).toEqual(new Set([false]));
    expect([task.memcgNrPagesOverHigh, note.said]).toEqual([0, 3]);
  });

  it("ends between pages when the task is killed", () => {
    const { kernel, memcg, inode } = fileWorld("6.1", { size: 0 });
    const note = create(Note);
    const task = kernel.spawn({ comm: "dd", memcg }, write, [inode, 0, 3, note]);
    kernel.start();
    while (inode.size < 1) runSteps(kernel, task, 1);
    task.fatalSignal = true;
    runAlone(kernel, task);
    expect([note.said, inode.rwsem.writer]).toEqual([1, undefined]);
    expect(leftovers(kernel)).toEqual([]);
  });
});

describe("end of writeback", () => {
  it("wakes who waits for the range, and rotates what reclaim has marked", () => {
    const { kernel, memcg, inode } = fileWorld("6.1");
    const pages = [0, 1, 2].map((index) => bootCachedPage(kernel, inode, index, { memcg, reclaim: index === 2 }));
    const last = pages[2] as Page;
    for (const page of pages) {
      page.writeback = true;
      memcg.nrWriteback++;
    }
    const waiter = kernel.spawn({ comm: "waiter" }, waitRange, [inode.mapping]);
    const enders = pages.map((page) => kernel.spawn({ comm: "end" }, endWriteback, [page]));
    runAlone(kernel, waiter);
    expect(obstacleOf(kernel, waiter)?.kind).toBe("wait");
    expect(memcg.lruvec.inactiveFile.pages.at(0)).toBe(last);
    for (const ender of enders) runAlone(kernel, ender);
    runAlone(kernel, waiter);
    expect(kernel.machine.finished(waiter.context)).toBe(true);
    expect([last.reclaim, memcg.lruvec.inactiveFile.pages.at(-1) === last]).toEqual([false, true]);
    expect(leftovers(kernel)).toEqual([]);
  });
});
