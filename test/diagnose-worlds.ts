/** Small worlds for the unit tests of diagnosis: evidence, subjects and parties made by hand, and logs from stacks. */
import { progressOf } from "../src/diagnose/progress.ts";
import type { Subject } from "../src/diagnose/subjects.ts";
import type { Have, Party, Want, World } from "../src/diagnose/wants.ts";
import type { Evidence, Frame, HeldLockList, Snapshot, Stack, TaskRecord } from "../src/evidence/types.ts";
import type { StackMeaning, WaitMeaning } from "../src/knowledge/interpret.ts";

type Loose<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** `? foo`, `foo [mod]`, `foo+0x1/0x2`, or a plain name. */
export function frame(text: string): Frame {
  const m = /^(\? )?([^\s+]*)(?:\+0x([0-9a-f]+)\/0x([0-9a-f]+))?(?: \[(\w+)\])?$/.exec(text);
  if (!m) throw new Error(`no frame: ${text}`);
  return {
    symbol: m[2]!,
    ...(m[1] && { unreliable: true }),
    ...(m[3] !== undefined && { offset: Number.parseInt(m[3], 16), size: Number.parseInt(m[4]!, 16) }),
    ...(m[5] !== undefined && { module: m[5] }),
  };
}

/** A stack, innermost frame first. */
export function stack(frames: readonly string[], id = 0): Stack {
  const parsed = frames.map(frame);
  return { id, frames: parsed, names: parsed.filter((f) => !f.unreliable && f.symbol !== "").map((f) => f.symbol) };
}

/** One printing of a task; line 1 of input 0 in snapshot 0 unless said otherwise. */
export function record(t: Loose<Omit<TaskRecord, "stack">> & { readonly frames?: readonly string[] }): TaskRecord {
  const { frames = [], ...rest } = t;
  const line = t.line ?? 1;
  return defined<TaskRecord>({
    input: 0,
    snapshot: 0,
    format: "test",
    lastLine: line + frames.length,
    ...rest,
    line,
    stack: stack(frames),
  });
}

export function snapshot(s: Loose<Snapshot> = {}): Snapshot {
  return defined<Snapshot>({ kind: "sysrq-w", input: 0, line: 0, complete: true, ...s });
}

export function evidence(e: Loose<Evidence> = {}): Evidence {
  return defined<Evidence>({
    inputs: [],
    snapshots: [snapshot()],
    tasks: [],
    heldLocks: [],
    ooms: [],
    samples: [],
    troubles: [],
    lockups: [],
    workqueues: [],
    scanControls: [],
    splats: [],
    unparsed: { count: 0 },
    cutLines: 0,
    compacted: 0,
    ...e,
  });
}

export function lockList(
  pid: number,
  locks: readonly (readonly [name: string, address?: string])[],
  l: Loose<HeldLockList> = {},
): HeldLockList {
  const line = l.line ?? 100;
  return defined<HeldLockList>({
    input: 0,
    pid,
    comm: `t${pid}`,
    ...l,
    line,
    locks: locks.map(([name, address], index) => ({
      index,
      name,
      line: line + 1 + index,
      ...(address !== undefined && { address }),
    })),
  });
}

export function waitMeaning(w: Loose<WaitMeaning> = {}): WaitMeaning {
  return defined<WaitMeaning>({
    class: "mutex",
    event: "unlock",
    scope: "lock",
    sleep: "uninterruptible",
    any: false,
    providers: ["holder"],
    frame: 0,
    fallback: false,
    source: "test",
    ...w,
  });
}

export function meaning(m: Loose<StackMeaning> = {}): StackMeaning {
  return defined<StackMeaning>({ state: "waiting", holds: [], doing: [], unknown: [], ...m });
}

export interface SubjectOptions extends Loose<Omit<Subject, "now" | "records">> {
  readonly pid?: number | undefined;
  readonly comm?: string | undefined;
  readonly line?: number | undefined;
  readonly frames?: readonly string[] | undefined;
  readonly now?: Loose<Omit<TaskRecord, "stack">> | undefined;
}

/** A blocked task in state D, known to be stuck. */
export function subject(o: SubjectOptions = {}): Subject {
  const { pid, comm, line = (pid ?? 1) * 10, frames = [], now: extra, ...rest } = o;
  const now = record({ pid, comm, line, frames, state: "D", ...extra });
  const ref = defined<Subject["ref"]>({
    key: pid === undefined ? `bare:${line}` : `pid:${pid}`,
    kind: "task",
    pid,
    comm,
    input: 0,
    line,
  });
  return defined<Subject>({
    key: ref.key,
    ref,
    records: [now],
    now,
    names: now.stack.names,
    meaning: meaning(),
    persistence: "stuck",
    blocked: true,
    released: false,
    count: 1,
    ...rest,
  });
}

export function want(w: Loose<Want> = {}): Want {
  return defined<Want>({
    class: "mutex",
    event: "unlock",
    scope: "lock",
    sleep: "uninterruptible",
    any: false,
    providers: ["holder"],
    because: "frame waiting",
    frame: 0,
    retries: false,
    inReclaim: false,
    fallback: false,
    ...w,
  });
}

export interface PartyOptions extends SubjectOptions {
  readonly want?: Loose<Want> | undefined;
  readonly haves?: readonly Loose<Have>[] | undefined;
  readonly place?: Party["place"] | undefined;
}

/** Parties in order; what each has carries its own index. */
export function parties(...all: readonly PartyOptions[]): Party[] {
  return all.map(({ want: w, haves = [], place = {}, ...s }, i) => ({
    subject: subject({ pid: i + 1, comm: `t${i + 1}`, ...s }),
    place,
    ...(w && { want: want(w) }),
    haves: haves.map((h) =>
      defined<Have>({
        subject: i,
        class: "mutex",
        scope: "lock",
        confidence: "proven",
        because: `held by ${i + 1}`,
        frame: 1,
        ...h,
      }),
    ),
  }));
}

export function world(all: readonly Party[], w: Loose<Omit<World, "parties">> = {}): World {
  return {
    parties: all,
    victims: w.victims ?? new Set(),
    listed: w.listed ?? new Map(),
    ...(w.pendingEndIo && { pendingEndIo: w.pendingEndIo }),
  };
}

/** Nothing is known of progress. */
export const noProgress = progressOf(evidence());

/** Two parties, each holding what the other waits for, each lock with an id of its own. */
export function abba(a: PartyOptions = {}, b: PartyOptions = {}): Party[] {
  return parties(
    { ...a, want: { id: "b", scope: "global", ...a.want }, haves: a.haves ?? [{ id: "a", scope: "global" }] },
    { ...b, want: { id: "a", scope: "global", ...b.want }, haves: b.haves ?? [{ id: "b", scope: "global" }] },
  );
}

export interface LogTask {
  readonly pid: number;
  readonly comm?: string;
  readonly state?: string;
  readonly frames: readonly string[];
  readonly workqueue?: string;
}

const stamp = (time: number | undefined): string => (time === undefined ? "" : `[${time.toFixed(6).padStart(12)}] `);

function body(t: LogTask, p: string): string[] {
  return [
    `${p}task:${(t.comm ?? `t${t.pid}`).padEnd(15)} state:${t.state ?? "D"} stack:0     pid:${t.pid}     ppid:2      flags:0x00004000`,
    ...(t.workqueue === undefined ? [] : [`${p}Workqueue: ${t.workqueue}`]),
    `${p}Call Trace:`,
    `${p} <TASK>`,
    ...t.frames.map((f) => `${p} ${f.includes("+0x") ? f : f.replace(/^((?:\? )?\w+)/, "$1+0x10/0x100")}`),
    `${p} </TASK>`,
  ];
}

/** A dump of SysRq-w (`Show Blocked State`) or SysRq-t (`Show State`). */
export function sysrq(time: number | undefined, tasks: readonly LogTask[], title = "Show Blocked State"): string {
  const p = stamp(time);
  return `${[`${p}sysrq: ${title}`, ...tasks.flatMap((t) => body(t, p))].join("\n")}\n`;
}

/** A hung-task report. */
export function hung(time: number | undefined, t: LogTask): string {
  const p = stamp(time);
  const comm = t.comm ?? `t${t.pid}`;
  return `${[`${p}INFO: task ${comm}:${t.pid} blocked for more than 120 seconds.`, `${p}      Not tainted 6.1.0 #1`, ...body(t, p)].join("\n")}\n`;
}

function defined<T>(o: object): T {
  return Object.fromEntries(Object.entries(o).filter(([, v]) => v !== undefined)) as T;
}
