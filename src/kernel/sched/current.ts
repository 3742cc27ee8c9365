/**
 * What kernel code takes for granted: the running task, its CPU, and the kernel it is part of.
 *
 * Set by the scheduler before each step; nothing here outlives one.
 */
import type { EraFeatures } from "../era.ts";
import type { Kernel } from "./kernel.ts";
import type { Cpu, Task } from "./task.ts";

let running: Kernel | undefined;
let task: Task | undefined;

/** @internal the scheduler's */
export function setCurrent(kernel: Kernel, now: Task | undefined): void {
  running = kernel;
  task = now;
}

/** Runs what may ask the scheduler who can run, which would leave nobody running. @internal */
export function keepingCurrent<T>(ask: () => T): T {
  const [kernelNow, taskNow] = [running, task];
  const answer = ask();
  running = kernelNow;
  task = taskNow;
  return answer;
}

/** The task (or interrupt context) that runs. */
export function current(): Task {
  if (task === undefined) throw new Error("kernel code runs outside a task");
  return task;
}

/** The CPU it runs on. */
export function thisCpu(): Cpu {
  return current().cpu;
}

/** The kernel that is being executed. */
export function kernel(): Kernel {
  if (running === undefined) throw new Error("no kernel runs");
  return running;
}

/** Which steps exist in this kernel release. */
export function era(): EraFeatures {
  return kernel().era.features;
}
