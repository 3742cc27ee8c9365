/**
 * Witnesses of incidents: `unwedge.witness/1`, a small document from which a finding is had again, byte for byte.
 *
 * It holds every choice that the kernel is built from and the schedule with the position of every step. Replay compares each
 * position with the model's, so a witness of another version of the model is refused at the first step that differs.
 */
import type { Choices, Subject } from "../incidents/prepared.ts";
import { contextSwitches, parseSchedule, type Replay, replay } from "./schedule.ts";
import type { Finding, Schedule } from "./types.ts";

export type Strategy = "hunt" | "prove" | "pct" | "random";
/** In the order in which they are explained. */
export const strategies: readonly Strategy[] = ["hunt", "prove", "pct", "random"];

/** The seed of random searches when none is given. */
export const FIRST_SEED = 1;

/** What a finding is called in documents. */
export type Outcome = "deadlock" | "livelock" | "lockup" | "invariant" | "none";

/** Which kernel was explored, and with which incident in it. An abstract model has no kernel. @since 0.2.0 */
export interface ExploredKernel {
  readonly incident: string;
  /** The user's own file that the incident is in; absent for those that come with the package. */
  readonly file?: string;
  readonly era: string | undefined;
  readonly fixes: readonly string[];
  readonly reverted: readonly string[];
  readonly cgroup: "v1" | "v2" | undefined;
  readonly kmem: boolean | undefined;
  readonly hacks: readonly string[];
  readonly parameters: Readonly<Record<string, number>>;
}

/** The document, version 1. @since 0.2.0 */
export interface Witness extends ExploredKernel {
  readonly schema: "unwedge.witness/1";
  readonly outcome: Outcome;
  /** The search that found it. */
  readonly strategy: Strategy;
  readonly schedule: Schedule;
  /** Livelocks: from the end of `schedule` back to the same state. Empty otherwise. */
  readonly cycle: Schedule;
  readonly contextSwitches: number;
  /** It was made as short as the search for shorter ones could. */
  readonly shortened: boolean;
  /** Steps after which it could not be avoided any more; null where that is not known. */
  readonly irreversibleAfter: number | null;
}

/** Writes the witness of a finding. */
export function witnessOf(
  prepared: Subject,
  finding: Pick<Finding, "schedule" | "cycle">,
  told: Pick<Witness, "outcome" | "strategy" | "shortened" | "irreversibleAfter">,
): Witness {
  const { incident, choices, ofKernel, parameters } = prepared;
  return {
    schema: "unwedge.witness/1",
    incident: incident.id,
    era: ofKernel?.era,
    fixes: choices.fixes ?? [],
    reverted: choices.reverted ?? [],
    cgroup: ofKernel?.cgroup,
    kmem: ofKernel?.kmem,
    hacks: choices.hacks ?? [],
    parameters,
    ...told,
    contextSwitches: contextSwitches(finding.schedule),
    schedule: finding.schedule,
    cycle: finding.cycle,
  };
}

/** What to prepare the incident with. */
export function choicesOf(witness: Witness): Choices {
  const { era, fixes, reverted, cgroup, kmem, hacks, parameters } = witness;
  return {
    ...(era === undefined ? {} : { era }),
    ...(cgroup === undefined ? {} : { cgroup }),
    ...(kmem === undefined ? {} : { kmem }),
    fixes,
    reverted,
    hacks,
    parameters,
  };
}

export type ParsedWitness =
  | { readonly ok: true; readonly witness: Witness }
  | { readonly ok: false; readonly message: string };

const OUTCOMES: readonly unknown[] = ["deadlock", "livelock", "lockup", "invariant", "none"];

/** The witness in a value read from JSON, or what is wrong with it in one line. @since 0.2.0 */
export function parseWitness(value: unknown): ParsedWitness {
  const wrong = (message: string): ParsedWitness => ({ ok: false, message });
  if (typeof value !== "object" || value === null || Array.isArray(value)) return wrong("not a witness");
  const w = value as Readonly<Record<string, unknown>>;
  if (typeof w.schema !== "string" || !w.schema.startsWith("unwedge.")) return wrong("not a witness: it has no schema");
  // an exploration document has its witness inside
  if (w.schema === "unwedge.exploration/1") {
    return w.witness === null || w.witness === undefined
      ? wrong("an exploration that found nothing: there is no witness in it")
      : parseWitness(w.witness);
  }
  if (w.schema !== "unwedge.witness/1")
    return wrong(`${w.schema} is not unwedge.witness/1, which this version replays`);
  if (typeof w.incident !== "string") return wrong("its incident is no text");
  // an abstract model has no kernel
  const bare = w.era === null && w.cgroup === null && w.kmem === null;
  if (!bare && typeof w.era !== "string") return wrong("its era is no text");
  for (const name of ["fixes", "reverted", "hacks"]) {
    if (!isTexts(w[name] ?? [])) return wrong(`its ${name} are no list of names`);
  }
  if (!isNumbers(w.parameters ?? {})) return wrong("its parameters are no numbers");
  const schedule = parseSchedule(w.schedule);
  const cycle = parseSchedule(w.cycle ?? []);
  if (schedule === undefined || cycle === undefined) return wrong("its schedule is no list of steps");
  return {
    ok: true,
    witness: {
      schema: "unwedge.witness/1",
      incident: w.incident,
      ...(typeof w.file === "string" ? { file: w.file } : {}),
      era: bare ? undefined : (w.era as string),
      fixes: (w.fixes ?? []) as readonly string[],
      reverted: (w.reverted ?? []) as readonly string[],
      cgroup: bare ? undefined : w.cgroup === "v2" ? "v2" : "v1",
      kmem: bare ? undefined : w.kmem !== false,
      hacks: (w.hacks ?? []) as readonly string[],
      parameters: (w.parameters ?? {}) as Readonly<Record<string, number>>,
      outcome: OUTCOMES.includes(w.outcome) ? (w.outcome as Outcome) : "deadlock",
      strategy: strategies.find((known) => known === w.strategy) ?? "hunt",
      schedule,
      cycle,
      contextSwitches: contextSwitches(schedule),
      shortened: w.shortened === true,
      irreversibleAfter: typeof w.irreversibleAfter === "number" ? w.irreversibleAfter : null,
    },
  };
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
function isNumbers(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.values(value).every((n) => typeof n === "number");
}

/**
 * Runs a witness on its incident, which must have been prepared with {@link choicesOf}, and leaves the kernel where the
 * schedule ends. A livelock's cycle is run once and must lead back to the same state.
 *
 * @since 0.2.0
 */
export function replayWitness(prepared: Subject, witness: Witness, onStep?: Parameters<typeof replay>[2]): Replay {
  const { incident } = prepared;
  const refused = (at: number, expected: string, found: string, message: string): Replay => {
    return { ok: false, at, expected, found, message };
  };
  if (incident.id !== witness.incident) {
    const message = `the witness is of ${witness.incident}, not of ${incident.id}`;
    return refused(0, witness.incident, incident.id, message);
  }
  const machine = prepared.start();
  const run = replay(machine, witness.schedule, onStep);
  if (!run.ok || run.error !== undefined || witness.cycle.length === 0) return run;
  const end = machine.words.slice();
  const again = replay(machine, witness.cycle, (step, context, i) => onStep?.(step, context, run.steps + i));
  if (!again.ok) {
    return refused(run.steps + again.at, again.expected, again.found, `its cycle, ${again.message}`);
  }
  if (again.error !== undefined || machine.words.some((word, i) => word !== end[i])) {
    return refused(run.steps, "a cycle", "another state", "its cycle does not lead back to the state it began in");
  }
  return run;
}
