/** A recognised log names the incident that shows the bug, by a command that works and that finds it. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { diagnose } from "../src/diagnose/index.ts";
import { random } from "../src/explore/index.ts";
import { type Choices, incidents, prepare } from "../src/incidents/index.ts";
import { exploreCommand, reproducible } from "../src/incidents/reproduce.ts";

/** The choices that a command line stands for. */
const choicesOf = (command: string): Choices => {
  const words = command.split(" ").slice(3);
  const after = (flag: string) => (words.includes(flag) ? words[words.indexOf(flag) + 1] : undefined);
  const era = after("--era");
  const reverted = after("--revert");
  const hacks = after("--hack");
  return {
    ...(era === undefined ? {} : { era }),
    ...(reverted === undefined ? {} : { reverted: [reverted] }),
    ...(hacks === undefined ? {} : { hacks: hacks.split(",") }),
  };
};

describe("the command that shows a recognised bug", () => {
  it("exists for incidents only", () => {
    const ids = incidents.map((i) => i.id);
    for (const id of reproducible) expect(ids).toContain(id);
    expect(exploreCommand("no-such-incident", undefined)).toBeUndefined();
  });

  it.each([
    ["memcg-writeback-abba", "6.1.192", "unwedge explore memcg-writeback-abba --era 6.1.192 --revert prealloc-pte"],
    ["memcg-writeback-abba", "4.14.55-generic", "unwedge explore memcg-writeback-abba --era 4.14.55"],
    ["memcg-writeback-abba", undefined, "unwedge explore memcg-writeback-abba"],
    ["memcg-writeback-abba", "3.10.0-957.el7", "unwedge explore memcg-writeback-abba"],
    ["xfs-page-lock-order", "4.20", "unwedge explore xfs-page-lock-order --era 4.20.0"],
    ["wb-switch-irq-nesting", "4.4.1", "unwedge explore wb-switch-irq-nesting --era 4.4.1 --hack switching,moving"],
  ])("%s in %s", (id, release, command) => {
    expect(exploreCommand(id, release)).toBe(command);
    const incident = incidents.find((i) => i.id === id);
    const prepared = incident && prepare(incident, choicesOf(command));
    if (!prepared?.ok) throw new Error("the command does not work");
    const { finding } = random(prepared.prepared.kernel.start(), { maxExecutions: 3000, seed: 1 });
    expect(finding?.kind).toMatch(/^dead/);
  });

  it("is in the advice for a log of the lab", async () => {
    const path = new URL("cases/seed0-abba-strike-traced-2.kernel.log.gz", import.meta.url);
    const log = gunzipSync(readFileSync(path)).toString("utf8");
    const { advice } = await diagnose(log);
    expect(advice.join("\n")).toContain("unwedge explore memcg-writeback-abba --era 6.1.192 --revert prealloc-pte");
  });
});
