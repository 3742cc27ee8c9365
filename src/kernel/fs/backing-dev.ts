/** Writeback domains: `bdi_writeback` and the device they write to. */

import type { List } from "../../resumable/index.ts";
import { bool, Entity, fields, ghost, int, list, ref } from "../../resumable/index.ts";
import type { RequestQueue } from "../block/bio.ts";
import type { SpinLock } from "../locking/spinlock.ts";
import type { MemCgroup } from "../mm/memcg-types.ts";
import type { Task } from "../sched/task.ts";
import type { Inode } from "./inode.ts";

/** Why writeback runs: `wb_reason`. */
export type WbReason = "background" | "vmscan" | "sync" | "periodic" | "fs_free_space";

/** `struct wb_writeback_work`, one slot of a domain's queue. */
export class WbWork extends Entity {
  declare queued: boolean;
  /** WB_SYNC_ALL. */
  declare syncAll: boolean;
  declare background: boolean;
  declare rangeCyclic: boolean;
  /** Pages still to write; negative: all. */
  declare nrPages: number;
  /** Who waits for it to be done, and whether it is. */
  declare done: boolean;
  static {
    fields(WbWork, { queued: bool, syncAll: bool, background: bool, rangeCyclic: bool, nrPages: int, done: bool });
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
  /** The delayed work is pending. */
  declare workPending: boolean;
  /** The flusher that serves it: `kworker/u..:flush-MAJ:MIN`. */
  declare worker: Task | undefined;
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
        workPending: bool,
        worker: ref,
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
  static {
    fields(BackingDevInfo, { wbs: list("memcgs"), wb: ref, queue: ref, stablePages: bool }, "bdi");
  }
}
