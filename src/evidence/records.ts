/**
 * The task records that are being read: headers open them, frames go to them, the next header closes them.
 *
 * All stack formats share this, because a header of one ends the record of another, and because the lines of two
 * CPUs come interleaved: there is one open record per printk caller id.
 */
import {
  createFrameParser,
  type FrameParser,
  type IndexedFrameLine,
  isEntrySymbol,
  isOutermostSymbol,
  ownCopy,
} from "./frames.ts";
import type { EvidenceSink, LogLine } from "./reader.ts";
import type { Frame, Snapshot, TaskRecord, TaskState } from "./types.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] | undefined };

/** What a header says about its task. */
export type HeaderFields = Partial<
  Mutable<
    Pick<
      TaskRecord,
      | "pid"
      | "tgid"
      | "ppid"
      | "comm"
      | "cpu"
      | "state"
      | "blockedSeconds"
      | "workqueue"
      | "likelyOwner"
      | "title"
      | "wchan"
      | "count"
    >
  >
>;

/** A record whose lines are still coming. */
export interface OpenRecord {
  format: string;
  snapshot: number;
  fields: HeaderFields;
  readonly line: number;
  lastLine: number;
  readonly time: number | undefined;
  lastTime: number | undefined;
  readonly frames: Frame[];
  readonly frameLines: number[];
  /** Started by a frame or a bare `Call Trace:`, not by a header. */
  readonly bare: boolean;
  form: string | undefined;
  /** `Call Trace:` was printed. */
  trace: boolean;
  /** Inside `<TASK>`. */
  taskMark: boolean;
  /** Its end was printed: `</TASK>`, or the end marker of /proc/PID/stack. */
  ended: boolean;
  lastIndex: number | undefined;
  /** Hash of the user-mode registers so far. */
  userRegs: number | undefined;
  /** A blank line, or a line no reader knows, came after the last frame. */
  blank: boolean;
  prose: boolean;
}

/** Kinds of {@link Snapshot}. */
export type SnapshotKind = Snapshot["kind"];

interface KnownSnapshot {
  readonly index: number;
  readonly pids: Set<number>;
  lastTime: number | undefined;
}

/** Where headers and frames of one input go. */
export interface TaskRecords {
  readonly parser: FrameParser;
  /** Opens a record and closes the one that was open for this caller. */
  open(l: LogLine, format: string, snapshot: number, fields: HeaderFields): OpenRecord;
  /** The open record of the line's caller. */
  current(l: LogLine): OpenRecord | undefined;
  frame(l: LogLine, f: IndexedFrameLine): void;
  callTrace(l: LogLine): void;
  /** A line that belongs to the open record (registers, stack dump, code). */
  belongs(l: LogLine): void;
  /** A line of registers of the open record. */
  registers(l: LogLine, at: number): void;
  /** A line that is not part of any stack; it may be the title of the next one. */
  prose(l: LogLine): void;
  blank(l: LogLine): void;
  /** `[ cut here ]`: a warning, raised by the printing of a stack itself, interrupts it. */
  interrupt(l: LogLine): void;
  /** `[ end trace ]`: the interrupted stack goes on. */
  resume(l: LogLine): void;
  /** Text of a line directly before `l` that no reader knew. */
  titleBefore(l: LogLine): string | undefined;
  /**
   * The snapshot of this kind that `pid` belongs to: the last one, unless this pid is in it already or the time
   * since its last line is longer than `gapSeconds`.
   */
  snapshotFor(kind: SnapshotKind, l: LogLine, pid: number | undefined, gapSeconds?: number): number;
  /** Begins a dump whose header was printed: task headers that follow belong to it. */
  beginDump(kind: SnapshotKind, format: string, l: LogLine): void;
  endDump(): void;
  /** The dump that a task header at `l` belongs to, or undefined. */
  dumpFor(l: LogLine, pid: number | undefined): { readonly snapshot: number; readonly format: string } | undefined;
  end(): void;
}

/** FNV-1a: equal registers give equal numbers; two that differ collide once in four billion. */
function hash(text: string, from: number, seed: number): number {
  let h = seed ^ 0x811c9dc5;
  for (let i = from; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h;
}

/** Nobody has stacks this deep; more frames than this are a loop in the input. */
const MAX_FRAMES = 2000;
const MAX_CALLERS = 4096;
/** Lines of one dump are never this far apart, not even on a slow serial console. */
const DUMP_GAP_SECONDS = 60;
/** Frames of one stack are not this far apart. */
const STACK_GAP_SECONDS = 10;

const FORMAT_OF_FORM: Readonly<Record<string, { readonly format: string; readonly kind: SnapshotKind }>> = {
  proc: { format: "proc-stack", kind: "proc-stack" },
  crash: { format: "crash-bt", kind: "crash-bt" },
  drgn: { format: "drgn", kind: "crash-bt" },
};
const BARE = { format: "bare-stack", kind: "other" } as const;

const isComplete = (o: OpenRecord): boolean => {
  const last = o.frames[o.frames.length - 1];
  return o.ended || (last !== undefined && isEntrySymbol(last.symbol));
};

/** Nothing can follow: the stack's last possible frame was printed. */
const isOver = (o: OpenRecord): boolean => {
  const last = o.frames[o.frames.length - 1];
  return o.ended || (last !== undefined && isOutermostSymbol(last.symbol));
};

/** What stands before a stack and says what it is; other text before a stack is somebody's prose. */
const TITLE =
  /:$|^(?:WARNING|BUG|INFO|watchdog|Kernel panic|NMI|rcu)|oom-killer|allocation (?:failure|stall)|lockup|\bstall/;
/** The stack of whoever prints the message: it runs. */
const RUNNING_TITLE = /invoked oom-killer|^(?:WARNING|BUG): |abled at|page allocation/;

/** `2159`, `pid 123 (comm)`, `comm (123)`, `comm:123`: who a bare stack belongs to. */
export const whoFromTitle = (title: string): { readonly pid?: number; readonly comm?: string } => {
  const t = title.trim();
  let m = /^(\d{1,7}):?$/.exec(t) ?? /\b[Pp][Ii][Dd][ =:]+(\d{1,7})$/.exec(t);
  if (m) return { pid: Number(m[1]) };
  m =
    /^(?:.*\b)?[Pp][Ii][Dd][ =:]*(\d{1,7})\s*[:,-]?\s*\(([^)]{1,20})\)/.exec(t) ??
    /^(\d{1,7})\s*[:,-]?\s*\(([^)]{1,20})\):?$/.exec(t);
  if (m) return { pid: Number(m[1]), comm: m[2]! };
  m =
    /^([^\s:=](?:(?!: )[^=]){0,23}?) ?\((?:[Pp][Ii][Dd][ =:]*)?(\d{1,7})\):?$/.exec(t) ??
    /^(?=\S*[A-Za-z])(\S[^\s=]{0,22}?)[:](\d{1,7}):?$/.exec(t);
  return m ? { pid: Number(m[2]), comm: m[1]! } : {};
};

const addDefined = (to: Record<string, unknown>, from: HeaderFields): void => {
  for (const k in from) {
    const value = from[k as keyof HeaderFields];
    if (value !== undefined) to[k] = value;
  }
};

const createTaskRecords = (sink: EvidenceSink, parser: FrameParser): TaskRecords => {
  const open = new Map<string, OpenRecord>();
  const interrupted = new Map<string, OpenRecord>();
  const last = new Map<SnapshotKind, KnownSnapshot>();
  const known = new Map<number, KnownSnapshot>();
  let dump: { readonly snapshot: KnownSnapshot; readonly format: string } | undefined;
  let title: { readonly text: string; readonly number: number } | undefined;

  const newSnapshot = (kind: SnapshotKind, l: LogLine, complete: boolean): KnownSnapshot => {
    const index = sink.snapshot({ kind, line: l.number, ...(l.time === undefined ? {} : { time: l.time }), complete });
    const made: KnownSnapshot = { index, pids: new Set(), lastTime: l.time };
    known.clear();
    for (const s of last.values()) known.set(s.index, s);
    if (dump) known.set(dump.snapshot.index, dump.snapshot);
    known.set(index, made);
    return made;
  };

  const close = (o: OpenRecord, atEnd: boolean): void => {
    const k = known.get(o.snapshot);
    if (k && o.lastTime !== undefined) k.lastTime = o.lastTime;
    if (o.bare && o.frames.length === 0) return;
    const running = o.fields.state === "R";
    const truncated = !isComplete(o) && (o.taskMark || (atEnd && !(running && o.frames.length === 0)));
    sink.saw(o.format);
    const t: Mutable<Omit<TaskRecord, "input">> = {
      line: o.line,
      lastLine: o.lastLine,
      snapshot: o.snapshot,
      format: o.format,
      stack: sink.stack(o.frames),
      // Exactly as long as needed: there may be 100,000 of them.
      frameLines: o.frameLines.slice(),
    };
    addDefined(t, o.fields);
    if (o.time !== undefined) t.time = o.time;
    if (truncated) t.truncated = true;
    if (o.userRegs !== undefined) t.userRegs = (o.userRegs >>> 0).toString(36);
    sink.task(t as Omit<TaskRecord, "input">);
  };

  const begin = (l: LogLine, format: string, snapshot: number, fields: HeaderFields, bare: boolean): OpenRecord => {
    const caller = l.caller ?? "";
    const before = open.get(caller);
    let frames: Frame[] = [];
    let frameLines: number[] = [];
    if (before) {
      close(before, false);
      // Nobody else has these arrays; growing new ones for each record costs more than reading it.
      ({ frames, frameLines } = before);
      frames.length = 0;
      frameLines.length = 0;
    }
    if (open.size >= MAX_CALLERS) {
      const [oldest, record] = open.entries().next().value!;
      close(record, false);
      open.delete(oldest);
    }
    const o: OpenRecord = {
      format,
      snapshot,
      fields,
      line: l.number,
      lastLine: l.number,
      time: l.time,
      lastTime: l.time,
      frames,
      frameLines,
      bare,
      form: undefined,
      trace: false,
      taskMark: false,
      ended: false,
      lastIndex: undefined,
      userRegs: undefined,
      blank: false,
      prose: false,
    };
    open.set(caller, o);
    title = undefined;
    return o;
  };

  const titleBefore = (l: LogLine): string | undefined =>
    title !== undefined && l.number - title.number <= 2 ? ownCopy(title.text.trim().slice(0, 120)) : undefined;

  const snapshotFor = (kind: SnapshotKind, l: LogLine, pid: number | undefined, gapSeconds?: number): number => {
    const previous = last.get(kind);
    const late =
      gapSeconds !== undefined &&
      l.time !== undefined &&
      previous?.lastTime !== undefined &&
      Math.abs(l.time - previous.lastTime) > gapSeconds;
    let s = previous;
    if (!s || late || (pid !== undefined && pid > 0 && s.pids.has(pid))) {
      s = newSnapshot(kind, l, false);
      last.set(kind, s);
      known.set(s.index, s);
    }
    if (pid !== undefined) s.pids.add(pid);
    if (l.time !== undefined) s.lastTime = l.time;
    return s.index;
  };

  const beginBare = (l: LogLine, form: string | undefined): OpenRecord => {
    const { format, kind } = (form !== undefined ? FORMAT_OF_FORM[form] : undefined) ?? BARE;
    const text = titleBefore(l);
    const who = text === undefined ? {} : whoFromTitle(text);
    const named = form === "proc" || (who.pid !== undefined && who.comm !== undefined) ? who : {};
    const fields: HeaderFields = {
      ...named,
      ...(text === undefined || named.pid !== undefined || !TITLE.test(text) ? {} : { title: text }),
    };
    if (text !== undefined && RUNNING_TITLE.test(text)) fields.state = "R";
    const o = begin(l, format, snapshotFor(kind, l, fields.pid), fields, true);
    o.form = form;
    return o;
  };

  /** True when frame `f` cannot belong to record `o`. */
  const startsAnother = (o: OpenRecord, l: LogLine, f: IndexedFrameLine): boolean => {
    if (f.count !== undefined) return true;
    const form = f.line.form;
    const numbered = form === "crash" || form === "drgn";
    if (o.frames.length === 0) {
      // A header waits for its frames; crash's headers only for numbered ones and the other way round.
      if (o.bare || o.trace) return numbered && !o.bare;
      return (o.format === "crash-bt") !== numbered && (numbered || o.format === "crash-bt");
    }
    if (numbered !== (o.form === "crash" || o.form === "drgn")) return true;
    if (numbered) {
      if (f.index === undefined || o.lastIndex === undefined) return false; // [exception RIP: ...]
      if (f.index === o.lastIndex + 1) return false;
      return f.index <= o.lastIndex || o.blank || o.prose;
    }
    if ((form === "proc") !== (o.form === "proc")) return true;
    if (o.ended) return true;
    // `grep over_high /proc/*/stack`: a sleeping function cannot have called itself from where it sleeps.
    if (form === "proc")
      return o.blank || o.prose || (o.bare && o.frames.length === 1 && o.frames[0] === f.line.frames[0]);
    if (o.bare && o.blank) return true;
    const late = l.time !== undefined && o.lastTime !== undefined && Math.abs(l.time - o.lastTime) > STACK_GAP_SECONDS;
    if (!(late || o.blank || o.prose) || !isOver(o)) return false;
    const f0 = f.line.frames[0];
    // Behind `ret_from_fork` there may still come `? kthread` and `ret_from_fork_asm`.
    return f0 !== undefined && !f0.unreliable && !isEntrySymbol(f0.symbol);
  };

  return {
    parser,
    open(l, format, snapshot, fields) {
      const waiting = format === "cpu-stack" ? undefined : interrupted.get(l.caller ?? "");
      if (waiting) {
        // The end of the warning was lost.
        close(waiting, false);
        interrupted.delete(l.caller ?? "");
      }
      return begin(l, format, snapshot, fields, false);
    },
    current: (l) => open.get(l.caller ?? ""),
    frame(l, f) {
      let o = open.get(l.caller ?? "");
      if (f.line.form === "end") {
        if (!o) return;
        o.ended = true;
        o.lastLine = l.number;
        return;
      }
      if (!o || startsAnother(o, l, f)) {
        o = beginBare(l, f.line.form);
        if (f.count !== undefined) o.fields.count = f.count;
      }
      if (o.form === undefined || o.form === "inline") o.form = f.line.form;
      if (f.index !== undefined) o.lastIndex = f.index;
      o.lastLine = l.number;
      o.lastTime = l.time ?? o.lastTime;
      o.blank = false;
      o.prose = false;
      const frames = f.line.frames;
      // arm32 prints callee and caller: the caller of one line is the callee of the next.
      const from = frames.length === 2 && o.frames[o.frames.length - 1]?.symbol === frames[0]?.symbol ? 1 : 0;
      for (let i = from; i < frames.length && o.frames.length < MAX_FRAMES; i++) {
        o.frames.push(frames[i]!);
        o.frameLines.push(l.number);
      }
    },
    callTrace(l) {
      let o = open.get(l.caller ?? "");
      if (!o || o.trace || o.frames.length > 0 || o.ended) o = beginBare(l, undefined);
      o.trace = true;
      o.lastLine = l.number;
      o.lastTime = l.time ?? o.lastTime;
    },
    belongs(l) {
      const o = open.get(l.caller ?? "");
      if (o && !o.blank && !o.prose) o.lastLine = l.number;
    },
    registers(l, at) {
      const o = open.get(l.caller ?? "");
      if (!o || o.blank || o.prose) return;
      o.lastLine = l.number;
      // User mode on x86: code segment 0x33 (64 bit) or 0x23 (compat).
      if (o.userRegs === undefined && !/^RIP: 00[23]3:/.test(l.text.slice(at, at + 10))) return;
      o.userRegs = hash(l.text, at, o.userRegs ?? 0);
    },
    prose(l) {
      title = { text: l.text, number: l.number };
      const o = open.get(l.caller ?? "");
      if (o) o.prose = true;
    },
    blank(l) {
      const o = open.get(l.caller ?? "");
      if (o) o.blank = true;
    },
    interrupt(l) {
      const caller = l.caller ?? "";
      const o = open.get(caller);
      if (!o || o.bare || isOver(o) || interrupted.has(caller) || interrupted.size >= MAX_CALLERS) return;
      interrupted.set(caller, o);
      open.delete(caller);
    },
    resume(l) {
      const caller = l.caller ?? "";
      const o = interrupted.get(caller);
      if (!o) return;
      const warning = open.get(caller);
      if (warning) close(warning, false);
      interrupted.delete(caller);
      open.set(caller, o);
    },
    titleBefore,
    snapshotFor,
    beginDump(kind, format, l) {
      const o = open.get(l.caller ?? "");
      if (o) {
        close(o, false);
        open.delete(l.caller ?? "");
      }
      sink.saw(format);
      dump = undefined;
      dump = { snapshot: newSnapshot(kind, l, kind === "sysrq-w" || kind === "sysrq-t"), format };
      title = undefined;
    },
    endDump() {
      dump = undefined;
    },
    dumpFor(l, pid) {
      if (!dump) return undefined;
      const s = dump.snapshot;
      const late = l.time !== undefined && s.lastTime !== undefined && Math.abs(l.time - s.lastTime) > DUMP_GAP_SECONDS;
      if (late || (pid !== undefined && pid > 0 && s.pids.has(pid))) {
        dump = undefined;
        return undefined;
      }
      if (pid !== undefined) s.pids.add(pid);
      if (l.time !== undefined) s.lastTime = l.time;
      return { snapshot: s.index, format: dump.format };
    },
    end() {
      for (const o of open.values()) close(o, true);
      for (const o of interrupted.values()) close(o, true);
      open.clear();
      interrupted.clear();
      last.clear();
      known.clear();
      dump = undefined;
    },
  };
};

const attached = new WeakMap<EvidenceSink, TaskRecords>();

/** The open records of the input that `sink` stands for; the first caller may bring the frame parser. */
export const recordsOf = (sink: EvidenceSink, parser?: FrameParser): TaskRecords => {
  let records = attached.get(sink);
  if (!records) {
    records = createTaskRecords(sink, parser ?? createFrameParser((f) => f));
    attached.set(sink, records);
  }
  return records;
};

/** State letter of a header; kernels before v4.14 also print `x`. */
export const taskState = (letter: string | undefined): TaskState | undefined => {
  if (letter === undefined) return undefined;
  if ("RSDTtXZPIWK".includes(letter)) return letter as TaskState;
  return letter === "x" ? "X" : undefined;
};
