/**
 * A worker pool that has its workers made as it needs them (kernel/workqueue.c), and rescuers.
 *
 * One worker of a pool runs at a time unless it sleeps. The last idle one does not begin to work: it becomes the manager and has
 * another worker made first, for which kthreadd has to allocate. While that lasts, the rescuer of a queue made with
 * WQ_MEM_RECLAIM takes works of that queue (mayday). `workqueue.ts` has pools whose workers are there from the beginning.
 *
 * Left out: workers that are let go, several pools and their CPUs, pauses between attempts to make a worker, cancelling.
 */
import { create, Entity, fields, type List, list, op, type Resumable, ref } from "../../resumable/index.ts";
import { PF_WQ_WORKER } from "../gfp.ts";
import { current, kernel } from "./current.ts";
import type { Kernel } from "./kernel.ts";
import { bootKthreadd, type KthreadCreate, kthreadCreateOnNode, newKthread } from "./kthread.ts";
import { obstacleOf } from "./stuck.ts";
import type { Task } from "./task.ts";
import { waitOp } from "./wait.ts";
import { Work } from "./workqueue.ts";

/** `struct worker_pool`. */
export class WorkerPool extends Entity {
  /** Queued, oldest first (`worklist`). */
  declare works: List<Work>;
  declare running: List<Work>;
  /** Workers that exist, and those of them that have nothing to do. */
  declare workers: List<Task>;
  declare idle: List<Task>;
  /** Not yet made. */
  declare spare: List<Task>;
  declare manager: Task | undefined;
  /** The orders for those, in the same order. */
  declare threads: List<KthreadCreate>;
  /** Of the queues made with WQ_MEM_RECLAIM, whose works have `memReclaim`. */
  declare rescuer: Task;
  static {
    const tasks = list("contexts");
    fields(
      WorkerPool,
      {
        works: tasks,
        running: tasks,
        workers: tasks,
        idle: tasks,
        spare: tasks,
        manager: ref,
        threads: tasks,
        rescuer: ref,
      },
      "worker_pool",
    );
  }
}

/** The pool of CPU 0 with one worker, and so many more that can be made. */
export function bootWorkerPool(k: Kernel, spares: number): WorkerPool {
  const pool = create(WorkerPool);
  bootKthreadd(k);
  for (let i = 0; i <= spares; i++) {
    const worker = k.spawn({ comm: `kworker/0:${i}`, kind: "kworker", idle: true }, poolWorker, [pool]);
    (i === 0 ? pool.workers : pool.spare).push(worker);
    if (i === 0) pool.idle.push(worker);
    else pool.threads.push(newKthread());
  }
  const flags = PF_WQ_WORKER;
  pool.rescuer = k.spawn({ comm: "mm_percpu_wq", kind: "kthread", flags, idle: true }, rescuerThread, [pool]);
  k.subsystems.set("worker pool", pool);
  return pool;
}

/** A work of no effect, queued when the story begins. */
export function queueWorkAtBoot(pool: WorkerPool, fnName: string): void {
  pool.works.push(create(Work, { fn: nothing, fnName, pending: true }));
}
function* nothing(): Resumable {}

/** Whether a worker runs, or could: the pool wakes no other then. */
function somebodyRuns(pool: WorkerPool, me: Task): boolean {
  return [...pool.workers].some((worker) => {
    if (worker === me || pool.idle.includes(worker)) return false;
    const obstacle = obstacleOf(kernel(), worker);
    return obstacle?.kind !== "wait" || obstacle.wait.state === "R";
  });
}
function needsMore(pool: WorkerPool, me: Task): boolean {
  return pool.works.length > 0 && !somebodyRuns(pool, me);
}

type Next = "sleep" | "manage" | "work";

/** `recheck` of worker_thread(). */
function recheck(pool: WorkerPool, me: Task): Next {
  if (!needsMore(pool, me)) {
    pool.idle.push(me);
    return "sleep";
  }
  if (pool.idle.length > 0 || pool.manager !== undefined) return "work";
  pool.manager = me;
  return "manage";
}

const wake = op<WorkerPool, Task>("worker wakes", {
  ways: (pool, me) => (pool.idle.includes(me) && needsMore(pool, me) ? 1 : 0),
  apply(pool, me) {
    pool.idle.remove(me);
    return recheck(pool, me);
  },
  idle: true,
});

const takeNext = op<WorkerPool, Task>("take work of pool", {
  apply(pool, me) {
    // keep_working(): another worker that has woken up has its turn
    const work = somebodyRuns(pool, me) ? undefined : pool.works.shift();
    if (work === undefined) pool.idle.push(me);
    else begin(pool, work);
    return work;
  },
});
function begin(pool: WorkerPool, work: Work): void {
  work.pending = false;
  pool.running.push(work);
  current().workName = `events ${work.fnName}`;
}
const endWork = op<WorkerPool, Work>("work is done", {
  apply(pool, work) {
    pool.running.remove(work);
    current().workName = undefined;
  },
});

/** `worker_thread()`. */
function* poolWorker(pool: WorkerPool): Resumable {
  for (;;) {
    let next: Next = yield wake(pool, current());
    while (next === "manage") {
      yield* maybeCreateWorker(pool);
      next = yield managed(pool, current());
    }
    while (next === "work") {
      const work: Work | undefined = yield takeNext(pool, current());
      if (work === undefined) break;
      yield* processOneWork(pool, work);
    }
  }
}
function* processOneWork(pool: WorkerPool, work: Work): Resumable {
  const fn = work.fn;
  yield* fn(work.argument);
  yield endWork(pool, work);
}

const managed = op<WorkerPool, Task>("worker was made", {
  apply(pool, me) {
    pool.manager = undefined;
    return recheck(pool, me);
  },
});
function* maybeCreateWorker(pool: WorkerPool): Resumable {
  for (;;) {
    if (yield* createWorker(pool)) return;
  }
}
function* createWorker(pool: WorkerPool): Resumable<boolean> {
  const thread = pool.threads.at(0);
  if (thread === undefined) throw new Error(`${pool} needs more workers than there are: boot it with more`);
  if (!(yield* kthreadCreateOnNode(thread))) return false;
  yield attach(pool);
  return true;
}
const attach = op<WorkerPool>("worker_attach_to_pool", {
  apply(pool) {
    pool.threads.shift();
    const worker = pool.spare.shift() as Task;
    pool.workers.push(worker);
    pool.idle.push(worker);
  },
});

function rescuable(pool: WorkerPool): Work | undefined {
  return pool.manager === undefined ? undefined : [...pool.works].find((work) => work.memReclaim);
}
const rescue = op<WorkerPool>("mayday", {
  ways: (pool) => (rescuable(pool) === undefined ? 0 : 1),
  apply(pool) {
    const work = rescuable(pool) as Work;
    pool.works.remove(work);
    begin(pool, work);
    return work;
  },
  idle: true,
});
function* rescuerThread(pool: WorkerPool): Resumable {
  for (;;) {
    const work: Work = yield rescue(pool);
    yield* processOneWork(pool, work);
  }
}

const queue = op<WorkerPool, Work>("queue_work_on", {
  apply(pool, work) {
    work.pending = true;
    pool.works.push(work);
  },
  describe: (_pool, work) => `queue_work_on ${work.fnName}`,
});
const flushed = waitOp<Work, WorkerPool>("flush_work", {
  ways: (work, pool) => (work.pending || pool.running.includes(work) ? 0 : 1),
  wait: (work, pool) => ({
    resource: { class: "work_flush", id: work.fnName },
    verb: "complete",
    providers: work.memReclaim ? [...pool.workers, pool.rescuer] : [...pool.workers],
    state: "D",
    top: "schedule_timeout",
  }),
  describe: (work) => `flush_work ${work.fnName}`,
});

/** `queue_work_on()` of a work that is not pending. */
export function* queueWorkOn(pool: WorkerPool, work: Work): Resumable {
  yield queue(pool, work);
}
export function* flushWork(pool: WorkerPool, work: Work): Resumable {
  yield* waitForCompletion(pool, work);
}
function* waitForCompletion(pool: WorkerPool, work: Work): Resumable {
  yield flushed(work, pool);
}
