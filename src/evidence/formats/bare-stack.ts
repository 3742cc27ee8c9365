/**
 * Stacks without a task header, and the lines that belong to every stack: `Call Trace:`, frames, registers, code.
 *
 * Printed by `show_stack()`/`dump_stack()` (arch/x86/kernel/dumpstack.c and the like; since v4.10 frames have no
 * address) and, with a `CPU: PID: Comm:` line, by `dump_stack_print_info()` (lib/dump_stack.c, v3.10). Sample:
 *   CPU: 42 PID: 52508 Comm: kworker/42:0 Tainted: G S           L    5.17.0-rc8 #5
 *
 * It stands before the other stack formats, because most lines of a log are frames.
 */
import { skipBlanks } from "../frames.ts";
import type { EvidenceSink, Format, LineReader, LogLine } from "../reader.ts";
import { recordsOf } from "../records.ts";
import { parseWorkqueue, releaseFrom } from "../task-lines.ts";

const CPU_HEADER =
  /^CPU: ?(\d+) (?:UID: \d+ )?PID: ?(\d+) Comm: (.{1,64}?)(?: Kdump: loaded)?(?: (?:Not tainted|Tainted:)(.*))?$/;
const OLD_CPU_HEADER = /^Pid: (\d+), comm: (.{1,16}?) (?:Not tainted|Tainted:)(.*)$/;
/** `RIP: 0033:0x7f`, `RAX: ffff..`, `x29: ffff`, `pc : `, `CR2: `, `DR0: `, `FS:  0000`, `PKRU: 5`, `r3 : c0..`, `GPR04: ...` */
const REGISTER =
  /^(?:[RE][A-Z]{2}|R\d\d?|RFLAGS|EFLAGS|ORIG_RAX|[CDEFG]S|[CD]R\d|PKRU|XER|LR|NIP|MSR|CFAR|GPR\d\d|IRQMASK|LTP|KRNL|PSW|Krnl|User|pc|lr|sp|pstate|psr|ra|epc|status|[xrats]\d\d?|ip|fp|gp|tp|xpsr|\$ ?\d+|Hi|Lo|Status|Cause|PrId|BadVA)\s*:{1,2}\s*(?:[0-9a-f#]|\(|\w+\+0x)/;
/** Rows of a stack dump: `ffff88030bd07a98 ffffffff81197240 ...`, `3ec0: 0000000000000003 ...`, and registers wrapped alone. */
const HEX_ROW =
  /^(?:(?:Stack ?:|[0-9a-f]{4}:)\s*)?(?:[0-9a-f]{8}|[0-9a-f]{16})(?:\s+(?:[0-9a-f]{8}|[0-9a-f]{16})){0,8}$|^[0-9a-f]{4}:$|^(?:[0-9a-f]{2}|<[0-9a-f]{2}>)(?: (?:[0-9a-f]{2}|<[0-9a-f]{2}>)){5,80}$/;
const REST_OF_MESSAGE = /^(?:disables this|this message\.|message\.$)/;

const NOISE_STARTS: Readonly<Record<string, readonly string[]>> = {
  '"': ['"echo 0 '],
  C: ["Code:"],
  H: ["Hardware name:"],
  M: ["Modules linked in:", "Memory state around"],
  s: ["stack(0x"],
  S: ["Stack:", "Stack :", "Stopper:", "Sched "],
  E: ["Exception stack(", "Exception"],
  N: ["Not tainted ", "NMI backtrace for cpu", "NIP [", "NIP:"],
  T: ["Tainted: ", "Tainted:"],
  I: ["Instruction dump:"],
  L: ["LR ["],
  "-": ["---[ end trace", "--- interrupt:", "------------[ cut here", "---- interrupt"],
  t: ["task                        PC stack"],
  "<": [
    "<TASK>",
    "</TASK>",
    "<IRQ>",
    "</IRQ>",
    "<NMI>",
    "</NMI>",
    "<EOI>",
    "<<EOE>>",
    "<ENTRY_TRAMPOLINE>",
    "<SOFTIRQ>",
    "</SOFTIRQ>",
    "<#DF>",
  ],
};

const isNoise = (text: string): boolean => {
  const starts = NOISE_STARTS[text[0]!];
  if (starts?.some((s) => text.startsWith(s))) return true;
  const c = text.charCodeAt(0);
  if ((c >= 48 && c <= 57) || (c >= 97 && c <= 102) || c === 83 /* Stack : */ || c === 60 /* <byte> of code */) {
    if (HEX_ROW.test(text)) return true;
  }
  if (c === 46 && text === "...") return true;
  const colon = text.indexOf(":");
  if (colon > 0 && colon < 12 && REGISTER.test(text)) return true;
  return (c === 100 || c === 116 || c === 109) && REST_OF_MESSAGE.test(text);
};

/** `RAX: 0000000000000000`, `R10: 00000000`: the commonest lines that are no frames. */
const isPlainRegister = (s: string, p: number): boolean => {
  if (s.charCodeAt(p + 3) !== 58 || s.charCodeAt(p + 4) !== 32) return false;
  const c = s.charCodeAt(p + 5);
  return (c >= 48 && c <= 57) || (c >= 97 && c <= 102);
};

const open = (sink: EvidenceSink): LineReader => {
  const records = recordsOf(sink);
  const { parser } = records;

  const cpuHeader = (l: LogLine, text: string): boolean => {
    const m = CPU_HEADER.exec(text);
    if (!m) return false;
    const pid = Number(m[2]);
    const release = releaseFrom(m[4] ?? "");
    if (release !== undefined) sink.release(release);
    const title = records.titleBefore(l);
    records.open(l, "cpu-stack", records.snapshotFor("other", l, pid, 5), {
      cpu: Number(m[1]),
      pid,
      comm: m[3]!,
      state: "R",
      title,
    });
    return true;
  };

  const oldCpuHeader = (l: LogLine, text: string): boolean => {
    const m = OLD_CPU_HEADER.exec(text);
    if (!m) return false;
    const pid = Number(m[1]);
    const release = releaseFrom(m[3] ?? "");
    if (release !== undefined) sink.release(release);
    records.open(l, "cpu-stack", records.snapshotFor("other", l, pid, 5), {
      pid,
      comm: m[2]!,
      state: "R",
      title: records.titleBefore(l),
    });
    return true;
  };

  const mark = (l: LogLine, text: string): void => {
    const o = records.current(l);
    if (!o) return;
    if (text.startsWith("<TASK>")) o.taskMark = true;
    else if (text.startsWith("</TASK>")) o.ended = true;
  };

  const tainted = (text: string): void => {
    const release = releaseFrom(text);
    if (release !== undefined) sink.release(release);
  };

  const workqueue = (l: LogLine, text: string): void => {
    const o = records.current(l);
    const wq = parseWorkqueue(text);
    if (o && wq && o.frames.length === 0) o.fields.workqueue = wq;
    records.belongs(l);
  };

  return {
    line(l) {
      if (l.text === "") {
        records.blank(l);
        return false;
      }
      const at = skipBlanks(l.text, 0);
      const c = l.text.charCodeAt(at);
      if (c === 82 /* R */ && isPlainRegister(l.text, at)) {
        records.registers(l, at);
        return true;
      }
      const f = c === 60 /* < */ ? undefined : parser.parse(l.text);
      if (f) {
        records.frame(l, f);
        return true;
      }
      const text = at === 0 ? l.text : l.text.slice(at);
      if (c === 67 /* C */) {
        if (text.startsWith("Call Trace:") || text.startsWith("Call trace:")) {
          records.callTrace(l);
          return true;
        }
        if (text.startsWith("CPU: ") && cpuHeader(l, text)) return true;
      } else if (c === 66 /* B */) {
        if (text.startsWith("Backtrace:") || text.startsWith("Back trace:")) {
          records.callTrace(l);
          return true;
        }
      } else if (c === 87 /* W */) {
        if (text.startsWith("Workqueue: ")) {
          workqueue(l, text);
          return true;
        }
      } else if (c === 76 /* L */ && text.startsWith("Linux version ")) {
        sink.release(text.slice(14, text.indexOf(" ", 14) < 0 ? 80 : text.indexOf(" ", 14)));
        return true;
      } else if (c === 80 /* P */ && text.startsWith("Pid: ") && oldCpuHeader(l, text)) return true;
      if (isNoise(text)) {
        if (c === 60 /* < */) mark(l, text);
        else if (c === 78 || c === 84) tainted(text);
        else if (c === 45 && text.includes("[ cut here ]")) records.interrupt(l);
        else if (c === 45 && text.startsWith("---[ end trace")) records.resume(l);
        records.belongs(l);
        return true;
      }
      records.prose(l);
      return false;
    },
    end: () => undefined,
  };
};

/** Frames, registers and stacks without a header of their own. */
export const bareStack: Format = {
  name: "bare-stack",
  describes: "a stack without a task header, or with a `CPU: PID: Comm:` line",
  sample: "[<ffffffff811aaa52>] wait_on_page_bit+0x82/0xa0",
  open,
};
