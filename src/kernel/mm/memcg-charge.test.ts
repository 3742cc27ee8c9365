import { describe, expect, it } from "vitest";
import { create, Entity, fields, type Resumable, value } from "../../resumable/index.ts";
import {
  __GFP_ACCOUNT,
  __GFP_ATOMIC,
  __GFP_HIGH,
  __GFP_NOFAIL,
  __GFP_NORETRY,
  GFP_KERNEL,
  GFP_NOFS,
  GFP_NOWAIT,
  PF_MEMALLOC,
} from "../gfp.ts";
import { SpinLock } from "../locking/spinlock.ts";
import type { Kernel, KernelConfig } from "../sched/kernel.ts";
import { runAlone, runRandomly, testKernel } from "../sched/testing.ts";
import { bootPage } from "./boot-pages.ts";
import { tryChargeMemcg } from "./memcg-charge.ts";
import { type MemCgroup, PAGE_COUNTER_MAX } from "./memcg-types.ts";
import { uncharge } from "./memcg-uncharge.ts";
import { bootMm, createMemcg, type MemcgLimits, type Mm, type MmOptions } from "./mm.ts";
import { AddressSpace } from "./page.ts";
import { allocPages, freePageTable } from "./page-alloc.ts";

class Note extends Entity {
  declare said: unknown;
  static {
    fields(Note, { said: value });
  }
}

interface Small {
  readonly kernel: Kernel;
  readonly mm: Mm;
  readonly memcg: MemCgroup;
  readonly note: Note;
}

function small(
  release: string,
  limits: MemcgLimits,
  options: MmOptions = {},
  config: Partial<Omit<KernelConfig, "era">> = {},
): Small {
  const kernel = testKernel(release, config);
  const mm = bootMm(kernel, options);
  return { kernel, mm, memcg: createMemcg(kernel, "/a", undefined, limits), note: create(Note) };
}

function* charge(memcg: MemCgroup, gfp: number, n: number, note: Note): Resumable {
  note.said = yield* tryChargeMemcg(memcg, gfp, n);
}
function* chargeAndGiveBack(memcg: MemCgroup, gfp: number, n: number): Resumable {
  if (yield* tryChargeMemcg(memcg, gfp, n)) uncharge(memcg, n);
}
function* pageTable(note: Note, back: boolean): Resumable {
  const table: MemCgroup | undefined = yield* allocPages(GFP_KERNEL | __GFP_ACCOUNT, "table");
  note.said = table?.path;
  if (back && table !== undefined) freePageTable(table);
}

/** Charges alone and tells whether that went well, and the usage after it. */
function chargeAlone(s: Small, gfp: number, n = 1, flags = 0): readonly [unknown, number] {
  const task = s.kernel.spawn({ comm: "charger", memcg: s.memcg, flags }, charge, [s.memcg, gfp, n, s.note]);
  runAlone(s.kernel, task);
  return [s.note.said, s.memcg.memory.usage];
}
const full = (release: string, limits: MemcgLimits = {}): Small => {
  const s = small(release, { max: 1, ...limits });
  bootPage(s.kernel, { memcg: s.memcg, anon: true });
  return s;
};

describe("a charge", () => {
  it("goes up to the maximum of every level", () => {
    const s = small("6.1", { max: 3 });
    const child = createMemcg(s.kernel, "/a/b", s.memcg, { max: 5 });
    const task = s.kernel.spawn({ comm: "t", memcg: child }, charge, [child, GFP_NOWAIT, 3, s.note]);
    const over = create(Note);
    const next = s.kernel.spawn({ comm: "u", memcg: child }, charge, [child, GFP_NOWAIT, 1, over]);
    runAlone(s.kernel, task);
    runAlone(s.kernel, next);
    expect([s.note.said, over.said]).toEqual([true, false]);
    expect([child.memory.usage, s.memcg.memory.usage, s.mm.root.memory.usage]).toEqual([3, 3, 3]);
    expect([s.memcg.memory.failcnt, child.memory.failcnt]).toEqual([1, 0]);
  });

  it("takes a batch of 32 where there is room, and keeps the rest for the CPU", () => {
    const s = small("6.1", { max: 40 });
    const fits = s.kernel.spawn({ comm: "same", cpu: 1, memcg: s.memcg }, charge, [s.memcg, GFP_KERNEL, 1, s.note]);
    const first = s.kernel.spawn({ comm: "t", cpu: 1, memcg: s.memcg }, charge, [s.memcg, GFP_KERNEL, 1, s.note]);
    const cpu = s.kernel.cpus[1]!;
    runAlone(s.kernel, first);
    expect([s.note.said, s.memcg.memory.usage, cpu.stockMemcg, cpu.stockPages]).toEqual([true, 32, s.memcg, 31]);
    runAlone(s.kernel, fits);
    expect([s.memcg.memory.usage, cpu.stockPages]).toEqual([32, 30]);
  });

  it("drains the stocks of its subtree once reclaim found nothing", () => {
    const s = small("6.1", { max: 33 });
    const more = create(Note);
    const task = s.kernel.spawn({ comm: "t", cpu: 2, memcg: s.memcg }, charge, [s.memcg, GFP_KERNEL, 20, more]);
    expect(chargeAlone(s, GFP_KERNEL)).toEqual([true, 32]);
    runAlone(s.kernel, task);
    // one page used, and a batch again
    expect([more.said, s.memcg.memory.usage, s.kernel.cpus.map((cpu) => cpu.stockPages)]).toEqual([
      true,
      33,
      [0, 0, 12, 0],
    ]);
  });

  it("reclaims what it needs", () => {
    const s = small("6.1", { max: 1 });
    const mapping = create(AddressSpace, { treeLock: create(SpinLock, { lockClass: "i_pages" }) });
    bootPage(s.kernel, { memcg: s.memcg, mapping });
    expect(chargeAlone(s, GFP_KERNEL)).toEqual([true, 1]);
    expect(mapping.pages.length).toBe(0);
  });

  it("is refused without a way to reclaim, or after one fruitless round", () => {
    expect(chargeAlone(full("6.1"), GFP_NOWAIT)).toEqual([false, 1]);
    expect(chargeAlone(full("6.1"), GFP_KERNEL | __GFP_NORETRY)).toEqual([false, 1]);
  });

  it("is forced inside reclaim from 4.9 on", () => {
    expect(chargeAlone(full("4.9"), GFP_KERNEL, 1, PF_MEMALLOC)).toEqual([true, 2]);
    expect(chargeAlone(full("4.7"), GFP_KERNEL, 1, PF_MEMALLOC)).toEqual([false, 1]);
  });

  it.each([
    ["5.3", __GFP_ATOMIC | __GFP_HIGH, false],
    ["5.4", __GFP_ATOMIC | __GFP_HIGH, true],
    ["5.18", __GFP_HIGH, false],
    ["5.19", __GFP_HIGH, true],
  ])("atomic ones in %s (%d): forced %s", (release, gfp, forced) => {
    expect(chargeAlone(full(release), gfp)[0]).toBe(forced);
  });

  it("is forced for a dying task up to 5.15.2", () => {
    const dying = (release: string): number => {
      const s = full(release);
      const task = s.kernel.spawn({ comm: "t", memcg: s.memcg }, charge, [s.memcg, GFP_KERNEL, 1, s.note]);
      task.fatalSignal = true;
      runAlone(s.kernel, task);
      return s.memcg.memory.usage;
    };
    expect([dying("4.20"), dying("5.15.2"), dying("5.15.3"), dying("6.1")]).toEqual([2, 2, 1, 1]);
  });

  it("with NOFAIL is forced before the OOM killer up to 5.15.2, and kills first from then on", () => {
    const outcome = (release: string): readonly unknown[] => {
      const s = full(release);
      const victim = s.kernel.spawn({ comm: "victim", memcg: s.memcg }, charge, [s.memcg, GFP_KERNEL, 1, s.note]);
      const task = s.kernel.spawn({ comm: "t", memcg: s.memcg }, charge, [s.memcg, GFP_NOFS | __GFP_NOFAIL, 1, s.note]);
      s.kernel.start();
      let steps = 0;
      while (!victim.fatalSignal && !task.fatalSignal && s.kernel.machine.ways(task.context) > 0 && steps++ < 2000)
        s.kernel.machine.step(task.context, 0);
      return [victim.fatalSignal || task.fatalSignal, s.memcg.memory.usage];
    };
    expect(outcome("5.15.0")).toEqual([false, 2]);
    expect(outcome("5.15.135")).toEqual([true, 1]);
  });

  it("makes 5 fruitless rounds up to 5.8 and 16 later, or as many as asked", () => {
    const rounds = (release: string, options: MmOptions = {}): number => {
      const s = small(release, { max: 1, oomKillDisable: true }, { priority: 0, ...options });
      bootPage(s.kernel, { memcg: s.memcg, anon: true });
      chargeAlone(s, GFP_KERNEL);
      return s.memcg.eventsMax;
    };
    // the first round drains the stocks and does not count
    expect([rounds("5.8"), rounds("5.9"), rounds("5.9", { chargeRetries: 1 })]).toEqual([7, 18, 3]);
  });

  it("makes as many rounds as the schedule likes when they are free", () => {
    const rounds = new Set<number>();
    for (let seed = 0; seed < 40; seed++) {
      const s = small("6.1", { max: 1, oomKillDisable: true }, { priority: 0, chargeRetries: "free" });
      bootPage(s.kernel, { memcg: s.memcg, anon: true });
      s.kernel.spawn({ comm: "t", memcg: s.memcg }, charge, [s.memcg, GFP_KERNEL, 1, s.note]);
      runRandomly(s.kernel, seed);
      expect([s.note.said, s.memcg.memory.usage]).toEqual([false, 1]);
      rounds.add(s.memcg.eventsMax);
    }
    expect(rounds).toContain(1);
    expect(Math.max(...rounds)).toBeGreaterThan(2);
  });

  it("leaves the OOM to the end of the fault before 4.19, and fails at once elsewhere", () => {
    const left = (release: string, inUserFault: boolean): unknown => {
      const s = full(release);
      const task = s.kernel.spawn({ comm: "t", memcg: s.memcg }, charge, [s.memcg, GFP_KERNEL, 1, s.note]);
      task.inUserFault = inUserFault;
      runAlone(s.kernel, task, 400);
      return [s.note.said, task.memcgInOom === s.memcg, task.fatalSignal];
    };
    expect(left("4.16", true)).toEqual([false, true, false]);
    expect(left("4.16", false)).toEqual([false, false, false]);
  });

  it("conserves counters under random schedules, with and without races of counters", () => {
    for (const counterRaces of [false, true]) {
      for (let seed = 0; seed < 40; seed++) {
        const s = small("6.1", { max: 3, oomKillDisable: true }, { priority: 0, chargeRetries: 1, counterRaces });
        for (let i = 0; i < 4; i++) {
          s.kernel.spawn({ comm: "t", memcg: s.memcg }, chargeAndGiveBack, [s.memcg, GFP_KERNEL, 1 + (i % 2)]);
        }
        runRandomly(s.kernel, seed);
        expect([s.memcg.memory.usage, s.memcg.memsw.usage]).toEqual([0, 0]);
      }
    }
  });
});

describe("kernel memory", () => {
  const table = (
    release: string,
    limits: MemcgLimits = {},
    config: Partial<Omit<KernelConfig, "era">> = {},
  ): readonly unknown[] => {
    const s = small(release, limits, {}, config);
    const task = s.kernel.spawn({ comm: "t", memcg: s.memcg }, pageTable, [s.note, false]);
    runAlone(s.kernel, task);
    return [s.note.said, s.memcg.memory.usage, s.memcg.kmem.usage];
  };

  it("is charged to the memcg of the task, in v1 also as such", () => {
    expect(table("4.20", { max: 4 })).toEqual(["/a", 1, 1]);
    expect(table("4.20", { max: 4 }, { cgroup: "v2" })).toEqual(["/a", 1, 0]);
  });

  it("is not charged with nokmem, nor in 4.4 without a kmem limit", () => {
    expect(table("4.20", { max: 4 }, { kmem: false })).toEqual(["/", 0, 0]);
    expect(table("4.4", { max: 4 })).toEqual(["/", 0, 0]);
    expect(table("4.4", { max: 4, kmemMax: 2 })).toEqual(["/a", 1, 1]);
  });

  it("has a limit of its own in v1 up to 5.15", () => {
    expect(table("5.15", { max: 4, kmemMax: 0 })).toEqual([undefined, 0, 0]);
    expect(table("5.16", { max: 4, kmemMax: 0 })).toEqual(["/a", 1, 1]);
  });

  it("comes back", () => {
    const s = small("4.20", { max: 4, kmemMax: PAGE_COUNTER_MAX - 1 });
    runAlone(s.kernel, s.kernel.spawn({ comm: "t", memcg: s.memcg }, pageTable, [s.note, true]));
    expect([s.note.said, s.memcg.memory.usage, s.memcg.memsw.usage, s.memcg.kmem.usage]).toEqual(["/a", 0, 0, 0]);
  });

  it("of kernel threads is nobody's", () => {
    const s = small("4.20", { max: 4 });
    runAlone(s.kernel, s.kernel.spawn({ comm: "kw", kind: "kworker", memcg: s.memcg }, pageTable, [s.note, false]));
    expect([s.note.said, s.memcg.memory.usage]).toEqual(["/", 0]);
  });
});
