/** From a finding to what is reported of it: outcome, witness, timeline and account (@internal). */
import type { Account } from "../incidents/account.ts";
import type { Subject } from "../incidents/prepared.ts";
import { deadContexts } from "./faults.ts";
import { type Outcome, type Strategy, type Witness, witnessOf } from "./incident-witness.ts";
import { replay } from "./schedule.ts";
import type { Fault, FaultKind, Finding, Schedule, ScheduleStep } from "./types.ts";
import { irreversible, type StillFails, sameFault, sameState, shorten } from "./witness.ts";

/** A step of a witness as a reader wants it. @since 0.2.0 */
export interface TimelineStep {
  readonly context: string;
  /** The operation, e.g. `folio_lock page 2`. */
  readonly what: string;
  /** The kernel function that does it: the innermost that this release prints and that is no locking primitive; undefined in code of the incident. */
  readonly within: string | undefined;
}

export interface Judged {
  readonly outcome: Outcome;
  readonly message: string;
  readonly witness: Witness;
  readonly account: Account;
  /** The steps of the schedule, then those of the cycle. */
  readonly timeline: readonly TimelineStep[];
}

/** A circle of waits is a deadlock even if a member spins; a CPU that spins for what nobody can raise is a lockup. */
export function outcomeOf(kind: FaultKind, account: Account): Outcome {
  switch (kind) {
    case "invariant":
    case "livelock":
      return kind;
    case "deadlock":
    case "dead-subset":
      return account.kind === "nobody" && account.spins ? "lockup" : "deadlock";
  }
}

/** Steps that may be executed while a schedule is made shorter: some tenths of a second. */
const SHORTEN_STEPS = 40_000;

/**
 * Judges a finding of the kernel, which stands in its first state and is left where the witness ends (a livelock: one round
 * later). With `shortening` the witness is made short first.
 */
export function judge(prepared: Subject, finding: Finding, strategy: Strategy, shortening: boolean): Judged {
  const machine = prepared.start();
  const dies = finding.kind === "deadlock" || finding.kind === "dead-subset";
  // what others do after contexts are dead cannot change it any more
  const dead = dies ? irreversible(machine, finding.schedule) : undefined;
  let schedule: Schedule = finding.schedule.slice(0, dead === undefined ? undefined : dead.at + 1);
  if (shortening) {
    const fails = dead === undefined ? failure(prepared, finding, schedule) : areDead(dead.contexts);
    schedule = shorten(machine, schedule, fails, { maxSteps: SHORTEN_STEPS });
  }
  const irreversibleAfter = dead === undefined ? undefined : irreversible(machine, schedule);
  return look(
    prepared,
    { ...finding, schedule },
    {
      strategy,
      shortened: shortening,
      irreversibleAfter: irreversibleAfter === undefined ? null : irreversibleAfter.at + 1,
    },
  );
}

/** These contexts, and perhaps others, are dead. That they are blocked is asked first: it is cheap, and mostly says no. */
function areDead(contexts: readonly number[]): StillFails {
  return (program, error) => {
    if (error !== undefined || contexts.some((context) => program.ways(context) > 0)) return false;
    const dead = program.deadSubset?.() ?? [];
    return contexts.every((context) => dead.includes(context));
  };
}

function failure(prepared: Subject, fault: Fault, schedule: Schedule): StillFails {
  if (fault.kind !== "livelock") return sameFault(fault);
  const machine = prepared.start();
  const first = machine.words.slice();
  replay(machine, schedule);
  const begins = sameState(machine.words);
  machine.words.set(first);
  return begins;
}

/** Runs a finding's schedule and says what its end shows; the schedule must replay. */
export function look(
  prepared: Subject,
  finding: Pick<Finding, "kind" | "contexts" | "message" | "schedule" | "cycle">,
  told: Pick<Witness, "strategy" | "shortened" | "irreversibleAfter">,
): Judged {
  const machine = prepared.start();
  const timeline: TimelineStep[] = [];
  const note = (step: ScheduleStep, context: number): void => void timeline.push(timelineStep(prepared, step, context));
  const run = replay(machine, finding.schedule, note);
  if (!run.ok) throw new Error(`a schedule that was found does not replay: ${run.message}`);
  // a shorter schedule may end in a smaller dead set
  const fault = deadContexts(machine) ?? finding;
  const dies = finding.kind === "deadlock" || finding.kind === "dead-subset";
  const account = prepared.account(
    finding.kind === "livelock" ? finding.contexts : dies ? fault.contexts : [],
    finding.schedule,
  );
  if (finding.cycle.length > 0) replay(machine, finding.cycle, note);
  const outcome = outcomeOf(finding.kind, account);
  const message = dies ? fault.message : finding.message;
  return { outcome, message, account, timeline, witness: witnessOf(prepared, finding, { outcome, ...told }) };
}

function timelineStep(prepared: Subject, step: ScheduleStep, context: number): TimelineStep {
  return {
    context: step.context,
    what: step.position.replace(/^\S+ /, ""),
    within: prepared.within(context),
  };
}
