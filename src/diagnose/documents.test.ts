import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Diagnosis, diagnose } from "./index.ts";

/** SOURCE: samples/documents/README.md */
async function document(name: string): Promise<Diagnosis> {
  return diagnose(readFileSync(new URL(`../../samples/documents/${name}.txt`, import.meta.url), "utf8"));
}

const edges = (d: Diagnosis) =>
  d.core.map((e) => `${e.waiter.line} ${e.waitsFor.class} <- ${e.heldBy.map((h) => h.line ?? h.comm).join()}`);

test("memcg-writeback-abba: a likely deadlock of exactly two tasks", async () => {
  const d = await document("memcg-writeback-abba");
  expect(d.verdict).toBe("deadlock");
  expect(d.confidence).toBe("likely");
  expect(edges(d).sort()).toEqual(["10 PG_writeback <- 32", "32 PG_locked <- 10"]);
  expect(d.core.every((e) => e.waiter.pid === undefined && e.waiter.kind === "task")).toBe(true);
  expect(d.core.flatMap((e) => e.why).join("\n")).toMatch(/own bio, not submitted/);
  expect(d.knownBugs[0]).toMatchObject({ match: 1, incident: "memcg-writeback-abba" });
});

test("jbd2-memcg-oom: a livelock with its exits, and the handle holder by the line of its first frame", async () => {
  const d = await document("jbd2-memcg-oom");
  expect(d.verdict).toBe("livelock");
  expect(d.exits.length).toBeGreaterThanOrEqual(3);
  const looper = d.core.find((e) => e.waitsFor.class === "memcg_charge");
  expect(looper?.waiter).toMatchObject({ kind: "task", line: 22 });
  expect(looper?.waiter.pid).toBeUndefined();
  const detail = d.details.find((c) => c.key === looper?.waiter.key);
  expect(detail?.holds.map((h) => h.resource.class)).toContain("jbd2_handle");
  expect(d.answers.find((a) => a.question.includes("jbd2 handle"))?.answer).toContain("line 22");
  expect(d.answers.find((a) => a.question.includes("GFP"))?.answer).toContain("GFP_NOFS");
  expect(d.answers.find((a) => a.question.includes("over its limit"))?.answer).toContain("9851149 pages");
  expect(d.answers.find((a) => a.question.includes("which state"))?.answer).toContain("1463");
  expect(d.knownBugs[0]).toMatchObject({ incident: "jbd2-memcg-oom" });
});

test.each(["dm-crypt-throttle", "wb-switch-irq-nesting", "xfs-page-lock-order"])(
  "%s: no stacks, so nothing is claimed",
  async (name) => {
    const d = await document(name);
    expect(d.verdict).toBe("unknown");
    expect(d.core).toEqual([]);
    expect(d.missing.length).toBeGreaterThan(0);
  },
);
