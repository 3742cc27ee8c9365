/**
 * Task dumps of SysRq-w, SysRq-t and SysRq-l: drivers/tty/sysrq.c prints the header, kernel/sched/core.c:show_state_filter()
 * and sched_show_task() the tasks. Samples:
 *   sysrq: Show Blocked State
 *   task:kworker/u4:0    state:D stack:0     pid:9     ppid:2      flags:0x00004000
 *   SysRq : Show Blocked State                                  (before v4.13)
 *   kworker/u256:0  D    0 34652      2 0x80000000              (before v5.9)
 *
 * Task lines without a dump header (people paste parts; RCU stalls print single tasks) make a snapshot of kind `other`.
 */
import { skipBlanks } from "../frames.ts";
import type { EvidenceSink, Format, LineReader, LogLine } from "../reader.ts";
import { recordsOf } from "../records.ts";
import type { SnapshotKind } from "../snapshots.ts";
import { parseOldTaskLine, parseTaskLine } from "../task-lines.ts";

const HEADER =
  /^(?:sysrq: )?(?:SysRq ?: ?|sysrq: )(?:\[[^\]]*\] )?(Show Blocked State|Show State|Show backtrace of all active CPUs)/;

const KIND: Readonly<Record<string, SnapshotKind>> = {
  "Show Blocked State": "sysrq-w",
  "Show State": "sysrq-t",
  "Show backtrace of all active CPUs": "sysrq-l",
};

const dumpReader =
  (kind: SnapshotKind) =>
  (sink: EvidenceSink): LineReader => {
    const records = recordsOf(sink);
    return {
      line(l) {
        const at = skipBlanks(l.text, 0);
        const c = l.text.charCodeAt(at);
        if (c !== 115 && c !== 83) return false;
        const m = HEADER.exec(at === 0 ? l.text : l.text.slice(at));
        if (!m || KIND[m[1]!] !== kind) return false;
        records.beginDump(kind, kind, l);
        return true;
      },
      end: () => undefined,
    };
  };

const taskReader = (sink: EvidenceSink): LineReader => {
  const records = recordsOf(sink);
  const header = (l: LogLine, fields: ReturnType<typeof parseTaskLine>): boolean => {
    if (!fields) return false;
    const dump = records.dumpFor(l, fields.pid);
    if (dump) records.open(l, dump.format, dump.snapshot, fields);
    else records.open(l, "task-dump", records.snapshotFor("other", l, fields.pid), fields);
    return true;
  };
  return {
    line(l) {
      const at = skipBlanks(l.text, 0);
      if (l.text.startsWith("task:", at)) return header(l, parseTaskLine(at === 0 ? l.text : l.text.slice(at)));
      return header(l, parseOldTaskLine(at === 0 ? l.text : l.text.slice(at)));
    },
    end: () => undefined,
  };
};

/** SysRq-w: every task in D state. */
export const sysrqW: Format = {
  name: "sysrq-w",
  describes: "SysRq-w: the stacks of all blocked (D state) tasks",
  sample: "sysrq: Show Blocked State",
  open: dumpReader("sysrq-w"),
};

/** SysRq-t: every task. */
export const sysrqT: Format = {
  name: "sysrq-t",
  describes: "SysRq-t: the stacks of all tasks",
  sample: "sysrq: Show State",
  open: dumpReader("sysrq-t"),
};

/** SysRq-l: what each CPU runs. */
export const sysrqL: Format = {
  name: "sysrq-l",
  describes: "SysRq-l: what each CPU is running",
  sample: "sysrq: Show backtrace of all active CPUs",
  open: dumpReader("sysrq-l"),
};

/** Task headers, inside and outside of dumps. */
export const taskDump: Format = {
  name: "task-dump",
  describes: "task headers with stacks, pasted without the header of their dump",
  sample: "task:kworker/u4:0    state:D stack:0     pid:9     ppid:2      flags:0x00004000",
  open: taskReader,
};
