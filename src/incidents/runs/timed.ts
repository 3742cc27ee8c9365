/** What an incident needs to be run against a clock (`../../simulate`): a workload of its own, and what is measured. */
import type { Capacities, Kernel } from "../../kernel/sched/kernel.ts";
import { op } from "../../resumable/index.ts";
import type { Incident, Parameter, Parameters } from "../incident.ts";
import type { Scene } from "../scene.ts";

/** What a process does in user space for so many microseconds. */
export const userCode = op<undefined, number>("user code", {});

/** A figure read off a kernel now and then. */
export interface Gauge {
  /** Name in `unwedge.run/1`, e.g. `memory.writeback`. */
  readonly name: string;
  readonly unit: string;
  read(kernel: Kernel): number;
}

/** @since 0.3.0 */
export interface TimedIncident {
  /** Whose releases, fixes and switches it has. */
  readonly incident: Incident;
  /** Sizes; `explore` has others. */
  readonly parameters: Readonly<Record<string, Parameter>>;
  /** Values for `--scale small`; the defaults are `full`. */
  readonly small: Parameters;
  /** Virtual seconds unless told. */
  readonly seconds: number;
  /** One line each: what is smaller than in the report, and what is not modelled. */
  readonly notes: readonly string[];
  cpus(parameters: Parameters): number;
  /** Room that the set-up needs, by capacity. */
  room(parameters: Parameters): Partial<Capacities>;
  setup(scene: Scene, parameters: Parameters): void;
  readonly gauges: readonly Gauge[];
  /** The figures of a whole run; `mean` is a gauge's mean over it. */
  metrics(kernel: Kernel, seconds: number, mean: (gauge: string) => number): Readonly<Record<string, number>>;
}
