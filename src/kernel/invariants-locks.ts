/** Laws of locks, interrupts and waits. */
import type { Law } from "./invariants.ts";
import { Mutex } from "./locking/mutex.ts";
import { RwSemaphore } from "./locking/rwsem.ts";
import { SpinLock } from "./locking/spinlock.ts";
import type { Kernel } from "./sched/kernel.ts";
import { obstacleOf } from "./sched/stuck.ts";
import type { Task } from "./sched/task.ts";

/** Locks that interrupt handlers take, too. */
const IRQ_SAFE = new Set(["memcg_move_lock", "i_pages", "lru_lock"]);

/** While a task holds a lock that handlers take too, interrupts are off on its CPU. */
export const irqSafeLocksKeepIrqsOff: Law = (kernel) => {
  for (const object of kernel.world.objects) {
    if (!(object instanceof SpinLock) || !IRQ_SAFE.has(object.lockClass)) continue;
    const { owner } = object;
    if (owner !== undefined && !owner.cpu.irqsOff) return `${owner} holds ${object.lockClass} with interrupts on`;
  }
  return undefined;
};

/** Readers or one writer; who holds it does not queue for it. */
export const readersOrWriter: Law = (kernel) => {
  for (const sem of kernel.world.objects) {
    if (!(sem instanceof RwSemaphore)) continue;
    const { writer, readers, queue, lockClass } = sem;
    if (writer !== undefined && readers.length > 0) return `${lockClass} is held by ${writer} and by readers`;
    for (const task of queue) {
      if (task === writer || readers.includes(task)) return `${task} holds ${lockClass} and queues for it`;
    }
  }
  return undefined;
};

function holdersOf(object: unknown): readonly Task[] {
  if (object instanceof RwSemaphore) {
    return object.writer === undefined ? object.readers.snapshot() : [object.writer, ...object.readers];
  }
  if (!(object instanceof SpinLock || object instanceof Mutex) || object.owner === undefined) return [];
  return [object.owner];
}

/** Nobody ends with a lock held, and who holds a spinlock cannot be preempted. */
export const lockHoldersLive: Law = (kernel) => {
  for (const object of kernel.world.objects) {
    for (const task of holdersOf(object)) {
      if (kernel.machine.finished(task.context)) return `${task} has ended and holds ${object}`;
      if (object instanceof SpinLock && task.preemptCount === 0) return `${task} holds ${object} and can be preempted`;
    }
  }
  return undefined;
};

/** Who cannot go on says what for: one resource and one event. */
export const waitersSayForWhat: Law = (kernel: Kernel) => {
  const { machine, tasks } = kernel;
  for (const task of tasks) {
    const { context } = task;
    if (machine.finished(context) || machine.idle(context) || machine.ways(context) > 0) continue;
    if (!kernel.mayRun(context) || obstacleOf(kernel, task) !== undefined) continue;
    return `${task} cannot go on at ${machine.position(context)} and does not say what it waits for`;
  }
  return undefined;
};
