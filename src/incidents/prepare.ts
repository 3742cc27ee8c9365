/** From an incident and a user's choices to a kernel that is ready to run. */
import { type Era, type EraResult, hasFix, parseEra, withFix, withoutFix } from "../kernel/era.ts";
import type { Kernel } from "../kernel/sched/kernel.ts";
import type { Incident, Parameters } from "./incident.ts";
import { Scene } from "./scene.ts";

/** What a user chose; everything has a default. */
export interface Choices {
  readonly era?: string;
  readonly fixes?: readonly string[];
  readonly reverted?: readonly string[];
  readonly cgroup?: "v1" | "v2";
  readonly kmem?: boolean;
  readonly hacks?: readonly string[];
  readonly parameters?: Readonly<Record<string, number>>;
  /** Check the laws of the model in every state. */
  readonly invariants?: boolean;
}

/** Why a choice cannot be taken; `known` lists what there is, for a suggestion. */
export interface ChoiceError {
  readonly message: string;
  readonly given?: string;
  readonly known?: readonly string[];
}

/** A kernel in its first state, and what it was made from. */
export interface Prepared {
  readonly incident: Incident;
  readonly kernel: Kernel;
  readonly era: Era;
  readonly parameters: Parameters;
  readonly choices: Choices;
  readonly scope: Scope;
}

/** What a result holds for. Printed with it. */
export interface Scope {
  readonly tasks: number;
  readonly pages: number;
  readonly cpus: number;
  /** Requests that may be in flight. */
  readonly requests: number;
  readonly timers: "free";
  readonly memoryModel: "sequential";
  readonly fixedChoices: readonly string[];
  readonly fairness: string;
}

export type PrepareResult =
  | { readonly ok: true; readonly prepared: Prepared }
  | { readonly ok: false; readonly error: ChoiceError };

function fail(message: string, given?: string, known?: readonly string[]): PrepareResult {
  return {
    ok: false,
    error: { message, ...(given === undefined ? {} : { given }), ...(known === undefined ? {} : { known }) },
  };
}

/** An incident older than the model's releases is shown without its fixes, unless a release is chosen or one is put back. */
function withReverted(incident: Incident, choices: Choices): Choices {
  const { era, fixes = [], reverted = [] } = choices;
  if (era !== undefined || incident.reverted === undefined) return choices;
  const taken = incident.reverted.filter((id) => !fixes.includes(id) && !reverted.includes(id));
  return { ...choices, reverted: [...taken, ...reverted] };
}
/** The release has the fix, and only the incident takes it out. */
function isBack(incident: Incident, era: Era, id: string): boolean {
  return (incident.reverted ?? []).includes(id) && hasFix(era, id);
}

function eraOf(incident: Incident, choices: Choices): EraResult {
  let result = parseEra(choices.era ?? incident.era);
  for (const id of choices.fixes ?? [])
    if (result.ok && !isBack(incident, result.era, id)) result = withFix(result.era, id);
  for (const id of choices.reverted ?? []) if (result.ok) result = withoutFix(result.era, id);
  return result;
}

function parametersOf(incident: Incident, given: Readonly<Record<string, number>>): Parameters | ChoiceError {
  const values: Record<string, number> = {};
  for (const [name, p] of Object.entries(incident.parameters)) values[name] = p.default;
  for (const [name, value] of Object.entries(given)) {
    const p = incident.parameters[name];
    if (p === undefined) {
      const message = `${incident.id} has no parameter "${name}"`;
      return { message, given: name, known: Object.keys(incident.parameters) };
    }
    if (!Number.isInteger(value) || value < p.min || value > p.max) {
      return { message: `parameter ${name} must be a whole number from ${p.min} to ${p.max}, not ${value}` };
    }
    values[name] = value;
  }
  return values;
}

function isError(value: Parameters | ChoiceError): value is ChoiceError {
  return typeof value.message === "string";
}

/**
 * Builds the kernel of an incident. Wrong choices are values, with what there is to choose from.
 *
 * @since 0.2.0
 */
export function prepare(incident: Incident, given: Choices = {}): PrepareResult {
  const choices = withReverted(incident, given);
  const parsed = eraOf(incident, choices);
  if (!parsed.ok) return fail(parsed.error);
  for (const fix of [...(choices.fixes ?? []), ...(choices.reverted ?? [])]) {
    if (!incident.fixes.includes(fix)) return fail(`fix "${fix}" does not bear on ${incident.id}`, fix, incident.fixes);
  }
  const hacks = Object.keys(incident.hacks ?? {});
  for (const hack of choices.hacks ?? []) {
    if (!hacks.includes(hack)) return fail(`${incident.id} has no hack "${hack}"`, hack, hacks);
  }
  const parameters = parametersOf(incident, choices.parameters ?? {});
  if (isError(parameters)) return { ok: false, error: parameters };
  const { era } = parsed;
  const scene = Scene.build(
    {
      era,
      cgroup: choices.cgroup ?? incident.cgroup ?? "v1",
      kmem: choices.kmem ?? true,
      hacks: choices.hacks ?? [],
      cpus: incident.cpus?.(parameters) ?? 2,
      invariants: choices.invariants ?? false,
    },
    (s) => incident.setup(s, parameters),
  );
  return {
    ok: true,
    prepared: { incident, kernel: scene.kernel, era, parameters, choices, scope: scopeOf(incident, scene) },
  };
}

function scopeOf(incident: Incident, scene: Scene): Scope {
  const { kernel } = scene;
  return {
    tasks: kernel.tasks.filter((t) => t.kind === "task" || t.kind === "kworker").length,
    pages: kernel.config.capacities.pages,
    cpus: kernel.cpus.length,
    requests: kernel.config.capacities.bios,
    timers: "free",
    memoryModel: "sequential",
    fixedChoices: [...incident.fixedChoices, ...scene.fixedChoices],
    fairness: "none needed: what is reported cannot end under any scheduler",
  };
}
