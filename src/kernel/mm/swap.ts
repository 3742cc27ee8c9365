/**
 * LRU lists (mm/swap.c). Additions go to the lists at once: the per-CPU batches of 15 or 31 pages, which would hide every page of
 * a small world from reclaim on other CPUs, are scaled down to one with the number of pages.
 *
 * `lru_lock` sections are one step. The lock is taken with interrupts off: the end of a writeback rotates pages in interrupt
 * context (mm/swap.c:folio_rotate_reclaimable).
 */
import type { Resumable } from "../../resumable/index.ts";
import { spinLockIrqsave, spinUnlockIrqrestore } from "../locking/spinlock.ts";
import type { LruList, Lruvec } from "./memcg-types.ts";
import { mm } from "./mm.ts";
import type { Page } from "./page.ts";

/** The lists of the memcg that the page is charged to. */
export function folioLruvec(page: Page): Lruvec {
  return (page.memcg ?? mm().root).lruvec;
}

/** The list that fits the page's flags. */
export function lruListFor(page: Page): LruList {
  const lruvec = folioLruvec(page);
  if (page.anon) return page.active ? lruvec.activeAnon : lruvec.inactiveAnon;
  return page.active ? lruvec.activeFile : lruvec.inactiveFile;
}

/** To the head, under the list's lock. */
export function lruInsertHead(page: Page): void {
  const list = lruListFor(page);
  list.pages.unshift(page);
  page.lru = list;
}

/** Off its list, under the list's lock. */
export function lruDelete(page: Page): void {
  page.lru?.pages.remove(page);
  page.lru = undefined;
}

/** A new page becomes visible to reclaim. */
export function* folioAddLru(page: Page): Resumable {
  const { lock } = folioLruvec(page);
  const flags = yield* spinLockIrqsave(lock);
  if (page.lru === undefined) lruInsertHead(page);
  yield* spinUnlockIrqrestore(lock, flags);
}

/** Nothing to drain: see above. */
export function lruAddDrain(): void {}

/**
 * End of writeback of a page that reclaim had seen (PG_reclaim): to the tail, where reclaim finds it next. Not while it is
 * locked or dirty (mm/swap.c:folio_rotate_reclaimable; 4.4 the same); the test is part of the caller's step.
 */
export function* folioRotateReclaimable(page: Page): Resumable {
  if (page.lockedBy !== undefined || page.dirty || page.lru === undefined) return;
  const { lock } = page.lru.lruvec;
  const flags = yield* spinLockIrqsave(lock);
  if (page.lru !== undefined) {
    lruDelete(page);
    page.active = false;
    const list = lruListFor(page);
    list.pages.push(page);
    page.lru = list;
  }
  yield* spinUnlockIrqrestore(lock, flags);
}

/** Second touch of an inactive page activates it (mm/swap.c:folio_mark_accessed). */
export function* folioMarkAccessed(page: Page): Resumable {
  if (!page.referenced) {
    page.referenced = true;
    return;
  }
  if (page.active || page.lru === undefined) return;
  const { lock } = page.lru.lruvec;
  const flags = yield* spinLockIrqsave(lock);
  if (page.lru !== undefined && !page.active) {
    lruDelete(page);
    page.active = true;
    lruInsertHead(page);
  }
  page.referenced = false;
  yield* spinUnlockIrqrestore(lock, flags);
}
