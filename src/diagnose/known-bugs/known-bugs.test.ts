import { readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { collectEvidence, textInput } from "../../evidence/index.ts";
import { type Diagnosis, diagnose } from "../index.ts";
import { knownBugs } from "./table.ts";

const SAMPLES = new URL("./samples/", import.meta.url);
const INCIDENTS = [
  "dm-snapshot-cow-throttle",
  "memcg-writeback-abba",
  "wb-switch-irq-nesting",
  "xfs-page-lock-order",
  "dm-crypt-throttle",
  "jbd2-memcg-oom",
  "ext4-writepages-reclaim",
  "dm-bufio-loop",
  "memory-high-nofs",
  "memcg-oom-trap",
  "ext4-sync-handle",
  "queue-freeze-reclaim",
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
    const sure = d.verdict === "deadlock" || d.verdict === "livelock";
    if (sure && !first?.why.some((w) => w.includes("marked ?"))) expect(first?.match).toBe(1);
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
  expect((await diagnose(log, { release: "3.11.0" })).knownBugs[0]?.outsideEra).toBeUndefined();
  expect((await diagnose(log, { release: "3.12.0" })).knownBugs[0]).toMatchObject({ match: 0.5, outsideEra: true });
});

test("frames marked ? make a hint, and are not said to be where a task runs", async () => {
  const d = await sample("ext4-mbcache-loop.match.log");
  expect(d.knownBugs[0]).toMatchObject({ id: "ext4-mbcache-loop", match: 0.6 });
  expect(d.knownBugs[0]?.why.join()).not.toMatch(/ runs in /);
});

test("a task in state D is not said to run", async () => {
  const log = readFileSync(new URL("folio-wake-livelock.match.log", SAMPLES), "utf8");
  const header = "task:kworker/42:0     state:D stack:    0 pid:52508 ppid:     2 flags:0x00004000\n";
  const asD = `${header}${log.slice(log.indexOf(" Call Trace:"))}`;
  const said = (await diagnose(asD)).knownBugs.flatMap((b) => b.why);
  expect(said).toEqual(["kworker/42:0 sleeps in folio_wake_bit()"]);
  expect((await sample("folio-wake-livelock.match.log")).knownBugs[0]?.why.join()).toMatch(/ runs in folio_wake_bit/);
});

test("the loop side of dm-bufio's circle may count the shrinker's objects", async () => {
  const log = readFileSync(new URL("dm-bufio-loop.match.log", SAMPLES), "utf8");
  const at = log.lastIndexOf("dm_bufio_shrink_scan");
  const counting = `${log.slice(0, at)}dm_bufio_shrink_count${log.slice(at + "dm_bufio_shrink_scan".length)}`;
  for (const text of [log, counting]) expect((await diagnose(text)).knownBugs[0]?.id).toBe("dm-bufio-loop");
});

test("dm-bufio's circle is found in a crash dump whose loop thread counts", async () => {
  const file = new URL("../../../test/cases/dm-2019-46a6480e.log.txt.gz", import.meta.url);
  const d = await diagnose(gunzipSync(readFileSync(file)).toString("latin1"));
  expect(d.knownBugs.map((b) => [b.id, b.match])).toContainEqual(["dm-bufio-loop", 1]);
});

test.each(knownBugs.map((b) => [b.id, b.today] as const))("%s: today ends the hang or avoids the next", (_, today) => {
  expect(today).toMatch(/^ends it: .+; avoids it: ./);
  if (today.includes("reboot")) expect(today.match(/reboot/g)).toHaveLength(2);
  if (today.includes("reboot")) expect(today).toContain("`reboot -ff` or `echo b > /proc/sysrq-trigger`");
  expect(today).not.toMatch(/echo (max|-1) >/);
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
