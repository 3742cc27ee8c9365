import { describe, expect, it } from "vitest";
import * as cases from "./memcontrol.ts";
import { runSelftest, type SelftestCase } from "./run.ts";

/** Each with the megabytes that its machine needs. */
const CASES: readonly (readonly [name: string, memory: number, run: SelftestCase])[] = [
  ["test_memcg_subtree_control", 4, cases.testMemcgSubtreeControl],
  ["test_memcg_current_peak", 60, cases.testMemcgCurrentPeak],
  ["test_memcg_min", 210, cases.testMemcgMin],
  ["test_memcg_low", 210, cases.testMemcgLow],
  ["test_memcg_high", 60, cases.testMemcgHigh],
  ["test_memcg_high_sync", 150, cases.testMemcgHighSync],
  ["test_memcg_max", 40, cases.testMemcgMax],
  ["test_memcg_reclaim", 60, cases.testMemcgReclaim],
  ["test_memcg_oom_events", 40, cases.testMemcgOomEvents],
  ["test_memcg_oom_group_leaf_events", 60, cases.testMemcgOomGroupLeafEvents],
  ["test_memcg_oom_group_parent_events", 90, cases.testMemcgOomGroupParentEvents],
  ["test_memcg_oom_group_score_events", 60, cases.testMemcgOomGroupScoreEvents],
];

describe("test_memcontrol", () => {
  it.each(CASES)("%s", (name, memory, run) => {
    const t0 = process.hrtime.bigint();
    const r = runSelftest(run, { release: "6.1.192", memory, mib: Number(process.env.MIB ?? 16) });
    console.log(name, r.said, r.steps, r.milliseconds, Number(process.hrtime.bigint() - t0) / 1e6);
    expect(r.said).toBe("");
  });
});
