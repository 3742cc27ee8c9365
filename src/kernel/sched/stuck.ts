/**
 * Who waits for whom in the present state, and who can never proceed again.
 *
 * A blocked task waits for any of its wait's providers; a task that may not run waits for whatever occupies its CPU. What
 * cannot be released from those that can run is dead. The same statements make the wait-for graph of reports.
 */
import type { Kernel } from "./kernel.ts";
import type { Task } from "./task.ts";
import { type Wait, waitOf } from "./wait.ts";

/** Why a task takes no step. */
export type Obstacle =
  | { readonly kind: "wait"; readonly wait: Wait }
  /** Its CPU is taken by another context. */
  | { readonly kind: "cpu"; readonly by: readonly Task[] };

/** What holds a task up now; undefined: it can run, has ended, or has no work. */
export function obstacleOf(kernel: Kernel, task: Task): Obstacle | undefined {
  const { machine } = kernel;
  if (machine.finished(task.context) || machine.ways(task.context) > 0) return undefined;
  if (!kernel.mayRun(task.context)) {
    if (machine.idle(task.context) && !hasWork(kernel, task)) return undefined;
    return { kind: "cpu", by: occupants(task) };
  }
  if (machine.idle(task.context)) return undefined;
  const { op, object, argument } = machine.pending(task.context);
  const wait = waitOf(op, object, argument);
  return wait === undefined ? undefined : { kind: "wait", wait };
}

/** A handler without anything to handle is not held up by anybody. */
function hasWork(kernel: Kernel, task: Task): boolean {
  const ready = kernel.subsystems.get("irq work") as ((task: Task) => boolean) | undefined;
  return ready?.(task) ?? false;
}

function occupants(task: Task): Task[] {
  const { irqStack, pinned } = task.cpu;
  const top = irqStack.at(-1);
  if (top !== undefined && top !== task) return [top];
  return pinned === undefined ? [] : [pinned];
}

/** Contexts that can never proceed again although others may; see {@link Explorable.deadSubset}. */
export function deadSubset(kernel: Kernel, ways?: ArrayLike<number>): readonly number[] {
  if (ways !== undefined && !anyBlocked(kernel, ways)) return NOBODY;
  const blocked = new Map<number, readonly (Task | "hardware")[]>();
  for (const task of kernel.tasks) {
    if (ways !== undefined && (ways[task.context] as number) > 0) continue;
    const obstacle = obstacleOf(kernel, task);
    if (obstacle === undefined) continue;
    blocked.set(task.context, enders(kernel, task, obstacle));
  }
  for (let released = true; released && blocked.size > 0; ) {
    released = false;
    for (const [context, providers] of blocked) {
      if (!providers.some((p) => canProvide(kernel, p, blocked))) continue;
      blocked.delete(context);
      released = true;
    }
  }
  return [...blocked.keys()];
}

/** Whoever can end it: besides the event, SIGKILL ends a killable wait, and any task that charges may call the OOM killer. */
function enders(kernel: Kernel, task: Task, obstacle: Obstacle): readonly (Task | "hardware")[] {
  if (obstacle.kind === "cpu") return obstacle.by;
  const { state, providers } = obstacle.wait;
  if (task.kind !== "task" || task.fatalSignal || (state !== "K" && state !== "S")) return providers;
  return [...providers, ...kernel.tasks.filter((other) => other !== task && other.kind === "task")];
}

const NOBODY: readonly number[] = Object.freeze([]);

/** Whether anybody can neither step nor may rest: a quick look, in most states there is nobody. */
function anyBlocked(kernel: Kernel, ways: ArrayLike<number>): boolean {
  const { machine, tasks } = kernel;
  for (let c = 0; c < tasks.length; c++)
    if (ways[c] === 0 && !machine.finished(c) && !(machine.idle(c) && kernel.mayRun(c))) return true;
  return false;
}

function canProvide(kernel: Kernel, provider: Task | "hardware", blocked: ReadonlyMap<number, unknown>): boolean {
  if (provider === "hardware") return true;
  return !blocked.has(provider.context) && !kernel.machine.finished(provider.context);
}
