/**
 * memory.stat of both hierarchies (mm/memcontrol.c:memory_stat_format, memcg_stat_show; memcontrol-v1.c from 6.11), and memory.events.
 *
 * Only lines whose number this model knows are printed: none of events like pgfault or workingset_refault, no unevictable, huge,
 * swapped or per-CPU memory. Numbers are exact; the kernel's lag by up to a batch a CPU, or two seconds (rstat).
 */
import { type Cgroup, cgroupOfMemcg } from "../cgroup/cgroup-types.ts";
import { PAGE_SIZE } from "../cgroup/errno.ts";
import { history, valueAt } from "../era.ts";
import { kernel } from "../sched/current.ts";
import type { MemCgroup } from "./memcg-types.ts";
import { isDescendant, mm, subtree } from "./mm.ts";
import type { Vma } from "./mm-types.ts";
import type { Page } from "./page.ts";

/** v1 prints "no limit" as the largest multiple of a page in a signed 64-bit number. */
export const V1_NO_LIMIT = "9223372036854771712";
/** PAGE_COUNTER_MAX of the model is less than the kernel's. */
const isNoLimit = (pages: number): boolean => pages >= 0x3fffffff;

export const bytes = (pages: number): string => String(pages * PAGE_SIZE);
export const limitV2 = (pages: number): string => (isNoLimit(pages) ? "max" : bytes(pages));
export const limitV1 = (pages: number): string => (isNoLimit(pages) ? V1_NO_LIMIT : bytes(pages));

/** Pages by what they are, of one group or of a subtree. */
interface Counts {
  readonly anon: number;
  readonly file: number;
  readonly fileMapped: number;
  readonly fileDirty: number;
  readonly writeback: number;
  readonly lists: readonly number[];
  readonly kernelStack: number;
  readonly pagetables: number;
  readonly slab: number;
}

const LISTS = ["inactiveAnon", "activeAnon", "inactiveFile", "activeFile"] as const;
const LIST_NAMES = ["inactive_anon", "active_anon", "inactive_file", "active_file"] as const;

/** A page of the page cache or of user memory; kernel allocations are pages, too. */
function isUser(page: Page): boolean {
  return page.anon || page.mapping !== undefined;
}

function count(groups: readonly MemCgroup[], inGroups: (memcg: MemCgroup | undefined) => boolean): Counts {
  const pages = mm().pages.filter((page) => page.allocated && isUser(page) && inGroups(page.memcg));
  const of = (test: (page: Page) => boolean): number => pages.filter(test).length;
  const cgroups = groups.map(cgroupOfMemcg).filter((cgroup): cgroup is Cgroup => cgroup !== undefined);
  const vmas = (kernel().subsystems.get("vmas") as readonly Vma[] | undefined) ?? [];
  return {
    anon: of((p) => p.anon),
    file: of((p) => !p.anon),
    fileMapped: of((p) => !p.anon && p.mapCount > 0),
    fileDirty: of((p) => !p.anon && p.dirty),
    writeback: of((p) => p.writeback),
    lists: LISTS.map((list) => groups.reduce((n, m) => n + m.lruvec[list].pages.length, 0)),
    kernelStack: cgroups.reduce((n, c) => n + c.kernelStack, 0),
    pagetables: vmas.filter((vma) => vma.pageTableMemcg !== undefined && inGroups(vma.pageTableMemcg)).length,
    slab: cgroups.reduce((n, c) => n + c.slabPages, 0),
  };
}

/** The group and all below it; the root's has everybody's. */
export function memoryCounts(memcg: MemCgroup): Counts {
  return count(subtree(memcg), (m) => isDescendant(m ?? mm().root, memcg));
}
/** What is charged to the group itself. */
function countLocal(memcg: MemCgroup): Counts {
  return count([memcg], (m) => (m ?? mm().root) === memcg);
}

/** Lines that came later, by name. */
const SINCE = {
  kernel: history(false, ["5.18", true]),
  pagetables: history(false, ["5.11", true]),
  lists: history(false, ["4.12?", true]),
};
const has = (line: keyof typeof SINCE): boolean => valueAt(SINCE[line], kernel().era);

/** v2, hierarchical. */
export function memoryStatFormat(memcg: MemCgroup): string {
  const c = memoryCounts(memcg);
  const { kernelStack, pagetables, slab } = c;
  const rows: (readonly [string, number])[] = [
    ["anon", c.anon],
    ["file", c.file],
    ...(has("kernel") ? [["kernel", kernelStack + pagetables + slab] as const] : []),
    ["kernel_stack", kernelStack],
    ...(has("pagetables") ? [["pagetables", pagetables] as const] : []),
    // there is no socket whose memory counts
    ["sock", 0],
    ["file_mapped", c.fileMapped],
    ["file_dirty", c.fileDirty],
    ["file_writeback", c.writeback],
    ...LIST_NAMES.map((name, i) => [name, c.lists[i] as number] as const),
    ["slab_reclaimable", slab],
    ["slab_unreclaimable", 0],
    ["slab", slab],
  ];
  return rows.map(([name, pages]) => `${name} ${bytes(pages)}\n`).join("");
}

function v1Rows(c: Counts, prefix: string): string {
  const rows: (readonly [string, number])[] = [
    ["cache", c.file],
    ["rss", c.anon],
    ["mapped_file", c.fileMapped],
    ["dirty", c.fileDirty],
    ["writeback", c.writeback],
    ...LIST_NAMES.map((name, i) => [name, c.lists[i] as number] as const),
  ];
  return rows.map(([name, pages]) => `${prefix}${name} ${bytes(pages)}\n`).join("");
}

function lowest(memcg: MemCgroup, of: "memory" | "memsw"): number {
  let limit = memcg[of].max;
  for (let m = memcg.parent; m !== undefined; m = m.parent) limit = Math.min(limit, m[of].max);
  return limit;
}

/** v1: the group's own pages, then the limits above it, then those of its subtree. */
export function memcgStatShow(memcg: MemCgroup): string {
  return [
    v1Rows(countLocal(memcg), ""),
    `hierarchical_memory_limit ${limitV1(lowest(memcg, "memory"))}\n`,
    `hierarchical_memsw_limit ${limitV1(lowest(memcg, "memsw"))}\n`,
    v1Rows(memoryCounts(memcg), "total_"),
  ].join("");
}

/** memory.usage_in_bytes of the root, which is not charged: its pages. */
export function rootUsage(): number {
  return mm().pages.filter((page) => page.allocated && isUser(page)).length;
}

/** `oom_group_kill`: commit b6bf9abb0aa4 ("mm/memcg: add oom_group_kill memory event") (v5.17) [M]; [S 6.1] yes. */
const OOM_GROUP_KILL = history(false, ["5.17?", true]);

/** commit 9852ae3fe529 ("mm, memcg: consider subtrees in memory.events") (v5.2) [M]. */
const HIERARCHICAL_EVENTS = history(false, ["5.2?", true]);

interface Events {
  readonly low: number;
  readonly high: number;
  readonly max: number;
  readonly oom: number;
  readonly oomKill: number;
  readonly oomGroupKill: number;
}

function eventsShow(e: Events): string {
  const group = valueAt(OOM_GROUP_KILL, kernel().era) ? `oom_group_kill ${e.oomGroupKill}\n` : "";
  return `low ${e.low}\nhigh ${e.high}\nmax ${e.max}\noom ${e.oom}\noom_kill ${e.oomKill}\n${group}`;
}

function localEvents(memcg: MemCgroup): Events {
  return {
    low: memcg.eventsLow,
    high: memcg.eventsHigh,
    max: memcg.eventsMax,
    oom: memcg.eventsOom,
    oomKill: memcg.eventsOomKill,
    oomGroupKill: cgroupOfMemcg(memcg)?.eventsOomGroupKill ?? 0,
  };
}

/** memory.events.local (5.2). */
export function memoryEventsLocalShow(memcg: MemCgroup): string {
  return eventsShow(localEvents(memcg));
}

/** memory.events: the group's and, from 5.2 on, those of its subtree, removed groups among them. */
export function memoryEventsShow(memcg: MemCgroup): string {
  if (!valueAt(HIERARCHICAL_EVENTS, kernel().era)) return memoryEventsLocalShow(memcg);
  const sum = { low: 0, high: 0, max: 0, oom: 0, oomKill: 0, oomGroupKill: 0 };
  for (const m of subtree(memcg)) {
    const cgroup = cgroupOfMemcg(m);
    // what a removed group counted has gone to its parent
    if (cgroup !== undefined && !cgroup.hasMemory) continue;
    const own = localEvents(m);
    sum.low += own.low + (cgroup?.goneLow ?? 0);
    sum.high += own.high + (cgroup?.goneHigh ?? 0);
    sum.max += own.max + (cgroup?.goneMax ?? 0);
    sum.oom += own.oom + (cgroup?.goneOom ?? 0);
    sum.oomKill += own.oomKill + (cgroup?.goneOomKill ?? 0);
    sum.oomGroupKill += own.oomGroupKill + (cgroup?.goneOomGroupKill ?? 0);
  }
  return eventsShow(sum);
}
