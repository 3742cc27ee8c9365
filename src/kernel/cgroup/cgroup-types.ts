/**
 * Control groups that come and go (kernel/cgroup/cgroup.c): a directory each, with or without the memory controller.
 *
 * A world cannot grow while it runs, so that mkdir(2) takes a directory and its memory group from a pool made at boot. Kernels
 * that were booted without {@link bootCgroups} have the groups of their set-up only, none of which can be made or removed.
 */
import { bool, create, Entity, fields, ghost, int, type List, list, ref, value } from "../../resumable/index.ts";
import { type MemCgroup, PAGE_COUNTER_MAX } from "../mm/memcg-types.ts";
import { type Mm, newMemcg } from "../mm/mm.ts";
import { kernel } from "../sched/current.ts";
import type { Kernel } from "../sched/kernel.ts";
import type { Task } from "../sched/task.ts";

/** `struct cgroup`, with what its memory controller keeps besides {@link MemCgroup}. */
export class Cgroup extends Entity {
  declare path: string;
  declare parent: Cgroup | undefined;
  /** Live children, in order of creation. */
  declare children: List<Cgroup>;
  /** CSS_ONLINE: the directory is there. */
  declare online: boolean;
  /** The memory group that is this directory's while {@link hasMemory}. */
  declare css: MemCgroup;
  declare hasMemory: boolean;
  /** `memory` is in cgroup.subtree_control (v2). */
  declare subtreeMemory: boolean;
  declare tasks: List<Task>;
  /** cgroup.freeze as written (v2). */
  declare freeze: boolean;
  declare maxDepth: number;
  declare maxDescendants: number;
  /** memory.oom.group (v2). */
  declare oomGroup: boolean;
  /** Pages: memory.soft_limit_in_bytes (v1), memory.swap.high and memory.swap.max (v2). Kept; nothing here looks at them. */
  declare softLimit: number;
  declare swapHigh: number;
  declare swapMax: number;
  /** memory.swappiness (v1); kept. */
  declare swappiness: number;
  /** Pages of kernel stacks that are charged here. */
  declare kernelStack: number;
  /** Negative dentries whose slab objects are charged here, and the pages that these come to. */
  declare dentries: number;
  declare slabPages: number;
  /** Statistic: `oom_group_kill` of memory.events. */
  declare eventsOomGroupKill: number;
  /** Statistics: memory.events of descendants that were removed. */
  declare goneLow: number;
  declare goneHigh: number;
  declare goneMax: number;
  declare goneOom: number;
  declare goneOomKill: number;
  declare goneOomGroupKill: number;
  static {
    fields(Cgroup, {
      path: value,
      parent: ref,
      children: list("memcgs"),
      online: bool,
      css: ref,
      hasMemory: bool,
      subtreeMemory: bool,
      tasks: list("contexts"),
      freeze: bool,
      maxDepth: int,
      maxDescendants: int,
      oomGroup: bool,
      softLimit: int,
      swapHigh: int,
      swapMax: int,
      swappiness: int,
      kernelStack: int,
      dentries: int,
      slabPages: int,
      eventsOomGroupKill: ghost,
      goneLow: ghost,
      goneHigh: ghost,
      goneMax: ghost,
      goneOom: ghost,
      goneOomKill: ghost,
      goneOomGroupKill: ghost,
    });
  }
}

/** The cgroup core of a kernel. */
export interface Cgroups {
  /** Where the hierarchy is mounted. */
  readonly mounts: readonly string[];
  readonly root: Cgroup;
  /** Every directory there can be, the root first. */
  readonly all: readonly Cgroup[];
}

/** Where the files of the memory controller are, when nobody says otherwise. */
export const DEFAULT_MOUNTS: readonly string[] = Object.freeze(["/sys/fs/cgroup/memory", "/sys/fs/cgroup"]);

/** `max` of cgroup.max.depth and cgroup.max.descendants. */
export const INT_MAX = 0x7fffffff;

/** What a directory has when it is made. */
export function resetCgroup(cgroup: Cgroup): void {
  Object.assign(cgroup, {
    subtreeMemory: false,
    hasMemory: false,
    freeze: false,
    maxDepth: INT_MAX,
    maxDescendants: INT_MAX,
    oomGroup: false,
    softLimit: PAGE_COUNTER_MAX,
    swapHigh: PAGE_COUNTER_MAX,
    swapMax: PAGE_COUNTER_MAX,
    swappiness: 60,
    kernelStack: 0,
    dentries: 0,
    slabPages: 0,
    eventsOomGroupKill: 0,
    goneLow: 0,
    goneHigh: 0,
    goneMax: 0,
    goneOom: 0,
    goneOomKill: 0,
    goneOomGroupKill: 0,
  });
}

/**
 * Mounts the hierarchy of the memory controller, with room for so many directories below its root. Set-up only, after memory
 * was booted and before any group is made.
 */
export function bootCgroups(k: Kernel, directories: number, mounts: readonly string[] = []): Cgroups {
  const mm = k.subsystem<Mm>("mm");
  const make = (css: MemCgroup): Cgroup => {
    const cgroup = create(Cgroup, { path: "", css });
    resetCgroup(cgroup);
    return cgroup;
  };
  const root = make(mm.root);
  Object.assign(root, { path: "/", online: true, hasMemory: true });
  const pool = Array.from({ length: directories }, () => {
    const css = newMemcg(k, mm.lruLock, "", undefined);
    mm.memcgs.push(css);
    return make(css);
  });
  const made = { mounts: Object.freeze([...mounts, ...DEFAULT_MOUNTS]), root, all: Object.freeze([root, ...pool]) };
  k.subsystems.set("cgroups", made);
  return made;
}

/** The cgroup core, where there is one. */
export function cgroups(): Cgroups | undefined {
  return kernel().subsystems.get("cgroups") as Cgroups | undefined;
}

/** The directory whose memory group this is; undefined in kernels without {@link bootCgroups}. */
export function cgroupOfMemcg(memcg: MemCgroup): Cgroup | undefined {
  return cgroups()?.all.find((cgroup) => cgroup.css === memcg);
}

/** The directory a task is in. */
export function taskCgroup(task: Task): Cgroup | undefined {
  const found = cgroups();
  return found?.all.find((cgroup) => cgroup.tasks.includes(task)) ?? found?.root;
}

/** `cgroup_e_css()`: the memory group that what happens in a directory is charged to. */
export function effectiveCss(cgroup: Cgroup): MemCgroup {
  let c = cgroup;
  while (!c.hasMemory && c.parent !== undefined) c = c.parent;
  return c.css;
}

/** A directory and all below it, parents first. */
export function withDescendants(cgroup: Cgroup): readonly Cgroup[] {
  return [cgroup, ...[...cgroup.children].flatMap((child) => withDescendants(child))];
}
