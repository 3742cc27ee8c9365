/**
 * Stacks of bare function names, one per line, as tools that add up off-CPU time print them (bcc's offcputime,
 * `perf script -F sym`): innermost first, then `-  comm (pid)` and a number. Sample:
 *     folio_wait_writeback
 *     truncate_inode_partial_folio
 *     do_syscall_64
 *     entry_SYSCALL_64_after_hwframe
 *     -                vfsmix2_process (22793)
 *
 * Any word could be a function name, so four of them in a row must end in an entry symbol.
 */
import { isOutermostSymbol, normaliseSymbol, skipBlanks } from "../frames.ts";
import type { EvidenceSink, Format, LineReader, LogLine } from "../reader.ts";
import { recordsOf } from "../records.ts";
import type { Frame } from "../types.ts";

const NAME = /^[A-Za-z_][\w.]{2,100}$/;
const TASK = /^-\s+(\S.{0,30}) \((\d+)\)$/;
const LEAST = 4;
const MOST = 200;

const open = (sink: EvidenceSink): LineReader => {
  const records = recordsOf(sink);
  let run: { readonly frame: Frame; readonly line: LogLine }[] = [];
  let just = false;

  const toFrame = (printed: string): Frame => {
    const symbol = normaliseSymbol(printed);
    return symbol === printed ? { symbol } : { symbol, printed };
  };

  const finish = (l: LogLine): void => {
    const first = run[0]!.line;
    const o = records.open(first, "name-stack", records.snapshotFor("other", first, undefined), {});
    for (const { frame, line } of run) {
      o.frames.push(frame);
      o.frameLines.push(line.number);
    }
    o.lastLine = l.number;
    o.ended = true;
    run = [];
    just = true;
  };

  /** `-                vfsmix2_process (22793)` behind a stack. */
  const task = (l: LogLine, text: string): boolean => {
    const m = TASK.exec(text);
    const o = m ? records.current(l) : undefined;
    if (!m || o?.format !== "name-stack") return false;
    o.fields = { ...o.fields, comm: m[1]!, pid: Number(m[2]) };
    o.lastLine = l.number;
    return true;
  };

  return {
    line(l) {
      const at = skipBlanks(l.text, 0);
      const text = at === 0 ? l.text : l.text.slice(at);
      if (just) {
        just = false;
        if (task(l, text)) return true;
      }
      if (text.length > 101 || !NAME.test(text)) {
        if (run.length > 0) run = [];
        return false;
      }
      if (run.length >= MOST) run.shift();
      run.push({ frame: toFrame(text), line: l });
      if (run.length >= LEAST && isOutermostSymbol(run[run.length - 1]!.frame.symbol)) {
        finish(l);
        return true;
      }
      return false;
    },
    end() {
      run = [];
    },
  };
};

/** Stacks of function names. */
export const nameStack: Format = {
  name: "name-stack",
  describes: "stacks of bare function names, as off-CPU profilers print them",
  sample: "entry_SYSCALL_64_after_hwframe",
  open,
};
