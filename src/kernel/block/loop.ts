/**
 * The loop driver (drivers/block/loop.c): one thread per device takes its requests and does direct I/O on the backing file. The
 * request ends in the interrupt that ends the file's own bio.
 *
 * From 5.3 on the thread is in a NOIO scope: commit d0a255e795ab ("loop: set PF_MEMALLOC_NOIO for the worker thread"). From 5.15 on
 * it is a kworker of the queue `loopN`, one per cgroup; here there is one. Buffered loop devices are not modelled.
 */
import { create, op, type Resumable } from "../../resumable/index.ts";
import { ext4FileWriteIter } from "../fs/direct-io.ts";
import type { Inode } from "../fs/inode.ts";
import { PF_LESS_THROTTLE, PF_LOCAL_THROTTLE, PF_MEMALLOC_NOIO } from "../gfp.ts";
import { kmemCacheFree, type SlabObject } from "../mm/slab.ts";
import { current } from "../sched/current.ts";
import type { Kernel } from "../sched/kernel.ts";
import type { Bio, RequestQueue } from "./bio.ts";
import { bioPut } from "./blk-core.ts";
import { bioEndio } from "./blk-mq.ts";
import { LoopDevice } from "./loop-device.ts";

/** `losetup --direct-io=on`: the queue's requests go to a file from now on. */
export function bootLoop(kernel: Kernel, queue: RequestQueue, file: Inode): LoopDevice {
  const loop = create(LoopDevice, { queue, file });
  const { loopWorkerNoio, localThrottle, loopWorkqueue } = kernel.era.features;
  const throttle = localThrottle ? PF_LOCAL_THROTTLE : PF_LESS_THROTTLE;
  const comm = loopWorkqueue ? `kworker/u4:${kernel.tasks.length}` : `loop${queue.device.split(":")[1]}`;
  const flags = throttle | (loopWorkerNoio ? PF_MEMALLOC_NOIO : 0);
  loop.worker = kernel.spawn({ comm, kind: "kthread", idle: true, flags }, loopKthreadWorkerFn, [loop]);
  queue.loop = loop;
  return loop;
}

const take = op<LoopDevice>("take a loop request", {
  ways: (loop) => (loop.todo.length > 0 ? 1 : 0),
  apply: (loop) => loop.todo.shift(),
  idle: true,
  describe: (loop) => `take a request of ${loop}`,
});

function* loopKthreadWorkerFn(loop: LoopDevice): Resumable {
  yield* kthreadWorkerFn(loop);
}
function* kthreadWorkerFn(loop: LoopDevice): Resumable {
  for (;;) {
    const bio: Bio = yield take(loop);
    yield* loopQueueWork(loop, bio);
  }
}

/** Without memory the request ends at once (with an error in the kernel; here nobody looks). */
function* loopQueueWork(loop: LoopDevice, bio: Bio): Resumable {
  if (yield* loRwAio(loop, bio)) return;
  complete(bio);
  yield* bioEndio(bio);
}
function* loRwAio(loop: LoopDevice, bio: Bio): Resumable<boolean> {
  return yield* ext4FileWriteIter(loop.file, bio, loRwAioComplete);
}

/** The request goes on in the context that runs. */
function complete(bio: Bio): void {
  bio.state = "completing";
  bio.owner = current();
  bio.below = undefined;
}

/** `dio_complete()` and `lo_rw_aio_complete()`, in the interrupt that ends the bio of the file. */
function* loRwAioComplete(below: Bio): Resumable {
  const bio = below.above as Bio;
  const dio = below.object as SlabObject;
  bioPut(below);
  complete(bio);
  yield* kmemCacheFree(dio);
  yield* bioEndio(bio);
}
