/**
 * Encrypted devices (drivers/md/dm-crypt.c, drivers/md/dm.c).
 *
 * A write: the submitter gives the bio to a worker of `kcryptd`, which needs a page for every page that it encrypts; the write
 * thread submits the clones by sector; the end of a clone frees its pages and ends the bio. A read: the submitter clones the bio
 * at once, or a worker of `kcryptd_io` does where there is no memory for it; a worker of `kcryptd` decrypts what came.
 *
 * crypt_alloc_buffer() takes the pages of a bio in a first pass that does not sleep; when one is missing it gives all back and tries
 * again under `bio_alloc_lock`, sleeping: two that hold half a bio each and wait for each other's pages there cannot be. So one
 * worker at a time is in the slow allocation, which is direct reclaim without I/O, throttled (mempool.ts), while the pages that
 * reclaim swaps out wait for that very worker.
 *
 * Left out: asynchronous ciphers and their requests, integrity, splitting of bios, flushes and discards, suspending. Encryption
 * itself takes no step: nobody can meet it. Each pool of dm's own (`io_pool`, its bios) is one here.
 */
import { type Entity, op, type Resumable } from "../../resumable/index.ts";
import type { Bio } from "../block/bio.ts";
import { bioAlloc, bioPut, submitBio } from "../block/blk-core.ts";
import { bioEndio, deferBio, resumeBio } from "../block/blk-mq.ts";
import { blkFinishPlug, blkStartPlug } from "../block/plug.ts";
import { __GFP_DIRECT_RECLAIM, __GFP_HIGHMEM, __GFP_NORETRY, GFP_NOIO, GFP_NOWAIT, PF_LESS_THROTTLE } from "../gfp.ts";
import { mutexLock, mutexUnlock } from "../locking/mutex.ts";
import { down, up } from "../locking/semaphore.ts";
import { type Mempool, mempoolAlloc, mempoolAllocPages, mempoolFree, type PoolElement } from "../mm/mempool.ts";
import type { Page } from "../mm/page.ts";
import type { SlabObject } from "../mm/slab.ts";
import { isSwapBio, swapPageSector } from "../mm/swap-state.ts";
import { current, era, kernel } from "../sched/current.ts";
import type { Workqueue } from "../sched/workqueue.ts";
import type { CryptConfig, DmCryptIo } from "./dm-crypt-types.ts";

/** `dm_submit_bio()`: memory for the bio first, then the target. */
export function* dmSubmitBio(target: Entity, bio: Bio): Resumable {
  yield* __splitAndProcessBio(target as CryptConfig, bio);
}
function* __splitAndProcessBio(cc: CryptConfig, bio: Bio): Resumable {
  const io = cc.ios.at(bio.$number) as DmCryptIo;
  io.sector = sectorOf(bio);
  io.dmIo = (yield* mempoolAlloc(cc.ioPool, GFP_NOIO)) as PoolElement;
  yield* __mapBio(io);
}
/** Where on the device; only the order of writes follows from it. */
function sectorOf(bio: Bio): number {
  const page = bio.pages.at(0);
  if (page === undefined) return bio.$number;
  return isSwapBio(bio) ? swapPageSector(page) : page.index;
}

/** Swap is let in only so far (5.12+), so that what reclaim has started does not eat all memory. */
function* __mapBio(io: DmCryptIo): Resumable {
  const { swapBios } = io.cc;
  if (swapBios !== undefined && isSwapBio(io.baseBio)) yield* down(swapBios);
  yield* cryptMap(io);
}

function* cryptMap(io: DmCryptIo): Resumable {
  if (io.baseBio.write) yield* kcryptdQueueCrypt(io);
  else if (!(yield* kcryptdIoRead(io, GFP_NOWAIT))) yield* kcryptdQueueRead(io);
}
function* kcryptdQueueCrypt(io: DmCryptIo): Resumable {
  yield* deferBio(io.baseBio, io.cc.cryptQueue, io.cryptWork);
}
function* kcryptdQueueRead(io: DmCryptIo): Resumable {
  yield* deferBio(io.baseBio, io.cc.ioQueue as Workqueue, io.readWork);
}

/** The bio goes on in its clone, which somebody has. */
function hand(io: DmCryptIo, clone: Bio): void {
  io.baseBio.state = "queued";
  io.baseBio.below = clone;
  io.baseBio.owner = io.cc.writeThread;
}

/** `bio_alloc_bioset()`, `bio_alloc_clone()`: false without memory. The clone is the caller's. */
function* bioAllocBioset(io: DmCryptIo, gfp: number): Resumable<boolean> {
  const memory: SlabObject = yield* mempoolAlloc(io.cc.bs, gfp);
  if (memory === undefined) return false;
  const clone = yield* bioAlloc(io.cc.dev, io.baseBio.write, cryptEndio);
  clone.object = io;
  io.clone = clone;
  io.cloneMemory = memory;
  return true;
}
function* bioPutClone(io: DmCryptIo): Resumable {
  const memory = io.cloneMemory as PoolElement;
  bioPut(io.clone as Bio);
  io.clone = undefined;
  io.cloneMemory = undefined;
  yield* mempoolFree(memory, io.cc.bs);
}

/** The clone reads into the pages of the bio itself; false without memory. */
function* kcryptdIoRead(io: DmCryptIo, gfp: number): Resumable<boolean> {
  if (!(yield* bioAllocBioset(io, gfp))) return false;
  const clone = io.clone as Bio;
  hand(io, clone);
  yield* submitBio(clone);
  return true;
}
/** A work of `kcryptd_io`. */
export function* kcryptdIoReadWork(argument: Entity | undefined): Resumable {
  const io = argument as DmCryptIo;
  resumeBio(io.baseBio);
  yield* kcryptdIoRead(io, GFP_NOIO);
}

/** A work of `kcryptd`, to encrypt before writing or to decrypt after reading. */
export function* kcryptdCrypt(argument: Entity | undefined): Resumable {
  const io = argument as DmCryptIo;
  const had = current().flags & PF_LESS_THROTTLE;
  resumeBio(io.baseBio);
  if (era().kcryptdLessThrottle) current().flags |= PF_LESS_THROTTLE;
  if (io.baseBio.write) yield* kcryptdCryptWriteConvert(io);
  else yield* kcryptdCryptReadConvert(io);
  if (had === 0) current().flags &= ~PF_LESS_THROTTLE;
}
function* kcryptdCryptReadConvert(io: DmCryptIo): Resumable {
  yield* cryptDecPending(io);
}
function* kcryptdCryptWriteConvert(io: DmCryptIo): Resumable {
  yield* cryptAllocBuffer(io);
  yield* kcryptdCryptWriteIoSubmit(io);
}

/** Steps that an experiment takes out; no kernel is so. */
function isSerialised(): boolean {
  return !kernel().config.hacks.includes("unserialised");
}

/** The clone with a page for each page of the bio. */
function* cryptAllocBuffer(io: DmCryptIo): Resumable {
  const { cc } = io;
  let gfp = GFP_NOWAIT | __GFP_HIGHMEM;
  for (;;) {
    const locks = (gfp & __GFP_DIRECT_RECLAIM) !== 0 && isSerialised();
    if (locks) yield* mutexLock(cc.bioAllocLock);
    yield* bioAllocBioset(io, GFP_NOIO);
    const complete = yield* fillClone(io, gfp);
    if (locks) yield* mutexUnlock(cc.bioAllocLock);
    if (complete) return;
    gfp |= __GFP_DIRECT_RECLAIM;
  }
}
/** Part of crypt_alloc_buffer(): false when a page is missing, and then everything has been given back. */
function* fillClone(io: DmCryptIo, gfp: number): Resumable<boolean> {
  const wanted = io.baseBio.pages.length;
  for (let i = 0; i < wanted; i++) {
    const page: SlabObject = yield* mempoolAlloc(io.cc.pagePool, gfp);
    if (page === undefined) {
      yield* cryptFreeBufferPages(io);
      yield* bioPutClone(io);
      return false;
    }
    (io.clone as Bio).pages.push(page as Page);
  }
  return true;
}
function* cryptFreeBufferPages(io: DmCryptIo): Resumable {
  const clone = io.clone as Bio;
  for (let page = clone.pages.shift(); page !== undefined; page = clone.pages.shift()) {
    yield* mempoolFree(page, io.cc.pagePool);
  }
}

/** `n_allocated_pages`: those of the reserve and those in clones. */
function nAllocatedPages(cc: CryptConfig): number {
  let pages = cc.pagePool.reserve.length;
  for (const { clone } of cc.ios) if (clone?.write === true) pages += clone.pages.length;
  return pages;
}
const isOverLimit = op<CryptConfig>("read n_allocated_pages", {
  apply: (cc) => nAllocatedPages(cc) >= cc.pagesPerClient,
  describe: () => "compare n_allocated_pages with the limit",
});
/** Instead of mempool_alloc_pages(), where the era limits what one device may have. */
export function* cryptPageAlloc(gfp: number, pool: Mempool): Resumable<SlabObject> {
  if ((gfp & __GFP_NORETRY) !== 0 && (yield isOverLimit(pool.poolData as CryptConfig))) return undefined;
  return yield* mempoolAllocPages(gfp);
}

const insert = op<DmCryptIo>("insert into write_tree", {
  apply(io) {
    const { writeTree, writeThread } = io.cc;
    const later: DmCryptIo[] = [];
    while ((writeTree.at(-1)?.sector ?? -1) > io.sector) later.unshift(writeTree.pop() as DmCryptIo);
    for (const each of [io, ...later]) writeTree.push(each);
    const clone = io.clone as Bio;
    clone.owner = writeThread;
    hand(io, clone);
  },
  describe: (io) => `give ${io.clone} to the write thread`,
});

/** Encrypted: to the write thread, or to the device at once. */
function* kcryptdCryptWriteIoSubmit(io: DmCryptIo): Resumable {
  if (!io.cc.noOffload) {
    yield insert(io);
    return;
  }
  hand(io, io.clone as Bio);
  yield* submitBio(io.clone as Bio);
}

const takeWriteTree = op<CryptConfig>("take write_tree", {
  ways: (cc) => (cc.writeTree.length > 0 ? 1 : 0),
  apply({ writeTree }) {
    const ios = Object.freeze([...writeTree]);
    writeTree.clear();
    return ios;
  },
  idle: true,
  describe: (cc) => `take the writes of ${cc.queue.device}`,
});

/** The write thread: what is in the tree goes to the device in one plug. */
export function* dmcryptWrite(cc: CryptConfig): Resumable {
  for (;;) {
    const ios: readonly DmCryptIo[] = yield takeWriteTree(cc);
    const outermost = blkStartPlug();
    for (const io of ios) yield* kcryptdIoWrite(io);
    yield* blkFinishPlug(outermost);
  }
}
function* kcryptdIoWrite(io: DmCryptIo): Resumable {
  yield* submitBio(io.clone as Bio);
}

/** `bi_end_io` of a clone, in whatever context the device below ends it. */
function* cryptEndio(clone: Bio): Resumable {
  const io = clone.object as DmCryptIo;
  const { baseBio } = io;
  baseBio.state = "completing";
  baseBio.owner = current();
  baseBio.below = undefined;
  if (clone.write) yield* cryptFreeBufferPages(io);
  yield* bioPutClone(io);
  if (baseBio.write) yield* cryptDecPending(io);
  else yield* kcryptdQueueCrypt(io);
}

/** The last of it: dm's memory goes back, and the bio ends. */
function* cryptDecPending(io: DmCryptIo): Resumable {
  const { cc } = io;
  cc.requests++;
  yield* cloneEndio(io);
}
function* cloneEndio(io: DmCryptIo): Resumable {
  const { cc, baseBio } = io;
  if (cc.swapBios !== undefined && isSwapBio(baseBio)) yield* up(cc.swapBios);
  const memory = io.dmIo as PoolElement;
  io.dmIo = undefined;
  yield* mempoolFree(memory, cc.ioPool);
  yield* bioEndio(baseBio);
}
