/**
 * Pressure stall information: `/proc/pressure/{cpu,memory,io}` and `memory.pressure` of a cgroup.
 * Printed by kernel/sched/psi.c:psi_show, since commit eb414681d5a0 ("psi: pressure stall information for CPU, memory, and IO") (v4.20).
 *
 *     some avg10=72.75 avg60=31.73 avg300=7.90 total=24360128
 */
import { ownCopy } from "../frames.ts";
import type { Format, LogLine } from "../reader.ts";
import { readSection, sampleTime, sectionLine } from "./section.ts";

const LINE =
  /^(\S{0,200}?:)?\s*(some|full) avg10=(\d{1,6}\.\d{1,4}) avg60=(\d{1,6}\.\d{1,4}) avg300=(\d{1,6}\.\d{1,4}) total=(\d{1,20})$/;
const NAME = /(?:^|[/.\s])(cpu|memory|io|irq)(?:\.pressure)?:?$/;
const HEADER =
  /^(?:[-=#$>]+\s*)?(?:cat\s+)?(\S*(?:pressure\/(?:cpu|memory|io|irq)|(?:cpu|memory|io|irq)\.pressure))(?:\s+<==)?:?$/;

/** Reader of pressure stall information. One sample for the `some` and `full` line of one resource. */
export const pressure: Format = {
  name: "pressure",
  describes: "pressure stall information (/proc/pressure/*, memory.pressure)",
  sample: "some avg10=72.75 avg60=31.73 avg300=7.90 total=24360128",
  open(sink) {
    let named: string | undefined;
    let namedLine = 0;
    let section = 0;
    let ordinal = 0;
    let open:
      | { key: string; line: number; last: number; time: number | undefined; values: Record<string, number> }
      | undefined;

    const flush = (): void => {
      if (open === undefined) return;
      const { key, line, time, values } = open;
      open = undefined;
      sink.saw("pressure");
      sink.sample({ source: "pressure", line, key, values, ...(time === undefined ? {} : { time }) });
    };
    const keyOf = (l: LogLine, prefix: string | undefined): string => {
      const own = prefix === undefined ? null : NAME.exec(prefix);
      if (own !== null) return own[1]!;
      if (named !== undefined && l.number - namedLine <= 3) return named;
      // Files without their names, one after the other: their order within the section tells them apart.
      if (section !== sectionLine(sink)) ordinal = 0;
      section = sectionLine(sink);
      ordinal++;
      return `pressure.${ordinal}`;
    };
    return {
      line(l: LogLine): boolean {
        const { text } = l;
        if (text.length > 400) return false;
        const at = text.indexOf("pressure");
        if (at >= 0 && !text.includes(" avg10=")) {
          const m = HEADER.exec(text);
          if (m === null) return false;
          flush();
          named = NAME.exec(m[1]!)?.[1];
          namedLine = l.number;
          return true;
        }
        const c = text.charCodeAt(0);
        if (at < 0 && c !== 115 /* s */ && c !== 102 /* f */ && c !== 32) return readSection(sink, l);
        const m = LINE.exec(text);
        if (m === null) return false;
        const kind = m[2]!;
        if (
          open !== undefined &&
          (kind === "some" || l.number - open.last > 2 || Object.hasOwn(open.values, `${kind}_total`))
        )
          flush();
        open ??= { key: ownCopy(keyOf(l, m[1])), line: l.number, last: 0, time: sampleTime(sink, l), values: {} };
        open.last = l.number;
        open.values[`${kind}_avg10`] = Number(m[3]);
        open.values[`${kind}_avg60`] = Number(m[4]);
        open.values[`${kind}_avg300`] = Number(m[5]);
        open.values[`${kind}_total`] = Number(m[6]);
        return true;
      },
      end: flush,
    };
  },
};
