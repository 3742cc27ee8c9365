/**
 * Read-write semaphores: fair by queueing. A queued writer makes later readers queue behind it although only readers hold
 * the lock, and the trylock of a reader fails as soon as anybody waits (kernel/locking/rwsem.c, RWSEM_READ_FAILED_MASK).
 *
 * Whom a release wakes differs: up to 5.2 the readers at the head of the queue, from 5.3 every reader in it (phase-fair).
 */

import type { List } from "../../resumable/index.ts";
import { bool, Entity, fields, list, op, type Resumable, ref, value } from "../../resumable/index.ts";
import { current, era } from "../sched/current.ts";
import type { Task } from "../sched/task.ts";
import { type Wait, waitOp } from "../sched/wait.ts";

/** `struct rw_semaphore`; `lockClass` is the field's word, e.g. `mmap_lock`. */
export class RwSemaphore extends Entity {
  declare lockClass: string;
  declare writer: Task | undefined;
  declare readers: List<Task>;
  /** Those who wait, first come first. */
  declare queue: List<Task>;
  /**
   * Somebody may only try for it. Then its releases are steps of their own, because one who tries sees how long it is held;
   * who waits does not.
   */
  declare tried: boolean;
  static {
    fields(RwSemaphore, {
      lockClass: value,
      writer: ref,
      readers: list("contexts"),
      queue: list("contexts"),
      tried: bool,
    });
  }
}

function takeForReading(sem: RwSemaphore, mayQueue: boolean): boolean {
  const task = current();
  if (sem.writer === undefined && sem.queue.length === 0) {
    sem.readers.push(task);
    return true;
  }
  if (mayQueue) enqueue(sem, task, false);
  return false;
}

const tryRead = op<RwSemaphore, boolean>("down_read", {
  apply: takeForReading,
  describe: (sem) => `down_read ${sem.lockClass}`,
});

const tryWrite = op<RwSemaphore, boolean>("down_write", {
  apply(sem, mayQueue) {
    const task = current();
    if (sem.writer === undefined && sem.readers.length === 0 && sem.queue.length === 0) {
      sem.writer = task;
      return true;
    }
    if (mayQueue) enqueue(sem, task, true);
    return false;
  },
  describe: (sem) => `down_write ${sem.lockClass}`,
});

function enqueue(sem: RwSemaphore, task: Task, write: boolean): void {
  task.rwsemWrite = write;
  task.granted = false;
  sem.queue.push(task);
  wake(sem);
}

/** Gives the lock to whom the era's rules wake. */
function wake(sem: RwSemaphore): void {
  const first = sem.queue.at(0);
  if (first === undefined || sem.writer !== undefined) return;
  if (first.rwsemWrite) {
    if (sem.readers.length > 0) return;
    sem.queue.shift();
    sem.writer = first;
    first.granted = true;
    return;
  }
  for (const task of sem.queue.snapshot()) {
    if (task.rwsemWrite) {
      if (era().rwsemPhaseFair) continue;
      return;
    }
    sem.queue.remove(task);
    sem.readers.push(task);
    task.granted = true;
  }
}

/** Everybody who holds it, and whoever stands before the task in the queue. */
function providers(sem: RwSemaphore, task: Task): Task[] {
  const holders = sem.writer === undefined ? [...sem.readers] : [sem.writer];
  return holders.length > 0 ? holders : [...sem.queue].slice(0, sem.queue.indexOf(task));
}

function waitFor(sem: RwSemaphore, task: Task, state: "D" | "K"): Wait {
  return {
    resource: { class: sem.lockClass, id: String(sem.$number) },
    verb: "unlock",
    providers: providers(sem, task),
    state,
    top: task.rwsemWrite ? "down_write" : "down_read",
  };
}

const granted = waitOp<RwSemaphore, Task>("rwsem wait", {
  ways: (_sem, task) => (task.granted ? 1 : 0),
  apply(_sem, task) {
    task.granted = false;
    task.rwsemWrite = false;
  },
  wait: (sem, task) => waitFor(sem, task, "D"),
  describe: (sem) => `wait for ${sem.lockClass}`,
});

const grantedKillable = waitOp<RwSemaphore, Task>("rwsem wait killable", {
  ways: (_sem, task) => (task.granted || task.fatalSignal ? 1 : 0),
  apply(sem, task) {
    const got = task.granted;
    task.granted = false;
    task.rwsemWrite = false;
    if (!got) {
      sem.queue.remove(task);
      wake(sem);
    }
    return got;
  },
  wait: (sem, task) => waitFor(sem, task, "K"),
  describe: (sem) => `wait killably for ${sem.lockClass}`,
});

function giveUp(sem: RwSemaphore): void {
  if (sem.writer === current()) sem.writer = undefined;
  else sem.readers.remove(current());
  wake(sem);
}

const release = op<RwSemaphore>("up", {
  apply: giveUp,
  describe: (sem) => `up ${sem.lockClass}`,
});

/**
 * `joined`: taken in the caller's last step if it is free then. That loses nothing where this step cannot be what a writer has
 * waited for.
 */
export function* downRead(sem: RwSemaphore, joined = false): Resumable {
  if (!(joined ? takeForReading(sem, true) : yield tryRead(sem, true))) yield granted(sem, current());
}
/** False when a fatal signal ended the wait. */
export function* downReadKillable(sem: RwSemaphore): Resumable<boolean> {
  if (yield tryRead(sem, true)) return true;
  return yield grantedKillable(sem, current());
}
export function* downReadTrylock(sem: RwSemaphore): Resumable<boolean> {
  mayBeTried(sem);
  return yield tryRead(sem, false);
}
export function* downWrite(sem: RwSemaphore): Resumable {
  if (!(yield tryWrite(sem, true))) yield granted(sem, current());
}
export function* downWriteKillable(sem: RwSemaphore): Resumable<boolean> {
  if (yield tryWrite(sem, true)) return true;
  return yield grantedKillable(sem, current());
}
export function* downWriteTrylock(sem: RwSemaphore): Resumable<boolean> {
  mayBeTried(sem);
  return yield tryWrite(sem, false);
}
function mayBeTried(sem: RwSemaphore): void {
  if (!sem.tried) throw new Error(`${sem.lockClass} is only tried for: create it with \`tried: true\``);
}

/** A release is part of the step before it, unless somebody may try for the lock. */
export function* upRead(sem: RwSemaphore): Resumable {
  if (sem.tried) yield release(sem);
  else giveUp(sem);
}
export function* upWrite(sem: RwSemaphore): Resumable {
  if (sem.tried) yield release(sem);
  else giveUp(sem);
}
