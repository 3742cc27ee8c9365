/**
 * A virtual cgroupfs: directories of groups and their control files, with the kernel's names, formats and errors.
 *
 * Files are read and written by tasks ({@link readFile}, {@link writeFile}, {@link mkdirAt}, {@link rmdirAt}: resumable, with the
 * locks and the reclaim of the kernel's handlers) or looked at from outside ({@link readFileNow}, which changes nothing). Sizes
 * are in bytes of 4 KiB pages. Everybody is root: no file is refused for its mode, but one without a handler answers EINVAL.
 *
 * Lock order: `cgroup_mutex` around attach and charge moving (mm/memcontrol.c:mem_cgroup_can_attach); `memcg_max_mutex` around a
 * v1 limit change; a v2 limit change takes neither and kills when reclaim cannot bring usage down (memory_max_write).
 */
import { op, type Resumable } from "../../resumable/index.ts";
import { history, valueAt } from "../era.ts";
import type { MemCgroup } from "../mm/memcg-types.ts";
import { MEMORY_FILES, SWAP_FILES } from "../mm/memcontrol-files.ts";
import { MEM_CGROUP_LEGACY_FILES } from "../mm/memcontrol-v1.ts";
import { createMemcg, type MemcgLimits, type Mm, mm } from "../mm/mm.ts";
import { swap } from "../mm/swap-state.ts";
import { kernel } from "../sched/current.ts";
import type { Kernel } from "../sched/kernel.ts";
import type { Cftype, Cftypes, Directory, Refused } from "./cftype.ts";
import { cgroupMkdir, cgroupRmdir } from "./cgroup.ts";
import { CGROUP_BASE_FILES, CGROUP1_BASE_FILES } from "./cgroup-files.ts";
import { type Cgroup, cgroups, DEFAULT_MOUNTS, effectiveCss } from "./cgroup-types.ts";
import type { Result } from "./errno.ts";

export { cgroupProcsWrite } from "./cgroup.ts";
/** Errors of writes, as the shell would show them. */
export type WriteResult = Result;

/** Makes a group, and its parents if need be; set-up only. `mkdir(kernel, "/a/b", { max: 3 })`. */
export function mkdir(k: Kernel, path: string, limits: MemcgLimits = {}): MemCgroup {
  const { memcgs, root } = k.subsystem<Mm>("mm");
  const parts = path.split("/").filter((part) => part !== "");
  let parent = root;
  for (let i = 1; i < parts.length; i++) {
    const above = `/${parts.slice(0, i).join("/")}`;
    parent = memcgs.find((m) => m.path === above) ?? createMemcg(k, above, parent);
  }
  return memcgs.find((m) => m.path === `/${parts.join("/")}`) ?? createMemcg(k, `/${parts.join("/")}`, parent, limits);
}

/** A path below a mount of the hierarchy as one from its root, `/a/memory.stat`; other paths are taken to be such. */
function inside(path: string): string {
  const mounts = cgroups()?.mounts ?? DEFAULT_MOUNTS;
  const mount = mounts.find((at) => path === at || path.startsWith(`${at}/`));
  const rest = mount === undefined ? path : path.slice(mount.length);
  return rest.replace(/\/+/g, "/").replace(/(.)\/$/, "$1") || "/";
}

/** Whether a path is below a mount of the hierarchy. */
export function isCgroupPath(path: string): boolean {
  return (cgroups()?.mounts ?? DEFAULT_MOUNTS).some((at) => path === at || path.startsWith(`${at}/`));
}

function directoryAt(path: string): Directory | undefined {
  const found = cgroups();
  if (found === undefined) {
    const memcg = mm().memcgs.find((m) => m.path === path);
    return memcg === undefined ? undefined : Object.freeze({ memcg, cgroup: undefined });
  }
  const cgroup = found.all.find((c) => c.online && c.path === path);
  return cgroup === undefined ? undefined : Object.freeze({ memcg: effectiveCss(cgroup), cgroup });
}

function split(path: string): readonly [directory: string, name: string] {
  const slash = path.lastIndexOf("/");
  return [path.slice(0, slash) || "/", path.slice(slash + 1)];
}

function filesOf(directory: Directory): Cftypes {
  const v1 = kernel().config.cgroup === "v1";
  const base = v1 ? CGROUP1_BASE_FILES : CGROUP_BASE_FILES;
  const memory = v1 ? MEM_CGROUP_LEGACY_FILES : { ...MEMORY_FILES, ...(swap() === undefined ? SWAP_FILES : {}) };
  const exists = ([, file]: readonly [string, Cftype]): boolean => {
    if (file.ofCgroup === true && directory.cgroup === undefined) return false;
    if (file.notOnRoot === true && directory.memcg.parent === undefined && isRootDirectory(directory)) return false;
    if (file.core !== true && directory.cgroup?.hasMemory === false) return false;
    return file.since === undefined || valueAt(history(false, [file.since, true]), kernel().era);
  };
  return Object.fromEntries(Object.entries({ ...base, ...memory }).filter(exists));
}
function isRootDirectory({ memcg, cgroup }: Directory): boolean {
  return cgroup === undefined ? memcg.parent === undefined : cgroup.parent === undefined;
}

/** The file that a path means; undefined: there is none. */
function locate(path: string): { readonly directory: Directory; readonly file: Cftype } | undefined {
  const [at, name] = split(inside(path));
  const directory = directoryAt(at);
  if (directory === undefined) return undefined;
  const files = filesOf(directory);
  const file = Object.hasOwn(files, name) ? files[name] : undefined;
  return file === undefined ? undefined : { directory, file };
}

/** The names in a directory, directories first; undefined: it is none. */
export function listCgroup(path: string): readonly string[] | undefined {
  const directory = directoryAt(inside(path));
  if (directory === undefined) return undefined;
  const below = directory.cgroup === undefined ? [...directory.memcg.children] : [...directory.cgroup.children];
  return [...below.map((child) => split(child.path)[1]), ...Object.keys(filesOf(directory)).sort()];
}

/** Whether a path is a directory of the hierarchy. */
export function isCgroupDirectory(path: string): boolean {
  return directoryAt(inside(path)) !== undefined;
}

/** What a read of a control file comes to in the present state. */
export function cgroupRead(path: string): string | Refused {
  const place = locate(path);
  if (place === undefined) return { error: "ENOENT" };
  return place.file.read?.(place.directory) ?? { error: "EINVAL" };
}

/** The text of a control file in the present state; undefined when it cannot be read (no step, for reports and set-up). */
export function readFileNow(path: string): string | undefined {
  const text = cgroupRead(path);
  return typeof text === "string" ? text : undefined;
}

const read = op<string>("read", {
  apply: (path) => readFileNow(path),
  describe: (path) => `read ${path}`,
});

/** read(2) of a whole control file. */
export function* readFile(path: string): Resumable<string | undefined> {
  return yield read(path);
}

/** write(2) to a control file, as `echo TEXT > PATH` does it. */
export function* writeFile(path: string, text: string): Resumable<WriteResult> {
  const place = locate(path);
  if (place === undefined) return "ENOENT";
  if (place.file.write === undefined) return place.file.answer?.(place.directory, text) ?? "EINVAL";
  const { directory } = place;
  const { write } = place.file;
  return yield* write(directory, text);
}

/** mkdir(2) of a group. Only in kernels with `bootCgroups`, else there is no room: ENOMEM. */
export function* mkdirAt(path: string): Resumable<WriteResult> {
  const at = inside(path);
  if (directoryAt(at) !== undefined || locate(at) !== undefined) return "EEXIST";
  const parent = directoryAt(split(at)[0]);
  if (parent === undefined) return "ENOENT";
  if (parent.cgroup === undefined) return "ENOMEM";
  return yield* cgroupMkdir(parent.cgroup, at);
}

/** rmdir(2) of a group. */
export function* rmdirAt(path: string): Resumable<WriteResult> {
  const at = inside(path);
  const directory = directoryAt(at);
  if (directory === undefined) return locate(at) === undefined ? "ENOENT" : "ENOTDIR";
  const cgroup: Cgroup | undefined = directory.cgroup;
  if (cgroup === undefined || cgroup.parent === undefined) return "EBUSY";
  return yield* cgroupRmdir(cgroup);
}
