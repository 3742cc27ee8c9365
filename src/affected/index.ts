/** Can it happen on this kernel? Start reading at `affected`. */

import type { Incident } from "../incidents/incident.ts";
import { incidents as allIncidents } from "../incidents/index.ts";
import { bugAnswers } from "./bug-answers.ts";
import { incidentAnswers } from "./incident-answers.ts";
import { type Answer, type Machine, STATUSES } from "./types.ts";

export { type BootFacts, bootFacts, bootParameters } from "./boot-parameters.ts";
export type { Distribution } from "./distributions.ts";
export { type KernelConfig, readKernelConfig } from "./kernel-config.ts";
export { type KernelName, type KernelNameResult, pointName, readKernelName } from "./kernel-name.ts";
export { type LogFacts, readLogFacts } from "./log-facts.ts";
export { type MachineSources, machineOf } from "./machine.ts";
export { type ProveOptions, proveAnswers, type Search, type SearchResult } from "./prove.ts";
export type { Answer, Condition, Experiment, ExperimentResult, Fact, Machine, Status } from "./types.ts";

/**
 * One answer for every known bug and every incident of the model: affected, unknown, unreachable or fixed, in this order.
 *
 * @example
 * const read = readKernelName("4.19.16");
 * if (read.ok) affected({ kernel: { value: read.kernel, from: "--release" } });
 * @since 0.3.0
 */
export function affected(machine: Machine, incidents: readonly Incident[] = allIncidents): readonly Answer[] {
  const bugs = bugAnswers(machine, incidents);
  return sortAnswers([...bugs, ...incidentAnswers(machine, incidents, bugs)]);
}

/** Affected first, then unknown, unreachable, fixed; bugs before incidents, each by name. */
export function sortAnswers(answers: readonly Answer[]): readonly Answer[] {
  const order = (a: Answer): string => `${STATUSES.indexOf(a.status)} ${a.kind} ${a.id}`;
  return [...answers].sort((a, b) => (order(a) < order(b) ? -1 : 1));
}
