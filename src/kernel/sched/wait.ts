/**
 * Operations that may wait, and what a reader is told about the wait.
 *
 * Every wait is one statement in the language of `waits/`: the task waits for that event of that resource, which only those
 * tasks can raise. The model knows all of them, so the statements are exact.
 */

import { type OpSpec, op, type Step } from "../../resumable/index.ts";
import type { Resource } from "../../waits/index.ts";
import type { Task } from "./task.ts";

/** The functions above the model's innermost frame while it waits; frame-names.ts knows how an era prints them. */
export type WaitTop =
  | "writeback"
  | "page_lock"
  | "congestion"
  | "down_read"
  | "down_write"
  | "percpu_rwsem"
  | "mutex"
  | "buffer"
  | "spin"
  | "busy"
  | "schedule_timeout"
  | "io_schedule"
  | "schedule";

/** Why a task waits. */
export interface Wait {
  readonly resource: Resource;
  /** What has to happen: `unlock`, `end_writeback`, `complete`, ... */
  readonly verb: string;
  /** Everybody who can make it happen; `hardware`: a device that works. */
  readonly providers: readonly (Task | "hardware")[];
  /** D: uninterruptible, K: killable, S: interruptible, R: spins. */
  readonly state: "D" | "K" | "S" | "R";
  readonly top: WaitTop;
}

type WaitOf = (object: unknown, argument: unknown) => Wait;
const waits = new Map<string, WaitOf>();

/** A kernel operation: {@link op} with an account of what it waits for when it is blocked. */
export function waitOp<A = undefined, B = undefined>(
  name: string,
  spec: OpSpec<A, B> & { wait(object: A, argument: B): Wait },
): (object: A, argument?: B) => Step {
  if (waits.has(name)) throw new Error(`two operations are called ${name}`);
  waits.set(name, spec.wait as WaitOf);
  return op<A, B>(name, spec);
}

/** The wait of a blocked operation; undefined for operations that never block. */
export function waitOf(name: string, object: unknown, argument: unknown): Wait | undefined {
  return waits.get(name)?.(object, argument);
}
