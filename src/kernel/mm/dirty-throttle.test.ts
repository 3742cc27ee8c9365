import { describe, expect, it } from "vitest";
import { create, Entity, fields, type Resumable, value } from "../../resumable/index.ts";
import type { Inode } from "../fs/inode.ts";
import type { Kernel } from "../sched/kernel.ts";
import type { Task } from "../sched/task.ts";
import { runAlone, runRandomly } from "../sched/testing.ts";
import { bootCachedPage } from "./boot-cache.ts";
import { memcgDirtyDomain } from "./dirty-domain.ts";
import { vfsWrite } from "./filemap.ts";
import { userPageFault } from "./memory.ts";
import type { Vma } from "./mm-types.ts";
import { createMm, createVma } from "./mmap.ts";
import { fileWorld, leftovers } from "./testing.ts";

class Note extends Entity {
  declare said: unknown;
  static {
    fields(Note, { said: value });
  }
}
function* write(inode: Inode, start: number, count: number, note: Note): Resumable {
  note.said = yield* vfsWrite(inode, start, count);
}
function* touch(vma: Vma, index: number): Resumable {
  yield* userPageFault(vma, index, true);
}

/** Whether the task comes to a pause within so many steps of its own. */
function pauses(kernel: Kernel, task: Task, most = 200): boolean {
  const machine = kernel.start();
  for (let i = 0; i < most && machine.ways(task.context) > 0; i++) {
    if (machine.pending(task.context).op === "balance_dirty_pages") return true;
    machine.step(task.context, 0);
  }
  return false;
}

function writer(cgroup: "v1" | "v2", max: number) {
  const world = fileWorld("6.1", { config: { cgroup }, limits: { max }, size: 0 });
  const note = create(Note);
  const task = world.kernel.spawn({ comm: "dd", memcg: world.memcg }, write, [world.inode, 0, 3, note]);
  return { ...world, note, task };
}

describe("dirty limits", () => {
  it("of a memcg follow from its file pages and its headroom", () => {
    const { kernel, memcg, inode } = fileWorld("6.1", { config: { cgroup: "v2" }, limits: { max: 100 } });
    for (let i = 0; i < 3; i++) bootCachedPage(kernel, inode, i, { memcg, dirty: i < 2 });
    kernel.start();
    expect(memcgDirtyDomain(memcg)).toEqual({ dirty: 2, reclaimable: 2, limit: 19, background: 9, freerun: 14 });
    memcg.memory.max = 8;
    expect(memcgDirtyDomain(memcg)).toEqual({ dirty: 2, reclaimable: 2, limit: 1, background: 0, freerun: 0 });
  });

  it("slow a v2 writer down with i_rwsem held, until the flusher has written", () => {
    const { kernel, inode, task, note } = writer("v2", 8);
    expect(pauses(kernel, task)).toBe(true);
    expect([inode.rwsem.writer, task.memcg?.nrFileDirty]).toEqual([task, 1]);
    runRandomly(kernel, 5);
    expect([note.said, inode.rwsem.writer]).toEqual([3, undefined]);
    expect(leftovers(kernel)).toEqual([]);
  });

  it("do not exist for a v1 group, which can be filled with dirty pages", () => {
    const { kernel, memcg, task, note } = writer("v1", 3);
    expect(pauses(kernel, task)).toBe(false);
    runAlone(kernel, task);
    expect([note.said, memcg.nrFileDirty, memcg.memory.usage]).toEqual([3, 3, 3]);
  });

  it("leave a v2 writer alone that is far below them", () => {
    const { kernel, task } = writer("v2", 1000);
    expect(pauses(kernel, task)).toBe(false);
  });

  it("let a killed writer go", () => {
    const { kernel, task, note } = writer("v2", 8);
    expect(pauses(kernel, task)).toBe(true);
    task.fatalSignal = true;
    runAlone(kernel, task);
    expect([note.said, kernel.machine.finished(task.context)]).toEqual([1, true]);
  });

  it("keep mmap_lock over the pause of a fault before 5.5 and 5.4.9, drop it from then on", () => {
    const held = (release: string): number => {
      const world = fileWorld(release, { config: { cgroup: "v2" }, limits: { max: 8 } });
      const { kernel, memcg, inode } = world;
      bootCachedPage(kernel, inode, 0, { memcg });
      const mm = createMm();
      const vma = createVma(kernel, mm, { file: inode, length: 1, shared: true });
      const task = kernel.spawn({ comm: "t", memcg, mm }, touch, [vma, 0]);
      expect(pauses(kernel, task)).toBe(true);
      const readers = mm.mmapLock.readers.length;
      runRandomly(kernel, 3);
      expect(kernel.machine.finished(task.context)).toBe(true);
      expect(leftovers(kernel)).toEqual([]);
      return readers;
    };
    expect(["4.20", "5.4.8", "5.4.9", "5.5", "5.15", "6.1"].map(held)).toEqual([1, 1, 0, 0, 0, 0]);
  });
});
