/** Runs of a program one after the other, each steered by a policy (@internal): the frame of `pct` and `random`. */
import { brokenLaw, deadContexts, terminalFault, thrownFault } from "./faults.ts";
import { Findings } from "./findings.ts";
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

export function walk(program: Reducible, policy: Policy, options: WalkOptions): WalkOutcome {
  const initial = program.words.slice();
  const findings = new Findings(program, initial, options.find === "all");
  const limits = new SearchLimits(options);
  const { maxExecutions = 1000, maxDepth = DEFAULT_DEPTH } = options;
  let executions = 0;
  let depth = 0;
  const counts = (): SearchCounts => ({
    states: undefined,
    steps: limits.steps,
    executions,
    depth,
    bytes: initial.byteLength,
  });

  const run = (): StopReason | undefined => {
    const path: Choice[] = [];
    const note = (fault: Fault | undefined): StopReason | undefined =>
      fault !== undefined && findings.add(fault, () => path) ? "finding" : undefined;
    const look = (stepped: number | undefined): StopReason | undefined =>
      note(brokenLaw(program, stepped)) ?? note(deadContexts(program));
    let stopped = look(undefined);
    while (stopped === undefined && path.length < maxDepth) {
      const able: number[] = [];
      for (let c = 0; c < program.contexts; c++) if (program.ways(c) > 0) able.push(c);
      if (able.length === 0) {
        const deadlock = terminalFault(program);
        findings.terminal(deadlock !== undefined);
        return note(deadlock);
      }
      const context = policy.choose(able, path.length);
      const way = policy.way(program.ways(context));
      stopped = limits.step(counts);
      if (stopped !== undefined) return stopped;
      path.push({ context, way });
      if (path.length > depth) depth = path.length;
      try {
        program.step(context, way);
      } catch (error) {
        return note(thrownFault(context, error));
      }
      stopped = look(context);
    }
    return stopped;
  };

  let stopped: StopReason | undefined;
  try {
    while (stopped === undefined && executions < maxExecutions) {
      program.words.set(initial);
      policy.begin();
      executions++;
      stopped = run();
    }
  } finally {
    program.words.set(initial);
  }
  return { ...findings.outcome(stopped ?? "executions"), ...counts(), states: undefined, executions };
}
