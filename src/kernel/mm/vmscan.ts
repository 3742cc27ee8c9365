/**
 * Reclaim (mm/vmscan.c): entry points, the priority loop and the walk over groups. Lists are in vmscan-lists.ts, pages in
 * vmscan-folio-list.ts, scan counts in vmscan-scan-count.ts, sleeps in vmscan-throttle.ts, kswapd in kswapd.ts, slab in shrinker.ts.
 *
 * A reclaimer of a memcg has PF_MEMALLOC from 4.9 on: what it charges itself is forced and does not reclaim again.
 */
import type { Resumable } from "../../resumable/index.ts";
import { currentGfpContext, memcgReclaimGfp, PF_MEMALLOC } from "../gfp.ts";
import { current, era } from "../sched/current.ts";
import type { MemCgroup } from "./memcg-types.ts";
import { mm, type ScanControl, SWAP_CLUSTER_MAX, subtree } from "./mm.ts";
import { shrinkSlab } from "./shrinker.ts";
import { throttleDirectReclaim } from "./throttle-direct-reclaim.ts";
import { readListSizes, shrinkLruvec, wakeFlushers } from "./vmscan-lists.ts";
import { firstPriority, inactiveIsLow, isBelow } from "./vmscan-scan-count.ts";
import { currentIsKswapd, throttle, waitIffCongested, writebackThrottlingSane } from "./vmscan-throttle.ts";

/** The scan control of the running context, set for a new pass. @internal */
export function beginScan(target: MemCgroup | undefined, gfp: number, nr: number, maySwap: boolean): ScanControl {
  const sc = mm().scanControls[current().context] as ScanControl;
  if (sc.active) throw new Error(`${current()} reclaims inside its own reclaim: this needs a second scan control`);
  sc.active = true;
  sc.target = target;
  sc.gfp = gfp;
  sc.nrToReclaim = Math.max(nr, SWAP_CLUSTER_MAX);
  sc.maySwap = maySwap;
  sc.mayWritepage = true;
  return sc;
}

/** Leaves nothing behind, so that states differ only by what matters. @internal */
export function endScan(sc: ScanControl): number {
  const reclaimed = sc.nrReclaimed;
  sc.active = false;
  sc.target = undefined;
  sc.gfp = 0;
  sc.nrToReclaim = 0;
  sc.nrReclaimed = 0;
  sc.totalScanned = 0;
  sc.priority = 0;
  sc.maySwap = false;
  sc.mayWritepage = false;
  sc.mayDeactivate = false;
  sc.forceDeactivate = false;
  sc.skippedDeactivate = false;
  sc.lowReclaim = false;
  sc.lowSkipped = false;
  resetNode(sc);
  return reclaimed;
}

function resetNode(sc: ScanControl): void {
  sc.nrDirty = 0;
  sc.nrUnqueuedDirty = 0;
  sc.nrCongested = 0;
  sc.nrWriteback = 0;
  sc.nrImmediate = 0;
  sc.nrTaken = 0;
}

/**
 * Frees pages of the group and its subtree for a charge of `nrPages` with this mask; how many it freed. At least 32 are wanted,
 * so that a small group is scanned down to priority 0.
 */
export function* tryToFreeMemCgroupPages(
  memcg: MemCgroup,
  nrPages: number,
  gfp: number,
  maySwap: boolean,
): Resumable<number> {
  const mask = memcgReclaimGfp(gfp, current().flags, era());
  const sc = beginScan(memcg, mask, nrPages, maySwap);
  const had = current().flags & PF_MEMALLOC;
  if (era().reclaimSetsPfMemalloc) current().flags |= PF_MEMALLOC;
  yield* doTryToFreePages(sc);
  if (had === 0) current().flags &= ~PF_MEMALLOC;
  return endScan(sc);
}

/** Global direct reclaim; how many pages it freed, 1 for a task that is to die. */
export function* tryToFreePages(gfp: number): Resumable<number> {
  if (yield* throttleDirectReclaim(gfp)) return 1;
  const sc = beginScan(undefined, currentGfpContext(gfp, current().flags, era()), SWAP_CLUSTER_MAX, true);
  const had = current().flags & PF_MEMALLOC;
  current().flags |= PF_MEMALLOC;
  yield* doTryToFreePages(sc);
  if (had === 0) current().flags &= ~PF_MEMALLOC;
  if (sc.nrReclaimed > 0) mm().node.kswapdFailures = 0;
  return endScan(sc);
}

/** The priority loop, once more with active pages or low protection given up when it found nothing. */
export function* doTryToFreePages(sc: ScanControl): Resumable {
  for (;;) {
    for (let priority = firstPriority(sc); priority >= 0; priority--) {
      sc.priority = priority;
      yield* shrinkNode(sc);
      if (sc.nrReclaimed >= sc.nrToReclaim) break;
      // up to 4.10 the flushers are woken for what was scanned, not for what is dirty
      if (era().flusherWakeByScan && sc.totalScanned > sc.nrToReclaim + (sc.nrToReclaim >> 1)) {
        sc.totalScanned = 0;
        yield* wakeFlushers();
      }
    }
    const { target } = sc;
    if (target !== undefined) target.lruvec.congested = false;
    if (sc.nrReclaimed > 0) return;
    if (sc.skippedDeactivate) {
      sc.skippedDeactivate = false;
      sc.forceDeactivate = true;
    } else if (sc.lowSkipped) {
      sc.lowSkipped = false;
      sc.forceDeactivate = false;
      sc.lowReclaim = true;
    } else {
      return;
    }
  }
}

/** One pass over the groups of the target at one priority; the list sizes of the first are read in the step it begins with. */
export function* shrinkNode(sc: ScanControl): Resumable {
  resetNode(sc);
  const top = (sc.target ?? mm().root).lruvec;
  yield readListSizes(top);
  sc.mayDeactivate = sc.forceDeactivate || inactiveIsLow(top);
  yield* shrinkNodeMemcgs(sc);
  yield* afterWalk(sc);
}

function* shrinkNodeMemcgs(sc: ScanControl): Resumable {
  const groups = Object.freeze(subtree(sc.target ?? mm().root));
  for (let i = 0; i < groups.length; i++) {
    const memcg = groups[i] as MemCgroup;
    if (i > 0) yield readListSizes(memcg.lruvec);
    if (isPassedBy(memcg, sc)) continue;
    yield* shrinkLruvec(memcg.lruvec, sc);
    sc.nrReclaimed += yield* shrinkSlab(sc.gfp, sc.target === undefined ? undefined : memcg, sc.priority);
    const enough = sc.target !== undefined && sc.nrReclaimed >= sc.nrToReclaim;
    if (enough && era().memcgWalkStopsEarly) return;
  }
}

/** Below memory.min always, below memory.low in a first round. */
function isPassedBy(memcg: MemCgroup, sc: ScanControl): boolean {
  if (isBelow(memcg, sc, "min")) return true;
  if (!isBelow(memcg, sc, "low")) return false;
  if (!sc.lowReclaim) {
    sc.lowSkipped = true;
    return true;
  }
  memcg.eventsLow++;
  return false;
}

/** What the pass has met decides who sleeps; the flags of the node are kswapd's (anybody's while LRUs were per zone). */
function* afterWalk(sc: ScanControl): Resumable {
  const kswapd = currentIsKswapd();
  const { node } = mm();
  if (kswapd || era().lruLockScope === "zone") {
    if (sc.nrWriteback > 0 && sc.nrWriteback === sc.nrTaken) node.writeback = true;
    if (sc.nrTaken > 0 && sc.nrUnqueuedDirty === sc.nrTaken && writebackThrottlingSane(sc)) node.dirty = true;
  }
  if (kswapd && sc.nrImmediate > 0) yield* throttle("writeback");
  const { lruvec } = sc.target ?? mm().root;
  const flags = kswapd || (sc.target !== undefined && writebackThrottlingSane(sc));
  if (flags && sc.nrDirty > 0 && sc.nrDirty === sc.nrCongested) lruvec.congested = true;
  if (kswapd || !lruvec.congested) return;
  if (era().reclaimSleep === "reclaim_throttle") yield* throttle("congested");
  else yield* waitIffCongested();
}
