/**
 * The words shared by all searches: what a program may tell beyond {@link Explorable}, what can be found, and what a
 * search answers.
 */
import type { Explorable } from "../resumable/explorable.ts";

/**
 * An explorable program that can tell more about itself. Every member is optional; a search that lacks one is slower,
 * never wrong.
 *
 * @since 0.2.0
 */
export interface Reducible extends Explorable {
  /**
   * True when the context's next step, in every way it has now, touches no word that any other context could ever
   * touch, cannot throw, and neither `brokenInvariant`, `deadSubset`, `idle` nor `progressed` can tell it from
   * standing still. Read by `prove` under `reduce`.
   */
  privateStep?(context: number): boolean;
  /**
   * True when, with tracking on, `ways(context)` leaves in `touched.reads` every shared word that decided its answer.
   * Read by `hunt`: without it, a blocked context counts as waiting for every word there is, and few executions can
   * be left out.
   */
  readonly tracksWays?: boolean;
  /** True when the last step made progress that nobody would call spinning; a loop with such a step is no livelock. */
  progressed?(): boolean;
}

/**
 * What is wrong with a state:
 * - `deadlock`: nothing can step and some context is neither finished nor idle.
 * - `dead-subset`: some contexts can never proceed again, though others may still run.
 * - `livelock`: contexts run for ever, and nothing else can be reached any more. Certain, under any fair schedule.
 * - `invariant`: a law of the program is broken, or a step threw.
 */
export type FaultKind = "deadlock" | "dead-subset" | "livelock" | "invariant";

/**
 * A fault and the contexts in it (for `invariant`: the one that stepped last, none for the initial state). @since
 * 0.2.0
 */
export interface Fault {
  readonly kind: FaultKind;
  readonly contexts: readonly number[];
  /** One line. */
  readonly message: string;
}

/** One scheduling decision: which context steps, in which of its ways. */
export interface Choice {
  readonly context: number;
  readonly way: number;
}

/** A decision with the names that make it readable and checkable: who stepped, from where. @since 0.2.0 */
export interface ScheduleStep {
  readonly context: string;
  readonly way: number;
  /** Where the context stood before the step. */
  readonly position: string;
}

/** What happened, in order, from the initial state on. */
export type Schedule = readonly ScheduleStep[];

/** A fault with the schedule that leads to it. @since 0.2.0 */
export interface Finding extends Fault {
  readonly schedule: Schedule;
  /** For a livelock: steps that lead from the end of `schedule` back to the same state. Empty otherwise. */
  readonly cycle: Schedule;
  /** For a livelock: one step of each context that would end it, though no fair schedule has to take it. Empty: endless. */
  readonly exits: Schedule;
}

/** Why a search ended before it had seen everything. */
export type StopReason = "finding" | "states" | "steps" | "executions" | "depth" | "memory" | "preemptions" | "aborted";

/** How far a search is, for progress lines. */
export interface SearchCounts {
  /** Different states seen; undefined in searches that do not remember states. */
  readonly states: number | undefined;
  /** Steps taken, repeated ones included. */
  readonly steps: number;
  /** Runs from the initial state to an end, a bound or a repetition; undefined in searches over states. */
  readonly executions: number | undefined;
  /** The longest path so far. */
  readonly depth: number;
  /** Memory held by what is remembered. */
  readonly bytes: number;
}

/** Options that every search knows. @since 0.2.0 */
export interface SearchOptions {
  /** `first` (the default) stops at the first fault; `all` goes on and collects them. */
  readonly find?: "first" | "all";
  /** Asked now and then; true ends the search with what it has. Clocks and signals belong here, in the caller. */
  readonly shouldStop?: () => boolean;
  /** Told now and then how far the search is. */
  readonly onProgress?: (counts: SearchCounts) => void;
  /** Steps between two calls of the callbacks; 4096 by default. */
  readonly pollEvery?: number;
  /** Most steps to take. */
  readonly maxSteps?: number;
}

/** What every search answers. @since 0.2.0 */
export interface SearchOutcome extends SearchCounts {
  /** The first fault met. */
  readonly finding: Finding | undefined;
  /** All that differ in kind, contexts or message, at most 100, each as it was first met. */
  readonly findings: readonly Finding[];
  /** True when nothing was left out of what the search promises to cover. */
  readonly complete: boolean;
  /** Why it is not complete. */
  readonly stopped: StopReason | undefined;
  /**
   * Texts (see `stateText`) of the states where nothing can step and some context is stuck; only with `find: "all"`.
   */
  readonly deadlocks: ReadonlySet<string>;
  /** Texts of the states where everything has finished or idles; only with `find: "all"`. */
  readonly ends: ReadonlySet<string>;
}
