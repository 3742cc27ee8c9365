/** Runs of a program one after the other, each steered by a policy (@internal): the frame of `pct` and `random`. */
import { brokenLaw, deadSubset, terminalFault, thrownFault } from "./faults.ts";
import { Findings } from "./findings.ts";
import { type Livelocks, prove } from "./prove.ts";
import { runnerOf } from "./runner.ts";
import { describeChoices } from "./schedule.ts";
import { SearchLimits } from "./search-limits.ts";
import type { Choice, Fault, Reducible, SearchCounts, SearchOptions, SearchOutcome, StopReason } from "./types.ts";

/** Options of the searches that draw schedules at random. @since 0.2.0 */
export interface WalkOptions extends SearchOptions {
  /** The same seed draws the same schedules. 1 by default. */
  readonly seed?: number;
  /** Runs; 1000 by default. */
  readonly maxExecutions?: number;
  /** Longest run; 10,000 steps by default. */
  readonly maxDepth?: number;
  /**
   * From where a run was cut at `maxDepth`, a proof of at most so many states looks whether it can end at all, which finds
   * livelocks; none by default. Of the first {@link SUSPECTS} such runs only.
   */
  readonly suspectStates?: number;
  /** Which livelocks such a proof finds; endless ones by default. */
  readonly livelocks?: Livelocks;
  /** Learn steps by heart, where the program allows it; pays from some ten thousand steps on. */
  readonly learn?: boolean;
}

/** A random search never covers everything: `complete` is always false. @since 0.2.0 */
export interface WalkOutcome extends SearchOutcome {
  readonly states: undefined;
  readonly executions: number;
}

/** Chooses who steps: `able` are the contexts that can, ascending and not empty; `step` counts from 0 in each run. */
export interface Policy {
  begin(): void;
  choose(able: readonly number[], step: number): number;
  way(ways: number): number;
}

export const DEFAULT_DEPTH = 10_000;
/** Runs that never end are alike: a few of them tell. */
const SUSPECTS = 8;

export function walk(program: Reducible, policy: Policy, options: WalkOptions): WalkOutcome {
  const initial = program.words.slice();
  const findings = new Findings(program, initial, options.find === "all");
  const limits = new SearchLimits(options);
  const runner = runnerOf(program, options.learn === true);
  const { maxExecutions = 1000, maxDepth = DEFAULT_DEPTH } = options;
  let executions = 0;
  let depth = 0;
  let suspects = 0;
  let proofSteps = 0;
  const counts = (): SearchCounts => ({
    states: undefined,
    steps: limits.steps + proofSteps,
    executions,
    depth,
    bytes: initial.byteLength,
  });

  const run = (): StopReason | undefined => {
    const path: Choice[] = [];
    const note = (fault: Fault | undefined): StopReason | undefined => {
      if (fault === undefined) return undefined;
      const stop = findings.add(fault, () => path);
      runner.forget();
      return stop ? "finding" : undefined;
    };
    const law = (stepped: number | undefined): StopReason | undefined => {
      if (program.brokenInvariant === undefined) return undefined;
      runner.show();
      return note(brokenLaw(program, stepped));
    };
    const dead = (): StopReason | undefined => {
      const contexts = runner.deadSubset();
      return contexts.length === 0 ? undefined : note(deadSubset(program, contexts));
    };
    const able: number[] = [];
    const look = (stepped: number | undefined): StopReason | undefined => {
      able.length = 0;
      let blocked = false;
      for (let c = 0; c < program.contexts; c++) {
        if (runner.ways(c) > 0) able.push(c);
        else if (!runner.rests(c)) blocked = true;
      }
      return law(stepped) ?? (blocked ? dead() : undefined);
    };
    let stopped = look(undefined);
    while (stopped === undefined && path.length < maxDepth) {
      if (able.length === 0) {
        runner.show();
        const deadlock = terminalFault(program);
        findings.terminal(deadlock !== undefined);
        return note(deadlock);
      }
      const context = policy.choose(able, path.length);
      const way = policy.way(runner.ways(context));
      stopped = limits.step(counts);
      if (stopped !== undefined) return stopped;
      path.push({ context, way });
      if (path.length > depth) depth = path.length;
      try {
        runner.step(context, way);
      } catch (error) {
        return note(thrownFault(context, error));
      }
      stopped = look(context);
    }
    return stopped ?? suspect(path);
  };

  /** A run was cut: whether no end can be reached from here any more. */
  const suspect = (path: readonly Choice[]): StopReason | undefined => {
    const { suspectStates = 0, livelocks = "endless" } = options;
    if (suspectStates === 0 || suspects >= SUSPECTS) return undefined;
    suspects++;
    runner.show();
    const { shouldStop } = options;
    const proof = prove(program, {
      maxStates: suspectStates,
      livelocks,
      reduce: true,
      // the states that a run meets need not be their own images
      symmetry: false,
      ...(shouldStop === undefined ? {} : { shouldStop }),
    });
    runner.forget();
    proofSteps += proof.steps;
    const { finding } = proof;
    if (finding === undefined) return undefined;
    program.words.set(initial);
    const schedule = [...describeChoices(program, path), ...finding.schedule];
    return findings.adopt({ ...finding, schedule }) ? "finding" : undefined;
  };

  let stopped: StopReason | undefined;
  try {
    while (stopped === undefined && executions < maxExecutions) {
      runner.rewind();
      policy.begin();
      executions++;
      stopped = run();
    }
  } finally {
    program.words.set(initial);
  }
  return { ...findings.outcome(stopped ?? "executions"), ...counts(), states: undefined, executions };
}
