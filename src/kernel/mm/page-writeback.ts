/**
 * PG_dirty and PG_writeback with their counters and tags, and the sweep over a mapping (mm/page-writeback.c). Throttling of
 * those who dirty is in dirty-throttle.ts.
 *
 * Sections, outermost first: lock_page_memcg (taken only while charges move), then i_pages with interrupts off, or
 * unlocked_inode_to_wb_begin/end, which takes i_pages only while the inode switches its domain:
 * - set dirty, start and end of writeback: memcg > i_pages;
 * - cancel_dirty_page: memcg > unlocked_inode_to_wb;
 * - clear_page_dirty_for_io: unlocked_inode_to_wb alone, inside the memcg section up to 4.5 (clearDirtyUnderMemcgLock);
 * - account_page_redirty: unlocked_inode_to_wb alone.
 *
 * The tag DIRTY outlives PG_dirty from clear_page_dirty_for_io to set_page_writeback: a second sweep still finds the page
 * and blocks on its lock (mm/page-writeback.c:__folio_start_writeback clears the tag).
 */
import { type Entity, op, type Resumable } from "../../resumable/index.ts";
import { __markInodeDirty, inodeAttachWb, unlockedInodeToWbBegin, unlockedInodeToWbEnd } from "../fs/fs-writeback.ts";
import { I_DIRTY_PAGES, type Inode } from "../fs/inode.ts";
import type { WritebackControl } from "../fs/writeback-control.ts";
import { type SpinLock, spinLockIrqsave, spinUnlockIrqrestore } from "../locking/spinlock.ts";
import { era } from "../sched/current.ts";
import {
  filemapGetFoliosTag,
  folioBatchRelease,
  folioLock,
  folioTestWriteback,
  folioUnlock,
  folioWaitWriteback,
  stillThere,
} from "./filemap.ts";
import { folioMemcgLock, folioMemcgUnlock } from "./memcontrol.ts";
import type { AddressSpace, Page } from "./page.ts";
import { folioMkclean } from "./rmap.ts";

export { balanceDirtyPagesRatelimited } from "./dirty-throttle.ts";

/** Last index of a file. */
export const LAST_INDEX = 0x3fffffff;

/** An inode without a domain gets the one of the page's memcg. */
function accountDirtied(page: Page): void {
  // the swap cache has no dirty accounting
  if (page.anon) return;
  if (page.memcg !== undefined) page.memcg.nrFileDirty++;
  const inode = page.mapping?.host;
  if (inode === undefined) return;
  inodeAttachWb(inode, page.memcg);
  if (inode.wb !== undefined) inode.wb.nrReclaimable++;
}

function accountCleaned(page: Page, inode: Inode): void {
  if (page.memcg !== undefined) page.memcg.nrFileDirty--;
  if (inode.wb !== undefined) inode.wb.nrReclaimable--;
}

/**
 * TestSetPageDirty. When the page was clean and i_pages is free, the section that accounts for it is part of the step: nobody
 * could tell the two apart.
 */
const testSetDirty = op<Page>("set PG_dirty", {
  apply(page) {
    if (page.dirty) return "was dirty";
    page.dirty = true;
    const { mapping } = page;
    if (mapping === undefined) return "accounted";
    if (mapping.treeLock.owner !== undefined) return "newly dirty";
    tagDirty(page);
    return "accounted";
  },
  describe: (page) => `set PG_dirty of ${page}`,
});

/** Under i_pages; the page may have been truncated meanwhile. */
function tagDirty(page: Page): void {
  if (page.mapping === undefined) return;
  accountDirtied(page);
  page.dirtyTag = true;
}

/** `set_page_dirty()`: true when the page was clean. The page is locked, or a page table that maps it is. */
export function* folioMarkDirty(page: Page): Resumable<boolean> {
  page.reclaim = false;
  return yield* blockDirtyFolio(page);
}

/** `__set_page_dirty_buffers()`, `filemap_dirty_folio()`: what the dirty_folio method of every filesystem here comes to. */
function* blockDirtyFolio(page: Page): Resumable<boolean> {
  const inode = page.mapping?.host;
  yield* folioMemcgLock(page);
  const was: string = yield testSetDirty(page);
  if (was === "newly dirty") {
    const lock = treeLockOf(page);
    const flags = yield* spinLockIrqsave(lock);
    tagDirty(page);
    yield* spinUnlockIrqrestore(lock, flags);
  }
  yield* folioMemcgUnlock(page);
  if (was === "was dirty") return false;
  if (inode !== undefined) yield* __markInodeDirty(inode, I_DIRTY_PAGES);
  return true;
}

function treeLockOf(page: Page): SpinLock {
  if (page.mapping === undefined) throw new Error(`${page} is in no mapping`);
  return page.mapping.treeLock;
}

/**
 * `clear_page_dirty_for_io()`, of a locked page: page table entries are write-protected, and their dirty bits go to PG_dirty
 * first. True when the page was dirty.
 */
export function* folioClearDirtyForIo(page: Page): Resumable<boolean> {
  const inode = page.mapping?.host;
  if (inode === undefined) return testClearDirty(page, undefined);
  if (yield* folioMkclean(page)) yield* folioMarkDirty(page);
  if (era().clearDirtyUnderMemcgLock) yield* folioMemcgLock(page);
  const cookie = yield* unlockedInodeToWbBegin(inode);
  const was = testClearDirty(page, inode);
  yield* unlockedInodeToWbEnd(inode, cookie);
  if (era().clearDirtyUnderMemcgLock) yield* folioMemcgUnlock(page);
  return was;
}

/** In the step of what began the section around it: the page is locked, so that nobody else touches the bit. */
function testClearDirty(page: Page, inode: Inode | undefined): boolean {
  if (!page.dirty) return false;
  page.dirty = false;
  if (inode !== undefined) accountCleaned(page, inode);
  return true;
}

/** `cancel_dirty_page()`: the locked page is about to be dropped, what it holds need not be written. */
export function* folioCancelDirty(page: Page): Resumable {
  if (page.dirty) yield* __folioCancelDirty(page);
}

function* __folioCancelDirty(page: Page): Resumable {
  const inode = page.mapping?.host;
  if (inode === undefined) {
    page.dirty = false;
    return;
  }
  yield* folioMemcgLock(page);
  const cookie = yield* unlockedInodeToWbBegin(inode);
  testClearDirty(page, inode);
  yield* unlockedInodeToWbEnd(inode, cookie);
  yield* folioMemcgUnlock(page);
}

/** `account_page_redirty()`: the counters of dirtied pages are taken back; they decide nothing here, the section does. */
export function* folioAccountRedirty(page: Page): Resumable {
  const inode = page.mapping?.host;
  if (inode === undefined) return;
  const cookie = yield* unlockedInodeToWbBegin(inode);
  yield* unlockedInodeToWbEnd(inode, cookie);
}

/** `redirty_page_for_writepage()`: the writer cannot write the locked page now. */
export function* folioRedirtyForWritepage(wbc: WritebackControl, page: Page): Resumable<boolean> {
  wbc.pagesSkipped++;
  const newly = yield* folioMarkDirty(page);
  yield* folioAccountRedirty(page);
  return newly;
}

/** `set_page_writeback()` of a locked page; who ends it is whoever gets the bio that the caller puts it into. */
export function* folioStartWriteback(page: Page, keepWrite = false): Resumable {
  yield* __folioStartWriteback(page, keepWrite);
}

function* __folioStartWriteback(page: Page, keepWrite: boolean): Resumable {
  yield* folioMemcgLock(page);
  const { mapping } = page;
  if (mapping === undefined) {
    setWriteback(page, keepWrite);
  } else {
    const flags = yield* spinLockIrqsave(mapping.treeLock);
    setWriteback(page, keepWrite);
    yield* spinUnlockIrqrestore(mapping.treeLock, flags);
  }
  yield* folioMemcgUnlock(page);
}

function setWriteback(page: Page, keepWrite: boolean): void {
  if (page.writeback) throw new Error(`${page} is under writeback already`);
  page.writeback = true;
  if (!page.dirty) page.dirtyTag = false;
  if (!keepWrite) page.towriteTag = false;
  if (page.memcg !== undefined) page.memcg.nrWriteback++;
  const wb = page.mapping?.host?.wb;
  if (wb !== undefined) wb.nrWriteback++;
}

/** `test_clear_page_writeback()`: the part of end_page_writeback() that takes locks, often in an interrupt. */
export function* __folioEndWriteback(page: Page): Resumable {
  yield* folioMemcgLock(page);
  const { mapping } = page;
  if (mapping === undefined) {
    clearWriteback(page);
  } else {
    const flags = yield* spinLockIrqsave(mapping.treeLock);
    clearWriteback(page);
    yield* spinUnlockIrqrestore(mapping.treeLock, flags);
  }
  yield* folioMemcgUnlock(page);
}

function clearWriteback(page: Page): void {
  if (!page.writeback) throw new Error(`${page} is not under writeback`);
  page.writeback = false;
  page.writebackBio = undefined;
  if (page.memcg !== undefined) page.memcg.nrWriteback--;
  const wb = page.mapping?.host?.wb;
  if (wb !== undefined) wb.nrWriteback--;
}

interface Range {
  readonly start: number;
  readonly end: number;
}
const tagToWrite = op<AddressSpace, Range>("tag_pages_for_writeback", {
  apply(mapping, { start, end }) {
    for (const page of mapping.pages) {
      if (page.index >= start && page.index <= end && page.dirtyTag) page.towriteTag = true;
    }
  },
  describe: (mapping) => `tag_pages_for_writeback ${mapping}`,
});

/** `tag_pages_for_writeback()`: what is dirty now is to be written by an integrity pass; what becomes dirty later is not. */
export function* tagPagesForWriteback(mapping: AddressSpace, start: number, end: number): Resumable {
  yield tagToWrite(mapping, Object.freeze({ start, end }));
}

/** Writes one locked page and unlocks it; a negative number is an error. `data` is the sweep's own, e.g. an open ioend. */
export type Writepage = (page: Page, wbc: WritebackControl, data: Entity | undefined) => Resumable<number>;

/** Where a cyclic sweep begins. */
const getWritebackIndex = op<AddressSpace>("read writeback_index", {
  apply: (mapping) => mapping.writebackIndex,
  describe: (mapping) => `read writeback_index of ${mapping}`,
});
const setWritebackIndex = op<AddressSpace, number>("set writeback_index", {
  apply(mapping, index) {
    mapping.writebackIndex = index;
  },
  describe: (mapping, index) => `set writeback_index of ${mapping} to ${index}`,
});

/**
 * `write_cache_pages()`: locks the dirty pages of a range in ascending index and hands each to `writepage`. A cyclic sweep
 * goes on where the last one ended; before 4.20 it wraps to the start of the file in the same call, with what `writepage`
 * has collected still unsubmitted: commit 64081362e8ff ("mm/page-writeback.c: fix range_cyclic writeback vs writepages
 * deadlock") (v4.20-rc1).
 */
export function* writeCachePages(
  mapping: AddressSpace,
  wbc: WritebackControl,
  writepage: Writepage,
  data?: Entity,
): Resumable<number> {
  const cyclic = wbc.rangeCyclic;
  const from: number = cyclic ? yield getWritebackIndex(mapping) : wbc.rangeStart;
  let start = from;
  let end = cyclic ? LAST_INDEX : wbc.rangeEnd;
  let wraps = cyclic && from > 0 && era().rangeCyclicWrapInOneCall;
  let done = false;
  let doneIndex = start;
  let result = 0;
  for (;;) {
    const integrity = wbc.syncAll || wbc.taggedWritepages;
    if (integrity) yield* tagPagesForWriteback(mapping, start, end);
    doneIndex = start;
    let next = start;
    while (!done && next <= end) {
      const batch: readonly Page[] = yield* filemapGetFoliosTag(mapping, next, end, integrity ? "towrite" : "dirty");
      const last = batch.at(-1);
      if (last === undefined) break;
      next = last.index + 1;
      for (const page of batch) {
        doneIndex = page.index;
        yield* folioLock(page);
        if (!(yield* folioPrepareWriteback(page, mapping, doneIndex, wbc))) {
          yield* folioUnlock(page);
          continue;
        }
        const error = yield* writepage(page, wbc, data);
        if (error < 0) {
          if (result === 0) result = error;
          if (!wbc.syncAll) {
            doneIndex++;
            done = true;
            break;
          }
        }
        wbc.nrToWrite--;
        if (wbc.nrToWrite <= 0 && !wbc.syncAll) {
          done = true;
          break;
        }
      }
      yield* folioBatchRelease(batch);
    }
    if (!wraps || done) break;
    wraps = false;
    end = from - 1;
    start = 0;
  }
  if (cyclic && !done && !era().rangeCyclicWrapInOneCall) doneIndex = 0;
  const whole = !cyclic && wbc.rangeStart === 0 && wbc.rangeEnd >= LAST_INDEX;
  if (cyclic || (whole && wbc.nrToWrite > 0)) yield setWritebackIndex(mapping, doneIndex);
  return result;
}

/** Whether the page, locked now, is still dirty and there, and writeback of it may begin; its dirty bit is cleared if so. */
function* folioPrepareWriteback(
  page: Page,
  mapping: AddressSpace,
  index: number,
  wbc: WritebackControl,
): Resumable<boolean> {
  if (!stillThere(page, mapping, index) || !page.dirty) return false;
  if (yield* folioTestWriteback(page)) {
    if (!wbc.syncAll) return false;
    yield* folioWaitWriteback(page);
  }
  return yield* folioClearDirtyForIo(page);
}

/** `do_writepages()`: the filesystem's writepages. */
export function* doWritepages(mapping: AddressSpace, wbc: WritebackControl): Resumable<number> {
  if (wbc.nrToWrite <= 0) return 0;
  const writepages = mapping.aOps.writepages;
  return yield* writepages(mapping, wbc);
}
