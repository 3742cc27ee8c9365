/**
 * Per-CPU read-write semaphores (kernel/locking/percpu-rwsem.c): readers count on their CPU, a writer blocks new ones and waits
 * until those who read have left.
 *
 * A reader that comes after a writer has asked waits for that writer even while only readers hold the lock, and even if it is
 * one of them: reading twice is not safe. Who wakes whom is that of 5.7: commit 7f26482a872c ("locking/percpu-rwsem: Remove the
 * embedded rwsem"): whoever has written wakes the readers at the head of the queue and one writer. Up to 5.6 an rwsem inside
 * queued them, to the same effect but for readers behind a second writer, which 5.3 to 5.6 wake with the others (not told apart).
 *
 * Looking whether all readers have left is the writer's own step; `rcu_sync` is not modelled: readers always see a writer.
 */
import type { List } from "../../resumable/index.ts";
import { Entity, fields, list, op, type Resumable, ref, value } from "../../resumable/index.ts";
import { current } from "../sched/current.ts";
import type { Task } from "../sched/task.ts";
import { type Wait, type WaitTop, waitOp } from "../sched/wait.ts";

/** `struct percpu_rw_semaphore`; `lockClass` is the field's word, e.g. `s_writepages_rwsem`. */
export class PercpuRwSemaphore extends Entity {
  declare lockClass: string;
  /** Who reads, once for each time. */
  declare readers: List<Task>;
  /** `block`: whose it is, whether the last reader has left or not. */
  declare writer: Task | undefined;
  /** Those who wait for `block` to be cleared, first come first. */
  declare queue: List<Task>;
  static {
    fields(
      PercpuRwSemaphore,
      { lockClass: value, readers: list("contexts"), writer: ref, queue: list("contexts") },
      "percpu_rwsem",
    );
  }
}

/** Reads, or stands in the queue. */
const tryRead = op<PercpuRwSemaphore>("percpu_down_read", {
  apply(sem) {
    if (sem.writer === undefined) {
      sem.readers.push(current());
      return true;
    }
    enqueue(sem, false);
    return false;
  },
  describe: (sem) => `percpu_down_read ${sem.lockClass}`,
});

/** Blocks new readers, or stands in the queue. */
const tryWrite = op<PercpuRwSemaphore>("percpu_down_write", {
  apply(sem) {
    if (sem.writer === undefined) {
      sem.writer = current();
      return true;
    }
    enqueue(sem, true);
    return false;
  },
  describe: (sem) => `percpu_down_write ${sem.lockClass}`,
});

function enqueue(sem: PercpuRwSemaphore, write: boolean): void {
  const task = current();
  task.rwsemWrite = write;
  task.granted = false;
  sem.queue.push(task);
}

/** `percpu_up_write()`: wakes readers until one writer, which blocks the others again. */
function wake(sem: PercpuRwSemaphore): void {
  for (;;) {
    const first = sem.queue.shift();
    if (first === undefined) return;
    first.granted = true;
    if (first.rwsemWrite) {
      sem.writer = first;
      return;
    }
    sem.readers.push(first);
  }
}

/** Whoever will wake the task: the last writer before it in the queue, or the one that has asked before all. */
function waker(sem: PercpuRwSemaphore, task: Task): readonly Task[] {
  const before = [...sem.queue].slice(0, Math.max(0, sem.queue.indexOf(task)));
  const last = before.findLast((other) => other.rwsemWrite) ?? sem.writer;
  return last === undefined ? [] : [last];
}

function waitFor(sem: PercpuRwSemaphore, providers: readonly Task[], top: WaitTop): Wait {
  return { resource: { class: "percpu_rwsem", id: sem.lockClass }, verb: "unlock", providers, state: "D", top };
}

const granted = waitOp<PercpuRwSemaphore, Task>("percpu_rwsem_wait", {
  ways: (_sem, task) => (task.granted ? 1 : 0),
  apply(_sem, task) {
    task.granted = false;
    task.rwsemWrite = false;
  },
  wait: (sem, task) => waitFor(sem, waker(sem, task), "percpu_rwsem"),
  describe: (sem) => `wait for ${sem.lockClass}`,
});

const readersLeft = waitOp<PercpuRwSemaphore>("readers_active_check", {
  ways: (sem) => (sem.readers.length === 0 ? 1 : 0),
  wait: (sem) => waitFor(sem, [...sem.readers], "schedule"),
  describe: (sem) => `wait until nobody reads under ${sem.lockClass}`,
});

export function* percpuDownRead(sem: PercpuRwSemaphore): Resumable {
  if (!(yield tryRead(sem))) yield* __percpuDownRead(sem);
}
function* __percpuDownRead(sem: PercpuRwSemaphore): Resumable {
  yield granted(sem, current());
}
/** Part of the step before it: a writer that waits cannot tell. */
export function percpuUpRead(sem: PercpuRwSemaphore): void {
  sem.readers.remove(current());
}

export function* percpuDownWrite(sem: PercpuRwSemaphore): Resumable {
  if (!(yield tryWrite(sem))) yield granted(sem, current());
  yield readersLeft(sem);
}
/** Part of the step before it. */
export function percpuUpWrite(sem: PercpuRwSemaphore): void {
  sem.writer = undefined;
  wake(sem);
}
