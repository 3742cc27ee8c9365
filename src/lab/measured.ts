/** What the lab measured, as data for `--json` and as text. */
import type { Diagnosis } from "../diagnose/types.ts";
import type { Counters } from "./counters.ts";
import type { OpenHandle } from "./handles.ts";
import type { Run } from "./run.ts";
import type { Settings } from "./scenarios.ts";
import { type Spread, spreads } from "./spread.ts";
import type { Step } from "./steps.ts";
import type { Tools } from "./tools.ts";

/** One run and what diagnose said of its log. */
export interface Judged {
  readonly run: Run;
  readonly diagnosis: Diagnosis;
}

/** The field `lab` of the document; seconds are of the host unless called guest seconds. */
export interface LabDocument {
  readonly scenario: string;
  readonly cgroup: string;
  readonly parameters: Readonly<Record<string, number>>;
  readonly kernelPackage: string;
  readonly emulator: string;
  /** Index in `runs` of the run whose diagnosis this document is. */
  readonly shown: number;
  readonly runs: readonly RunDocument[];
  /** Of every counter over the runs; absent for one run. */
  readonly spread?: Readonly<Record<string, Spread>>;
}

/** One run. */
export interface RunDocument {
  readonly folder: string;
  readonly verdict: string;
  readonly confidence: string;
  readonly knownBugs: readonly string[];
  /** `creat22 waits for memcg_charge` ... */
  readonly core: readonly string[];
  readonly ended: Run["how"];
  readonly complete: boolean;
  readonly panicked: boolean;
  readonly boots: number;
  readonly bootSeconds: number | null;
  readonly wallSeconds: number;
  /** Guest seconds from the start of the load to the last write that the disk completed; null: it went on writing. */
  readonly stoodStillAfterGuestSeconds: number | null;
  /** Guest seconds for which nothing was written, up to the last sample. */
  readonly quietGuestSeconds: number | null;
  /** jbd2 handles open when the trace ended; null without a trace. */
  readonly openHandles: readonly OpenHandle[] | null;
  /** Whether every handle holder that the core names is among them; null without such an edge, or when the trace cannot tell. */
  readonly traceAgrees: boolean | null;
  readonly counters: Counters;
  readonly steps: readonly Step[];
}

const tenth = (seconds: number): number => Math.round(seconds * 10) / 10;

/** One run as data. */
export function runDocument({ run, diagnosis }: Judged): RunDocument {
  const { standstill, loadSeconds } = run;
  return {
    folder: run.folder,
    verdict: diagnosis.verdict,
    confidence: diagnosis.confidence,
    knownBugs: diagnosis.knownBugs.map((b) => b.id),
    core: diagnosis.core.map((e) => `${e.waiter.comm ?? e.waiter.kind} waits for ${e.waitsFor.class}`),
    ended: run.how,
    complete: run.complete,
    panicked: run.panicked,
    boots: run.boots,
    bootSeconds: run.upSeconds === undefined ? null : tenth(run.upSeconds),
    wallSeconds: tenth(run.wallSeconds),
    stoodStillAfterGuestSeconds:
      standstill === undefined || loadSeconds === undefined ? null : tenth(standstill.lastWriteSeconds - loadSeconds),
    quietGuestSeconds: standstill === undefined ? null : tenth(standstill.quietSeconds),
    openHandles: run.handles?.open ?? null,
    traceAgrees: traceAgrees(run, diagnosis),
    counters: run.counters,
    steps: run.steps,
  };
}

function traceAgrees({ handles }: Run, { core }: Diagnosis): boolean | null {
  const named = core
    .filter((e) => e.waitsFor.class === "jbd2_handle")
    .flatMap((e) => e.heldBy.flatMap((h) => h.pid ?? []));
  if (handles === undefined || named.length === 0) return null;
  const holds = (pid: number): boolean => handles.open.some((h) => h.pid === pid);
  if (named.some((pid) => !holds(pid) && handles.followed.has(pid))) return false;
  return named.every(holds) ? true : null;
}

/** The whole field. */
export function labDocument(s: Settings, tools: Tools, judged: readonly Judged[], shown: number): LabDocument {
  return {
    scenario: s.scenario.name,
    cgroup: s.cgroup,
    parameters: s.parameters,
    kernelPackage: tools.kernel.packaged,
    emulator: tools.qemu.version,
    shown,
    runs: judged.map(runDocument),
    ...(judged.length > 1 ? { spread: spreads(judged.map((j) => j.run.counters)) } : {}),
  };
}

/** The most telling run: the first with the gravest verdict. */
export function mostTelling(judged: readonly Judged[]): number {
  const grave = (j: Judged): number => {
    if (["deadlock", "livelock", "lost-io", "missed-wakeup"].includes(j.diagnosis.verdict)) return 2;
    return j.diagnosis.verdict === "slow" ? 1 : 0;
  };
  const grades = judged.map(grave);
  return grades.indexOf(Math.max(...grades));
}
