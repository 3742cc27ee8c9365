/**
 * The task records that are being read: headers open them, frames go to them, the next header closes them.
 *
 * All stack formats share this, because a header of one ends the record of another, and because the lines of two
 * CPUs come interleaved: there is one open record per printk caller id.
 */
import { createFrameParser, type FrameParser, type IndexedFrameLine, ownCopy } from "./frames.ts";
import type { HeaderFields, Mutable, OpenRecord } from "./open-record.ts";
import type { EvidenceSink, LogLine } from "./reader.ts";
import { createSnapshots, type SnapshotKind, type Snapshots } from "./snapshots.ts";
import { isComplete, isOver, startsAnother } from "./stack-borders.ts";
import { RUNNING_TITLE, TITLE, whoFromTitle } from "./stack-titles.ts";
import type { Frame, TaskRecord } from "./types.ts";

/** Where headers and frames of one input go. */
export interface TaskRecords extends Pick<Snapshots, "snapshotFor" | "beginDump" | "endDump" | "dumpFor"> {
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

const FORMAT_OF_FORM: Readonly<Record<string, { readonly format: string; readonly kind: SnapshotKind }>> = {
  proc: { format: "proc-stack", kind: "proc-stack" },
  crash: { format: "crash-bt", kind: "crash-bt" },
  drgn: { format: "drgn", kind: "crash-bt" },
};
const BARE = { format: "bare-stack", kind: "other" } as const;

const addDefined = (to: Record<string, unknown>, from: HeaderFields): void => {
  for (const k in from) {
    const value = from[k as keyof HeaderFields];
    if (value !== undefined) to[k] = value;
  }
};

const createTaskRecords = (sink: EvidenceSink, parser: FrameParser): TaskRecords => {
  const open = new Map<string, OpenRecord>();
  const interrupted = new Map<string, OpenRecord>();
  const snapshots = createSnapshots(sink);
  const { snapshotFor, endDump, dumpFor } = snapshots;
  let title: { readonly text: string; readonly number: number } | undefined;

  const close = (o: OpenRecord, atEnd: boolean): void => {
    snapshots.printed(o.snapshot, o.lastTime);
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
      snapshots.beginDump(kind, format, l);
      title = undefined;
    },
    endDump,
    dumpFor,
    end() {
      for (const o of open.values()) close(o, true);
      for (const o of interrupted.values()) close(o, true);
      open.clear();
      interrupted.clear();
      snapshots.end();
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
