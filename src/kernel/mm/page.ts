/**
 * Pages of the page cache, and the mapping they belong to. A page here is a folio of order 0 in newer kernels.
 */

import type { List } from "../../resumable/index.ts";
import { bool, Entity, fields, int, list, ref, value } from "../../resumable/index.ts";
import type { Bio } from "../block/bio.ts";
import type { AddressSpaceOperations } from "../fs/fs-types.ts";
import type { Inode } from "../fs/inode.ts";
import type { SpinLock } from "../locking/spinlock.ts";
import type { Task } from "../sched/task.ts";
import type { LruList, MemCgroup } from "./memcg-types.ts";

/** What carries pages to be written, other than a bio: a request to a server. */
export interface WritebackRequest extends Entity {
  readonly pages: List<Page>;
  /** Who can end the writeback now. */
  enders(): readonly Task[];
}

/** `struct page` of the page cache or an anonymous page; unused ones wait in the page allocator's pool. */
export class Page extends Entity {
  /** In use: allocated. */
  declare allocated: boolean;
  /** Kept for this task's allocations, so that page numbers do not depend on the schedule. */
  declare reservedFor: Task | undefined;
  declare mapping: AddressSpace | undefined;
  declare index: number;
  /** Whose charge it carries. */
  declare memcg: MemCgroup | undefined;
  /** PG_locked, and who will unlock it: a task, or the read that fills the page. */
  declare lockedBy: Task | Bio | undefined;
  /** Tasks that sleep for PG_locked, first come first (`page_waitqueue`). */
  declare lockWaiters: List<Task>;
  /** PG_writeback. */
  declare writeback: boolean;
  /** Who is to end the writeback: the bio or the request to a server that carries the page. */
  declare writebackBio: Bio | WritebackRequest | undefined;
  /** PG_dirty. */
  declare dirty: boolean;
  /** PG_uptodate. */
  declare uptodate: boolean;
  /** PG_reclaim: reclaim has seen it before; end of writeback rotates it to the tail. */
  declare reclaim: boolean;
  /** PG_referenced. */
  declare referenced: boolean;
  /** PG_active. */
  declare active: boolean;
  /** The LRU list it is on; undefined while isolated or off. */
  declare lru: LruList | undefined;
  /** How many page tables map it. */
  declare mapCount: number;
  /** Some page table entry that maps it is dirty. */
  declare pteDirty: boolean;
  /** Some page table entry that maps it is young: used since reclaim last looked. */
  declare pteYoung: boolean;
  /** Has buffers whose blocks are allocated on disk (`buffer_mapped`, not delayed). */
  declare mapped: boolean;
  /** An anonymous page (PG_swapbacked). */
  declare anon: boolean;
  /**
   * References of those who looked the page up or isolated it and may sleep before they lock it (beyond page cache and page
   * tables); a page is freed when it is out of the cache and this is 0. Reclaim keeps pages that have any but its own.
   */
  declare refs: number;
  /** PAGECACHE_TAG_DIRTY: set with PG_dirty, but stays until writeback starts or the page leaves the cache. */
  declare dirtyTag: boolean;
  /** PAGECACHE_TAG_TOWRITE: was dirty when a data-integrity pass began. */
  declare towriteTag: boolean;
  static {
    fields(Page, {
      allocated: bool,
      reservedFor: ref,
      mapping: ref,
      index: int,
      memcg: ref,
      lockedBy: ref,
      lockWaiters: list("contexts"),
      writeback: bool,
      writebackBio: ref,
      dirty: bool,
      uptodate: bool,
      reclaim: bool,
      referenced: bool,
      active: bool,
      lru: ref,
      mapCount: int,
      pteDirty: bool,
      pteYoung: bool,
      mapped: bool,
      anon: bool,
      refs: int,
      dirtyTag: bool,
      towriteTag: bool,
    });
  }
}

/** `struct address_space`: the cached pages of an inode. */
export class AddressSpace extends Entity {
  declare host: Inode | undefined;
  /** Pages in ascending index. */
  declare pages: List<Page>;
  /** `tree_lock`, later `i_pages`: protects membership, tags and the counters that go with them. */
  declare treeLock: SpinLock;
  /** The filesystem's methods. */
  declare aOps: AddressSpaceOperations;
  /** Where range_cyclic writeback goes on. */
  declare writebackIndex: number;
  /** `mapping_gfp_mask`. */
  declare gfpMask: number;
  /** AS_WRITEBACK_MAY_DEADLOCK_ON_RECLAIM (6.16+): its writeback may need memory from who waits for it; fuse. */
  declare writebackMayDeadlock: boolean;
  static {
    fields(
      AddressSpace,
      {
        host: ref,
        pages: list("pages"),
        treeLock: ref,
        aOps: value,
        writebackIndex: int,
        gfpMask: int,
        writebackMayDeadlock: bool,
      },
      "mapping",
    );
  }
}
