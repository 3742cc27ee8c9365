/**
 * Buffered read(2) (mm/filemap.c:filemap_read), page by page: what is not in the cache is read ahead, with charges that give up
 * early; what that did not bring, one page at a time, with charges that may call the OOM killer.
 */
import type { Resumable } from "../../resumable/index.ts";
import type { Inode } from "../fs/inode.ts";
import { fatalSignalPending } from "../sched/signal.ts";
import { EEXIST, ENOMEM, filemapAddFolio, filemapGetPage, stillThere } from "./filemap.ts";
import { memCgroupHandleOverHigh } from "./memcontrol.ts";
import type { Page } from "./page.ts";
import { allocPages, folioGet, folioPut, freePage } from "./page-alloc.ts";
import { folioLockKillable, folioUnlock } from "./page-bits.ts";
import { filemapReadFolio, pageCacheSyncRa } from "./readahead.ts";
import { folioMarkAccessed } from "./swap.ts";

/** read(2) of whole pages from `start`; how many were read: fewer at the end of the file, without memory, or when killed. */
export function* vfsRead(inode: Inode, start: number, count: number): Resumable<number> {
  const read = yield* filemapRead(inode, start, count);
  // on the way back to user mode
  yield* memCgroupHandleOverHigh();
  return read;
}

export function* filemapRead(inode: Inode, start: number, count: number): Resumable<number> {
  for (let i = 0; i < count; i++) {
    if (fatalSignalPending() || start + i >= inode.size) return i;
    const page = yield* filemapGetPages(inode, start + i);
    if (page === undefined) return i;
    yield* folioMarkAccessed(page);
    yield* folioPut(page);
  }
  return count;
}

/** The page at an index, up to date, with a reference; undefined: no memory, or killed. */
function* filemapGetPages(inode: Inode, index: number): Resumable<Page | undefined> {
  for (;;) {
    let page = yield* filemapGetPage(inode.mapping, index);
    if (page === undefined) {
      yield* pageCacheSyncRa(inode, index);
      page = yield* filemapGetPage(inode.mapping, index);
    }
    if (page === undefined) {
      const error = yield* filemapCreateFolio(inode, index);
      // somebody else may have put a page there first
      if (error !== 0 && error !== -EEXIST) return undefined;
      continue;
    }
    if (page.uptodate || (yield* filemapUpdatePage(inode, page, index))) return page;
    yield* folioPut(page);
    if (fatalSignalPending()) return undefined;
  }
}

/** `filemap_create_folio()`: 0, or an error. */
function* filemapCreateFolio(inode: Inode, index: number): Resumable<number> {
  const { mapping } = inode;
  const page = yield* allocPages(mapping.gfpMask);
  if (page === undefined) return -ENOMEM;
  const error = yield* filemapAddFolio(mapping, page, index, mapping.gfpMask);
  if (error !== 0) {
    yield* freePage(page);
    return error;
  }
  folioGet(page);
  yield* filemapReadFolio(page);
  yield* folioPut(page);
  return 0;
}

/** `filemap_update_page()`: waits for the read that is under way; true when the page is up to date. */
function* filemapUpdatePage(inode: Inode, page: Page, index: number): Resumable<boolean> {
  if (!(yield* folioLockKillable(page))) return false;
  if (stillThere(page, inode.mapping, index) && !page.uptodate) {
    yield* filemapReadFolio(page);
    return page.uptodate;
  }
  const good = stillThere(page, inode.mapping, index) && page.uptodate;
  yield* folioUnlock(page);
  return good;
}
