/**
 * /proc/meminfo, /proc/vmstat, /proc/swaps, /proc/kpagecgroup (fs/proc/meminfo.c, mm/vmstat.c, mm/swapfile.c, fs/proc/page.c): the lines
 * that this model can tell. One node, without zones: pages that an incident keeps for its tasks count as free.
 */
import type { Refused } from "../../cgroup/cftype.ts";
import { cgroupOfMemcg } from "../../cgroup/cgroup-types.ts";
import { memoryCounts } from "../../mm/memory-stat.ts";
import { mm } from "../../mm/mm.ts";
import type { Page } from "../../mm/page.ts";
import { inSwapCache, swap } from "../../mm/swap-state.ts";

interface Totals {
  readonly total: number;
  readonly free: number;
  readonly counts: ReturnType<typeof memoryCounts>;
  readonly swapCached: number;
}
function totals(): Totals {
  const { pages, root } = mm();
  return {
    total: pages.length,
    free: pages.filter((page) => !page.allocated).length,
    counts: memoryCounts(root),
    swapCached: pages.filter((page) => page.allocated && inSwapCache(page)).length,
  };
}

export function meminfo(): string {
  const { total, free, counts, swapCached } = totals();
  const [inactiveAnon = 0, activeAnon = 0, inactiveFile = 0, activeFile = 0] = counts.lists;
  const rows: readonly (readonly [string, number])[] = [
    ["MemTotal", total],
    ["MemFree", free],
    ["Cached", counts.file],
    ["SwapCached", swapCached],
    ["Active", activeAnon + activeFile],
    ["Inactive", inactiveAnon + inactiveFile],
    ["Active(anon)", activeAnon],
    ["Inactive(anon)", inactiveAnon],
    ["Active(file)", activeFile],
    ["Inactive(file)", inactiveFile],
    ["Dirty", counts.fileDirty],
    ["Writeback", counts.writeback],
    ["AnonPages", counts.anon],
    ["Mapped", counts.fileMapped],
    ["KernelStack", counts.kernelStack],
    ["PageTables", counts.pagetables],
  ];
  return rows.map(([name, pages]) => `${`${name}:`.padEnd(16)}${String(pages * 4).padStart(8)} kB\n`).join("");
}

export function vmstat(): string {
  const { free, counts } = totals();
  const [inactiveAnon = 0, activeAnon = 0, inactiveFile = 0, activeFile = 0] = counts.lists;
  const rows: readonly (readonly [string, number])[] = [
    ["nr_free_pages", free],
    ["nr_inactive_anon", inactiveAnon],
    ["nr_active_anon", activeAnon],
    ["nr_inactive_file", inactiveFile],
    ["nr_active_file", activeFile],
    ["nr_isolated_file", mm().node.nrIsolated],
    ["nr_anon_pages", counts.anon],
    ["nr_mapped", counts.fileMapped],
    ["nr_file_pages", counts.file],
    ["nr_dirty", counts.fileDirty],
    ["nr_writeback", counts.writeback],
    ["nr_page_table_pages", counts.pagetables],
  ];
  return rows.map(([name, pages]) => `${name} ${pages}\n`).join("");
}

/** Sizes of swap devices are not modelled: with one the file is refused. */
export function swaps(): string | Refused {
  if (swap() !== undefined) return { error: "EOPNOTSUPP" };
  return "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
}

/** Eight bytes a page, little endian: the inode number of the group that its charge is counted in; characters are bytes. */
export function kpagecgroup(): string {
  return mm()
    .pages.map((page) => String.fromCharCode(inodeNumber(page) & 0xff, inodeNumber(page) >> 8, 0, 0, 0, 0, 0, 0))
    .join("");
}
/** `page_cgroup_ino()`: of the next group that is still there; directories are numbered in the order of the pool. */
function inodeNumber(page: Page): number {
  let memcg = page.allocated ? page.memcg : undefined;
  while (memcg !== undefined && cgroupOfMemcg(memcg)?.hasMemory === false) memcg = memcg.parent;
  return memcg === undefined ? 0 : memcg.$number + 1;
}
