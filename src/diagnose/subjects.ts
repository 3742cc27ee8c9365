/**
 * From printings of tasks to tasks: one subject per pid (or per bare stack), its printings in order, and the
 * one that describes it now.
 */
import type { Evidence, HeldLockList, TaskRecord } from "../evidence/types.ts";
import { schedulerFrames } from "../knowledge/frames/scheduler.ts";
import type { Interpreter, StackMeaning } from "../knowledge/interpret.ts";
import type { ContextKind } from "../waits/types.ts";
import { RECLAIM_FRAMES } from "./reclaim-frames.ts";
import { type Persistence, Timeline } from "./timeline.ts";
import type { ContextRef } from "./types.ts";

export interface Subject {
  readonly key: string;
  readonly ref: ContextRef;
  /** Chronological. */
  readonly records: readonly TaskRecord[];
  readonly now: TaskRecord;
  /** Symbols the meaning was read from, innermost first. */
  readonly names: readonly string[];
  /** Every own frame is marked `?`: read all the same, but nothing is claimed from it. */
  readonly unreliable?: true;
  readonly meaning: StackMeaning;
  readonly persistence: Persistence;
  /** Blocked, or running inside reclaim, in its last printing. */
  readonly blocked: boolean;
  /** In a later complete dump it is not blocked any more. */
  readonly released: boolean;
  /** The last lock list of this pid. */
  readonly locks?: HeldLockList;
  readonly blockedSeconds?: number;
  /** Number of equal tasks this stands for. */
  readonly count: number;
}

/** All subjects of the evidence, in the order of their first printing. */
export function subjectsOf(evidence: Evidence, interpreter: Interpreter): Subject[] {
  const groups = groupRecords(evidence);
  const locks = lockLists(evidence);
  const timeline = new Timeline(evidence, interpreter);
  const out: Subject[] = [];
  for (const [key, records] of groups) {
    const now = clearest(records, interpreter);
    const unreliable = isUnreliable(now);
    const names = unreliable ? now.stack.frames.flatMap((f) => (f.symbol === "" ? [] : [f.symbol])) : now.stack.names;
    const meaning = unreliable ? weakened(interpreter.interpret(names)) : interpreter.interpret(names);
    const released = timeline.isReleased(now);
    const pid = now.pid;
    const list = pid === undefined ? undefined : locks.get(pid)?.findLast((l) => isOf(l, records));
    const seconds = Math.max(0, ...records.map((r) => r.blockedSeconds ?? 0));
    out.push({
      key,
      ref: refOf(key, records, now),
      records,
      now,
      names,
      ...(unreliable && { unreliable }),
      meaning,
      persistence: timeline.persistenceOf(records, now),
      blocked: isBlocked(now),
      released,
      ...(list && { locks: list }),
      ...(seconds > 0 && { blockedSeconds: seconds }),
      count: Math.max(1, ...records.map((r) => r.count ?? 1)),
    });
  }
  return out;
}

const SCHEDULER: ReadonlySet<string> = new Set(schedulerFrames);

/** The unwinder lost its way: below the scheduler it found nothing but `?` frames. */
function isUnreliable(r: TaskRecord): boolean {
  const { frames, names } = r.stack;
  return frames.length > names.length + 2 && names.every((n) => SCHEDULER.has(n));
}

function weakened(m: StackMeaning): StackMeaning {
  return { ...m, holds: m.holds.map((h) => ({ ...h, confidence: "possible" as const })) };
}

/** Later printings of one pid describe one task; stacks without pid stay apart. */
function groupRecords(evidence: Evidence): Map<string, TaskRecord[]> {
  const groups = new Map<string, TaskRecord[]>();
  const ordered = [...evidence.tasks].sort((a, b) => a.input - b.input || a.line - b.line);
  for (const r of ordered) {
    const key = r.pid === undefined ? `bare:${r.input}:${r.line}` : `pid:${r.pid}`;
    const list = groups.get(key);
    if (list) list.push(r);
    else groups.set(key, [r]);
  }
  return groups;
}

/** Console output tears stacks apart: of printings of one operation, the last that can be read. */
function clearest(records: readonly TaskRecord[], interpreter: Interpreter): TaskRecord {
  const withStack = records.filter((r) => r.stack.names.length > 0);
  const last = withStack.at(-1);
  if (!last) return records.at(-1)!;
  if (isClear(last, interpreter)) return last;
  const entry = (r: TaskRecord) => r.stack.names.slice(-2).join();
  return (
    withStack.findLast((r) => entry(r) === entry(last) && r.state === last.state && isClear(r, interpreter)) ?? last
  );
}

function isClear(r: TaskRecord, interpreter: Interpreter): boolean {
  const { wait, state } = interpreter.interpret(r.stack.names);
  return state === "running" || state === "idle" || (wait !== undefined && wait.class !== "unknown");
}

function lockLists(evidence: Evidence): Map<number, HeldLockList[]> {
  const out = new Map<number, HeldLockList[]>();
  for (const l of evidence.heldLocks) {
    const list = out.get(l.pid);
    if (list) list.push(l);
    else out.set(l.pid, [l]);
  }
  return out;
}

/** Lists are printed after the stacks they belong to; one before all of them is of another moment (a lockdep report). */
function isOf(l: HeldLockList, records: readonly TaskRecord[]): boolean {
  return records.some((r) => r.input === l.input && r.line < l.line);
}

function isBlocked(r: TaskRecord): boolean {
  if (r.state === "D" || r.blockedSeconds !== undefined) return true;
  if (r.state === "R") return r.stack.names.some((n) => RECLAIM_FRAMES.has(n));
  if (r.state !== undefined) return false;
  return true;
}

function refOf(key: string, records: readonly TaskRecord[], now: TaskRecord): ContextRef {
  // dstacks-like collections print the worker's current job after '+'; the log prints the plain name.
  const comm = records.map((r) => r.comm).find((c) => c !== undefined && c !== "") ?? undefined;
  const line = now.line;
  return {
    key,
    kind: kindOf(comm),
    ...(now.pid !== undefined && { pid: now.pid }),
    ...(comm !== undefined && {
      comm: comm.replace(/\+.*$/, (s) => (comm.startsWith("kworker/") || /^u?\d+:\d+/.test(comm) ? "" : s)),
    }),
    ...(now.cpu !== undefined && { cpu: now.cpu }),
    input: now.input,
    line,
  };
}

function kindOf(comm: string | undefined): ContextKind {
  return comm !== undefined && /^(kworker\/|u?\d+:\d+H?\+)/.test(comm) ? "kworker" : "task";
}
