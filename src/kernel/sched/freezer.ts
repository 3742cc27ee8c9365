/**
 * The freezer of cgroup v1 (kernel/freezer.c, kernel/cgroup/legacy_freezer.c): tasks of a frozen group stop on their way to user
 * mode and sleep uninterruptibly until the group is thawed.
 *
 * The OOM killer thaws its victim (mark_oom_victim). From 3.3 on, where a task asks whether its group is still frozen instead of
 * looking at a flag of its own, that sent it back to sleep (commit a3201227f803 ("freezer: make freezing() test freeze conditions
 * in effect instead of TIF_FREEZE") (v3.3)) until commit 51fae6da640e ("freezer: Do not freeze tasks killed by OOM killer")
 * (v3.18). Kernel threads and suspend are not modelled; cgroup v2 freezes in another way, which SIGKILL ends.
 */
import type { List } from "../../resumable/index.ts";
import { bool, create, Entity, fields, list, op, type Resumable, value } from "../../resumable/index.ts";
import { current, era, kernel } from "./current.ts";
import type { Kernel } from "./kernel.ts";
import type { Task } from "./task.ts";
import { waitOp } from "./wait.ts";

/** `struct freezer`: a group of the freezer's hierarchy. */
export class Freezer extends Entity {
  declare path: string;
  /** CGROUP_FREEZING: FROZEN was written. */
  declare freezing: boolean;
  declare tasks: List<Task>;
  static {
    fields(Freezer, { path: value, freezing: bool, tasks: list("contexts") });
  }
}

/** A group of the freezer. Set-up only. */
export function createFreezer(k: Kernel, path: string, tasks: readonly Task[]): Freezer {
  const freezer = create(Freezer, { path });
  for (const task of tasks) freezer.tasks.push(task);
  const all = k.subsystems.get("freezers") as Freezer[] | undefined;
  if (all === undefined) k.subsystems.set("freezers", [freezer]);
  else all.push(freezer);
  return freezer;
}

function freezerOf(task: Task): Freezer | undefined {
  const all = kernel().subsystems.get("freezers") as readonly Freezer[] | undefined;
  return all?.find((freezer) => freezer.tasks.includes(task));
}

/** `freezing_slow_path()`. */
function freezing(freezer: Freezer, task: Task): boolean {
  if (era().oomVictimsNotFrozen && task.oomVictim) return false;
  return freezer.freezing;
}

const refrigerator = waitOp<Freezer, Task>("__refrigerator", {
  ways: (freezer, task) => (freezing(freezer, task) ? 0 : 1),
  wait: (freezer, task) => ({
    resource: { class: "freezer", id: freezer.path },
    verb: "thaw",
    // whoever may write freezer.state, or run into an OOM where that thaws
    providers: kernel().tasks.filter((other) => other !== task && other.kind === "task"),
    state: "D",
    top: "schedule",
  }),
  describe: (freezer) => `sleep in the refrigerator of ${freezer.path}`,
});

const mayBeFreezing = op<Freezer, Task>("try_to_freeze", {
  apply: freezing,
  describe: (freezer) => `try_to_freeze ${freezer.path}`,
});

/** `try_to_freeze()`, as get_signal() does before it looks for signals. */
export function* tryToFreeze(): Resumable {
  const freezer = freezerOf(current());
  if (freezer !== undefined && (yield mayBeFreezing(freezer, current()))) yield* __refrigerator(freezer);
}
function* __refrigerator(freezer: Freezer): Resumable {
  yield refrigerator(freezer, current());
}

const changeState = op<Freezer, boolean>("freezer_change_state", {
  apply(freezer, freeze) {
    freezer.freezing = freeze;
  },
  describe: (freezer, freeze) => `${freeze ? "freeze" : "thaw"} ${freezer.path}`,
});

/** A write of FROZEN or THAWED to freezer.state; it does not wait until all are frozen. */
export function* freezerWrite(freezer: Freezer, state: "FROZEN" | "THAWED"): Resumable {
  yield changeState(freezer, state === "FROZEN");
}
