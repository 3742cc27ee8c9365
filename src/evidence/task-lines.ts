/**
 * Parts that several reports share: the task header of `sched_show_task()`, the worker line, the release.
 */
import { type HeaderFields, taskState } from "./open-record.ts";
import type { TaskRecord } from "./types.ts";

/** `Not tainted 6.1.0-56-cloud-amd64 #1 Debian`, `Tainted: P           O    4.4.184-octeon #1` -> the release. */
export const releaseFrom = (text: string): string | undefined => {
  const m = /(?:^|\s)(\d{1,2}\.\d{1,3}[\w.+~-]*)\s+#/.exec(text);
  return m?.[1];
};

const WORKQUEUE = /^Workqueue: (.*?) ?(\S+?)(?: \[[\w-]+(?: [0-9a-f]+)?\])?(?: \((.*)\))?$/;

/** `Workqueue: writeback wb_workfn (flush-8:0)`, printed by `print_worker_info()` (kernel/workqueue.c, v3.10). */
export const parseWorkqueue = (text: string): TaskRecord["workqueue"] => {
  const m = WORKQUEUE.exec(text);
  if (!m) return undefined;
  const [, name, work, description] = m;
  if (name === "" && description === undefined) return { name: work! };
  return { name: name!.trim(), work: work!, ...(description === undefined ? {} : { description }) };
};

const field = (text: string, name: string): number | undefined => {
  const at = text.indexOf(name);
  if (at < 0) return undefined;
  let p = at + name.length;
  while (text.charCodeAt(p) === 32) p++;
  let n = 0;
  let digits = 0;
  for (let c = text.charCodeAt(p); c >= 48 && c <= 57 && digits < 10; c = text.charCodeAt(++p)) {
    n = n * 10 + (c - 48);
    digits++;
  }
  return digits > 0 ? n : undefined;
};

/**
 * `task:kworker/u4:0    state:D stack:0     pid:9     ppid:2      flags:0x00004000` (v5.9; `tgid:` since v6.8,
 * `task_flags:` since v6.14; blanks after the colons until v6.1), for a running task `state:R  running task     stack:0`.
 */
export const parseTaskLine = (text: string): HeaderFields | undefined => {
  const at = text.indexOf(" state:", 5);
  if (at < 0 || at > 40) return undefined;
  const pid = field(text, " pid:");
  if (pid === undefined) return undefined;
  return {
    comm: text.slice(5, at).trim(),
    state: taskState(text[at + 7]),
    pid,
    tgid: field(text, " tgid:"),
    ppid: field(text, " ppid:"),
  };
};

/**
 * `kworker/u256:0  D    0 34652      2 0x80000000` (v4.14 to v5.8), `syz-executor4   D24208  6761   4671 0x00000004`,
 * `btrfs           D ffff88030bd07a98     0  2918   2892 0x00000000` (before v4.14), `x  R  running task    0 1 0 0x0`.
 */
const OLD_TASK =
  /^(\S.{0,15}?) ?\s*\b([RSDTtXxZKWPI])(?: [0-9a-f]{8,16} +| {1,3}running task {0,4}|\s*)\s*(\d+)\s+(\d+)\s+(\d+)\s+0x[0-9a-f]{1,16}$/;

/** Header of kernels before v5.9. */
export const parseOldTaskLine = (text: string): HeaderFields | undefined => {
  const flags = text.lastIndexOf(" 0x");
  if (flags < 12 || flags > 90 || text.length - flags > 19) return undefined;
  const m = OLD_TASK.exec(text);
  if (!m) return undefined;
  return { comm: m[1]!.trim(), state: taskState(m[2]), pid: Number(m[4]), ppid: Number(m[5]) };
};
