/** Completions (`struct completion`): a count of events, and waiters for it. */

import type { List } from "../../resumable/index.ts";
import { Entity, fields, int, list, op, type Resumable, value } from "../../resumable/index.ts";
import type { Task } from "./task.ts";
import { waitOp } from "./wait.ts";

export class Completion extends Entity {
  declare what: string;
  declare done: number;
  /** Who can complete it; set by whoever hands the work on. */
  declare providers: List<Task>;
  static {
    fields(Completion, { what: value, done: int, providers: list("contexts") });
  }
}

const wait = waitOp<Completion>("wait_for_completion", {
  ways: (completion) => (completion.done > 0 ? 1 : 0),
  apply(completion) {
    completion.done--;
  },
  wait: (completion) => ({
    resource: { class: "completion", id: completion.what },
    verb: "complete",
    providers: [...completion.providers],
    state: "D",
    top: "schedule_timeout",
  }),
  describe: (completion) => `wait_for_completion ${completion.what}`,
});

const finish = op<Completion>("complete", {
  apply(completion) {
    completion.done++;
  },
  describe: (completion) => `complete ${completion.what}`,
});

export function* waitForCompletion(completion: Completion): Resumable {
  yield wait(completion);
}
export function* complete(completion: Completion): Resumable {
  yield finish(completion);
}
