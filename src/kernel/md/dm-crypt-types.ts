/** Encrypted devices: what dm-crypt.ts works on. */
import type { List } from "../../resumable/index.ts";
import { bool, Entity, fields, ghost, int, list, ref, value } from "../../resumable/index.ts";
import type { Bio, RequestQueue } from "../block/bio.ts";
import type { Mutex } from "../locking/mutex.ts";
import type { Semaphore } from "../locking/semaphore.ts";
import type { Mempool, PoolElement } from "../mm/mempool.ts";
import type { Task } from "../sched/task.ts";
import type { Work, Workqueue } from "../sched/workqueue.ts";

/** `struct crypt_config` with its `struct mapped_device`. */
export class CryptConfig extends Entity {
  /** The encrypted device, and the one below it. */
  declare queue: RequestQueue;
  declare dev: RequestQueue;
  /** By number of the bio on the device. */
  declare ios: List<DmCryptIo>;
  /** dm's own memory for each bio (`io_pool`), dm-crypt's for its clones (`bs`), and pages for what is encrypted. */
  declare ioPool: Mempool;
  declare bs: Mempool;
  declare pagePool: Mempool;
  /** Only one at a time may wait for pages of the pool. */
  declare bioAllocLock: Mutex;
  declare cryptQueue: Workqueue;
  /** Reads that found no memory at once; absent where they always do. */
  declare ioQueue: Workqueue | undefined;
  /** Encrypted writes, by sector, and the thread that submits them. */
  declare writeTree: List<DmCryptIo>;
  declare writeThread: Task;
  /** `submit_from_crypt_cpus`: whoever has encrypted submits. */
  declare noOffload: boolean;
  /** `swap_bios_semaphore`, where the era has it. */
  declare swapBios: Semaphore | undefined;
  /** `dm_crypt_pages_per_client`. */
  declare pagesPerClient: number;
  /** Statistic: bios of the device that have ended. */
  declare requests: number;
  static {
    fields(
      CryptConfig,
      {
        queue: ref,
        dev: ref,
        ios: list("bios"),
        ioPool: ref,
        bs: ref,
        pagePool: ref,
        bioAllocLock: ref,
        cryptQueue: ref,
        ioQueue: ref,
        writeTree: list("bios"),
        writeThread: ref,
        noOffload: bool,
        swapBios: ref,
        pagesPerClient: int,
        requests: ghost,
      },
      "crypt_config",
    );
  }
}

/** `struct dm_crypt_io`: what the device keeps with each bio that it is given. */
export class DmCryptIo extends Entity {
  declare cc: CryptConfig;
  declare baseBio: Bio;
  declare sector: number;
  declare cryptWork: Work;
  declare readWork: Work;
  /** The bio on the device below. */
  declare clone: Bio | undefined;
  /** Memory of dm for the bio, and of the clone. */
  declare dmIo: PoolElement | undefined;
  declare cloneMemory: PoolElement | undefined;
  static {
    fields(
      DmCryptIo,
      {
        cc: ref,
        baseBio: ref,
        sector: int,
        cryptWork: ref,
        readWork: ref,
        clone: ref,
        dmIo: value,
        cloneMemory: value,
      },
      "dm_crypt_io",
    );
  }
}
