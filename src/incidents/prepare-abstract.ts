/** From an abstract incident and a user's choices to a program that is ready to run. Loads no kernel. */
import type { AbstractIncident } from "./incident.ts";
import { parametersOf } from "./parameters.ts";
import { anyScheduler, type ChoiceError, type Choices, type Subject } from "./prepared.ts";
import { programAccount } from "./program-account.ts";

/** The switches of {@link Choices} that choose a kernel, as the command line has them. */
const KERNEL_SWITCHES: readonly (readonly [string, (choices: Choices) => boolean])[] = [
  ["--era", ({ era }) => era !== undefined],
  ["--fix", ({ fixes = [] }) => fixes.length > 0],
  ["--revert", ({ reverted = [] }) => reverted.length > 0],
  ["--cgroup", ({ cgroup }) => cgroup !== undefined],
  ["--nokmem", ({ kmem = true }) => !kmem],
  ["--hack", ({ hacks = [] }) => hacks.length > 0],
  ["--check-invariants", ({ invariants = false }) => invariants],
];

/**
 * Builds the program of an abstract incident. Choices of a kernel are refused: there is none.
 *
 * @since 0.2.0
 */
export function prepareAbstract(
  incident: AbstractIncident,
  choices: Choices = {},
): { readonly ok: true; readonly prepared: Subject } | { readonly ok: false; readonly error: ChoiceError } {
  const chosen = KERNEL_SWITCHES.flatMap(([name, has]) => (has(choices) ? [name] : []));
  if (chosen.length > 0) {
    const what = `${chosen.join(" and ")} ${chosen.length === 1 ? "needs" : "need"} a kernel`;
    return {
      ok: false,
      error: { message: `${what}, and ${incident.id} is an abstract model; it has only --param` },
    };
  }
  const made = parametersOf(incident, choices.parameters ?? {});
  if ("error" in made) return { ok: false, error: made.error };
  const machine = incident.program(made.values);
  const first = machine.words.slice();
  let tasks = 0;
  for (let c = 0; c < machine.contexts; c++) if (!machine.idle(c)) tasks++;
  return {
    ok: true,
    prepared: {
      incident,
      parameters: made.values,
      choices,
      scope: { tasks, ...incident.size(made.values), ...anyScheduler, fixedChoices: incident.fixedChoices },
      ofKernel: undefined,
      start: () => machine,
      account: (also, steps) => programAccount(incident, machine, first, steps, also),
      within: () => undefined,
    },
  };
}
