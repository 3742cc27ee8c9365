/**
 * Making, removing and arranging control groups (kernel/cgroup/cgroup.c). Everything here happens under `cgroup_mutex`.
 *
 * A removed group stays where it was as long as pages are charged to it ("dying"); kernel memory goes to its parent at once
 * (memcg_reparent_objcgs, v5.11; before, it kept the group too). Threaded groups, delegation and namespaces are not modelled.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import { PF_EXITING, PF_KTHREAD } from "../gfp.ts";
import { mutexLock, mutexUnlock } from "../locking/mutex.ts";
import { memCgroupCanAttach, memCgroupMoveCharge } from "../mm/memcg-move.ts";
import { drainAllStock } from "../mm/memcg-stock.ts";
import { type MemCgroup, PAGE_COUNTER_MAX, type PageCounter } from "../mm/memcg-types.ts";
import { mm } from "../mm/mm.ts";
import { current, kernel } from "../sched/current.ts";
import { processes } from "../sched/process.ts";
import { sendSigkill } from "../sched/signal.ts";
import type { Task } from "../sched/task.ts";
import {
  type Cgroup,
  cgroupOfMemcg,
  cgroups,
  effectiveCss,
  resetCgroup,
  taskCgroup,
  withDescendants,
} from "./cgroup-types.ts";
import { kstrtoint, type Result } from "./errno.ts";

/** Whether the hierarchy is the unified one (`cgroup_on_dfl()`). */
export function onDfl(): boolean {
  return kernel().config.cgroup === "v2";
}

/** Live processes of the directory itself, in the order in which they came. */
export function membersOf(cgroup: Cgroup): readonly Task[] {
  const found = cgroups();
  if (cgroup !== found?.root) return [...cgroup.tasks];
  return kernel().tasks.filter((task) => {
    const isHandler = task.kind === "hardirq" || task.kind === "softirq";
    if (isHandler || (task.flags & PF_EXITING) !== 0 || kernel().machine.finished(task.context)) return false;
    return found.all.every((other) => !other.tasks.includes(task));
  });
}

/** `cgroup_is_populated()`. */
export function isPopulated(cgroup: Cgroup): boolean {
  return withDescendants(cgroup).some((c) => c.tasks.length > 0);
}

/** Removed, but some page still carries its charge. */
function isDying(cgroup: Cgroup): boolean {
  return !cgroup.online && cgroup.css.parent !== undefined && mm().pages.some((page) => page.memcg === cgroup.css);
}
/** Removed groups below this one that are kept by pages. */
export function dyingBelow(cgroup: Cgroup): number {
  return (cgroups()?.all ?? []).filter((c) => isDying(c) && (cgroup.path === "/" || isBelow(c, cgroup))).length;
}
function isBelow(cgroup: Cgroup, above: Cgroup): boolean {
  for (let c = cgroup.parent; c !== undefined; c = c.parent) if (c === above) return true;
  return false;
}

/** `cgroup_check_hierarchy_limits()`. */
function withinLimits(parent: Cgroup): boolean {
  let level = 0;
  for (let c: Cgroup | undefined = parent; c !== undefined; c = c.parent) {
    if (withDescendants(c).length - 1 >= c.maxDescendants || level >= c.maxDepth) return false;
    level++;
  }
  return true;
}

function resetCounter(counter: PageCounter, parent: PageCounter | undefined): void {
  Object.assign(counter, { usage: 0, max: PAGE_COUNTER_MAX, high: PAGE_COUNTER_MAX, low: 0, min: 0 });
  Object.assign(counter, { failcnt: 0, watermark: 0, parent });
}

/** `mem_cgroup_css_alloc()`, `mem_cgroup_css_online()`. */
function cssOnline(cgroup: Cgroup): void {
  const { css } = cgroup;
  const parent = cgroup.parent === undefined ? mm().root : effectiveCss(cgroup.parent);
  for (const counter of ["memory", "memsw", "kmem"] as const) resetCounter(css[counter], parent[counter]);
  Object.assign(css, { path: cgroup.path, parent, moveChargeAtImmigrate: 0 });
  // inherited with the hierarchy (v1)
  css.oomKillDisable = parent.oomKillDisable;
  css.underOom = 0;
  css.oomLock = false;
  css.lruvec.congested = false;
  Object.assign(css, { eventsMax: 0, eventsHigh: 0, eventsLow: 0, eventsOom: 0, eventsOomKill: 0 });
  parent.children.push(css);
  cgroup.hasMemory = true;
}

/** Events of a group that goes stay counted above it; what it has of kernel memory goes to its parent. */
function bequeath(cgroup: Cgroup): void {
  const { css, parent } = cgroup;
  if (parent === undefined) return;
  parent.goneLow += css.eventsLow + cgroup.goneLow;
  parent.goneHigh += css.eventsHigh + cgroup.goneHigh;
  parent.goneMax += css.eventsMax + cgroup.goneMax;
  parent.goneOom += css.eventsOom + cgroup.goneOom;
  parent.goneOomKill += css.eventsOomKill + cgroup.goneOomKill;
  parent.goneOomGroupKill += cgroup.eventsOomGroupKill + cgroup.goneOomGroupKill;
  const heir = parent.hasMemory ? parent : cgroupOfMemcg(effectiveCss(parent));
  if (heir === undefined) return;
  heir.dentries += cgroup.dentries;
  heir.slabPages += cgroup.slabPages;
  heir.kernelStack += cgroup.kernelStack;
  for (const proc of processes()?.all ?? []) if (proc.stackMemcg === css) proc.stackMemcg = heir.css;
  // already counted above; the group itself forgets it
  const pages = cgroup.slabPages + cgroup.kernelStack;
  css.memory.usage -= pages;
  css.memsw.usage -= onDfl() ? 0 : pages;
  css.kmem.usage -= onDfl() ? 0 : pages;
}

/** `mem_cgroup_css_offline()`. */
function cssOffline(cgroup: Cgroup): void {
  if (!cgroup.hasMemory) return;
  drainAllStock(cgroup.css);
  bequeath(cgroup);
  Object.assign(cgroup.css.memory, { min: 0, low: 0 });
  cgroup.hasMemory = false;
}

/** Gives back the groups that no page keeps any more, when one is wanted. */
function releaseDead(): void {
  for (const cgroup of cgroups()?.all ?? []) {
    const { css } = cgroup;
    if (cgroup.hasMemory || css.parent === undefined || isDying(cgroup)) continue;
    css.parent.children.remove(css);
    css.parent = undefined;
    css.path = "";
  }
}

interface NewDirectory {
  readonly parent: Cgroup;
  readonly path: string;
}
const create = op<NewDirectory>("cgroup_create", {
  apply({ parent, path }): Result {
    if (!withinLimits(parent)) return "EAGAIN";
    releaseDead();
    const cgroup = cgroups()?.all.find((c) => !c.online && c.css.parent === undefined);
    if (cgroup === undefined) return "ENOMEM";
    resetCgroup(cgroup);
    Object.assign(cgroup, { path, parent, online: true });
    parent.children.push(cgroup);
    if (!onDfl() || parent.subtreeMemory) cssOnline(cgroup);
    return "ok";
  },
  describe: ({ path }) => `mkdir ${path}`,
});

/** `cgroup_mkdir()` of a directory whose parent is there and whose name is free. */
export function* cgroupMkdir(parent: Cgroup, path: string): Resumable<Result> {
  if (path.includes("\n")) return "EINVAL";
  yield* mutexLock(mm().cgroupMutex);
  const made: Result = parent.online ? yield create(Object.freeze({ parent, path })) : "ENODEV";
  yield* mutexUnlock(mm().cgroupMutex);
  return made;
}

const destroy = op<Cgroup>("cgroup_destroy_locked", {
  apply(cgroup): Result {
    if (isPopulated(cgroup) || cgroup.children.length > 0) return "EBUSY";
    cgroup.online = false;
    cssOffline(cgroup);
    cgroup.parent?.children.remove(cgroup);
    return "ok";
  },
  describe: (cgroup) => `rmdir ${cgroup.path}`,
});

/** `cgroup_rmdir()`: EBUSY while anybody is in it or below it; never ENOTEMPTY, whatever files it shows. */
export function* cgroupRmdir(cgroup: Cgroup): Resumable<Result> {
  yield* mutexLock(mm().cgroupMutex);
  const gone: Result = yield destroy(cgroup);
  yield* mutexUnlock(mm().cgroupMutex);
  return gone;
}

/** The members of a directory are charged to where its memory group now is (`cgroup_update_dfl_csses()`); charges stay. */
function updateMembers(cgroup: Cgroup): void {
  for (const c of withDescendants(cgroup)) for (const task of c.tasks) setMemcg(task, effectiveCss(c));
}

function setMemcg(task: Task, memcg: MemCgroup): void {
  if (task.memcg === memcg) return;
  task.memcg?.tasks.remove(task);
  task.memcg = memcg;
  memcg.tasks.push(task);
}

const control = op<Cgroup, boolean>("cgroup_apply_control", {
  apply(cgroup, enable): Result {
    if (cgroup.subtreeMemory === enable) return "ok";
    if (!enable && [...cgroup.children].some((c) => c.subtreeMemory)) return "EBUSY";
    if (enable && !cgroup.hasMemory) return "ENOENT";
    // the root may have both tasks and controllers
    if (enable && cgroup.parent !== undefined && cgroup.tasks.length > 0) return "EBUSY";
    cgroup.subtreeMemory = enable;
    for (const child of cgroup.children) {
      if (enable) cssOnline(child);
      else cssOffline(child);
    }
    updateMembers(cgroup);
    return "ok";
  },
  describe: (cgroup, enable) => `${enable ? "+" : "-"}memory below ${cgroup.path}`,
});

/** `cgroup_subtree_control_write()`; the memory controller is the only one here. */
export function* cgroupSubtreeControlWrite(cgroup: Cgroup, text: string): Resumable<Result> {
  let enable: boolean | undefined;
  for (const word of text.trim().split(" ")) {
    if (word === "") continue;
    if (!/^[+-]memory$/.test(word)) return "EINVAL";
    enable = word.startsWith("+");
  }
  if (enable === undefined) return "ok";
  yield* mutexLock(mm().cgroupMutex);
  const done: Result = yield control(cgroup, enable);
  yield* mutexUnlock(mm().cgroupMutex);
  return done;
}

const migrate = op<Task, MemCgroup>("cgroup_migrate", {
  apply: setMemcg,
  describe: (task, to) => `move ${task} to ${to.path}`,
});
const enter = op<Task, Cgroup>("cgroup_move_task", {
  apply(task, to) {
    taskCgroup(task)?.tasks.remove(task);
    if (to.parent !== undefined) to.tasks.push(task);
    setMemcg(task, effectiveCss(to));
  },
  describe: (task, to) => `move ${task} to ${to.path}`,
});

/** The process a pid means; 0 is the writer. */
function findTask(pid: number): Task | undefined {
  if (pid === 0) return current();
  return kernel().tasks.find((t) => t.pid === pid && t.kind !== "hardirq" && t.kind !== "softirq" && isAlive(t));
}
function isAlive(task: Task): boolean {
  return (task.flags & PF_EXITING) === 0;
}

/**
 * `cgroup_procs_write()`: moves the task with this pid, and in v1 its charges if the new group asks for them. `cgroup` is the
 * directory, where there are directories.
 */
export function* cgroupProcsWrite(memcg: MemCgroup, text: string, cgroup?: Cgroup): Resumable<Result> {
  const pid = kstrtoint(text.trim());
  if (typeof pid === "string" || pid < 0) return "EINVAL";
  if (cgroup === undefined && findTask(pid) === undefined) return "ESRCH";
  yield* mutexLock(mm().cgroupMutex);
  const done = yield* cgroupAttachTask(memcg, pid, cgroup);
  yield* mutexUnlock(mm().cgroupMutex);
  return done;
}

function* cgroupAttachTask(memcg: MemCgroup, pid: number, cgroup: Cgroup | undefined): Resumable<Result> {
  if (cgroup?.online === false) return "ENODEV";
  const task = findTask(pid);
  if (task === undefined) return "ESRCH";
  if ((task.flags & PF_KTHREAD) !== 0) return "EINVAL";
  if (cgroup === undefined ? task.memcg === memcg : taskCgroup(task) === cgroup) return "ok";
  // no processes beside controllers, except in the root
  if (onDfl() && cgroup?.parent !== undefined && cgroup.subtreeMemory) return "EBUSY";
  const to = cgroup === undefined ? memcg : effectiveCss(cgroup);
  if (!(yield* memCgroupCanAttach(task, to))) return "ENOMEM";
  if (cgroup === undefined) yield migrate(task, to);
  else yield enter(task, cgroup);
  yield* memCgroupMoveCharge(task);
  return "ok";
}

const killAll = op<Cgroup>("cgroup_kill", {
  apply(cgroup) {
    for (const c of withDescendants(cgroup)) sendSigkill(membersOf(c).filter((task) => task.kind === "task"));
  },
  describe: (cgroup) => `kill everybody in ${cgroup.path}`,
});

/** `cgroup_kill_write()`: SIGKILL for everybody in the directory and below. */
export function* cgroupKillWrite(cgroup: Cgroup, text: string): Resumable<Result> {
  const kill = kstrtoint(text.trim());
  if (typeof kill === "string") return kill;
  if (kill !== 1) return "ERANGE";
  yield* mutexLock(mm().cgroupMutex);
  yield killAll(cgroup);
  yield* mutexUnlock(mm().cgroupMutex);
  return "ok";
}

const setFreeze = op<Cgroup, boolean>("cgroup_freeze", {
  apply(cgroup, freeze) {
    cgroup.freeze = freeze;
  },
  describe: (cgroup, freeze) => `${freeze ? "freeze" : "thaw"} ${cgroup.path}`,
});

/** `cgroup_freeze_write()`: does not wait until all are frozen; see cgroup.events. */
export function* cgroupFreezeWrite(cgroup: Cgroup, text: string): Resumable<Result> {
  const freeze = kstrtoint(text.trim());
  if (typeof freeze === "string") return freeze;
  if (freeze < 0 || freeze > 1) return "ERANGE";
  yield* mutexLock(mm().cgroupMutex);
  yield setFreeze(cgroup, freeze === 1);
  yield* mutexUnlock(mm().cgroupMutex);
  return "ok";
}

interface Limit {
  readonly field: "maxDepth" | "maxDescendants";
  readonly to: number;
}
const setLimit = op<Cgroup, Limit>("set a limit of the hierarchy", {
  apply(cgroup, { field, to }) {
    cgroup[field] = to;
  },
});

/** `cgroup_max_depth_write()`, `cgroup_max_descendants_write()`. */
export function* cgroupMaxWrite(cgroup: Cgroup, field: Limit["field"], text: string): Resumable<Result> {
  const word = text.trim();
  const to = word === "max" ? 0x7fffffff : kstrtoint(word);
  if (typeof to === "string") return to;
  if (to < 0) return "ERANGE";
  yield* mutexLock(mm().cgroupMutex);
  yield setLimit(cgroup, Object.freeze({ field, to }));
  yield* mutexUnlock(mm().cgroupMutex);
  return "ok";
}
