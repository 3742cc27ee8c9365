/**
 * What an incident is: a workload, the objects it works on, and the switches to compare. Everything that locks, waits or
 * wakes is kernel code in `kernel/`.
 */
import type { Scene } from "./scene.ts";

/** A number that a user may set with `--param name=value`. */
export interface Parameter {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  /** One line: what it counts. */
  readonly what: string;
}

/** Values of all parameters of an incident. */
export type Parameters = Readonly<Record<string, number>>;

/** @since 0.2.0 */
export interface Incident {
  /** Name on the command line, e.g. `memcg-writeback-abba`. */
  readonly id: string;
  /** What happened, in one line. */
  readonly title: string;
  /** Mail or commit it is made from. */
  readonly source?: string;
  /** Kernel release it is run on unless told otherwise. */
  readonly era: string;
  /** Fixes taken out of `era` unless a release is chosen: what happened is older than the releases of the model. */
  readonly reverted?: readonly string[];
  readonly cgroup?: "v1" | "v2";
  readonly parameters: Readonly<Record<string, Parameter>>;
  /** Fixes of `kernel/era.ts` that bear on it, and that `--compare all` goes through. */
  readonly fixes: readonly string[];
  /** Changes that no kernel has, by name, with what they do; `--param hack=a,b` switches them on. */
  readonly hacks?: Readonly<Record<string, string>>;
  /** How many CPUs; 2 when absent. */
  cpus?(parameters: Parameters): number;
  /** What the incident decides by itself, although a real machine would not: printed with every result. */
  readonly fixedChoices: readonly string[];
  /** Builds files, groups and tasks. */
  setup(scene: Scene, parameters: Parameters): void;
}

/** Checks an incident's own description; returns it. */
export function defineIncident(incident: Incident): Incident {
  if (!/^[a-z0-9-]+$/.test(incident.id)) throw new Error(`incident "${incident.id}": lower case, digits and dashes`);
  for (const [name, p] of Object.entries(incident.parameters)) {
    if (p.default < p.min || p.default > p.max) throw new Error(`${incident.id}: default of ${name} is out of range`);
  }
  return incident;
}
