/**
 * Makes a failing schedule short enough to read: fewest tasks, then fewest steps, then fewest context switches.
 *
 * Delta debugging (Zeller, Hildebrandt, "Simplifying and isolating failure-inducing input", 2002) over steps, after
 * whole contexts were dropped and before steps of one context were moved together. A candidate runs leniently (what
 * cannot step is left out), is cut where it fails first, and is believed only because it was executed. Nothing here
 * is random: the same schedule shortens to the same.
 */
import type { Explorable } from "../resumable/explorable.ts";
import { brokenLaw, canStep, deadContexts, unfinished } from "./faults.ts";
import { contextSwitches, contextsByName, describeChoices } from "./schedule.ts";
import type { Choice, Fault, Schedule } from "./types.ts";

/**
 * Whether the program, just stepped (or at its initial state), shows the failure; `error` is what the step threw, if
 * it did.
 */
export type StillFails = (program: Explorable, error: Error | undefined) => boolean;

/** The failure of a fault found by a search: the same kind, and the same message for a broken law. @since 0.2.0 */
export function sameFault(fault: Fault): StillFails {
  switch (fault.kind) {
    case "deadlock":
      return (program, error) => error === undefined && !canStep(program) && unfinished(program).length > 0;
    case "dead-subset":
      return (program, error) => error === undefined && deadContexts(program) !== undefined;
    default:
      return (program, error) => (error?.message ?? brokenLaw(program, undefined)?.message) === fault.message;
  }
}

/**
 * The failure of a livelock: to be in the very state that its cycle begins in (`words` as they are there). @since
 * 0.2.0
 */
export function sameState(words: Int32Array): StillFails {
  const wanted = words.slice();
  return (program, error) => error === undefined && program.words.every((word, at) => word === wanted[at]);
}

export interface ShortenOptions {
  /** Most steps to execute while trying; 2,000,000 by default. What is best by then is returned. */
  readonly maxSteps?: number;
}

/**
 * The shortest schedule found that still fails, from the program's present state, which is put back. Returns the
 * schedule as it is when it does not fail.
 *
 * @example
 * const short = shorten(program, finding.schedule, sameFault(finding));
 * @since 0.2.0
 */
export function shorten(
  program: Explorable,
  schedule: Schedule,
  stillFails: StillFails,
  options: ShortenOptions = {},
): Schedule {
  const byName = contextsByName(program);
  const given = schedule.map((s) => ({ context: byName.get(s.context) ?? -1, way: s.way }));
  const initial = program.words.slice();
  try {
    const shortener = new Shortener(program, initial, stillFails, options.maxSteps ?? 2_000_000);
    const best = shortener.shorten(given);
    program.words.set(initial);
    return best === undefined ? schedule : describeChoices(program, best);
  } finally {
    program.words.set(initial);
  }
}

class Shortener {
  readonly #program: Explorable;
  readonly #initial: Int32Array;
  readonly #stillFails: StillFails;
  #stepsLeft: number;
  #best: readonly Choice[] = [];

  constructor(program: Explorable, initial: Int32Array, stillFails: StillFails, maxSteps: number) {
    this.#program = program;
    this.#initial = initial;
    this.#stillFails = stillFails;
    this.#stepsLeft = maxSteps;
  }

  shorten(given: readonly Choice[]): readonly Choice[] | undefined {
    const begin = this.#failing(given);
    if (begin === undefined) return undefined;
    this.#best = begin;
    for (let before = ""; before !== this.#key(); ) {
      before = this.#key();
      this.#dropContexts();
      this.#dropSteps();
      this.#mergeSwitches();
    }
    return this.#best;
  }

  #key(): string {
    return measure(this.#best).join();
  }

  /** What a candidate really executes up to its first failure; undefined when it does not fail. */
  #failing(candidate: readonly Choice[]): readonly Choice[] | undefined {
    const program = this.#program;
    program.words.set(this.#initial);
    const taken: Choice[] = [];
    if (this.#stillFails(program, undefined)) return taken;
    for (const choice of candidate) {
      if (choice.context < 0 || program.ways(choice.context) <= choice.way) continue;
      if (--this.#stepsLeft < 0) return undefined;
      taken.push(choice);
      let error: Error | undefined;
      try {
        program.step(choice.context, choice.way);
      } catch (caught) {
        if (!(caught instanceof Error)) throw caught;
        error = caught;
      }
      if (this.#stillFails(program, error)) return taken;
      if (error !== undefined) return undefined;
    }
    return undefined;
  }

  /** Keeps a candidate that fails and is smaller than the best. */
  #try(candidate: readonly Choice[]): boolean {
    if (this.#stepsLeft <= 0) return false;
    const taken = this.#failing(candidate);
    if (taken === undefined || !smaller(measure(taken), measure(this.#best))) return false;
    this.#best = taken;
    return true;
  }

  #dropContexts(): void {
    for (const context of new Set(this.#best.map((s) => s.context)))
      this.#try(this.#best.filter((s) => s.context !== context));
  }

  #dropSteps(): void {
    for (let size = Math.ceil(this.#best.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
      for (let from = 0; from < this.#best.length; )
        if (!this.#try([...this.#best.slice(0, from), ...this.#best.slice(from + size)])) from += size;
  }

  /** Moves a run of one context's steps up behind its previous run, or the previous run down to it. */
  #mergeSwitches(): void {
    for (let again = true; again; ) {
      again = false;
      const runs = runsOf(this.#best);
      for (let later = 1; later < runs.length && !again; later++) {
        const context = runs[later]![0]!.context;
        let earlier = later - 1;
        while (earlier >= 0 && runs[earlier]![0]!.context !== context) earlier--;
        if (earlier < 0) continue;
        const [before, between, after] = [
          runs.slice(0, earlier),
          runs.slice(earlier + 1, later),
          runs.slice(later + 1),
        ];
        const both = [...runs[earlier]!, ...runs[later]!];
        again =
          this.#try([...before.flat(), ...both, ...between.flat(), ...after.flat()]) ||
          this.#try([...before.flat(), ...between.flat(), ...both, ...after.flat()]);
      }
    }
  }
}

/** Tasks, steps, switches. */
function measure(steps: readonly Choice[]): readonly number[] {
  return [new Set(steps.map((s) => s.context)).size, steps.length, contextSwitches(steps)];
}

function smaller(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at >= 0 && a[at]! < b[at]!;
}

function runsOf(steps: readonly Choice[]): Choice[][] {
  const runs: Choice[][] = [];
  for (const step of steps) {
    const last = runs.at(-1);
    if (last !== undefined && last[0]!.context === step.context) last.push(step);
    else runs.push([step]);
  }
  return runs;
}

/** The step of a schedule that makes its end unavoidable. */
export interface Irreversible {
  /** Index of the step; -1 when the initial state is dead already. */
  readonly at: number;
  /** The contexts that can never proceed again after it. */
  readonly contexts: readonly number[];
}

/**
 * The first step of a schedule after which some contexts can never proceed again, as far as the program's
 * `deadSubset` can tell; undefined when it cannot. Runs from the program's present state and puts it back.
 *
 * @since 0.2.0
 */
export function irreversible(program: Explorable, schedule: Schedule): Irreversible | undefined {
  const byName = contextsByName(program);
  const initial = program.words.slice();
  try {
    for (let at = -1; at < schedule.length; at++) {
      const step = schedule[at];
      if (step !== undefined) program.step(byName.get(step.context) ?? -1, step.way);
      const contexts = program.deadSubset?.() ?? [];
      if (contexts.length > 0) return { at, contexts: [...contexts] };
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  } finally {
    program.words.set(initial);
  }
  return undefined;
}
