/**
 * Reads into the page cache (mm/readahead.c, and filemap_read_folio of mm/filemap.c). One synchronous window; no marks, no
 * asynchronous one.
 *
 * The pages of a window are added locked, one after the other, and their reads are submitted at the end: each charge after the
 * first runs with earlier page locks held (up to 5.7 they are allocated before the first is added; not told apart). Since commit f2c817bed58d ("mm: use memalloc_nofs_save in readahead path") (v5.8)
 * that is a NOFS scope; `__GFP_NORETRY` makes charges give up early, and the first failure ends the window.
 */
import type { Resumable } from "../../resumable/index.ts";
import type { Bio } from "../block/bio.ts";
import { bioAlloc, bioPut, submitBio } from "../block/blk-core.ts";
import { blkFinishPlug, blkStartPlug } from "../block/plug.ts";
import type { Inode } from "../fs/inode.ts";
import { __GFP_NORETRY, __GFP_NOWARN, PF_MEMALLOC_NOFS } from "../gfp.ts";
import { downRead, upRead } from "../locking/rwsem.ts";
import { current, era, kernel } from "../sched/current.ts";
import type { Kernel } from "../sched/kernel.ts";
import { filemapAddFolio, filemapGetPage } from "./filemap.ts";
import type { Page } from "./page.ts";
import { allocPages, folioPut, freePage } from "./page-alloc.ts";
import { folioLockedByRead, folioUnlock, folioWaitLockedKillable } from "./page-bits.ts";

/** End of a read: the pages are up to date and unlocked; in interrupt context. */
export function* mpageEndIo(bio: Bio): Resumable {
  for (const page of bio.pages.snapshot()) {
    page.uptodate = true;
    yield* folioUnlock(page);
  }
  bioPut(bio);
}

/** Set-up only: no block of the file is allocated, and nobody writes it. Reading gives zeroes, without I/O. */
export function makeSparse(k: Kernel, inode: Inode): void {
  const all = k.subsystems.get("sparse files") as Inode[] | undefined;
  if (all === undefined) k.subsystems.set("sparse files", [inode]);
  else all.push(inode);
}
function isSparse(inode: Inode): boolean {
  return (kernel().subsystems.get("sparse files") as readonly Inode[] | undefined)?.includes(inode) ?? false;
}

/** A hole is read by zeroing the locked page (fs/ext4/readpage.c:ext4_mpage_readpages). */
function* readHole(pages: readonly Page[]): Resumable {
  for (const page of pages) {
    page.uptodate = true;
    yield* folioUnlock(page);
  }
}

/** Submits the read of pages that the caller has locked; the bio unlocks them. */
function* submitRead(inode: Inode, pages: readonly Page[]): Resumable {
  if (isSparse(inode)) {
    yield* readHole(pages);
    return;
  }
  const bio = yield* bioAlloc(inode.sb.bdi.queue, false, mpageEndIo);
  for (const page of pages) {
    bio.pages.push(page);
    folioLockedByRead(page, bio);
  }
  yield* submitBio(bio);
}

/** `read_folio` and the wait for it: takes a locked page, which the read unlocks. A fatal signal ends the wait early. */
export function* filemapReadFolio(page: Page): Resumable {
  const inode = page.mapping?.host;
  if (inode === undefined) throw new Error(`${page} belongs to no file`);
  yield* submitRead(inode, Object.freeze([page]));
  yield* folioWaitLockedKillable(page);
}

/** Pages of a window: what the kernel was booted with under "readahead pages", 1 by default. */
function windowPages(): number {
  return (kernel().subsystems.get("readahead pages") as number | undefined) ?? 1;
}

/** `page_cache_sync_ra()`: reads what is missing from `index` on. */
export function* pageCacheSyncRa(inode: Inode, index: number): Resumable {
  yield* pageCacheRaUnbounded(inode, index, Math.min(windowPages(), inode.size - index));
}

/** `readahead(2)` of `count` pages, as a task of user space enters it. */
export function* __x64SysReadahead(inode: Inode, index: number, count: number): Resumable {
  yield* forcePageCacheRa(inode, index, count);
}
function* forcePageCacheRa(inode: Inode, index: number, count: number): Resumable {
  yield* pageCacheRaUnbounded(inode, index, count);
}

function* pageCacheRaUnbounded(inode: Inode, index: number, count: number): Resumable {
  const { mapping } = inode;
  const gfp = mapping.gfpMask | __GFP_NORETRY | __GFP_NOWARN;
  const outer = current().flags & PF_MEMALLOC_NOFS;
  if (era().nofsScopeReadahead) current().flags |= PF_MEMALLOC_NOFS;
  if (era().invalidateLock) yield* downRead(inode.invalidateLock);
  let batch: readonly Page[] = Object.freeze([]);
  for (let i = index; i < index + count; i++) {
    const there = yield* filemapGetPage(mapping, i);
    if (there !== undefined) {
      yield* folioPut(there);
      continue;
    }
    const page = yield* allocPages(gfp);
    if (page === undefined) break;
    if ((yield* filemapAddFolio(mapping, page, i, gfp)) !== 0) {
      yield* freePage(page);
      break;
    }
    batch = Object.freeze([...batch, page]);
  }
  if (batch.length > 0) yield* readPages(inode, batch);
  if (era().invalidateLock) yield* upRead(inode.invalidateLock);
  if (era().nofsScopeReadahead && outer === 0) current().flags &= ~PF_MEMALLOC_NOFS;
}

function* readPages(inode: Inode, batch: readonly Page[]): Resumable {
  const outermost = blkStartPlug();
  yield* submitRead(inode, batch);
  yield* blkFinishPlug(outermost);
}
