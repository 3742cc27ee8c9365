/**
 * A kernel run against a clock: a discrete-event simulation in virtual nanoseconds.
 *
 * It is the machine that searches explore, with one schedule: each CPU runs one of its contexts at a time, handlers first, then
 * the task that had least of it (as CFS: who wakes up goes before who has just run, by a bounded credit); each step takes the time
 * that `costs` says, and happens at the end of it. A sleep ends when its jiffies are over or when what it
 * waits for has happened (`sched/timeout.ts`), a device finishes requests after their service time (`sched/hardware.ts`). A
 * context that cannot step is looked at again when a word is written that its test has read.
 *
 * Deterministic: events at the same time come in the order they were noted, ways are chosen from a seed.
 */
import type { Bio } from "../kernel/block/bio.ts";
import { requestsOf } from "../kernel/sched/hardware.ts";
import type { Kernel } from "../kernel/sched/kernel.ts";
import { sleepOf } from "../kernel/sched/timeout.ts";
import type { Machine } from "../resumable/index.ts";
import type { Costs } from "./costs.ts";
import { DeviceClock, type DeviceSpeed } from "./devices.ts";
import { EventQueue } from "./event-queue.ts";

export interface EngineOptions {
  /** Timer interrupts a second. */
  readonly hz: number;
  readonly costs: Costs;
  /** By name of the device, `8:0`. */
  readonly deviceSpeed: (device: string) => DeviceSpeed;
  /** Nanoseconds that a task may run ahead of another one (`sched_min_granularity`). */
  readonly slice?: number;
  readonly seed?: number;
}

/** Why {@link Engine.run} came back. */
export type RunEnd = "time" | "stuck" | "done" | "steps" | "stopped";

const [BLOCKED, READY, ASLEEP, FINISHED] = [0, 1, 2, 3] as const;
const SLICE = 3_000_000;
/** Who wakes up has not had less than this much before the others, and goes on before them if it had at least that much less. */
const CREDIT = 3_000_000;
const WAKEUP = 1_000_000;
const SECOND = 1e9;
/** Steps between two questions whether to stop. */
const POLL_EVERY = 4096;

interface CpuState {
  readonly number: number;
  /** Handlers that have something to do, and tasks that wait for their turn. */
  readonly handlers: number[];
  readonly queue: number[];
  current: number;
  /** What the task that had least of this CPU has had. */
  least: number;
  /** Whose step it is at, which is done when the event for it comes; -1: nobody's. */
  doing: number;
  /** An event for it is noted. */
  noted: boolean;
  busy: number;
}

export class Engine {
  /** Virtual nanoseconds since the start. */
  now = 0;
  steps = 0;
  readonly kernel: Kernel;
  readonly machine: Machine;
  readonly #options: EngineOptions;
  readonly #tick: number;
  readonly #events = new EventQueue();
  readonly #cpus: CpuState[];
  readonly #state: Uint8Array;
  /** By context: when its sleep ends; 0: it has not begun. */
  readonly #deadline: Float64Array;
  /** By context: since when it cannot step, and how long it has run. */
  readonly #since: Float64Array;
  readonly #ran: Float64Array;
  /** By context: what it has had of its CPU, as the scheduler counts. */
  readonly #had: Float64Array;
  readonly #queued: Uint8Array;
  /** By context: words that its last test looked at; by word: the contexts. */
  readonly #looksAt: number[][];
  readonly #lookers = new Map<number, Set<number>>();
  readonly #devices = new Map<string, DeviceClock>();
  /** By handler: when each request that it can take is finished. */
  readonly #finish = new Map<number, Map<Bio, number>>();
  #seed: number;

  constructor(kernel: Kernel, options: EngineOptions) {
    this.kernel = kernel;
    this.machine = kernel.start();
    this.#options = options;
    this.#tick = SECOND / options.hz;
    this.#seed = options.seed ?? 1;
    const { contexts } = this.machine;
    this.#cpus = kernel.cpus.map(({ number }) => ({
      number,
      handlers: [],
      queue: [],
      current: -1,
      least: 0,
      doing: -1,
      noted: false,
      busy: 0,
    }));
    this.#state = new Uint8Array(contexts);
    this.#deadline = new Float64Array(contexts);
    this.#since = new Float64Array(contexts);
    this.#ran = new Float64Array(contexts);
    this.#had = new Float64Array(contexts);
    this.#queued = new Uint8Array(contexts);
    this.#looksAt = Array.from({ length: contexts }, () => []);
    for (let c = 0; c < contexts; c++) this.#assess(c);
  }

  /** Runs until virtual time `until` (nanoseconds), or until nothing can happen any more. */
  run(until: number, maxSteps = Infinity, shouldStop?: () => boolean): RunEnd {
    let untilPoll = POLL_EVERY;
    while (this.#events.next <= until) {
      if (this.steps >= maxSteps) return "steps";
      if (--untilPoll === 0) {
        untilPoll = POLL_EVERY;
        if (shouldStop?.() === true) return "stopped";
      }
      this.now = this.#events.next;
      const event = this.#events.pop();
      if (event < 0) this.#onCpu(this.#cpus[-event - 1] as CpuState);
      else this.#assess(event);
    }
    if (this.#events.length === 0) return this.#allRest() ? "done" : "stuck";
    this.now = until;
    return "time";
  }

  /** Whether a context can step, apart from its turn. */
  isReady(context: number): boolean {
    return this.#state[context] === READY;
  }
  /** Since when (nanoseconds) a context can neither step nor is asleep for a time. */
  blockedSince(context: number): number {
    return this.#since[context]!;
  }
  /** Nanoseconds that a context has run. */
  ranFor(context: number): number {
    return this.#ran[context]!;
  }
  /** Share of all CPUs' time so far that something ran. */
  get utilisation(): number {
    const busy = this.#cpus.reduce((sum, cpu) => sum + cpu.busy, 0);
    return this.now === 0 ? 0 : busy / (this.now * this.#cpus.length);
  }

  #allRest(): boolean {
    const { machine } = this;
    for (let c = 0; c < machine.contexts; c++) if (!machine.finished(c) && !machine.idle(c)) return false;
    return true;
  }

  /** Finds out what a context can do now. */
  #assess(context: number): void {
    const { machine } = this;
    machine.track(true);
    const able = !machine.finished(context) && machine.ways(context) > 0;
    const readyAt = able ? this.#readyAt(context) : Infinity;
    this.#note(context, machine.touched.reads);
    machine.track(false);
    const was = this.#state[context];
    const state = machine.finished(context) ? FINISHED : !able ? BLOCKED : readyAt > this.now ? ASLEEP : READY;
    this.#state[context] = state;
    if (state === READY) this.#enqueue(context);
    else if (was === READY || was === undefined) this.#since[context] = this.now;
    if (state === ASLEEP) this.#events.push(readyAt, context);
  }

  /** When a context that can step may do so: at once, when its sleep ends, when its device has finished something. */
  #readyAt(context: number): number {
    const { op, object, argument } = this.machine.pending(context);
    const sleep = sleepOf(op, object, argument);
    if (sleep !== undefined) {
      if (sleep.woken === true) return this.now;
      if (this.#deadline[context] === 0) {
        const jiffies = Math.floor(this.now / this.#tick) + Math.max(1, sleep.jiffies(this.#options.hz));
        this.#deadline[context] = jiffies * this.#tick;
      }
      return this.#deadline[context]!;
    }
    const requests = requestsOf(op, object, argument);
    return requests === undefined ? this.now : Math.min(...this.#finishes(context, requests as readonly Bio[]));
  }

  /** When the device has finished each request; those that it has just been given begin now. */
  #finishes(handler: number, requests: readonly Bio[]): readonly number[] {
    const before = this.#finish.get(handler);
    const now = new Map<Bio, number>();
    for (const bio of requests) now.set(bio, before?.get(bio) ?? this.#deviceOf(bio).submit(this.now, bio));
    this.#finish.set(handler, now);
    return requests.map((bio) => now.get(bio) as number);
  }

  #deviceOf(bio: Bio): DeviceClock {
    const device = bio.queue?.device ?? "";
    let clock = this.#devices.get(device);
    if (clock === undefined) {
      clock = new DeviceClock(this.#options.deviceSpeed(device));
      this.#devices.set(device, clock);
    }
    return clock;
  }

  /** Notes which words have to change for a context to be looked at again. */
  #note(context: number, reads: ReadonlySet<number>): void {
    const before = this.#looksAt[context]!;
    for (const word of before) if (!reads.has(word)) this.#lookers.get(word)?.delete(context);
    for (const word of reads) {
      const lookers = this.#lookers.get(word);
      if (lookers === undefined) this.#lookers.set(word, new Set([context]));
      else lookers.add(context);
    }
    this.#looksAt[context] = [...reads];
  }

  #enqueue(context: number): void {
    const cpu = this.#cpuOf(context);
    if (this.#queued[context] === 0 && cpu.current !== context) {
      this.#queued[context] = 1;
      const { kind } = this.kernel.tasks[context]!;
      this.#had[context] = Math.max(this.#had[context]!, cpu.least - CREDIT);
      (kind === "hardirq" || kind === "softirq" ? cpu.handlers : cpu.queue).push(context);
    }
    this.#kick(cpu);
  }

  #cpuOf(context: number): CpuState {
    return this.#cpus[this.kernel.tasks[context]!.cpu.number] as CpuState;
  }

  #kick(cpu: CpuState): void {
    if (cpu.noted) return;
    cpu.noted = true;
    this.#events.push(this.now, -cpu.number - 1);
  }

  /** A step that the CPU was at is done, unless somebody has been faster; then the next one begins. */
  #onCpu(cpu: CpuState): void {
    const { doing } = cpu;
    cpu.doing = -1;
    if (doing >= 0 && this.#state[doing] === READY) this.#step(doing);
    cpu.noted = false;
    const context = this.#choose(cpu);
    if (context < 0) return;
    const { op, argument } = this.machine.pending(context);
    const cost = this.#options.costs.of(op, argument);
    cpu.doing = context;
    cpu.noted = true;
    cpu.busy += cost;
    this.#ran[context]! += cost;
    this.#had[context]! += cost;
    this.#events.push(this.now + cost, -cpu.number - 1);
  }

  /** Who runs next on a CPU; -1: nobody. */
  #choose(cpu: CpuState): number {
    const handler = this.#firstHandler(cpu.handlers);
    if (handler >= 0) return handler;
    const { current } = cpu;
    const runs = current >= 0 && this.#state[current] === READY;
    const next = this.#neediest(cpu);
    if (runs && (next < 0 || !this.#goesBefore(next, current))) return current;
    if (next < 0) {
      cpu.current = -1;
      return -1;
    }
    cpu.queue.splice(cpu.queue.indexOf(next), 1);
    this.#queued[next] = 0;
    if (runs) {
      this.#queued[current] = 1;
      cpu.queue.push(current);
    }
    cpu.current = next;
    cpu.least = Math.max(cpu.least, this.#had[next]!);
    return next;
  }

  /** A task that was asleep longer goes on at once, others when the running one is a slice ahead. */
  #goesBefore(next: number, current: number): boolean {
    const ahead = this.#had[current]! - this.#had[next]!;
    return ahead >= (this.#since[next]! > this.#since[current]! ? WAKEUP : (this.#options.slice ?? SLICE));
  }

  /** The waiting task that has had least; those that cannot step any more are taken out. */
  #neediest(cpu: CpuState): number {
    const { queue } = cpu;
    let best = -1;
    let kept = 0;
    for (const context of queue) {
      if (this.#state[context] !== READY) {
        this.#queued[context] = 0;
        continue;
      }
      queue[kept++] = context;
      if (best < 0 || this.#had[context]! < this.#had[best]!) best = context;
    }
    queue.length = kept;
    return best;
  }

  #firstHandler(queue: number[]): number {
    while (queue.length > 0) {
      const context = queue.shift() as number;
      this.#queued[context] = 0;
      if (this.#state[context] === READY) return context;
    }
    return -1;
  }

  #step(context: number): void {
    const { machine } = this;
    const way = this.#wayOf(context);
    this.#deadline[context] = 0;
    this.steps++;
    machine.trackWrites(true);
    machine.step(context, way);
    const concerned = new Set<number>();
    for (const word of machine.touched.writes)
      for (const looker of this.#lookers.get(word) ?? []) concerned.add(looker);
    machine.trackWrites(false);
    concerned.delete(context);
    this.#assess(context);
    for (const other of concerned) this.#assess(other);
  }

  /** The request that was finished first; any way, drawn from the seed, where the program leaves it open. */
  #wayOf(context: number): number {
    const { op, object, argument } = this.machine.pending(context);
    const requests = requestsOf(op, object, argument);
    if (requests !== undefined) {
      const finishes = this.#finishes(context, requests as readonly Bio[]);
      return finishes.indexOf(Math.min(...finishes));
    }
    const ways = this.machine.ways(context);
    return ways < 2 ? 0 : Math.floor(this.#random() * ways);
  }

  /** From 0 to below 1 (mulberry32). */
  #random(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
}
