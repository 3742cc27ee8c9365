/** Who can bring the end of a bio about, and with it the end of the writeback of its pages or the unlock of a page it reads. */
import { kernel } from "../sched/current.ts";
import type { Task } from "../sched/task.ts";
import type { Workqueue } from "../sched/workqueue.ts";
import type { Bio, RequestQueue } from "./bio.ts";
import type { Block } from "./blk-core.ts";

/** Who can bring the end of a bio about: its builder until it is given to the device, then whoever handles its completion. */
export function bioProviders(bio: Bio): readonly Task[] {
  switch (bio.state) {
    case "free":
      return [];
    case "building":
    case "plugged":
    case "completing":
      return [bio.owner];
    case "queued": {
      const worker = bio.queue?.loop?.worker;
      if (bio.below !== undefined) return bioProviders(bio.below);
      return worker === undefined ? [] : [worker];
    }
    case "in_flight":
      if (bio.queue?.completion === "server") return [...bio.queue.servers];
      return kernel()
        .subsystem<Block>("block")
        .handlers.filter((handler) => handles(handler, bio));
    case "deferred":
      return workersOf(bio.endQueue as Workqueue);
  }
}
function workersOf(queue: Workqueue): Task[] {
  return queue.rescuer === undefined ? [...queue.workers] : [...queue.workers, queue.rescuer];
}
/** Whether the completion of an in-flight bio arrives at this interrupt context. */
export function handles(handler: Task, bio: Bio): boolean {
  const queue = bio.queue as RequestQueue;
  if (queue.completion === "server") return false;
  return handler.cpu === (queue.irqCpu ?? bio.cpu) && (handler.kind === "softirq") === (queue.completion === "softirq");
}
