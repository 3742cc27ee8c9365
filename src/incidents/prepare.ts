/** From an incident and a user's choices to a kernel that is ready to run. */
import { type Era, type EraResult, hasFix, parseEra, withFix, withoutFix } from "../kernel/era.ts";
import type { Kernel } from "../kernel/sched/kernel.ts";
import { boundOf } from "../kernel/sched/timeout.ts";
import type { Incident } from "./incident.ts";
import { accountOf, kernelFunction } from "./kernel-account.ts";
import { parametersOf } from "./parameters.ts";
import { anyScheduler, type ChoiceError, type Choices, type Scope, type Subject } from "./prepared.ts";
import { Scene } from "./scene.ts";

/** Timer interrupts a second, where a bound in jiffies is told in seconds: Debian's. */
const HZ = 250;

/** A kernel in its first state, and what it was made from. */
export interface Prepared extends Subject {
  readonly incident: Incident;
  readonly kernel: Kernel;
  readonly era: Era;
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

/**
 * An incident older than the model's releases is shown without its fixes, one of a proposal with it, unless a release is chosen
 * or what is taken out or in by itself is named.
 */
function withOwnChanges(incident: Incident, choices: Choices): Choices {
  const { era, fixes = [], reverted = [] } = choices;
  if (era !== undefined) return choices;
  const isOpen = (id: string): boolean => !fixes.includes(id) && !reverted.includes(id);
  const { reverted: older, applied = [] } = incident;
  return {
    ...choices,
    ...(applied.length === 0 ? {} : { fixes: [...applied.filter(isOpen), ...fixes] }),
    ...(older === undefined && applied.length === 0
      ? {}
      : { reverted: [...(older ?? []).filter(isOpen), ...reverted.filter((id) => !applied.includes(id))] }),
  };
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

/**
 * Builds the kernel of an incident. Wrong choices are values, with what there is to choose from.
 *
 * @since 0.2.0
 */
export function prepare(incident: Incident, given: Choices = {}): PrepareResult {
  const choices = withOwnChanges(incident, given);
  const parsed = eraOf(incident, choices);
  if (!parsed.ok) return fail(parsed.error);
  for (const fix of [...(choices.fixes ?? []), ...(choices.reverted ?? [])]) {
    if (!incident.fixes.includes(fix)) return fail(`fix "${fix}" does not bear on ${incident.id}`, fix, incident.fixes);
  }
  const hacks = Object.keys(incident.hacks ?? {});
  for (const hack of choices.hacks ?? []) {
    if (!hacks.includes(hack)) return fail(`${incident.id} has no hack "${hack}"`, hack, hacks);
  }
  const made = parametersOf(incident, choices.parameters ?? {});
  if ("error" in made) return { ok: false, error: made.error };
  const parameters = made.values;
  const { era } = parsed;
  const scene = Scene.build(
    {
      era,
      cgroup: choices.cgroup ?? incident.cgroup ?? "v1",
      kmem: choices.kmem ?? true,
      hacks: choices.hacks ?? [],
      cpus: incident.cpus?.(parameters) ?? 2,
      invariants: choices.invariants ?? false,
      ...(incident.room === undefined ? {} : { room: incident.room(parameters) }),
      ...(incident.law === undefined ? {} : { law: incident.law }),
    },
    (s) => incident.setup(s, parameters),
  );
  const { kernel } = scene;
  return {
    ok: true,
    prepared: {
      incident,
      kernel,
      era,
      parameters,
      choices,
      scope: scopeOf(incident, scene),
      ofKernel: {
        era: era.release,
        cgroup: kernel.config.cgroup,
        kmem: kernel.config.kmem,
        defaults: { era: incident.era, cgroup: incident.cgroup ?? "v1" },
      },
      start: () => kernel.start(),
      account: (also) => accountOf(kernel, also),
      boundOf(context) {
        const { op, object, argument } = kernel.machine.pending(context);
        return boundOf(op, object, argument, HZ);
      },
      within: (context) => kernelFunction(kernel, context),
    },
  };
}

function scopeOf(incident: Incident, scene: Scene): Scope {
  const { kernel } = scene;
  return {
    tasks: kernel.tasks.filter((t) => t.kind === "task" || t.kind === "kworker").length,
    pages: kernel.config.capacities.pages,
    cpus: kernel.cpus.length,
    requests: kernel.config.capacities.bios,
    ...anyScheduler,
    fixedChoices: [...incident.fixedChoices, ...scene.fixedChoices],
  };
}
