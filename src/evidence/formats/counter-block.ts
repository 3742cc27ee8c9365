/**
 * A file of `key value` lines pasted into a log: the block is open while its lines follow each other and becomes one sample.
 * @internal
 */
import { ownCopy } from "../frames.ts";
import type { EvidenceSink, LogLine } from "../reader.ts";
import type { Sample } from "../types.ts";
import { sampleTime, sectionLine } from "./section.ts";

/** Keys kept per sample; the kernel's largest file (vmstat) has under 250. */
const MAX_KEYS = 1024;
/** Blank or foreign lines that may stand between two lines of one file. */
const MAX_GAP = 2;

/** Collects the lines of one sample at a time. */
export interface CounterBlock {
  /** A block is open and this line may continue it. */
  isOpen(l: LogLine): boolean;
  /** Adds a value; opens a block when none is open; a key seen twice starts the next sample. */
  add(l: LogLine, key: string, value: number): void;
  /** Writes the open sample. */
  flush(): void;
}

/** A block that reports samples of `source`; `keyOf` names what the values belong to at the time the block opens. */
export function createCounterBlock(
  sink: EvidenceSink,
  format: string,
  source: Sample["source"],
  keyOf: () => string,
): CounterBlock {
  let values: Record<string, number> | undefined;
  let size = 0;
  let first = 0;
  let last = 0;
  let section = 0;
  let key = "";
  let time: number | undefined;

  const flush = (): void => {
    if (values === undefined) return;
    const sample = { source, line: first, key, values, ...(time === undefined ? {} : { time }) };
    values = undefined;
    sink.saw(format);
    sink.sample(sample);
  };
  const isOpen = (l: LogLine): boolean => {
    if (values === undefined) return false;
    if (l.number - last <= MAX_GAP + 1 && section === sectionLine(sink)) return true;
    flush();
    return false;
  };
  const add = (l: LogLine, name: string, value: number): void => {
    if (isOpen(l) && values !== undefined && Object.hasOwn(values, name)) flush();
    if (values === undefined) {
      // No prototype: a key named `__proto__` is a key like any other.
      values = Object.create(null) as Record<string, number>;
      size = 0;
      first = l.number;
      section = sectionLine(sink);
      key = ownCopy(keyOf());
      time = sampleTime(sink, l);
    }
    last = l.number;
    if (size++ < MAX_KEYS && Number.isFinite(value)) values[ownCopy(name)] = value;
  };
  return { isOpen, add, flush };
}

/** The number at the end of a `key value` line; undefined when it is not one plain decimal number. */
export function plainNumber(text: string): number | undefined {
  return /^-?\d{1,25}$/.test(text) ? Number(text) : undefined;
}
