/**
 * What becomes of isolated pages (mm/vmscan.c:shrink_folio_list, shrink_page_list up to 5.19).
 *
 * Reclaim never waits for PG_locked. A page under writeback meets one of three cases: (1) kswapd that sees it a second time while
 * the node is full of writeback leaves it alone; (2) who may not wait, or sees it for the first time, marks it PG_reclaim;
 * (3) reclaim of a v1 group with `__GFP_FS` that finds the mark waits for the end of its writeback, without lock and without
 * timeout, with every lock of its caller and the other isolated pages in its hands (commit c3b94f44fcb0 ("memcg: further prevent
 * OOM with too many dirty pages") [M]). Dirty file pages are marked and left to the flusher (3.2+).
 *
 * Order per page: trylock with the first look at its bits (one step), try_to_unmap, releasepage, i_pages section (freeze the
 * references, remove), unlock. Charges of freed pages go back when the whole list is done: a reclaimer that waits in case 3
 * still holds them.
 *
 * Coarser than the kernel: the look at PG_writeback and the marking with PG_reclaim are one step, where an end of writeback could
 * come between and leave the mark on a clean page (harmless: dirtying clears it). Writing by kswapd is not modelled; there the
 * page stays.
 */
import type { Resumable } from "../../resumable/index.ts";
import { __GFP_FS, __GFP_IO } from "../gfp.ts";
import { spinLockIrq, spinUnlockIrq } from "../locking/spinlock.ts";
import { era, kernel } from "../sched/current.ts";
import { __filemapRemoveFolio, folioTrylock, folioUnlock, folioWaitWriteback } from "./filemap.ts";
import { unchargePage } from "./memcg-uncharge.ts";
import { mm, type ScanControl } from "./mm.ts";
import type { Page } from "./page.ts";
import { toPool } from "./page-alloc.ts";
import { folioClearDirtyForIo } from "./page-writeback.ts";
import { tryToUnmap } from "./rmap.ts";
import { addToSwap, inSwapCache, swap, swapWritepage } from "./swap-state.ts";
import { countsForNode, currentIsKswapd, writebackThrottlingSane } from "./vmscan-throttle.ts";

/** What to do with a page that has been looked at. */
type Fate = "reclaim" | "keep" | "activate" | "wait";

/** Steps that an experiment takes out, to see what depends on them; no kernel is so. */
function without(step: "set-page-reclaim" | "fs-test"): boolean {
  return kernel().config.hacks.includes(`no-${step}`);
}

function setReclaim(page: Page): void {
  if (!without("set-page-reclaim")) page.reclaim = true;
}

/** `may_enter_fs()` of a file page. */
function mayEnterFs(sc: ScanControl): boolean {
  return without("fs-test") || (sc.gfp & __GFP_FS) !== 0;
}

/** Pages that cannot be reclaimed now are activated from 4.11 on, kept where they are before. */
function outOfTheWay(): Fate {
  return era().dirtyActivated ? "activate" : "keep";
}

/**
 * Counts a page that is not waited for (one that is will be looked at again, and only sane reclaim reads more than the unqueued
 * ones): what nobody reads is not counted, because every count is state.
 */
function countBits(sc: ScanControl, page: Page): void {
  if (era().flusherWakeByScan) sc.totalScanned++;
  if (page.dirty && !page.writeback) sc.listUnqueuedDirty++;
  if (!countsForNode(sc)) return;
  if (page.dirty || page.writeback) sc.listDirty++;
  if (page.writeback && page.reclaim) sc.listCongested++;
}

/** The three cases. */
function underWriteback(sc: ScanControl, page: Page): Fate {
  if (currentIsKswapd() && page.reclaim && mm().node.writeback) {
    countBits(sc, page);
    sc.listImmediate++;
    return outOfTheWay();
  }
  const mayDeadlock = era().skipsDeadlockableMappings && page.mapping?.writebackMayDeadlock === true;
  if (writebackThrottlingSane(sc) || !page.reclaim || !mayEnterFs(sc) || mayDeadlock) {
    countBits(sc, page);
    setReclaim(page);
    if (countsForNode(sc)) sc.listWriteback++;
    return outOfTheWay();
  }
  return "wait";
}

/** `folio_check_references()`: used through a page table since the last look, or twice by system calls. */
function references(page: Page): Fate {
  const young = page.mapCount > 0 && page.pteYoung;
  const again = page.referenced;
  page.pteYoung = false;
  page.referenced = false;
  if (!young) return "reclaim";
  if (page.anon) return "activate";
  page.referenced = true;
  return again ? "activate" : "keep";
}

/** Everything that is decided in the step that locked the page. */
function firstLook(sc: ScanControl, page: Page): Fate {
  if (page.writeback) return underWriteback(sc, page);
  countBits(sc, page);
  const used = references(page);
  if (used !== "reclaim") return used;
  if (!page.anon || inSwapCache(page)) return "reclaim";
  // without swap an anonymous page cannot get a slot
  if (!swapsOut(sc)) return "activate";
  return (sc.gfp & __GFP_IO) === 0 ? "keep" : "reclaim";
}

/** Swap is there, and may be used: by global reclaim only (groups' swap is not modelled). */
export function swapsOut(sc: ScanControl): boolean {
  return sc.target === undefined && sc.maySwap && swap() !== undefined;
}

/** `pageout()` of a page in the swap cache. */
function* pageout(page: Page): Resumable {
  yield* folioClearDirtyForIo(page);
  setReclaim(page);
  yield* swapWritepage(page);
}

/** A dirty file page is left to the flusher; kswapd would write it when it sees nothing else. */
function dirty(page: Page): Fate {
  const { kswapdWritesOnlySeen } = era();
  const kswapdWrites = currentIsKswapd() && mm().node.dirty && (page.reclaim || !kswapdWritesOnlySeen);
  if (!kswapdWrites) setReclaim(page);
  return outOfTheWay();
}

/** Pages freed. Leaves what goes back to the lists in `sc.putback`. */
export function* shrinkFolioList(sc: ScanControl): Resumable<number> {
  let reclaimed = 0;
  for (;;) {
    const page = sc.isolated.shift();
    if (page === undefined) break;
    if (!(yield* folioTrylock(page))) {
      sc.putback.push(page);
      continue;
    }
    let fate = firstLook(sc, page);
    if (fate === "wait") {
      yield* folioUnlock(page);
      yield* folioWaitWriteback(page);
      sc.isolated.unshift(page);
      continue;
    }
    if (fate === "reclaim" && page.anon && !inSwapCache(page) && !(yield* addToSwap(page))) fate = "activate";
    if (fate === "reclaim" && page.mapCount > 0) yield* tryToUnmap(page);
    if (fate === "reclaim" && page.anon && page.dirty && (sc.gfp & __GFP_IO) !== 0) {
      yield* pageout(page);
      sc.putback.push(page);
      continue;
    }
    if (fate === "reclaim" && page.dirty) fate = dirty(page);
    if (fate === "reclaim" && !(yield* releasePrivate(page, sc.gfp))) fate = "activate";
    if (fate === "reclaim" && (yield* __removeMapping(page))) {
      page.lockedBy = undefined;
      sc.freed.push(page);
      reclaimed++;
      continue;
    }
    if (fate === "activate") page.active = true;
    yield* folioUnlock(page);
    sc.putback.push(page);
  }
  freeList(sc);
  return reclaimed;
}

/** `try_to_release_page()`. */
function* releasePrivate(page: Page, gfp: number): Resumable<boolean> {
  const release = page.mapping?.aOps?.releasepage;
  if (release === undefined) return true;
  return yield* release(page, gfp);
}

/** Out of the cache, unless somebody else has a reference or dirtied it meanwhile. */
function* __removeMapping(page: Page): Resumable<boolean> {
  const mapping = page.mapping;
  if (mapping === undefined) return false;
  yield* spinLockIrq(mapping.treeLock);
  const frozen = page.refs === 1 && page.lockWaiters.length === 0 && !page.dirty && page.mapCount === 0;
  if (frozen) __filemapRemoveFolio(page);
  yield* spinUnlockIrq(mapping.treeLock);
  return frozen;
}

/** `mem_cgroup_uncharge_list()` and free, in the step that ends the list. */
function freeList(sc: ScanControl): void {
  for (const page of sc.freed) {
    page.refs = 0;
    unchargePage(page);
    toPool(page);
  }
  sc.freed.clear();
}
