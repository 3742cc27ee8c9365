/** Runs a program from its first state again and again (@internal), with steps learned by heart where it can be. */
import { isLearnable, LearnedProgram } from "./learned.ts";
import type { Reducible } from "./types.ts";

export interface Runner {
  /** Back to the first state. */
  rewind(): void;
  ways(context: number): number;
  /** Steps. Throws what the program throws; then only {@link rewind} may follow. */
  step(context: number, way: number): void;
  /** Whether a context has finished or idles. */
  rests(context: number): boolean;
  deadSubset(): readonly number[];
  /** Puts the present state into the program's words. */
  show(): void;
  /** Must be called when somebody else has changed the words. */
  forget(): void;
}

/** A runner whose first state is the program's present one. */
export function runnerOf(program: Reducible, learn: boolean): Runner {
  if (learn && isLearnable(program)) return learnedRunner(new LearnedProgram(program));
  const first = program.words.slice();
  return {
    rewind: () => program.words.set(first),
    ways: (context) => program.ways(context),
    step: (context, way) => program.step(context, way),
    rests: (context) => program.finished(context) || program.idle(context),
    deadSubset: () => program.deadSubset?.() ?? [],
    show: () => undefined,
    forget: () => undefined,
  };
}

function learnedRunner(learned: LearnedProgram): Runner {
  return {
    rewind: () => learned.rewind(),
    ways: (context) => learned.ways(context),
    step: (context, way) => void learned.step(context, way),
    rests: (context) => learned.rests(context),
    deadSubset: () => learned.deadSubset(),
    show: () => learned.materialize(),
    forget: () => learned.forget(),
  };
}
