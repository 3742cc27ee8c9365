/**
 * Freezing a queue (block/blk-mq.c:blk_mq_freeze_queue, block/blk-core.c:__bio_queue_enter): from then on who submits a bio sleeps,
 * and the freezer waits until what was submitted before has ended. Freezes nest and add up.
 *
 * Whoever has frozen a queue must not do I/O to it: not even by reclaiming memory. From commit 1e1a9cecfab3 ("block: force noio
 * scope in blk_mq_freeze_queue") (v6.14) on a freeze is a NOIO scope.
 */
import type { List } from "../../resumable/index.ts";
import { create, Entity, fields, list, op, type Resumable, ref } from "../../resumable/index.ts";
import { PF_MEMALLOC_NOIO } from "../gfp.ts";
import { current, era, kernel } from "../sched/current.ts";
import type { Kernel } from "../sched/kernel.ts";
import type { Task } from "../sched/task.ts";
import { waitOp } from "../sched/wait.ts";
import type { Bio, RequestQueue } from "./bio.ts";
import { bioProviders } from "./bio-providers.ts";
import type { Block } from "./blk-core.ts";
import { plugFlushOnSleep } from "./plug.ts";

/** `mq_freeze_depth` of a queue, by who has frozen it. */
export class QueueFreeze extends Entity {
  declare queue: RequestQueue;
  declare freezers: List<Task>;
  static {
    fields(QueueFreeze, { queue: ref, freezers: list("contexts") });
  }
}

/** Somebody may freeze the queue. Set-up only; entering a queue that nobody can freeze is no step. */
export function mayFreeze(k: Kernel, queue: RequestQueue): void {
  const made = create(QueueFreeze, { queue });
  const all = k.subsystems.get("queue freezes") as QueueFreeze[] | undefined;
  if (all === undefined) k.subsystems.set("queue freezes", [made]);
  else all.push(made);
}
function freezeOf(queue: RequestQueue): QueueFreeze | undefined {
  const all = kernel().subsystems.get("queue freezes") as readonly QueueFreeze[] | undefined;
  return all?.find((freeze) => freeze.queue === queue);
}

/** A bio that has entered counts as submitted: its submitter brings it to the device. */
function enter(_freeze: QueueFreeze, bio: Bio): boolean {
  bio.state = "plugged";
  return true;
}
const tryEnter = op<QueueFreeze, Bio>("blk_try_enter_queue", {
  apply: (freeze, bio) => freeze.freezers.length === 0 && enter(freeze, bio),
  describe: ({ queue }) => `enter queue ${queue.device}`,
});
const thawed = waitOp<QueueFreeze, Bio>("bio_queue_enter", {
  ways: (freeze) => (freeze.freezers.length === 0 ? 1 : 0),
  apply: enter,
  wait: ({ queue, freezers }) => ({
    resource: { class: "queue_freeze", id: queue.device },
    verb: "unfreeze",
    providers: [...new Set(freezers)],
    state: "D",
    top: "schedule",
  }),
  describe: ({ queue }) => `wait until queue ${queue.device} is no longer frozen`,
});

/** `bio_queue_enter()`: sleeps while the queue is frozen. */
export function* __bioQueueEnter(bio: Bio): Resumable {
  const freeze = freezeOf(bio.queue as RequestQueue);
  if (freeze === undefined || (yield tryEnter(freeze, bio))) return;
  yield* plugFlushOnSleep();
  yield thawed(freeze, bio);
}

/** Bios that hold a reference of `q_usage_counter`. */
function users(queue: RequestQueue): readonly Bio[] {
  const { bios } = kernel().subsystem<Block>("block");
  return bios.filter((bio) => bio.queue === queue && bio.state !== "building");
}

const startFreeze = op<QueueFreeze>("blk_freeze_queue_start", {
  apply(freeze) {
    freeze.freezers.push(current());
  },
  describe: ({ queue }) => `freeze queue ${queue.device}`,
});
const drained = waitOp<QueueFreeze>("blk_mq_freeze_queue_wait", {
  ways: ({ queue }) => (users(queue).length === 0 ? 1 : 0),
  wait: ({ queue }) => ({
    resource: { class: "queue_usage", id: queue.device },
    verb: "end_request",
    providers: users(queue).flatMap(bioProviders),
    state: "D",
    top: "schedule",
  }),
  describe: ({ queue }) => `wait for what queue ${queue.device} has`,
});
const endFreeze = op<QueueFreeze>("blk_mq_unfreeze_queue", {
  apply(freeze) {
    freeze.freezers.remove(current());
  },
  describe: ({ queue }) => `unfreeze queue ${queue.device}`,
});

function known(queue: RequestQueue): QueueFreeze {
  const freeze = freezeOf(queue);
  if (freeze === undefined) throw new Error(`${queue.device} was not booted with mayFreeze`);
  return freeze;
}

/** Returns what {@link blkMqUnfreezeQueue} is to be told: whether the task was in a NOIO scope. */
export function* blkMqFreezeQueue(queue: RequestQueue): Resumable<boolean> {
  const freeze = known(queue);
  yield startFreeze(freeze);
  yield* blkMqFreezeQueueWait(freeze);
  const hadNoio = (current().flags & PF_MEMALLOC_NOIO) !== 0;
  if (era().freezeIsNoio) current().flags |= PF_MEMALLOC_NOIO;
  return hadNoio;
}
function* blkMqFreezeQueueWait(freeze: QueueFreeze): Resumable {
  yield* plugFlushOnSleep();
  yield drained(freeze);
}
export function* blkMqUnfreezeQueue(queue: RequestQueue, hadNoio: boolean): Resumable {
  if (era().freezeIsNoio && !hadNoio) current().flags &= ~PF_MEMALLOC_NOIO;
  yield endFreeze(known(queue));
}
