/**
 * A CPU that does not get on: soft and hard lockups (kernel/watchdog.c), RCU stalls (kernel/rcu/tree_stall.h), workqueue lockups
 * (kernel/workqueue.c:wq_watchdog_timer_fn). The stack that follows is read by the reader of bare stacks.
 *
 *     watchdog: BUG: soft lockup - CPU#42 stuck for 208s! [kworker/42:0:52508]
 *     rcu: INFO: rcu_sched self-detected stall on CPU
 *     rcu: 	42-....: (20998 ticks this GP) idle=4ba/1/0x4000000000000002 softirq=1/1 fqs=5248
 *     BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for 32s!
 *
 * An RCU stall prints jiffies; without HZ these are no seconds and are left out.
 */
import { ownCopy } from "../frames.ts";
import type { Format, LogLine } from "../reader.ts";
import type { LockupReport } from "../types.ts";

type Report = Omit<LockupReport, "input">;

const SOFT = /\bsoft lockup - CPU#(\d{1,5}) stuck for (\d{1,9})s! \[(.{0,64}):(-?\d{1,10})\]/;
const SOFT_OLD = /\bsoft lockup detected on CPU#(\d{1,5})!/;
const HARD =
  /\bdetected hard LOCKUP on (?:other )?(?:cpu|CPUs?) (\d{1,5})|\bCPU (\d{1,5}) (?:self-detected )?hard LOCKUP/i;
const POOL = /^BUG: workqueue lockup - pool(?: cpus=(\d{1,5})(?![-,\d]))?.* stuck for (\d{1,9})s!/;
const STALL = /^INFO: (rcu\w*|srcu\w*) (?:self-detected (?:expedited )?stall|detected (?:expedited )?stalls?)\b(.*)$/;
const STALLED_CPU = /^(\d{1,5})-(?:[.!?oON\d]{1,6}): \(/;
const STALLED_TASKS = /^Tasks blocked on level-\d+ rcu_node \(CPUs \d+-\d+\):(.*)$/;
const STALL_END = /^\((?:detected by \d+, )?t=\d+ jiffies/;

/** Reader of lockups and stalls. */
export const lockup: Format = {
  name: "lockup",
  describes: "soft and hard lockups, RCU stalls, workqueue lockups",
  sample: "watchdog: BUG: soft lockup - CPU#42 stuck for 208s! [kworker/42:0:52508]",
  open(sink) {
    let stall: { line: number; time: number | undefined; last: number; found: boolean } | undefined;

    const put = (l: { line: number; time: number | undefined }, r: Omit<Report, "line" | "time">): void => {
      sink.saw("lockup");
      sink.lockup({ line: l.line, ...(l.time === undefined ? {} : { time: l.time }), ...r });
    };
    const flush = (): void => {
      if (stall !== undefined && !stall.found) put(stall, { kind: "rcu-stall" });
      stall = undefined;
    };
    const stalled = (cpu: number | undefined, pid?: number): void => {
      if (stall === undefined) return;
      stall.found = true;
      put(stall, { kind: "rcu-stall", ...(cpu === undefined ? {} : { cpu }), ...(pid === undefined ? {} : { pid }) });
    };
    const lockupLine = (l: LogLine, text: string): boolean => {
      const at = { line: l.number, time: l.time };
      const soft = SOFT.exec(text);
      if (soft !== null) {
        put(at, {
          kind: "soft-lockup",
          cpu: Number(soft[1]),
          seconds: Number(soft[2]),
          comm: ownCopy(soft[3]!),
          pid: Number(soft[4]),
        });
        return true;
      }
      const old = SOFT_OLD.exec(text);
      if (old !== null) {
        put(at, { kind: "soft-lockup", cpu: Number(old[1]) });
        return true;
      }
      const pool = POOL.exec(text);
      if (pool !== null) {
        put(at, {
          kind: "workqueue-lockup",
          seconds: Number(pool[2]),
          ...(pool[1] === undefined ? {} : { cpu: Number(pool[1]) }),
        });
        return true;
      }
      const hard = HARD.exec(text);
      if (hard === null) return false;
      put(at, { kind: "hard-lockup", cpu: Number(hard[1] ?? hard[2]) });
      return true;
    };
    const stallLine = (l: LogLine, text: string): boolean => {
      const m = STALL.exec(text);
      if (m === null) return false;
      flush();
      stall = { line: l.number, time: l.time, last: l.number, found: false };
      // Before 3.x and for expedited grace periods the CPUs are in the line itself: `{ 1 3-...D }`, `on CPU 0`.
      const rest = m[2]!;
      for (const cpu of (/\{([^}]{0,400})\}/.exec(rest)?.[1] ?? "").matchAll(/(?:^|\s)(\d{1,5})(?=-|\s|$)/g))
        stalled(Number(cpu[1]));
      for (const pid of (/\{([^}]{0,400})\}/.exec(rest)?.[1] ?? "").matchAll(/\bP(\d{1,10})\b/g))
        stalled(undefined, Number(pid[1]));
      const one = /\bon CPU (\d{1,5})\b/.exec(rest);
      if (one !== null) stalled(Number(one[1]));
      return true;
    };
    const detail = (l: LogLine, text: string): boolean => {
      if (stall === undefined) return false;
      if (l.number - stall.last > 16) {
        flush();
        return false;
      }
      const cpu = STALLED_CPU.exec(text);
      const tasks = cpu === null ? STALLED_TASKS.exec(text) : null;
      if (cpu !== null) stalled(Number(cpu[1]));
      else if (tasks !== null) for (const m of tasks[1]!.matchAll(/\bP(\d{1,10})\b/g)) stalled(undefined, Number(m[1]));
      else if (!STALL_END.test(text)) return false;
      stall.last = l.number;
      if (cpu === null && tasks === null) flush();
      return true;
    };
    return {
      line(l: LogLine): boolean {
        const { text } = l;
        if (text.length > 1000) return false;
        if (text.includes("ockup") || text.includes("LOCKUP")) {
          if (!text.includes("+0x") && lockupLine(l, text)) return true;
        }
        if (stall === undefined && !text.includes("INFO: ")) return false;
        const rcu = text.trimStart().replace(/^rcu:\s*/, "");
        return stallLine(l, rcu) || detail(l, rcu);
      },
      end: flush,
    };
  },
};
