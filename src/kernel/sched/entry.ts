/**
 * The way back to user mode (kernel/entry/common.c:exit_to_user_mode_loop), and sleeping in it: what a program of user space calls
 * between two things it does.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import { asksToFreeze, FROZEN_WAIT } from "../cgroup/cgroup-files.ts";
import { type Cgroup, taskCgroup } from "../cgroup/cgroup-types.ts";
import { memCgroupHandleOverHigh } from "../mm/memcontrol.ts";
import { current, kernel } from "./current.ts";
import { fatalSignalPending } from "./signal.ts";
import type { Task } from "./task.ts";
import { waitOp } from "./wait.ts";

/** cgroup v2 freezes who comes by here; SIGKILL ends that too (kernel/cgroup/freezer.c). */
const frozen = waitOp<Cgroup, Task>(FROZEN_WAIT, {
  ways: (cgroup, task) => (task.fatalSignal || !asksToFreeze(cgroup) ? 1 : 0),
  wait: (cgroup, task) => ({
    resource: { class: "freezer", id: cgroup.path },
    verb: "thaw",
    providers: kernel().tasks.filter((other) => other !== task && other.kind === "task"),
    state: "S",
    top: "schedule",
  }),
  describe: (cgroup) => `frozen in ${cgroup.path}`,
});

/** What the kernel still has to do with the task before it runs on in user mode; false: it has been killed. */
export function* exitToUserMode(): Resumable<boolean> {
  const task = current();
  if (task.notifyResume) {
    task.notifyResume = false;
    yield* memCgroupHandleOverHigh();
  }
  const cgroup = taskCgroup(task);
  if (cgroup !== undefined && asksToFreeze(cgroup)) yield frozen(cgroup, task);
  return !fatalSignalPending();
}

/** Operations that stand for a time that has to pass; in a search they may happen at any moment. */
export const NANOSLEEP = "hrtimer_nanosleep";
const nanosleep = op<number>(NANOSLEEP, { describe: (milliseconds) => `sleep ${milliseconds} ms` });

/** nanosleep(2); false: killed meanwhile. */
export function* sleepFor(milliseconds: number): Resumable<boolean> {
  yield nanosleep(milliseconds);
  return yield* exitToUserMode();
}
