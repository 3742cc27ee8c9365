/**
 * Sleeps that end by themselves: `schedule_timeout()` and `io_schedule_timeout()` (kernel/time/timer.c).
 *
 * A search takes time for no state: such a sleep is a step that can be taken at any moment. How long it lasts is data all the
 * same, for whoever runs the same code against a clock: {@link sleepOf} says it of an operation that a task has announced.
 */
import { type OpSpec, op, type Step } from "../../resumable/index.ts";
import type { Kernel } from "./kernel.ts";
import type { Task } from "./task.ts";
import { type Wait, type WaitTop, waitOp } from "./wait.ts";

/** A sleep as it stands now. */
export interface Sleep {
  /** How long at most, in jiffies of a kernel with this HZ. */
  jiffies(hz: number): number;
  /** What it waits for has happened: it ends now. Absent: only its time ends it. */
  readonly woken?: boolean;
  /** State and frames above the model's innermost one, as dumps show them; D in io_schedule_timeout() when absent. */
  readonly state?: Wait["state"];
  readonly top?: WaitTop;
}

type SleepOf = (object: unknown, argument: unknown) => Sleep;
const sleeps = new Map<string, SleepOf>();

/**
 * Declares a sleep with an end. `sleep` says how long and whether it has ended already; `wait` what is waited for, where
 * that is more than time.
 */
export function sleepOp<A = undefined, B = undefined>(
  name: string,
  spec: Omit<OpSpec<A, B>, "ways"> & { sleep(object: A, argument: B): Sleep; wait?(object: A, argument: B): Wait },
): (object: A, argument?: B) => Step {
  if (sleeps.has(name)) throw new Error(`two sleeps are called ${name}`);
  sleeps.set(name, spec.sleep as SleepOf);
  const { wait } = spec;
  return wait === undefined ? op<A, B>(name, spec) : waitOp<A, B>(name, { ...spec, wait });
}

/** The sleep of an announced operation; undefined for any other. */
export function sleepOf(name: string, object: unknown, argument: unknown): Sleep | undefined {
  return sleeps.get(name)?.(object, argument);
}

/** The sleep that a task is in now; undefined: it is in none, it has been woken, or it has ended. */
export function sleepNow({ machine }: Kernel, { context }: Task): Sleep | undefined {
  if (machine.finished(context)) return undefined;
  const { op: name, object, argument } = machine.pending(context);
  const sleep = sleepOf(name, object, argument);
  return sleep?.woken === true ? undefined : sleep;
}

const bounds = new Map<string, (hz: number) => number>();

/**
 * Declares a step that a schedule may repeat at will where the kernel counts: after `jiffies` of sleeps in all it has gone the
 * other way.
 */
export function boundedOp<A = undefined, B = undefined>(
  name: string,
  jiffies: (hz: number) => number,
  spec: OpSpec<A, B>,
): (object: A, argument?: B) => Step {
  if (bounds.has(name)) throw new Error(`two bounds are called ${name}`);
  bounds.set(name, jiffies);
  return op<A, B>(name, spec);
}

/** Seconds after which an announced operation has happened at the latest; undefined where nothing bounds it. */
export function boundOf(name: string, object: unknown, argument: unknown, hz: number): number | undefined {
  const jiffies = bounds.get(name)?.(hz) ?? sleepOf(name, object, argument)?.jiffies(hz);
  return jiffies === undefined ? undefined : jiffies / hz;
}

/** Frozen shapes of the usual lengths: HZ / n, n * HZ, one jiffy. */
export const HZ_10: Sleep = Object.freeze({ jiffies: (hz: number) => Math.floor(hz / 10) });
export const HZ_50: Sleep = Object.freeze({ jiffies: (hz: number) => Math.floor(hz / 50) });
export const ONE_JIFFY: Sleep = Object.freeze({ jiffies: () => 1 });
