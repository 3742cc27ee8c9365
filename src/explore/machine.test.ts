/** The searches on programs of the real machine. */
import { describe, expect, test } from "vitest";
import { testKernel } from "../kernel/sched/testing.ts";
import { hunt } from "./hunt.ts";
import { kernelPrograms } from "./kernel-locks-program.ts";
import { naive } from "./naive.ts";
import { prove } from "./prove.ts";
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
