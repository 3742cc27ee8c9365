/**
 * Work queues: items wait in a pool until a worker takes them.
 *
 * A bound pool runs one worker at a time that is not asleep; an unbound one as many as it has workers. A queue made with
 * WQ_MEM_RECLAIM has a rescuer, which takes work only when every worker of the pool is asleep on something else.
 */

import type { List } from "../../resumable/index.ts";
import { bool, Entity, fields, list, op, type Resumable, ref, value } from "../../resumable/index.ts";
import { current, kernel } from "./current.ts";
import { obstacleOf } from "./stuck.ts";
import type { Task } from "./task.ts";

/** `struct work_struct`. */
export class Work extends Entity {
  declare fn: (argument: Entity | undefined) => Resumable;
  /** Name of the function, as `Workqueue:` lines print it. */
  declare fnName: string;
  declare argument: Entity | undefined;
  declare pending: boolean;
  /** It was queued to a queue made with WQ_MEM_RECLAIM (worker-pool.ts). */
  declare memReclaim: boolean;
  static {
    fields(Work, { fn: value, fnName: value, argument: ref, pending: bool, memReclaim: bool });
  }
}

/** `struct workqueue_struct` with a pool of its own. */
export class Workqueue extends Entity {
  declare queueName: string;
  declare unbound: boolean;
  declare works: List<Work>;
  declare workers: List<Task>;
  declare rescuer: Task | undefined;
  /** Workers that execute an item. */
  declare busy: List<Task>;
  static {
    fields(Workqueue, {
      queueName: value,
      unbound: bool,
      works: list("works"),
      workers: list("contexts"),
      rescuer: ref,
      busy: list("contexts"),
    });
  }
}

function asleep(task: Task): boolean {
  const obstacle = obstacleOf(kernel(), task);
  return obstacle?.kind === "wait" && obstacle.wait.state !== "R";
}

function mayTake(queue: Workqueue, worker: Task): boolean {
  if (queue.works.length === 0) return false;
  if (worker === queue.rescuer) {
    return queue.busy.length >= queue.workers.length && [...queue.workers].every(asleep);
  }
  return queue.unbound || [...queue.busy].every(asleep);
}

const take = op<Workqueue, Task>("take work", {
  ways: (queue, worker) => (mayTake(queue, worker) ? 1 : 0),
  apply(queue, worker) {
    const work = queue.works.shift() as Work;
    work.pending = false;
    queue.busy.push(worker);
    worker.workName = `${queue.queueName} ${work.fnName}`;
    return work;
  },
  idle: true,
  describe: (queue) => `take work of ${queue.queueName}`,
});

const queueIt = op<Workqueue, Work>("queue_work", {
  apply(queue, work) {
    if (work.pending) return false;
    work.pending = true;
    queue.works.push(work);
    return true;
  },
  describe: (queue) => `queue_work ${queue.queueName}`,
});

/** False when it was pending already. */
export function* queueWork(queue: Workqueue, work: Work): Resumable<boolean> {
  return yield queueIt(queue, work);
}

/** What every worker runs. */
export function* workerThread(queue: Workqueue): Resumable {
  for (;;) {
    const work: Work = yield take(queue, current());
    yield* processOneWork(work);
    const me = current();
    queue.busy.remove(me);
    me.workName = undefined;
  }
}

function* processOneWork(work: Work): Resumable {
  const fn = work.fn;
  yield* fn(work.argument);
}
