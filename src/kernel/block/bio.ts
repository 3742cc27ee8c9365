/** Bios and the queue they are submitted to. */

import type { List, Resumable } from "../../resumable/index.ts";
import { bool, Entity, fields, int, list, ref, value } from "../../resumable/index.ts";
import type { Page } from "../mm/page.ts";
import type { Cpu, Task } from "../sched/task.ts";
import type { Work, Workqueue } from "../sched/workqueue.ts";
import type { LoopDevice } from "./loop-device.ts";

/** What becomes of a bio; `queued`: it waits for, or is with, the thread of a loop device. */
export type BioState = "free" | "building" | "plugged" | "queued" | "in_flight" | "completing" | "deferred";

/** `struct bio`, with one slot for every page it can carry. */
export class Bio extends Entity {
  declare state: BioState;
  declare pages: List<Page>;
  declare write: boolean;
  /** Who builds it, and until it is submitted the only one who can; the only provider of what its end would do. */
  declare owner: Task;
  /** `bi_end_io`. */
  declare endIo: (bio: Bio) => Resumable;
  declare queue: RequestQueue | undefined;
  /** The CPU it was submitted on, where its completion interrupt arrives unless the queue is routed elsewhere. */
  declare cpu: Cpu | undefined;
  /** The blocks are unwritten extents, which have to be converted before the writeback ends. */
  declare unwritten: boolean;
  /** Where the end of a deferred bio waits for a worker. */
  declare endQueue: Workqueue | undefined;
  /** On a stacked device: the bio that carries this one out, and the one that this one carries out. */
  declare below: Bio | undefined;
  declare above: Bio | undefined;
  /** `bi_private`. */
  declare object: unknown;
  static {
    fields(Bio, {
      state: value,
      pages: list("pages"),
      write: bool,
      owner: ref,
      endIo: value,
      queue: ref,
      cpu: ref,
      unwritten: bool,
      endQueue: ref,
      below: ref,
      above: ref,
      object: value,
    });
  }
}

/** How completions come back. */
export type CompletionContext = "hardirq" | "softirq" | "work" | "server";

/** `struct request_queue` with the device behind it: it completes what it has, in any order, at any time. */
export class RequestQueue extends Entity {
  /** `8:0`. */
  declare device: string;
  declare inFlight: List<Bio>;
  /** How many requests it takes at once (`nr_requests`). */
  declare depth: number;
  /** The CPU that gets its interrupts; undefined: the one that submitted. */
  declare irqCpu: Cpu | undefined;
  declare completion: CompletionContext;
  /** Tags in use; counted only where {@link depth} can be reached. */
  declare tags: number;
  /** Completed bios that wait for {@link endWork}, for `completion` "work". */
  declare done: List<Bio>;
  declare endQueue: Workqueue | undefined;
  declare endWork: Work | undefined;
  /** It is a loop device's. */
  declare loop: LoopDevice | undefined;
  /** Tasks of user space that are the device, for `completion` "server" (`nbd.ts`). */
  declare servers: List<Task>;
  static {
    fields(
      RequestQueue,
      {
        device: value,
        inFlight: list("bios"),
        depth: int,
        irqCpu: ref,
        completion: value,
        tags: int,
        done: list("bios"),
        endQueue: ref,
        endWork: ref,
        loop: ref,
        servers: list("contexts"),
      },
      "queue",
    );
  }
}
