/** Mutexes: one owner; whoever comes first when it is free gets it (optimistic spinners overtake the queue). */
import { Entity, fields, op, type Resumable, ref, value } from "../../resumable/index.ts";
import { current } from "../sched/current.ts";
import type { Task } from "../sched/task.ts";
import { type Wait, waitOp } from "../sched/wait.ts";

/** `struct mutex`. */
export class Mutex extends Entity {
  /** The lock's own name, e.g. `oom_lock`. */
  declare lockName: string;
  declare owner: Task | undefined;
  static {
    fields(Mutex, { lockName: value, owner: ref });
  }
}

function waitFor(lock: Mutex, state: "D" | "K"): Wait {
  return {
    resource: { class: "mutex", id: lock.lockName },
    verb: "unlock",
    providers: lock.owner === undefined ? [] : [lock.owner],
    state,
    top: "mutex",
  };
}

const take = waitOp<Mutex>("mutex_lock", {
  ways: (lock) => (lock.owner === undefined ? 1 : 0),
  apply(lock) {
    lock.owner = current();
  },
  wait: (lock) => waitFor(lock, "D"),
  describe: (lock) => `mutex_lock ${lock.lockName}`,
});

const takeKillable = waitOp<Mutex, Task>("mutex_lock_killable", {
  ways: (lock, task) => (lock.owner === undefined || task.fatalSignal ? 1 : 0),
  apply(lock) {
    if (lock.owner !== undefined) return false;
    lock.owner = current();
    return true;
  },
  wait: (lock) => waitFor(lock, "K"),
  describe: (lock) => `mutex_lock_killable ${lock.lockName}`,
});

const tryTake = op<Mutex>("mutex_trylock", {
  apply(lock) {
    if (lock.owner !== undefined) return false;
    lock.owner = current();
    return true;
  },
  describe: (lock) => `mutex_trylock ${lock.lockName}`,
});

const drop = op<Mutex>("mutex_unlock", {
  apply(lock) {
    lock.owner = undefined;
  },
  describe: (lock) => `mutex_unlock ${lock.lockName}`,
});

export function* mutexLock(lock: Mutex): Resumable {
  yield take(lock);
}
/** False when a fatal signal ended the wait. */
export function* mutexLockKillable(lock: Mutex): Resumable<boolean> {
  return yield takeKillable(lock, current());
}
export function* mutexTrylock(lock: Mutex): Resumable<boolean> {
  return yield tryTake(lock);
}
export function* mutexUnlock(lock: Mutex): Resumable {
  yield drop(lock);
}
