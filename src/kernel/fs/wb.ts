/**
 * Writeback domains (mm/backing-dev.c): finding one, its lists, waking its flusher.
 *
 * The lists are under list_lock, newest inode first; the flusher takes from the end. Sections under i_lock are parts of one
 * step each here and no lock is taken inside, so nobody can meet i_lock held and it is not taken as an operation.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import { spinLock, spinUnlock } from "../locking/spinlock.ts";
import { memcgDirtyDomain } from "../mm/dirty-domain.ts";
import type { MemCgroup } from "../mm/memcg-types.ts";
import { current, kernel } from "../sched/current.ts";
import { queueWork } from "../sched/workqueue.ts";
import type { BackingDevInfo, BdiWriteback } from "./backing-dev.ts";
import type { Inode } from "./inode.ts";
import { inodeCgwbEnabled } from "./unlocked-inode-to-wb.ts";

/** `wb_get_create()`: the domain of a memcg or of its nearest ancestor that has one; the root domain else. */
export function wbOfMemcg(bdi: BackingDevInfo, memcg: MemCgroup | undefined): BdiWriteback {
  for (let m = memcg; m !== undefined; m = m.parent) {
    for (const wb of bdi.wbs) if (wb.memcg === m) return wb;
  }
  return bdi.wb;
}

/** `inode_attach_wb()`: the first to dirty an inode gives it its domain, that of the page's memcg or of the task's. */
export function inodeAttachWb(inode: Inode, memcg: MemCgroup | undefined = current().memcg): void {
  const { bdi } = inode.sb;
  inode.wb ??= inodeCgwbEnabled(inode) ? wbOfMemcg(bdi, memcg) : bdi.wb;
}

/** `inode_to_wb()`. */
export function inodeToWb(inode: Inode): BdiWriteback {
  return inode.wb ?? inode.sb.bdi.wb;
}

/** `wb_has_dirty_io()`. */
export function wbHasDirtyIo(wb: BdiWriteback): boolean {
  return wb.bDirty.length + wb.bIo.length + wb.bMoreIo.length > 0;
}

/** Takes an inode off whatever list of the domain it is on. */
export function inodeIoListDel(inode: Inode, wb: BdiWriteback): void {
  if (!wb.bDirty.remove(inode) && !wb.bIo.remove(inode)) wb.bMoreIo.remove(inode);
}

/** `inode_to_wb_and_lock_list()`: list_lock of the inode's domain, which may change until it is held. */
export function* inodeToWbAndLockList(inode: Inode): Resumable<BdiWriteback> {
  for (;;) {
    const wb = inodeToWb(inode);
    yield* spinLock(wb.listLock);
    if (inodeToWb(inode) === wb) return wb;
    spinUnlock(wb.listLock);
  }
}

/** Dirty pages of the inodes of a domain. */
export function wbDirtyPages(wb: BdiWriteback): number {
  let dirty = 0;
  for (const list of [wb.bDirty, wb.bIo, wb.bMoreIo]) {
    for (const inode of list) for (const page of inode.mapping.pages) if (page.dirty) dirty++;
  }
  return dirty;
}

/** On v2 the memcg of a domain has a threshold of its own. */
function memcgOverBgThresh(wb: BdiWriteback): boolean {
  if (kernel().config.cgroup !== "v2" || wb.memcg?.parent === undefined) return false;
  const { reclaimable, background } = memcgDirtyDomain(wb.memcg);
  return reclaimable > background;
}

/** `wb_over_bg_thresh()`: of the machine, or of the memcg. */
export function wbOverBgThresh(wb: BdiWriteback): boolean {
  return wbDirtyPages(wb) > wb.bdi.backgroundPages || memcgOverBgThresh(wb);
}

/** `wb_wakeup()`: the flusher's work runs as soon as its worker is free. */
export function* wbWakeup(wb: BdiWriteback): Resumable {
  yield* queueWork(wb.queue, wb.dwork);
}

/** `wb_wakeup_delayed()`: within `dirty_writeback_interval`, which here is any time later. */
export function* wbWakeupDelayed(wb: BdiWriteback): Resumable {
  if (wb.bdi.periodic) yield* queueWork(wb.queue, wb.dwork);
}

/** `wb_start_background_writeback()`. */
export function* wbStartBackgroundWriteback(wb: BdiWriteback): Resumable {
  yield* wbWakeup(wb);
}

const startAll = op<BdiWriteback>("set WB_start_all", {
  apply(wb) {
    if (wb.startAll || !wbHasDirtyIo(wb)) return false;
    wb.startAll = true;
    return true;
  },
  describe: (wb) => `set WB_start_all of ${wb}`,
});

/** `wb_start_writeback()`: everything that is dirty now, once. (Up to 4.13 a work item that was queued each time.) */
export function* wbStartWriteback(wb: BdiWriteback): Resumable {
  if (yield startAll(wb)) yield* wbWakeup(wb);
}
