import { describe, expect, it } from "vitest";
import { create, Entity, fields, type Resumable, value } from "../../resumable/index.ts";
import type { Bio } from "../block/bio.ts";
import { type Block, bootBlock } from "../block/blk-core.ts";
import { GFP_KERNEL, GFP_NOIO } from "../gfp.ts";
import { brokenLaw } from "../invariants.ts";
import type { Kernel } from "../sched/kernel.ts";
import { obstacleOf } from "../sched/stuck.ts";
import type { Task } from "../sched/task.ts";
import { runAlone, runRandomly, testKernel } from "../sched/testing.ts";
import { bootMappedPage } from "./boot-cache.ts";
import { bootPage } from "./boot-pages.ts";
import { userPageFault } from "./memory.ts";
import { bootMm, type Mm } from "./mm.ts";
import type { Vma } from "./mm-types.ts";
import { createMm, createVma, unmapPageRange } from "./mmap.ts";
import type { Page } from "./page.ts";
import type { SwapSlot } from "./swap-slots.ts";
import { bootSwap, swap } from "./swap-state.ts";
import { tryToFreePages } from "./vmscan.ts";

class Note extends Entity {
  declare said: unknown;
  static {
    fields(Note, { said: value });
  }
}
interface World {
  readonly kernel: Kernel;
  readonly mm: Mm;
  readonly vma: Vma;
  readonly pages: readonly Page[];
  readonly slots: readonly SwapSlot[];
  readonly note: Note;
}
/** A process with so many anonymous pages that nobody has used of late, a disk for swap with so many slots, and free pages. */
function world(release: string, anon: number, slots: number, free = 1): World {
  const kernel = testKernel(release, {
    cpus: 1,
    invariants: brokenLaw,
    capacities: { pages: anon + free, contexts: 8, bios: 24, inodes: 1, memcgs: 1, vmas: 2 },
  });
  const mm = bootMm(kernel, { priority: 0, allocRetries: "free" });
  const block: Block = bootBlock(kernel, [{ irqCpu: 0 }]);
  bootSwap(kernel, block.queues[0]!, slots);
  const vma = createVma(kernel, createMm(-1000), { length: anon, populated: true });
  const pages = Array.from({ length: anon }, (_, index) => {
    const page = bootPage(kernel, { anon: true });
    page.index = index;
    bootMappedPage(vma, page, true);
    page.pteYoung = false;
    return page;
  });
  return { kernel, mm, vma, pages, slots: swap()!.slots, note: create(Note) };
}
function* reclaims(gfp: number): Resumable {
  yield* tryToFreePages(gfp);
}
function* touches(vma: Vma, index: number, write: boolean, note: Note): Resumable {
  note.said = yield* userPageFault(vma, index, write);
}
function* exits(vma: Vma): Resumable {
  yield* unmapPageRange(vma);
}
const reclaimer = (w: World, gfp = GFP_KERNEL): Task => w.kernel.spawn({ comm: "r" }, reclaims, [gfp]);
const toucher = (w: World, index: number, write: boolean): Task =>
  w.kernel.spawn({ comm: "t", mm: w.vma.mm }, touches, [w.vma, index, write, w.note]);
const disk = (w: World): Task => w.kernel.tasks.find((t) => t.kind === "hardirq") as Task;
const mapped = (w: World): number[] => [...w.vma.present].map((page) => page.index).toSorted();

describe("swapping out", () => {
  it("puts pages into the cache and under writeback, and frees them in a later pass", () => {
    const w = world("4.7.4", 2, 3);
    const [first, second] = [reclaimer(w), reclaimer(w)];
    runAlone(w.kernel, first);
    expect(w.pages.map((page) => [page.writeback, page.mapCount, page.allocated])).toEqual(
      Array(2).fill([true, 0, true]),
    );
    expect(w.slots.map((slot) => [slot.page, slot.vma, slot.index])).toEqual([
      [w.pages[0], w.vma, 0],
      [w.pages[1], w.vma, 1],
      [undefined, undefined, 0],
    ]);
    runAlone(w.kernel, disk(w));
    expect(w.pages.map((page) => page.writeback)).toEqual([false, false]);
    runAlone(w.kernel, second);
    expect(w.pages.map((page) => page.allocated)).toEqual([false, false]);
    expect(w.slots.map((slot) => [slot.page, slot.index])).toEqual([
      [undefined, 0],
      [undefined, 1],
      [undefined, 0],
    ]);
  });

  it("leaves pages where they are without a slot, and without __GFP_IO", () => {
    const full = world("4.7.4", 3, 1);
    runAlone(full.kernel, reclaimer(full));
    expect(full.pages.map((page) => page.writeback)).toEqual([true, false, false]);
    expect(full.pages.map((page) => page.mapCount)).toEqual([0, 1, 1]);
    const noio = world("4.7.4", 2, 2);
    runAlone(noio.kernel, reclaimer(noio, GFP_NOIO));
    expect(noio.pages.every((page) => page.mapCount === 1 && !page.writeback)).toBe(true);
  });
});

describe("swapping in", () => {
  /** Page 0 is written and freed. */
  const swappedOut = (release: string, then: (w: World) => Task): readonly [World, Task] => {
    const w = world(release, 1, 2);
    const [first, second] = [reclaimer(w), reclaimer(w)];
    const task = then(w);
    for (const each of [first, disk(w), second]) runAlone(w.kernel, each);
    expect([w.pages[0]!.allocated, w.slots[0]!.vma]).toEqual([false, w.vma]);
    return [w, task];
  };

  it.each(["4.7.4", "5.4", "6.1.192"])("reads the page, waits for its lock and maps it in %s", (release) => {
    const [w, task] = swappedOut(release, (v) => toucher(v, 0, false));
    runAlone(w.kernel, task);
    const page = w.slots[0]!.page as Page;
    const reading = page.lockedBy as Bio;
    expect([reading.write, reading.pages.at(0)]).toEqual([false, page]);
    expect(obstacleOf(w.kernel, task)).toMatchObject({
      kind: "wait",
      wait: { resource: { class: "PG_locked" }, providers: [disk(w)], state: "K" },
    });
    runAlone(w.kernel, disk(w));
    runAlone(w.kernel, task);
    expect([w.note.said, mapped(w), page.pteDirty]).toEqual([true, [0], false]);
    // who has only read keeps the copy on disk: the next time nothing is written
    expect([w.slots[0]!.page, w.slots[0]!.vma]).toEqual([page, undefined]);
  });

  it("takes a page that is written to out of the cache, which frees the slot", () => {
    const [w, task] = swappedOut("4.7.4", (v) => toucher(v, 0, true));
    for (const each of [task, disk(w), task]) runAlone(w.kernel, each);
    const page = w.vma.present.at(0) as Page;
    expect([w.note.said, page.mapping, page.pteDirty]).toEqual([true, undefined, true]);
    expect(w.slots.map((slot) => [slot.page, slot.vma])).toEqual(Array(2).fill([undefined, undefined]));
    expect(swap()!.space.pages.length).toBe(0);
  });

  it("finds a page in the cache, and maps it although it is under writeback", () => {
    const w = world("4.7.4", 1, 1);
    const [first, task] = [reclaimer(w), toucher(w, 0, true)];
    runAlone(w.kernel, first);
    runAlone(w.kernel, task);
    expect([w.note.said, w.pages[0]!.writeback, mapped(w), w.slots[0]!.page]).toEqual([true, true, [0], w.pages[0]]);
  });

  it("drops mmap_lock for the first wait", () => {
    const [w, task] = swappedOut("4.7.4", (v) => toucher(v, 0, false));
    runAlone(w.kernel, task);
    expect(w.vma.mm.mmapLock.readers.length).toBe(0);
  });

  it("forgets the entries of a process that exits", () => {
    const [w, task] = swappedOut("4.7.4", (v) => v.kernel.spawn({ comm: "x" }, exits, [v.vma]));
    runAlone(w.kernel, task);
    expect(w.slots[0]!.vma).toBeUndefined();
  });

  it.each(["4.7.4", "6.1.192"])("gives everybody his page again in %s, whatever the schedule", (release) => {
    for (let seed = 0; seed < 60; seed++) {
      const w = world(release, 3, 2 + (seed % 3), 2);
      for (let i = 0; i < 2; i++) reclaimer(w);
      toucher(w, 0, true);
      toucher(w, 1, false);
      const last = toucher(w, 0, false);
      runRandomly(w.kernel, seed);
      expect([w.kernel.machine.finished(last.context), w.note.said]).toEqual([true, true]);
      expect(w.mm.pages.every((page) => page.refs === 0 && page.lockedBy === undefined && !page.writeback)).toBe(true);
      // each index is somewhere, once
      const entries = w.slots.filter((slot) => slot.vma !== undefined).map((slot) => slot.index);
      expect([...mapped(w), ...entries].toSorted()).toEqual([0, 1, 2]);
    }
  });
});
