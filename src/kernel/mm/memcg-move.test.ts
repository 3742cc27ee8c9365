import { describe, expect, it } from "vitest";
import { create, Entity, fields, op, type Resumable, value } from "../../resumable/index.ts";
import { cgroupProcsWrite, mkdir } from "../cgroup/cgroupfs.ts";
import { GFP_KERNEL } from "../gfp.ts";
import { downRead, downWrite, RwSemaphore, upRead, upWrite } from "../locking/rwsem.ts";
import { SpinLock } from "../locking/spinlock.ts";
import type { Kernel } from "../sched/kernel.ts";
import { obstacleOf } from "../sched/stuck.ts";
import type { Task } from "../sched/task.ts";
import { runAlone, runRandomly, testKernel } from "../sched/testing.ts";
import { bootPage } from "./boot-pages.ts";
import { folioTrylock } from "./filemap.ts";
import { tryChargeMemcg } from "./memcg-charge.ts";
import { folioMemcgLock, folioMemcgUnlock } from "./memcg-page-stat.ts";
import type { MemCgroup } from "./memcg-types.ts";
import { bootMm, type Mm } from "./mm.ts";
import { MmStruct, Vma } from "./mm-types.ts";
import { AddressSpace, type Page } from "./page.ts";

class Note extends Entity {
  declare said: unknown;
  static {
    fields(Note, { said: value });
  }
}

interface Small {
  readonly kernel: Kernel;
  readonly mm: Mm;
  readonly from: MemCgroup;
  readonly to: MemCgroup;
  readonly sleeper: Task;
  readonly space: MmStruct;
  readonly pages: readonly Page[];
  readonly note: Note;
}

function* sleepForEver(): Resumable {}
function* attach(to: MemCgroup, pid: number, note: Note): Resumable {
  note.said = yield* cgroupProcsWrite(to, String(pid));
}
const inside = op<Page>("inside", {});
function* stat(page: Page): Resumable {
  yield* folioMemcgLock(page);
  yield inside(page);
  yield* folioMemcgUnlock(page);
}
function* writer(space: MmStruct): Resumable {
  yield* downWrite(space.mmapLock);
  yield* upWrite(space.mmapLock);
}
function* chargeUnderLock(space: MmStruct, memcg: MemCgroup, note: Note): Resumable {
  yield* downRead(space.mmapLock);
  note.said = yield* tryChargeMemcg(memcg, GFP_KERNEL, 1);
  yield* upRead(space.mmapLock);
}
function* lockPage(page: Page): Resumable {
  yield* folioTrylock(page);
}

/** A sleeping task in /a that maps two file pages charged there; /b moves charges of file pages. */
function small(release = "4.16", flags = 2, max = 8): Small {
  const kernel = testKernel(release);
  const mm = bootMm(kernel, { moveCharge: true });
  const from = mkdir(kernel, "/a");
  const to = mkdir(kernel, "/b", { moveChargeAtImmigrate: flags, max });
  const mapping = create(AddressSpace, { treeLock: create(SpinLock, { lockClass: "i_pages" }) });
  const pages = [0, 1].map((index) => bootPage(kernel, { memcg: from, mapping, index }));
  const vma = create(Vma, { present: pages as never });
  const space = create(MmStruct, {
    mmapLock: create(RwSemaphore, { lockClass: "mmap_lock", tried: true }),
    vmas: [vma] as never,
  });
  for (const page of pages) page.mapCount = 1;
  const sleeper = kernel.spawn({ comm: "sleep", memcg: from, mm: space }, sleepForEver);
  return { kernel, mm, from, to, sleeper, space, pages, note: create(Note) };
}
function mover(s: Small): Task {
  const task = s.kernel.spawn({ comm: "mover" }, attach, [s.to, s.sleeper.pid, s.note]);
  s.kernel.canSynchronizeRcu(task);
  return task;
}
const owners = (s: Small): unknown[] => s.pages.map((p) => p.memcg?.path);

describe("a task that moves with its charges", () => {
  it("takes its file pages, their counts and their places on the lists along", () => {
    const s = small();
    s.pages[0]!.dirty = true;
    s.from.nrFileDirty = 1;
    runAlone(s.kernel, mover(s));
    expect([s.note.said, s.sleeper.memcg, owners(s)]).toEqual(["ok", s.to, ["/b", "/b"]]);
    expect([s.from.memory.usage, s.to.memory.usage, s.from.memsw.usage, s.to.memsw.usage]).toEqual([0, 2, 0, 2]);
    expect([s.from.nrFileDirty, s.to.nrFileDirty, s.from.movingAccount]).toEqual([0, 1, 0]);
    expect([s.from.lruvec.inactiveFile.pages.length, s.to.lruvec.inactiveFile.pages.length]).toEqual([0, 2]);
    expect(s.pages.map((p) => [p.refs, p.lockedBy])).toEqual(Array(2).fill([0, undefined]));
    expect([s.mm.mc.movingTask, s.mm.mc.from, s.mm.mc.precharge]).toEqual([undefined, undefined, 0]);
  });

  it("leaves them without the knob, in v2's place, or when they are of another kind", () => {
    for (const flags of [0, 1]) {
      const s = small("4.16", flags);
      runAlone(s.kernel, mover(s));
      expect([s.sleeper.memcg, owners(s), s.to.memory.usage]).toEqual([s.to, ["/a", "/a"], 0]);
    }
  });

  it("stays when the new group has no room", () => {
    const s = small("4.16", 2, 1);
    runAlone(s.kernel, mover(s));
    expect([s.note.said, s.sleeper.memcg, owners(s), s.to.memory.usage]).toEqual(["ENOMEM", s.from, ["/a", "/a"], 0]);
    expect(s.mm.cgroupMutex.owner).toBeUndefined();
  });

  it("leaves locked pages", () => {
    const s = small();
    const task = mover(s);
    runAlone(s.kernel, s.kernel.spawn({ comm: "holder" }, lockPage, [s.pages[0]]));
    runAlone(s.kernel, task);
    expect([owners(s), s.from.memory.usage, s.to.memory.usage]).toEqual([["/a", "/b"], 1, 1]);
  });

  it("makes page-stat sections take the lock, waits for older ones, and conserves charges under any schedule", () => {
    let tookLock = 0;
    for (let seed = 0; seed < 60; seed++) {
      const s = small();
      mover(s);
      const section = s.kernel.spawn({ comm: "stat" }, stat, [s.pages[0]]);
      s.kernel.spawn({ comm: "writer" }, writer, [s.space]);
      const machine = s.kernel.start();
      const seen = { value: false };
      const step = machine.step.bind(machine);
      machine.step = (context, way) => {
        step(context, way);
        if (s.from.moveLock.owner === section) seen.value = true;
      };
      runRandomly(s.kernel, seed);
      if (seen.value) tookLock++;
      expect(machine.finished(section.context) && s.note.said).toBe("ok");
      expect([s.from.memory.usage, s.to.memory.usage, owners(s)]).toEqual([0, 2, ["/b", "/b"]]);
      expect(s.kernel.cpus.map((cpu) => [cpu.irqsOff, cpu.pinned])).toEqual(Array(4).fill([false, undefined]));
    }
    expect(tookLock).toBeGreaterThan(0);
    expect(tookLock).toBeLessThan(60);
  });

  it("wakes chargers that hold mmap_lock, instead of waiting for them", () => {
    for (let seed = 0; seed < 40; seed++) {
      const s = small("4.16", 2, 2);
      mover(s);
      const charged = create(Note);
      s.kernel.spawn({ comm: "charger", memcg: s.to }, chargeUnderLock, [s.space, s.to, charged]);
      runRandomly(s.kernel, seed);
      expect(s.kernel.tasks.map((t) => obstacleOf(s.kernel, t))).toEqual(s.kernel.tasks.map(() => undefined));
      expect(["ok", "ENOMEM"]).toContain(s.note.said);
    }
  });
});
