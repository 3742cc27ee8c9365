/** Setting up an encrypted device (drivers/md/dm-crypt.c:crypt_ctr), and what is known of it in numbers. */
import { create, type Entity } from "../../resumable/index.ts";
import type { Bio, RequestQueue } from "../block/bio.ts";
import { bioProviders } from "../block/bio-providers.ts";
import type { Block } from "../block/blk-core.ts";
import { createWorkqueue } from "../block/blk-mq.ts";
import { registerMappedDevice } from "../block/mapped-device.ts";
import { Mutex } from "../locking/mutex.ts";
import { Semaphore } from "../locking/semaphore.ts";
import { createMempool, type Mempool } from "../mm/mempool.ts";
import type { Mm } from "../mm/mm.ts";
import type { Kernel } from "../sched/kernel.ts";
import type { Task } from "../sched/task.ts";
import { Work } from "../sched/workqueue.ts";
import { cryptPageAlloc, dmcryptWrite, dmSubmitBio, kcryptdCrypt, kcryptdIoReadWork } from "./dm-crypt.ts";
import { CryptConfig, DmCryptIo } from "./dm-crypt-types.ts";

/** An encrypted device, as an incident describes it. */
export interface CryptOptions {
  /** The queue of the encrypted device, and of the device below. */
  readonly queue: RequestQueue;
  readonly dev: RequestQueue;
  /** Workers that encrypt: as many as there are CPUs by default (unbound queue). */
  readonly workers?: number;
  /** Pages in the reserve; 256 in the kernel (BIO_MAX_PAGES). At least as many as a bio has. */
  readonly minPages?: number;
  /** Elements in the reserves of bios and of dm's own memory, where these need pages; 16 and 64 in the kernel. */
  readonly minIos?: number;
  /** `submit_from_crypt_cpus`. */
  readonly noOffload?: boolean;
  /** Swap bios at once, where the era limits them; 2048 in the kernel. */
  readonly swapBios?: number;
}

/** `DM_CRYPT_MEMORY_PERCENT`, and what a device may have at least, in bios of the largest size. */
const MEMORY_PERCENT = 2;
const MIN_PAGES_PER_CLIENT = 16;

/** `dmsetup create`: bios to `queue` are encrypted from now on. Set-up only, after memory and disks. */
export function bootDmCrypt(k: Kernel, options: CryptOptions): CryptConfig {
  const { queue, dev, minPages = 256, minIos = 16, swapBios = 2048 } = options;
  const cc = create(CryptConfig, { queue, dev, noOffload: options.noOffload ?? false });
  const mm = k.subsystem<Mm>("mm");
  const pool = (poolName: string, holders: (pool: Mempool) => readonly Task[]): Mempool =>
    createMempool(k, { poolName, minNr: minIos, kind: "slab", holders, poolData: cc });
  cc.ioPool = pool("dm io_pool", mappedHolders);
  cc.bs = pool("dm-crypt bs", cloneHolders);
  cc.pagePool = createMempool(k, {
    poolName: "dm-crypt page_pool",
    minNr: minPages,
    kind: "page",
    holders: pageHolders,
    poolData: cc,
    ...(k.era.features.dmCryptLimitsPages ? { allocFn: cryptPageAlloc } : {}),
  });
  cc.pagesPerClient = Math.max(Math.floor((mm.pages.length * MEMORY_PERCENT) / 100), MIN_PAGES_PER_CLIENT * minPages);
  cc.bioAllocLock = create(Mutex, { lockName: "bio_alloc_lock" });
  bootThreads(k, cc, options.workers ?? k.cpus.length);
  if (k.era.features.dmLimitsSwapBios) {
    cc.swapBios = create(Semaphore, {
      semClass: "dm_target",
      semName: "swap_bios",
      count: swapBios,
      uppersOf: letIn,
      user: cc,
    });
  }
  for (const bio of k.subsystem<Block>("block").bios) cc.ios.push(newIo(cc, bio));
  registerMappedDevice(k, { queue, target: cc, submit: dmSubmitBio });
  return cc;
}

function bootThreads(k: Kernel, cc: CryptConfig, workers: number): void {
  cc.cryptQueue = createWorkqueue(k, "kcryptd", workers);
  // where objects are always at hand no read ever has to wait for memory
  if (k.subsystem<Mm>("mm").options.slabPages === true) cc.ioQueue = createWorkqueue(k, "kcryptd_io");
  cc.writeThread = k.spawn({ comm: "dmcrypt_write", kind: "kthread", idle: true }, dmcryptWrite, [cc]);
}

function newIo(cc: CryptConfig, baseBio: Bio): DmCryptIo {
  const io = create(DmCryptIo, { cc, baseBio });
  const work = (fn: Work["fn"], fnName: string): Work => create(Work, { fn, fnName, argument: io });
  io.cryptWork = work(kcryptdCrypt, "kcryptd_crypt [dm_crypt]");
  io.readWork = work(kcryptdIoReadWork, "kcryptd_io_read_work [dm_crypt]");
  return io;
}

/** Bios that were let in and have not ended. */
function letIn(user: Entity): readonly Task[] {
  const inside = [...(user as CryptConfig).ios].filter(
    (io) => io.dmIo !== undefined && io.baseBio.state !== "building",
  );
  return inside.flatMap((io) => bioProviders(io.baseBio));
}

const ios = (pool: Mempool): readonly DmCryptIo[] => [...(pool.poolData as CryptConfig).ios];
function mappedHolders(pool: Mempool): readonly Task[] {
  return ios(pool).flatMap((io) => (io.dmIo === undefined ? [] : bioProviders(io.baseBio)));
}
function cloneHolders(pool: Mempool): readonly Task[] {
  return ios(pool).flatMap(({ clone }) => (clone === undefined ? [] : bioProviders(clone)));
}
function pageHolders(pool: Mempool): readonly Task[] {
  const writes = ios(pool).flatMap(({ clone }) => (clone?.write === true && clone.pages.length > 0 ? [clone] : []));
  return writes.flatMap(bioProviders);
}

/** Numbers of an encrypted device that was used for a while. */
export interface CryptMetrics {
  readonly requestsPerSecond: number;
  /** Sleeps of workers in throttle_vm_writeout(), for each request. */
  readonly throttleSleepsPerRequest: number;
  /** Of all looks into the reserve of pages, how many found it empty. */
  readonly reserveEmptyShare: number;
}

/** What happened in so many seconds since the device was booted; a count that is divided by nothing is 0. */
export function cryptMetrics(cc: CryptConfig, workerSleeps: number, seconds: number): CryptMetrics {
  const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
  const { asked, foundEmpty } = cc.pagePool;
  return {
    requestsPerSecond: share(cc.requests, seconds),
    throttleSleepsPerRequest: share(workerSleeps, cc.requests),
    reserveEmptyShare: share(foundEmpty, asked),
  };
}
