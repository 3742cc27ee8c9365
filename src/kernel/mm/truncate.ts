/**
 * Dropping pages from the cache (mm/truncate.c).
 *
 * Truncation goes over its range twice: first it takes what it can have without waiting (pages that are locked or under
 * writeback are skipped), then it locks what is left and waits for its writeback with the page locked. A page leaves in the
 * order: out of page tables, dirty bit cancelled, out of the tree; then it is unlocked and its references go.
 */
import type { Resumable } from "../../resumable/index.ts";
import type { Inode } from "../fs/inode.ts";
import { downWrite, upWrite } from "../locking/rwsem.ts";
import { filemapGetFolios, filemapRemoveFolio, folioBatchRelease } from "./filemap.ts";
import type { AddressSpace, Page } from "./page.ts";
import { folioLock, folioTestWriteback, folioTrylock, folioUnlock, folioWaitWriteback } from "./page-bits.ts";
import { folioCancelDirty, LAST_INDEX } from "./page-writeback.ts";
import { tryToUnmap, unmapMappingRange } from "./rmap.ts";

/** `truncate_cleanup_page()`: the locked page is not mapped, not dirty. */
function* truncateCleanupFolio(page: Page): Resumable {
  yield* tryToUnmap(page);
  yield* folioCancelDirty(page);
  page.mapped = false;
}

/** `truncate_inode_page()`: drops a locked page that is not under writeback; the caller has a reference. */
export function* truncateInodeFolio(mapping: AddressSpace, page: Page): Resumable {
  if (page.mapping !== mapping) return;
  yield* truncateCleanupFolio(page);
  yield* filemapRemoveFolio(page);
}

/** `truncate_inode_pages_range()`: drops the pages from `start` to `end`. */
export function* truncateInodePagesRange(mapping: AddressSpace, start: number, end: number): Resumable {
  let next = start;
  for (;;) {
    const batch = yield* filemapGetFolios(mapping, next, end);
    const last = batch.at(-1);
    if (last === undefined) break;
    next = last.index + 1;
    for (const page of batch) {
      if (!(yield* folioTrylock(page))) continue;
      if (page.mapping === mapping && !(yield* folioTestWriteback(page))) yield* truncateInodeFolio(mapping, page);
      yield* folioUnlock(page);
    }
    yield* folioBatchRelease(batch);
  }
  next = start;
  for (;;) {
    const batch = yield* filemapGetFolios(mapping, next, end);
    const last = batch.at(-1);
    if (last === undefined) {
      if (next === start) return;
      next = start;
      continue;
    }
    next = last.index + 1;
    for (const page of batch) {
      yield* folioLock(page);
      if (page.mapping === mapping) {
        yield* folioWaitWriteback(page);
        yield* truncateInodeFolio(mapping, page);
      }
      yield* folioUnlock(page);
    }
    yield* folioBatchRelease(batch);
  }
}

/** `truncate_pagecache()`: the file ends at `size` from now on; nothing beyond stays mapped or cached. */
export function* truncatePagecache(inode: Inode, size: number): Resumable {
  yield* unmapMappingRange(inode.mapping, size, LAST_INDEX);
  yield* truncateInodePagesRange(inode.mapping, size, LAST_INDEX);
  yield* unmapMappingRange(inode.mapping, size, LAST_INDEX);
}

/** truncate(2) or O_TRUNC without the filesystem's transactions: i_rwsem, then invalidate_lock, both for writing. */
export function* doTruncate(inode: Inode, size: number): Resumable {
  yield* downWrite(inode.rwsem);
  yield* downWrite(inode.invalidateLock);
  inode.size = size;
  yield* truncatePagecache(inode, size);
  yield* upWrite(inode.invalidateLock);
  yield* upWrite(inode.rwsem);
}

/** `invalidate_mapping_pages()`: drops what is clean, unmapped and to be had without waiting; returns how many pages went. */
export function* invalidateMappingPages(mapping: AddressSpace, start: number, end: number): Resumable<number> {
  let next = start;
  let dropped = 0;
  for (;;) {
    const batch = yield* filemapGetFolios(mapping, next, end);
    const last = batch.at(-1);
    if (last === undefined) return dropped;
    next = last.index + 1;
    for (const page of batch) {
      if (!(yield* folioTrylock(page))) continue;
      if (yield* invalidateLocked(mapping, page)) dropped++;
      yield* folioUnlock(page);
    }
    yield* folioBatchRelease(batch);
  }
}

/** `mapping_evict_folio()`: not a page that is dirty, under writeback, mapped, or that somebody else looks at. */
function* invalidateLocked(mapping: AddressSpace, page: Page): Resumable<boolean> {
  if (page.mapping !== mapping || page.dirty || (yield* folioTestWriteback(page))) return false;
  if (page.mapCount > 0 || page.refs > 1) return false;
  yield* filemapRemoveFolio(page);
  return true;
}

/** `invalidate_inode_pages2_range()`: drops pages even if mapped or under writeback; false when one was dirtied again. */
export function* invalidateInodePages2Range(mapping: AddressSpace, start: number, end: number): Resumable<boolean> {
  let next = start;
  let clean = true;
  for (;;) {
    const batch = yield* filemapGetFolios(mapping, next, end);
    const last = batch.at(-1);
    if (last === undefined) return clean;
    next = last.index + 1;
    for (const page of batch) {
      yield* folioLock(page);
      if (page.mapping === mapping) {
        yield* folioWaitWriteback(page);
        yield* tryToUnmap(page);
        if (page.dirty) clean = false;
        else yield* filemapRemoveFolio(page);
      }
      yield* folioUnlock(page);
    }
    yield* folioBatchRelease(batch);
  }
}
