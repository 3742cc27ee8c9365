/** Counting semaphores (kernel/locking/semaphore.c). It has no owner: who is to call up() is for its user to say. */
import type { List } from "../../resumable/index.ts";
import { Entity, fields, int, list, op, type Resumable, ref, value } from "../../resumable/index.ts";
import type { Task } from "../sched/task.ts";
import { waitOp } from "../sched/wait.ts";

/** `struct semaphore`. */
export class Semaphore extends Entity {
  /** What a wait for it is called: class and name. */
  declare semClass: string;
  declare semName: string;
  declare count: number;
  /** Who calls up(), where that is always the same; else what says who can now, of whom (`user`). */
  declare uppers: List<Task>;
  declare uppersOf: ((user: Entity) => readonly Task[]) | undefined;
  declare user: Entity | undefined;
  static {
    const more = { uppersOf: value, user: ref } as const;
    fields(Semaphore, { semClass: value, semName: value, count: int, uppers: list("contexts"), ...more }, "semaphore");
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

function uppersNow({ uppers, uppersOf, user }: Semaphore): readonly Task[] {
  return uppersOf === undefined ? [...uppers] : uppersOf(user as Entity);
}

const wait = waitOp<Semaphore>("wait for semaphore", {
  ways: (sem) => (sem.count > 0 ? 1 : 0),
  apply(sem) {
    sem.count--;
  },
  wait: (sem) => ({
    resource: { class: sem.semClass, id: sem.semName },
    verb: "up",
    providers: uppersNow(sem),
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
