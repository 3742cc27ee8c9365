/** Counting semaphores (kernel/locking/semaphore.c). It has no owner: who is to call up() is for its user to say. */
import type { List } from "../../resumable/index.ts";
import { Entity, fields, int, list, op, type Resumable, value } from "../../resumable/index.ts";
import type { Task } from "../sched/task.ts";
import { waitOp } from "../sched/wait.ts";

/** `struct semaphore`. */
export class Semaphore extends Entity {
  /** What a wait for it is called: class and name. */
  declare semClass: string;
  declare semName: string;
  declare count: number;
  /** Who calls up(). */
  declare uppers: List<Task>;
  static {
    fields(Semaphore, { semClass: value, semName: value, count: int, uppers: list("contexts") }, "semaphore");
  }
}

const tryDown = op<Semaphore>("down", {
  apply(sem) {
    if (sem.count === 0) return false;
    sem.count--;
    return true;
  },
  describe: (sem) => `down ${sem.semName}`,
});

const wait = waitOp<Semaphore>("wait for semaphore", {
  ways: (sem) => (sem.count > 0 ? 1 : 0),
  apply(sem) {
    sem.count--;
  },
  wait: (sem) => ({
    resource: { class: sem.semClass, id: sem.semName },
    verb: "up",
    providers: [...sem.uppers],
    state: "D",
    top: "schedule_timeout",
  }),
  describe: (sem) => `down ${sem.semName} after waiting`,
});

const raise = op<Semaphore>("up", {
  apply(sem) {
    sem.count++;
  },
  describe: (sem) => `up ${sem.semName}`,
});

export function* down(sem: Semaphore): Resumable {
  if (!(yield tryDown(sem))) yield* __down(sem);
}
function* __down(sem: Semaphore): Resumable {
  yield wait(sem);
}

export function* up(sem: Semaphore): Resumable {
  yield raise(sem);
}
