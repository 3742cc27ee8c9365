/**
 * Probabilistic concurrency testing: Burckhardt, Kothari, Musuvathi, Nagarakatte, "A randomized scheduler with
 * probabilistic guarantees of finding bugs" (ASPLOS 2010).
 *
 * Contexts have random priorities and the highest that can runs; at `bugDepth` - 1 random steps the one that is about
 * to run falls below all others. With n contexts and k steps a run finds a bug that needs `bugDepth` ordered steps
 * with a chance of at least 1 / (n k^(bugDepth - 1)). One difference: a context that ran `patience` steps in a row
 * while others could have falls to the bottom too, or one that spins on a flag would keep the one that sets it from
 * ever running; the guarantee holds for runs without that.
 */
import { RandomNumbers } from "./random-numbers.ts";
import type { Reducible } from "./types.ts";
import { DEFAULT_DEPTH, type Policy, type WalkOptions, type WalkOutcome, walk } from "./walk.ts";

/** @since 0.2.0 */
export interface PctOptions extends WalkOptions {
  /** How many ordered steps the bug may need (d of the paper); 3 by default. */
  readonly bugDepth?: number;
  /**
   * Among how many first steps the changes of priority are drawn (k of the paper); the longest run so far by default.
   */
  readonly changeWithin?: number;
  /** Steps in a row after which a context must let others run; 100 by default. */
  readonly patience?: number;
}

/**
 * Runs the program under random priorities, from its present state, which is put back at the end.
 *
 * @since 0.2.0
 */
export function pct(program: Reducible, options: PctOptions = {}): WalkOutcome {
  return walk(program, new Priorities(program.contexts, options), options);
}

class Priorities implements Policy {
  readonly #random: RandomNumbers;
  readonly #options: PctOptions;
  readonly #patience: number;
  readonly #priority: Float64Array;
  #changes = new Set<number>();
  /** Below every priority given so far in this run. */
  #bottom = 0;
  #longest = 1;
  #ran = -1;
  #inRow = 0;

  constructor(contexts: number, options: PctOptions) {
    this.#random = new RandomNumbers(options.seed ?? 1);
    this.#options = options;
    this.#patience = options.patience ?? 100;
    this.#priority = new Float64Array(contexts);
  }

  begin(): void {
    const random = this.#random;
    const priority = this.#priority;
    for (let c = 0; c < priority.length; c++) priority[c] = c + 1;
    for (let c = priority.length - 1; c > 0; c--) {
      const other = random.below(c + 1);
      const mine = priority[c]!;
      priority[c] = priority[other]!;
      priority[other] = mine;
    }
    const within = Math.min(this.#options.changeWithin ?? this.#longest, this.#options.maxDepth ?? DEFAULT_DEPTH);
    this.#changes = new Set();
    for (let i = 1; i < (this.#options.bugDepth ?? 3); i++) this.#changes.add(random.below(Math.max(1, within)));
    this.#bottom = 0;
    this.#ran = -1;
    this.#inRow = 0;
  }

  choose(able: readonly number[], step: number): number {
    if (step >= this.#longest) this.#longest = step + 1;
    let best = this.#highest(able);
    const tired = best === this.#ran && this.#inRow >= this.#patience;
    if (this.#changes.has(step) || tired) {
      this.#priority[best] = --this.#bottom;
      best = this.#highest(able);
    }
    this.#inRow = best === this.#ran && !tired ? this.#inRow + 1 : 1;
    this.#ran = best;
    return best;
  }

  way(ways: number): number {
    return ways === 1 ? 0 : this.#random.below(ways);
  }

  #highest(able: readonly number[]): number {
    let best = able[0]!;
    for (const c of able) if (this.#priority[c]! > this.#priority[best]!) best = c;
    return best;
  }
}
