/**
 * Plugs (block/blk-core.c): requests that a task has submitted wait with it for more.
 *
 * A plug is flushed when the outermost one ends, and whenever its task goes to sleep (kernel/sched/core.c:sched_submit_work:
 * not when it is preempted). Plugged requests therefore never wait for their own sleeping submitter.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import { current } from "../sched/current.ts";
import type { Task } from "../sched/task.ts";
import { blkMqIssue } from "./blk-core.ts";

function flush(task: Task): void {
  for (let bio = task.plug.shift(); bio !== undefined; bio = task.plug.shift()) blkMqIssue(bio);
}

const flushPlug = op<Task>("flush plug", { apply: flush, describe: () => "flush plug" });

/** Opens a plug; nested ones are ignored. Returns what {@link blkFinishPlug} is to be told. */
export function blkStartPlug(): boolean {
  const task = current();
  if (task.plugged) return false;
  task.plugged = true;
  return true;
}

/** Ends the plug that {@link blkStartPlug} opened. */
export function* blkFinishPlug(outermost: boolean): Resumable {
  if (!outermost) return;
  yield* blkFlushPlug();
  current().plugged = false;
}

/** Gives what is plugged to the devices; the plug stays open. */
export function* blkFlushPlug(): Resumable {
  const task = current();
  if (task.plug.length > 0) yield flushPlug(task);
}

/** What schedule() does for a task that is about to sleep; call it once it is clear that the task has to. */
export function* plugFlushOnSleep(): Resumable {
  yield* blkFlushPlug();
}
