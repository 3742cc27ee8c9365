/**
 * A lockdep report, from its title to the last frame of `stack backtrace:` (kernel/locking/lockdep.c:print_circular_bug,
 * print_bad_irq_dependency, print_deadlock_bug, print_usage_bug, ...). Its stacks tell where locks were taken at some time; no task
 * stands there now, so they must not become blocked contexts: the whole report is consumed here.
 *
 *     WARNING: possible circular locking dependency detected
 *
 * Before 4.10 the title is `[ INFO: possible circular locking dependency detected ]`.
 */
import { ownCopy } from "../frames.ts";
import type { Format, LogLine } from "../reader.ts";

const TITLES = [
  "possible circular locking dependency detected",
  "possible recursive locking detected",
  "inconsistent lock state",
  "possible irq lock inversion dependency detected",
  "unsafe lock order detected",
  "bad unlock balance detected!",
  "bad contention detected!",
  "held lock freed!",
  "still has locks held!",
  "Nested lock was not taken",
  "Invalid wait context",
  "lock held when returning to user space!",
  "suspicious RCU usage",
] as const;
const TITLE = /^(?:\[ (?:INFO|BUG): (.{1,160}?) \]|(?:WARNING|BUG|INFO): (.{1,160}))$/;
const LOCK = /(?:^|\s)\(([^\s(].{0,160}?|\(.{0,160}?\).{0,160}?)\)\{/;
/** Another report begins: the splat was cut. */
const OTHER =
  /^(?:INFO: task |INFO: rcu|sysrq: |SysRq : |task:|BUG: |watchdog: |Showing (?:all locks|busy workqueues)|---\[ end trace)/;
/** What stands between `stack backtrace:` and its last frame besides frames. */
const AROUND =
  /^(?:CPU: |Hardware name: |Workqueue: |Call [Tt]race:|Backtrace:|Stack:|RIP: |RSP: |Code: |ORIG_RAX|R[A-D0-9SBI][A-Z0-9]{1,2}: |[CDFGE]S: |[CD]R\d: |PKRU: |EFLAGS: |Tainted: |Exception |pc : |lr : |sp : |x\d+ ?: |pstate: |Modules linked in|Sleeping |preempt|<\/?(?:TASK|IRQ|NMI|SOFTIRQ)>|\? |[0-9a-f]{8}(?:[0-9a-f]{8})? [0-9a-f]{8})/;
/** A report is a few hundred lines; a title whose report was lost must not swallow the rest of a log. */
const MAX_LINES = 4000;
const MAX_LOCKS = 256;

/** Reader of lockdep reports. */
export const lockdepSplat: Format = {
  name: "lockdep_splat",
  describes: "lockdep reports (possible circular locking dependency, inconsistent lock state, ...)",
  sample: "WARNING: possible circular locking dependency detected",
  open(sink) {
    let open:
      | {
          line: number;
          title: string;
          locks: Set<string>;
          caller: string | undefined;
          backtrace: boolean;
          frames: boolean;
          lines: number;
        }
      | undefined;

    const flush = (): void => {
      if (open === undefined) return;
      const { line, title, locks } = open;
      open = undefined;
      sink.saw("lockdep_splat");
      sink.splat({ line, title, locks: [...locks] });
    };
    const title = (l: LogLine, text: string): boolean => {
      if (!TITLES.some((t) => text.includes(t))) return false;
      const m = TITLE.exec(text);
      if (m === null) return false;
      flush();
      const caller = l.caller;
      open = {
        line: l.number,
        title: ownCopy(m[1] ?? m[2]!),
        locks: new Set(),
        caller,
        backtrace: false,
        frames: false,
        lines: 0,
      };
      return true;
    };
    const inside = (l: LogLine, text: string): boolean => {
      const splat = open!;
      // Two CPUs print at once: only the one that reports is ours.
      if (splat.caller !== undefined && l.caller !== undefined && l.caller !== splat.caller) return false;
      if (splat.lines++ > MAX_LINES || OTHER.test(text)) {
        flush();
        return false;
      }
      if (splat.backtrace) return backtrace(text);
      if (text === "stack backtrace:") splat.backtrace = true;
      else if (text.includes("){") && splat.locks.size < MAX_LOCKS) {
        const name = LOCK.exec(text)?.[1];
        if (name !== undefined) splat.locks.add(ownCopy(name));
      }
      return true;
    };
    const backtrace = (text: string): boolean => {
      const frame = isFrame(text);
      if (text === "" || (!frame && !AROUND.test(text))) {
        if (text === "" && !open!.frames) return true;
        flush();
        return text === "";
      }
      open!.frames ||= frame;
      return true;
    };
    return {
      line(l: LogLine): boolean {
        const c = l.text.charCodeAt(0);
        if (open === undefined && c !== 87 && c !== 91 && c !== 66 && c !== 73 && c !== 32) return false;
        if (open === undefined && c === 32 && l.text.includes("+0x")) return false;
        const text = l.text.trim();
        const t = text.charCodeAt(0);
        if ((t === 87 || t === 91 || t === 66 || t === 73) && title(l, text)) return true;
        return open !== undefined && inside(l, text);
      },
      end: flush,
    };
  },
};

/** A frame, or what addr2line or decode_stacktrace.sh put between frames. */
function isFrame(text: string): boolean {
  if (text.includes("+0x") || text.endsWith("[inline]") || text.startsWith("[<")) return true;
  return /^(?:\(inlined by\) )?[\w.]+ (?:at )?\S+\.[chS]:\d+$/.test(text);
}
