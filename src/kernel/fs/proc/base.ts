/** /proc/PID (fs/proc/base.c, fs/proc/array.c): stack, status, comm, cgroup, oom_score_adj. */
import { op, type Resumable } from "../../../resumable/index.ts";
import type { Refused } from "../../cgroup/cftype.ts";
import { taskCgroup } from "../../cgroup/cgroup-types.ts";
import { kstrtoint, type Result } from "../../cgroup/errno.ts";
import { PF_EXITING } from "../../gfp.ts";
import type { MmStruct } from "../../mm/mm-types.ts";
import { kernel } from "../../sched/current.ts";
import { processOf } from "../../sched/process.ts";
import { procPidStack, taskState } from "../../sched/show-task.ts";
import type { Task } from "../../sched/task.ts";

/** Who has this pid; zombies too. */
export function taskOfPid(pid: number): Task | undefined {
  return kernel().tasks.find((task) => {
    if (task.pid !== pid || pid === 0 || task.kind === "hardirq" || task.kind === "softirq") return false;
    return !kernel().machine.finished(task.context);
  });
}

/** Every pid, in ascending order. */
export function allPids(): readonly number[] {
  const pids = kernel().tasks.map((task) => task.pid);
  return [...new Set(pids)].filter((pid) => taskOfPid(pid) !== undefined).sort((a, b) => a - b);
}

const STATES = { R: "R (running)", S: "S (sleeping)", D: "D (disk sleep)", I: "I (idle)", Z: "Z (zombie)" } as const;

function stateOf(task: Task): keyof typeof STATES {
  return processOf(task)?.state === "zombie" ? "Z" : taskState(kernel(), task);
}

/** Pages that the address space maps. */
function rss(mm: MmStruct): { readonly anon: number; readonly file: number } {
  const pages = [...mm.vmas].flatMap((vma) => [...vma.present]);
  const anon = pages.filter((page) => page.anon).length;
  return { anon, file: pages.length - anon };
}

function memoryRows({ mm }: Task): readonly string[] {
  if (mm === undefined) return [];
  const { anon, file } = rss(mm);
  const row = (name: string, pages: number): string => `${name}:\t${String(pages * 4).padStart(8)} kB`;
  const tables = [...mm.vmas].filter((vma) => !vma.pmdNone).length;
  return [row("VmRSS", anon + file), row("RssAnon", anon), row("RssFile", file), row("VmPTE", tables)];
}

function status(task: Task): string {
  const proc = processOf(task);
  const parent = proc?.thread === true ? undefined : proc?.parent;
  const rows = [
    `Name:\t${task.comm}`,
    `State:\t${STATES[stateOf(task)]}`,
    `Tgid:\t${proc?.thread === true ? proc.parent?.pid : task.pid}`,
    `Pid:\t${task.pid}`,
    `PPid:\t${parent?.pid ?? (task.kind === "task" ? 1 : 2)}`,
    ...memoryRows(task),
    // bit 8 is signal 9
    `SigPnd:\t${task.fatalSignal ? "0000000000000100" : "0000000000000000"}`,
  ];
  return rows.map((row) => `${row}\n`).join("");
}

/** The files of a process by name. */
export const PID_FILES: Readonly<Record<string, (task: Task) => string | Refused>> = {
  cgroup: (task) => {
    const path = taskCgroup(task)?.path ?? task.memcg?.path ?? "/";
    return kernel().config.cgroup === "v2" ? `0::${path}\n` : `1:memory:${path}\n`;
  },
  comm: (task) => `${task.comm}\n`,
  oom_score_adj: (task) => `${task.mm?.oomScoreAdj ?? 0}\n`,
  stack: (task) =>
    procPidStack(kernel(), task)
      .map((line) => `${line}\n`)
      .join(""),
  status,
};

const setAdj = op<Task, number>("oom_score_adj", {
  apply(task, to): Result {
    const { mm } = task;
    if (mm === undefined || (task.flags & PF_EXITING) !== 0) return "ESRCH";
    // nobody may try for a lock that was made for a process that the OOM killer spares
    if (!mm.mmapLock.tried && to !== mm.oomScoreAdj) return "EOPNOTSUPP";
    mm.oomScoreAdj = to;
    return "ok";
  },
  describe: (task, to) => `oom_score_adj of ${task} becomes ${to}`,
});

/** `oom_score_adj_write()`. Of all values only -1000 means something to this OOM killer. */
export function* oomScoreAdjWrite(task: Task, text: string): Resumable<Result> {
  const to = kstrtoint(text.trim());
  if (typeof to === "string") return to;
  if (to < -1000 || to > 1000) return "EINVAL";
  return yield setAdj(task, to);
}
