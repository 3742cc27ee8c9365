/**
 * Collections of counters put a time above each round: `== t=31.63`. Several readers need it and only one of them gets the
 * line, so the time is kept here, per sink.
 * @internal
 */
import type { EvidenceSink, LogLine } from "../reader.ts";

interface Section {
  readonly input: number;
  readonly seconds: number;
  readonly line: number;
}

const current = new WeakMap<EvidenceSink, Section>();

const HEADER = /^==+\s*(?:t|time|T\+?)\s*=?\s*(\d{1,12}(?:\.\d{1,9})?)\s*s?\s*=*$/;

/** Whether the line is a section header with a time; remembers it for the samples that follow. */
export function readSection(sink: EvidenceSink, l: LogLine): boolean {
  if (l.text.charCodeAt(0) !== 61 /* = */) return false;
  const m = HEADER.exec(l.text);
  if (m === null) return false;
  current.set(sink, { input: sink.input, seconds: Number(m[1]), line: l.number });
  return true;
}

/** Time of a sample at this line: its own printk time, else that of the section it stands in. */
export function sampleTime(sink: EvidenceSink, l: LogLine): number | undefined {
  if (l.time !== undefined) return l.time;
  const section = sectionOf(sink);
  return section !== undefined && section.line < l.number ? section.seconds : undefined;
}

/** Line of the header of the section the reader is in; 0 before the first. Two values differ when a new section began. */
export function sectionLine(sink: EvidenceSink): number {
  return sectionOf(sink)?.line ?? 0;
}

function sectionOf(sink: EvidenceSink): Section | undefined {
  const section = current.get(sink);
  return section !== undefined && section.input === sink.input ? section : undefined;
}
