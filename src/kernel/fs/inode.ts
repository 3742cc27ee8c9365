/** Inodes and superblocks as far as writeback needs them. */

import type { List } from "../../resumable/index.ts";
import { bool, Entity, fields, int, list, ref, value } from "../../resumable/index.ts";
import type { PercpuRwSemaphore } from "../locking/percpu-rwsem.ts";
import type { RwSemaphore } from "../locking/rwsem.ts";
import type { SpinLock } from "../locking/spinlock.ts";
import type { MemCgroup } from "../mm/memcg-types.ts";
import type { AddressSpace } from "../mm/page.ts";
import type { Task } from "../sched/task.ts";
import type { Work } from "../sched/workqueue.ts";
import type { BackingDevInfo, BdiWriteback } from "./backing-dev.ts";
import type { SuperOperations } from "./fs-types.ts";
import type { UnwrittenEnds } from "./unwritten-ends.ts";

/** `inode->i_state` bits. */
export const I_DIRTY_SYNC = 1 << 0;
export const I_DIRTY_DATASYNC = 1 << 1;
export const I_DIRTY_PAGES = 1 << 2;
export const I_WILL_FREE = 1 << 4;
export const I_FREEING = 1 << 5;
export const I_CLEAR = 1 << 6;
export const I_SYNC = 1 << 7;
export const I_WB_SWITCH = 1 << 13;
/** Evicted as soon as nobody uses it; 5.8+. */
export const I_DONTCACHE = 1 << 16;
export const I_DIRTY = I_DIRTY_SYNC | I_DIRTY_DATASYNC | I_DIRTY_PAGES;

/** `struct inode`. */
export class Inode extends Entity {
  declare ino: number;
  declare sb: SuperBlock;
  declare mapping: AddressSpace;
  /** Whom its slab object is charged to. */
  declare memcg: MemCgroup | undefined;
  /** `I_*` bits, under {@link iLock}. */
  declare state: number;
  declare iLock: SpinLock;
  /** `i_rwsem` (`i_mutex` up to 4.6). */
  declare rwsem: RwSemaphore;
  /** `i_mapping->invalidate_lock`, ext4's `i_mmap_sem` before 5.15. */
  declare invalidateLock: RwSemaphore;
  /** ext4's `i_data_sem`. */
  declare dataSem: RwSemaphore;
  /** The writeback domain that owns it. */
  declare wb: BdiWriteback | undefined;
  /** File size in pages. */
  declare size: number;
  /** `i_wb_frn_history`: a bit for each of the last 16 slots, set where pages of another memcg prevailed. */
  declare wbForeign: number;
  /** Who has set I_SYNC. */
  declare syncedBy: Task | undefined;
  /** Dirtied after the flusher's present work began (`dirtied_when`). */
  declare dirtiedLate: boolean;
  /** The domain it is being switched to, and the work that does it. */
  declare switchTo: BdiWriteback | undefined;
  declare switchWork: Work;
  static {
    fields(Inode, {
      ino: int,
      sb: ref,
      mapping: ref,
      memcg: ref,
      state: int,
      iLock: ref,
      rwsem: ref,
      invalidateLock: ref,
      dataSem: ref,
      wb: ref,
      size: int,
      wbForeign: int,
      syncedBy: ref,
      dirtiedLate: bool,
      switchTo: ref,
      switchWork: ref,
    });
  }
}

/** `struct super_block`. */
export class SuperBlock extends Entity {
  /** `ext4`, `xfs`, ... */
  declare fsType: string;
  declare sUmount: RwSemaphore;
  declare inodes: List<Inode>;
  /** Inodes that only an unused dentry keeps (`s_dentry_lru`), and unused inodes (`s_inode_lru`), the next to go first. */
  declare dentryLru: List<Inode>;
  declare inodeLru: List<Inode>;
  /** `s_op`, where a filesystem has more than the default. */
  declare sOp: SuperOperations | undefined;
  declare bdi: BackingDevInfo;
  /** Somebody may take s_umount for writing (umount, remount, freeze); else nobody can ever find it taken. */
  declare mayUnmount: boolean;
  /** SB_I_CGROUPWB. */
  declare cgroupWriteback: boolean;
  /** ext4's `s_journal_flag_rwsem`, `s_writepages_rwsem` from 5.6. */
  declare writepagesRwsem: PercpuRwSemaphore;
  /** Somebody may take it for writing (`chattr +j`); else nobody can ever find it taken. */
  declare mayChangeJournalFlag: boolean;
  /** Where ends of writes to unwritten extents wait for a worker; undefined: blocks are allocated as written ones. */
  declare unwrittenEnds: UnwrittenEnds | undefined;
  /** The filesystem's own object, e.g. its journal. */
  declare fsInfo: Entity | undefined;
  static {
    fields(
      SuperBlock,
      {
        fsType: value,
        sUmount: ref,
        inodes: list("inodes"),
        dentryLru: list("inodes"),
        inodeLru: list("inodes"),
        sOp: value,
        bdi: ref,
        mayUnmount: bool,
        cgroupWriteback: bool,
        writepagesRwsem: ref,
        mayChangeJournalFlag: bool,
        unwrittenEnds: ref,
        fsInfo: ref,
      },
      "sb",
    );
  }
}
