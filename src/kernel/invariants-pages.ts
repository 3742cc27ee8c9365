/** Laws of pages: lists, mappings, references, PG_locked, PG_writeback, and the statistics of dirty and written pages. */
import { Bio } from "./block/bio.ts";
import type { Block } from "./block/blk-core.ts";
import type { BackingDevInfo } from "./fs/backing-dev.ts";
import type { Law } from "./invariants.ts";
import type { Mm } from "./mm/mm.ts";
import type { Vma } from "./mm/mm-types.ts";
import type { Page, WritebackRequest } from "./mm/page.ts";
import type { Kernel } from "./sched/kernel.ts";
import { Task } from "./sched/task.ts";

const mmOf = (kernel: Kernel): Mm | undefined => kernel.subsystems.get("mm") as Mm | undefined;
const pagesOf = (kernel: Kernel): readonly Page[] => mmOf(kernel)?.pages ?? [];
const bios = (kernel: Kernel): readonly Bio[] => (kernel.subsystems.get("block") as Block | undefined)?.bios ?? [];
const vmas = (kernel: Kernel): readonly Vma[] => (kernel.subsystems.get("vmas") as readonly Vma[] | undefined) ?? [];

/** A page is on at most one list, and where it says it is. */
export const lruMembership: Law = (kernel) => {
  for (const memcg of mmOf(kernel)?.memcgs ?? []) {
    const { inactiveAnon, activeAnon, inactiveFile, activeFile } = memcg.lruvec;
    for (const list of [inactiveAnon, activeAnon, inactiveFile, activeFile]) {
      for (const page of list.pages) if (page.lru !== list) return `${page} is on ${list} and says ${page.lru}`;
    }
  }
  for (const page of pagesOf(kernel)) {
    if (page.lru !== undefined && !page.lru.pages.includes(page)) return `${page} says ${page.lru} and is not there`;
  }
  return undefined;
};

/** A cached page that is on no list is in somebody's hands, who puts it back. */
export const offListsInHands: Law = (kernel) => {
  for (const page of pagesOf(kernel)) {
    if (page.refs < 0) return `${page} has ${page.refs} references`;
    if (page.mapping === undefined || page.lru !== undefined || page.refs > 0) continue;
    if (page.lockedBy === undefined) return `${page} is in the cache, on no list and in nobody's hands`;
  }
  return undefined;
};

/** NR_ISOLATED: pages that reclaimers hold; who isolated it is the only one. */
export const isolatedPagesAreCounted: Law = (kernel) => {
  const mm = mmOf(kernel);
  const held = new Set<Page>();
  let active = false;
  for (const sc of mm?.scanControls ?? []) {
    active ||= sc.active;
    for (const page of [...sc.isolated, ...sc.putback, ...sc.freed]) {
      if (page.lru !== undefined) return `${page} is isolated and on ${page.lru}`;
      if (held.has(page)) return `${page} is isolated twice`;
      held.add(page);
    }
  }
  const counted = (mm?.node.nrIsolated ?? 0) + (mm?.node.nrIsolatedAnon ?? 0);
  if (counted < held.size) return `${counted} pages are counted as isolated, ${held.size} are`;
  return active || counted === 0 ? undefined : `${counted} pages are counted as isolated and nobody reclaims`;
};

/** A page counts the page tables that map it. */
export const mappingsAreCounted: Law = (kernel) => {
  for (const page of pagesOf(kernel)) {
    const mappings = vmas(kernel).filter((vma) => vma.present.includes(page)).length;
    if (page.mapCount !== mappings) return `${page} counts ${page.mapCount} of ${mappings} mappings`;
  }
  return undefined;
};

/**
 * PG_writeback: one party is to end it, the bio that carries the page, or whoever has the page locked and is about to put it
 * into one. A bio that ends its pages one by one may still list pages whose writeback it has ended.
 */
export const writebackHasBio: Law = (kernel) => {
  for (const page of pagesOf(kernel)) {
    if (isBuffer(page)) continue;
    const { writebackBio } = page;
    for (const bio of bios(kernel)) {
      if (!bio.write || bio === writebackBio || bio.state === "completing" || !bio.pages.includes(page)) continue;
      return `${page} is in ${bio} (${bio.state}), and ${writebackBio ?? "nobody"} is to end its writeback`;
    }
    if (!page.writeback) continue;
    if (writebackBio === undefined) {
      if (!(page.lockedBy instanceof Task)) return `${page} is under writeback and nobody is to end it`;
    } else if (!writebackBio.pages.includes(page) || !isAlive(kernel, writebackBio)) {
      const state = writebackBio instanceof Bio ? ` (${writebackBio.state})` : "";
      return `${page} is under writeback in ${writebackBio}${state}, which cannot end it`;
    }
  }
  return undefined;
};

/** A page that a driver writes from, e.g. encrypted data: it belongs to no cache and has no writeback. */
function isBuffer(page: Page): boolean {
  return page.mapping === undefined && page.lru === undefined && !page.anon && !page.writeback;
}

/** Somebody will bring the end of the bio or request about. */
function isAlive(kernel: Kernel, bio: Bio | WritebackRequest): boolean {
  if (!(bio instanceof Bio)) return bio.enders().some((task) => !kernel.machine.finished(task.context));
  if (bio.state === "free") return false;
  return bio.state === "in_flight" || bio.state === "deferred" || !kernel.machine.finished(bio.owner.context);
}

/** PG_locked has a holder that can clear it: a task that has not ended, or a read in progress. */
export const pageLockHolderLives: Law = (kernel) => {
  for (const page of pagesOf(kernel)) {
    const by = page.lockedBy;
    if (by === undefined) continue;
    if (by instanceof Task) {
      if (kernel.machine.finished(by.context)) return `${page} is locked by ${by}, which has ended`;
    } else if (by.write || by.state === "free" || !by.pages.includes(page)) {
      return `${page} is locked by ${by}, which does not read it`;
    }
  }
  return undefined;
};

/** An unused page is nobody's. */
export const freePagesAreClean: Law = (kernel) => {
  for (const page of pagesOf(kernel)) {
    if (page.allocated) continue;
    if (page.mapping !== undefined || page.memcg !== undefined || page.lru !== undefined || page.writeback) {
      return `${page} is free and still in use`;
    }
  }
  return undefined;
};

/** The cache is in order and each page knows its place. */
export const cacheInOrder: Law = (kernel) => {
  for (const page of pagesOf(kernel)) {
    const { mapping } = page;
    if (mapping === undefined) continue;
    const place = mapping.pages.indexOf(page);
    if (place < 0) return `${page} is not in the mapping it names`;
    const next = mapping.pages.at(place + 1);
    // the swap cache is in the order of slots, its pages have the index of their mapping
    if (page.anon) continue;
    if (next !== undefined && next.index <= page.index) return `${page} and ${next} are out of order`;
  }
  return undefined;
};

/**
 * NR_FILE_DIRTY and NR_WRITEBACK of groups and of writeback domains are the pages that have the bits. Statistics are no state:
 * this holds along one run from the beginning, not in states that a search has put back.
 */
export const statisticsAreExact: Law = (kernel) => {
  const pages = pagesOf(kernel).filter((page) => page.mapping !== undefined);
  const unaccounted = new Set(kernel.tasks.map((task) => dirtiedUnaccounted(kernel, task)));
  const dirty = pages.filter((page) => page.dirty && !unaccounted.has(page));
  const written = pages.filter((page) => page.writeback);
  for (const memcg of mmOf(kernel)?.memcgs ?? []) {
    if (memcg.parent === undefined) continue;
    const said = compare(memcg.path, memcg.nrFileDirty, memcg.nrWriteback, (page) => page.memcg === memcg);
    if (said !== undefined) return said;
  }
  for (const bdi of (kernel.subsystems.get("bdis") as readonly BackingDevInfo[] | undefined) ?? []) {
    for (const wb of bdi.wbs) {
      const its = (page: Page): boolean => page.mapping?.host?.wb === wb;
      const said = compare(String(wb), wb.nrReclaimable, wb.nrWriteback, its);
      if (said !== undefined) return said;
    }
  }
  return undefined;

  function compare(
    whose: string,
    nrDirty: number,
    nrWritten: number,
    its: (page: Page) => boolean,
  ): string | undefined {
    const [d, w] = [dirty.filter(its).length, written.filter(its).length];
    if (nrDirty !== d) return `${whose} counts ${nrDirty} dirty pages, there are ${d}`;
    return nrWritten === w ? undefined : `${whose} counts ${nrWritten} pages under writeback, there are ${w}`;
  }
};

/** The page whose bit a task has set and whose account it is about to make, when i_pages is free. */
function dirtiedUnaccounted(kernel: Kernel, { context }: Task): Page | undefined {
  const { op } = kernel.machine.pending(context);
  if (op !== "spin_lock" && op !== "spin") return undefined;
  const frame = kernel.machine.stack(context)[1];
  return frame?.name === "blockDirtyFolio" && frame.locals.was !== undefined
    ? (frame.locals.page as Page | undefined)
    : undefined;
}
