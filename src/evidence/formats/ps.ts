/**
 * How many tasks are in which state: a process listing with a state column (`ps aux`, `ps -eo pid,stat,comm`, crash's `ps`), a
 * count by a pipe, or the number in a sentence. Crash writes UN, IN, RU, ZO where the kernel writes D, S, R, Z.
 *
 *     ps | grep UN | wc -l
 *     1463
 */
import type { Format, LogLine } from "../reader.ts";
import { sampleTime } from "./section.ts";

const CRASH_STATES: Readonly<Record<string, string>> = {
  UN: "D",
  IN: "S",
  RU: "R",
  ZO: "Z",
  ST: "T",
  TR: "t",
  DE: "X",
  SW: "W",
  ID: "I",
  WA: "W",
  PA: "P",
};
const PIPE = /^[^\n]{0,80}?\bps\b[^|]{0,200}\|.*\b(?:grep|awk)\b.*?\b(UN|D)\b.*(?:\|\s*wc\s+-l|grep\s+-c)/;
const SENTENCE = /\b(\d{1,9})\s+(?:(?:UN|D)[- ]state|tasks? in (?:the )?(?:UN|D)[- ]state|uninterruptible)\b/;
const STATE = /^([RSDTtXZPIWK])[<NLsl+]{0,5}$/;
const HEADER_STATES = ["STAT", "ST", "S", "STATE"];

/** Reader of process listings and task counts. */
export const ps: Format = {
  name: "ps",
  describes: "process listings with a state column, counts of uninterruptible tasks",
  sample: "ps | grep UN | wc -l",
  open(sink) {
    let countLine = 0;
    let columns: { pid: number; state: number } | undefined;
    let listing: { line: number; last: number; time: number | undefined; states: Map<string, number> } | undefined;

    const emit = (line: number, time: number | undefined, key: string, count: number): void => {
      sink.saw("ps");
      sink.sample({ source: "ps", line, key, values: { count }, ...(time === undefined ? {} : { time }) });
    };
    const flush = (): void => {
      if (listing !== undefined)
        for (const [state, count] of listing.states) emit(listing.line, listing.time, state, count);
      listing = undefined;
      columns = undefined;
    };
    const header = (l: LogLine): boolean => {
      const names = l.text.trim().split(/\s+/);
      const pid = names.indexOf("PID");
      const state = names.findIndex((n) => HEADER_STATES.includes(n));
      if (pid < 0 || state < 0 || names.length > 40) return false;
      flush();
      columns = { pid, state };
      listing = { line: l.number, last: l.number, time: sampleTime(sink, l), states: new Map() };
      return true;
    };
    const row = (l: LogLine): boolean => {
      if (columns === undefined || listing === undefined) return false;
      const cells = l.text.replace(/^\s*>/, " ").trimStart().split(/\s+/, 48);
      const cell = cells[columns.state] ?? "";
      const state = CRASH_STATES[cell] ?? STATE.exec(cell)?.[1];
      if (l.number - listing.last > 3 || state === undefined || !/^\d{1,10}$/.test(cells[columns.pid] ?? "")) {
        flush();
        return false;
      }
      listing.last = l.number;
      listing.states.set(state, (listing.states.get(state) ?? 0) + 1);
      return true;
    };
    return {
      line(l: LogLine): boolean {
        const { text } = l;
        if (listing !== undefined && text !== "" && row(l)) return true;
        if (countLine !== 0) {
          const wanted = l.number - countLine <= 2 && /^\s*\d{1,9}$/.test(text);
          if (wanted) emit(l.number, sampleTime(sink, l), "D", Number(text));
          if (text !== "") countLine = 0;
          if (wanted) return true;
        }
        if (text.length > 400) return false;
        if (text.includes("PID") && !text.includes("PID:") && header(l)) return true;
        if (text.includes("wc -l") || text.includes("grep -c")) {
          if (!PIPE.test(text)) return false;
          countLine = l.number;
          return true;
        }
        if (!text.includes(" state") || text.startsWith("task:")) return false;
        const m = SENTENCE.exec(text);
        if (m === null) return false;
        emit(l.number, sampleTime(sink, l), "D", Number(m[1]));
        return true;
      },
      end: flush,
    };
  },
};
