/** Fatal signals: a flag that ends killable waits. */
import { PF_EXITING } from "../gfp.ts";
import { current } from "./current.ts";
import type { Task } from "./task.ts";

/** SIGKILL to every thread of the task's process. */
export function sendSigkill(threads: Iterable<Task>): void {
  for (const task of threads) task.fatalSignal = true;
}
export function fatalSignalPending(): boolean {
  return current().fatalSignal;
}
/** `task_is_dying()`: an OOM victim, killed, or exiting. */
export function taskIsDying(): boolean {
  const task = current();
  return task.oomVictim || task.fatalSignal || (task.flags & PF_EXITING) !== 0;
}
