/**
 * Tags of a device (block/blk-mq-tag.c): a request needs one from its submission to its end, plugged requests included.
 *
 * Where a device takes as many requests as there are bios, nobody can ever wait and no tags are counted.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import { kernel } from "../sched/current.ts";
import { waitOp } from "../sched/wait.ts";
import type { Bio, RequestQueue } from "./bio.ts";
import { bioProviders } from "./bio-providers.ts";
import type { Block } from "./blk-core.ts";
import { plugFlushOnSleep } from "./plug.ts";

function counted(queue: RequestQueue): boolean {
  return queue.depth < kernel().config.capacities.bios;
}

/** A bio that has its tag counts as submitted from that step on: its submitter is who brings the tag back. */
function give(queue: RequestQueue, bio: Bio): void {
  queue.tags++;
  bio.state = "plugged";
}

const tryTag = op<RequestQueue, Bio>("blk_mq_get_tag", {
  apply(queue, bio) {
    if (queue.tags >= queue.depth) return false;
    give(queue, bio);
    return true;
  },
  describe: (queue) => `blk_mq_get_tag ${queue.device}`,
});

const waitForTag = waitOp<RequestQueue, Bio>("wait for tag", {
  ways: (queue) => (queue.tags < queue.depth ? 1 : 0),
  apply: give,
  wait: (queue) => ({
    resource: { class: "request_tag", id: queue.device },
    verb: "put",
    providers: holders(queue).flatMap((bio) => bioProviders(bio)),
    state: "D",
    top: "io_schedule",
  }),
  describe: (queue) => `wait for a tag of ${queue.device}`,
});

/** Bios of the queue that own a tag now. */
function holders(queue: RequestQueue): readonly Bio[] {
  const { bios } = kernel().subsystem<Block>("block");
  return bios.filter((bio) => bio.queue === queue && bio.state !== "building");
}

/** `blk_mq_get_tag`: sleeps when all are in use, its own plug flushed before. */
export function* blkMqGetTag(bio: Bio): Resumable {
  const queue = bio.queue as RequestQueue;
  if (!counted(queue) || (yield tryTag(queue, bio))) return;
  yield* plugFlushOnSleep();
  yield waitForTag(queue, bio);
}
export function blkMqPutTag(queue: RequestQueue): void {
  if (counted(queue)) queue.tags--;
}
