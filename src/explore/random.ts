/** Uniform random walks: the plainest search there is, and the measure for the others. */
import { RandomNumbers } from "./random-numbers.ts";
import type { Reducible } from "./types.ts";
import { type WalkOptions, type WalkOutcome, walk } from "./walk.ts";

/**
 * Runs the program with every next context and way drawn evenly, from its present state, which is put back at the end.
 *
 * @since 0.2.0
 */
export function random(program: Reducible, options: WalkOptions = {}): WalkOutcome {
  const numbers = new RandomNumbers(options.seed ?? 1);
  return walk(
    program,
    {
      begin: () => undefined,
      choose: (able) => able[numbers.below(able.length)]!,
      way: (ways) => (ways === 1 ? 0 : numbers.below(ways)),
    },
    options,
  );
}
