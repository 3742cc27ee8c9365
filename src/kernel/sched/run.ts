/**
 * Runs a kernel along one schedule, without searching: every context in turn, a slice of steps each, or drawn by a seed.
 *
 * Everything that can happen at once happens before any sleep of a program ends (`hrtimer_nanosleep`, see entry.ts): sleeps end in
 * the order of their time, one after the other, when nobody else can step. Timeouts inside the kernel are steps like others.
 */
import { NANOSLEEP } from "./entry.ts";
import type { Kernel } from "./kernel.ts";

export interface RunOptions {
  /** Steps of a context before the next one's turn; 64. */
  readonly slice?: number;
  /** Contexts are drawn by a linear congruential generator instead. */
  readonly seed?: number;
  /** With a seed: an interrupt that could begin does so in one of so many of its turns, as devices are slower than CPUs; 1. */
  readonly interruptEvery?: number;
  /** Steps at most; ten million. */
  readonly most?: number;
  /** Asked after every turn: true ends the run. */
  readonly until?: () => boolean;
  /** Look for contexts that can never proceed again every so many turns; 0: only at the end. */
  readonly lookForDeadEvery?: number;
}

/** How a run ended. */
export interface RunResult {
  /** `quiet`: nobody can step; `dead`: somebody never can again; `stopped`: as `until` wished; `bound`: after so many steps. */
  readonly end: "quiet" | "dead" | "stopped" | "bound";
  readonly steps: number;
  /** Virtual milliseconds that sleeps took. */
  readonly milliseconds: number;
  /** Contexts that can never proceed again. */
  readonly dead: readonly number[];
}

/** @since 0.3.0 */
export function runKernel(kernel: Kernel, options: RunOptions = {}): RunResult {
  return new Run(kernel, options).run();
}

class Run {
  private readonly kernel: Kernel;
  private readonly options: RunOptions;
  private steps = 0;
  private now = 0;
  private turn = 0;
  private draws: number;
  /** When sleepers wake, by context. */
  private readonly wakeAt = new Map<number, number>();

  constructor(kernel: Kernel, options: RunOptions) {
    this.kernel = kernel;
    this.options = options;
    this.draws = (options.seed ?? 0) >>> 0;
  }

  run(): RunResult {
    const { most = 10_000_000, until, lookForDeadEvery = 0, slice = 64 } = this.options;
    const machine = this.kernel.start();
    for (let turns = 1; ; turns++) {
      const next = this.next() ?? this.wake();
      if (next === undefined) return this.result(this.dead().length > 0 ? "dead" : "quiet");
      for (let i = 0; i < slice && (i === 0 || this.isAble(next)); i++) {
        machine.step(next, this.way(machine.ways(next)));
        if (++this.steps >= most) return this.result("bound");
      }
      if (until?.() === true) return this.result("stopped");
      if (lookForDeadEvery > 0 && turns % lookForDeadEvery === 0 && this.dead().length > 0) return this.result("dead");
    }
  }

  private dead(): readonly number[] {
    return this.kernel.machine.deadSubset?.() ?? [];
  }
  private result(end: RunResult["end"]): RunResult {
    return { end, steps: this.steps, milliseconds: this.now, dead: this.dead() };
  }

  /** Can step, and does not sleep. */
  private isAble(context: number): boolean {
    const { machine, tasks } = this.kernel;
    if (machine.ways(context) === 0) return false;
    const { op, argument: _argument, object } = machine.pending(context);
    if (op !== NANOSLEEP || tasks[context]?.fatalSignal === true) {
      this.wakeAt.delete(context);
      return true;
    }
    if (!this.wakeAt.has(context)) this.wakeAt.set(context, this.now + (object as number));
    return false;
  }

  private next(): number | undefined {
    const { contexts } = this.kernel.machine;
    if (this.options.seed !== undefined) return this.drawContext(contexts);
    for (let i = 0; i < contexts; i++) {
      const context = (this.turn + i) % contexts;
      if (!this.isAble(context)) continue;
      this.turn = context + 1;
      return context;
    }
    return undefined;
  }

  /** Evenly among those that can step: drawn again while it cannot. */
  private drawContext(contexts: number): number | undefined {
    const { interruptEvery = 1 } = this.options;
    for (let tries = 0; tries < 8 * contexts; tries++) {
      const context = this.draw(contexts);
      if (this.isAble(context) && (!this.wouldInterrupt(context) || this.draw(interruptEvery) === 0)) return context;
    }
    const able = Array.from({ length: contexts }, (_, context) => context).filter((context) => this.isAble(context));
    return able[this.draw(able.length)];
  }
  private wouldInterrupt(context: number): boolean {
    const task = this.kernel.tasks[context];
    return task?.kind === "hardirq" && !task.cpu.irqStack.includes(task);
  }

  /** The sleeper whose time comes first. */
  private wake(): number | undefined {
    const [first] = [...this.wakeAt].sort((a, b) => a[1] - b[1] || a[0] - b[0]);
    if (first === undefined) return undefined;
    this.wakeAt.delete(first[0]);
    this.now = Math.max(this.now, first[1]);
    return first[0];
  }

  private way(ways: number): number {
    return this.options.seed === undefined ? 0 : this.draw(ways);
  }
  private draw(below: number): number {
    this.draws = (Math.imul(this.draws, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.draws / 2 ** 32) * below);
  }
}
