/**
 * Bios from allocation to the device (block/bio.c, block/blk-core.c, block/blk-mq.c). A bio is a request of its own: nothing
 * is merged.
 *
 * A bio that its builder has not passed to submit_bio() is touched by no plug flush and completes never; once submitted it
 * stands in the builder's plug or with the device, which completes what it has at any time and in any order.
 */
import { create, op, type Resumable } from "../../resumable/index.ts";
import { current, kernel, thisCpu } from "../sched/current.ts";
import type { Kernel } from "../sched/kernel.ts";
import type { Task } from "../sched/task.ts";
import { waitOp } from "../sched/wait.ts";
import { Bio, type CompletionContext, RequestQueue } from "./bio.ts";
import { bioProviders } from "./bio-providers.ts";
import { bootInterrupts } from "./blk-mq.ts";
import { blkMqGetTag } from "./blk-mq-tag.ts";
import { loopQueueRq } from "./loop-device.ts";
import { mappedDevice } from "./mapped-device.ts";
import { blkFlushPlug, plugFlushOnSleep } from "./plug.ts";
import { __bioQueueEnter } from "./queue-freeze.ts";

/** A device, as an incident describes it. */
export interface QueueOptions {
  /** `MAJ:MIN`; 8:0 by default. */
  readonly device?: string;
  /** Requests at once; as many as there are bios by default, so that nobody ever waits for a tag. */
  readonly depth?: number;
  readonly completion?: CompletionContext;
  /** The CPU that gets its interrupts; the submitting one by default (rq_affinity). */
  readonly irqCpu?: number;
}

/** What {@link bootBlock} made. */
export interface Block {
  readonly bios: readonly Bio[];
  readonly queues: readonly RequestQueue[];
  /** Interrupt contexts that end requests. */
  readonly handlers: readonly Task[];
}

/** `BLK_MAX_REQUEST_COUNT`: more plugged requests are flushed at once (16 until 5.15, 32 since). */
const MAX_PLUGGED = 16;

/** Makes the bios, the devices and their interrupt handlers; with no option, one device. */
export function bootBlock(kernel: Kernel, devices: readonly QueueOptions[] = [{}]): Block {
  const count = kernel.config.capacities.bios;
  const bios = Array.from({ length: count }, () => create(Bio, { state: "free" }));
  const queues = devices.map(({ device, depth, completion, irqCpu }, i) => {
    const cpu = irqCpu === undefined ? undefined : kernel.cpus[irqCpu];
    if (irqCpu !== undefined && cpu === undefined) throw new Error(`there is no CPU ${irqCpu} for interrupts`);
    return create(RequestQueue, {
      device: device ?? `8:${i * 16}`,
      depth: depth ?? count,
      completion: completion ?? "hardirq",
      irqCpu: cpu,
    });
  });
  const handlers = bootInterrupts(kernel, queues);
  const block: Block = Object.freeze({ bios: Object.freeze(bios), queues: Object.freeze(queues), handlers });
  kernel.subsystems.set("block", block);
  return block;
}

/**
 * The bios that a task allocates from: a slice of its own, so that which bio it gets does not depend on what others do, then
 * those that no slice has.
 */
function bioset(task: Task): readonly Bio[] {
  const known = biosets.get(task);
  if (known !== undefined) return known;
  const { bios } = kernel().subsystem<Block>("block");
  const tasks = kernel().submitters;
  const share = Math.floor(bios.length / tasks.length);
  const first = tasks.indexOf(task) * share;
  const made = [...bios.slice(first, first + share), ...bios.slice(tasks.length * share)];
  biosets.set(task, made);
  return made;
}
/** Which bios are whose is settled when the first one is asked for, and follows from nothing that can change. */
const biosets = new WeakMap<Task, readonly Bio[]>();
function freeBio(task: Task): Bio | undefined {
  return bioset(task).find((bio) => bio.state === "free");
}

/** `mempool_alloc` of the bioset: its bios all come back when what they carry completes. */
const waitForBio = waitOp<Task>("mempool_alloc bio", {
  ways: (task) => (freeBio(task) === undefined ? 0 : 1),
  apply: (task) => freeBio(task),
  wait: (task) => ({
    resource: { class: "mempool", id: "bioset" },
    verb: "element_freed",
    providers: bioset(task).flatMap(bioProviders),
    state: "D",
    top: "schedule_timeout",
  }),
  describe: () => "mempool_alloc of a bio",
});

/**
 * `bio_alloc(GFP_NOIO)`; the caller is its owner until it submits it. Real pools are so large that nobody waits for bios that
 * he has himself: a world where somebody would is too small, and no statement about kernels.
 */
export function* bioAlloc(queue: RequestQueue, write: boolean, endIo: (bio: Bio) => Resumable): Resumable<Bio> {
  let bio = freeBio(current());
  if (bio === undefined) {
    if (bioset(current()).every((mine) => mine.state === "building" && mine.owner === current())) {
      throw new Error(`${current()} builds more bios than it has: raise the capacity "bios"`);
    }
    yield* plugFlushOnSleep();
    bio = yield waitForBio(current());
  }
  const got = bio as Bio;
  Object.assign(got, { state: "building", queue, write, endIo, owner: current() });
  return got;
}

/** Puts a completed bio back; its bi_end_io calls this last. */
export function bioPut(bio: Bio): void {
  bio.pages.clear();
  Object.assign(bio, {
    state: "free",
    queue: undefined,
    write: false,
    endIo: undefined,
    owner: undefined,
    cpu: undefined,
    unwritten: false,
    endQueue: undefined,
    below: undefined,
    above: undefined,
    object: undefined,
  });
}

/**
 * Gives a bio to its device. The order within the device's list is that of the bios' numbers: it completes them in any order,
 * so the order in which they came is no part of the state.
 */
export function blkMqIssue(bio: Bio): void {
  const { inFlight, loop } = bio.queue as RequestQueue;
  if (loop !== undefined) {
    loopQueueRq(loop, bio);
    return;
  }
  bio.state = "in_flight";
  const later: Bio[] = [];
  while ((inFlight.at(-1)?.$number ?? -1) > bio.$number) later.unshift(inFlight.pop() as Bio);
  for (const b of [bio, ...later]) inFlight.push(b);
}

const issue = op<Bio>("issue", {
  apply: blkMqIssue,
  describe: (bio) => `issue ${bio} to ${bio.queue?.device}`,
});

/** `submit_bio`: into the plug of the task if one is open, to the device otherwise; may sleep for a tag. */
export function* submitBio(bio: Bio): Resumable {
  yield* submitBioNoacctNocheck(bio);
}
function* submitBioNoacctNocheck(bio: Bio): Resumable {
  const device = mappedDevice(bio.queue);
  if (device === undefined) {
    yield* blkMqSubmitBio(bio);
    return;
  }
  const { submit } = device;
  yield* submit(device.target, bio);
}
function* blkMqSubmitBio(bio: Bio): Resumable {
  yield* __bioQueueEnter(bio);
  yield* blkMqGetTag(bio);
  bio.cpu = thisCpu();
  const task = current();
  if (!task.plugged) {
    yield issue(bio);
    return;
  }
  bio.state = "plugged";
  task.plug.push(bio);
  if (task.plug.length >= MAX_PLUGGED) yield* blkFlushPlug();
}
