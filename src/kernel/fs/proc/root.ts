/** The tree of procfs: which path is which file. */
import type { Resumable } from "../../../resumable/index.ts";
import type { Refused } from "../../cgroup/cftype.ts";
import { cgroups } from "../../cgroup/cgroup-types.ts";
import type { Result } from "../../cgroup/errno.ts";
import { history, valueAt } from "../../era.ts";
import { current, kernel } from "../../sched/current.ts";
import type { Task } from "../../sched/task.ts";
import { allPids, oomScoreAdjWrite, PID_FILES, taskOfPid } from "./base.ts";
import { kpagecgroup, meminfo, swaps, vmstat } from "./meminfo.ts";

/** PSI: v4.20. */
const PSI = history(false, ["4.20", true]);

function mounts(): string {
  const v2 = kernel().config.cgroup === "v2";
  const at = cgroups()?.mounts[0] ?? (v2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory");
  const line = v2 ? `cgroup2 ${at} cgroup2 rw,relatime 0 0` : `cgroup ${at} cgroup rw,relatime,memory 0 0`;
  return `${line}\nproc /proc proc rw,relatime 0 0\n`;
}
function cgroupsShow(): string {
  const groups = cgroups()?.all.filter((cgroup) => cgroup.online && cgroup.hasMemory).length ?? 1;
  const hierarchy = kernel().config.cgroup === "v2" ? 0 : 1;
  return `#subsys_name\thierarchy\tnum_cgroups\tenabled\nmemory\t${hierarchy}\t${groups}\t1\n`;
}
/** There is no time here to measure stalls in: as on a kernel that was booted with psi=0. */
function pressure(): Refused {
  return { error: valueAt(PSI, kernel().era) ? "EOPNOTSUPP" : "ENOENT" };
}

const FILES: Readonly<Record<string, () => string | Refused>> = {
  cgroups: cgroupsShow,
  kpagecgroup,
  meminfo,
  mounts,
  "pressure/memory": pressure,
  swaps,
  vmstat,
};

/** `PID/file` or `self/file`; undefined: no such process. */
function ofPid(path: string): { readonly task: Task; readonly file: string } | undefined {
  const m = /^(self|\d+)\/(.+)$/.exec(path);
  if (m === null) return undefined;
  const [, who, file = ""] = m;
  const task = who === "self" ? current() : taskOfPid(Number(who));
  return task === undefined ? undefined : { task, file };
}

/** What a read of a file below /proc comes to in the present state. */
export function procRead(path: string): string | Refused {
  const name = path.replace(/^\/proc\/+/, "");
  const file = Object.hasOwn(FILES, name) ? FILES[name] : undefined;
  if (file !== undefined) return file();
  const of = ofPid(name);
  const show = of !== undefined && Object.hasOwn(PID_FILES, of.file) ? PID_FILES[of.file] : undefined;
  return of === undefined || show === undefined ? { error: "ENOENT" } : show(of.task);
}

/** write(2) to a file below /proc. The others are for reading: EIO, as a write without a handler there (proc_reg_write). */
export function* procWrite(path: string, text: string): Resumable<Result> {
  const of = ofPid(path.replace(/^\/proc\/+/, ""));
  if (of?.file === "oom_score_adj") {
    const { task } = of;
    return yield* oomScoreAdjWrite(task, text);
  }
  if (of !== undefined && Object.hasOwn(PID_FILES, of.file)) return "EINVAL";
  const there = procRead(path);
  return typeof there !== "string" && there.error === "ENOENT" ? "ENOENT" : "EIO";
}

/** The names in /proc or /proc/PID; undefined: it is no directory. */
export function listProc(path: string): readonly string[] | undefined {
  const name = path.replace(/^\/proc\/*/, "").replace(/\/$/, "");
  if (name === "") return [...allPids().map(String), ...Object.keys(FILES).filter((file) => !file.includes("/"))];
  return /^\d+$/.test(name) && taskOfPid(Number(name)) !== undefined ? Object.keys(PID_FILES) : undefined;
}
