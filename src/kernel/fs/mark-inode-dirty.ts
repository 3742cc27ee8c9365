/**
 * Dirty inodes (fs/fs-writeback.c:__mark_inode_dirty).
 *
 * The test before i_lock pairs with the flusher's barrier between clearing I_DIRTY_PAGES and looking for dirty pages: either
 * it finds the flag clear or the flusher finds the page. Both are one step here that begins by looking.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import { spinUnlock } from "../locking/spinlock.ts";
import { I_DIRTY, I_DIRTY_DATASYNC, I_DIRTY_SYNC, I_FREEING, I_SYNC, type Inode } from "./inode.ts";
import { inodeAttachWb, inodeToWbAndLockList, wbHasDirtyIo, wbWakeupDelayed } from "./wb.ts";

const setDirty = op<Inode, number>("mark_inode_dirty", {
  apply(inode, flags) {
    if ((inode.state & flags) === flags) return false;
    const wasDirty = (inode.state & I_DIRTY) !== 0;
    inodeAttachWb(inode);
    inode.state |= flags;
    return !wasDirty;
  },
  describe: (inode) => `mark_inode_dirty ${inode}`,
});

/**
 * `__mark_inode_dirty()`: an inode that was clean goes to the dirty list of its domain, unless its writeback runs: that will
 * put it where it belongs. The first one of a domain arms the flusher's timer.
 */
export function* __markInodeDirty(inode: Inode, flags: number): Resumable {
  const dirtyInode = (flags & (I_DIRTY_SYNC | I_DIRTY_DATASYNC)) === 0 ? undefined : inode.sb.sOp?.dirtyInode;
  if (dirtyInode !== undefined) yield* dirtyInode(inode);
  if (!(yield setDirty(inode, flags))) return;
  const wb = yield* inodeToWbAndLockList(inode);
  const queued = (inode.state & (I_SYNC | I_FREEING)) !== 0 || wb.bIo.includes(inode) || wb.bMoreIo.includes(inode);
  const first = !wbHasDirtyIo(wb);
  if (!queued && (inode.state & I_DIRTY) !== 0 && !wb.bDirty.includes(inode)) {
    wb.bDirty.unshift(inode);
    inode.dirtiedLate = wb.running;
  }
  spinUnlock(wb.listLock);
  if (!queued && first) yield* wbWakeupDelayed(wb);
}
