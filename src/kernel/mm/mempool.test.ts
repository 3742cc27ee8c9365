import { describe, expect, it } from "vitest";
import { create, Entity, fields, op, type Resumable, value } from "../../resumable/index.ts";
import { type Era, era, withFix } from "../era.ts";
import { GFP_NOIO, GFP_NOWAIT, PF_LESS_THROTTLE, PF_MEMALLOC } from "../gfp.ts";
import { kernel } from "../sched/current.ts";
import type { Kernel } from "../sched/kernel.ts";
import { obstacleOf } from "../sched/stuck.ts";
import type { Task } from "../sched/task.ts";
import { runSteps, testKernel } from "../sched/testing.ts";
import { sleepOf } from "../sched/timeout.ts";
import { waitOf } from "../sched/wait.ts";
import { createMempool, type Mempool, mempoolAlloc, mempoolFree, type PoolElement } from "./mempool.ts";
import { bootMm, type Mm, type MmOptions } from "./mm.ts";

class Note extends Entity {
  declare said: unknown;
  static {
    fields(Note, { said: value });
  }
}
interface Small {
  readonly kernel: Kernel;
  readonly mm: Mm;
  readonly pool: Mempool;
  readonly note: Note;
}
/** Whoever is called so has an element. */
function holders(): readonly Task[] {
  return kernel().tasks.filter((task) => task.comm === "holder");
}
/** Begins with a step, so that what it gives back is what the note says by then. */
const begin = op("begin", {});

/** Six pages, none of them free but those of the reserve, unless `free`. */
function small(
  release: string | Era,
  options: MmOptions & { readonly free?: number; readonly minNr?: number } = {},
): Small {
  const { free = 0, minNr = 1, ...rest } = options;
  const k = testKernel(release);
  const mm = bootMm(k, { pages: 6, priority: 0, ...rest });
  const pool = createMempool(k, { poolName: "page_pool", minNr, kind: "page", holders });
  for (const page of mm.pages.filter((p) => !p.allocated).slice(free)) page.allocated = true;
  return { kernel: k, mm, pool, note: create(Note) };
}
function* take(pool: Mempool, gfp: number, note: Note): Resumable {
  note.said = "asks";
  const element = yield* mempoolAlloc(pool, gfp);
  note.said = element ?? "nothing";
}
function* giveBack(pool: Mempool, note: Note): Resumable {
  yield begin(undefined);
  yield* mempoolFree(note.said as PoolElement, pool);
}
const taker = (s: Small, gfp: number, flags = 0): Task =>
  s.kernel.spawn({ comm: "taker", flags }, take, [s.pool, gfp, s.note]);

/** Names of the operations that a task does, until it sleeps in the pool or ends. */
function trace(s: Small, task: Task): string[] {
  const machine = s.kernel.start();
  const ops: string[] = [];
  while (machine.ways(task.context) > 0) {
    const { op } = machine.pending(task.context);
    ops.push(op);
    if (op === "mempool_alloc") break;
    machine.step(task.context, 0);
  }
  return ops;
}
const reclaims = (ops: readonly string[]): number => ops.filter((op) => op === "get_scan_count").length;

describe("mempool_alloc", () => {
  it("takes from the allocator while that has pages, and leaves the reserve alone", () => {
    const s = small("4.7.4", { free: 1 });
    trace(s, taker(s, GFP_NOIO));
    expect([s.note.said === s.pool.reserve.at(0), s.pool.reserve.length, s.pool.asked]).toEqual([false, 1, 0]);
  });

  it("takes from the reserve before it reclaims", () => {
    const s = small("4.7.4");
    const kept = s.pool.reserve.at(0);
    const ops = trace(s, taker(s, GFP_NOIO));
    expect([s.note.said, reclaims(ops), s.pool.reserve.length]).toEqual([kept, 0, 0]);
    expect([s.pool.asked, s.pool.foundEmpty]).toEqual([1, 0]);
  });

  it("reclaims once the reserve is empty, and then sleeps five seconds for an element", () => {
    const s = small("4.7.4", { minNr: 0 });
    const ops = trace(s, taker(s, GFP_NOIO));
    expect([reclaims(ops), ops.at(-1), s.pool.foundEmpty]).toEqual([1, "mempool_alloc", 2]);
    const sleep = sleepOf("mempool_alloc", s.pool, undefined);
    expect([sleep?.jiffies(250), sleep?.jiffies(1000), sleep?.woken]).toEqual([1250, 5000, false]);
  });

  it("never sleeps without direct reclaim", () => {
    const s = small("4.7.4", { minNr: 0 });
    const task = taker(s, GFP_NOWAIT);
    expect(reclaims(trace(s, task))).toBe(0);
    expect([s.note.said, s.kernel.machine.finished(task.context)]).toEqual(["nothing", true]);
  });

  it("goes on when its time is up, and finds what was freed elsewhere", () => {
    const s = small("4.7.4", { minNr: 0 });
    const task = taker(s, GFP_NOIO);
    trace(s, task);
    const free = s.mm.pages[3]!;
    free.allocated = false;
    runSteps(s.kernel, task, 1000);
    expect(s.note.said).toBe(free);
  });

  it("does not reclaim at all with mempool-no-direct-reclaim, but sleeps all the same", () => {
    const fixed = withFix(era("4.7.4"), "mempool-no-direct-reclaim");
    if (!fixed.ok) throw new Error(fixed.error);
    const s = small(fixed.era, { minNr: 0 });
    const ops = trace(s, taker(s, GFP_NOIO));
    expect([reclaims(ops), ops.at(-1)]).toEqual([0, "mempool_alloc"]);
  });

  it("sets PF_LESS_THROTTLE for its own time with less-throttle-mempool, where it may block", () => {
    const fixed = withFix(era("4.7.4"), "less-throttle-mempool");
    if (!fixed.ok) throw new Error(fixed.error);
    const during = (gfp: number, flags = 0): boolean[] => {
      const s = small(fixed.era, { minNr: 0 });
      const task = taker(s, gfp, flags);
      s.kernel.start();
      const inside = (task.flags & PF_LESS_THROTTLE) !== 0;
      s.mm.pages[3]!.allocated = false;
      runSteps(s.kernel, task, 1000);
      return [inside, (task.flags & PF_LESS_THROTTLE) !== 0];
    };
    expect(during(GFP_NOIO)).toEqual([true, false]);
    expect(during(GFP_NOWAIT)).toEqual([false, false]);
    expect(during(GFP_NOIO, PF_LESS_THROTTLE)).toEqual([true, true]);
  });

  it("lets a reclaimer into the allocator's reserves with an empty pool in 4.6 to 4.7-rc only", () => {
    const got = (release: string, minNr: number): unknown => {
      const s = small(release, { free: 2, minNr, watermarks: { min: 4, low: 4, high: 4 } });
      trace(s, taker(s, GFP_NOWAIT, PF_MEMALLOC));
      return [s.note.said !== "nothing", s.pool.reserve.length];
    };
    expect(got("4.5", 0)).toEqual([false, 0]);
    expect(got("4.7.0", 0)).toEqual([true, 0]);
    expect(got("4.7.0", 1)).toEqual([true, 0]);
    expect(got("4.7.4", 0)).toEqual([false, 0]);
    expect(got("6.1", 1)).toEqual([true, 0]);
  });
});

describe("mempool_free", () => {
  it("fills the reserve up, in the order of page numbers", () => {
    const s = small("4.7.4", { minNr: 2 });
    const [low, high] = [...s.pool.reserve];
    const first = taker(s, GFP_NOIO);
    const second = s.kernel.spawn({ comm: "giver" }, giveBack, [s.pool, s.note]);
    trace(s, first);
    expect([s.note.said, ...s.pool.reserve]).toEqual([low, high]);
    runSteps(s.kernel, second, 10);
    expect([...s.pool.reserve]).toEqual([low, high]);
  });

  it("gives to the allocator what the reserve has no room for", () => {
    const s = small("4.7.4", { minNr: 1, free: 1 });
    const first = taker(s, GFP_NOIO);
    const second = s.kernel.spawn({ comm: "giver" }, giveBack, [s.pool, s.note]);
    trace(s, first);
    const page = s.note.said as { allocated: boolean };
    runSteps(s.kernel, second, 100);
    expect([page.allocated, s.pool.reserve.length]).toEqual([false, 1]);
  });

  it("wakes a waiter, who can be ended by any holder", () => {
    const s = small("4.7.4");
    const holder = s.kernel.spawn({ comm: "holder" }, giveBack, [s.pool, s.note]);
    const [first, second] = [taker(s, GFP_NOIO), s.kernel.spawn({ comm: "w" }, take, [s.pool, GFP_NOIO, create(Note)])];
    trace(s, first);
    expect(trace(s, second).at(-1)).toBe("mempool_alloc");
    const wait = waitOf("mempool_alloc", s.pool, undefined);
    expect(wait).toMatchObject({ resource: { class: "mempool", id: "page_pool" }, verb: "element_freed", state: "D" });
    expect(wait?.providers.map(String)).toEqual([String(holder)]);
    expect(sleepOf("mempool_alloc", s.pool, undefined)?.woken).toBe(false);
    runSteps(s.kernel, holder, 10);
    expect(sleepOf("mempool_alloc", s.pool, undefined)?.woken).toBe(true);
    runSteps(s.kernel, second, 100);
    expect([s.kernel.machine.finished(second.context), obstacleOf(s.kernel, second)]).toEqual([true, undefined]);
  });
});
