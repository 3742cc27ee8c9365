/** Writing one inode in the caller's own context (fs/fs-writeback.c:write_inode_now, writeback_single_inode). */
import { op, type Resumable } from "../../resumable/index.ts";
import { blkFlushPlug } from "../block/plug.ts";
import { spinUnlock } from "../locking/spinlock.ts";
import { LAST_INDEX } from "../mm/page-writeback.ts";
import { current } from "../sched/current.ts";
import {
  __writebackSingleInode,
  ALL_PAGES,
  inodeSyncComplete,
  syncClear,
  wbcAttachInode,
  wbcDetachInode,
} from "./fs-writeback.ts";
import { I_DIRTY, I_FREEING, I_SYNC, type Inode } from "./inode.ts";
import { inodeIoListDel, inodeToWbAndLockList } from "./wb.ts";
import { clearWbc, type WritebackControl, wbcOf } from "./writeback-control.ts";

/** Under i_lock: I_SYNC is ours, somebody else's, or there is nothing to write and nothing to wait for. */
const begin = op<Inode>("set I_SYNC", {
  apply(inode) {
    if ((inode.state & I_SYNC) !== 0) return "busy";
    if ((inode.state & I_DIRTY) === 0 && ![...inode.mapping.pages].some((page) => page.writeback)) return "clean";
    inode.state |= I_SYNC;
    inode.syncedBy = current();
    return "begun";
  },
  describe: (inode) => `set I_SYNC of ${inode}`,
});

/** `write_inode_now()` with `sync`: all its pages, and the wait for them. */
export function* writeInodeNow(inode: Inode): Resumable {
  const wbc = Object.assign(wbcOf(current()), { syncAll: true, nrToWrite: ALL_PAGES, rangeEnd: LAST_INDEX });
  yield* writebackSingleInode(inode, wbc);
  clearWbc(wbc);
}

function* writebackSingleInode(inode: Inode, wbc: WritebackControl): Resumable {
  for (;;) {
    const how: string = yield begin(inode);
    if (how === "clean") return;
    if (how === "begun") break;
    yield* __inodeWaitForWriteback(inode);
  }
  wbcAttachInode(wbc, inode);
  yield* __writebackSingleInode(inode, wbc);
  yield* wbcDetachInode(wbc, inode);
  const wb = yield* inodeToWbAndLockList(inode);
  if ((inode.state & (I_FREEING | I_DIRTY)) === 0) inodeIoListDel(inode, wb);
  spinUnlock(wb.listLock);
  inodeSyncComplete(inode);
}

function* __inodeWaitForWriteback(inode: Inode): Resumable {
  yield* blkFlushPlug();
  yield syncClear(inode);
}
