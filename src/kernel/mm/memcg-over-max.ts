/**
 * What a task owes for charges forced in an account-force scope, paid on return to user mode (the proposal's
 * mm/memcontrol.c:mem_cgroup_handle_over_max, called before the same of memory.high; see account-force.ts).
 *
 * Its reclaim has GFP_KERNEL whatever the caller's mask. As posted, the order of what is left decides about the OOM killer,
 * which refuses costly orders: who still owes more than 8 pages when reclaim finds nothing more goes free, and its group stays
 * over the limit. What was reclaimed is not counted anew after a kill.
 */
import type { Resumable } from "../../resumable/index.ts";
import { GFP_KERNEL } from "../gfp.ts";
import { current, era } from "../sched/current.ts";
import { memCgroupHandleOverHigh } from "./memcg-high.ts";
import { memCgroupOom } from "./memcg-oom.ts";
import type { MemCgroup } from "./memcg-types.ts";
import { mm } from "./mm.ts";
import { tryToFreeMemCgroupPages } from "./vmscan.ts";

const MAX_RECLAIM_RETRIES = 16;

/** The first level over its limit, from the group upwards (`get_over_limit_memcg()`). */
function overLimitMemcg(memcg: MemCgroup): MemCgroup | undefined {
  for (let m: MemCgroup | undefined = memcg; m !== undefined; m = m.parent) if (m.memory.usage > m.memory.max) return m;
  return undefined;
}

/** Pages of the smallest order that holds `n`. */
function orderPages(n: number): number {
  return 1 << (32 - Math.clz32(n - 1));
}

/** Fruitless rounds; small worlds bound them as they bound those of a charge. */
function allRetries(): number {
  const { chargeRetries } = mm().options;
  return typeof chargeRetries === "number" ? chargeRetries : MAX_RECLAIM_RETRIES;
}

/** `mem_cgroup_handle_over_max()`. */
export function* memCgroupHandleOverMax(gfp: number = GFP_KERNEL): Resumable {
  const owed = current().memcgNrPagesOverMax;
  const memcg = current().memcg;
  if (owed === 0 || memcg === undefined) return;
  current().memcgNrPagesOverMax = 0;
  let reclaimed = 0;
  let retries = allRetries();
  for (;;) {
    const over = overLimitMemcg(memcg);
    if (over === undefined) return;
    while (reclaimed < owed) {
      const now = yield* tryToFreeMemCgroupPages(over, owed, GFP_KERNEL, true);
      if (now === 0 && retries-- === 0) break;
      reclaimed += now;
    }
    if (reclaimed >= owed || over.memory.usage <= over.memory.max) return;
    const n = era().accountForceAnyDebt ? 1 : orderPages(owed - reclaimed);
    if ((yield* memCgroupOom(over, gfp, n)) !== "success") return;
    retries = allRetries();
  }
}

/** `resume_user_mode_work()` (`tracehook_notify_resume()` up to 5.17), as far as memory goes. */
export function* resumeUserModeWork(): Resumable {
  yield* memCgroupHandleOverMax();
  yield* memCgroupHandleOverHigh();
}
