/**
 * dm-bufio (drivers/md/dm-bufio.c): buffers of metadata blocks that dm-thin, dm-verity and others keep, under one mutex per client.
 *
 * The shrinker evicts buffers. Up to 5.8 it takes the mutex, sleeping for it if the caller may enter filesystems, and writes what
 * is dirty and waits for it, with the mutex held; from 5.9 on a worker does: commit 70704c33db84 ("dm bufio: do buffer cleanup
 * from a workqueue"). Between lies bd293d071ffe ("dm bufio: fix deadlock with loop device"), which only tries for the mutex; it
 * was reverted before 5.3 and lives in some stable releases.
 *
 * Not modelled: reading blocks, holding buffers, reserved buffers, the retained number (all may be evicted).
 */
import type { List } from "../../resumable/index.ts";
import {
  bool,
  create,
  Entity,
  type Entity as EntityType,
  fields,
  list,
  op,
  type Resumable,
  ref,
} from "../../resumable/index.ts";
import { __GFP_FS } from "../gfp.ts";
import { Mutex, mutexLock, mutexTrylock, mutexUnlock } from "../locking/mutex.ts";
import type { MemCgroup } from "../mm/memcg-types.ts";
import type { Mm } from "../mm/mm.ts";
import type { Page } from "../mm/page.ts";
import { freePage, takePageAtBoot } from "../mm/page-alloc.ts";
import { SHRINK_STOP, type Shrinker } from "../mm/shrinker.ts";
import { era } from "../sched/current.ts";
import type { Kernel } from "../sched/kernel.ts";
import { waitOp } from "../sched/wait.ts";
import { queueWork, Work, type Workqueue } from "../sched/workqueue.ts";
import type { Bio, RequestQueue } from "./bio.ts";
import { bioProviders } from "./bio-providers.ts";
import { bioAlloc, bioPut, submitBio } from "./blk-core.ts";
import { createWorkqueue } from "./blk-mq.ts";

/** `struct dm_buffer` of one page. */
export class DmBuffer extends Entity {
  declare client: DmBufioClient;
  declare page: Page;
  /** B_DIRTY and B_WRITING. */
  declare dirty: boolean;
  declare writing: boolean;
  /** What writes it. */
  declare bio: Bio | undefined;
  static {
    fields(DmBuffer, { client: ref, page: ref, dirty: bool, writing: bool, bio: ref }, "dm_buffer");
  }
}

/** `struct dm_bufio_client`: on a device. */
export class DmBufioClient extends Entity {
  declare lock: Mutex;
  declare queue: RequestQueue;
  /** Least recently used first; those that were dirtied among the others. */
  declare buffers: List<DmBuffer>;
  /** 5.9+: what the shrinker leaves to a worker. */
  declare shrinkQueue: Workqueue | undefined;
  declare shrinkWork: Work | undefined;
  static {
    fields(
      DmBufioClient,
      { lock: ref, queue: ref, buffers: list("pages"), shrinkQueue: ref, shrinkWork: ref },
      "dm_bufio_client",
    );
  }
}

/** `dm_bufio_client_create()` with so many buffers in it, all dirty. Set-up only. */
export function bootDmBufio(kernel: Kernel, queue: RequestQueue, buffers: number): DmBufioClient {
  const mm = kernel.subsystem<Mm>("mm");
  const client = create(DmBufioClient, { queue, lock: create(Mutex, { lockName: "dm_bufio_client" }) });
  for (let i = 0; i < buffers; i++) {
    client.buffers.push(create(DmBuffer, { client, page: takePageAtBoot(mm), dirty: true }));
  }
  if (kernel.era.features.dmBufioShrinkWork) {
    client.shrinkQueue = createWorkqueue(kernel, "dm_bufio_cache");
    client.shrinkWork = create(Work, { fn: shrinkWork, fnName: "shrink_work [dm_bufio]", argument: client });
  }
  mm.shrinkers.push(dmBufioShrinker(client));
  return client;
}

/** A table of its own for each client, which it names. */
function dmBufioShrinker(client: DmBufioClient): Shrinker {
  const common = { name: "dm-bufio", memcgAware: false, object: client, scan: dmBufioShrinkScan } as const;
  return Object.freeze({ ...common, count: dmBufioShrinkCount, lockedCount: dmBufioLockedCount });
}
function clientOf(shrinker: Shrinker): DmBufioClient {
  return shrinker.object as DmBufioClient;
}

function dmBufioShrinkCount(_memcg: MemCgroup | undefined, shrinker: Shrinker): number {
  return clientOf(shrinker).buffers.length;
}

/** Up to 4.9 counting takes the mutex as scanning does. */
function* dmBufioLockedCount(shrinker: Shrinker, gfp: number): Resumable<boolean> {
  if (!era().dmBufioCountLocked) return true;
  if (!(yield* dmBufioShrinkLock(shrinker, gfp))) return false;
  yield* mutexUnlock(clientOf(shrinker).lock);
  return true;
}

/** Waits for the mutex only if the caller may enter filesystems. */
function* dmBufioShrinkLock(shrinker: Shrinker, gfp: number): Resumable<boolean> {
  const { lock } = clientOf(shrinker);
  if ((gfp & __GFP_FS) === 0 || era().dmBufioShrinkTrylock) return yield* mutexTrylock(lock);
  yield* mutexLock(lock);
  return true;
}

function* dmBufioShrinkScan(
  shrinker: Shrinker,
  _memcg: MemCgroup | undefined,
  nr: number,
  gfp: number,
): Resumable<number> {
  const client = clientOf(shrinker);
  if (client.shrinkQueue !== undefined) {
    yield* queueWork(client.shrinkQueue, client.shrinkWork as Work);
    return nr;
  }
  if (!(yield* dmBufioShrinkLock(shrinker, gfp))) return SHRINK_STOP;
  const freed = yield* __scan(client, nr, gfp);
  yield* mutexUnlock(client.lock);
  return freed;
}

/** `shrink_work()`: 5.9+; evicts all there is, as the number of queued requests is not kept. */
function* shrinkWork(argument: EntityType | undefined): Resumable {
  const client = argument as DmBufioClient;
  yield* mutexLock(client.lock);
  yield* __scan(client, client.buffers.length, __GFP_FS);
  yield* mutexUnlock(client.lock);
}

/** Under the mutex: how many of the `nr` oldest buffers went. */
function* __scan(client: DmBufioClient, nr: number, gfp: number): Resumable<number> {
  let freed = 0;
  const looked = Object.freeze([...client.buffers].slice(0, nr));
  for (const buffer of looked) if (yield* __tryEvictBuffer(client, buffer, gfp)) freed++;
  return freed;
}

const test = op<DmBuffer>("test B_WRITING", {
  apply: (buffer) => buffer.writing,
  describe: (buffer) => `test B_WRITING of ${buffer}`,
});

/** Without `__GFP_FS` only a buffer that is clean goes. */
function* __tryEvictBuffer(client: DmBufioClient, buffer: DmBuffer, gfp: number): Resumable<boolean> {
  if ((gfp & __GFP_FS) === 0 && (buffer.dirty || (yield test(buffer)))) return false;
  yield* __makeBufferClean(buffer);
  client.buffers.remove(buffer);
  yield* freePage(buffer.page);
  return true;
}

const written = waitOp<DmBuffer>("wait for B_WRITING", {
  ways: (buffer) => (buffer.writing ? 0 : 1),
  wait: (buffer) => ({
    resource: { class: "device_io", id: buffer.client.queue.device },
    verb: "complete",
    providers: buffer.bio === undefined ? [] : bioProviders(buffer.bio),
    state: "D",
    top: "buffer",
  }),
  describe: (buffer) => `wait until ${buffer} is written`,
});

/** Under the mutex: written if it is dirty, and waited for. */
function* __makeBufferClean(buffer: DmBuffer): Resumable {
  yield* __writeDirtyBuffer(buffer);
  yield written(buffer);
}

/** B_DIRTY is the mutex's; a write that is still under way is waited for. */
function* __writeDirtyBuffer(buffer: DmBuffer): Resumable {
  if (!buffer.dirty) return;
  buffer.dirty = false;
  yield written(buffer);
  buffer.writing = true;
  const bio = yield* bioAlloc(buffer.client.queue, true, writeEndio);
  bio.object = buffer;
  buffer.bio = bio;
  yield* submitBio(bio);
}

function* writeEndio(bio: Bio): Resumable {
  yield clear(bio.object as DmBuffer);
  bioPut(bio);
}
const clear = op<DmBuffer>("clear B_WRITING", {
  apply(buffer) {
    buffer.writing = false;
    buffer.bio = undefined;
  },
  describe: (buffer) => `clear B_WRITING of ${buffer}`,
});

/**
 * `dm_bufio_write_dirty_buffers()`, as a commit of metadata calls it: all are submitted, then waited for one by one with the mutex
 * dropped meanwhile.
 */
export function* dmBufioWriteDirtyBuffers(client: DmBufioClient): Resumable {
  yield* mutexLock(client.lock);
  const all = client.buffers.snapshot();
  for (const buffer of all) yield* __writeDirtyBuffer(buffer);
  yield* mutexUnlock(client.lock);
  for (const buffer of all) yield written(buffer);
}
