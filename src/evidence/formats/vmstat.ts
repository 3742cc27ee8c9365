/**
 * `/proc/vmstat`, whole or a few of its lines. Printed by mm/vmstat.c:vmstat_show, names in mm/vmstat.c:vmstat_text.
 *
 *     nr_dirtied 1
 */
import type { Format, LogLine } from "../reader.ts";
import { createCounterBlock, plainNumber } from "./counter-block.ts";
import { readSection } from "./section.ts";

/** Words a block can begin with; `nr_` names exist in no other file of `key value` lines. */
const OPENER = /^(nr_|allocstall|pswp(in|out)\b|kswapd_|pageoutrun\b|pgscan_direct_throttle\b)/;
const LINE = /^([a-z][a-z0-9_]{1,63})[ \t]+(\S+)$/;

/** Reader of virtual memory counters. */
export const vmstat: Format = {
  name: "vmstat",
  describes: "counters of /proc/vmstat (dirty, writeback, scanned, stolen pages)",
  sample: "nr_dirtied 1",
  open(sink) {
    const block = createCounterBlock(sink, "vmstat", "vmstat", () => "vmstat");
    return {
      line(l: LogLine): boolean {
        const c = l.text.charCodeAt(0);
        if (c < 97 || c > 122) return readSection(sink, l);
        const last = l.text.charCodeAt(l.text.length - 1);
        if (last < 48 || last > 57) return false;
        const m = LINE.exec(l.text);
        if (m === null) return false;
        const value = plainNumber(m[2]!);
        if (value === undefined || !(OPENER.test(m[1]!) || block.isOpen(l))) return false;
        block.add(l, m[1]!, value);
        return true;
      },
      end: block.flush,
    };
  },
};
