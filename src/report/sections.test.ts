import { expect, test } from "vitest";
import type { ContextRef, Diagnosis, KnownBugMatch } from "../diagnose/types.ts";
import { EMPTY } from "./samples/build.ts";
import { bugFacts, heldSentence, holderSentence, nowAdvice, readingNotes, stuckSentence } from "./sections.ts";

const task = (pid: number): ContextRef => ({ key: `task:${pid}`, kind: "task", pid, comm: `t${pid}` });
const disk: ContextRef = { key: "implicit:hardware", kind: "device", comm: "the block device" };
const nobody: ContextRef = {
  key: "implicit:unknown-holder",
  kind: "unknown",
  comm: "a holder that is not in this log",
};

const bug: KnownBugMatch = { id: "b", title: "b", affected: "5.1", today: "Reboot.", match: 1, why: [] };
const made = (verdict: Diagnosis["verdict"], more: Partial<Diagnosis> = {}): Diagnosis => ({
  ...EMPTY,
  inputs: [{ name: "a.log", format: "x", formats: ["x"], bytes: 1, lines: 1 }],
  kernel: {},
  verdict,
  confidence: "likely",
  summary: "s",
  contexts: 0,
  details: [],
  ...more,
});

test("one holder holds it; of several tasks it is not decided which one does", () => {
  expect(heldSentence({ heldBy: [task(1)] })).toBe("held by t1 (pid 1)");
  expect(heldSentence({ heldBy: [1, 2, 3, 4, 5, 6].map(task) })).toBe(
    "several hold one of this class: t1 (pid 1), t2 (pid 2) and 4 more; which, if any, is not decided",
  );
  expect(heldSentence({ heldBy: [task(1), disk] })).toMatch(/^several hold one of this class: .* not decided$/);
  expect(heldSentence({ heldBy: [disk] })).toBe("to be ended by the block device");
  expect(heldSentence({ heldBy: [task(1), disk] }, "task:1")).toBe("to be ended by the block device");
  expect(heldSentence({ heldBy: [task(1)] }, "task:1")).toBe("held by t1 (pid 1)");
  expect(heldSentence({ heldBy: [] })).toBe("its holder is not in this log");
  expect(heldSentence({ heldBy: [nobody] })).toBe("its holder is not in this log");
});

test("who waits for himself", () => {
  const edge = { waiter: task(1), waitsFor: { class: "inode_sync" }, event: "clear", any: false, why: [], lines: [] };
  expect(holderSentence({ ...edge, heldBy: [task(1)], confidence: "likely" })).toBe(
    "only it itself can end that (likely)",
  );
  expect(holderSentence({ ...edge, heldBy: [task(2)], confidence: "likely" })).toBe(
    "only t2 (pid 2) can end that (likely)",
  );
});

test("a group of one waits, a group of two wait", () => {
  const group = { waitsFor: { class: "PG_locked" }, event: "unlock", heldBy: [task(9)], why: [] };
  expect(stuckSentence({ ...group, contexts: [], count: 1 })).toMatch(/^1 context waits for PG_locked of a page; held/);
  expect(stuckSentence({ ...group, contexts: [task(1), task(2)], count: 2 })).toMatch(/^2 contexts wait for PG_locked/);
});

test("only a bug that is surely this one gives orders", () => {
  const labels = (b: KnownBugMatch, verdict: Diagnosis["verdict"]): string[] =>
    bugFacts(b, made(verdict)).map(([label]) => label);
  expect(labels(bug, "deadlock")).toEqual(["fix", "affected", "today"]);
  expect(labels(bug, "unknown")).toEqual(["fix", "affected", "IF IT IS THIS BUG"]);
  expect(labels({ ...bug, match: 0.9 }, "deadlock")).toEqual(["fix", "affected", "IF IT IS THIS BUG"]);
  const outside = bugFacts({ ...bug, outsideEra: true }, made("deadlock"));
  expect(JSON.stringify(outside)).toContain("this kernel is outside the affected range");
  expect(JSON.stringify(outside)).not.toContain(bug.today);
});

test("what to do now: once each, and not what a doubtful bug would have", () => {
  const advice = ["Save the log.", "Reboot.", "Save the log."];
  expect(nowAdvice(made("deadlock", { advice, knownBugs: [bug] }))).toEqual(["Save the log.", "Reboot."]);
  expect(nowAdvice(made("unknown", { advice, knownBugs: [bug] }))).toEqual(["Save the log."]);
  expect(nowAdvice(made("deadlock", { advice, knownBugs: [{ ...bug, outsideEra: true }] }))).toEqual(["Save the log."]);
});

test("a note quotes the start of a long line", () => {
  const text = "x".repeat(500);
  const [note] = readingNotes(made("none", { unparsed: { count: 2, first: { input: 0, line: 3, text } } }));
  expect(note).toBe(`2 lines not understood; the first is line 3: ${"x".repeat(120)}...`);
});
