/** Test support: the smallest incident. A fault takes lock_a, then lock_b; a flusher the other way round; others run beside. */
import { defineIncident } from "../src/incidents/incident.ts";
import { type Prepared, prepare } from "../src/incidents/prepare.ts";
import type { Choices } from "../src/incidents/prepared.ts";
import { Mutex, mutexLock, mutexUnlock } from "../src/kernel/locking/mutex.ts";
import { Workqueue, workerThread } from "../src/kernel/sched/workqueue.ts";
import { create, op, type Resumable } from "../src/resumable/index.ts";

const work = op("work", {});

function* both(first: Mutex, second: Mutex): Resumable {
  yield* mutexLock(first);
  yield* mutexLock(second);
  yield* mutexUnlock(second);
  yield* mutexUnlock(first);
}
function* one(lock: Mutex): Resumable {
  yield* mutexLock(lock);
  yield* mutexUnlock(lock);
}
function* busy(steps: number): Resumable {
  for (let i = 0; i < steps; i++) yield work(undefined);
}
function* forever(): Resumable {
  for (;;) yield work(undefined);
}
function* fails(): Resumable {
  yield work(undefined);
  throw new Error("counter below zero");
}

const flag = (what: string) => ({ default: 0, min: 0, max: 1, what });

/** With the fix `nofs-pte`, which means nothing here, both tasks take the locks in one order. */
export const twoMutexes = defineIncident({
  id: "two-mutexes",
  title: "Two mutexes taken in opposite order.",
  era: "6.1.192",
  parameters: {
    steps: { default: 2, min: 0, max: 1000, what: "steps of a bystander" },
    waiter: flag("a task that wants lock_a too"),
    worker: flag("a worker without work"),
    spinner: flag("a task that runs for ever"),
    broken: flag("a task that breaks a law"),
  },
  fixes: ["prealloc-pte", "nofs-pte"],
  hacks: { swapped: "nothing at all" },
  fixedChoices: ["two locks"],
  setup(s, { steps = 0, waiter, worker, spinner, broken }) {
    const { kernel } = s;
    const [a, b] = [create(Mutex, { lockName: "lock_a" }), create(Mutex, { lockName: "lock_b" })];
    const ordered = kernel.era.features.pteAllocNofs;
    kernel.spawn({ comm: "fault" }, both, [a, b]);
    kernel.spawn({ comm: "kworker/u4:1", kind: "kworker" }, both, ordered ? [a, b] : [b, a]);
    if (steps > 0) kernel.spawn({ comm: "bystander" }, busy, [steps]);
    if (waiter === 1) kernel.spawn({ comm: "sync" }, one, [a]);
    if (spinner === 1) kernel.spawn({ comm: "spinner" }, forever);
    if (broken === 1) kernel.spawn({ comm: "broken" }, fails);
    if (worker === 1) {
      const queue = create(Workqueue, { queueName: "writeback" });
      queue.workers.push(kernel.spawn({ comm: "kworker/0:0", kind: "kworker", idle: true }, workerThread, [queue]));
    }
  },
});

/** A kernel of it, ready to explore. */
export function prepareTwoMutexes(parameters: Readonly<Record<string, number>> = {}, choices: Choices = {}): Prepared {
  const result = prepare(twoMutexes, { ...choices, parameters });
  if (!result.ok) throw new Error(result.error.message);
  return result.prepared;
}
