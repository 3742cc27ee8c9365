/**
 * Per-task scheduler progress: `/proc/PID/schedstat` joined with the context switch lines of `/proc/PID/status`, one task a line:
 * pid, comm, ns on the CPU, ns waiting for one, time slices, then the two counters. Printed by fs/proc/base.c:proc_pid_schedstat
 * and fs/proc/array.c:task_context_switch_counts.
 *
 *     62 fsyncer0 29420255 129812770 77 voluntary_ctxt_switches: 74 nonvoluntary_ctxt_switches: 3
 */
import type { Format, LogLine } from "../reader.ts";
import { readSection, sampleTime } from "./section.ts";

const LINE =
  /^\s*(\d{1,10}) (.{1,64}?) (\d{1,25}) (\d{1,25}) (\d{1,25}) voluntary_ctxt_switches:\s+(\d{1,25}) nonvoluntary_ctxt_switches:\s+(\d{1,25})$/;

/** Reader of per-task scheduler counters. The key of a sample is the pid: kworkers change their name while they run. */
export const sched: Format = {
  name: "sched",
  describes: "per-task run time and context switches (schedstat and status, one task a line)",
  sample: "62 fsyncer0 29420255 129812770 77 voluntary_ctxt_switches: 74 nonvoluntary_ctxt_switches: 3",
  open: (sink) => ({
    line(l: LogLine): boolean {
      const { text } = l;
      const last = text.charCodeAt(text.length - 1);
      if (last < 48 || last > 57 || text.length > 400 || !text.includes("voluntary_ctxt_switches:"))
        return readSection(sink, l);
      const m = LINE.exec(text);
      if (m === null) return false;
      const time = sampleTime(sink, l);
      sink.saw("sched");
      sink.sample({
        source: "sched",
        line: l.number,
        key: m[1]!,
        values: {
          run_ns: Number(m[3]),
          wait_ns: Number(m[4]),
          timeslices: Number(m[5]),
          voluntary_ctxt_switches: Number(m[6]),
          nonvoluntary_ctxt_switches: Number(m[7]),
        },
        ...(time === undefined ? {} : { time }),
      });
      return true;
    },
    end(): void {},
  }),
};
