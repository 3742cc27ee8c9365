/**
 * What an incident is: a workload, the objects it works on, and the switches to compare. Everything that locks, waits or
 * wakes is kernel code in `kernel/`.
 */

import type { Capacities, Kernel } from "../kernel/sched/kernel.ts";
import type { Machine } from "../resumable/machine.ts";
import type { ContextKind } from "../waits/types.ts";
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

/** What every incident has. @since 0.2.0 */
export interface Story {
  /** Name on the command line, e.g. `memcg-writeback-abba`. */
  readonly id: string;
  /** What happened, in one line. */
  readonly title: string;
  /** Mail or commit it is made from. */
  readonly source?: string;
  readonly parameters: Readonly<Record<string, Parameter>>;
  /**
   * What happened can end, only nothing makes it end soon: livelocks are looked for as with `--fair`, and what would end them is
   * listed.
   */
  readonly fair?: boolean;
  /** What the incident decides by itself, although a real machine would not: printed with every result. */
  readonly fixedChoices: readonly string[];
}

/** An incident of the modelled kernel. @since 0.2.0 */
export interface Incident extends Story {
  /** Kernel release it is run on unless told otherwise. */
  readonly era: string;
  /** Fixes taken out of `era` unless a release is chosen: what happened is older than the releases of the model. */
  readonly reverted?: readonly string[];
  /** Fixes added to `era` unless a release is chosen: what happened is of a proposal. */
  readonly applied?: readonly string[];
  readonly cgroup?: "v1" | "v2";
  /** Fixes of `kernel/era.ts` that bear on it, and that `--compare all` goes through. */
  readonly fixes: readonly string[];
  /** By fix: another one without which it does nothing; `--compare all` has both together as well. */
  readonly companions?: Readonly<Record<string, string>>;
  /** Changes that no kernel has, by name, with what they do; `--param hack=a,b` switches them on. */
  readonly hacks?: Readonly<Record<string, string>>;
  /** How many CPUs; 2 when absent. */
  cpus?(parameters: Parameters): number;
  /** Room for more than some dozens of things, by capacity. */
  room?(parameters: Parameters): Partial<Capacities>;
  /** What happens is slow and stands nowhere: no search has a fault to find, only a run against a clock shows it. */
  readonly slow?: true;
  /** What must hold in every state, besides the laws of the model: one line where it does not. */
  law?(kernel: Kernel): string | undefined;
  /** Builds files, groups and tasks. */
  setup(scene: Scene, parameters: Parameters): void;
}

/** An abstract model: a program of its own, in which no kernel is. @since 0.2.0 */
export interface AbstractIncident extends Story {
  /** Builds the program, in its first state. */
  program(parameters: Parameters): Machine;
  /** What it has of these; printed with every result. */
  size(parameters: Parameters): { readonly pages: number; readonly cpus: number; readonly requests: number };
  /** By operation: what who is blocked there waits for, and what ends that. Others are named as the program has them. */
  readonly waits?: Readonly<Record<string, { readonly class: string; readonly id?: string; readonly event: string }>>;
  /** By what stands before the slash of a context's name: what it is; `task` when absent. */
  readonly kinds?: Readonly<Record<string, ContextKind>>;
}

/** @since 0.2.0 */
export type AnyIncident = Incident | AbstractIncident;

/** Whether an incident is a program without a kernel. */
export function isAbstract(incident: AnyIncident): incident is AbstractIncident {
  return "program" in incident;
}

/** Checks an incident's own description; returns it. */
export function defineIncident(incident: Incident): Incident {
  return described(incident);
}

/** Checks an abstract incident's own description; returns it. @since 0.2.0 */
export function defineAbstractIncident(incident: AbstractIncident): AbstractIncident {
  return described(incident);
}

function described<T extends Story>(incident: T): T {
  if (!/^[a-z0-9-]+$/.test(incident.id)) throw new Error(`incident "${incident.id}": lower case, digits and dashes`);
  for (const [name, p] of Object.entries(incident.parameters)) {
    if (p.default < p.min || p.default > p.max) throw new Error(`${incident.id}: default of ${name} is out of range`);
  }
  return incident;
}
