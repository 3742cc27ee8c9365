/** Loop devices: a request queue whose requests a thread carries out on a file. What that thread does is in loop.ts. */
import type { List } from "../../resumable/index.ts";
import { Entity, fields, list, ref } from "../../resumable/index.ts";
import type { Inode } from "../fs/inode.ts";
import type { Task } from "../sched/task.ts";
import type { Bio, RequestQueue } from "./bio.ts";

/** `struct loop_device`. */
export class LoopDevice extends Entity {
  declare queue: RequestQueue;
  /** `lo_backing_file`. */
  declare file: Inode;
  /** Requests that its worker has not begun yet. */
  declare todo: List<Bio>;
  declare worker: Task;
  static {
    fields(LoopDevice, { queue: ref, file: ref, todo: list("bios"), worker: ref }, "loop");
  }
}

/** `loop_queue_rq()`: part of the step in which the request is issued. */
export function loopQueueRq(loop: LoopDevice, bio: Bio): void {
  bio.state = "queued";
  loop.todo.push(bio);
}
