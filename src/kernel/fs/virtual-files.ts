/**
 * The files that a program of user space finds: control groups and processes, by absolute path.
 *
 * Looking ({@link lookAt}) changes nothing and may be done at any moment, from outside too. Writing is what a task does: it may
 * sleep, reclaim and kill on the way.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import type { Refused } from "../cgroup/cftype.ts";
import {
  cgroupRead,
  isCgroupDirectory,
  isCgroupPath,
  listCgroup,
  mkdirAt,
  rmdirAt,
  writeFile,
} from "../cgroup/cgroupfs.ts";
import type { Result } from "../cgroup/errno.ts";
import { keepingCurrent } from "../sched/current.ts";
import { listProc, procRead, procWrite } from "./proc/root.ts";

const isProc = (path: string): boolean => path === "/proc" || path.startsWith("/proc/");

/** Whether a path is below one of the virtual filesystems. */
export function isVirtual(path: string): boolean {
  return isProc(path) || isCgroupPath(path);
}

/** The text of a file in the present state, or why it cannot be read. @since 0.3.0 */
export function lookAt(path: string): string | Refused {
  if (isProc(path)) return listProc(path) === undefined ? keepingCurrent(() => procRead(path)) : { error: "EISDIR" };
  if (!isCgroupPath(path)) return { error: "ENOENT" };
  return isCgroupDirectory(path) ? { error: "EISDIR" } : cgroupRead(path);
}

/** The names in a directory; undefined: it is none. @since 0.3.0 */
export function listDirectory(path: string): readonly string[] | undefined {
  if (isProc(path)) return listProc(path);
  return isCgroupPath(path) ? listCgroup(path) : undefined;
}

const read = op<string>("vfs_read", {
  apply(path) {
    const found = lookAt(path);
    return typeof found === "string" ? found : Object.freeze({ ...found });
  },
  describe: (path) => `read ${path}`,
});

/** read(2) of a whole file. @since 0.3.0 */
export function* readVirtual(path: string): Resumable<string | Refused> {
  return yield read(path);
}

/** write(2) of a text to a file. @since 0.3.0 */
export function* writeVirtual(path: string, text: string): Resumable<Result> {
  if (isProc(path)) return listProc(path) === undefined ? yield* procWrite(path, text) : "EISDIR";
  if (!isCgroupPath(path)) return "ENOENT";
  if (isCgroupDirectory(path)) return "EISDIR";
  return yield* writeFile(path, text);
}

/** mkdir(2). @since 0.3.0 */
export function* mkdirVirtual(path: string): Resumable<Result> {
  return isCgroupPath(path) ? yield* mkdirAt(path) : "EPERM";
}
/** rmdir(2). @since 0.3.0 */
export function* rmdirVirtual(path: string): Resumable<Result> {
  return isCgroupPath(path) ? yield* rmdirAt(path) : "EPERM";
}
