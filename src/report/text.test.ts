import { describe, expect, test } from "vitest";
import type { Diagnosis } from "../diagnose/types.ts";
import { SAMPLES } from "./samples/index.ts";
import { toText } from "./text.ts";

describe.each(SAMPLES.map((sample) => [sample.name, sample] as const))("text of %s", (name, sample) => {
  const text = toText(sample.diagnosis);
  test("is the golden one", async () => {
    await expect(text).toMatchFileSnapshot(`./samples/golden/${name}.txt`);
  });
  test("is printable ASCII in 80 columns without trailing blanks; the command alone may be longer", () => {
    expect(
      text
        .trimEnd()
        .split("\n")
        .slice(0, -1)
        .filter((line) => line.length > 80 || !/^[\x20-\x7e]*$/.test(line) || line.endsWith(" ")),
    ).toEqual([]);
  });
  test("colour changes nothing but colour", () => {
    const style = (_role: string, part: string): string => `\u001b[1m${part}\u001b[0m`;
    const colored = toText(sample.diagnosis, { style });
    expect(colored).not.toBe(text);
    expect(colored.replaceAll(/\u001b\[[01]m/g, "")).toBe(text);
  });
  test("the last line is the command that gives it again", () => {
    const last = toText(sample.diagnosis, { command: "unwedge diagnose x.log # why" }).trimEnd().split("\n").at(-1);
    expect(last).toBe("  unwedge diagnose x.log");
  });
});

const of = (name: string): Diagnosis => SAMPLES.find((sample) => sample.name === name)!.diagnosis;

test("the verdict comes first, and 1,463 tasks are never listed", () => {
  const text = toText(of("livelock"));
  expect(text.startsWith("LIVELOCK (likely): a task reclaims")).toBe(true);
  expect(text.split("\n").length).toBeLessThan(180);
  expect(text).toContain("1,187 contexts wait for mmap_lock of a process");
});

test("one task alone: what to do, what to collect, victim or holder and what it waits for, in at most 45 lines", () => {
  const text = toText(of("victim"));
  const parts = [
    "CANNOT TELL",
    "WHAT TO DO NOW",
    "WHAT TO COLLECT NEXT",
    "echo w > /proc/",
    "WAITER, and holds i_rwsem of an inode (others that need i_rwsem",
    "waits for PG_locked of a page",
    "its holder is not in this log",
  ];
  const at = parts.map((part) => text.indexOf(part));
  expect(at).toEqual([...at].sort((a, b) => a - b));
  expect(at[0]).toBe(0);
  expect(text).not.toContain("WHO WAITS, BY RESOURCE");
  expect(text.match(/PG_locked of a page/g)).toHaveLength(1);
  expect(text.trimEnd().split("\n").length).toBeLessThanOrEqual(45);
});

test("with all, every frame and group is shown", () => {
  const text = toText(of("abba"), { all: true });
  expect(text).not.toMatch(/\.\.\. \d+ frames?/);
  for (const view of of("abba").details) for (const frame of view.frames) expect(text).toContain(frame.text);
});

test("a narrow page stays narrow", () => {
  for (const { diagnosis } of SAMPLES) {
    const lines = toText(diagnosis, { width: 60 }).trimEnd().split("\n").slice(0, -1);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
  }
});

test("a harmless report lists who waits and shows no stacks, unless asked", () => {
  const text = toText(of("slow"));
  expect(text.trimEnd().split("\n").length).toBeLessThanOrEqual(40);
  expect(text).not.toMatch(/VICTIM|HOLDER|page_fault/);
  expect(text).toContain("* Xorg (pid 1422) waits for PG_locked of a page; held by kworker/u8:3");
  expect(text).toContain("* kworker/u8:3 (pid 211) waits for the dirty-page limit");
  expect(toText(of("slow"), { all: true })).toMatch(/HOLDER[\s\S]*VICTIM[\s\S]*page_fault/);
});

test("three stacks of victims, the others counted", () => {
  const task = of("victim").details[0]!;
  const details = [1, 2, 3, 4, 5].map((n) => ({
    ...task,
    key: `t${n}`,
    pid: n,
    frames: [{ text: `fn_${n}+0x1/0x2` }],
  }));
  const d = { ...of("victim"), details };
  expect(toText(d).match(/fn_\d/g)).toEqual(["fn_1", "fn_2", "fn_3"]);
  expect(toText(d)).toContain("... and 2 other stacks: shown with --all");
  expect(toText(d, { all: true }).match(/fn_\d/g)).toHaveLength(5);
});

test("first who to look at, then the known bug, then stacks", () => {
  const text = toText(of("abba"));
  const at = ["WHAT TO DO NOW", "WHO TO LOOK AT", "KNOWN BUG", "WHO WAITS FOR WHOM", "STUCK BEHIND IT"];
  const found = at.map((heading) => text.indexOf(heading));
  expect(found[0]).toBeGreaterThan(0);
  expect(found).toEqual([...found].sort((a, b) => a - b));
});

test("a long path is on the last line, whole, and nowhere else", () => {
  const path = `/srv/${"very-long-directory/".repeat(8)}kernel.log`;
  const [input] = of("abba").inputs;
  const text = toText({ ...of("abba"), inputs: [{ ...input!, name: path }] });
  expect(text.trimEnd().split("\n").at(-1)).toBe(`  unwedge diagnose ${path}`);
  expect(text.match(/very-long-directory/g)).toHaveLength(8);
  expect(text).toContain("* kernel.log: hung_task");
});

test("a waiter that no stack shows is marked", () => {
  const { core, ...rest } = of("abba");
  const text = toText({
    ...rest,
    core: core.map((edge) => ({
      ...edge,
      ...(edge.waiter.comm === "pmdfault1" && {
        waiter: { key: "implicit:worker", kind: "kworker" as const, comm: "the worker" },
      }),
      heldBy: edge.heldBy.map((ref) =>
        ref.comm === "pmdfault1" ? { key: "implicit:worker", kind: "kworker" as const, comm: "the worker" } : ref,
      ),
    })),
  });
  expect(text).toContain("|    the worker (assumed; not in this log)");
  expect(text.replaceAll(/\s+/g, " ")).toContain("only the worker (assumed; not in this log) can end that");
});

test("what no rule knows is said of a frame only with all", () => {
  const task = of("victim").details[0]!;
  const d = {
    ...of("victim"),
    details: [{ ...task, frames: [{ text: "stranger+0x1/0x2", says: "not in the table" }] }],
  };
  expect(toText(d)).toContain("stranger+0x1/0x2");
  expect(toText(d)).not.toContain("not in the table");
  expect(toText(d, { all: true })).toContain("not in the table");
});
