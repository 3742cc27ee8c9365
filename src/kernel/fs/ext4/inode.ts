/**
 * Writing back the pages of an ext4 inode (fs/ext4/inode.c), delalloc. Without a journal there are no handles; with one, each
 * extent that needs blocks has its own.
 *
 * ext4_writepages makes a first sweep without a handle over pages whose blocks are allocated, then one handle per extent of
 * pages that need blocks; each sweep ends by submitting its bio. Inside a sweep pages are locked in ascending index, one
 * after the other, while those before sit under writeback, unlocked, in the unsubmitted bio (mpage_prepare_extent_to_map).
 * A cyclic pass that began in the middle sweeps again from index 0, after the first bio was submitted and the plug ended.
 *
 * i_data_sem is taken by the kernel in the places marked; nothing sleeps under it, so that it cannot be met held and is no
 * operation. Neither is the percpu s_writepages_rwsem, unless somebody may change a file's journal mode: then it is taken, and a
 * sweep inside a sweep (reclaim in ext4_init_io_end() that writes an inode) takes it twice.
 *
 * Feature submitBeforeLock: the proposal "Ext4: fix deadlock on dirty pages between fault and writeback" (October 2018, never
 * merged) submits the pending bio before it waits for a page lock.
 */
import { op, type Resumable } from "../../../resumable/index.ts";
import { blkFinishPlug, blkStartPlug } from "../../block/plug.ts";
import { GFP_KERNEL, PF_MEMALLOC_NOFS } from "../../gfp.ts";
import { percpuDownRead, percpuDownWrite, percpuUpRead, percpuUpWrite } from "../../locking/percpu-rwsem.ts";
import { downRead, downWrite, upRead, upWrite } from "../../locking/rwsem.ts";
import {
  __filemapGetFolio,
  FGP_WRITEBEGIN,
  filemapFault,
  filemapGetFoliosTag,
  folioBatchRelease,
  folioLock,
  folioPut,
  folioTestWriteback,
  folioTrylock,
  folioUnlock,
  folioWaitStable,
  folioWaitWriteback,
  stillThere,
} from "../../mm/filemap.ts";
import type { Vma } from "../../mm/mm-types.ts";
import type { AddressSpace, Page } from "../../mm/page.ts";
import { folioClearDirtyForIo, folioMarkDirty, LAST_INDEX, tagPagesForWriteback } from "../../mm/page-writeback.ts";
import { kmemCacheAlloc, kmemCacheFree } from "../../mm/slab.ts";
import { current, era } from "../../sched/current.ts";
import type { AddressSpaceOperations, SuperOperations } from "../fs-types.ts";
import type { Inode, SuperBlock } from "../inode.ts";
import type { Handle } from "../jbd2/journal.ts";
import { fileWriteAndWaitRange } from "../sync.ts";
import type { WritebackControl } from "../writeback-control.ts";
import {
  __ext4JournalStartSb,
  __ext4JournalStop,
  ext4MarkInodeDirty,
  ext4NoteChange,
  ext4OrderData,
} from "./ext4-jbd2.ts";
import { clearMpd, type MpageDaData, mpdOfCurrent } from "./mpage-da-data.ts";
import { ext4BioWriteFolio, ext4IoSubmit } from "./page-io.ts";

/** Nothing to do, or where a cyclic pass begins; its index is moved by those who hold I_SYNC and by fsync only. */
const startOfPass = op<AddressSpace>("test dirty tag", {
  apply: (mapping) => ([...mapping.pages].some((page) => page.dirtyTag) ? mapping.writebackIndex : NOTHING),
  describe: (mapping) => `test the dirty tag of ${mapping}`,
});
const NOTHING = -1;

/** `ext4_writepages()`; from 5.6 to 6.2 under s_writepages_rwsem itself, a NOFS scope where that was fixed. */
export function* ext4Writepages(mapping: AddressSpace, wbc: WritebackControl): Resumable<number> {
  const sb = mapping.host?.sb as SuperBlock;
  const nofs = yield* ext4WritepagesDownRead(sb);
  const error = yield* ext4DoWritepages(mapping, wbc, mpdOfCurrent());
  ext4WritepagesUp(nofs);
  if (sb.mayChangeJournalFlag) percpuUpRead(sb.writepagesRwsem);
  return error;
}

/** `ext4_writepages_down_read()`: what the scope was before. */
function* ext4WritepagesDownRead(sb: SuperBlock): Resumable<number> {
  if (sb.mayChangeJournalFlag) yield* percpuDownRead(sb.writepagesRwsem);
  const nofs = current().flags & PF_MEMALLOC_NOFS;
  if (era().writepagesRwsemNofs) current().flags |= PF_MEMALLOC_NOFS;
  return nofs;
}
function ext4WritepagesUp(nofs: number): void {
  current().flags = (current().flags & ~PF_MEMALLOC_NOFS) | nofs;
}

/**
 * `ext4_change_inode_journal_flag()`, which `chattr +j` comes to: the file is written, then no writepages may run on the whole
 * filesystem. Waiting for the journal's handles (jbd2_journal_lock_updates) is not modelled. The caller holds i_rwsem.
 */
export function* ext4ChangeInodeJournalFlag(inode: Inode): Resumable {
  const { sb } = inode;
  yield* downWrite(inode.invalidateLock);
  yield* fileWriteAndWaitRange(inode);
  if (sb.mayChangeJournalFlag) {
    yield* percpuDownWrite(sb.writepagesRwsem);
    percpuUpWrite(sb.writepagesRwsem);
  }
  yield* upWrite(inode.invalidateLock);
}

/**
 * `ext4_init_io_end()`: GFP_KERNEL, with no page locked and no bio open. It is given back when the sweep has submitted its bio;
 * the reference that the bio keeps until it ends is not modelled.
 */
function* ext4InitIoEnd(mpd: MpageDaData): Resumable<boolean> {
  mpd.ioEnd = yield* kmemCacheAlloc(GFP_KERNEL);
  return mpd.ioEnd !== undefined;
}
function* ext4PutIoEnd(mpd: MpageDaData): Resumable {
  const { ioEnd } = mpd;
  mpd.ioEnd = undefined;
  yield* kmemCacheFree(ioEnd);
}

/** The sweeps; a function of its own since 6.3. */
function* ext4DoWritepages(mapping: AddressSpace, wbc: WritebackControl, mpd: MpageDaData): Resumable<number> {
  const index: number = yield startOfPass(mapping);
  if (index === NOTHING) return 0;
  const cyclic = wbc.rangeCyclic;
  const from = cyclic ? index : wbc.rangeStart;
  let cycled = from === 0 || !cyclic;
  mpd.firstPage = from;
  mpd.lastPage = cyclic ? LAST_INDEX : wbc.rangeEnd;
  for (;;) {
    if (wbc.syncAll || wbc.taggedWritepages) yield* tagPagesForWriteback(mapping, mpd.firstPage, mpd.lastPage);
    const outermost = blkStartPlug();
    mpd.scannedUntilEnd = false;
    let memory = yield* ext4InitIoEnd(mpd);
    if (memory) {
      yield* mpagePrepareExtentToMap(mapping, wbc, mpd);
      yield* mpageReleaseUnusedPages(mapping, mpd);
      yield* ext4IoSubmit(mpd);
      yield* ext4PutIoEnd(mpd);
    }
    while (memory && !mpd.scannedUntilEnd && wbc.nrToWrite > 0) {
      memory = yield* ext4InitIoEnd(mpd);
      if (memory) yield* ext4WriteExtent(mapping, wbc, mpd);
    }
    yield* blkFinishPlug(outermost);
    if (!memory) break;
    if (cycled || wbc.nrToWrite <= 0) break;
    cycled = true;
    mpd.firstPage = 0;
    mpd.lastPage = from - 1;
  }
  const whole = wbc.rangeStart === 0 && wbc.rangeEnd >= LAST_INDEX;
  if (cyclic || (whole && wbc.nrToWrite > 0)) mapping.writebackIndex = mpd.firstPage;
  clearMpd(mpd);
  return 0;
}

/**
 * One extent, under a handle of its own where there is a journal. A synchronous one must be stopped last: its commit may wait
 * for what is locked or not submitted here (commit 646caa9c8e19 ("ext4: fix deadlock during page writeback")).
 */
function* ext4WriteExtent(mapping: AddressSpace, wbc: WritebackControl, mpd: MpageDaData): Resumable {
  let handle = yield* __ext4JournalStartSb((mapping.host as Inode).sb);
  mpd.doMap = true;
  yield* mpagePrepareExtentToMap(mapping, wbc, mpd);
  if (mpd.extentPages > 0) yield* mpageMapAndSubmitExtent(mapping, wbc, mpd);
  mpd.doMap = false;
  if (handle !== undefined && !(handle.sync && era().ext4StopsSyncHandleLast)) {
    yield* __ext4JournalStop(handle);
    handle = undefined;
  }
  yield* mpageReleaseUnusedPages(mapping, mpd);
  yield* ext4IoSubmit(mpd);
  yield* ext4PutIoEnd(mpd);
  yield* __ext4JournalStop(handle);
}

/**
 * Writes pages whose blocks are there and collects, if {@link MpageDaData.doMap}, one extent of pages that need some; those
 * stay locked.
 */
function* mpagePrepareExtentToMap(mapping: AddressSpace, wbc: WritebackControl, mpd: MpageDaData): Resumable {
  const tag = wbc.syncAll || wbc.taggedWritepages ? "towrite" : "dirty";
  let left = wbc.nrToWrite;
  let index = mpd.firstPage;
  mpd.extentPages = 0;
  mpd.nextPage = index;
  while (index <= mpd.lastPage) {
    const batch: readonly Page[] = yield* filemapGetFoliosTag(mapping, index, mpd.lastPage, tag);
    const last = batch.at(-1);
    if (last === undefined) break;
    for (const page of batch) {
      const full = !wbc.syncAll && left <= 0;
      const apart = mpd.extentPages > 0 && page.index !== mpd.nextPage;
      if (full || apart) {
        yield* folioBatchRelease(batch);
        return;
      }
      index = page.index;
      if (!era().submitBeforeLock) {
        yield* folioLock(page);
      } else if (!(yield* folioTrylock(page))) {
        yield* ext4IoSubmit(mpd);
        yield* folioLock(page);
      }
      if (!stillThere(page, mapping, index) || !page.dirty) {
        yield* folioUnlock(page);
        continue;
      }
      // clear it stays clear under the page lock; set it may be cleared at any time
      if (page.writeback && (yield* folioTestWriteback(page))) {
        if (!wbc.syncAll) {
          yield* folioUnlock(page);
          continue;
        }
        yield* folioWaitWriteback(page);
      }
      if (mpd.extentPages === 0) mpd.firstPage = index;
      mpd.nextPage = index + 1;
      if (!(yield* mpageProcessPageBufs(page, wbc, mpd))) {
        yield* folioBatchRelease(batch);
        return;
      }
      left--;
    }
    index = last.index + 1;
    yield* folioBatchRelease(batch);
  }
  mpd.scannedUntilEnd = true;
}

/** False: the sweep is over, with the page locked and not taken, or an extent found. */
function* mpageProcessPageBufs(page: Page, wbc: WritebackControl, mpd: MpageDaData): Resumable<boolean> {
  if (!page.mapped) {
    if (!mpd.doMap) return false;
    mpd.extentPages++;
    return true;
  }
  if (mpd.extentPages > 0) return false;
  yield* mpageSubmitFolio(page, wbc, mpd);
  return true;
}

function* mpageSubmitFolio(page: Page, wbc: WritebackControl, mpd: MpageDaData): Resumable {
  yield* folioClearDirtyForIo(page);
  yield* ext4BioWriteFolio(mpd, wbc, page);
  wbc.nrToWrite--;
  mpd.firstPage++;
}

/** Blocks for the extent (i_data_sem for writing here), then its pages one after the other into the bio. */
function* mpageMapAndSubmitExtent(mapping: AddressSpace, wbc: WritebackControl, mpd: MpageDaData): Resumable {
  if (mapping.host?.sb.unwrittenEnds !== undefined) mpd.unwritten = true;
  const inode = mapping.host as Inode;
  const handle = current().journalInfo as Handle | undefined;
  if (era().ext4OrdersDelalloc && !mpd.unwritten) ext4OrderData(handle, inode);
  const end = mpd.firstPage + mpd.extentPages;
  yield* mpageMapAndSubmitBuffers(mapping, wbc, mpd);
  ext4MarkInodeDirty(handle, inode, end);
  mpd.unwritten = false;
}

function* mpageMapAndSubmitBuffers(mapping: AddressSpace, wbc: WritebackControl, mpd: MpageDaData): Resumable {
  const extent = lockedRange(mapping, mpd.firstPage, mpd.firstPage + mpd.extentPages);
  mpd.extentPages = 0;
  for (const page of extent) {
    page.mapped = true;
    yield* mpageSubmitFolio(page, wbc, mpd);
  }
}

/** Unlocks what was locked and not submitted. */
function* mpageReleaseUnusedPages(mapping: AddressSpace, mpd: MpageDaData): Resumable {
  for (const page of lockedRange(mapping, mpd.firstPage, mpd.nextPage)) yield* folioUnlock(page);
  mpd.extentPages = 0;
}

/** Pages that the current task holds locked; nobody else can take those away. */
function lockedRange(mapping: AddressSpace, start: number, end: number): readonly Page[] {
  const mine = (page: Page): boolean => page.index >= start && page.index < end && page.lockedBy === current();
  return Object.freeze([...mapping.pages].filter(mine));
}

/** `ext4_da_write_begin()`: the page locked, allocated with the mapping's mask (`__GFP_FS` too: no handle is open) [S 6.1]. */
function* ext4DaWriteBegin(inode: Inode, index: number): Resumable<Page | undefined> {
  return yield* __filemapGetFolio(inode.mapping, index, FGP_WRITEBEGIN, inode.mapping.gfpMask);
}

/** `ext4_da_write_end()` of a whole page: dirty and unlocked. */
function* ext4DaWriteEnd(_inode: Inode, page: Page): Resumable {
  yield* folioMarkDirty(page);
  yield* folioUnlock(page);
  yield* folioPut(page);
}

/** `ext4_filemap_fault()`: `i_mmap_sem` keeps truncation and hole punching off while the fault looks for its page. */
function* ext4FilemapFault(vma: Vma, index: number, flags: number): Resumable<Page | number> {
  const { invalidateLock } = vma.file as Inode;
  yield* downRead(invalidateLock, true);
  const page = yield* filemapFault(vma, index, flags);
  yield* upRead(invalidateLock);
  return page;
}

function* ext4Fault(vma: Vma, index: number, flags: number): Resumable<Page | number> {
  if (!era().ext4FaultUnderMmapSem) return yield* filemapFault(vma, index, flags);
  return yield* ext4FilemapFault(vma, index, flags);
}

/** `ext4_page_mkwrite()`, delalloc; true with the page locked, false when it was truncated meanwhile. */
function* ext4PageMkwrite(inode: Inode, page: Page): Resumable<boolean> {
  yield* downRead(inode.invalidateLock);
  const locked = yield* blockPageMkwrite(inode, page);
  yield* upRead(inode.invalidateLock);
  return locked;
}

function* blockPageMkwrite(inode: Inode, page: Page): Resumable<boolean> {
  yield* folioLock(page);
  if (page.mapping !== inode.mapping || page.index >= inode.size) {
    yield* folioUnlock(page);
    return false;
  }
  yield* folioMarkDirty(page);
  yield* folioWaitStable(page);
  return true;
}

const changeTimes = op<Inode>("ext4_mark_inode_dirty", {
  apply(inode) {
    ext4NoteChange(current().journalInfo as Handle | undefined, inode);
  },
  describe: (inode) => `change the times of ${inode}`,
});

/** `ext4_dirty_inode()`: a change of times, as every read, write and utimes(2) may bring one. */
export function* ext4DirtyInode(inode: Inode): Resumable {
  const handle = yield* __ext4JournalStartSb(inode.sb);
  yield changeTimes(inode);
  yield* __ext4JournalStop(handle);
}

/** `super_operations` of a filesystem with a journal. */
export const ext4SuperOps: SuperOperations = Object.freeze({ dirtyInode: ext4DirtyInode });

/** `ext4_da_aops` and what of `vm_operations_struct` the model needs. */
export const ext4Aops: AddressSpaceOperations = Object.freeze({
  name: "ext4",
  writepages: ext4Writepages,
  writeBegin: ext4DaWriteBegin,
  writeEnd: ext4DaWriteEnd,
  fault: ext4Fault,
  pageMkwrite: ext4PageMkwrite,
});
