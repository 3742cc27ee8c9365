/**
 * RCU as far as the models need it: read-side sections, and waiting for those that have begun.
 *
 * A grace period ends when every section that existed at its start has ended.
 */

import type { List } from "../../resumable/index.ts";
import { Entity, fields, list, op, type Resumable } from "../../resumable/index.ts";
import { current, kernel } from "./current.ts";
import type { Task } from "./task.ts";
import { waitOp } from "./wait.ts";

/** One grace period in progress: the readers it still waits for. */
export class GracePeriod extends Entity {
  declare readers: List<Task>;
  static {
    fields(GracePeriod, { readers: list("contexts") });
  }
}

/** Not a step of its own: beginning a section can be moved to the next step of its task. */
export function rcuReadLock(): void {
  current().rcuDepth++;
}
export function rcuReadUnlock(): void {
  const task = current();
  task.rcuDepth--;
  if (task.rcuDepth > 0) return;
  for (const period of kernel().gracePeriods) period.readers.remove(task);
}

const begin = op<GracePeriod>("grace period begins", {
  apply(period) {
    period.readers.clear();
    for (const task of kernel().tasks) if (task.rcuDepth > 0) period.readers.push(task);
  },
});

const end = waitOp<GracePeriod>("grace period", {
  ways: (period) => (period.readers.length === 0 ? 1 : 0),
  wait: (period) => ({
    resource: { class: "rcu_grace_period" },
    verb: "quiescent",
    providers: [...period.readers],
    state: "D",
    top: "schedule_timeout",
  }),
});

/** `synchronize_rcu()`; each task that calls it has a grace period object of its own. */
export function* synchronizeRcu(): Resumable {
  const period = kernel().gracePeriodOf(current());
  yield begin(period);
  yield end(period);
}
