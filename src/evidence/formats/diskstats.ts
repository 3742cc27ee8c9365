/**
 * `/proc/diskstats`: major, minor, name, then 11 counters, 15 since 4.18 (discards), 17 since 5.5 (flushes).
 * Printed by block/genhd.c:diskstats_show.
 *
 *      254       0 vda 548 70 4944 8932 9269 32773 336328 6007836 3 25520 6016768 0 0 0 0 1 0
 */
import { ownCopy } from "../frames.ts";
import type { Format, LogLine } from "../reader.ts";
import { readSection, sampleTime } from "./section.ts";

/** Names of Documentation/admin-guide/iostats.rst, in order. */
const FIELDS = [
  "reads_completed",
  "reads_merged",
  "sectors_read",
  "ms_reading",
  "writes_completed",
  "writes_merged",
  "sectors_written",
  "ms_writing",
  "in_flight",
  "ms_io",
  "ms_weighted",
  "discards_completed",
  "discards_merged",
  "sectors_discarded",
  "ms_discarding",
  "flushes_completed",
  "ms_flushing",
] as const;

const LINE = /^\s*\d{1,4}\s+\d{1,8}\s+([A-Za-z][\w!.:+-]{0,63})((?:\s+-?\d{1,25}){11,24})$/;

/** Reader of block device counters. */
export const diskstats: Format = {
  name: "diskstats",
  describes: "block device counters of /proc/diskstats",
  sample: " 254       0 vda 548 70 4944 8932 9269 32773 336328 6007836 3 25520 6016768 0 0 0 0 1 0",
  open: (sink) => ({
    line(l: LogLine): boolean {
      const { text } = l;
      const last = text.charCodeAt(text.length - 1);
      if (last < 48 || last > 57) return readSection(sink, l);
      if (text.length > 600 || !startsWithDigit(text)) return readSection(sink, l);
      const m = LINE.exec(text);
      if (m === null) return false;
      const values: Record<string, number> = {};
      const numbers = m[2]!.trim().split(/\s+/);
      for (let i = 0; i < FIELDS.length && i < numbers.length; i++) values[FIELDS[i]!] = Number(numbers[i]);
      const time = sampleTime(sink, l);
      sink.saw("diskstats");
      sink.sample({
        source: "diskstats",
        line: l.number,
        key: ownCopy(m[1]!),
        values,
        ...(time === undefined ? {} : { time }),
      });
      return true;
    },
    end(): void {},
  }),
};

/** First visible character is a digit. */
function startsWithDigit(text: string): boolean {
  let i = 0;
  while (text.charCodeAt(i) === 32) i++;
  const c = text.charCodeAt(i);
  return c >= 48 && c <= 57;
}
