import { describe, expect, it } from "vitest";
import * as cases from "./memcontrol.ts";
import { runSelftest, type SelftestCase } from "./run.ts";

const CASES: readonly (readonly [name: string, run: SelftestCase])[] = [
  ["test_memcg_subtree_control", cases.testMemcgSubtreeControl],
  ["test_memcg_current_peak", cases.testMemcgCurrentPeak],
  ["test_memcg_min", cases.testMemcgMin],
  ["test_memcg_low", cases.testMemcgLow],
  ["test_memcg_high", cases.testMemcgHigh],
  ["test_memcg_high_sync", cases.testMemcgHighSync],
  ["test_memcg_max", cases.testMemcgMax],
  ["test_memcg_reclaim", cases.testMemcgReclaim],
  ["test_memcg_oom_events", cases.testMemcgOomEvents],
  ["test_memcg_oom_group_leaf_events", cases.testMemcgOomGroupLeafEvents],
  ["test_memcg_oom_group_parent_events", cases.testMemcgOomGroupParentEvents],
  ["test_memcg_oom_group_score_events", cases.testMemcgOomGroupScoreEvents],
];

describe("test_memcontrol", () => {
  it.each(CASES)("%s", (name, run) => {
    const t0 = process.hrtime.bigint();
    const r = runSelftest(run, { release: "6.1.192", mib: 8 });
    console.log(name, r.said, r.steps, r.milliseconds, Number(process.hrtime.bigint() - t0) / 1e6);
    expect(r.said).toBe("");
  });
});
