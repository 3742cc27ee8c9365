import { describe, expect, test } from "vitest";
import type { Diagnosis } from "../diagnose/types.ts";
import { SAMPLES } from "./samples/index.ts";
import { toText } from "./text.ts";

describe.each(SAMPLES.map((sample) => [sample.name, sample] as const))("text of %s", (name, sample) => {
  const text = toText(sample.diagnosis);
  test("is the golden one", async () => {
    await expect(text).toMatchFileSnapshot(`./samples/golden/${name}.txt`);
  });
  test("is printable ASCII in 80 columns without trailing blanks", () => {
    expect(
      text.split("\n").filter((line) => line.length > 80 || !/^[\x20-\x7e]*$/.test(line) || line.endsWith(" ")),
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

test("one task alone: victim or holder, what it waits for, what to collect, in this order", () => {
  const text = toText(of("victim"));
  const parts = [
    "CANNOT TELL",
    "VICTIM: it waits",
    "waits for PG_locked of a page",
    "WHAT TO COLLECT NEXT",
    "echo w > /proc/",
  ];
  const at = parts.map((part) => text.indexOf(part));
  expect(at).toEqual([...at].sort((a, b) => a - b));
  expect(at[0]).toBe(0);
});

test("with all, every frame and group is shown", () => {
  const text = toText(of("abba"), { all: true });
  expect(text).not.toMatch(/\.\.\. \d+ frames?/);
  for (const view of of("abba").details) for (const frame of view.frames) expect(text).toContain(frame.text);
});

test("a narrow page stays narrow", () => {
  for (const { diagnosis } of SAMPLES) {
    const lines = toText(diagnosis, { width: 60 }).split("\n");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
  }
});
