/** `khungtaskd`: tasks that have been in uninterruptible sleep, without a switch, for two minutes (kernel/hung_task.c). */
import { waitOf } from "../kernel/sched/wait.ts";
import type { Engine } from "./engine.ts";

/** A task that was reported. */
export interface HungTask {
  readonly pid: number;
  readonly comm: string;
  /** Virtual seconds at which it was reported, and for how long it had waited then. */
  readonly at: number;
  readonly blocked: number;
  /** Names of the functions it is in, innermost first. */
  readonly stack: readonly string[];
}

const SECOND = 1e9;
/** `kernel.hung_task_timeout_secs` and `hung_task_warnings`. */
const TIMEOUT = 120;
const WARNINGS = 10;

export class HungTaskDetector {
  readonly reports: HungTask[] = [];
  readonly #engine: Engine;
  #next = TIMEOUT * SECOND;
  /** By context: its switches when it was looked at last. */
  readonly #switches = new Map<number, number>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Looks at all tasks when it is time to. */
  look(): void {
    const { now, kernel } = this.#engine;
    if (now < this.#next) return;
    this.#next += TIMEOUT * SECOND;
    for (const task of kernel.tasks) {
      if (!this.#sleepsUninterruptibly(task.context)) continue;
      const { nvcsw } = task;
      const moved = this.#switches.get(task.context) !== nvcsw;
      this.#switches.set(task.context, nvcsw);
      const blocked = (now - this.#engine.blockedSince(task.context)) / SECOND;
      if (moved && blocked < TIMEOUT) continue;
      if (this.reports.length >= WARNINGS) return;
      const stack = this.#engine.machine.stack(task.context).map(({ name }) => name);
      this.reports.push({ pid: task.pid, comm: task.comm, at: now / SECOND, blocked, stack });
    }
  }

  #sleepsUninterruptibly(context: number): boolean {
    const { machine } = this.#engine;
    if (this.#engine.isReady(context) || machine.finished(context) || machine.idle(context)) return false;
    const { op, object, argument } = machine.pending(context);
    return waitOf(op, object, argument)?.state === "D";
  }
}
