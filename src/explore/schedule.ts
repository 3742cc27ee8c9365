/**
 * Schedules: what happened, written so that it can be read, stored and checked.
 *
 * A step names its context, its way and the position it started from. Replay holds each against the program, so a
 * schedule of another version of the program is refused at the first step that differs instead of showing something
 * else.
 */
import type { Explorable } from "../resumable/explorable.ts";
import type { Choice, Schedule, ScheduleStep } from "./types.ts";

/** The step that `context` would take now. */
export function scheduleStep(program: Explorable, context: number, way: number): ScheduleStep {
  return { context: program.name(context), way, position: program.position(context) };
}

/** Executes choices from the present state and names each (@internal). A choice that throws ends the list, named. */
export function describeChoices(program: Explorable, choices: readonly Choice[]): ScheduleStep[] {
  const steps: ScheduleStep[] = [];
  for (const { context, way } of choices) {
    steps.push(scheduleStep(program, context, way));
    try {
      program.step(context, way);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      break;
    }
  }
  return steps;
}

/** How often a schedule goes from one context to another. @since 0.2.0 */
export function contextSwitches(schedule: readonly { readonly context: unknown }[]): number {
  let switches = 0;
  for (let i = 1; i < schedule.length; i++) if (schedule[i]!.context !== schedule[i - 1]!.context) switches++;
  return switches;
}

/** Context numbers by name; the first of equal names wins. */
export function contextsByName(program: Explorable): ReadonlyMap<string, number> {
  const byName = new Map<string, number>();
  for (let c = program.contexts - 1; c >= 0; c--) byName.set(program.name(c), c);
  return byName;
}

/** How a replay ended. `error` is what the last step threw, when it did. */
export type Replay =
  | { readonly ok: true; readonly steps: number; readonly error: Error | undefined }
  | {
      readonly ok: false;
      /** The step that does not fit, from 0. */
      readonly at: number;
      readonly expected: string;
      readonly found: string;
      readonly message: string;
    };

/**
 * Runs a schedule on a program that stands at its initial state, and leaves the program where the schedule ends.
 *
 * @param onStep is told every step before it is taken.
 * @example
 * const replayed = replay(program, witness.schedule);
 * if (!replayed.ok) throw new Error(replayed.message);
 * @since 0.2.0
 */
export function replay(
  program: Explorable,
  schedule: Schedule,
  onStep?: (step: ScheduleStep, context: number, index: number) => void,
): Replay {
  const byName = contextsByName(program);
  for (let at = 0; at < schedule.length; at++) {
    const step = schedule[at]!;
    const refuse = (expected: string, found: string): Replay => {
      const message = `step ${at + 1} of ${schedule.length}: expected ${expected}, found ${found}`;
      return { ok: false, at, expected, found, message };
    };
    const context = byName.get(step.context);
    if (context === undefined) return refuse(`context ${step.context}`, "no context of that name");
    const position = program.position(context);
    if (position !== step.position)
      return refuse(`${step.context} at ${step.position}`, `${step.context} at ${position}`);
    const ways = program.ways(context);
    if (!(Number.isInteger(step.way) && step.way >= 0 && step.way < ways))
      return refuse(
        `${step.context} to step in way ${step.way} of ${position}`,
        ways === 0 ? "it blocked" : `${ways} ways`,
      );
    onStep?.(step, context, at);
    try {
      program.step(context, step.way);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (at === schedule.length - 1) return { ok: true, steps: at + 1, error };
      return refuse(`${step.context} to step from ${position}`, error.message);
    }
  }
  return { ok: true, steps: schedule.length, error: undefined };
}

/** The schedule in a value read from JSON; undefined when it is none. @since 0.2.0 */
export function parseSchedule(value: unknown): Schedule | undefined {
  if (!Array.isArray(value)) return undefined;
  const steps: ScheduleStep[] = [];
  for (const item of value as readonly unknown[]) {
    if (typeof item !== "object" || item === null) return undefined;
    const { context, way, position } = item as Readonly<Record<string, unknown>>;
    if (typeof context !== "string" || typeof position !== "string") return undefined;
    if (typeof way !== "number" || !Number.isInteger(way) || way < 0) return undefined;
    steps.push({ context, way, position });
  }
  return steps;
}
