/**
 * `/proc/meminfo`. Printed by fs/proc/meminfo.c:meminfo_proc_show. Values in kB; the HugePages_ ones are counts.
 *
 *     MemTotal:        1005332 kB
 */
import type { Format, LogLine } from "../reader.ts";
import { createCounterBlock } from "./counter-block.ts";
import { readSection } from "./section.ts";

const LINE = /^\s*([A-Z][A-Za-z0-9_]{2,40}(?:\((?:anon|file)\))?):\s+(\d{1,20})(?: kB)?$/;
const OPENER = /^(MemTotal|MemFree|MemAvailable|Dirty|Writeback|SwapTotal)$/;

/** Reader of the memory overview. */
export const meminfo: Format = {
  name: "meminfo",
  describes: "memory overview of /proc/meminfo",
  sample: "MemTotal:        1005332 kB",
  open(sink) {
    const block = createCounterBlock(sink, "meminfo", "meminfo", () => "meminfo");
    return {
      line(l: LogLine): boolean {
        const { text } = l;
        const last = text.charCodeAt(text.length - 1);
        const kb = last === 66 && text.endsWith(" kB");
        if (!kb && (last < 48 || last > 57 || !block.isOpen(l))) return readSection(sink, l);
        const m = LINE.exec(text);
        if (m === null || !((kb && OPENER.test(m[1]!)) || block.isOpen(l))) return false;
        block.add(l, m[1]!, Number(m[2]));
        return true;
      },
      end: block.flush,
    };
  },
};
