import { expect, test } from "vitest";
import { SearchLimits } from "./search-limits.ts";
import type { SearchCounts, SearchOptions } from "./types.ts";

const counts = (steps: number): SearchCounts => ({ states: 1, steps, executions: undefined, depth: 2, bytes: 3 });
const run = (options: SearchOptions, most = 20_000): readonly [number, string | undefined] => {
  const limits = new SearchLimits(options);
  for (;;) {
    const stopped = limits.steps >= most ? "enough" : limits.step(() => counts(limits.steps));
    if (stopped !== undefined) return [limits.steps, stopped];
  }
};

test("exactly as many steps as the bound may be taken", () => {
  expect(run({ maxSteps: 7 })).toEqual([7, "steps"]);
  expect(run({ maxSteps: 0 })).toEqual([0, "steps"]);
  expect(run({})).toEqual([20_000, "enough"]);
});

test("who listens is told every so many steps, by default every 4096", () => {
  const told: number[] = [];
  run({ onProgress: (c) => void told.push(c.steps), pollEvery: 5 }, 17);
  run({ onProgress: (c) => void told.push(c.steps) });
  expect(told).toEqual([5, 10, 15, 4096, 8192, 12_288, 16_384]);
});

test("is asked whether to stop at the same steps", () => {
  let asked = 0;
  expect(run({ shouldStop: () => ++asked === 3, pollEvery: 10 })).toEqual([30, "aborted"]);
  expect(run({ shouldStop: () => false, pollEvery: 10 }, 100)).toEqual([100, "enough"]);
});
