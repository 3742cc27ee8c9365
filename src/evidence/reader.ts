/**
 * The seam for formats: one file in `formats/` exports one {@link Format}; `formats/index.ts` lists it.
 *
 * Text reaches a reader as {@link LogLine}s: decompressed, split, unquoted, unwrapped and without
 * printk/syslog/journal prefixes. The first reader (in the list's order) whose `line` returns true has consumed it.
 */
import type {
  DeviceTrouble,
  Frame,
  HeldLockList,
  LockdepSplat,
  LockupReport,
  OomReport,
  Sample,
  ScanControl,
  Snapshot,
  Stack,
  TaskRecord,
  WorkqueueState,
} from "./types.ts";

export interface LogLine {
  /** Content without prefixes; no trailing white space or CR. Leading blanks of the message are kept. */
  readonly text: string;
  /** 1-based line of the (first, when wrapped lines were joined) physical line. */
  readonly number: number;
  /** printk time in seconds, or undefined. */
  readonly time?: number;
  /** printk caller id (`T123`, `C1`), to tell interleaved CPUs apart. */
  readonly caller?: string;
}

/** Where readers put what they found; one per diagnose call. */
export interface EvidenceSink {
  readonly input: number;
  /** Equal frame lists give the same object. */
  stack(frames: readonly Frame[]): Stack;
  /** Opens a snapshot and returns its index. */
  snapshot(s: Omit<Snapshot, "input">): number;
  task(t: Omit<TaskRecord, "input">): void;
  heldLocks(l: Omit<HeldLockList, "input">): void;
  oom(o: Omit<OomReport, "input">): void;
  sample(s: Omit<Sample, "input">): void;
  trouble(t: Omit<DeviceTrouble, "input">): void;
  lockup(l: Omit<LockupReport, "input">): void;
  workqueue(w: Omit<WorkqueueState, "input">): void;
  scanControl(s: Omit<ScanControl, "input">): void;
  splat(s: Omit<LockdepSplat, "input">): void;
  /** `uname -r`, where a line prints it. First one wins. */
  release(release: string): void;
  /** This reader recognised something of its format in this input (once per record is fine). */
  saw(format: string): void;
}

export interface LineReader {
  /** Returns true when the line belongs to this format. Must be cheap for lines that do not. */
  line(l: LogLine): boolean;
  /** End of one input. */
  end(): void;
}

export interface Format {
  /** Stable name, e.g. `hung_task`; appears in the JSON contract. */
  readonly name: string;
  /** One line for `unwedge formats`. */
  readonly describes: string;
  /** A literal sample line, for `unwedge formats` and the docs. */
  readonly sample: string;
  open(sink: EvidenceSink): LineReader;
}
