import { describe, expect, it } from "vitest";
import * as cases from "./memcontrol.ts";
import { runSelftest, type SelftestCase } from "./run.ts";

/** Each with the megabytes that its machine needs, and the pages that stand for one. */
const CASES: readonly (readonly [name: string, run: SelftestCase, memory: number, mib: number])[] = [
  ["test_memcg_subtree_control", cases.testMemcgSubtreeControl, 4, 16],
  ["test_memcg_current_peak", cases.testMemcgCurrentPeak, 60, 16],
  ["test_memcg_min", cases.testMemcgMin, 210, 16],
  // what is left over at its end is within three in a hundred only when a batch is no more than a megabyte
  ["test_memcg_low", cases.testMemcgLow, 210, 32],
  ["test_memcg_high", cases.testMemcgHigh, 60, 16],
  ["test_memcg_high_sync", cases.testMemcgHighSync, 150, 16],
  ["test_memcg_max", cases.testMemcgMax, 40, 16],
  ["test_memcg_reclaim", cases.testMemcgReclaim, 60, 16],
  ["test_memcg_oom_events", cases.testMemcgOomEvents, 40, 16],
  ["test_memcg_oom_group_leaf_events", cases.testMemcgOomGroupLeafEvents, 60, 16],
  ["test_memcg_oom_group_parent_events", cases.testMemcgOomGroupParentEvents, 90, 16],
  ["test_memcg_oom_group_score_events", cases.testMemcgOomGroupScoreEvents, 60, 16],
];

describe("test_memcontrol", () => {
  it.each(CASES)(
    "%s",
    (_name, run, memory, mib) => {
      expect(runSelftest(run, { release: "6.1.192", memory, mib }).said).toBe("");
    },
    120_000,
  );

  it("test_memcg_swap_max_peak is skipped without swap, as on Linux", () => {
    expect(runSelftest(cases.testMemcgSwapMaxPeak, { release: "6.1.192", memory: 4 }).said).toBe("skip: no swap");
  });

  it.each([1, 2, 3])("oom events under a schedule drawn by seed %i", (seed) => {
    const options = { release: "6.12", memory: 60, mib: 4, seed };
    expect(runSelftest(cases.testMemcgOomGroupScoreEvents, options).said).toBe("");
    expect(runSelftest(cases.testMemcgOomEvents, options).said).toBe("");
  });

  it("fails where a release has no such file, or kills nobody", () => {
    const small = { memory: 60, mib: 4 };
    expect(runSelftest(cases.testMemcgReclaim, { release: "5.15", ...small }).said).toBe("memory.reclaim");
    expect(runSelftest(cases.testMemcgOomGroupScoreEvents, { release: "4.16", ...small }).said).toBe(
      "memory.oom.group",
    );
  });
});
