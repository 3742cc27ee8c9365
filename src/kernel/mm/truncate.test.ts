import { describe, expect, it } from "vitest";
import { create, Entity, fields, op, type Resumable, value } from "../../resumable/index.ts";
import { type Era, era, withFix } from "../era.ts";
import type { Inode } from "../fs/inode.ts";
import { current } from "../sched/current.ts";
import { taskFrames } from "../sched/show-task.ts";
import { deadSubset, obstacleOf } from "../sched/stuck.ts";
import type { Task } from "../sched/task.ts";
import { runAlone, runRandomly, runSteps } from "../sched/testing.ts";
import { bootCachedPage, bootMappedPage } from "./boot-cache.ts";
import { filemapGetPage, folioEndWriteback, folioLock, folioPut, folioUnlock } from "./filemap.ts";
import { createMm, createVma } from "./mmap.ts";
import type { Page } from "./page.ts";
import { LAST_INDEX } from "./page-writeback.ts";
import { type FileWorld, fileWorld, leftovers } from "./testing.ts";
import { doTruncate, invalidateInodePages2Range, invalidateMappingPages } from "./truncate.ts";

class Note extends Entity {
  declare said: unknown;
  static {
    fields(Note, { said: value });
  }
}

function* truncate(inode: Inode, size: number): Resumable {
  yield* doTruncate(inode, size);
}
function* endWriteback(page: Page): Resumable {
  yield* folioEndWriteback(page);
}
function* lockOnce(page: Page): Resumable {
  yield* folioLock(page);
  yield* folioUnlock(page);
}
/** A completion interrupt: on top of what its CPU runs until it is through. */
const enter = op<Task>("interrupt", {
  apply(task) {
    task.cpu.irqStack.push(task);
  },
  idle: true,
});
function* interrupt(page: Page): Resumable {
  yield enter(current());
  yield* folioEndWriteback(page);
  current().cpu.irqStack.remove(current());
}
function* hold(inode: Inode, index: number): Resumable {
  const page = yield* filemapGetPage(inode.mapping, index);
  if (page === undefined) return;
  yield* folioLock(page);
  yield* folioUnlock(page);
  yield* folioPut(page);
}
function* invalidate(inode: Inode, note: Note): Resumable {
  note.said = yield* invalidateMappingPages(inode.mapping, 0, LAST_INDEX);
}
function* invalidate2(inode: Inode, note: Note): Resumable {
  note.said = yield* invalidateInodePages2Range(inode.mapping, 0, LAST_INDEX);
}

interface Cached extends FileWorld {
  readonly pages: readonly Page[];
}
function cached(release: string | Era, given: Parameters<typeof fileWorld>[1] = {}): Cached {
  const world = fileWorld(release, given);
  const { kernel, inode, memcg } = world;
  const pages = [0, 1, 2].map((index) => bootCachedPage(kernel, inode, index, { memcg, dirty: true }));
  return { ...world, pages };
}

const RELEASES = ["4.4", "4.16", "4.20", "6.1", "6.18"];

describe("truncate", () => {
  it.each(RELEASES)("unmaps, cleans, drops, uncharges and frees what is beyond the end in %s", (release) => {
    const { kernel, memcg, inode, pages } = cached(release);
    const vma = createVma(kernel, createMm(), { file: inode, length: 3, shared: true, populated: true });
    bootMappedPage(vma, pages[2] as Page, true);
    runAlone(kernel, kernel.spawn({ comm: "t" }, truncate, [inode, 1]));
    expect(inode.mapping.pages.snapshot()).toEqual([pages[0]]);
    expect([memcg.memory.usage, memcg.nrFileDirty, inode.wb?.nrReclaimable, inode.size]).toEqual([1, 1, 1, 1]);
    expect([vma.present.length, pages[2]?.allocated]).toEqual([0, false]);
    expect(leftovers(kernel)).toEqual([]);
  });

  it("takes what it can have first, then waits for locks, and for writeback with the page locked", () => {
    const { kernel, inode, pages, memcg } = cached("6.1");
    const [busy, locked, free] = pages as [Page, Page, Page];
    busy.writeback = true;
    memcg.nrWriteback++;
    const holder = kernel.spawn({ comm: "holder" }, lockOnce, [locked]);
    const task = kernel.spawn({ comm: "t" }, truncate, [inode, 0]);
    const ender = kernel.spawn({ comm: "end" }, endWriteback, [busy]);
    runSteps(kernel, holder, 1);
    runAlone(kernel, task);
    expect([free.allocated, busy.lockedBy]).toEqual([false, task]);
    expect(taskFrames(kernel, task).join(" ")).toContain(
      "folio_wait_bit_common folio_wait_writeback truncate_inode_pages_range truncate_pagecache",
    );
    runAlone(kernel, ender);
    runAlone(kernel, task);
    const obstacle = obstacleOf(kernel, task);
    expect(obstacle?.kind === "wait" && [obstacle.wait.resource.class, obstacle.wait.providers]).toEqual([
      "PG_locked",
      [holder],
    ]);
    runAlone(kernel, holder);
    runAlone(kernel, task);
    expect([kernel.machine.finished(task.context), inode.mapping.pages.length]).toEqual([true, 0]);
    expect(leftovers(kernel)).toEqual([]);
  });

  it("leaves a page that somebody holds to be freed by him", () => {
    const { kernel, inode, pages } = cached("6.1");
    const page = pages[0] as Page;
    const holder = kernel.spawn({ comm: "holder" }, hold, [inode, 0]);
    const task = kernel.spawn({ comm: "t" }, truncate, [inode, 0]);
    runSteps(kernel, holder, 1);
    runAlone(kernel, task);
    expect([page.mapping, page.allocated, page.refs]).toEqual([undefined, true, 1]);
    runAlone(kernel, holder);
    expect(page.allocated).toBe(false);
    expect(leftovers(kernel)).toEqual([]);
  });

  it("invalidates only clean unmapped pages, or all, waiting for them", () => {
    for (const [fn, said, left] of [
      [invalidate, 1, 2],
      [invalidate2, false, 1],
    ] as const) {
      const { kernel, inode, pages, memcg } = cached("6.1");
      const vma = createVma(kernel, createMm(), { file: inode, length: 3, shared: true, populated: true });
      for (const page of pages.slice(1)) {
        page.dirty = false;
        page.dirtyTag = false;
        memcg.nrFileDirty--;
      }
      bootMappedPage(vma, pages[1] as Page);
      const note = create(Note);
      runAlone(kernel, kernel.spawn({ comm: "t" }, fn, [inode, note]));
      expect([note.said, inode.mapping.pages.length]).toEqual([said, left]);
      expect(leftovers(kernel)).toEqual([]);
    }
  });
});

describe("cancelling a dirty page while charges move and the inode is switched", () => {
  /** After how many steps an interrupt makes the CPU spin for ever: its handler wants what the task below it holds. */
  function lockups(
    release: string | Era,
    hacks: readonly string[],
    irqCpu: number,
  ): { places: number; frames: string } {
    let places = 0;
    let frames = "";
    for (let steps = 0; steps < 30; steps++) {
      const world = cached(release, { config: { cpus: 2, hacks }, mm: { moveCharge: true } });
      const { kernel, inode, pages, memcg } = world;
      const written = pages[0] as Page;
      written.writeback = true;
      memcg.nrWriteback++;
      const task = kernel.spawn({ comm: "dd", cpu: 0 }, truncate, [inode, 0]);
      const irq = kernel.spawn({ comm: "irq", kind: "hardirq", cpu: irqCpu, idle: false }, interrupt, [written]);
      runSteps(kernel, task, steps);
      runAlone(kernel, irq);
      runRandomly(kernel, 1);
      if (deadSubset(kernel).length === 0) {
        expect(kernel.machine.finished(task.context)).toBe(true);
        continue;
      }
      places++;
      frames = taskFrames(kernel, irq).join(" ");
      expect(deadSubset(kernel)).toContain(task.context);
    }
    return { places, frames };
  }
  const both = ["moving", "switching"];
  const fixed = (release: string): Era => {
    const r = withFix(era(release), "wb-lock-cookie");
    if (!r.ok) throw new Error(r.error);
    return r.era;
  };

  it.each(["4.4.1", "4.16"])("locks a CPU up in %s when the interrupt comes there", (release) => {
    const { places, frames } = lockups(release, both, 0);
    expect(places).toBeGreaterThanOrEqual(2);
    expect(frames).toMatch(
      /_raw_spin_lock_irqsave (mem_cgroup_begin_page_stat|lock_page_memcg) test_clear_page_writeback end_page_writeback/,
    );
  });
  it.each(["4.4.1", "4.16"])("does not with one of the two, the fix, or the interrupt elsewhere in %s", (release) => {
    expect(lockups(release, [], 0).places).toBe(0);
    expect(lockups(release, ["moving"], 0).places).toBe(0);
    expect(lockups(release, ["switching"], 0).places).toBe(0);
    expect(lockups(release, both, 1).places).toBe(0);
    expect(lockups(fixed(release), both, 0).places).toBe(0);
  });
});
