/**
 * Direct reclaimers wait while the reserves of the page allocator are half gone (mm/vmscan.c:throttle_direct_reclaim, commit
 * 5515061d22f0 ("mm: throttle direct reclaimers if PF_MEMALLOC reserves are low and swap is backed by network storage") (v3.6)).
 *
 * Only where memory has watermarks. Who may enter filesystems waits killably until kswapd has looked and wakes all; who may not,
 * because kswapd might be waiting for a lock of his, a second at most. Kernel threads, whom reclaim may depend on, never wait here.
 */
import { create, Entity, fields, type List, list, op, type Resumable, ref } from "../../resumable/index.ts";
import { __GFP_FS, PF_KTHREAD } from "../gfp.ts";
import { current, kernel } from "../sched/current.ts";
import type { Kernel } from "../sched/kernel.ts";
import { fatalSignalPending } from "../sched/signal.ts";
import type { Task } from "../sched/task.ts";
import { sleepOp } from "../sched/timeout.ts";
import { type Wait, waitOp } from "../sched/wait.ts";
import { MAX_RECLAIM_RETRIES, mm } from "./mm.ts";
import { nrFree } from "./watermarks.ts";

/** `pgdat->pfmemalloc_wait`, and who wakes those on it. */
export class PfmemallocWait extends Entity {
  declare kswapd: Task;
  declare waiters: List<Task>;
  static {
    fields(PfmemallocWait, { kswapd: ref, waiters: list("contexts") }, "pfmemalloc_wait");
  }
}
const SUBSYSTEM = "pfmemalloc_wait";

/** Part of booting kswapd, where memory has watermarks. */
export function bootPfmemallocWait(k: Kernel, kswapd: Task): void {
  k.subsystems.set(SUBSYSTEM, create(PfmemallocWait, { kswapd }));
}
function queue(): PfmemallocWait | undefined {
  return kernel().subsystems.get(SUBSYSTEM) as PfmemallocWait | undefined;
}

/** `allow_direct_reclaim()`, `pfmemalloc_watermark_ok()`; always where kswapd has given up. */
export function allowDirectReclaim(): boolean {
  if (mm().node.kswapdFailures >= MAX_RECLAIM_RETRIES) return true;
  const min = mm().options.watermarks?.min ?? 0;
  return nrFree(mm()) > Math.floor(min / 2) || min === 0;
}

const look = op<PfmemallocWait>("throttle_direct_reclaim", {
  apply(wait) {
    if (allowDirectReclaim()) return false;
    wait.waiters.push(current());
    mm().node.kswapdWanted = true;
    return true;
  },
  describe: () => "throttle_direct_reclaim",
});

function waitFor(wait: PfmemallocWait, state: "K" | "S"): Wait {
  const resource = { class: "pfmemalloc_reserve" } as const;
  return { resource, verb: "replenish", providers: [wait.kswapd], state, top: "schedule" };
}
const sleepKillable = waitOp<PfmemallocWait, Task>("wait for pfmemalloc reserves", {
  ways: (wait, task) => (!wait.waiters.includes(task) || task.fatalSignal ? 1 : 0),
  apply: (wait, task) => wait.waiters.remove(task),
  wait: (wait) => waitFor(wait, "K"),
  describe: () => "wait until kswapd has replenished the reserves",
});
const sleepASecond = sleepOp<PfmemallocWait, Task>("wait a second for pfmemalloc reserves", {
  sleep: (wait, task) => ({
    jiffies: (hz) => hz,
    woken: !wait.waiters.includes(task),
    state: "S",
    top: "schedule_timeout",
  }),
  apply: (wait, task) => wait.waiters.remove(task),
  wait: (wait) => waitFor(wait, "S"),
  describe: () => "wait a second for the reserves",
});

/** True: a fatal signal came meanwhile, and the caller is to go and die instead of reclaiming. */
export function* throttleDirectReclaim(gfp: number): Resumable<boolean> {
  const wait = queue();
  if (wait === undefined || (current().flags & PF_KTHREAD) !== 0 || fatalSignalPending()) return false;
  while (yield look(wait)) {
    if ((gfp & __GFP_FS) === 0) yield sleepASecond(wait, current());
    else yield sleepKillable(wait, current());
    if (fatalSignalPending()) return true;
    if ((gfp & __GFP_FS) === 0) return false;
  }
  return false;
}

/** kswapd wakes them once there is enough, and before it goes to sleep in any case; part of its step. */
export function wakePfmemallocWaiters(beforeSleep: boolean): void {
  const wait = queue();
  if (wait !== undefined && wait.waiters.length > 0 && (beforeSleep || allowDirectReclaim())) wait.waiters.clear();
}
