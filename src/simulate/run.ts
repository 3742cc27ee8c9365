/** Runs an incident against a clock and says what was measured. */
import { prepare } from "../incidents/prepare.ts";
import type { Choices } from "../incidents/prepared.ts";
import type { Gauge, TimedIncident } from "../incidents/runs/timed.ts";
import type { Kernel } from "../kernel/sched/kernel.ts";
import { COSTS, type Cost, Costs } from "./costs.ts";
import { DEVICES, type DeviceSpeed } from "./devices.ts";
import { Engine, type RunEnd } from "./engine.ts";
import { type HungTask, HungTaskDetector } from "./hung-task.ts";

export interface RunOptions {
  /** Virtual seconds; the incident's own when absent. */
  readonly seconds?: number;
  readonly scale?: "full" | "small";
  /** Timer interrupts a second; 250 when absent. */
  readonly hz?: number;
  /** Name of {@link DEVICES}; `ssd` when absent. */
  readonly device?: string;
  readonly seed?: number;
  /** Most steps; a run that reaches it is cut short. */
  readonly maxSteps?: number;
  readonly shouldStop?: () => boolean;
  /** Told now and then, in virtual seconds. */
  readonly onProgress?: (seconds: number, steps: number) => void;
}

/** A figure over virtual time: `t` in seconds. */
export interface Series {
  readonly name: string;
  readonly unit: string;
  readonly t: readonly number[];
  readonly v: readonly number[];
}

/** @since 0.3.0 */
export interface RunResult {
  readonly incident: string;
  readonly era: string;
  readonly parameters: Readonly<Record<string, number>>;
  readonly fixes: readonly string[];
  readonly reverted: readonly string[];
  readonly virtualSeconds: number;
  readonly outcome: "completed" | "deadlock" | "stalled";
  /** Why it ended before its time; undefined: it did not. */
  readonly cut: "steps" | "stopped" | undefined;
  readonly metrics: Readonly<Record<string, number>>;
  readonly series: readonly Series[];
  readonly hungTasks: readonly HungTask[];
  readonly steps: number;
  /** Share of the CPUs' time that was used. */
  readonly utilisation: number;
  readonly notes: readonly string[];
  /** What steps were taken to cost. */
  readonly costs: readonly Cost[];
}

const SECOND = 1e9;
/** Values of a series at most; the means are over all samples. */
const POINTS = 200;
/** Virtual nanoseconds between two samples. */
const SAMPLE = 10_000_000;

class Sampler {
  readonly #gauges: readonly Gauge[];
  readonly #sums: number[];
  readonly #values: number[][];
  readonly #times: number[] = [];
  readonly #every: number;
  #samples = 0;

  constructor(gauges: readonly Gauge[], samples: number) {
    this.#gauges = gauges;
    this.#sums = gauges.map(() => 0);
    this.#values = gauges.map(() => []);
    this.#every = Math.max(1, Math.ceil(samples / POINTS));
  }

  take(kernel: Kernel, seconds: number): void {
    const keep = this.#samples % this.#every === 0;
    if (keep) this.#times.push(seconds);
    for (const [i, gauge] of this.#gauges.entries()) {
      const value = gauge.read(kernel);
      this.#sums[i]! += value;
      if (keep) this.#values[i]!.push(value);
    }
    this.#samples++;
  }

  mean(name: string): number {
    const i = this.#gauges.findIndex((gauge) => gauge.name === name);
    return this.#samples === 0 || i < 0 ? 0 : this.#sums[i]! / this.#samples;
  }
  get series(): readonly Series[] {
    return this.#gauges.map(({ name, unit }, i) => ({ name, unit, t: this.#times, v: this.#values[i]! }));
  }
}

/** What there was to refuse, in one line; see `prepare`. */
export type RunOutcome =
  | { readonly ok: true; readonly result: RunResult }
  | { readonly ok: false; readonly error: { readonly message: string } };

/** Runs it; the same choices and seed give the same result, byte for byte. @since 0.3.0 */
export function runIncident(timed: TimedIncident, choices: Choices, options: RunOptions = {}): RunOutcome {
  const { scale = "full", hz = 250, device = "ssd", seed = 1 } = options;
  const speed: DeviceSpeed | undefined = DEVICES[device];
  if (speed === undefined)
    return { ok: false, error: { message: `no device "${device}"; there are ${Object.keys(DEVICES).join(", ")}` } };
  const sized = { ...(scale === "small" ? timed.small : {}), ...choices.parameters };
  const { incident } = timed;
  const prepared = prepare(
    {
      ...incident,
      parameters: timed.parameters,
      cpus: (p) => timed.cpus(p),
      room: (p) => timed.room(p),
      setup: (s, p) => timed.setup(s, p),
    },
    { ...choices, parameters: sized },
  );
  if (!prepared.ok) return prepared;
  const { kernel, era, parameters } = prepared.prepared;
  const engine = new Engine(kernel, { hz, seed, costs: new Costs(), deviceSpeed: () => speed });
  const seconds = options.seconds ?? timed.seconds;
  const sampler = new Sampler(timed.gauges, (seconds * SECOND) / SAMPLE);
  const detector = new HungTaskDetector(engine);
  const end = drive(engine, seconds * SECOND, sampler, detector, options);
  const ran = engine.now / SECOND;
  return {
    ok: true,
    result: {
      incident: incident.id,
      era: era.release,
      parameters,
      fixes: choices.fixes ?? [],
      reverted: choices.reverted ?? [],
      virtualSeconds: ran,
      outcome: end === "stuck" ? "deadlock" : "completed",
      cut: end === "steps" || end === "stopped" ? end : undefined,
      metrics: timed.metrics(kernel, ran, (name) => sampler.mean(name)),
      series: sampler.series,
      hungTasks: detector.reports,
      steps: engine.steps,
      utilisation: engine.utilisation,
      notes: timed.notes,
      costs: COSTS,
    },
  };
}

function drive(engine: Engine, until: number, sampler: Sampler, detector: HungTaskDetector, o: RunOptions): RunEnd {
  let end: RunEnd = "time";
  for (let at = SAMPLE; end === "time" && engine.now < until; at += SAMPLE) {
    end = engine.run(Math.min(at, until), o.maxSteps, o.shouldStop);
    sampler.take(engine.kernel, engine.now / SECOND);
    detector.look();
    o.onProgress?.(engine.now / SECOND, engine.steps);
  }
  return end;
}
