/** Bounds and callbacks of a search (@internal): counted, never timed; clocks stay with the caller. */
import type { SearchCounts, SearchOptions, StopReason } from "./types.ts";

export class SearchLimits {
  steps = 0;
  readonly #options: SearchOptions;
  readonly #maxSteps: number;
  readonly #pollEvery: number;
  #nextPoll: number;

  constructor(options: SearchOptions) {
    this.#options = options;
    this.#maxSteps = options.maxSteps ?? Infinity;
    this.#pollEvery = options.pollEvery ?? 4096;
    this.#nextPoll = this.#pollEvery;
  }

  /** Counts one step about to be taken; a reason when it must not be. `counts` is asked only when somebody listens. */
  step(counts: () => SearchCounts): StopReason | undefined {
    if (this.steps >= this.#maxSteps) return "steps";
    if (++this.steps < this.#nextPoll) return undefined;
    this.#nextPoll += this.#pollEvery;
    this.#options.onProgress?.(counts());
    return this.#options.shouldStop?.() ? "aborted" : undefined;
  }

  /** So many steps were taken before the search was stopped. */
  goOnFrom(steps: number): void {
    this.steps = steps;
    this.#nextPoll = steps + this.#pollEvery;
  }
}
