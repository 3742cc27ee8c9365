/**
 * Messages of the OOM killer and its reaper (mm/oom_kill.c:dump_header, oom_kill_process, oom_reap_task;
 * mm/memcontrol.c:mem_cgroup_print_oom_meminfo).
 *
 *     stress invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
 *     memory: usage 30720kB, limit 30720kB, failcnt 36
 *     oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/a,task=stress,pid=77,uid=0
 *     Memory cgroup out of memory: Killed process 77 (stress) total-vm:53248kB, anon-rss:29000kB, ...
 *
 * Older: `Task in /a killed as a result of limit of /a` (before 5.0), `Kill process 77 (x) score 1000 or sacrifice child`
 * (before 5.3), gfp_mask without names (before 4.6). The first line does not say whose limit it was, so it is reported when
 * a later line does, or at the next invocation.
 */
import { ownCopy } from "../frames.ts";
import type { Format, LogLine } from "../reader.ts";
import type { OomReport } from "../types.ts";

type Report = Omit<OomReport, "input">;
type Scope = OomReport["scope"];

const INVOKED =
  /^(.{1,64}) invoked oom-killer: gfp_mask=(0x[0-9a-f]{1,16}|\d{1,20})(?:\(([\w|() ]{0,600}?)\))?,?(.*)$/i;
const ORDER = /\border=(-?\d{1,3})\b/;
const USAGE = /^(memory|memory\+swap|swap|kmem): usage (\d{1,20})kB, limit (\d{1,20})kB, failcnt (\d{1,20})/;
const TASK_IN = /^Task in (.{1,4096}) killed as a result of limit of (.{1,4096})$/;
const KILL = /\b(?:Killed|Kill) process (\d{1,10}) \((.{1,64})\)(?:[, ]|$)/;
const KILL_TGID = /\b(?:Killed|Kill) process (\d{1,10}), UID \d+, \((.{1,64})\)/;
const REAPED = /^oom_reaper: reaped process (\d{1,10}) \((.{0,64})\), now/;
const UNABLE = /^oom_reaper: unable to reap pid:(\d{1,10}) \((.{0,64})\)/;
const SUMMARY = /^oom-kill:constraint=(CONSTRAINT_\w+)(.*)$/;
const CGROUP = /,oom_memcg=(.*?),task_memcg=/;

/** Reader of OOM killer messages. */
export const oom: Format = {
  name: "oom",
  describes: "OOM killer and OOM reaper messages, memory cgroup and global",
  sample: "Memory cgroup out of memory: Killed process 77 (stress) total-vm:53248kB, anon-rss:29000kB",
  open(sink) {
    let invoked: Report | undefined;
    let scope: Scope = "unknown";
    let memcg: string | undefined;

    const put = (r: Report): void => {
      sink.saw("oom");
      sink.oom(r);
    };
    const flush = (): void => {
      if (invoked !== undefined) put({ ...invoked, scope, ...(memcg === undefined ? {} : { memcg }) });
      invoked = undefined;
    };
    const settle = (s: Scope, group?: string): void => {
      scope = s;
      if (group !== undefined) memcg = ownCopy(group);
      flush();
    };
    const base = (l: LogLine): { line: number; time?: number } => ({
      line: l.number,
      ...(l.time === undefined ? {} : { time: l.time }),
    });
    const where = (): { scope: Scope; memcg?: string } => ({ scope, ...(memcg === undefined ? {} : { memcg }) });

    const onInvoked = (l: LogLine, text: string): boolean => {
      const m = INVOKED.exec(text);
      if (m === null) return false;
      flush();
      scope = "unknown";
      memcg = undefined;
      const mask = Number(m[2]);
      const order = ORDER.exec(m[4] ?? "");
      invoked = {
        kind: "invoked",
        ...base(l),
        comm: ownCopy(m[1]!),
        scope,
        ...(Number.isSafeInteger(mask) ? { gfpMask: mask } : {}),
        ...(m[3] === undefined ? {} : { gfpText: ownCopy(m[3]) }),
        ...(order === null ? {} : { order: Number(order[1]) }),
      };
      return true;
    };
    const onUsage = (l: LogLine, text: string): boolean => {
      const m = USAGE.exec(text);
      if (m === null) return false;
      settle("memcg");
      // Swap and kmem counters have limits of their own; the group's is the memory line.
      if (m[1] === "memory") {
        put({
          kind: "usage",
          ...base(l),
          ...where(),
          usageKb: Number(m[2]),
          limitKb: Number(m[3]),
          failcnt: Number(m[4]),
        });
      }
      return true;
    };
    const onKill = (l: LogLine, text: string): boolean => {
      const m = KILL.exec(text) ?? KILL_TGID.exec(text);
      if (m === null) return false;
      const started = /^(Memory cgroup out of memory|Out of memory)/.exec(text)?.[1];
      if (started === "Memory cgroup out of memory") settle("memcg");
      else if (started !== undefined) settle("global");
      else flush();
      // `Kill process` announces, `Killed process` reports the same victim a moment later.
      if (text.includes("Killed process"))
        put({ kind: "killed", ...base(l), ...where(), pid: Number(m[1]), comm: ownCopy(m[2]!) });
      return true;
    };
    const onReaper = (l: LogLine, text: string): boolean => {
      const reaped = REAPED.exec(text);
      const m = reaped ?? UNABLE.exec(text);
      if (m === null) return false;
      flush();
      put({
        kind: reaped === null ? "unable-to-reap" : "reaped",
        ...base(l),
        ...where(),
        pid: Number(m[1]),
        comm: ownCopy(m[2]!),
      });
      return true;
    };
    const onSummary = (text: string): boolean => {
      const m = SUMMARY.exec(text);
      if (m === null) return false;
      settle(m[1] === "CONSTRAINT_MEMCG" ? "memcg" : "global", CGROUP.exec(m[2]!)?.[1]);
      return true;
    };
    const onNoVictim = (l: LogLine, text: string): boolean => {
      settle(text.startsWith("Memory cgroup") ? "memcg" : scope);
      put({ kind: "no-killable", ...base(l), ...where() });
      return true;
    };

    return {
      line(l: LogLine): boolean {
        const text = l.text.charCodeAt(0) === 32 ? l.text.trimStart() : l.text;
        switch (text.charCodeAt(0)) {
          case 111: // o
            if (text.startsWith("oom_reaper: ")) return onReaper(l, text);
            if (text.startsWith("oom-kill:")) return onSummary(text);
            break;
          case 109: // m
          case 115: // s
          case 107: // k
            if (text.includes(": usage ") && onUsage(l, text)) return true;
            break;
          case 77: // M
          case 79: // O
          case 75: // K
            if (text.includes("ill process ") || text.includes("illed process ")) return onKill(l, text);
            if (text.includes("no killable processes")) return onNoVictim(l, text);
            if (invoked !== undefined && text.startsWith("Mem-Info:")) settle("global");
            if (text.startsWith("Memory cgroup stats for ")) {
              settle("memcg", /^Memory cgroup stats for (.*?)(?::|$)/.exec(text)?.[1]);
              return true;
            }
            break;
          case 84: {
            // T
            const m = text.startsWith("Task in ") ? TASK_IN.exec(text) : null;
            if (m === null) break;
            settle("memcg", m[2]);
            return true;
          }
        }
        return text.includes(" invoked oom-killer: ") && onInvoked(l, text);
      },
      end: flush,
    };
  },
};
