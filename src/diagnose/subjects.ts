/**
 * From printings of tasks to tasks: one subject per pid (or per bare stack), its printings in order, and the
 * one that describes it now.
 */
import type { Evidence, HeldLockList, TaskRecord } from "../evidence/types.ts";
import type { Interpreter, StackMeaning } from "../knowledge/interpret.ts";
import type { ContextKind } from "../waits/types.ts";
import { isEntryFrame } from "../knowledge/frames/entry.ts";
import { RECLAIM_FRAMES } from "./reclaim-frames.ts";
import type { ContextRef } from "./types.ts";

/** How long a context has been where it is. */
export type Persistence =
  /** Reported hung, or seen unmoved in snapshots apart in time. */
  | "stuck"
  /** Pasted without any clock: taken from a host somebody calls hung. */
  | "as-reported"
  /** Seen once, at a moment; says nothing about a minute later. */
  | "moment"
  /** Seen elsewhere in an earlier printing: it got where it is in between. */
  | "moved";

export interface Subject {
  readonly key: string;
  readonly ref: ContextRef;
  /** Chronological. */
  readonly records: readonly TaskRecord[];
  readonly now: TaskRecord;
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
  const lastComplete = completeSnapshots(evidence);
  const out: Subject[] = [];
  for (const [key, records] of groups) {
    const now = clearest(records, interpreter);
    const meaning = interpreter.interpret(now.stack.names);
    const released = isReleased(now, evidence, lastComplete);
    const pid = now.pid;
    const list = pid === undefined ? undefined : locks.get(pid)?.findLast((l) => isOf(l, records));
    const seconds = Math.max(0, ...records.map((r) => r.blockedSeconds ?? 0));
    out.push({
      key,
      ref: refOf(key, records, now),
      records,
      now,
      meaning,
      persistence: persistenceOf(records, now, evidence, interpreter),
      blocked: isBlocked(now),
      released,
      ...(list && { locks: list }),
      ...(seconds > 0 && { blockedSeconds: seconds }),
      count: Math.max(1, ...records.map((r) => r.count ?? 1)),
    });
  }
  return out;
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
  return withStack.findLast((r) => entry(r) === entry(last) && r.state === last.state && isClear(r, interpreter)) ?? last;
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

function completeSnapshots(evidence: Evidence): { index: number; pids: Set<number> }[] {
  const truncated = new Set(evidence.tasks.filter((t) => t.truncated).map((t) => t.snapshot));
  return evidence.snapshots
    .map((s, index) => ({ s, index }))
    .filter(({ s, index }) => s.complete && !truncated.has(index))
    .map(({ index }) => ({
      index,
      pids: new Set(evidence.tasks.filter((t) => t.snapshot === index && t.pid !== undefined).map((t) => t.pid!)),
    }));
}

/** Blocked tasks are all in a complete dump; one that a later dump does not name has gone on. */
function isReleased(now: TaskRecord, evidence: Evidence, complete: { index: number; pids: Set<number> }[]): boolean {
  if (now.pid === undefined || now.state === "S" || now.state === "R" || now.state === "I") return false;
  return complete.some(({ index, pids }) => {
    const s = evidence.snapshots[index]!;
    const later = s.input === now.input && s.line > now.line && index !== now.snapshot;
    return later && !pids.has(now.pid!);
  });
}

function isBlocked(r: TaskRecord): boolean {
  if (r.state === "D" || r.blockedSeconds !== undefined) return true;
  if (r.state === "R") return r.stack.names.some((n) => RECLAIM_FRAMES.has(n));
  if (r.state !== undefined) return false;
  return true;
}

function persistenceOf(records: readonly TaskRecord[], now: TaskRecord, evidence: Evidence, interp: Interpreter): Persistence {
  const place = (r: TaskRecord) => whereOf(r, interp.interpret(r.stack.names));
  const here = place(now);
  const earlier = records.filter((r) => r !== now && r.stack.names.length > 0);
  // Reported hung, and nowhere else since.
  const hung = records.filter((r) => r.blockedSeconds !== undefined);
  const lastHung = hung.at(-1);
  if (lastHung) {
    const after = records.slice(records.indexOf(lastHung));
    if (after.every((r) => r.stack.names.length === 0 || place(r) === here || r === lastHung)) return "stuck";
  }
  const sameEarlier = earlier.filter((r) => place(r) === here && r.snapshot !== now.snapshot);
  const first = sameEarlier[0];
  if (first) {
    if (userContextChanged(first, now) || wasGone(first, now, evidence)) return "moved";
    if (apart(first, now, evidence)) return "stuck";
  }
  if (earlier.some((r) => place(r) !== here)) return "moved";
  const snap = evidence.snapshots[now.snapshot];
  const clocked = now.time !== undefined || snap?.time !== undefined;
  const live = snap?.kind === "sysrq-w" || snap?.kind === "sysrq-t" || snap?.kind === "proc-stack";
  if (clocked && live) return "moment";
  return "as-reported";
}

/** A complete dump in between does not show it: it was not blocked then. */
function wasGone(a: TaskRecord, b: TaskRecord, evidence: Evidence): boolean {
  if (a.input !== b.input || a.pid === undefined) return false;
  return evidence.snapshots.some((s, i) => {
    const between = s.complete && s.input === a.input && s.line > a.line && s.line < b.line && i !== a.snapshot && i !== b.snapshot;
    return between && !evidence.tasks.some((t) => t.snapshot === i && t.pid === a.pid);
  });
}

/**
 * Same wait, not same instruction: a `?` frame, an offset or a trampoline in place of a caller does not mean that a task
 * moved. A reclaim loop is one place, whichever of its steps a dump happens to catch; a wait without a time-out inside it is
 * another. The outermost own frame (system call, fault, worker) tells one operation from the next.
 */
function whereOf(r: TaskRecord, m: StackMeaning): string {
  const { names } = r.stack;
  const operation = operationOf(r);
  const loops = m.state !== "waiting" || m.wait === undefined || m.wait.sleep === "poll" || m.wait.sleep === "timed";
  if (loops && names.some((n) => RECLAIM_FRAMES.has(n))) return `reclaim/${operation}`;
  return m.wait ? `${m.wait.class}/${m.wait.id ?? ""}/${operation}` : m.state;
}

/** The outermost own frame: system call, fault, worker function. */
function operationOf(r: TaskRecord): string {
  return r.stack.names.findLast((n) => !isEntryFrame(n)) ?? "";
}

/** User-mode registers are frozen while a task sits in one system call or fault. */
function userContextChanged(a: TaskRecord, b: TaskRecord): boolean {
  return a.userRegs !== undefined && b.userRegs !== undefined && a.userRegs !== b.userRegs;
}

const APART_SECONDS = 5;

function apart(a: TaskRecord, b: TaskRecord, evidence: Evidence): boolean {
  const t = (r: TaskRecord) => r.time ?? evidence.snapshots[r.snapshot]?.time;
  const [x, y] = [t(a), t(b)];
  if (x !== undefined && y !== undefined) return Math.abs(y - x) >= APART_SECONDS;
  return a.input !== b.input;
}

function refOf(key: string, records: readonly TaskRecord[], now: TaskRecord): ContextRef {
  // dstacks-like collections print the worker's current job after '+'; the log prints the plain name.
  const comm = records.map((r) => r.comm).find((c) => c !== undefined && c !== "") ?? undefined;
  const line = now.line;
  return {
    key,
    kind: kindOf(comm),
    ...(now.pid !== undefined && { pid: now.pid }),
    ...(comm !== undefined && { comm: comm.replace(/\+.*$/, (s) => (comm.startsWith("kworker/") || /^u?\d+:\d+/.test(comm) ? "" : s)) }),
    ...(now.cpu !== undefined && { cpu: now.cpu }),
    input: now.input,
    line,
  };
}

function kindOf(comm: string | undefined): ContextKind {
  return comm !== undefined && /^(kworker\/|u?\d+:\d+H?\+)/.test(comm) ? "kworker" : "task";
}
