/**
 * Where reclaim sleeps for a while (mm/vmscan.c, mm/backing-dev.c). Time is no state: each sleep is a step that can be taken, and
 * says how long it lasts (sched/timeout.ts). throttle-vm-writeout.ts has the one that dm-crypt met.
 */
import type { Resumable } from "../../resumable/index.ts";
import { anyQueueCongested } from "../block/congestion.ts";
import {
  __GFP_FS,
  __GFP_IO,
  PF_IO_WORKER,
  PF_KSWAPD,
  PF_KTHREAD,
  PF_LESS_THROTTLE,
  PF_LOCAL_THROTTLE,
} from "../gfp.ts";
import { current, era, kernel } from "../sched/current.ts";
import { HZ_10, HZ_50, ONE_JIFFY, type Sleep, sleepOp } from "../sched/timeout.ts";
import type { LruList } from "./memcg-types.ts";
import { mm, type ScanControl } from "./mm.ts";

/** `enum vmscan_throttle_state`. */
export type ThrottleReason = "writeback" | "isolated" | "noprogress" | "congested";

const sleepCongestion = sleepOp("congestion_wait", { sleep: () => HZ_10 });
const LENGTHS: Readonly<Record<ThrottleReason, Sleep>> = {
  writeback: HZ_10,
  isolated: HZ_50,
  noprogress: ONE_JIFFY,
  congested: ONE_JIFFY,
};
const sleepThrottle = sleepOp<undefined, ThrottleReason>("reclaim_throttle", {
  sleep: (_, reason) => LENGTHS[reason],
  describe: (_, reason) => `reclaim_throttle ${reason}`,
});

export function currentIsKswapd(): boolean {
  return (current().flags & PF_KSWAPD) !== 0;
}

/** A tenth of a second, up to 5.15. */
export function* congestionWait(): Resumable {
  yield sleepCongestion(undefined);
}

/**
 * `current_may_throttle()`: not who says that others depend on him. Before 5.8 the flag counts only together with a device that the
 * task writes for (`current->backing_dev_info`), which workers have none of.
 */
function currentMayThrottle(): boolean {
  const { flags, kind } = current();
  if (era().localThrottle) return (flags & PF_LOCAL_THROTTLE) === 0;
  return (flags & PF_LESS_THROTTLE) === 0 || kind === "kworker";
}

/** `wait_iff_congested()`, up to 5.15: a direct reclaimer of a congested group or zone, while some device is (before 5.0). */
export function* waitIffCongested(): Resumable {
  if (currentMayThrottle() && era().queuesCongest && anyQueueCongested()) yield* congestionWait();
}

/** From 5.16. Kernel threads other than kswapd go on at once (5.17: commit b485c6f1f9f5). */
export function* reclaimThrottle(reason: ThrottleReason): Resumable {
  const { flags } = current();
  const exempt = (flags & (PF_KTHREAD | PF_IO_WORKER)) !== 0 && !currentIsKswapd();
  if (era().kthreadsNotThrottled && exempt) return;
  yield sleepThrottle(undefined, reason);
}

/** Whichever the era has. */
export function* throttle(reason: ThrottleReason): Resumable {
  if (era().reclaimSleep === "congestion_wait") yield* congestionWait();
  else yield* reclaimThrottle(reason);
}

/**
 * `writeback_throttling_sane()`, `sane_reclaim()` up to 5.4: somebody else throttles who dirties. False for a v1 target, whose
 * reclaim has to wait for writeback itself.
 */
export function writebackThrottlingSane(sc: ScanControl): boolean {
  if (kernel().config.hacks.includes("no-legacy-test")) return true;
  return sc.target === undefined || kernel().config.cgroup === "v2";
}

/** Whether what this reclaimer counts can set a flag of the node or of a group, or make it sleep. */
export function countsForNode(sc: ScanControl): boolean {
  return currentIsKswapd() || era().lruLockScope === "zone" || (sc.target !== undefined && writebackThrottlingSane(sc));
}

/** More pages of a kind, anonymous or not, are off the lists than on the inactive ones; never for kswapd and v1 targets (mm/vmscan.c:too_many_isolated). */
export function tooManyIsolated(sc: ScanControl, { kind }: LruList): boolean {
  if (currentIsKswapd() || !writebackThrottlingSane(sc)) return false;
  const anon = kind.endsWith("anon");
  let inactive = mm().memcgs.reduce(
    (sum, { lruvec }) => sum + (anon ? lruvec.inactiveAnon : lruvec.inactiveFile).pages.length,
    0,
  );
  const both = __GFP_IO | __GFP_FS;
  if ((sc.gfp & both) === both) inactive >>= 3;
  const { node } = mm();
  return (anon ? node.nrIsolatedAnon : node.nrIsolated) > inactive;
}
