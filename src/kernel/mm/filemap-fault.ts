/**
 * Faults on file pages (mm/filemap.c:filemap_fault, filemap_map_pages): a page of the cache, locked and up to date.
 *
 * Up to 5.0 mmap_lock is kept over readahead and reads; a page that is locked makes the first try drop it, wait for the
 * unlock and fault again, and the second try wait for the lock under it (`__lock_page_or_retry`). From 5.1 the first try
 * drops it before anything that blocks, takes what it waits for, gives it back and faults again: commit 6b4c9f446981
 * ("filemap: drop the mmap_sem for all blocking operations"). From 5.15 a page that is missing or not up to date is filled
 * under invalidate_lock.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import type { Inode } from "../fs/inode.ts";
import { __GFP_FS, __GFP_IO } from "../gfp.ts";
import { downRead, upRead } from "../locking/rwsem.ts";
import { current, era } from "../sched/current.ts";
import { FAULT_FLAG_TRIED, releaseFaultLock, VM_FAULT_OOM, VM_FAULT_RETRY, VM_FAULT_SIGBUS } from "./fault-flags.ts";
import { __filemapGetFolio, FGP_CREAT, FGP_FOR_MMAP, filemapGetPage, stillThere } from "./filemap.ts";
import type { Vma } from "./mm-types.ts";
import type { Page } from "./page.ts";
import { folioPut } from "./page-alloc.ts";
import { folioLockKillable, folioTrylock, folioUnlock, folioWaitLockedKillable } from "./page-bits.ts";
import { filemapReadFolio, pageCacheSyncRa } from "./readahead.ts";

/** Mask of the mapping with what faults may do beyond it (mm/memory.c:__get_fault_gfp_mask). */
function faultGfp(inode: Inode): number {
  return inode.mapping.gfpMask | __GFP_FS | __GFP_IO;
}

/** How the lock of a page was got, or that it was not. */
export const LOCKED = 0;
const LOCKED_DROPPED = 1;
const NOT_LOCKED = 2;

/** The page, locked and with a reference, or VM_FAULT_ bits. After VM_FAULT_RETRY the lock of the fault is gone. */
export function* filemapFault(vma: Vma, index: number, flags: number): Resumable<Page | number> {
  const inode = vma.file as Inode;
  const mapping = inode.mapping;
  if (index >= inode.size) return VM_FAULT_SIGBUS;
  const mayDrop = era().mmapDroppedForPageLock && (flags & FAULT_FLAG_TRIED) === 0;
  let dropped = false;
  let filling = false;
  let page = yield* filemapGetPage(mapping, index);
  if (page === undefined) {
    if (mayDrop) {
      yield* releaseFaultLock(vma, flags);
      dropped = true;
    }
    yield* pageCacheSyncRa(inode, index);
  } else if (!page.uptodate && era().invalidateLock) {
    yield* downRead(inode.invalidateLock);
    filling = true;
  }
  for (;;) {
    if (page === undefined) {
      if (!filling && era().invalidateLock) {
        yield* downRead(inode.invalidateLock);
        filling = true;
      }
      page = yield* __filemapGetFolio(mapping, index, FGP_CREAT | FGP_FOR_MMAP, faultGfp(inode));
      if (page === undefined) {
        if (filling) yield* upRead(inode.invalidateLock);
        return dropped ? VM_FAULT_RETRY : VM_FAULT_OOM;
      }
    }
    const how = era().mmapDroppedForPageLock
      ? yield* lockFolioMaybeDropMmap(vma, page, flags, dropped)
      : yield* __lockPageOrRetry(vma, page, flags);
    if (how === NOT_LOCKED) {
      yield* folioPut(page);
      if (filling) yield* upRead(inode.invalidateLock);
      return VM_FAULT_RETRY;
    }
    if (how === LOCKED_DROPPED) dropped = true;
    const here = stillThere(page, mapping, index);
    if (here && page.uptodate) break;
    if (here && (filling || !era().invalidateLock)) {
      if (!dropped && mayDrop) {
        yield* releaseFaultLock(vma, flags);
        dropped = true;
      }
      yield* filemapReadFolio(page);
      yield* folioPut(page);
      if (dropped) {
        if (filling) yield* upRead(inode.invalidateLock);
        return VM_FAULT_RETRY;
      }
    } else {
      yield* folioUnlock(page);
      yield* folioPut(page);
    }
    page = undefined;
  }
  if (dropped) {
    yield* folioUnlock(page);
    yield* folioPut(page);
  }
  if (filling) yield* upRead(inode.invalidateLock);
  if (dropped) return VM_FAULT_RETRY;
  if (index < inode.size) return page;
  yield* folioUnlock(page);
  yield* folioPut(page);
  return VM_FAULT_SIGBUS;
}

/**
 * 5.1+: the first try drops the lock of the fault and then waits for the page's. Killed while it waits, it has dropped it in
 * any case.
 */
function* lockFolioMaybeDropMmap(vma: Vma, page: Page, flags: number, wasDropped: boolean): Resumable<number> {
  if (yield* folioTrylock(page)) return wasDropped ? LOCKED_DROPPED : LOCKED;
  let dropped = wasDropped;
  if (!dropped && (flags & FAULT_FLAG_TRIED) === 0) {
    yield* releaseFaultLock(vma, flags);
    dropped = true;
  }
  if (yield* folioLockKillable(page)) return dropped ? LOCKED_DROPPED : LOCKED;
  if (!dropped) yield* releaseFaultLock(vma, flags);
  return NOT_LOCKED;
}

/** Up to 5.0: the first try drops mmap_lock, waits until the page is unlocked and does not take it. */
export function* __lockPageOrRetry(vma: Vma, page: Page, flags: number): Resumable<number> {
  if (yield* folioTrylock(page)) return LOCKED;
  if ((flags & FAULT_FLAG_TRIED) === 0) {
    yield* releaseFaultLock(vma, flags);
    yield* folioWaitLockedKillable(page);
    return NOT_LOCKED;
  }
  if (yield* folioLockKillable(page)) return LOCKED;
  yield* releaseFaultLock(vma, flags);
  return NOT_LOCKED;
}

/** `fault_around_bytes`, in pages. */
const FAULT_AROUND_PAGES = 16;

const mapPages = op<Vma, number>("filemap_map_pages", {
  apply(vma, index) {
    const task = current();
    const inode = vma.file as Inode;
    const start = index - (index % FAULT_AROUND_PAGES);
    for (const page of inode.mapping.pages) {
      if (page.index < Math.max(start, vma.pgoff) || page.index >= start + FAULT_AROUND_PAGES) continue;
      if (page.index >= Math.min(vma.pgoff + vma.length, inode.size)) continue;
      if (page.lockedBy !== undefined || !page.uptodate || vma.present.includes(page)) continue;
      if (vma.pmdNone) {
        if (task.preallocPte === undefined) return false;
        vma.pmdNone = false;
        vma.pageTableMemcg = task.preallocPte;
        task.preallocPte = undefined;
      }
      vma.present.push(page);
      page.mapCount++;
      if (page.index === index) page.pteYoung = true;
    }
    return [...vma.present].some((page) => page.index === index);
  },
  describe: (vma, index) => `filemap_map_pages ${vma} around ${index}`,
});

/**
 * Maps what the cache has around a place, without sleeping; true when the place itself is mapped. It trylocks each page for a
 * moment only, so the whole is one step here: reclaim does not see the locks.
 */
export function* filemapMapPages(vma: Vma, index: number): Resumable<boolean> {
  return yield mapPages(vma, index);
}
