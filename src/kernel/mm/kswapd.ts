/**
 * kswapd (mm/vmscan.c:kswapd, balance_pgdat): reclaims from everybody when an allocation found no free page. Limits of memcgs never
 * wake it. It is the only one that meets case 1 of a page under writeback.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import { GFP_KERNEL, PF_KSWAPD, PF_MEMALLOC } from "../gfp.ts";
import { era } from "../sched/current.ts";
import type { Kernel } from "../sched/kernel.ts";
import type { Task } from "../sched/task.ts";
import { MAX_RECLAIM_RETRIES, type Mm, mm, type Node, SWAP_CLUSTER_MAX } from "./mm.ts";
import { bootPfmemallocWait, wakePfmemallocWaiters } from "./throttle-direct-reclaim.ts";
import { beginScan, endScan, shrinkNode } from "./vmscan.ts";
import { firstPriority } from "./vmscan-scan-count.ts";
import { balanced } from "./watermarks.ts";

/** After so many fruitless runs it gives up until somebody else succeeds. */
const trySleep = op<Node>("kswapd_try_to_sleep", {
  ways: (node) => (node.kswapdWanted && node.kswapdFailures < MAX_RECLAIM_RETRIES ? 1 : 0),
  apply(node) {
    node.kswapdWanted = false;
    wakePfmemallocWaiters(false);
  },
  idle: true,
});

/** Part of the step of an allocation that found nothing. */
export function wakeAllKswapds(): void {
  mm().node.kswapdWanted = true;
}

export function* kswapd(): Resumable {
  for (;;) {
    yield trySleep(mm().node);
    yield* balancePgdat();
  }
}

/** Priorities down to 1; stops when a page is free, or as many as the high watermark says. */
function* balancePgdat(): Resumable {
  const sc = beginScan(undefined, GFP_KERNEL, SWAP_CLUSTER_MAX, true);
  for (let priority = firstPriority(sc); priority >= 1; priority--) {
    sc.priority = priority;
    yield* shrinkNode(sc);
    wakePfmemallocWaiters(false);
    if (sc.nrReclaimed > 0 && balanced()) break;
  }
  const progress = endScan(sc);
  const { node } = mm();
  wakePfmemallocWaiters(true);
  if (era().kswapdGivesUp) node.kswapdFailures = progress > 0 ? 0 : node.kswapdFailures + 1;
  if (progress === 0) return;
  node.writeback = false;
  node.dirty = false;
}

/** Makes the thread. */
export function bootKswapd(k: Kernel): Task {
  const options = { comm: "kswapd0", kind: "kthread", flags: PF_MEMALLOC | PF_KSWAPD, idle: true } as const;
  const task = k.spawn(options, kswapd);
  if (k.subsystem<Mm>("mm").options.watermarks !== undefined) bootPfmemallocWait(k, task);
  return task;
}
