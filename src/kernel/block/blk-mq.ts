/**
 * The end of requests (block/blk-mq.c, block/bio.c): in hard interrupts, in the block softirq, or by a worker.
 *
 * An interrupt context is a service task per CPU that waits for completions. The step that takes one puts it on top of what
 * runs on its CPU; it may take that step whenever interrupts are on there. The hard one runs with interrupts off.
 */
import { create, type Entity, op, type Resumable } from "../../resumable/index.ts";
import { current, kernel, thisCpu } from "../sched/current.ts";
import { handlersHaveWork, irqEnter, irqExit } from "../sched/hardirq.ts";
import { hardwareOp } from "../sched/hardware.ts";
import type { Kernel } from "../sched/kernel.ts";
import type { Task } from "../sched/task.ts";
import { queueWork, Work, Workqueue, workerThread } from "../sched/workqueue.ts";
import type { Bio, RequestQueue } from "./bio.ts";
import { handles } from "./bio-providers.ts";
import type { Block } from "./blk-core.ts";
import { blkMqPutTag } from "./blk-mq-tag.ts";

/** A handler per CPU and kind that a device needs. @internal */
export function bootInterrupts(kernel: Kernel, queues: readonly RequestQueue[]): readonly Task[] {
  const handlers: Task[] = [];
  for (const kind of ["hardirq", "softirq"] as const) {
    const mine = queues.filter(
      (q) => q.completion !== "server" && (q.completion === "softirq") === (kind === "softirq"),
    );
    for (const cpu of kernel.cpus) {
      if (!mine.some((q) => (q.irqCpu ?? cpu) === cpu)) continue;
      const options = { comm: `${kind}/${cpu.number}`, kind, cpu: cpu.number, idle: true };
      handlers.push(kernel.spawn(options, kind === "hardirq" ? handleIrqEvent : blkDoneSoftirq));
    }
  }
  for (const queue of queues) if (queue.completion === "work") bootEndWork(kernel, queue);
  handlersHaveWork(kernel, (handler) => queues.some((q) => arrivals(handler, q).length > 0));
  return Object.freeze(handlers);
}

function bootEndWork(kernel: Kernel, queue: RequestQueue): void {
  queue.endQueue = createWorkqueue(kernel, `end_io/${queue.device}`);
  queue.endWork = create(Work, { fn: endRequestsFn, fnName: "end_requests", argument: queue });
}

/** An unbound queue with so many workers. */
export function createWorkqueue(kernel: Kernel, queueName: string, workers = 1): Workqueue {
  const queue = create(Workqueue, { queueName, unbound: true });
  for (let i = 0; i < workers; i++) {
    const options = { comm: `kworker/u4:${kernel.tasks.length}`, kind: "kworker" as const, idle: true };
    queue.workers.push(kernel.spawn(options, workerThread, [queue]));
  }
  return queue;
}

function arrivals(handler: Task, queue: RequestQueue): readonly Bio[] {
  return [...queue.inFlight].filter((bio) => handles(handler, bio));
}
function completable(handler: Task): readonly Bio[] {
  return kernel()
    .subsystem<Block>("block")
    .queues.flatMap((queue) => arrivals(handler, queue));
}

/** The device completes one of its requests, whichever: `way` chooses. */
const takeCompletion = hardwareOp<Task>("completion", {
  requests: completable,
  apply(handler, _argument, way) {
    const bio = completable(handler)[way] as Bio;
    (bio.queue as RequestQueue).inFlight.remove(bio);
    bio.state = "completing";
    bio.owner = handler;
    bio.cpu = undefined;
    irqEnter(handler);
    return bio;
  },
  idle: true,
  describe: (handler) => `completion on CPU ${handler.cpu.number}`,
});

function* handleIrqEvent(): Resumable {
  for (;;) {
    const bio: Bio = yield takeCompletion(current());
    const pinned = thisCpu().pinned;
    yield* blkMqCompleteRequest(bio);
    irqExit(pinned);
  }
}
function* blkDoneSoftirq(): Resumable {
  for (;;) {
    const bio: Bio = yield takeCompletion(current());
    const pinned = thisCpu().pinned;
    yield* blkMqEndRequest(bio);
    irqExit(pinned);
  }
}

function* blkMqCompleteRequest(bio: Bio): Resumable {
  const queue = bio.queue as RequestQueue;
  if (queue.completion !== "work") {
    yield* blkMqEndRequest(bio);
    return;
  }
  queue.done.push(bio);
  yield* deferBio(bio, queue.endQueue as Workqueue, queue.endWork as Work);
}
/** Ends a request in whatever context has learned of its end. */
export function* blkMqEndRequest(bio: Bio): Resumable {
  const queue = bio.queue as RequestQueue;
  yield* blkUpdateRequest(bio);
  blkMqPutTag(queue);
}
function* blkUpdateRequest(bio: Bio): Resumable {
  yield* bioEndio(bio);
}

/** `bio_endio`: runs bi_end_io, which gives the bio back with {@link bioPut} or hands it on with {@link deferBio}. */
export function* bioEndio(bio: Bio): Resumable {
  const endIo = bio.endIo;
  yield* endIo(bio);
}

/** Leaves the rest of a bio's end to a work item, which has to find the bio in a list of its own. */
export function* deferBio(bio: Bio, queue: Workqueue, work: Work): Resumable {
  bio.state = "deferred";
  bio.endQueue = queue;
  yield* queueWork(queue, work);
}
/** Marks that the current task goes on with a deferred bio. */
export function resumeBio(bio: Bio): void {
  bio.state = "completing";
  bio.owner = current();
  bio.endQueue = undefined;
}

const takeDone = op<RequestQueue>("take completed bio", {
  apply(queue) {
    const bio = queue.done.shift();
    if (bio !== undefined) resumeBio(bio);
    return bio;
  },
  describe: (queue) => `take a completed bio of ${queue.device}`,
});

function* endRequestsFn(argument: Entity | undefined): Resumable {
  const queue = argument as RequestQueue;
  for (;;) {
    const bio: Bio | undefined = yield takeDone(queue);
    if (bio === undefined) return;
    yield* blkMqEndRequest(bio);
  }
}
