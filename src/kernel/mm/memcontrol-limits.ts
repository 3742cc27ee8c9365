/**
 * Writes to the files that bound memory (mm/memcontrol.c: memory_max_write, memory_high_write, mem_cgroup_resize_max,
 * memory_reclaim, mem_cgroup_force_empty): they drain, reclaim, and the first of them kills.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import type { Result } from "../cgroup/errno.ts";
import { history, valueAt } from "../era.ts";
import { GFP_KERNEL } from "../gfp.ts";
import { mutexLockKillable, mutexUnlock } from "../locking/mutex.ts";
import { era, kernel } from "../sched/current.ts";
import { fatalSignalPending } from "../sched/signal.ts";
import { memCgroupOutOfMemory } from "./memcg-oom.ts";
import { drainAllStock } from "./memcg-stock.ts";
import { type MemCgroup, PAGE_COUNTER_MAX, type PageCounter } from "./memcg-types.ts";
import { mm } from "./mm.ts";
import { pageCounterSetMax } from "./page-counter.ts";
import { tryToFreeMemCgroupPages } from "./vmscan.ts";

const setMax = op<PageCounter, number>("page_counter_set_max", { apply: pageCounterSetMax });

/** Which counter a v1 file is about. */
export type CounterName = "memory" | "memsw" | "kmem";

/** `mem_cgroup_resize_max()`: EBUSY unless usage can be brought below, one page a round. memory is never above memsw. */
export function* memCgroupResizeMax(memcg: MemCgroup, name: CounterName, pages: number): Resumable<Result> {
  const counter = memcg[name];
  for (let drained = false; ; ) {
    if (!(yield* mutexLockKillable(mm().memcgMaxMutex))) return "EINTR";
    const breaks =
      counter === memcg.memory ? pages > memcg.memsw.max : counter === memcg.memsw && pages < memcg.memory.max;
    if (breaks) {
      yield* mutexUnlock(mm().memcgMaxMutex);
      return "EINVAL";
    }
    const done = yield setMax(counter, pages);
    yield* mutexUnlock(mm().memcgMaxMutex);
    if (done || counter === memcg.kmem) return done ? "ok" : "EBUSY";
    if (!drained) {
      drainAllStock(memcg);
      drained = true;
      continue;
    }
    const freed = yield* tryToFreeMemCgroupPages(memcg, 1, GFP_KERNEL, counter === memcg.memory);
    if (freed === 0) return "EBUSY";
  }
}

/** Without a limit that works: refused first, later taken and ignored. [S 6.1.192] ignored, 5.16 [M]. */
const KMEM_LIMIT_IGNORED = history(false, ["6.1.192", true], ["6.6?", true]);

/** The kmem limit: none that works from 5.16 on; 4.4 turns accounting on by it, and only in a group without tasks. */
export function* memcgUpdateKmemMax(memcg: MemCgroup, pages: number): Resumable<Result> {
  if (!era().kmemLimit) return valueAt(KMEM_LIMIT_IGNORED, kernel().era) ? "ok" : "EOPNOTSUPP";
  const activates = !era().kmemByDefault && memcg.kmem.max === PAGE_COUNTER_MAX && pages < PAGE_COUNTER_MAX;
  if (activates && (memcg.tasks.length > 0 || memcg.children.length > 0)) return "EBUSY";
  return yield* memCgroupResizeMax(memcg, "kmem", pages);
}

/** `MAX_RECLAIM_RETRIES` of force_empty, memory.reclaim and the v2 limit files (`MEM_CGROUP_RECLAIM_RETRIES` was 5 up to 5.8). */
const LIMIT_RETRIES = 16;

/** `mem_cgroup_force_empty()`. */
export function* memCgroupForceEmpty(memcg: MemCgroup): Resumable<Result> {
  drainAllStock(memcg);
  for (let retries = LIMIT_RETRIES; retries > 0 && memcg.memory.usage > 0; ) {
    if (fatalSignalPending()) return "EINTR";
    if ((yield* tryToFreeMemCgroupPages(memcg, 1, GFP_KERNEL, true)) === 0) retries--;
  }
  return "ok";
}

interface Bound {
  readonly field: "max" | "high" | "low" | "min";
  readonly to: number;
}
const setBound = op<MemCgroup, Bound>("write", {
  apply(memcg, { field, to }) {
    memcg.memory[field] = to;
  },
  describe: (memcg, { field, to }) => `write ${to} to ${memcg.path}/memory.${field}`,
});

/** `memory_min_write()` and its like. */
export function* memoryBoundWrite(memcg: MemCgroup, field: Bound["field"], pages: number): Resumable<Result> {
  yield setBound(memcg, Object.freeze({ field, to: pages }));
  return "ok";
}

/** `memory_max_write()`: reclaims what is above, then kills, until somebody writes another limit. */
export function* memoryMaxWrite(memcg: MemCgroup, pages: number): Resumable<Result> {
  yield setBound(memcg, Object.freeze({ field: "max", to: pages } as const));
  yield* reclaimDownTo(memcg, "max", pages);
  return "ok";
}
/** `memory_high_write()`: reclaims what is above, and leaves it at that. */
export function* memoryHighWrite(memcg: MemCgroup, pages: number): Resumable<Result> {
  yield setBound(memcg, Object.freeze({ field: "high", to: pages } as const));
  yield* reclaimDownTo(memcg, "high", pages);
  return "ok";
}

/** Only the loop of memory.max kills when 16 rounds found nothing. */
function* reclaimDownTo(memcg: MemCgroup, field: "max" | "high", pages: number): Resumable {
  let retries = LIMIT_RETRIES;
  for (let drained = false; memcg.memory.usage > pages && !fatalSignalPending(); ) {
    if (memcg.memory[field] !== pages) return;
    if (!drained) {
      drainAllStock(memcg);
      drained = true;
      continue;
    }
    if (retries > 0) {
      const freed = yield* tryToFreeMemCgroupPages(memcg, memcg.memory.usage - pages, GFP_KERNEL, true);
      if (freed === 0) retries--;
      continue;
    }
    if (field === "high") return;
    memcg.eventsOom++;
    if (!(yield* memCgroupOutOfMemory(memcg, GFP_KERNEL))) return;
  }
}

/** What one call is asked for of what is left. commit 0388536ac291 ("mm:vmscan: fix inaccurate reclaim during proactive reclaim") (v6.8) [M]; [S 6.12] a quarter. */
const RECLAIM_SHARE = history(1, ["6.8?", 4]);

/** `memory_reclaim()`: EAGAIN when 17 rounds found nothing more; who is killed meanwhile gets EINTR. */
export function* memoryReclaim(memcg: MemCgroup, pages: number): Resumable<Result> {
  let reclaimed = 0;
  for (let retries = LIMIT_RETRIES; reclaimed < pages; ) {
    if (fatalSignalPending()) return "EINTR";
    const nr = Math.floor((pages - reclaimed) / valueAt(RECLAIM_SHARE, kernel().era));
    const freed = yield* tryToFreeMemCgroupPages(memcg, nr, GFP_KERNEL, true);
    if (freed === 0 && retries-- === 0) return "EAGAIN";
    reclaimed += freed;
  }
  return "ok";
}
