/**
 * Lists of held locks of lockdep kernels (kernel/locking/lockdep.c:debug_show_all_locks, lockdep_print_held_locks, print_lock).
 *
 *     Showing all locks held in the system:
 *     2 locks held by kworker/u8:54/7298:
 *      #0: ffff8880351b80e0 (&type->s_umount_key#50){++++}-{4:4}, at: deactivate_super+0xd6/0x100 fs/super.c:505
 *
 * Older: ` #0:  (&p->lock){+.+.+.}, at: [<ffffffff811f1e80>] seq_read+0x40/0x3c0`. A lock is recorded before it is got, so the
 * last entry of a waiting task is usually the one it waits for. Mailers wrap an entry over two or three lines; syzkaller
 * repeats it for every inlined caller.
 */
import { normaliseSymbol, ownCopy } from "../frames.ts";
import type { Format, LogLine } from "../reader.ts";
import type { HeldLock } from "../types.ts";

const HEADER = /^(\d{1,4}) locks? held by (.{1,64})\/(\d{1,10}):?$/;
const NONE = /^no locks held by (.{1,64})\/(\d{1,10})\.$/;
const ENTRY = /^#(\d{1,3}):\s+(.*)$/;
const AT = /^(?:\[<[0-9a-fA-F.]*>\]\s*)?([A-Za-z_.$][\w.$]*)(\+0x)?/;
/** Longest entry worth joining: address, name, usage and place. */
const MAX_ENTRY = 1000;

interface Entry {
  readonly index: number;
  readonly line: number;
  text: string;
}

/** Address, name and place of an entry; undefined while the text is not complete. */
export function parseHeldLock(
  index: number,
  line: number,
  text: string,
): (HeldLock & { readonly inlined: boolean }) | undefined {
  const open = text.indexOf("(");
  const close = text.indexOf("){", open);
  const at = text.indexOf(", at:", close);
  if (open < 0 || close < 0 || at < 0) return undefined;
  const m = AT.exec(text.slice(at + 5).trimStart());
  if (m === null) return undefined;
  const address = /^([0-9a-fA-F]{6,16})\s*$/.exec(text.slice(0, open))?.[1];
  return {
    index,
    line,
    name: ownCopy(text.slice(open + 1, close)),
    at: ownCopy(normaliseSymbol(m[1]!)),
    inlined: text.endsWith("[inline]"),
    ...(address === undefined ? {} : { address: ownCopy(address) }),
  };
}

/** Reader of lock lists. */
export const lockdepLocks: Format = {
  name: "lockdep_locks",
  describes: "lockdep's lists of locks held by tasks",
  sample: "1 lock held by khungtaskd/54:",
  open(sink) {
    let list: { line: number; pid: number; comm: string; expected: number; locks: HeldLock[] } | undefined;
    let entry: Entry | undefined;
    let last = 0;

    const closeEntry = (): void => {
      if (entry === undefined || list === undefined) return;
      const e = entry;
      entry = undefined;
      const parsed = parseHeldLock(e.index, e.line, e.text);
      if (parsed === undefined) {
        const name = /\((.*)\)\{/.exec(e.text)?.[1];
        if (name !== undefined) list.locks.push({ index: e.index, line: e.line, name: ownCopy(name) });
        return;
      }
      const { inlined, ...lock } = parsed;
      const before = list.locks.at(-1);
      // One entry per index: inlined callers come first, the function that really stands in the text section last.
      if (before?.index === lock.index) {
        if (!inlined || before.at === undefined) list.locks[list.locks.length - 1] = { ...lock, line: before.line };
      } else if (list.locks.length < 512) list.locks.push(lock);
    };
    const flush = (): void => {
      closeEntry();
      if (list === undefined) return;
      const { line, pid, comm, locks } = list;
      list = undefined;
      sink.saw("lockdep_locks");
      sink.heldLocks({ line, pid, comm, locks });
    };
    const header = (l: LogLine, text: string): boolean => {
      const m = HEADER.exec(text);
      if (m === null && !NONE.test(text)) return false;
      flush();
      if (m === null) return true;
      list = { line: l.number, pid: Number(m[3]), comm: ownCopy(m[2]!), expected: Number(m[1]), locks: [] };
      last = l.number;
      return true;
    };
    const onEntry = (l: LogLine, text: string): boolean => {
      const m = ENTRY.exec(text);
      if (m === null || list === undefined) return false;
      closeEntry();
      entry = { index: Number(m[1]), line: l.number, text: m[2]! };
      last = l.number;
      return true;
    };
    /** A wrapped rest: only while the entry lacks its end, only text that can stand there. */
    const onRest = (l: LogLine, text: string): boolean => {
      if (entry === undefined || text === "" || l.number - last > 2) return false;
      if (entry.text.length + text.length > MAX_ENTRY) return false;
      const complete = parseHeldLock(entry.index, entry.line, entry.text) !== undefined;
      // `at: foo+0x1/0x2` may still be followed by ` [btrfs]` on a line of its own.
      if (complete ? !/^\[\w+\]$/.test(text) : !/^(\(|[A-Za-z_.$][\w.$]*\+0x|\[<|at:|\{)/.test(text)) return false;
      entry.text += ` ${text}`;
      last = l.number;
      return true;
    };
    return {
      line(l: LogLine): boolean {
        const c = l.text.charCodeAt(0);
        if (list === undefined && c !== 32 && (c < 48 || c > 57) && c !== 110 && c !== 83) return false;
        const text = c === 32 ? l.text.trimStart() : l.text;
        const first = text.charCodeAt(0);
        if (first === 35 /* # */) return onEntry(l, text);
        if (first >= 48 && first <= 57 && text.includes(" held by ")) return header(l, text);
        if (first === 110 && text.startsWith("no locks held by ")) return header(l, text);
        if (first === 83 && text === "Showing all locks held in the system:") {
          flush();
          return true;
        }
        if (list === undefined || text === "") return false;
        if (onRest(l, text)) return true;
        flush();
        return false;
      },
      end: flush,
    };
  },
};
