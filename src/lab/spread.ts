/** How far measured counters lie apart over several runs. */
import type { Counters } from "./counters.ts";

/** Smallest, middle and largest value of one counter, and in how many runs it was seen. */
export interface Spread {
  readonly runs: number;
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** The spread of every counter that any run has, by name in order. */
export function spreads(runs: readonly Counters[]): Readonly<Record<string, Spread>> {
  const names = [...new Set(runs.flatMap((r) => Object.keys(r)))].sort();
  return Object.fromEntries(
    names.map((name) => {
      const values = runs.flatMap((r) => r[name] ?? []).sort((a, b) => a - b);
      const [low, high] = [Math.floor((values.length - 1) / 2), Math.ceil((values.length - 1) / 2)];
      const median = (values[low]! + values[high]!) / 2;
      return [name, { runs: values.length, min: values[0]!, median, max: values.at(-1)! }];
    }),
  );
}
