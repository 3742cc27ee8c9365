/**
 * The end of an inode (fs/inode.c): its last reference goes, it waits unused on a list, it is evicted.
 *
 * iput_final() keeps an inode for later, unless it is marked I_DONTCACHE (5.8+: `chattr +x` on a filesystem that can do DAX):
 * then it is written at once and evicted, by whoever dropped the reference, be it reclaim. The list of unused inodes has clean
 * ones only; what is dirty comes to it when it was written (inode_sync_complete), which is not modelled.
 *
 * Coarser than the kernel: I_REFERENCED gives no second round; pages of an unused inode are not dropped by the shrinker (5.16+
 * does not either). Who wants an inode that is being freed does not wait for it: nobody looks one up here.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import { blkFlushPlug } from "../block/plug.ts";
import { spinUnlock } from "../locking/spinlock.ts";
import { LAST_INDEX } from "../mm/page-writeback.ts";
import { truncateInodePagesRange } from "../mm/truncate.ts";
import { era } from "../sched/current.ts";
import { isOf, type ShrinkControl } from "./dcache.ts";
import { syncClear } from "./fs-writeback.ts";
import { I_CLEAR, I_DIRTY, I_DONTCACHE, I_FREEING, I_SYNC, I_WILL_FREE, type Inode, type SuperBlock } from "./inode.ts";
import { inodeIoListDel, inodeToWb, inodeToWbAndLockList } from "./wb.ts";
import { writeInodeNow } from "./write-inode-now.ts";

/** Under i_lock: true when the inode is to be written and evicted now, else it is kept. */
const dropLast = op<Inode>("iput_final", {
  apply(inode) {
    if (era().inodeDontcache && (inode.state & I_DONTCACHE) !== 0) {
      inode.state |= I_WILL_FREE;
      return true;
    }
    if ((inode.state & (I_DIRTY | I_SYNC)) === 0) inode.sb.inodeLru.push(inode);
    return false;
  },
  describe: (inode) => `drop the last reference to ${inode}`,
});

const willFree = op<Inode>("set I_FREEING", {
  apply(inode) {
    inode.state = (inode.state & ~I_WILL_FREE) | I_FREEING;
  },
  describe: (inode) => `set I_FREEING of ${inode}`,
});

/** `iput()` of the last reference. */
export function* iput(inode: Inode): Resumable {
  if (!(yield dropLast(inode))) return;
  yield* writeInodeNow(inode);
  yield willFree(inode);
  yield* evict(inode);
}

function onIoList(inode: Inode): boolean {
  const wb = inodeToWb(inode);
  return wb.bDirty.includes(inode) || wb.bIo.includes(inode) || wb.bMoreIo.includes(inode);
}

/** `evict()` of an inode with I_FREEING. */
export function* evict(inode: Inode): Resumable {
  if (onIoList(inode)) {
    const wb = yield* inodeToWbAndLockList(inode);
    inodeIoListDel(inode, wb);
    spinUnlock(wb.listLock);
  }
  inode.sb.inodes.remove(inode);
  if ((inode.state & I_SYNC) !== 0) yield* inodeWaitForWriteback(inode);
  const evictInode = inode.sb.sOp?.evictInode ?? clearInode;
  yield* evictInode(inode);
  inode.state = I_FREEING | I_CLEAR;
}

function* inodeWaitForWriteback(inode: Inode): Resumable {
  yield* blkFlushPlug();
  yield syncClear(inode);
}

/** `truncate_inode_pages_final()` and `clear_inode()`: what every filesystem does first. */
export function* clearInode(inode: Inode): Resumable {
  if (inode.mapping.pages.length > 0) yield* truncateInodePagesRange(inode.mapping, 0, LAST_INDEX);
}

const isolate = op<SuperBlock, ShrinkControl>("inode_lru_isolate", {
  apply(sb, sc) {
    const looked = [...sb.inodeLru].filter((inode) => isOf(inode, sc.memcg)).slice(0, sc.nr);
    for (const inode of looked) sb.inodeLru.remove(inode);
    const freeable = looked.filter((inode) => inode.state === 0 && inode.mapping.pages.length === 0);
    for (const inode of freeable) inode.state |= I_FREEING;
    return Object.freeze(freeable);
  },
  describe: (sb) => `isolate unused inodes of ${sb}`,
});

/** `prune_icache_sb()`: how many inodes it freed. */
export function* pruneIcacheSb(sb: SuperBlock, sc: ShrinkControl): Resumable<number> {
  if (sb.inodeLru.length === 0) return 0;
  const freeable: readonly Inode[] = yield isolate(sb, sc);
  yield* disposeList(freeable);
  return freeable.length;
}

function* disposeList(freeable: readonly Inode[]): Resumable {
  for (const inode of freeable) yield* evict(inode);
}
