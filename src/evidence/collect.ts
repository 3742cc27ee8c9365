/**
 * The pipeline: bytes, decompressed, lines, mail undone, prefixes off, wrapped lines joined, readers asked in order.
 * Streaming: one line is held back at a time.
 */
import { type Compression, DEFAULT_LIMITS, type DecompressLimits, decompress } from "./decompress.ts";
import { FORMATS } from "./formats/index.ts";
import { createFrameParser, ownCopy } from "./frames.ts";
import type { EvidenceInput } from "./inputs.ts";
import { type JournalEntry, mayBeJournal, readJournalEntry } from "./journal.ts";
import { createLineSplitter, type OnLine } from "./lines.ts";
import { createQuotedPrintable, decodeEntities, isContinuation, joinWrapped, quoteLength } from "./mail.ts";
import { createStreams, originsOf, type Place } from "./origins.ts";
import { type Prefix, readPrefix } from "./prefixes.ts";
import type { Format, LineReader, LogLine } from "./reader.ts";
import { recordsOf, type TaskRecords } from "./records.ts";
import { type Bounds, type Collected, createSink, DEFAULT_BOUNDS, newCollected, settleOrigins } from "./sink.ts";
import type { Evidence, InputInfo } from "./types.ts";

/** Bounds and readers, for tests and for unusual inputs. */
export interface CollectOptions {
  readonly formats?: readonly Format[];
  readonly limits?: DecompressLimits;
  readonly bounds?: Bounds;
}

interface Unparsed {
  count: number;
  first: { readonly input: number; readonly line: number; readonly text: string } | undefined;
}

/** Nothing a kernel prints is wrapped into more pieces than this. */
const MAX_JOINED = 6;

interface HeldLine extends LogLine {
  text: string;
}

/** One literal per shape: objects that get their fields one by one are slower and larger. */
const heldLine = (text: string, number: number, time: number | undefined, caller: string | undefined): HeldLine => {
  if (caller === undefined) return time === undefined ? { text, number } : { text, number, time };
  return time === undefined ? { text, number, caller } : { text, number, time, caller };
};

/** Removes what terminals and mailers added to the bytes of a line. */
const clean = (text: string): string => {
  let s = text;
  if (s.charCodeAt(0) === 0xfeff) s = s.slice(1);
  if (s.includes("\x1b")) s = s.replace(/\x1b\[[\d;?]*[A-Za-z]/g, "").replaceAll("\x1b", "");
  if (s.includes("\0")) s = s.replaceAll("\0", "");
  if (s.includes("\u00a0")) s = s.replaceAll("\u00a0", " ");
  return decodeEntities(s);
};

/** Characters that can begin a quoted line: blank, `:`, `>`, `|`. */
const mayBeQuoted = (c: number): boolean => c === 32 || c === 58 || c === 62 || c === 124;

/** Receives each line, with the machine and the journal's boot id where they are written beside it. */
type EmitLine = (l: LogLine, host: string | undefined, bootId: string | undefined) => void;

/** From physical lines to {@link LogLine}s. */
export const createLineReader = (emit: EmitLine): { readonly line: OnLine; end(): void } => {
  const prefix: Prefix = { at: 0, time: undefined, caller: undefined, host: undefined, present: false };
  const quotedPrintable = createQuotedPrintable();
  let held: HeldLine | undefined;
  let heldPrefixed = false;
  let heldHost: string | undefined;
  let heldBoot: string | undefined;
  let joined = 0;

  /** Joins a line without prefix to the one before, when it was wrapped off it. */
  const joinTo = (before: HeldLine, message: string, number: number): boolean => {
    // A time stamp alone on its line: the message was wrapped below it.
    if (before.text === "" && heldPrefixed && message !== "") {
      held = heldLine(message, number, before.time, before.caller);
    } else if (isContinuation(before.text, message)) before.text = joinWrapped(before.text, message);
    else return false;
    joined++;
    return true;
  };

  const take = (text: string, from: number, to: number, number: number): void => {
    readPrefix(text, from, prefix);
    let end = to;
    let c = text.charCodeAt(end - 1);
    while (end > prefix.at && (c === 32 || c === 9)) c = text.charCodeAt(--end - 1);
    const message = text.slice(prefix.at, end);
    if (held) {
      if (!prefix.present && joined < MAX_JOINED && joinTo(held, message, number)) return;
      emit(held, heldHost, heldBoot);
    }
    held = heldLine(message, number, prefix.time, prefix.caller);
    heldPrefixed = prefix.present;
    heldHost = prefix.host;
    heldBoot = undefined;
    joined = 0;
  };

  const takeEntry = (e: JournalEntry, number: number): void => {
    for (const line of e.message.split("\n")) {
      const text = clean(line);
      readPrefix(text, 0, prefix);
      if (held) emit(held, heldHost, heldBoot);
      held = heldLine(text.slice(prefix.at).trimEnd(), number, prefix.time ?? e.time, prefix.caller);
      heldPrefixed = true;
      heldHost = e.host;
      heldBoot = e.bootId;
      joined = MAX_JOINED;
    }
  };

  const takeMail = (s: string, number: number): void => {
    take(s, mayBeQuoted(s.charCodeAt(0)) ? quoteLength(s) : 0, s.length, number);
  };

  return {
    line(text, from, to, number, plain) {
      const first = text.charCodeAt(from);
      const last = to > from ? text.charCodeAt(to - 1) : 0;
      if (first === 123 /* { */ && mayBeJournal(text, from)) {
        const entry = readJournalEntry(text.slice(from, to));
        if (entry) {
          takeEntry(entry, number);
          return;
        }
      }
      // A log from the kernel itself needs none of the repairs below.
      if (plain && last !== 77 /* M */ && !mayBeQuoted(first) && !quotedPrintable.concerns(first, last)) {
        take(text, from, to, number);
        return;
      }
      let s = plain ? text.slice(from, to) : clean(text.slice(from, to));
      if (s.endsWith("^M")) s = s.slice(0, -2);
      if (!quotedPrintable.concerns(s.charCodeAt(0), s.charCodeAt(s.length - 1))) {
        takeMail(s, number);
        return;
      }
      const decoded = quotedPrintable.line(s, number);
      if (decoded) takeMail(decoded.text, decoded.number);
    },
    end() {
      const rest = quotedPrintable.end();
      if (rest) takeMail(rest.text, rest.number);
      if (held) emit(held, heldHost, heldBoot);
      held = undefined;
    },
  };
};

/** What accompanies stacks: a log with two hung tasks and forty lock lists is still a hung-task log. */
const COMPANIONS: ReadonlySet<string> = new Set(["lockdep_locks", "device_trouble", "workqueue", "cpu-stack"]);

const mostly = (seen: ReadonlyMap<string, number>): string => {
  let best = "unknown";
  let most = 0;
  for (const companion of [false, true]) {
    for (const [format, n] of seen) if (COMPANIONS.has(format) === companion && n > most) [best, most] = [format, n];
    if (most > 0) break;
  }
  return best;
};

/** Interleaved CPUs end their records out of order. */
const inOrder = (all: Collected, first: number): void => {
  const mine = all.tasks.splice(first);
  mine.sort((a, b) => a.line - b.line);
  for (const t of mine) all.tasks.push(t);
};

interface OpenReaders {
  readonly readers: readonly LineReader[];
  readonly records: TaskRecords;
}

const closeReaders = (o: OpenReaders): void => {
  for (const r of o.readers) r.end();
  o.records.end();
};

const readInput = async (
  input: EvidenceInput,
  index: number,
  all: Collected,
  unparsed: Unparsed,
  options: CollectOptions,
): Promise<{ readonly info: InputInfo; readonly cutLines: number }> => {
  const parser = createFrameParser(all.interner.frame);
  const formats = options.formats ?? FORMATS;
  const count = formats.length;
  const open = (place: Place): OpenReaders => {
    const sink = createSink(all, place, options.bounds ?? DEFAULT_BOUNDS);
    const records = recordsOf(sink, parser);
    return { readers: formats.map((f) => f.open(sink)), records };
  };
  const streams = createStreams(index, all.origins, open, closeReaders);
  const first = all.tasks.length;
  const reader = createLineReader((l, host, bootId) => {
    const { readers } = streams.at(l, host, bootId);
    for (let i = 0; i < count; i++) if (readers[i]!.line(l)) return;
    if (l.text === "") return;
    unparsed.count++;
    unparsed.first ??= { input: index, line: l.number, text: ownCopy(l.text.slice(0, 200)) };
  });
  const splitter = createLineSplitter(reader.line);
  const notes: string[] = [];
  let compression: Compression | undefined;
  let bytes = 0;
  const report = { compression: (kind: Compression) => (compression = kind), note: (text: string) => notes.push(text) };
  for await (const chunk of decompress(input.name, input.chunks, report, options.limits ?? DEFAULT_LIMITS)) {
    bytes += chunk.length;
    splitter.push(chunk);
  }
  splitter.end();
  reader.end();
  streams.end();
  inOrder(all, first);
  const seen = all.seen[index]!;
  const info: InputInfo = {
    name: input.name,
    format: mostly(seen),
    formats: [...seen.keys()].sort(),
    bytes,
    lines: splitter.lines,
    ...(compression === undefined ? {} : { compression }),
    ...(notes.length === 0 ? {} : { notes }),
  };
  return { info, cutLines: splitter.cutLines };
};

/**
 * Reads kernel logs, stack dumps and counters, one input after the other, into one body of evidence.
 *
 * Rejects only when an input cannot be read at all (an error of its stream, or xz data without an xz program).
 *
 * @since 0.1.0
 * @example
 * const evidence = await collectEvidence([textInput("log", text)]);
 */
export const collectEvidence = async (
  inputs: readonly EvidenceInput[],
  options: CollectOptions = {},
): Promise<Evidence> => {
  const all = newCollected();
  const unparsed: Unparsed = { count: 0, first: undefined };
  const infos: InputInfo[] = [];
  let cutLines = 0;
  for (const [index, input] of inputs.entries()) {
    const read = await readInput(input, index, all, unparsed, options);
    infos.push(read.info);
    cutLines += read.cutLines;
  }
  settleOrigins(all);
  return {
    inputs: infos,
    origins: originsOf(all.origins),
    ...(all.release === undefined ? {} : { release: all.release }),
    snapshots: all.snapshots,
    tasks: all.tasks,
    heldLocks: all.heldLocks,
    ooms: all.ooms,
    samples: all.samples,
    troubles: all.troubles,
    lockups: all.lockups,
    workqueues: all.workqueues,
    scanControls: all.scanControls,
    splats: all.splats,
    unparsed: { count: unparsed.count, ...(unparsed.first === undefined ? {} : { first: unparsed.first }) },
    cutLines,
    compacted: all.compacted,
  };
};
