/** Writeback domains: `bdi_writeback` and the device they write to. */

import type { List } from "../../resumable/index.ts";
import { bool, Entity, fields, ghost, int, list, ref, value } from "../../resumable/index.ts";
import type { RequestQueue } from "../block/bio.ts";
import type { SpinLock } from "../locking/spinlock.ts";
import type { MemCgroup } from "../mm/memcg-types.ts";
import type { Work, Workqueue } from "../sched/workqueue.ts";
import type { Inode, SuperBlock } from "./inode.ts";

/** Why writeback runs: `wb_reason`. */
export type WbReason = "background" | "vmscan" | "sync" | "periodic" | "fs_free_space";

/** What a flusher looks for when nobody has queued work, in this order: WB_start_all, old data, background. */
export type WbCheck = "start_all" | "kupdate" | "background";

/** `struct wb_writeback_work`, one slot of a domain's queue. */
export class WbWork extends Entity {
  declare queued: boolean;
  /** WB_SYNC_ALL. */
  declare syncAll: boolean;
  declare rangeCyclic: boolean;
  /** Pages still to write; negative: all. */
  declare nrPages: number;
  /** What the flusher makes up by itself, or somebody else's wish (undefined). */
  declare check: WbCheck | undefined;
  /** Only inodes of this superblock. */
  declare sb: SuperBlock | undefined;
  declare taggedWritepages: boolean;
  declare forSync: boolean;
  /** It is done; who queued it may go on. */
  declare done: boolean;
  static {
    fields(WbWork, {
      queued: bool,
      syncAll: bool,
      rangeCyclic: bool,
      nrPages: int,
      check: value,
      sb: ref,
      taggedWritepages: bool,
      forSync: bool,
      done: bool,
    });
  }
}

/** `struct bdi_writeback`: one per device, or one per device and memcg where cgroup writeback is on. */
export class BdiWriteback extends Entity {
  declare bdi: BackingDevInfo;
  /** The memcg it serves; undefined: the root domain. */
  declare memcg: MemCgroup | undefined;
  declare listLock: SpinLock;
  declare bDirty: List<Inode>;
  declare bIo: List<Inode>;
  declare bMoreIo: List<Inode>;
  /** Queued works (`work_list`). */
  declare works: List<WbWork>;
  /** WB_start_all: reclaim asked for everything. */
  declare startAll: boolean;
  /** The flusher's work item (`dwork`), and the queue (`bdi_wq`) whose worker serves this domain. */
  declare dwork: Work;
  declare queue: Workqueue;
  /** Slots for works: one per task that may queue some, by context number, and the flusher's own. */
  declare workSlots: List<WbWork>;
  declare ownWork: WbWork;
  /** WB_writeback_running. */
  declare running: boolean;
  /** WB_RECLAIMABLE and WB_WRITEBACK. */
  declare nrReclaimable: number;
  declare nrWriteback: number;
  static {
    fields(
      BdiWriteback,
      {
        bdi: ref,
        memcg: ref,
        listLock: ref,
        bDirty: list("inodes"),
        bIo: list("inodes"),
        bMoreIo: list("inodes"),
        works: list("contexts"),
        startAll: bool,
        dwork: ref,
        queue: ref,
        workSlots: list("contexts"),
        ownWork: ref,
        running: bool,
        nrReclaimable: ghost,
        nrWriteback: ghost,
      },
      "wb",
    );
  }
}

/** `struct backing_dev_info`. */
export class BackingDevInfo extends Entity {
  declare wbs: List<BdiWriteback>;
  /** The root domain. */
  declare wb: BdiWriteback;
  declare queue: RequestQueue;
  /** Needs stable pages under writeback. */
  declare stablePages: boolean;
  /** Dirtying an inode starts the flusher sooner or later (`dirty_writeback_interval` is not 0). */
  declare periodic: boolean;
  /** Background writeback goes on while a domain has more dirty pages than this. */
  declare backgroundPages: number;
  /** Slots of an inode's ownership history that one pass takes (WB_FRN_HIST_UNIT): 5 on a slow device, 1 on a fast one. */
  declare foreignSlots: number;
  static {
    fields(
      BackingDevInfo,
      {
        wbs: list("memcgs"),
        wb: ref,
        queue: ref,
        stablePages: bool,
        periodic: bool,
        backgroundPages: int,
        foreignSlots: int,
      },
      "bdi",
    );
  }
}
