/**
 * Collections of /proc/PID/stack: fs/proc/base.c:proc_pid_stack(), since v2.6.29; `[<0>]` in place of the address
 * since v4.15, `[<ffffffff811aaa52>]` and a last line `[<ffffffffffffffff>] 0xffffffffffffffff` before. Sample:
 *   [<0>] jbd2_journal_wait_updates+0x73/0xe0
 * What names the task is up to whoever collected them:
 *   == 104 jbd2/vda-8 jbd2_journal_wait_updates        # cat /proc/33256/stack
 *   /proc/4350/comm = xfs_io                           ==> /proc/4350/stack <==
 *   /proc/4350/stack : [<0>] balance_dirty_pages+0x332/0xda0
 */
import { skipBlanks } from "../frames.ts";
import type { HeaderFields } from "../open-record.ts";
import type { EvidenceSink, Format, LineReader, LogLine } from "../reader.ts";
import { recordsOf } from "../records.ts";

const EQUALS = /^==+ (?:pid:? ?)?(\d{1,10}) (\S.*?)(?: (\S+))?(?: ==+)?$/i;
const COMM_FILE = /^\/proc\/(\d+)\/(?:task\/(\d+)\/)?comm\s*[=:]\s*(.*)$/;
const STACK_FILE = /^\/proc\/(\d+)\/(?:task\/(\d+)\/)?stack\s*[=:]\s*(\S.*)?$/;
const NAMED_FILE = /\/proc\/(\d+)\/(?:task\/(\d+)\/)?stack\b/;

const open = (sink: EvidenceSink): LineReader => {
  const records = recordsOf(sink);
  /** `/proc/28/comm = u10:0+flush-8:80`, which stands before the stack it names. */
  let named: { readonly pid: number; readonly comm: string } | undefined;

  const begin = (l: LogLine, fields: HeaderFields): void => {
    records.open(l, "proc-stack", records.snapshotFor("proc-stack", l, fields.pid), fields);
  };

  const pids = (m: RegExpExecArray): HeaderFields => {
    const tgid = Number(m[1]);
    return m[2] === undefined ? { pid: tgid } : { pid: Number(m[2]), tgid };
  };

  const equals = (l: LogLine, text: string): boolean => {
    const m = EQUALS.exec(text);
    if (!m) return false;
    const wchan = m[3] === undefined || m[3] === "0" ? undefined : m[3];
    begin(l, { pid: Number(m[1]), comm: m[2]!, wchan });
    return true;
  };

  /** `/proc/4350/stack : [<0>] frame`; grep prints the name before every line. */
  const stackFile = (l: LogLine, text: string): boolean => {
    const m = STACK_FILE.exec(text);
    if (!m) return false;
    const fields = pids(m);
    const o = records.current(l);
    const frame = m[3] === undefined ? undefined : records.parser.parse(m[3]);
    if (m[3] !== undefined && !frame) return false;
    if (o?.format !== "proc-stack" || o.fields.pid !== fields.pid || (o.frames.length > 0 && o.blank)) {
      if (named !== undefined && named.pid === fields.pid) fields.comm = named.comm;
      begin(l, fields);
    }
    if (frame) records.frame(l, frame);
    return true;
  };

  const procFile = (l: LogLine, text: string): boolean => {
    const m = COMM_FILE.exec(text);
    if (m) {
      named = { pid: Number(m[2] ?? m[1]), comm: m[3]! };
      records.blank(l);
      return true;
    }
    return stackFile(l, text);
  };

  /** `# cat /proc/33256/stack`, `==> /proc/33256/stack <==`, `/proc/33256/stack`. */
  const command = (l: LogLine, text: string): boolean => {
    const m = NAMED_FILE.exec(text);
    if (!m || text.length > 160) return false;
    begin(l, pids(m));
    return true;
  };

  return {
    line(l) {
      const at = skipBlanks(l.text, 0);
      const c = l.text.charCodeAt(at);
      if (c === 61 /* = */ && l.text.charCodeAt(at + 1) === 61) {
        const text = at === 0 ? l.text : l.text.slice(at);
        if (equals(l, text)) return true;
      }
      if (!l.text.includes("/proc/")) return false;
      const text = at === 0 ? l.text : l.text.slice(at);
      return c === 47 /* / */ && procFile(l, text) ? true : command(l, text);
    },
    end: () => undefined,
  };
};

/** Stacks out of /proc. */
export const procStack: Format = {
  name: "proc-stack",
  describes: "collections of /proc/PID/stack, with the usual kinds of titles",
  sample: "[<0>] jbd2_journal_wait_updates+0x73/0xe0",
  open,
};
