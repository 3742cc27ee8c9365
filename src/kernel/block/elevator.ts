/**
 * Choosing an I/O scheduler through sysfs (block/blk-sysfs.c, block/elevator.c, block/mq-deadline.c): the queue is frozen while the
 * old one goes and the new one is allocated, with GFP_KERNEL.
 *
 * From 6.11 on the queue is frozen around every store already; commit 7c0be4ead1f8 ("block: mark GFP_NOIO around sysfs
 * ->store()") makes that a NOIO scope. The module is loaded before. sysfs_lock is not modelled: nobody here waits for it.
 */
import type { Resumable } from "../../resumable/index.ts";
import { GFP_KERNEL, PF_MEMALLOC_NOIO } from "../gfp.ts";
import { allocPages, freePage } from "../mm/page-alloc.ts";
import { current, era } from "../sched/current.ts";
import type { RequestQueue } from "./bio.ts";
import { blkMqFreezeQueue, blkMqUnfreezeQueue } from "./queue-freeze.ts";

/** A write to `/sys/block/DISK/queue/scheduler`. */
export function* queueAttrStore(queue: RequestQueue): Resumable {
  const freezes = era().sysfsStoreFreezes;
  const hadNoio = freezes && (yield* blkMqFreezeQueue(queue));
  const before = current().flags & PF_MEMALLOC_NOIO;
  if (era().sysfsStoreNoio) current().flags |= PF_MEMALLOC_NOIO;
  yield* elvIoschedStore(queue);
  current().flags = (current().flags & ~PF_MEMALLOC_NOIO) | before;
  if (freezes) yield* blkMqUnfreezeQueue(queue, hadNoio);
}
function* elvIoschedStore(queue: RequestQueue): Resumable {
  yield* elevatorSwitch(queue);
}
function* elevatorSwitch(queue: RequestQueue): Resumable {
  const hadNoio = yield* blkMqFreezeQueue(queue);
  yield* blkMqInitSched();
  yield* blkMqUnfreezeQueue(queue, hadNoio);
}
function* blkMqInitSched(): Resumable {
  yield* ddInitSched();
}
/** The scheduler's own memory, given back at once: what becomes of it does not matter here. */
function* ddInitSched(): Resumable {
  const memory = yield* allocPages(GFP_KERNEL);
  if (memory !== undefined) yield* freePage(memory);
}
