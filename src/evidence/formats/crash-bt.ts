/**
 * `bt` and `foreach bt` of the crash utility (gdb-free: kernel.c:print_stack_text_syms(), x86_64.c). Sample:
 *   PID: 150    TASK: ffffffc0b9cad080  CPU: 0   COMMAND: "sprdhotplug"
 *    #0 [ffffff8009fcb9d0] __switch_to at ffffff80080858f0
 * with an age and state in front when `foreach UN bt` was fed from `ps -m`: `[0 00:48:22.765] [UN]  PID: 8863 ...`;
 * frames without addresses (`0 [] __schedule at`) when somebody took them out. Numbered frames without a header, and
 * drgn's `#0 __schedule+617 at kernel/sched/core.c`, open a record of their own (records.ts).
 */
import { skipBlanks } from "../frames.ts";
import type { EvidenceSink, Format, LineReader, LogLine } from "../reader.ts";
import { recordsOf } from "../records.ts";
import type { TaskState } from "../types.ts";

const HEADER =
  /^(?:\[\s*\d+ \d\d:\d\d:\d\d\.\d+\]\s*)?(?:\[([A-Z]{2})\]\s*)?PID: (\d+)\s+TASK: \S+(?:\s+CPU: (\d+))?(?:\s+COMMAND: "?([^"]*)"?)?/;
const PROMPT = /^(?:crash(?:>|\d+>)|crash_arm64>)\s*(.*)$/;
const FRAME_DATA =
  /^(?:\[?(?:RIP|RAX|RDX|RBP|R\d+|PC|LR|SP|X\d+|ORIG_RAX|CS|RSP|RFLAGS|bt:|exception|NIP|pt_regs)|\(active\)|\(no stack\)|--- <.*> ---|START: |struct .*\{$|__state = )/;

const STATES: Readonly<Record<string, TaskState>> = {
  RU: "R",
  IN: "S",
  UN: "D",
  ST: "T",
  TR: "t",
  ZO: "Z",
  DE: "X",
  ID: "I",
  NE: "R",
  WA: "W",
  PA: "P",
};

const open = (sink: EvidenceSink): LineReader => {
  const records = recordsOf(sink);
  /** `foreach bt` lists every task, `foreach UN bt` every blocked one. */
  let all = false;

  const header = (l: LogLine, text: string): boolean => {
    const m = HEADER.exec(text);
    if (!m) return false;
    const pid = Number(m[2]);
    const snapshot = all ? records.dumpFor(l, pid)?.snapshot : undefined;
    const state = m[1] === undefined ? undefined : STATES[m[1]];
    records.open(l, "crash-bt", snapshot ?? records.snapshotFor("crash-bt", l, pid), {
      pid,
      cpu: m[3] === undefined ? undefined : Number(m[3]),
      comm: m[4] === undefined || m[4] === "" ? undefined : m[4],
      state,
    });
    return true;
  };

  const prompt = (l: LogLine, command: string): void => {
    all = /^foreach\s+(?:UN\s+)?bt\b/.test(command);
    if (all) records.beginDump("crash-bt", "crash-bt", l);
    else records.endDump();
    records.blank(l);
  };

  return {
    line(l) {
      const at = skipBlanks(l.text, 0);
      const c = l.text.charCodeAt(at);
      if (c === 80 /* P */ || c === 91 /* [ */) {
        if (!l.text.includes("PID: ", at)) return false;
        return header(l, at === 0 ? l.text : l.text.slice(at));
      }
      if (c === 99 /* c */ && l.text.startsWith("crash", at)) {
        const m = PROMPT.exec(at === 0 ? l.text : l.text.slice(at));
        if (!m) return false;
        prompt(l, m[1]!);
        return true;
      }
      const o = records.current(l);
      if (o?.format !== "crash-bt" || l.text === "") return false;
      if (!FRAME_DATA.test(at === 0 ? l.text : l.text.slice(at))) return false;
      records.belongs(l);
      return true;
    },
    end: () => undefined,
  };
};

/** Backtraces of the crash utility. */
export const crashBt: Format = {
  name: "crash-bt",
  describes: "`bt` and `foreach bt` of the crash utility, also with the addresses taken out",
  sample: 'PID: 150    TASK: ffffffc0b9cad080  CPU: 0   COMMAND: "sprdhotplug"',
  open,
};
