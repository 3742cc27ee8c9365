/** Replays a witness and says what its end shows, as the search did that found it. */
import type { Subject } from "../incidents/prepared.ts";
import type { Explorable } from "../resumable/explorable.ts";
import { brokenLaw, canStep, deadContexts, livelock, terminalFault, unfinished } from "./faults.ts";
import { type Exploration, headOf } from "./incident.ts";
import { replayWitness, type Witness } from "./incident-witness.ts";
import { type Judged, look } from "./judge.ts";
import { contextsByName } from "./schedule.ts";
import type { Fault, Schedule } from "./types.ts";
import { irreversible } from "./witness.ts";

/** What a replay came to, or why the schedule does not fit. */
export type Replayed =
  | { readonly ok: true; readonly exploration: Exploration }
  | { readonly ok: false; readonly at: number; readonly message: string };

/**
 * Replays a witness on its incident, prepared with `choicesOf(witness)`, and leaves the kernel where the schedule ends, to
 * be looked at. It says nothing of other schedules. An outcome of `none` means that nothing is wrong there (any more).
 *
 * @since 0.2.0
 */
export function replayIncident(prepared: Subject, witness: Witness): Replayed {
  const machine = prepared.start();
  const first = machine.words.slice();
  const run = replayWitness(prepared, witness);
  if (!run.ok) return { ok: false, at: run.at, message: run.message };
  const { schedule, cycle, shortened, strategy } = witness;
  const fault = faultAtEnd(machine, cycle, run.error);
  machine.words.set(first);
  const dead = irreversible(machine, schedule);
  machine.words.set(first);
  const told = { strategy, shortened, irreversibleAfter: dead === undefined ? null : dead.at + 1 };
  const judged: Judged | undefined =
    fault === undefined ? undefined : look(prepared, { ...fault, schedule, cycle }, told);
  if (judged === undefined) replayWitness(prepared, witness);
  return {
    ok: true,
    exploration: {
      ...headOf(prepared),
      asked: undefined,
      strategy,
      seed: undefined,
      outcome: judged?.outcome ?? "none",
      message: judged?.message,
      exits: [],
      complete: false,
      stopped: undefined,
      scope: prepared.scope,
      executions: 1,
      steps: schedule.length,
      states: undefined,
      pruned: 0,
      depth: schedule.length,
      bytes: 0,
      exact: false,
      reduced: true,
      fair: false,
      unfair: false,
      omission: 0,
      witness: judged?.witness,
      timeline: judged?.timeline ?? [],
      account: judged?.account,
    },
  };
}

function faultAtEnd(machine: Explorable, cycle: Schedule, error: Error | undefined): Fault | undefined {
  if (error !== undefined) return { kind: "invariant", contexts: [], message: error.message };
  const law = brokenLaw(machine, undefined);
  if (law !== undefined) return law;
  if (cycle.length > 0) return livelock(machine, restless(machine, cycle));
  return deadContexts(machine) ?? (canStep(machine) ? undefined : terminalFault(machine));
}

/** The contexts that neither finish nor idle anywhere on a cycle; it has been run once and ends where it begins. */
function restless(machine: Explorable, cycle: Schedule): number[] {
  const byName = contextsByName(machine);
  let stuck = unfinished(machine);
  for (const step of cycle) {
    machine.step(byName.get(step.context) ?? -1, step.way);
    const now = new Set(unfinished(machine));
    stuck = stuck.filter((context) => now.has(context));
  }
  return stuck;
}
