/** Dirty pages of a memcg and its limits for them (mm/page-writeback.c:domain_dirty_limits, mdtc_calc_avail); cgroup v2. */
import { type MemCgroup, PAGE_COUNTER_MAX } from "./memcg-types.ts";
import { isDescendant, mm } from "./mm.ts";
import type { Page } from "./page.ts";

/** `vm.dirty_ratio` and `vm.dirty_background_ratio` as fractions of 4096 (domain_dirty_limits() counts in PAGE_SIZE). */
const DIRTY_RATIO = 819;
const BACKGROUND_RATIO = 409;

/** Where a domain stands against its limits, in pages. */
export interface DirtyDomain {
  /** Dirty and under writeback. */
  readonly dirty: number;
  /** Of these, dirty only: what a flusher could still write. */
  readonly reclaimable: number;
  readonly limit: number;
  readonly background: number;
  /** Below this nobody is slowed down. */
  readonly freerun: number;
}

/** `domain_dirty_limits()`: what of so many pages may be dirty. */
export function dirtyLimits(
  availablePages: number,
  ratio: number = DIRTY_RATIO,
  backgroundRatio: number = BACKGROUND_RATIO,
): Pick<DirtyDomain, "limit" | "background"> {
  const limit = Math.floor((availablePages * ratio) / 4096);
  const wanted = Math.floor((availablePages * backgroundRatio) / 4096);
  return { limit, background: wanted >= limit ? Math.floor(limit / 2) : wanted };
}

function domainOf(pages: readonly Page[], availablePages: number): DirtyDomain {
  const { limit, background } = dirtyLimits(availablePages);
  const reclaimable = pages.filter((page) => page.dirty).length;
  const dirty = reclaimable + pages.filter((page) => page.writeback).length;
  return { dirty, reclaimable, limit, background, freerun: Math.floor((limit + background) / 2) };
}

/** Pages that could still be charged before the group or an ancestor meets a limit. */
function headroomOf(memcg: MemCgroup): number {
  let headroom = PAGE_COUNTER_MAX;
  for (let m: MemCgroup | undefined = memcg; m?.parent !== undefined; m = m.parent) {
    headroom = Math.min(headroom, Math.max(0, Math.min(m.memory.max, m.memory.high) - m.memory.usage));
  }
  return headroom;
}

/** The dirty domain of a memcg and those below it (`mem_cgroup_wb_stats()`); the rest of the machine is taken as clean. */
export function memcgDirtyDomain(memcg: MemCgroup): DirtyDomain {
  const pages = mm().pages.filter((page) => page.allocated && !page.anon && isDescendant(page.memcg, memcg));
  const filePages = pages.filter((page) => page.lru !== undefined).length;
  return domainOf(pages, filePages + Math.min(headroomOf(memcg), PAGE_COUNTER_MAX / 2));
}
