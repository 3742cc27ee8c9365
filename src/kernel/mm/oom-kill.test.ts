import { describe, expect, it } from "vitest";
import { create, Entity, fields, op, type Resumable, value } from "../../resumable/index.ts";
import { GFP_KERNEL, GFP_NOFS } from "../gfp.ts";
import { downWrite, RwSemaphore } from "../locking/rwsem.ts";
import type { Kernel } from "../sched/kernel.ts";
import { runAlone, runSteps, testKernel } from "../sched/testing.ts";
import { memCgroupOomSynchronize, memCgroupOutOfMemory } from "./memcg-oom.ts";
import type { MemCgroup } from "./memcg-types.ts";
import { bootMm, createMemcg } from "./mm.ts";
import { MmStruct, Vma } from "./mm-types.ts";
import { OOM_SCORE_ADJ_MIN } from "./mmap.ts";
import { oomReaper, outOfMemory } from "./oom-kill.ts";

class Note extends Entity {
  declare said: unknown;
  static {
    fields(Note, { said: value });
  }
}
const idle = op<Note>("idle", { ways: (note) => (note.said === "go" ? 1 : 0), idle: true });
function* live(note: Note): Resumable {
  yield idle(note);
}
function* oom(memcg: MemCgroup | undefined, gfp: number, note: Note): Resumable {
  note.said = yield* outOfMemory(memcg, gfp);
}
function* memcgOom(memcg: MemCgroup, gfp: number, note: Note): Resumable {
  note.said = yield* memCgroupOutOfMemory(memcg, gfp);
}
function* synchronize(memcg: MemCgroup, note: Note): Resumable {
  note.said = yield* memCgroupOomSynchronize(true, GFP_KERNEL);
  note.said = memcg.underOom;
}
function* keepLocked(space: MmStruct): Resumable {
  yield* downWrite(space.mmapLock);
}

function small(release: string): { readonly kernel: Kernel; readonly memcg: MemCgroup; readonly note: Note } {
  const kernel = testKernel(release);
  bootMm(kernel);
  return { kernel, memcg: createMemcg(kernel, "/a", undefined, { max: 1 }), note: create(Note) };
}
function space(pages: number): MmStruct {
  const vma = create(Vma);
  const made = create(MmStruct, {
    mmapLock: create(RwSemaphore, { lockClass: "mmap_lock", tried: true }),
    vmas: [vma] as never,
  });
  for (let i = 0; i < pages; i++) vma.present.push(undefined as never);
  return made;
}

describe("the OOM killer of a memcg", () => {
  it("kills the biggest of the group, and nobody else while that one is dying", () => {
    const { kernel, memcg, note } = small("6.1");
    const idleNote = create(Note);
    const [few, many] = [1, 2].map((n) => kernel.spawn({ comm: `p${n}`, memcg, mm: space(n) }, live, [idleNote]));
    const other = kernel.spawn({ comm: "other", mm: space(4) }, live, [idleNote]);
    const again = create(Note);
    const first = kernel.spawn({ comm: "t" }, oom, [memcg, GFP_KERNEL, note]);
    const second = kernel.spawn({ comm: "u" }, oom, [memcg, GFP_KERNEL, again]);
    runAlone(kernel, first);
    runAlone(kernel, second);
    expect([note.said, again.said, memcg.eventsOomKill]).toEqual([true, true, 1]);
    expect([few!.fatalSignal, many!.fatalSignal, other.fatalSignal]).toEqual([false, true, false]);
    expect([few!.oomVictim, many!.oomVictim]).toEqual([false, true]);
  });

  it("goes on to the next once the victim's memory is given up, and fails when nobody is left", () => {
    const { kernel, memcg } = small("6.1");
    const idleNote = create(Note);
    const victims = [1, 2].map((n) => kernel.spawn({ comm: `p${n}`, memcg, mm: space(n) }, live, [idleNote]));
    const notes = [0, 1, 2].map(() => create(Note));
    const tasks = notes.map((note) => kernel.spawn({ comm: "t" }, oom, [memcg, GFP_KERNEL, note]));
    for (let i = 0; i < 3; i++) {
      runAlone(kernel, tasks[i]!);
      for (const v of victims) if (v.oomVictim) v.mm!.oomSkip = true;
    }
    expect(notes.map((note) => note.said)).toEqual([true, true, false]);
    expect(victims.map((v) => v.fatalSignal)).toEqual([true, true]);
  });

  it.each([
    ["4.19", false],
    ["4.20", false],
    ["5.3", false],
    ["5.4", true],
    ["6.1", true],
  ])("without FS in %s kills: %s, and answers true either way", (release, kills) => {
    const { kernel, memcg, note } = small(release);
    const victim = kernel.spawn({ comm: "p", memcg, mm: space(1) }, live, [create(Note)]);
    runAlone(kernel, kernel.spawn({ comm: "t" }, oom, [memcg, GFP_NOFS, note]));
    expect([note.said, victim.fatalSignal]).toEqual([true, kills]);
  });

  it("never chooses a process whose oom_score_adj is -1000, however big", () => {
    const { kernel, memcg, note } = small("6.1");
    const idleNote = create(Note);
    const [few, big] = [1, 4].map((n) => kernel.spawn({ comm: `p${n}`, memcg, mm: space(n) }, live, [idleNote]));
    big!.mm!.oomScoreAdj = OOM_SCORE_ADJ_MIN;
    runAlone(kernel, kernel.spawn({ comm: "t" }, oom, [memcg, GFP_KERNEL, note]));
    expect([note.said, few!.oomVictim, big!.oomVictim]).toEqual([true, true, false]);
    few!.mm!.oomSkip = true;
    const nobodyLeft = small("6.1");
    const spared = nobodyLeft.kernel.spawn({ comm: "p", memcg: nobodyLeft.memcg, mm: space(1) }, live, [create(Note)]);
    spared.mm!.oomScoreAdj = OOM_SCORE_ADJ_MIN;
    runAlone(
      nobodyLeft.kernel,
      nobodyLeft.kernel.spawn({ comm: "t" }, oom, [nobodyLeft.memcg, GFP_KERNEL, nobodyLeft.note]),
    );
    expect([nobodyLeft.note.said, spared.fatalSignal]).toEqual([false, false]);
  });

  it("globally never kills for a mask without FS", () => {
    const { kernel, note } = small("6.1");
    const victim = kernel.spawn({ comm: "p", mm: space(1) }, live, [create(Note)]);
    runAlone(kernel, kernel.spawn({ comm: "t" }, oom, [undefined, GFP_NOFS, note]));
    expect([note.said, victim.fatalSignal]).toEqual([true, false]);
  });

  it("gives a dying caller what it needs instead", () => {
    const { kernel, memcg, note } = small("6.1");
    const bystander = kernel.spawn({ comm: "p", memcg, mm: space(3) }, live, [create(Note)]);
    const task = kernel.spawn({ comm: "t", memcg, mm: space(1) }, oom, [memcg, GFP_KERNEL, note]);
    task.fatalSignal = true;
    runAlone(kernel, task);
    expect([note.said, task.oomVictim, bystander.fatalSignal]).toEqual([true, true, false]);
  });

  it("looks for room again under oom_lock from 5.9 on", () => {
    const killed = (release: string): boolean => {
      const { kernel, memcg, note } = small(release);
      const victim = kernel.spawn({ comm: "p", memcg, mm: space(1) }, live, [create(Note)]);
      runAlone(kernel, kernel.spawn({ comm: "t" }, memcgOom, [memcg, GFP_KERNEL, note]));
      return victim.fatalSignal;
    };
    expect([killed("5.4"), killed("5.9")]).toEqual([true, false]);
  });
});

describe("an OOM left to the end of the fault", () => {
  it("kills there, or sleeps killably until there is room when killing is off", () => {
    const run = (oomKillDisable: boolean): readonly unknown[] => {
      const { kernel, memcg, note } = small("4.16");
      memcg.oomKillDisable = oomKillDisable;
      memcg.memory.usage = 1;
      memcg.memsw.usage = 1;
      const victim = kernel.spawn({ comm: "p", memcg, mm: space(2) }, live, [create(Note)]);
      const task = kernel.spawn({ comm: "t", memcg, mm: space(1) }, synchronize, [memcg, note]);
      task.memcgInOom = memcg;
      runAlone(kernel, task);
      const asleep = !kernel.machine.finished(task.context);
      memcg.memory.usage = 0;
      runAlone(kernel, task);
      return [asleep, victim.fatalSignal, kernel.machine.finished(task.context), note.said, memcg.oomLock];
    };
    expect(run(false)).toEqual([false, true, true, 0, false]);
    expect(run(true)).toEqual([true, false, true, 0, false]);
  });
});

describe("the reaper", () => {
  it("gives a victim's memory up although its mmap_lock is held, after ten attempts", () => {
    const { kernel, memcg, note } = small("6.1");
    const victim = kernel.spawn({ comm: "p", memcg, mm: space(1) }, live, [create(Note)]);
    const holder = kernel.spawn({ comm: "holder" }, keepLocked, [victim.mm]);
    const reaper = kernel.spawn({ comm: "oom_reaper", kind: "kthread", idle: true }, oomReaper);
    const killer = kernel.spawn({ comm: "t" }, oom, [memcg, GFP_KERNEL, note]);
    runAlone(kernel, holder);
    runAlone(kernel, killer);
    runSteps(kernel, reaper, 5);
    expect(victim.mm!.oomSkip).toBe(false);
    runAlone(kernel, reaper);
    expect(victim.mm!.oomSkip).toBe(true);
  });
});
