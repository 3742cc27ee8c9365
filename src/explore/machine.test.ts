/** The searches on programs of the real machine. */
import { describe, expect, test } from "vitest";
import { testKernel } from "../kernel/sched/testing.ts";
import { hunt } from "./hunt.ts";
import { kernelPrograms } from "./kernel-locks-program.ts";
import { naive } from "./naive.ts";
import { provePreemptions } from "./preemptions.ts";
import { prove } from "./prove.ts";
import { RandomNumbers } from "./random-numbers.ts";
import { replay } from "./schedule.ts";
import type { Reducible } from "./types.ts";

describe.each(Object.entries(kernelPrograms))("%s", (_, build) => {
  const program = (): Reducible => {
    const kernel = testKernel("6.1");
    build(kernel);
    return kernel.start();
  };
  const oracle = naive(program());

  test("prove agrees with the naive search", () => {
    const proved = prove(program(), { find: "all" });
    expect([...proved.deadlocks].sort()).toEqual([...oracle.deadlocks].sort());
    expect([...proved.ends].sort()).toEqual([...oracle.ends].sort());
    expect([proved.states, proved.steps]).toEqual([oracle.states, oracle.steps]);
    for (const { schedule } of proved.findings) expect(replay(program(), schedule)).toMatchObject({ ok: true });
  });

  test("so does the search in the order of preemptions", () => {
    const proved = provePreemptions(program(), { find: "all" });
    expect([...proved.deadlocks].sort()).toEqual([...oracle.deadlocks].sort());
    expect([...proved.ends].sort()).toEqual([...oracle.ends].sort());
    expect([proved.states, proved.steps]).toEqual([oracle.states, oracle.steps]);
  });

  test("every word that a step changes is in a chunk that it marks dirty", () => {
    const kernel = program();
    const { words, dirty } = kernel;
    const numbers = new RandomNumbers(7);
    const initial = words.slice();
    for (let step = 0; step < 2_000; step++) {
      const able = Array.from({ length: kernel.contexts }, (_, c) => c).filter((c) => kernel.ways(c) > 0);
      if (able.length === 0) {
        words.set(initial);
        continue;
      }
      const context = able[numbers.below(able.length)]!;
      const before = words.slice();
      dirty!.fill(0);
      kernel.step(context, numbers.below(kernel.ways(context)));
      words.forEach((word, at) => {
        if (word !== before[at]) expect(dirty![at >> 9]! & (1 << (at >> 4)), `word ${at}`).not.toBe(0);
      });
    }
  });

  test.each([true, false])(
    "hunt agrees with the naive search, tests for being able to run tracked: %s",
    (tracksWays) => {
      const kernel = Object.defineProperty(program(), "tracksWays", { value: tracksWays });
      const hunted = hunt(kernel, { find: "all", maxExecutions: 30_000 });
      expect([...hunted.deadlocks].sort()).toEqual([...oracle.deadlocks].sort());
      expect([...hunted.ends].sort()).toEqual([...oracle.ends].sort());
    },
  );
});
