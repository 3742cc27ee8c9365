/**
 * A virtual cgroupfs: directories of groups and the control files of the memory controller, with the kernel's names and formats.
 *
 * Files are read and written by tasks ({@link readFile}, {@link writeFile}: resumable, with the locks and the reclaim of the
 * kernel's handlers) or while a kernel is set up ({@link readFileNow}, {@link mkdir}). Sizes are in bytes of 4 KiB pages.
 *
 * Lock order: `cgroup_mutex` around attach and charge moving (mm/memcontrol.c:mem_cgroup_can_attach); `memcg_max_mutex` around a
 * v1 limit change; a v2 limit change takes neither and kills when reclaim cannot bring usage down (memory_max_write).
 */
import { op, type Resumable } from "../../resumable/index.ts";
import { GFP_KERNEL } from "../gfp.ts";
import { mutexLock, mutexLockKillable, mutexUnlock } from "../locking/mutex.ts";
import { memCgroupCanAttach, memCgroupMoveCharge } from "../mm/memcg-move.ts";
import { memCgroupOutOfMemory } from "../mm/memcg-oom.ts";
import { drainAllStock } from "../mm/memcg-stock.ts";
import { type MemCgroup, PAGE_COUNTER_MAX, type PageCounter } from "../mm/memcg-types.ts";
import { createMemcg, type MemcgLimits, type Mm, mm, subtree } from "../mm/mm.ts";
import { pageCounterSetMax } from "../mm/page-counter.ts";
import { tryToFreeMemCgroupPages } from "../mm/vmscan.ts";
import { era, kernel } from "../sched/current.ts";
import type { Kernel } from "../sched/kernel.ts";
import { fatalSignalPending } from "../sched/signal.ts";
import type { Task } from "../sched/task.ts";

const PAGE_SIZE = 4096;
/** v1 prints "no limit" as the largest multiple of a page in a signed 64-bit number. */
const V1_NO_LIMIT = "9223372036854771712";

/** Errors of writes, as the shell would show them. */
export type WriteResult = "ok" | "EINVAL" | "EBUSY" | "ENOENT" | "ENOMEM" | "ESRCH" | "EINTR";

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

/** `/sys/fs/cgroup/memory/a/memory.stat` or `/a/memory.stat` as group and file. */
function locate(found: Mm, path: string): { readonly memcg: MemCgroup; readonly file: string } | undefined {
  const inside = path.replace(/^\/sys\/fs\/cgroup(\/memory)?/, "");
  const slash = inside.lastIndexOf("/");
  const directory = inside.slice(0, slash) || "/";
  const memcg = found.memcgs.find((m) => m.path === directory);
  return memcg === undefined ? undefined : { memcg, file: inside.slice(slash + 1) };
}

/** `max`, or bytes; -1 is `max` in v1. A suffix K, M or G counts. Undefined: not a size. */
export function parseSize(text: string): number | undefined {
  const word = text.trim();
  if (word === "max" || word === "-1") return PAGE_COUNTER_MAX;
  const m = /^(\d+)([KkMmGg]?)$/.exec(word);
  if (m === null) return undefined;
  const shift = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[(m[2] ?? "").toLowerCase() as "" | "k" | "m" | "g"];
  return Math.min(Math.floor((Number(m[1]) * shift) / PAGE_SIZE), PAGE_COUNTER_MAX);
}

const bytes = (pages: number): string => String(pages * PAGE_SIZE);
const limitV2 = (pages: number): string => (pages >= PAGE_COUNTER_MAX ? "max" : bytes(pages));
const limitV1 = (pages: number): string => (pages >= PAGE_COUNTER_MAX ? V1_NO_LIMIT : bytes(pages));

type Reader = (memcg: MemCgroup) => string;

function pids(memcg: MemCgroup): string {
  return [...memcg.tasks].map((task) => `${task.pid}\n`).join("");
}

function eventLines(memcg: MemCgroup): string {
  const sum = (pick: (m: MemCgroup) => number): number => subtree(memcg).reduce((n, m) => n + pick(m), 0);
  return [
    `low ${sum((m) => m.eventsLow)}`,
    `high ${sum((m) => m.eventsHigh)}`,
    `max ${sum((m) => m.eventsMax)}`,
    `oom ${sum((m) => m.eventsOom)}`,
    `oom_kill ${sum((m) => m.eventsOomKill)}`,
    "",
  ].join("\n");
}

/** Pages of the subtree by list and state, in bytes: the lines of memory.stat that this model can tell. */
function statLines(memcg: MemCgroup): string {
  const groups = subtree(memcg);
  const sum = (pick: (m: MemCgroup) => number): string => bytes(groups.reduce((n, m) => n + pick(m), 0));
  const charged = mm().pages.filter((p) => p.allocated && p.memcg !== undefined && groups.includes(p.memcg));
  const count = (test: (p: (typeof charged)[number]) => boolean): string => bytes(charged.filter(test).length);
  const v1 = kernel().config.cgroup === "v1";
  const lists = [
    `inactive_anon ${sum((m) => m.lruvec.inactiveAnon.pages.length)}`,
    `active_anon ${sum((m) => m.lruvec.activeAnon.pages.length)}`,
    `inactive_file ${sum((m) => m.lruvec.inactiveFile.pages.length)}`,
    `active_file ${sum((m) => m.lruvec.activeFile.pages.length)}`,
  ];
  const pages = v1
    ? [
        `cache ${count((p) => !p.anon)}`,
        `rss ${count((p) => p.anon)}`,
        `mapped_file ${count((p) => p.mapCount > 0)}`,
        `dirty ${count((p) => p.dirty)}`,
        `writeback ${count((p) => p.writeback)}`,
      ]
    : [
        `anon ${count((p) => p.anon)}`,
        `file ${count((p) => !p.anon)}`,
        `file_mapped ${count((p) => p.mapCount > 0)}`,
        `file_dirty ${count((p) => p.dirty)}`,
        `file_writeback ${count((p) => p.writeback)}`,
      ];
  return [...pages, ...lists, ""].join("\n");
}

function oomControl(memcg: MemCgroup): string {
  const lines = [`oom_kill_disable ${memcg.oomKillDisable ? 1 : 0}`, `under_oom ${memcg.underOom > 0 ? 1 : 0}`];
  return [...lines, `oom_kill ${memcg.eventsOomKill}`, ""].join("\n");
}

const V1_FILES: Readonly<Record<string, Reader>> = {
  "memory.usage_in_bytes": (m) => `${bytes(m.memory.usage)}\n`,
  "memory.max_usage_in_bytes": (m) => `${bytes(m.memory.watermark)}\n`,
  "memory.limit_in_bytes": (m) => `${limitV1(m.memory.max)}\n`,
  "memory.failcnt": (m) => `${m.memory.failcnt}\n`,
  "memory.memsw.usage_in_bytes": (m) => `${bytes(m.memsw.usage)}\n`,
  "memory.memsw.limit_in_bytes": (m) => `${limitV1(m.memsw.max)}\n`,
  "memory.kmem.usage_in_bytes": (m) => `${bytes(m.kmem.usage)}\n`,
  "memory.kmem.limit_in_bytes": (m) => `${limitV1(m.kmem.max)}\n`,
  "memory.move_charge_at_immigrate": (m) => `${m.moveChargeAtImmigrate}\n`,
  "memory.oom_control": oomControl,
  "memory.stat": statLines,
  "cgroup.procs": pids,
};

const V2_FILES: Readonly<Record<string, Reader>> = {
  "memory.current": (m) => `${bytes(m.memory.usage)}\n`,
  "memory.peak": (m) => `${bytes(m.memory.watermark)}\n`,
  "memory.max": (m) => `${limitV2(m.memory.max)}\n`,
  "memory.high": (m) => `${limitV2(m.memory.high)}\n`,
  "memory.low": (m) => `${limitV2(m.memory.low)}\n`,
  "memory.min": (m) => `${limitV2(m.memory.min)}\n`,
  "memory.events": eventLines,
  "memory.stat": statLines,
  "cgroup.procs": pids,
};

/** The text of a control file in the present state; undefined when there is none (no step, for reports and set-up). */
export function readFileNow(path: string): string | undefined {
  const place = locate(mm(), path);
  const files = kernel().config.cgroup === "v1" ? V1_FILES : V2_FILES;
  return place === undefined || !Object.hasOwn(files, place.file) ? undefined : files[place.file]?.(place.memcg);
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
  const place = locate(mm(), path);
  if (place === undefined) return "ENOENT";
  const memcg = place.memcg;
  if (place.file === "cgroup.procs" || place.file === "tasks") return yield* cgroupProcsWrite(memcg, text);
  if (kernel().config.cgroup === "v1") return yield* writeV1(memcg, place.file, text);
  return yield* writeV2(memcg, place.file, text);
}

function* writeV1(memcg: MemCgroup, file: string, text: string): Resumable<WriteResult> {
  switch (file) {
    case "memory.limit_in_bytes":
    case "memory.memsw.limit_in_bytes":
    case "memory.kmem.limit_in_bytes": {
      const pages = parseSize(text);
      if (pages === undefined) return "EINVAL";
      return yield* memCgroupResizeMax(memcg, file, pages);
    }
    case "memory.move_charge_at_immigrate":
    case "memory.oom_control": {
      const to = Number(text);
      if (!Number.isInteger(to) || to < 0 || to > 3) return "EINVAL";
      // 6.13+: moving is gone and only 0 may be written
      if (file === "memory.move_charge_at_immigrate" && to !== 0 && !era().moveCharge) return "EINVAL";
      yield setKnob(memcg, Object.freeze([file, to] as const));
      return "ok";
    }
    case "memory.force_empty":
      yield* memCgroupForceEmpty(memcg);
      return "ok";
    default:
      return "ENOENT";
  }
}

const setKnob = op<MemCgroup, readonly [file: string, to: number]>("write", {
  apply(memcg, [file, to]) {
    if (file === "memory.oom_control") memcg.oomKillDisable = to === 1;
    else if (file === "memory.move_charge_at_immigrate") memcg.moveChargeAtImmigrate = to;
    else if (file === "memory.high") memcg.memory.high = to;
    else if (file === "memory.low") memcg.memory.low = to;
    else if (file === "memory.min") memcg.memory.min = to;
    else memcg.memory.max = to;
  },
  describe: (memcg, [file, to]) => `write ${to} to ${memcg.path}/${file}`,
});

const setMax = op<PageCounter, number>("page_counter_set_max", { apply: pageCounterSetMax });

function counterOf(memcg: MemCgroup, file: string): PageCounter {
  if (file.startsWith("memory.memsw")) return memcg.memsw;
  return file.startsWith("memory.kmem") ? memcg.kmem : memcg.memory;
}

/** v1: EBUSY unless usage can be brought below; one page a round. memory never above memsw. */
function* memCgroupResizeMax(memcg: MemCgroup, file: string, pages: number): Resumable<WriteResult> {
  const counter = counterOf(memcg, file);
  for (let drained = false; ; ) {
    if (!(yield* mutexLockKillable(mm().memcgMaxMutex))) return "EINTR";
    const breaks =
      counter === memcg.memory ? pages > memcg.memsw.max : counter === memcg.memsw && pages < memcg.memory.max;
    if (breaks) {
      yield* mutexUnlock(mm().memcgMaxMutex);
      return "EINVAL";
    }
    const done = yield setMax(counter, pages);
    yield* mutexUnlock(mm().memcgMaxMutex);
    if (done || counter === memcg.kmem) return done ? "ok" : "EBUSY";
    if (!drained) {
      drainAllStock(memcg);
      drained = true;
      continue;
    }
    const freed = yield* tryToFreeMemCgroupPages(memcg, 1, GFP_KERNEL, counter === memcg.memory);
    if (freed === 0) return "EBUSY";
  }
}

/** `MAX_RECLAIM_RETRIES` of force_empty and the v2 limit files. */
const LIMIT_RETRIES = 16;

function* memCgroupForceEmpty(memcg: MemCgroup): Resumable {
  drainAllStock(memcg);
  for (let retries = LIMIT_RETRIES; retries > 0 && memcg.memory.usage > 0 && !fatalSignalPending(); ) {
    if ((yield* tryToFreeMemCgroupPages(memcg, 1, GFP_KERNEL, true)) === 0) retries--;
  }
}

function* writeV2(memcg: MemCgroup, file: string, text: string): Resumable<WriteResult> {
  const limits = ["memory.max", "memory.high", "memory.low", "memory.min"];
  if (!limits.includes(file)) return "ENOENT";
  const pages = parseSize(text);
  if (pages === undefined) return "EINVAL";
  yield setKnob(memcg, Object.freeze([file, pages] as const));
  if (file === "memory.max") yield* reclaimDownTo(memcg, pages, true);
  if (file === "memory.high") yield* reclaimDownTo(memcg, pages, false);
  return "ok";
}

/** `memory_max_write()`, `memory_high_write()`: brings usage down; only the first kills when 16 rounds found nothing. */
function* reclaimDownTo(memcg: MemCgroup, pages: number, kills: boolean): Resumable {
  let retries = LIMIT_RETRIES;
  for (let drained = false; memcg.memory.usage > pages && !fatalSignalPending(); ) {
    if (!drained) {
      drainAllStock(memcg);
      drained = true;
      continue;
    }
    if (retries > 0) {
      const freed = yield* tryToFreeMemCgroupPages(memcg, memcg.memory.usage - pages, GFP_KERNEL, true);
      if (freed === 0) retries--;
      continue;
    }
    if (!kills) return;
    memcg.eventsOom++;
    if (!(yield* memCgroupOutOfMemory(memcg, GFP_KERNEL))) return;
  }
}

const migrate = op<Task, MemCgroup>("cgroup_migrate", {
  apply(task, to) {
    task.memcg?.tasks.remove(task);
    task.memcg = to;
    to.tasks.push(task);
  },
  describe: (task, to) => `move ${task} to ${to.path}`,
});

/** Moves the task with this pid, and in v1 its charges if the new group asks for them. */
export function* cgroupProcsWrite(memcg: MemCgroup, text: string): Resumable<WriteResult> {
  const pid = Number(text);
  const task = kernel().tasks.find((t) => t.pid === pid && t.kind === "task");
  if (task === undefined) return "ESRCH";
  yield* mutexLock(mm().cgroupMutex);
  if (task.memcg === memcg) {
    yield* mutexUnlock(mm().cgroupMutex);
    return "ok";
  }
  if (!(yield* memCgroupCanAttach(task, memcg))) {
    yield* mutexUnlock(mm().cgroupMutex);
    return "ENOMEM";
  }
  yield migrate(task, memcg);
  yield* memCgroupMoveCharge(task);
  yield* mutexUnlock(mm().cgroupMutex);
  return "ok";
}
