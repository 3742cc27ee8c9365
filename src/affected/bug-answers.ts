/** Answers for the known bugs. */
import { preconditions } from "../diagnose/known-bugs/preconditions.ts";
import { knownBugs } from "../diagnose/known-bugs/table.ts";
import type { KnownBug } from "../diagnose/known-bugs/types.ts";
import type { Incident } from "../incidents/incident.ts";
import { combine } from "./combine.ts";
import { conditionOf } from "./conditions.ts";
import { experimentsFor } from "./experiments.ts";
import { resolve, standingOf } from "./standing.ts";
import type { Answer, Machine } from "./types.ts";

/** One answer for each known bug. A bug without preconditions is unknown. */
export function bugAnswers(machine: Machine, incidents: readonly Incident[]): readonly Answer[] {
  return knownBugs.map((bug) => bugAnswer(bug, machine, incidents));
}

function bugAnswer(bug: KnownBug, machine: Machine, incidents: readonly Incident[]): Answer {
  const known = preconditions[bug.id];
  const head = { kind: "bug" as const, id: bug.id, title: bug.title };
  if (known === undefined)
    return {
      ...head,
      status: "unknown",
      reason: `which kernels have it is only said in words: ${bug.affected}`,
      decidedBy: [],
      conditions: [],
      experiments: [],
      sources: [bug.source],
    };
  const standing = standingOf(known.lifetime, machine);
  const conditions = known.needs.map((need) => conditionOf(need, machine));
  const combined = combine(standing, conditions, machine);
  const { commit, fix } = resolve(known.lifetime);
  const incident = incidents.find((i) => i.id === bug.incident);
  return {
    ...head,
    ...combined,
    ...(commit === undefined ? {} : { commit }),
    conditions,
    ...(bug.incident === undefined ? {} : { incident: bug.incident }),
    experiments:
      incident === undefined
        ? []
        : experimentsFor(incident, machine, {
            status: combined.status,
            before: standing.kind === "before",
            conditions,
            fixes: fix === undefined ? [] : [fix],
          }),
    sources: [known.lifetime.source],
  };
}
