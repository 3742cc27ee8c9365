/**
 * `Showing busy workqueues and worker pools:` of SysRq-t and of the workqueue watchdog (kernel/workqueue.c:show_one_workqueue,
 * show_pwq, show_one_worker_pool).
 *
 *     workqueue xfs-conv/dm-0: flags=0x4c
 *       pwq 48: cpus=24 node=3 flags=0x0 nice=0 active=58/256 refcnt=59
 *         in-flight: 52508:xfs_end_io, 24(RESCUER):xfs_end_io BAR(12)
 *         pending: 2*xfs_end_io, xfs_end_io
 *     pool 4: cpus=0-1 flags=0x4 nice=0 hung=0s workers=3 idle: 26 8
 *
 * `active=N/M` lost its `/M` in 6.9; waiting works are `delayed:` before 5.18 and `inactive:` since. One state per pwq line.
 */
import { ownCopy } from "../frames.ts";
import type { Format, LogLine } from "../reader.ts";
import { readWorks } from "./workqueue-works.ts";

const QUEUE = /^workqueue (.{1,64}): flags=0x[0-9a-f]+$/;
const PWQ = /^pwq \d+:.*? active=(\d{1,9})(?:\/(\d{1,9}))?(?: |$)/;
const LIST = /^(in-flight|pending|delayed|inactive):(.*)$/;
const POOL = /^pool \d+:(?: .*?)? hung=\d+s? workers=\d+/;
/** Works kept per pwq; lists of hung machines have some hundreds. */
const MAX_LISTED = 16384;
/** A list that a mailer broke after a comma. */
const REST = /^[\w.*(),: ]{1,4000}$/;

interface Open {
  readonly line: number;
  readonly name: string;
  readonly active?: number;
  readonly maxActive?: number;
  readonly inFlight: { pid?: number; fn: string }[];
  readonly pending: string[];
}

/** Reader of workqueue dumps. */
export const workqueue: Format = {
  name: "workqueue",
  describes: "busy workqueues with their in-flight and pending works",
  sample: "workqueue writeback: flags=0x4a",
  open(sink) {
    let name: string | undefined;
    let open: Open | undefined;
    let list: { inFlight: boolean; broken: boolean } | undefined;
    let last = 0;

    const flush = (): void => {
      list = undefined;
      if (open === undefined) return;
      const state = open;
      open = undefined;
      sink.saw("workqueue");
      sink.workqueue(state);
    };
    const works = (text: string, inFlight: boolean): void => {
      if (open === undefined) return;
      for (const w of readWorks(text)) {
        if (open.inFlight.length + open.pending.length >= MAX_LISTED) break;
        if (inFlight) open.inFlight.push(w);
        else open.pending.push(w.fn);
      }
      list = { inFlight, broken: text.trimEnd().endsWith(",") };
    };
    const inside = (l: LogLine, text: string): boolean => {
      if (name === undefined || l.number - last > 3) return false;
      const pwq = text.startsWith("pwq ") ? PWQ.exec(text) : null;
      if (pwq !== null) {
        flush();
        const active = { active: Number(pwq[1]), ...(pwq[2] === undefined ? {} : { maxActive: Number(pwq[2]) }) };
        open = { line: l.number, name, ...active, inFlight: [], pending: [] };
        return true;
      }
      const m = LIST.exec(text);
      if (m !== null) {
        // The pwq line was lost: the list still says what the queue works on.
        open ??= { line: l.number, name, inFlight: [], pending: [] };
        works(m[2]!, m[1] === "in-flight");
        return true;
      }
      if (list?.broken !== true || !REST.test(text)) return false;
      works(text, list.inFlight);
      return true;
    };
    return {
      line(l: LogLine): boolean {
        const c = l.text.charCodeAt(0);
        if (name === undefined && c !== 119 && c !== 83 && c !== 112 && c !== 32) return false;
        if (name === undefined && c === 32 && !l.text.includes("workqueue ")) return false;
        const text = l.text.trimStart();
        const m = text.startsWith("workqueue ") ? QUEUE.exec(text) : null;
        if (m !== null) {
          flush();
          name = ownCopy(m[1]!);
          last = l.number;
          return true;
        }
        if (text === "" && name !== undefined) return false;
        if (inside(l, text)) {
          last = l.number;
          return true;
        }
        flush();
        name = undefined;
        if (text.startsWith("pool ") && POOL.test(text)) return true;
        return text === "Showing busy workqueues and worker pools:" || text.startsWith("Showing freezable workqueues");
      },
      end: flush,
    };
  },
};
