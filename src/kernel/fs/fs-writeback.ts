/**
 * The flusher (fs/fs-writeback.c): one work item per writeback domain, so that one pass runs at a time in each.
 *
 * wb_workfn > wb_do_writeback > wb_writeback > __writeback_inodes_wb > writeback_sb_inodes > __writeback_single_inode >
 * do_writepages. Lock order: s_umount (trylock only) > I_SYNC > what the filesystem takes; list_lock > i_lock is dropped
 * before I_SYNC is worked under. What waits for a flusher waits for its works to be done, for I_SYNC, or for pages.
 *
 * Works that others queued come first, then WB_start_all, then old data (any inode may be older than 30 s: time is no state),
 * then background while the domain is over its threshold. `dirtied_when` is kept as one bit per inode: before or after the
 * present work began; only background and periodic works look at those of after.
 */
import { type Entity, op, type Resumable } from "../../resumable/index.ts";
import { blkFinishPlug, blkFlushPlug, blkStartPlug } from "../block/plug.ts";
import { downReadTrylock, upRead } from "../locking/rwsem.ts";
import { spinLock, spinUnlock } from "../locking/spinlock.ts";
import { filemapFdatawaitRange } from "../mm/filemap.ts";
import { doWritepages, LAST_INDEX } from "../mm/page-writeback.ts";
import { current, kernel } from "../sched/current.ts";
import { waitOp } from "../sched/wait.ts";
import type { BackingDevInfo, BdiWriteback, WbCheck, WbWork } from "./backing-dev.ts";
import { I_DIRTY, I_DIRTY_PAGES, I_FREEING, I_SYNC, I_WILL_FREE, type Inode, type SuperBlock } from "./inode.ts";
import { wbcAttachInode, wbcDetachInode } from "./inode-switch-wbs.ts";
import {
  inodeIoListDel,
  inodeToWbAndLockList,
  wbHasDirtyIo,
  wbOverBgThresh,
  wbStartWriteback,
  wbWakeup,
  wbWakeupDelayed,
} from "./wb.ts";
import { clearWbc, type WritebackControl, wbcOf } from "./writeback-control.ts";

export {
  inodeSwitchWbs,
  inodeSwitchWbsWorkFn,
  wbcAccountCgroupOwner,
  wbcAttachInode,
  wbcDetachInode,
} from "./inode-switch-wbs.ts";
export { __markInodeDirty } from "./mark-inode-dirty.ts";
export { inodeCgwbEnabled, unlockedInodeToWbBegin, unlockedInodeToWbEnd } from "./unlocked-inode-to-wb.ts";
export { inodeAttachWb, wbDirtyPages, wbHasDirtyIo, wbOverBgThresh, wbStartBackgroundWriteback } from "./wb.ts";

/** Pages of one inode before the next has its turn: at least 4 MiB (MIN_WRITEBACK_PAGES). */
const CHUNK_PAGES = 1024;

/** All of them. */
export const ALL_PAGES = 0x3fffffff;

/** `wakeup_flusher_threads()`: every domain with dirty inodes writes all it has now; the caller's own plug is flushed first. */
export function* wakeupFlusherThreads(): Resumable {
  yield* blkFlushPlug();
  for (const bdi of kernel().subsystem<readonly BackingDevInfo[]>("bdis")) {
    for (const wb of bdi.wbs.snapshot()) yield* wbStartWriteback(wb);
  }
}

/**
 * Ends a work and says what to do next: the oldest queued work, or else what the checks after the last one come to. Nothing:
 * no work was queued meanwhile either (the loop of wb_workfn), so that the flusher may rest.
 */
const nextWork = op<BdiWriteback, WbWork>("next work", {
  apply(wb, finished) {
    const last = finished?.check;
    if (finished !== undefined) finishWritebackWork(wb, finished);
    const queued = last === undefined ? wb.works.shift() : undefined;
    const work = queued ?? dueWork(wb, last) ?? wb.works.shift();
    wb.running = work !== undefined;
    return work;
  },
  describe: (wb, finished) => `${finished === undefined ? "first" : "next"} work of ${wb}`,
});

function finishWritebackWork(wb: BdiWriteback, work: WbWork): void {
  if (work.check === "start_all") wb.startAll = false;
  if (work.check === undefined) work.done = true;
  Object.assign(work, { check: undefined, sb: undefined, syncAll: false, rangeCyclic: false, nrPages: 0 });
  Object.assign(work, { queued: false, taggedWritepages: false, forSync: false });
}

/** The first check after `last` that finds something to do, as a work. */
function dueWork(wb: BdiWriteback, last: WbCheck | undefined): WbWork | undefined {
  const check = CHECKS.slice(last === undefined ? 0 : CHECKS.indexOf(last) + 1).find((c) => isDue(wb, c));
  if (check === undefined) return undefined;
  const nrPages = check === "background" ? ALL_PAGES : nrDirtyPages(wb);
  return Object.assign(wb.ownWork, { check, rangeCyclic: true, nrPages });
}
const CHECKS: readonly WbCheck[] = Object.freeze(["start_all", "kupdate", "background"] as const);

function isDue(wb: BdiWriteback, check: WbCheck): boolean {
  switch (check) {
    case "start_all":
      if (!wbHasDirtyIo(wb)) wb.startAll = false;
      return wb.startAll;
    case "kupdate":
      return wb.bdi.periodic && wbHasDirtyIo(wb);
    case "background":
      return wbOverBgThresh(wb);
  }
}

/** `get_nr_dirty_pages()`: pages, and inodes for their metadata. */
function nrDirtyPages(wb: BdiWriteback): number {
  let dirty = 0;
  for (const { wbs } of kernel().subsystem<readonly BackingDevInfo[]>("bdis")) {
    if (!wbs.includes(wb)) continue;
    for (const other of wbs) {
      for (const list of [other.bDirty, other.bIo, other.bMoreIo]) {
        for (const inode of list) dirty += 1 + [...inode.mapping.pages].filter((page) => page.dirty).length;
      }
    }
  }
  return dirty;
}

/** `wb_workfn()`. The rescuer's shorter pass is not modelled: the queue has a worker per domain. */
export function* wbWorkfn(argument: Entity | undefined): Resumable {
  const wb = argument as BdiWriteback;
  yield* wbDoWriteback(wb);
  if (wbHasDirtyIo(wb)) yield* wbWakeupDelayed(wb);
}

function* wbDoWriteback(wb: BdiWriteback): Resumable {
  let work: WbWork | undefined;
  for (;;) {
    work = yield nextWork(wb, work);
    if (work === undefined) return;
    yield* wbWriteback(wb, work);
  }
}

/** `wb_writeback()`: batches of inodes until the work is done or nothing more can be written. */
function* wbWriteback(wb: BdiWriteback, work: WbWork): Resumable {
  const outermost = blkStartPlug();
  for (const list of [wb.bDirty, wb.bIo, wb.bMoreIo]) for (const inode of list) inode.dirtiedLate = false;
  yield* spinLock(wb.listLock);
  while (work.nrPages > 0) {
    const bySelf = work.check === "background" || work.check === "kupdate";
    if (bySelf && wb.works.length > 0) break;
    if (work.check === "background" && !wbOverBgThresh(wb)) break;
    if (wb.bIo.length === 0) queueIo(wb, bySelf);
    const progress =
      work.sb === undefined ? yield* __writebackInodesWb(wb, work) : yield* writebackSbInodes(work.sb, wb, work);
    if (progress) continue;
    const busy = wb.bMoreIo.at(-1);
    if (busy === undefined) break;
    spinUnlock(wb.listLock);
    yield* inodeSleepOnWriteback(busy);
    yield* spinLock(wb.listLock);
  }
  spinUnlock(wb.listLock);
  yield* blkFinishPlug(outermost);
}

/** `queue_io()`: what stayed over from before, then dirty inodes, oldest last; those of after the work's begin only if `all`. */
function queueIo(wb: BdiWriteback, all: boolean): void {
  const expired = [...wb.bDirty].filter((inode) => all || !inode.dirtiedLate);
  const next = [...expired, ...wb.bMoreIo, ...wb.bIo];
  for (const inode of expired) wb.bDirty.remove(inode);
  wb.bMoreIo.clear();
  wb.bIo.clear();
  for (const inode of next) wb.bIo.push(inode);
}

function redirtyTail(inode: Inode, wb: BdiWriteback): void {
  inodeIoListDel(inode, wb);
  if (wb.bDirty.at(0)?.dirtiedLate === true) inode.dirtiedLate = true;
  wb.bDirty.unshift(inode);
}
function requeueIo(inode: Inode, wb: BdiWriteback): void {
  inodeIoListDel(inode, wb);
  wb.bMoreIo.unshift(inode);
}

/** `__writeback_inodes_wb()`, under list_lock; true when something was written. */
function* __writebackInodesWb(wb: BdiWriteback, work: WbWork): Resumable<boolean> {
  let wrote = false;
  for (;;) {
    const inode = wb.bIo.at(-1);
    if (inode === undefined) return wrote;
    const { sb } = inode;
    if (sb.mayUnmount && !(yield* downReadTrylock(sb.sUmount))) {
      redirtyTail(inode, wb);
      continue;
    }
    if (yield* writebackSbInodes(sb, wb, work)) wrote = true;
    if (sb.mayUnmount) yield* upRead(sb.sUmount);
    if (wrote && work.nrPages <= 0) return wrote;
  }
}

/** `writeback_sb_inodes()`, under list_lock, which is dropped for each inode; true when pages or an inode became clean. */
function* writebackSbInodes(sb: SuperBlock, wb: BdiWriteback, work: WbWork): Resumable<boolean> {
  let wrote = false;
  for (;;) {
    const inode = wb.bIo.at(-1);
    if (inode === undefined) return wrote;
    if (inode.sb !== sb) {
      if (work.sb === undefined) return wrote;
      redirtyTail(inode, wb);
      continue;
    }
    if ((inode.state & (I_FREEING | I_WILL_FREE)) !== 0) {
      redirtyTail(inode, wb);
      continue;
    }
    if ((inode.state & I_SYNC) !== 0) {
      if (!work.syncAll) {
        requeueIo(inode, wb);
        continue;
      }
      spinUnlock(wb.listLock);
      yield* inodeSleepOnWriteback(inode);
      yield* spinLock(wb.listLock);
      continue;
    }
    inode.state |= I_SYNC;
    inode.syncedBy = current();
    spinUnlock(wb.listLock);
    const wbc = wbcForWork(work, inode);
    const chunk = wbc.nrToWrite;
    yield* __writebackSingleInode(inode, wbc);
    yield* wbcDetachInode(wbc, inode);
    const written = chunk - wbc.nrToWrite;
    if (work.nrPages < ALL_PAGES) work.nrPages -= written;
    if (written - wbc.pagesSkipped > 0) wrote = true;
    const now = yield* inodeToWbAndLockList(inode);
    if ((inode.state & I_DIRTY) === 0) wrote = true;
    requeueInode(inode, now, wbc);
    clearWbc(wbc);
    inodeSyncComplete(inode);
    if (now !== wb) {
      spinUnlock(now.listLock);
      yield* spinLock(wb.listLock);
    }
    if (wrote && work.nrPages <= 0) return wrote;
  }
}

/** What `writeback_sb_inodes()` asks of one pass over an inode. */
function wbcForWork(work: WbWork, inode: Inode): WritebackControl {
  const whole = work.syncAll || work.taggedWritepages;
  const wbc = Object.assign(wbcOf(current()), {
    syncAll: work.syncAll,
    taggedWritepages: work.taggedWritepages,
    forSync: work.forSync,
    rangeCyclic: work.rangeCyclic,
    rangeStart: 0,
    rangeEnd: LAST_INDEX,
    nrToWrite: whole ? ALL_PAGES : CHUNK_PAGES,
  });
  wbcAttachInode(wbc, inode);
  return wbc;
}

const takeDirtyBits = op<Inode>("take dirty bits", {
  apply(inode) {
    inode.state &= ~I_DIRTY;
    if ([...inode.mapping.pages].some((page) => page.dirtyTag)) inode.state |= I_DIRTY_PAGES;
  },
  describe: (inode) => `take the dirty bits of ${inode}`,
});

/**
 * `__writeback_single_inode()`: its pages, then its dirty bits, which come back if pages were dirtied meanwhile. Writing the
 * inode itself (`write_inode`) is the journal's business and no step here.
 */
export function* __writebackSingleInode(inode: Inode, wbc: WritebackControl): Resumable {
  yield* doWritepages(inode.mapping, wbc);
  if (wbc.syncAll && !wbc.forSync) yield* filemapFdatawaitRange(inode.mapping, 0, LAST_INDEX);
  yield takeDirtyBits(inode);
}

/** `requeue_inode()`, under list_lock: where an inode goes after its pass. */
function requeueInode(inode: Inode, wb: BdiWriteback, wbc: WritebackControl): void {
  const dirty = (inode.state & I_DIRTY) !== 0;
  if (dirty && (wbc.syncAll || wbc.taggedWritepages)) inode.dirtiedLate = true;
  if ((inode.state & I_FREEING) !== 0) return;
  if (!dirty) {
    inodeIoListDel(inode, wb);
    inode.dirtiedLate = false;
  } else if (wbc.pagesSkipped === 0 && wbc.nrToWrite <= 0) {
    requeueIo(inode, wb);
  } else {
    redirtyTail(inode, wb);
  }
}

/** `inode_sync_complete()`. @internal */
export function inodeSyncComplete(inode: Inode): void {
  inode.state &= ~I_SYNC;
  inode.syncedBy = undefined;
}

/** @internal */
export const syncClear = waitOp<Inode>("wait for I_SYNC", {
  ways: (inode) => ((inode.state & I_SYNC) === 0 ? 1 : 0),
  wait: (inode) => ({
    resource: { class: "I_SYNC", id: String(inode.ino) },
    verb: "clear",
    providers: inode.syncedBy === undefined ? [] : [inode.syncedBy],
    state: "D",
    top: "schedule",
  }),
  describe: (inode) => `wait for I_SYNC of ${inode}`,
});

/** `inode_sleep_on_writeback()`. */
export function* inodeSleepOnWriteback(inode: Inode): Resumable {
  yield* blkFlushPlug();
  yield syncClear(inode);
}

/** Queues a work and wakes the flusher (`wb_queue_work`). */
export function* wbQueueWork(wb: BdiWriteback, work: WbWork): Resumable {
  yield queueWbWork(wb, work);
  yield* wbWakeup(wb);
}
const queueWbWork = op<BdiWriteback, WbWork>("queue work", {
  apply(wb, work) {
    work.queued = true;
    work.done = false;
    wb.works.push(work);
  },
  describe: (wb) => `queue a work of ${wb}`,
});
