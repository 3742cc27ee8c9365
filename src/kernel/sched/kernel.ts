/**
 * A kernel instance: its release, configuration, CPUs and tasks, on a machine that runs them step by step.
 *
 * Who may run: a task whose CPU has no handler on top of it and is not pinned by another task; a handler that is innermost
 * on its CPU; an idle handler when interrupts are on there.
 */
import { create, Machine, World } from "../../resumable/index.ts";
import type { Era } from "../era.ts";
import { PF_KTHREAD, PF_WQ_WORKER } from "../gfp.ts";
import type { MemCgroup } from "../mm/memcg-types.ts";
import type { MmStruct } from "../mm/mm-types.ts";
import { setCurrent } from "./current.ts";
import { GracePeriod } from "./rcu.ts";
import { deadSubset } from "./stuck.ts";
import { Cpu, Task, type TaskKind } from "./task.ts";

/** How the kernel was built and booted. */
export interface KernelConfig {
  readonly era: Era;
  readonly cpus: number;
  /** Which hierarchy the memory controller is on. */
  readonly cgroup: "v1" | "v2";
  /** Kernel memory is accounted (not `cgroup.memory=nokmem`). */
  readonly kmem: boolean;
  /** Changes that no kernel has, by name: `moving`, `switching`. */
  readonly hacks: readonly string[];
  /** How many of each thing there can be at most. */
  readonly capacities: Capacities;
  /** Tests: laws that must hold in every state. */
  readonly invariants?: (kernel: Kernel) => string | undefined;
}

/** Room for things that come and go. */
export interface Capacities extends Readonly<Record<string, number>> {
  readonly pages: number;
  readonly contexts: number;
  readonly bios: number;
  readonly inodes: number;
  readonly memcgs: number;
  readonly vmas: number;
}

/** What a new task is given. */
export interface TaskOptions {
  readonly comm: string;
  readonly kind?: TaskKind;
  readonly pid?: number;
  readonly cpu?: number;
  readonly flags?: number;
  readonly memcg?: MemCgroup;
  readonly mm?: MmStruct;
  /** A service: waiting for work for ever is no fault. */
  readonly idle?: boolean;
  readonly stackWords?: number;
}

/** First pid that is given out. */
const FIRST_PID = 1000;

export class Kernel {
  readonly config: KernelConfig;
  readonly era: Era;
  readonly world: World;
  readonly machine: Machine;
  readonly cpus: readonly Cpu[];
  /** By context number. */
  readonly tasks: Task[] = [];
  /** Those that are no interrupt handlers. */
  readonly submitters: Task[] = [];
  readonly gracePeriods: GracePeriod[] = [];
  /** Subsystems keep their objects here, by name, set while booting. */
  readonly subsystems: Map<string, unknown> = new Map();
  private readonly periodOf: GracePeriod[] = [];

  constructor(config: KernelConfig) {
    this.config = config;
    this.era = config.era;
    const { contexts, bios } = config.capacities;
    this.world = new World({ works: contexts + bios, ...config.capacities });
    this.cpus = Array.from({ length: config.cpus }, (_, number) => create(Cpu, { number }));
    const { invariants } = config;
    this.machine = new Machine(this.world, {
      mayRun: (context) => this.mayRun(context),
      before: (context) => this.switchTo(context),
      deadSubset: (ways) => deadSubset(this, ways),
      ...(invariants === undefined ? {} : { brokenInvariant: () => this.check(invariants) }),
    });
    setCurrent(this, undefined);
  }

  /** A new task that will run `fn(...args)`; tasks go to the CPUs in turn unless told. */
  spawn(options: TaskOptions, fn: (...args: never[]) => unknown, args: readonly unknown[] = []): Task {
    const number = this.tasks.length;
    const pid = options.pid ?? FIRST_PID + number;
    const kind = options.kind ?? "task";
    const kernelThread = kind === "task" ? 0 : PF_KTHREAD | (kind === "kworker" ? PF_WQ_WORKER : 0);
    const task = create(Task, {
      context: number,
      pid,
      comm: options.comm,
      kind,
      cpu: this.cpus[(options.cpu ?? number) % this.cpus.length] as Cpu,
      flags: kernelThread | (options.flags ?? 0),
      ...(options.memcg === undefined ? {} : { memcg: options.memcg }),
      ...(options.mm === undefined ? {} : { mm: options.mm }),
    });
    this.tasks.push(task);
    if (kind !== "hardirq" && kind !== "softirq") this.submitters.push(task);
    if (task.memcg !== undefined && kind === "task") task.memcg.tasks.push(task);
    const given = {
      idle: options.idle ?? false,
      ...(options.stackWords === undefined ? {} : { stackWords: options.stackWords }),
    };
    this.machine.spawn(`${options.comm}/${pid}`, fn, args, given);
    return task;
  }

  /** The grace period object of a task; made when the kernel is built, for every task that may need one. */
  gracePeriodOf(task: Task): GracePeriod {
    const period = this.periodOf[task.context];
    if (period === undefined) throw new Error(`${task} was not booted with canSynchronizeRcu`);
    return period;
  }
  /** Lets a task call synchronize_rcu(). */
  canSynchronizeRcu(task: Task): void {
    const period = create(GracePeriod);
    this.periodOf[task.context] = period;
    this.gracePeriods.push(period);
  }

  /** A subsystem's objects; throws when it was not booted. */
  subsystem<T>(name: string): T {
    const found = this.subsystems.get(name);
    if (found === undefined) throw new Error(`this kernel was built without ${name}`);
    return found as T;
  }

  /**
   * Ends the building and lets every context run up to its first operation, which touches nothing others can see: a task
   * that merely begins is no step. Further calls change nothing.
   */
  start(): Machine {
    if (this.world.sealed) return this.machine;
    this.world.seal();
    for (const { context } of this.tasks) this.machine.step(context, 0);
    return this.machine;
  }

  /** Whether a task could take a step as far as CPUs and interrupts are concerned. */
  mayRun(context: number): boolean {
    setCurrent(this, undefined);
    const task = this.tasks[context] as Task;
    const { cpu } = task;
    const { irqStack } = cpu;
    if (task.kind === "hardirq" || task.kind === "softirq") {
      if (irqStack.includes(task)) return irqStack.at(-1) === task;
      return !cpu.irqsOff && (task.kind === "hardirq" || irqStack.length === 0);
    }
    if (irqStack.length > 0) return false;
    return cpu.pinned === undefined || cpu.pinned === task;
  }

  private switchTo(context: number): void {
    setCurrent(this, this.tasks[context]);
  }

  private check(invariants: (kernel: Kernel) => string | undefined): string | undefined {
    setCurrent(this, undefined);
    return invariants(this);
  }
}
