/**
 * Passes over the LRU lists of one group (mm/vmscan.c:shrink_lruvec, shrink_inactive_list, shrink_active_list).
 *
 * Each pass takes `lru_lock` twice, to isolate and to put back; in between the pages are on no list, held by a reference.
 * Isolated pages are worked on from the oldest, and go back to the head in the same order. `lru_lock` is taken alone.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import { wakeupFlusherThreads } from "../fs/fs-writeback.ts";
import { spinLockIrq, spinUnlockIrq } from "../locking/spinlock.ts";
import { era, kernel } from "../sched/current.ts";
import { fatalSignalPending } from "../sched/signal.ts";
import type { LruList, Lruvec } from "./memcg-types.ts";
import { unchargePage } from "./memcg-uncharge.ts";
import { mm, type ScanControl, SWAP_CLUSTER_MAX } from "./mm.ts";
import { toPool } from "./page-alloc.ts";
import { lruDelete, lruInsertHead } from "./swap.ts";
import { throttleVmWriteout } from "./throttle-vm-writeout.ts";
import { shrinkFolioList, swapsOut } from "./vmscan-folio-list.ts";
import { getScanCount, inactiveIsLow } from "./vmscan-scan-count.ts";
import { countsForNode, throttle, tooManyIsolated, writebackThrottlingSane } from "./vmscan-throttle.ts";

/** List sizes are read without a lock. */
export const readListSizes = op<Lruvec>("get_scan_count", {
  describe: (lruvec) => `read list sizes of ${lruvec.memcg?.path}`,
});

/** Scans the lists of one group; what it freed goes to `sc.nrReclaimed`. */
export function* shrinkLruvec(lruvec: Lruvec, sc: ScanControl): Resumable {
  let [inactive, active] = getScanCount(lruvec, sc);
  let reclaimed = yield* shrinkAnon(lruvec, sc);
  while (inactive > 0 || active > 0) {
    if (inactive > 0) {
      const nr = Math.min(inactive, SWAP_CLUSTER_MAX);
      inactive -= nr;
      reclaimed += yield* shrinkInactiveList(nr, lruvec, sc);
    }
    if (active > 0) {
      const nr = Math.min(active, SWAP_CLUSTER_MAX);
      active -= nr;
      if (mayShrinkActive(lruvec, sc)) yield* shrinkActiveList(nr, lruvec, sc);
      else if (era().deactivateAtRoot) sc.skippedDeactivate = true;
    }
    // only file lists: once there is enough, nothing else is to be balanced
    if (reclaimed >= sc.nrToReclaim) break;
  }
  sc.nrReclaimed += reclaimed;
  yield* throttleVmWriteout(sc.gfp);
}

/** Where there is swap; the kernel takes turns between the lists, here the anonymous ones come first. */
function* shrinkAnon(lruvec: Lruvec, sc: ScanControl): Resumable<number> {
  if (!swapsOut(sc)) return 0;
  const { inactiveAnon, activeAnon } = lruvec;
  const nr = inactiveAnon.pages.length >> sc.priority;
  const reclaimed = nr === 0 ? 0 : yield* shrinkInactiveList(Math.min(nr, SWAP_CLUSTER_MAX), lruvec, sc, inactiveAnon);
  const active = activeAnon.pages.length >> sc.priority;
  if (active > inactiveAnon.pages.length) {
    yield* shrinkActiveList(Math.min(active, SWAP_CLUSTER_MAX), lruvec, sc, activeAnon);
  }
  return reclaimed;
}

/** Active pages become inactive only while there are fewer inactive ones: of the target (5.5+), or of this list. */
function mayShrinkActive(lruvec: Lruvec, sc: ScanControl): boolean {
  return era().deactivateAtRoot ? sc.mayDeactivate : inactiveIsLow(lruvec);
}

/** Under `lru_lock`: up to `nr` pages from the tail. */
function isolateLruFolios(nr: number, list: LruList, sc: ScanControl): number {
  let taken = 0;
  for (; taken < nr; taken++) {
    const page = list.pages.at(-1);
    if (page === undefined) break;
    lruDelete(page);
    page.refs++;
    sc.isolated.push(page);
  }
  countIsolated(list, taken);
  return taken;
}

/** Under `lru_lock`: back to the heads; a page that left the cache meanwhile is freed if nobody else has it. */
function moveFoliosToLru(sc: ScanControl, list: LruList, taken: number): void {
  for (const page of sc.putback) {
    page.refs--;
    if (page.refs === 0 && page.mapping === undefined && page.mapCount === 0) {
      unchargePage(page);
      toPool(page);
    } else {
      lruInsertHead(page);
    }
  }
  sc.putback.clear();
  countIsolated(list, -taken);
}

/** `NR_ISOLATED_ANON`, `NR_ISOLATED_FILE`. */
function countIsolated(list: LruList, pages: number): void {
  const { node } = mm();
  if (list.kind.endsWith("anon")) node.nrIsolatedAnon += pages;
  else node.nrIsolated += pages;
}

/** Pages freed. */
export function* shrinkInactiveList(
  nr: number,
  lruvec: Lruvec,
  sc: ScanControl,
  list: LruList = lruvec.inactiveFile,
): Resumable<number> {
  if (yield* isolatedTooMany(sc, list)) return fatalSignalPending() ? SWAP_CLUSTER_MAX : 0;
  yield* spinLockIrq(lruvec.lock);
  const taken = isolateLruFolios(nr, list, sc);
  yield* spinUnlockIrq(lruvec.lock);
  if (taken === 0) return 0;
  const reclaimed = yield* shrinkFolioList(sc);
  yield* spinLockIrq(lruvec.lock);
  moveFoliosToLru(sc, list, taken);
  yield* spinUnlockIrq(lruvec.lock);
  const allUnqueued = sc.listUnqueuedDirty === taken;
  addList(sc, taken);
  if (allUnqueued && era().flusherWakeOnUnqueued) {
    yield* wakeFlushers();
    if (era().v1DirtyThrottle && !writebackThrottlingSane(sc)) yield* throttle("writeback");
  }
  return reclaimed;
}

/** All flushers of all devices; a machine without any has none. */
export function* wakeFlushers(): Resumable {
  if (kernel().subsystems.has("bdis")) yield* wakeupFlusherThreads();
}

/** Waits while too many pages are off the lists: without end up to 4.13, once after (commit db73ee0d4637). */
function* isolatedTooMany(sc: ScanControl, list: LruList): Resumable<boolean> {
  for (let stalled = false; tooManyIsolated(sc, list); stalled = true) {
    if (stalled && !era().tooManyIsolatedForever) return true;
    yield* throttle("isolated");
    if (fatalSignalPending()) return true;
  }
  return false;
}

/** `sc->nr` of the node pass gets what the list has counted. */
function addList(sc: ScanControl, taken: number): void {
  if (countsForNode(sc)) {
    sc.nrDirty += sc.listDirty;
    sc.nrUnqueuedDirty += sc.listUnqueuedDirty;
    sc.nrCongested += sc.listCongested;
    sc.nrWriteback += sc.listWriteback;
    sc.nrImmediate += sc.listImmediate;
    sc.nrTaken += taken;
  }
  sc.listDirty = 0;
  sc.listUnqueuedDirty = 0;
  sc.listCongested = 0;
  sc.listWriteback = 0;
  sc.listImmediate = 0;
}

/** Active pages become inactive; executable mappings, which would stay, are not modelled. */
export function* shrinkActiveList(
  nr: number,
  lruvec: Lruvec,
  sc: ScanControl,
  list: LruList = lruvec.activeFile,
): Resumable {
  yield* spinLockIrq(lruvec.lock);
  const taken = isolateLruFolios(nr, list, sc);
  yield* spinUnlockIrq(lruvec.lock);
  for (const page of sc.isolated) {
    page.pteYoung = false;
    page.active = false;
    sc.putback.push(page);
  }
  sc.isolated.clear();
  yield* spinLockIrq(lruvec.lock);
  moveFoliosToLru(sc, list, taken);
  yield* spinUnlockIrq(lruvec.lock);
}
