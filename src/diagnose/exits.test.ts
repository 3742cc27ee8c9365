import { describe, expect, test } from "vitest";
import { abba, evidence, noProgress, parties, record, world } from "../../test/diagnose-worlds.ts";
import { parseRelease } from "../knowledge/release.ts";
import { exitsOf } from "./exits.ts";
import { decide } from "./verdict.ts";
import type { Party } from "./wants.ts";

const finding = (all: readonly Party[]) =>
  decide(evidence({ tasks: [record({ frames: ["f"] })] }), world(all), { ...noProgress, storage: "still" });
const livelock = (cls: string) =>
  finding(
    parties(
      {
        want: { class: cls, scope: "memcg", sleep: "poll", any: true, retries: true },
        haves: [{ id: "a", scope: "global" }],
      },
      { want: { id: "a", scope: "global" }, haves: [{ class: "writeback_work", scope: "device" }] },
    ),
  );

describe("exits", () => {
  test("of a charge: limit, clean page, victim, forced charge", () => {
    expect(livelock("memcg_charge").verdict).toBe("livelock");
    const exits = exitsOf(livelock("memcg_charge"), undefined);
    expect(exits).toHaveLength(4);
    expect(exits[0]).toContain("limit is raised");
  });
  test.each([
    ["6.1.0", "2 s + at most 1 s each"],
    ["5.18.0", "2 s + at most 1 s each"],
    ["5.15.135", "2 s + at most 1 s each"],
    ["5.17.0", "(at most 1 s each)"],
    ["4.19.0", "(at most 1 s each)"],
  ])("%s: the reaper takes %s", (release, bound) => {
    expect(exitsOf(livelock("memcg_charge"), parseRelease(release)).join("\n")).toContain(bound);
  });
  test("of direct reclaim: any page of the node", () => {
    const exits = exitsOf(livelock("reclaim"), undefined);
    expect(exits).toHaveLength(1);
    expect(exits[0]).toContain("any page of the node");
  });
  test("of nothing but a livelock", () => {
    expect(exitsOf(finding(abba()), undefined)).toEqual([]);
  });
});
