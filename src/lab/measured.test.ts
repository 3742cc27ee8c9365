import { expect, test } from "vitest";
import type { Diagnosis } from "../diagnose/types.ts";
import { SAMPLES } from "../report/samples/index.ts";
import { type Judged, labDocument, mostTelling, runDocument } from "./measured.ts";
import type { Run } from "./run.ts";
import { settingsOf } from "./settings.ts";
import { labText, scenarioList } from "./text.ts";
import type { Tools } from "./tools.ts";

const abba = SAMPLES.find((s) => s.name === "abba")!.diagnosis;
const judged = (verdict: Diagnosis["verdict"], run: Partial<Run> = {}): Judged => ({
  diagnosis: { ...abba, verdict },
  run: {
    folder: "unwedge-lab/jbd2-memcg-oom-v1",
    files: ["kernel.log"],
    how: "ended",
    complete: true,
    panicked: false,
    boots: 1,
    upSeconds: 3.04,
    wallSeconds: 60.06,
    loadSeconds: 4.1,
    standstill: { lastWriteSeconds: 11.6, quietSeconds: 30.1 },
    counters: { "memory.failcnt": 41 },
    steps: [],
    handles: undefined,
    ...run,
  },
});
const settings = settingsOf({ scenario: "jbd2-memcg-oom", parameters: [] }, () => "");
const tools = {
  kernel: { packaged: "linux-image-6.1.0-56-cloud-amd64_6.1.192-2_amd64" },
  qemu: { version: "QEMU emulator version 7.2.22" },
} as Tools;

test("a standstill is told from the start of the load", () => {
  expect(runDocument(judged("livelock"))).toMatchObject({
    verdict: "livelock",
    bootSeconds: 3,
    wallSeconds: 60.1,
    stoodStillAfterGuestSeconds: 7.5,
    quietGuestSeconds: 30.1,
  });
  expect(runDocument(judged("slow", { standstill: undefined })).stoodStillAfterGuestSeconds).toBeNull();
});

test("the trace speaks for or against the handle's holder", () => {
  const edge = abba.core[0]!;
  const holder = { ...edge.heldBy[0]!, pid: 159 };
  const core = [{ ...edge, waitsFor: { class: "jbd2_handle" as const }, heldBy: [holder] }];
  const handle = { pid: 159, comm: "creat48", sinceSeconds: 10.76, handle: "0xff" };
  const of = (open: readonly (typeof handle)[] | undefined, of_ = core, followed = [7, 159]): Judged => {
    const j = judged("livelock", { handles: open && { open, followed: new Set(followed) } });
    return { ...j, diagnosis: { ...j.diagnosis, core: of_ } };
  };
  const agrees = (j: Judged) => runDocument(j).traceAgrees;
  expect(agrees(of([handle]))).toBe(true);
  expect(agrees(of([{ ...handle, pid: 7 }]))).toBe(false);
  expect(agrees(of([]))).toBe(false);
  expect(agrees(of([], core, [7]))).toBeNull();
  expect(agrees(of(undefined))).toBeNull();
  expect(agrees(of([handle], []))).toBeNull();
  const text = (j: Judged): string => labText(labDocument(settings, tools, [j], 0)).replace(/\s+/g, " ");
  expect(text(of([handle]))).toContain("creat48 (159) since 10.8 s of guest time; it bears out the handle's holder");
  expect(text(of([]))).toContain("end of the trace: none; it does NOT bear out");
});

test("the run shown is the first of the gravest", () => {
  expect(mostTelling([judged("none"), judged("slow"), judged("livelock"), judged("deadlock")])).toBe(2);
  expect(mostTelling([judged("unknown"), judged("slow")])).toBe(1);
  expect(mostTelling([judged("unknown")])).toBe(0);
});

test("the spread is there for more than one run", () => {
  const runs = [judged("livelock"), judged("slow", { counters: { "memory.failcnt": 7 } })];
  const d = labDocument(settings, tools, runs, 0);
  expect(d.spread).toEqual({ "memory.failcnt": { runs: 2, min: 7, median: 24, max: 41 } });
  expect(labDocument(settings, tools, runs.slice(0, 1), 0)).not.toHaveProperty("spread");
  expect(labText(d)).toContain("memory.failcnt");
});

test("the text survives e-mail and says what went wrong", () => {
  const bad = judged("unknown", { complete: false, how: "too-long", panicked: true, boots: 2, standstill: undefined });
  const text = labText(labDocument(settings, tools, [judged("livelock"), bad], 0));
  for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  expect(text).toContain("last write done 7.5 s after the load began");
  expect(text).toContain("(boot 2)");
  expect(text).toContain("the guest's kernel panicked");
  expect(text).toMatch(/no results \(it took too long/);
});

test("the list names every scenario and fits on a terminal", () => {
  for (const line of scenarioList().split("\n")) expect(line.length).toBeLessThanOrEqual(110);
  expect(scenarioList()).toContain("jbd2-memcg-oom\n");
});
