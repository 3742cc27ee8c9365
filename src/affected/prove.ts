/**
 * Runs the explorations behind the answers and lets what they find decide. Sizes are small: the smallest at which the bug shows with
 * its switch on, so that the proof with the switch off covers schedules in which it could have shown.
 */
import type { ExploreOptions } from "../explore/incident.ts";
import { exploreIncident } from "../explore/incident.ts";
import type { Incident } from "../incidents/incident.ts";
import { prepare } from "../incidents/prepare.ts";
import type { Choices } from "../incidents/prepared.ts";
import { commandOf } from "./experiments.ts";
import { missingFixes } from "./incident-answers.ts";
import type { Answer, Experiment, ExperimentResult, Machine } from "./types.ts";

/** What one search came to; `refused`: it could not be run with these choices. */
export type SearchResult = Pick<ExperimentResult, "outcome" | "complete" | "states"> | { readonly refused: string };

/** Runs one search. */
export type Search = (
  incident: Incident,
  choices: Choices,
  options: Pick<ExploreOptions, "strategy" | "bounds">,
) => Promise<SearchResult>;

/** @since 0.3.0 */
export interface ProveOptions {
  /** Where searches run; in this thread when absent. */
  readonly search?: Search;
  /** States a proof may see. */
  readonly maxStates?: number;
  /** Told which exploration runs now. */
  readonly progress?: (command: string) => void;
  /** Asked between two searches; true leaves the rest as it is. */
  readonly aborted?: () => boolean;
}

/** States within which a small size shows the bug or is done. Measured: 26 to 18,129 at the smallest sizes that come with unwedge. */
const SMALL_STATES = 30_000;
/** Proofs at such sizes end within seconds, or are given up. */
const MOST_STATES = 400_000;

/** Searches in this thread. */
export const searchHere: Search = async (incident, choices, options) => {
  const prepared = prepareSafely(incident, choices);
  if (typeof prepared === "string") return { refused: prepared };
  const { outcome, complete, states } = exploreIncident(prepared, { ...options, shorten: false });
  return { outcome, complete, states };
};

function prepareSafely(incident: Incident, choices: Choices) {
  try {
    const result = prepare(incident, choices);
    return result.ok ? result.prepared : result.error.message;
  } catch (error) {
    // sizes that cannot be built
    if (error instanceof Error) return error.message;
    throw error;
  }
}

/**
 * The answers with their experiments run, and changed where these say otherwise.
 *
 * @since 0.3.0
 */
export async function proveAnswers(
  answers: readonly Answer[],
  incidents: readonly Incident[],
  machine: Machine,
  options: ProveOptions = {},
): Promise<readonly Answer[]> {
  const laboratory = new Laboratory(options);
  const proven: Answer[] = [];
  for (const answer of answers) {
    const incident = incidents.find((one) => one.id === answer.experiments[0]?.incident);
    proven.push(incident === undefined ? answer : await proveOne(answer, incident, machine, laboratory));
  }
  return proven;
}

async function proveOne(answer: Answer, incident: Incident, machine: Machine, lab: Laboratory): Promise<Answer> {
  const witness = answer.experiments.find((e) => e.role === "witness");
  if (witness === undefined) return answer;
  const small = await lab.sizeFor(incident, witness.choices);
  const run: Experiment[] = [];
  for (const e of answer.experiments) run.push(await lab.run(incident, e, small));
  return judged(answer, run, incident, machine);
}

/** What the searches make of the answer. */
function judged(answer: Answer, experiments: readonly Experiment[], incident: Incident, machine: Machine): Answer {
  const done = { ...answer, experiments };
  const results = experiments.flatMap((e) => (e.result === undefined ? [] : [e.result]));
  if (results.length < experiments.length) return done;
  const backed = results.every((r) => r.asExpected);
  const proof = experiments.find((e) => e.role === "proof");
  if (answer.status === "unknown") return settled(done, experiments, incident, machine);
  if (backed) return done;
  if (answer.status === "affected")
    return { ...done, status: "unknown", reason: `${answer.reason}; but the model shows nothing at this size` };
  if (proof?.result !== undefined && proof.result.outcome !== "none")
    return refuted(done, proof.result.outcome, machine);
  // a fix is a fact of the kernel's history, with or without a proof
  if (answer.status === "fixed") return done;
  return { ...done, status: "unknown", reason: `${answer.reason}; but not proven: ${whyNot(experiments)}` };
}

/** The model shows it although it should not; what is known of the machine may still rule it out. */
function refuted(answer: Answer, outcome: string, machine: Machine): Answer {
  const shown = `the model shows it all the same: ${outcome}`;
  const missing = answer.conditions.find((c) => c.holds === false);
  // a fix was searched for as if all else were given; any other claim rests on these very conditions
  if (answer.status === "fixed" && missing !== undefined)
    return { ...answer, status: "unreachable", reason: `${missing.because}; without that ${shown}` };
  const open = answer.status === "fixed" ? answer.conditions.filter((c) => c.holds === undefined) : [];
  const certain = sure(machine) && open.length === 0;
  return {
    ...answer,
    status: certain ? "affected" : "unknown",
    reason: shown,
    decidedBy: certain ? [] : [...new Set(open.flatMap((c) => c.decidedBy))],
  };
}

/** An answer that waited for the explorer. */
function settled(answer: Answer, experiments: readonly Experiment[], incident: Incident, machine: Machine): Answer {
  const result = experiments.find((e) => e.role === "proof")?.result;
  if (result === undefined || !answer.decidedBy.includes("--prove")) return answer;
  const left = answer.decidedBy.filter((option) => option !== "--prove");
  const needs = answer.conditions.filter((c) => c.holds === undefined);
  if (result.outcome !== "none") {
    const certain = sure(machine) && left.length === 0 && needs.length === 0;
    return certain
      ? {
          ...answer,
          status: "affected",
          reason: `${answer.reason}; the model shows it: ${result.outcome}`,
          decidedBy: [],
        }
      : { ...answer, reason: `${answer.reason}; the model shows it: ${result.outcome}`, decidedBy: left };
  }
  if (!result.complete)
    return { ...answer, reason: `${answer.reason}; nothing found, but a bound was reached`, decidedBy: left };
  if (left.length > 0) return { ...answer, reason: `${answer.reason}; proven absent as asked`, decidedBy: left };
  const reason = `${answer.reason}; every schedule ends well at the size at which it shows in its own release`;
  // what a missing fix lets happen may take another size
  if (missingFixes(incident, machine).length > 0)
    return { ...answer, reason: `${reason}; other sizes may show it`, decidedBy: [] };
  const shown = experiments.some((e) => e.role === "witness" && e.result?.asExpected);
  return shown ? { ...answer, status: "unreachable", reason, decidedBy: [] } : { ...answer, reason, decidedBy: [] };
}

const sure = (machine: Machine): boolean =>
  machine.kernel !== undefined && (machine.kernel.value.distribution === undefined || machine.unpatched === true);

function whyNot(experiments: readonly Experiment[]): string {
  const failed = experiments.find((e) => e.result?.asExpected === false);
  return failed?.role === "witness" ? "the model does not show it with the switch on either" : "a bound was reached";
}

/** Runs each search once. */
class Laboratory {
  private readonly results = new Map<string, SearchResult>();
  private readonly sizes = new Map<string, Readonly<Record<string, number>> | undefined>();
  private readonly options: ProveOptions;

  constructor(options: ProveOptions) {
    this.options = options;
  }

  /**
   * An experiment at a size; without a result when it was refused or the user interrupted. Where no small size shows the bug, every
   * strategy is tried at the incident's own.
   */
  async run(
    incident: Incident,
    e: Experiment,
    small: Readonly<Record<string, number>> | undefined,
  ): Promise<Experiment> {
    const choices: Choices = { ...e.choices, ...(small === undefined ? {} : { parameters: small }) };
    const proves = small !== undefined || e.role === "proof";
    const command = `${commandOf(incident.id, choices)}${proves ? " --strategy prove" : ""}`;
    const result = await this.search(incident, choices, this.options.maxStates ?? MOST_STATES, proves);
    if (result === undefined || "refused" in result) return { ...e, choices, command };
    const asExpected = e.role === "witness" ? result.outcome !== "none" : result.outcome === "none" && result.complete;
    return { ...e, choices, command, result: { ...result, asExpected } };
  }

  /** The smallest size at which the bug shows within few states, if there is one. */
  async sizeFor(incident: Incident, on: Choices): Promise<Readonly<Record<string, number>> | undefined> {
    const key = commandOf(incident.id, on);
    if (this.sizes.has(key)) return this.sizes.get(key);
    let found: Readonly<Record<string, number>> | undefined;
    for (const size of sizesOf(incident)) {
      const result = await this.search(incident, { ...on, parameters: size }, SMALL_STATES, true);
      if (result === undefined) break;
      if ("refused" in result || result.outcome === "none") continue;
      found = size;
      break;
    }
    this.sizes.set(key, found);
    return found;
  }

  private async search(
    incident: Incident,
    choices: Choices,
    maxStates: number,
    proves: boolean,
  ): Promise<SearchResult | undefined> {
    const command = commandOf(incident.id, choices);
    const key = `${command} ${maxStates} ${proves}`;
    const known = this.results.get(key);
    if (known !== undefined) return known;
    if (this.options.aborted?.()) return undefined;
    this.options.progress?.(command);
    const search = this.options.search ?? searchHere;
    const result = await search(incident, choices, { ...(proves ? { strategy: "prove" } : {}), bounds: { maxStates } });
    this.results.set(key, result);
    return result;
  }
}

/** Most sizes tried for one incident. */
const MOST_SIZES = 60;

/**
 * Sizes from the least values of all parameters up to their defaults, the smallest first: each parameter at its least, one above it,
 * or its default. Only what differs from the default is named.
 */
export function sizesOf(incident: Incident): readonly Readonly<Record<string, number>>[] {
  const parameters = Object.entries(incident.parameters).filter(([, p]) => p.min !== p.default);
  let combined: readonly (readonly number[])[] = [[]];
  for (const [, p] of parameters) {
    const values = [...new Set([p.min, p.min + 1, p.default])];
    combined = combined.flatMap((before) => values.map((value) => [...before, value]));
    combined = smallestFirst(combined, parameters).slice(0, MOST_SIZES);
  }
  return combined.map((values) =>
    Object.fromEntries(
      parameters.flatMap(([name, p], i) => (values[i] === p.default ? [] : [[name, values[i] ?? p.default]])),
    ),
  );
}

function smallestFirst(
  sizes: readonly (readonly number[])[],
  parameters: readonly (readonly [string, { readonly min: number }])[],
): readonly (readonly number[])[] {
  const above = (values: readonly number[]): number =>
    values.reduce((sum, value, i) => sum + value - (parameters[i]?.[1].min ?? 0), 0);
  return sizes
    .map((values, order) => ({ values, order, sum: above(values) }))
    .sort((a, b) => a.sum - b.sum || a.order - b.order)
    .map(({ values }) => values);
}
