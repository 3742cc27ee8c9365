/**
 * Values of a page counter (mm/page_counter.c): the dump of a debugger, or the two numbers people copy out of it. In pages.
 *
 *     Max  : 134896020    514 GB
 *     usage: 144747169    552 GB
 */
import type { Format, LogLine } from "../reader.ts";
import { type DebuggerStruct, openStruct, readStructLine } from "./debugger-struct.ts";
import { sampleTime } from "./section.ts";

const PAIR =
  /^\s*(max|usage|limit|watermark|high|low|min)\s*:\s*(\d{1,20})(?:\s+(?:pages\s+)?(\d+(?:\.\d+)?)\s*([KMGT]i?B))$/i;
const HEADER =
  /^\s*(?:\$\d+\s*=\s*)?(?:\(?struct page_counter\)?|(memory|memsw|swap|kmem|tcpmem|page_counter)\s*=)\s*\{/;
const WANTED = ["usage", "max", "limit", "min", "low", "high", "watermark", "failcnt"];
const SMALL: Readonly<Record<string, string>> = { "usage.counter": "usage", count: "usage", "count.counter": "usage" };

/** Reader of page counters. */
export const pageCounter: Format = {
  name: "page_counter",
  describes: "page_counter values of a memory cgroup, from a debugger",
  sample: "usage: 144747169    552 GB",
  open(sink) {
    let pair: { line: number; last: number; time: number | undefined; values: Record<string, number> } | undefined;
    let dump: { s: DebuggerStruct; key: string; line: number; last: number; time: number | undefined } | undefined;

    const emit = (line: number, key: string, time: number | undefined, values: Record<string, number>): void => {
      if (values.usage === undefined && values.max === undefined && values.limit === undefined) return;
      sink.saw("page_counter");
      sink.sample({ source: "page_counter", line, key, values, ...(time === undefined ? {} : { time }) });
    };
    const flushPair = (): void => {
      if (pair !== undefined) emit(pair.line, "memory", pair.time, pair.values);
      pair = undefined;
    };
    const flushDump = (): void => {
      if (dump === undefined) return;
      const values: Record<string, number> = {};
      for (const [name, value] of Object.entries(dump.s.values)) {
        const wanted = SMALL[name] ?? name;
        if (WANTED.includes(wanted) && Number.isFinite(value)) values[wanted] ??= value;
      }
      emit(dump.line, dump.key, dump.time, values);
      dump = undefined;
    };
    const readDump = (l: LogLine): boolean => {
      if (dump === undefined) return false;
      if (l.number - dump.last > 3 || !readStructLine(dump.s, l.text)) {
        flushDump();
        return false;
      }
      dump.last = l.number;
      if (dump.s.depth <= 0) flushDump();
      return true;
    };
    return {
      line(l: LogLine): boolean {
        if (dump !== undefined && readDump(l)) return true;
        const { text } = l;
        const last = text.charCodeAt(text.length - 1);
        if (last === 123 /* { */) {
          const m = HEADER.exec(text);
          if (m === null) return false;
          dump = {
            s: openStruct(),
            key: m[1] ?? "page_counter",
            line: l.number,
            last: l.number,
            time: sampleTime(sink, l),
          };
          readStructLine(dump.s, "{");
          return true;
        }
        if (last !== 66 /* B */ || text.length > 120) return false;
        const m = PAIR.exec(text);
        if (m === null) return false;
        const name = m[1]!.toLowerCase();
        if (pair !== undefined && (l.number - pair.last > 3 || pair.values[name] !== undefined)) flushPair();
        pair ??= { line: l.number, last: 0, time: sampleTime(sink, l), values: {} };
        pair.last = l.number;
        pair.values[name] = Number(m[2]);
        return true;
      },
      end(): void {
        flushDump();
        flushPair();
      },
    };
  },
};
