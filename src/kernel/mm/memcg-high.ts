/**
 * memory.high (mm/memcontrol.c): noticed by a charge, paid for on the way back to user mode, or from 5.18 on inside a big charge.
 *
 * The penalty is a sleep of up to two seconds, killable (5.4+); here it is a step that can always be taken. A mask of GFP_KERNEL
 * in the charge, whatever the caller's mask, was a deadlock of its own (commit 9ea9cb00a82b ("mm: memcontrol: fix GFP_NOFS
 * recursion in memory.high enforcement") (v6.6)).
 */
import { op, type Resumable } from "../../resumable/index.ts";
import { GFP_KERNEL } from "../gfp.ts";
import { current, era } from "../sched/current.ts";
import { MEMCG_CHARGE_BATCH } from "./memcg-stock.ts";
import type { MemCgroup } from "./memcg-types.ts";
import { tryToFreeMemCgroupPages } from "./vmscan.ts";

/** Rounds of reclaim that end in the penalty although they found something. */
const MAX_RECLAIM_RETRIES = 16;

/** The charge of `batch` pages went over some level's memory.high: the task owes work. Part of the charge's step. */
export function noteOverHigh(memcg: MemCgroup, batch: number): void {
  for (let m: MemCgroup | undefined = memcg; m?.parent !== undefined; m = m.parent) {
    if (m.memory.usage <= m.memory.high) continue;
    const task = current();
    task.memcgNrPagesOverHigh += batch;
    task.notifyResume = true;
    return;
  }
}

/** The overage of the worst level, in 2^20ths of its memory.high. */
function maxOverage(memcg: MemCgroup): number {
  let worst = 0;
  for (let m: MemCgroup | undefined = memcg; m?.parent !== undefined; m = m.parent) {
    const over = m.memory.usage - m.memory.high;
    if (over > 0) worst = Math.max(worst, Math.floor((over * 2 ** 20) / Math.max(m.memory.high, 1)));
  }
  return worst;
}

/** Whether the penalty exceeds HZ/100: 64 * f^2 * n/32 seconds, f the overage. */
function mustSleep(memcg: MemCgroup, n: number): boolean {
  const f = maxOverage(memcg) / 2 ** 20;
  return 64 * f * f * (n / MEMCG_CHARGE_BATCH) > 0.01;
}

const penalty = op("schedule_timeout_killable", {});

/** `mem_cgroup_handle_over_high()`: on return to user mode, or in a charge with its mask. */
export function* memCgroupHandleOverHigh(gfp: number = GFP_KERNEL): Resumable {
  const owed = current().memcgNrPagesOverHigh;
  const memcg = current().memcg;
  if (owed === 0 || memcg === undefined) return;
  current().memcgNrPagesOverHigh = 0;
  const mask = era().highUsesCallerGfp ? gfp : GFP_KERNEL;
  if (!era().highPenalty) {
    yield* reclaimHigh(memcg, owed, mask);
    return;
  }
  let retries = MAX_RECLAIM_RETRIES;
  for (let n = owed; ; n = MEMCG_CHARGE_BATCH) {
    const reclaimed = yield* reclaimHigh(memcg, n, mask);
    if (!mustSleep(memcg, owed)) return;
    if (reclaimed > 0 || retries-- > 0) continue;
    break;
  }
  yield penalty(undefined);
}

/** Reclaims on every level over its memory.high, the root excluded. */
export function* reclaimHigh(memcg: MemCgroup, n: number, gfp: number): Resumable<number> {
  let reclaimed = 0;
  for (let m: MemCgroup | undefined = memcg; m?.parent !== undefined; m = m.parent) {
    if (m.memory.usage <= m.memory.high) continue;
    m.eventsHigh++;
    reclaimed += yield* tryToFreeMemCgroupPages(m, n, gfp, true);
  }
  return reclaimed;
}
