/**
 * What several printings of one task say about time: has it been there all along, did it go on in between, is it gone?
 */
import type { Evidence, TaskRecord } from "../evidence/types.ts";
import { isEntryFrame } from "../knowledge/frames/entry.ts";
import type { Interpreter, StackMeaning } from "../knowledge/interpret.ts";
import { RECLAIM_FRAMES } from "./reclaim-frames.ts";

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

/** Two printings of one wait, this far apart, are not one moment. */
const APART_SECONDS = 5;

interface Dump {
  readonly index: number;
  readonly line: number;
  readonly pids: ReadonlySet<number>;
}

/** The dumps of the evidence in order, and what they say of one task. */
export class Timeline {
  /** Dumps that show every blocked task, by input, in order. */
  readonly #dumps: ReadonlyMap<number, readonly Dump[]>;
  readonly #evidence: Evidence;
  readonly #interpreter: Interpreter;

  constructor(evidence: Evidence, interpreter: Interpreter) {
    this.#evidence = evidence;
    this.#interpreter = interpreter;
    this.#dumps = completeDumps(evidence);
  }

  /** Blocked tasks are all in a complete dump; one that the last dump does not name has gone on. */
  isReleased(now: TaskRecord): boolean {
    if (now.pid === undefined || now.state === "S" || now.state === "R" || now.state === "I") return false;
    const last = this.#dumps.get(now.input)?.at(-1);
    return last !== undefined && last.index !== now.snapshot && last.line > now.line && !last.pids.has(now.pid);
  }

  /** How long the task has been where its printing `now` shows it. */
  persistenceOf(records: readonly TaskRecord[], now: TaskRecord): Persistence {
    const here = this.#place(now);
    if (this.#stuckSinceReport(records, here)) return "stuck";
    const earlier = records.filter((r) => r !== now && r.stack.names.length > 0);
    const first = earlier.find((r) => r.snapshot !== now.snapshot && this.#place(r) === here);
    if (first) {
      if (userContextChanged(first, now) || this.#wasGone(first, now)) return "moved";
      if (this.#apart(first, now)) return "stuck";
    }
    if (earlier.some((r) => this.#place(r) !== here)) return "moved";
    const snapshot = this.#evidence.snapshots[now.snapshot];
    const clocked = now.time !== undefined || snapshot?.time !== undefined;
    const live = snapshot?.kind === "sysrq-w" || snapshot?.kind === "sysrq-t" || snapshot?.kind === "proc-stack";
    return clocked && live ? "moment" : "as-reported";
  }

  /** Reported hung, and nowhere else since. */
  #stuckSinceReport(records: readonly TaskRecord[], here: string): boolean {
    const at = records.findLastIndex((r) => r.blockedSeconds !== undefined);
    if (at < 0) return false;
    const report = this.#interpreter.interpret(records[at]!.stack.names);
    const torn = report.wait === undefined || report.wait.class === "unknown";
    if (!torn && this.#place(records[at]!) !== here) return false;
    return records.slice(at + 1).every((r) => r.stack.names.length === 0 || this.#place(r) === here);
  }

  /**
   * Same wait, not same instruction: a `?` frame, an offset or a trampoline in place of a caller does not mean that a task
   * moved. A reclaim loop is one place, whichever of its steps a dump happens to catch; a wait without a time-out inside it is
   * another. The outermost own frame (system call, fault, worker) tells one operation from the next.
   */
  #place(r: TaskRecord): string {
    const m = this.#interpreter.interpret(r.stack.names);
    const operation = r.stack.names.findLast((n) => !isEntryFrame(n)) ?? "";
    if (isLoop(m) && r.stack.names.some((n) => RECLAIM_FRAMES.has(n))) return `reclaim/${operation}`;
    return m.wait ? `${m.wait.class}/${m.wait.id ?? ""}/${operation}` : m.state;
  }

  /** A complete dump in between does not show it: it was not blocked then. */
  #wasGone(a: TaskRecord, b: TaskRecord): boolean {
    if (a.input !== b.input || a.pid === undefined) return false;
    const pid = a.pid;
    return (this.#dumps.get(a.input) ?? []).some(
      (d) => d.line > a.line && d.line < b.line && d.index !== a.snapshot && d.index !== b.snapshot && !d.pids.has(pid),
    );
  }

  #apart(a: TaskRecord, b: TaskRecord): boolean {
    const time = (r: TaskRecord) => r.time ?? this.#evidence.snapshots[r.snapshot]?.time;
    const [x, y] = [time(a), time(b)];
    if (x !== undefined && y !== undefined) return Math.abs(y - x) >= APART_SECONDS;
    return a.input !== b.input;
  }
}

function completeDumps(evidence: Evidence): Map<number, Dump[]> {
  const pids = new Map<number, Set<number>>();
  const cut = new Set<number>();
  for (const t of evidence.tasks) {
    if (t.truncated) cut.add(t.snapshot);
    if (t.pid === undefined) continue;
    const set = pids.get(t.snapshot);
    if (set) set.add(t.pid);
    else pids.set(t.snapshot, new Set([t.pid]));
  }
  const out = new Map<number, Dump[]>();
  evidence.snapshots.forEach((s, index) => {
    if (!s.complete || cut.has(index)) return;
    const list = out.get(s.input) ?? [];
    list.push({ index, line: s.line, pids: pids.get(index) ?? new Set() });
    out.set(s.input, list);
  });
  return out;
}

/** Sleeps that a loop makes on its way round. */
const STEPS: ReadonlySet<string> = new Set(["poll", "timed", "spin"]);

function isLoop(m: StackMeaning): boolean {
  return m.state !== "waiting" || m.wait === undefined || STEPS.has(m.wait.sleep);
}

/** User-mode registers are frozen while a task sits in one system call or fault. */
function userContextChanged(a: TaskRecord, b: TaskRecord): boolean {
  return a.userRegs !== undefined && b.userRegs !== undefined && a.userRegs !== b.userRegs;
}
