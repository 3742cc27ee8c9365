/** Tasks that get stuck in ways of their own, for the tests of what is said of a state (@internal). */
import { Mutex, mutexLock, mutexUnlock } from "../kernel/locking/mutex.ts";
import { SpinLock, spinLock, spinUnlock } from "../kernel/locking/spinlock.ts";
import { Completion, complete, waitForCompletion } from "../kernel/sched/completion.ts";
import type { Kernel } from "../kernel/sched/kernel.ts";
import type { Task } from "../kernel/sched/task.ts";
import { Workqueue, workerThread } from "../kernel/sched/workqueue.ts";
import { create, op, type Resumable } from "../resumable/index.ts";

const work = op("work", {});

function* lockBoth(first: Mutex, second: Mutex): Resumable {
  yield* mutexLock(first);
  yield* mutexLock(second);
  yield* mutexUnlock(second);
  yield* mutexUnlock(first);
}
function* waits(completion: Completion): Resumable {
  yield* waitForCompletion(completion);
}
function* completes(completion: Completion): Resumable {
  yield work(undefined);
  yield* complete(completion);
}
/** Ends without letting go. */
function* keeps(lock: SpinLock): Resumable {
  yield* spinLock(lock);
}
function* spinBoth(first: SpinLock, second: SpinLock): Resumable {
  yield* spinLock(first);
  yield work(undefined);
  yield* spinLock(second);
  spinUnlock(second);
  spinUnlock(first);
}

/** Two in a circle, one that waits behind it, one that is free. */
export function mutexCircle(kernel: Kernel): readonly [Task, Task, Task, Task] {
  const mutex = (lockName: string): Mutex => create(Mutex, { lockName });
  const [a, b, c, d] = [mutex("a"), mutex("b"), mutex("c"), mutex("d")];
  const free = kernel.spawn({ comm: "free" }, lockBoth, [c, d]);
  return [
    kernel.spawn({ comm: "ab" }, lockBoth, [a, b]),
    kernel.spawn({ comm: "ba", kind: "kworker" }, lockBoth, [b, a]),
    kernel.spawn({ comm: "late" }, lockBoth, [a, b]),
    free,
  ];
}

/** One waits for what the other completes. */
export function waiterAndWorker(kernel: Kernel): readonly [Task, Task] {
  const completion = create(Completion, { what: "done" });
  const waiter = kernel.spawn({ comm: "waiter" }, waits, [completion]);
  const worker = kernel.spawn({ comm: "worker" }, completes, [completion]);
  completion.providers.push(worker);
  return [waiter, worker];
}

/** One waits for what a worker is to complete that was given no work. */
export function waiterAndIdleWorker(kernel: Kernel): readonly [Task, Task] {
  const completion = create(Completion, { what: "done" });
  const queue = create(Workqueue, { queueName: "writeback" });
  const waiter = kernel.spawn({ comm: "waiter" }, waits, [completion]);
  const worker = kernel.spawn({ comm: "kworker/0:0", kind: "kworker", idle: true }, workerThread, [queue]);
  queue.workers.push(worker);
  completion.providers.push(worker);
  return [waiter, worker];
}

/** One takes a spinlock and ends; another spins for it. */
export function keptSpinLock(kernel: Kernel): readonly [Task, Task] {
  const lock = create(SpinLock, { lockClass: "lru_lock" });
  return [kernel.spawn({ comm: "keeper" }, keeps, [lock]), kernel.spawn({ comm: "spinner", cpu: 1 }, keeps, [lock])];
}

/** Two take two spinlocks in opposite order on two CPUs. */
export function spinCircle(kernel: Kernel): readonly [Task, Task] {
  const [a, b] = [create(SpinLock, { lockClass: "a_lock" }), create(SpinLock, { lockClass: "b_lock" })];
  return [
    kernel.spawn({ comm: "ab", cpu: 0 }, spinBoth, [a, b]),
    kernel.spawn({ comm: "ba", cpu: 1 }, spinBoth, [b, a]),
  ];
}
