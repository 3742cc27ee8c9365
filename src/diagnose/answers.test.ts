import { describe, expect, test } from "vitest";
import { abba, evidence, noProgress, type PartyOptions, parties, record, world } from "../../test/diagnose-worlds.ts";
import type { Evidence, OomReport, Sample } from "../evidence/types.ts";
import { parseRelease } from "../knowledge/release.ts";
import { answersOf } from "./answers.ts";
import type { Progress } from "./progress.ts";
import { decide } from "./verdict.ts";
import { coreViews } from "./view.ts";
import type { Party } from "./wants.ts";

/** The answer to the first question that contains `about`. */
function answer(
  about: string,
  all: readonly Party[],
  e: Partial<Evidence> = {},
  p: Partial<Progress> = {},
  release?: string,
) {
  const ev = evidence({ tasks: [record({ frames: ["f"] })], ...e });
  const progress = { ...noProgress, ...p };
  const f = decide(ev, world(all), progress);
  const parsed = release === undefined ? undefined : parseRelease(release);
  return answersOf(f, ev, progress, coreViews(f), parsed).find((a) => a.question.includes(about));
}
const GLOBAL = { scope: "global" } as const;

describe("victim or holder", () => {
  const victim: PartyOptions = { want: { id: "x", because: "frame f", line: 12 } };
  test("a victim, and what it waits for", () => {
    expect(answer("victim or the holder", parties(victim))).toEqual({
      question: "Is t1 (1) the victim or the holder?",
      answer: "A victim: it waits for mutex x (frame f). Its stack shows nothing that others would wait for.",
      lines: [{ input: 0, line: 12 }],
    });
  });
  test("a waiter that also holds something; what it only may hold does not count", () => {
    const holds = (confidence: "likely" | "possible") =>
      answer("victim or", parties({ ...victim, haves: [{ class: "s_umount", confidence }] }))?.answer;
    expect(holds("likely")).toContain("A waiter that also holds something");
    expect(holds("likely")).toContain("It holds s_umount meanwhile.");
    expect(holds("possible")).toContain("A victim");
  });
  test("everyday holds are not told, unless somebody waits for them", () => {
    const everyday: PartyOptions = { ...victim, haves: [{ class: "sb_writers" }] };
    expect(answer("victim or", parties(everyday))?.answer).toContain("A victim");
    expect(answer("victim or", parties(everyday, { want: { class: "sb_writers" } }))?.answer).toContain(
      "It holds sb_writers",
    );
  });
  test("not of the core, and not of many", () => {
    expect(answer("victim or", abba())).toBeUndefined();
    expect(answer("victim or", parties(victim, victim, victim))).toBeDefined();
    expect(answer("victim or", parties(victim, victim, victim, victim))).toBeUndefined();
  });
});

describe("which tasks matter", () => {
  const x = { id: "x", ...GLOBAL };
  test("the core", () => {
    const all = [
      ...abba(),
      ...parties({}, {}, { want: { id: "a", ...GLOBAL } }, { want: { id: "a", ...GLOBAL } }).slice(2),
    ];
    expect(answer("Which of the 4", all)?.answer).toBe(
      "t1 (1) and t2 (2); the others wait behind them or for something else.",
    );
    expect(answer("Which", abba())).toBeUndefined();
  });
  test("else the one most wait for", () => {
    const all = parties({ want: x, count: 3 }, { want: x }, { want: { id: "y" }, haves: [x] });
    expect(answer("matters", all)?.answer).toBe(
      "t3 (3): 4 tasks may wait for what it holds; it waits itself for mutex y.",
    );
    expect(answer("matters", parties({ want: x, count: 4 }, { haves: [x] }))?.answer).toContain("it can run");
    expect(answer("matters", parties({ want: { id: "y" }, count: 9 }))).toBeUndefined();
  });
});

describe("the jbd2 handle", () => {
  const holder: PartyOptions = {
    haves: [{ class: "jbd2_handle", scope: "journal", because: "frame ext4_create: open", line: 44 }],
  };
  const waits: PartyOptions = { want: { class: "jbd2_transaction", scope: "journal" } };
  test("named by stack and line", () => {
    expect(answer("jbd2 handle", parties(waits, holder))).toEqual({
      question: "Who holds the jbd2 handle?",
      answer: "t2 (2) (frame ext4_create).",
      lines: [{ input: 0, line: 44 }],
    });
  });
  test("or said to be missing", () => {
    expect(answer("jbd2 handle", parties(waits))?.answer).toContain("No stack in this log");
  });
  test("asked only where it matters", () => {
    expect(answer("jbd2 handle", parties({ want: { id: "x" } }, holder))).toBeUndefined();
    const reclaims = { ...holder, want: { class: "memcg_charge", scope: "memcg" } } as const;
    expect(answer("jbd2 handle", parties(reclaims))).toBeDefined();
  });
});

describe("submitted I/O", () => {
  const io = parties({ want: { class: "device_io", scope: "device", providers: ["device"] } });
  test.each([
    [{}, "no counters"],
    [{ storage: "advancing" }, "the device works"],
    [{ storage: "still" }, "stand still"],
    [{ storage: "still", ioStuck: true }, "it has lost them, or is far slower than the samples are apart"],
  ] as const)("%j: %s", (p, text) => {
    expect(answer("not completing", io, {}, p)?.answer).toContain(text);
  });
  test("only where a wait ends at the device", () => {
    expect(answer("not completing", parties({ want: { id: "x" } }))).toBeUndefined();
  });
});

describe("OOM victims", () => {
  const killed: OomReport = { kind: "killed", input: 0, line: 5, pid: 1, scope: "memcg" };
  const waits = (line: number) => parties({ line, want: { id: "x" } });
  test("stuck, and behind what", () => {
    expect(answer("OOM victim", waits(10), { ooms: [killed] })).toMatchObject({
      answer: "Yes: t1 (1) waits for mutex x.",
      lines: [{ input: 0, line: 5 }],
    });
  });
  test("not when it was printed before it was killed", () => {
    const reaped = { ...killed, kind: "reaped" } as const;
    expect(answer("OOM victim", waits(4), { ooms: [killed, reaped] })?.answer).toBe(
      "1 killed, 1 reaped; no victim is among the blocked tasks.",
    );
  });
  test("and the reaper's failures", () => {
    const failed = { ...killed, kind: "unable-to-reap" } as const;
    expect(answer("OOM victim", [], { ooms: [killed, failed] })?.answer).toContain("1 could not be reaped");
    expect(answer("OOM victim", [], { ooms: [failed] })).toBeUndefined();
  });
});

describe("numbers", () => {
  test("GFP masks, in the words of the release", () => {
    const oom: OomReport = { kind: "invoked", input: 0, line: 3, scope: "global", gfpMask: 0xcc0 };
    const a = answer("0xcc0", [], { ooms: [oom] }, {}, "6.1.0");
    expect(a?.answer).toContain("GFP_KERNEL: may reclaim, may enter the file system");
    const nofs = answer("0xc40", [], { ooms: [{ ...oom, gfpMask: 0xc40 }] }, {}, "6.1.0");
    expect(nofs?.answer).toContain("GFP_NOFS: may reclaim, does not enter the file system");
  });
  const counter = (values: Record<string, number>, line: number): Sample => ({
    source: "page_counter",
    input: 0,
    line,
    key: "c",
    values,
  });
  test("how far over its limit, in pages", () => {
    const over = (usage: number) =>
      answer("over its limit", [], { samples: [counter({ max: 1000 }, 1), counter({ usage }, 2)] });
    expect(over(1500)?.answer).toContain("500 pages (0.0 GiB, 50.0 %): usage 1500, limit 1000.");
    expect(over(1500)?.answer).toMatch(/must not fail, atomic ones .* dying tasks; or memory.max \(v2\) was set below/);
    expect(over(1500)?.lines.map((l) => l.line)).toEqual([1, 2]);
    expect(over(1000)?.answer).toBe("Not over: 1000 of 1000 pages.");
  });
  test("not from one of the two numbers alone", () => {
    expect(answer("over its limit", [], { samples: [counter({ max: 1000 }, 1)] })).toBeUndefined();
    expect(answer("over its limit", [], { samples: [counter({ usage: 1000 }, 1)] })).toBeUndefined();
  });
  test("or by the last OOM report", () => {
    const usage = (usageKb: number, line: number): OomReport => ({
      kind: "usage",
      input: 0,
      line,
      scope: "memcg",
      usageKb,
      limitKb: 100,
      failcnt: 7,
    });
    const a = answer("over its limit", [], { ooms: [usage(100, 1), usage(130, 9)] });
    expect(a?.answer).toBe("usage 130 kB of 100 kB (30 kB over), 7 failed charges.");
    expect(answer("over its limit", [], { ooms: [usage(100, 1)] })?.answer).toContain("at the limit");
  });
  test("states and progress", () => {
    const ps: Sample = { source: "ps", input: 0, line: 8, key: "D", values: { count: 1463 } };
    expect(answer("which state", [], { samples: [ps] })?.answer).toBe("1463 in state D.");
    const facts = [{ text: "disk vda: x stayed at 1", lines: [{ input: 0, line: 2 }] }];
    expect(answer("progress", [], {}, { facts })?.answer).toBe("disk vda: x stayed at 1.");
    expect(answer("progress", [])).toBeUndefined();
  });
});
