import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { collectEvidence, textInput } from "../../evidence/index.ts";
import { type Diagnosis, diagnose } from "../index.ts";
import { knownBugs } from "./table.ts";

const SAMPLES = new URL("./samples/", import.meta.url);
const INCIDENTS = [
  "memcg-writeback-abba",
  "wb-switch-irq-nesting",
  "xfs-page-lock-order",
  "dm-crypt-throttle",
  "jbd2-memcg-oom",
];
const files = readdirSync(SAMPLES);

/** Diagnoses the log of a sample without its `SOURCE:` header; its stacks must have been read. */
async function sample(name: string): Promise<Diagnosis> {
  const text = readFileSync(new URL(name, SAMPLES), "utf8");
  expect(text).toMatch(/^SOURCE: .+\n\n/);
  const log = text.slice(text.indexOf("\n\n") + 2);
  const evidence = await collectEvidence([textInput("log", log)]);
  expect(evidence.tasks.some((t) => t.stack.names.length > 3)).toBe(true);
  return diagnose(log);
}

test("the table: at least 20 bugs, ids unique, every incident has one", () => {
  expect(knownBugs.length).toBeGreaterThanOrEqual(20);
  expect(new Set(knownBugs.map((b) => b.id)).size).toBe(knownBugs.length);
  expect(new Set(knownBugs.flatMap((b) => b.incident ?? []))).toEqual(new Set(INCIDENTS));
});

test("a match and a near miss for each bug, and no sample without a bug", () => {
  expect(files.sort()).toEqual(knownBugs.flatMap((b) => [`${b.id}.match.log`, `${b.id}.near.log`]).sort());
});

test.each(knownBugs.map((b) => [b.id, b] as const))("%s: complete and precise", (_, bug) => {
  for (const text of [bug.title, bug.affected, bug.today, bug.source]) expect(text.length).toBeGreaterThan(10);
  if (bug.fix !== undefined)
    expect(bug.fix).toMatch(/^commit ([0-9a-f]{12} \(".+"\)|".+")( \(v\d+\.\d+( and stable)?\))?$/);
  expect(bug.edges.length).toBeGreaterThan(0);
  for (const e of bug.edges) if (e.waitsFor.length === 0) expect(e.path).toBeDefined();
});

describe.each(knownBugs.map((b) => b.id))("%s", (id) => {
  test("is found in its log", async () => {
    const d = await sample(`${id}.match.log`);
    const first = d.knownBugs[0];
    expect(first?.id).toBe(id);
    expect(first?.match).toBeGreaterThanOrEqual(0.6);
    expect(first?.why.length).toBeGreaterThan(0);
    if (d.verdict === "deadlock" || d.verdict === "livelock") expect(first?.match).toBe(1);
  });

  test("no other bug fits its log as well", async () => {
    const d = await sample(`${id}.match.log`);
    expect(d.knownBugs.slice(1).filter((b) => b.match >= 0.6)).toEqual([]);
  });

  test("is not listed for the near miss", async () => {
    const d = await sample(`${id}.near.log`);
    expect(d.knownBugs.map((b) => b.id)).not.toContain(id);
  });
});

test("a release outside a bug's range halves its match", async () => {
  const log = readFileSync(new URL("memcg-oom-trap.match.log", SAMPLES), "utf8");
  expect((await diagnose(log)).knownBugs[0]).toMatchObject({ id: "memcg-oom-trap", match: 1 });
  expect((await diagnose(log, { release: "3.11.0" })).knownBugs[0]?.match).toBe(1);
  expect((await diagnose(log, { release: "3.12.0" })).knownBugs[0]?.match).toBe(0.5);
});

test("every edge needs a waiter of its own: one of two tasks alone is no match", async () => {
  const log = readFileSync(new URL("dm-integrity-range.match.log", SAMPLES), "utf8");
  const second = log.indexOf("INFO: task kworker/0:8");
  expect(second).toBeGreaterThan(0);
  expect((await diagnose(log.slice(0, second))).knownBugs).toEqual([]);
});

test("what is said of a match names the tasks, what they wait for and hold", async () => {
  const d = await sample("shrinker-rwsem-slow.match.log");
  expect(d.knownBugs[0]?.why).toEqual([
    "mount waits for rwsem shrinker_rwsem",
    "bash waits for rpc holding rwsem:shrinker_rwsem",
  ]);
});
