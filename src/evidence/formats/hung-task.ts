/**
 * Reports of khungtaskd: kernel/hung_task.c:check_hung_task(), since v2.6.29. Sample:
 *   INFO: task kworker/u4:0:9 blocked for more than 120 seconds.
 * then taint and release, `"echo 0 > ..."`, and the task as sched_show_task() prints it (formats/sysrq.ts).
 * Since v6.16 also the blocker, with the owner's stack behind it (commit 3cf67d61ff98 "hung_task: show the blocker
 * task if the task is hung on mutex" for the first of them):
 *   INFO: task cat:1234 is blocked on a mutex likely owned by task dd:1200.
 *   INFO: task cat:1234 <reader> blocked on an rw-semaphore likely owned by task dd:1200 <writer>
 *   INFO: task cat:1234 blocked on a semaphore likely last held by task dd:1200
 *
 * A comm may hold blanks, colons and slashes: the pid stands behind the last colon.
 */
import { skipBlanks } from "../frames.ts";
import type { EvidenceSink, Format, LineReader, LogLine } from "../reader.ts";
import { recordsOf } from "../records.ts";
import { parseOldTaskLine, parseTaskLine } from "../task-lines.ts";

/** The rest of the line may be lost or overwritten by another CPU. */
const BLOCKED =
  /^INFO: task (.{1,40}):(\d{1,10}) blocked(?=\s|$)(?! on an? )(?:(?: .{1,30}?)? for more than (\d+) ?sec)?/;
const OWNER =
  /^INFO: task (.{1,40}):(\d{1,10})(?: <(?:reader|writer)>)?(?: is)? blocked on an? ([a-z-]+),? likely (?:last )?(?:owned|held) by task (.{1,40}?):(\d{1,10})(?: <(reader|writer)>)?\.?$/;
const NO_OWNER = /^INFO: task .{1,40}:\d+.* blocked on an? [a-z-]+, but /;

/** Reports of one round of khungtaskd follow each other this closely, serial console included. */
const BURST_SECONDS = 2;

const LOCKS = { mutex: "mutex", semaphore: "semaphore", "rw-semaphore": "rwsem" } as const;
const lockKind = (printed: string): "mutex" | "semaphore" | "rwsem" | "lock" =>
  (LOCKS as Record<string, "mutex" | "semaphore" | "rwsem">)[printed] ?? "lock";

const open = (sink: EvidenceSink): LineReader => {
  const records = recordsOf(sink);
  let burst: number | undefined;
  /** Task whose stack follows as the likely owner. */
  let owner: number | undefined;

  const blocked = (l: LogLine, text: string): boolean => {
    const m = BLOCKED.exec(text);
    if (!m) return false;
    const pid = Number(m[2]);
    records.endDump();
    burst = records.snapshotFor("hung_task", l, pid, BURST_SECONDS);
    // khungtaskd looks at uninterruptible tasks only.
    records.open(l, "hung_task", burst, {
      comm: m[1]!,
      pid,
      state: "D",
      blockedSeconds: m[3] === undefined ? undefined : Number(m[3]),
    });
    owner = undefined;
    return true;
  };

  const blocker = (l: LogLine, text: string): boolean => {
    const m = OWNER.exec(text);
    if (!m) return NO_OWNER.test(text);
    const waiter = records.current(l);
    if (waiter && waiter.fields.pid === Number(m[2])) {
      const mode = m[6] as "reader" | "writer" | undefined;
      waiter.fields.likelyOwner = {
        lock: lockKind(m[3]!),
        ...(mode ? { mode } : {}),
        pid: Number(m[5]),
        comm: m[4]!,
        line: l.number,
      };
    }
    owner = Number(m[5]);
    return true;
  };

  /** The header of the reported task, or of the owner. */
  const header = (l: LogLine, text: string): boolean => {
    const o = records.current(l);
    const waiting = o?.format === "hung_task" && o.frames.length === 0 && !o.trace && !o.ended;
    if (!waiting && owner === undefined) return false;
    const fields = text.startsWith("task:") ? parseTaskLine(text) : parseOldTaskLine(text);
    if (!fields) return false;
    if (waiting && o.fields.pid === fields.pid) {
      const { comm, state, ...rest } = fields;
      // The header cuts the comm to 15 characters, `INFO:` does not.
      o.fields = {
        ...o.fields,
        ...rest,
        ...(state === undefined ? {} : { state }),
        ...(o.fields.comm === undefined ? { comm } : {}),
      };
      o.lastLine = l.number;
      return true;
    }
    if (owner === undefined || fields.pid !== owner) return false;
    owner = undefined;
    records.open(l, "hung_task", burst ?? records.snapshotFor("hung_task", l, undefined), fields);
    return true;
  };

  return {
    line(l) {
      const at = skipBlanks(l.text, 0);
      const c = l.text.charCodeAt(at);
      if (c === 73 /* I */ && l.text.startsWith("INFO: task ", at)) {
        const text = at === 0 ? l.text : l.text.slice(at);
        return blocked(l, text) || blocker(l, text);
      }
      if (c === 70 /* F */ && l.text.startsWith("Future hung task reports are suppressed", at)) return true;
      if (l.text === "") return false;
      return header(l, at === 0 ? l.text : l.text.slice(at));
    },
    end: () => undefined,
  };
};

/** Hung-task reports of every kernel. */
export const hungTask: Format = {
  name: "hung_task",
  describes: "khungtaskd's reports of tasks blocked for more than 120 seconds, with the likely owner where printed",
  sample: "INFO: task kworker/u4:0:9 blocked for more than 120 seconds.",
  open,
};
