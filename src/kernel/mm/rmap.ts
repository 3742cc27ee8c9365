/**
 * From a page to the page tables that map it (mm/rmap.c). Whoever walks holds the page locked or is about to drop it; each walk
 * takes i_mmap_rwsem and page table locks that nobody holds while asleep, so it is one step.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import { kernel } from "../sched/current.ts";
import type { Vma } from "./mm-types.ts";
import type { AddressSpace, Page } from "./page.ts";
import { folioMarkDirty } from "./page-writeback.ts";
import { leaveSwapEntry } from "./swap-slots.ts";

/** All VMAs there are; {@link createVma} of mmap.ts registers them. */
function vmas(): readonly Vma[] {
  return (kernel().subsystems.get("vmas") as readonly Vma[] | undefined) ?? [];
}

/** Takes the entry of the page out of a page table; under its lock. */
export function pageRemoveRmap(vma: Vma, page: Page): void {
  vma.present.remove(page);
  vma.writablePtes.remove(page);
  page.mapCount--;
}

const mkclean = op<Page>("folio_mkclean", {
  apply(page) {
    let cleaned = false;
    for (const vma of vmas()) if (vma.shared && vma.writablePtes.remove(page)) cleaned = true;
    page.pteDirty = false;
    return cleaned;
  },
  describe: (page) => `folio_mkclean ${page}`,
});

/** `page_mkclean()`: write-protects every shared mapping of the locked page; true when one could have been written. */
export function* folioMkclean(page: Page): Resumable<boolean> {
  if (page.mapCount === 0) return false;
  return yield mkclean(page);
}

const unmap = op<Page>("try_to_unmap", {
  apply(page) {
    for (const vma of vmas()) {
      if (!vma.present.includes(page)) continue;
      pageRemoveRmap(vma, page);
      if (page.anon) leaveSwapEntry(page, vma);
    }
    const wasDirty = page.pteDirty;
    page.pteDirty = false;
    return wasDirty;
  },
  describe: (page) => `unmap ${page}`,
});

/** `try_to_unmap()` of a locked page: no page table maps it any more; dirty entries make the page dirty. */
export function* tryToUnmap(page: Page): Resumable {
  if (page.mapCount === 0) return;
  if (yield unmap(page)) yield* folioMarkDirty(page);
}

/** The first page at or after an index that some page table maps. */
function firstMapped(mapping: AddressSpace, start: number, end: number): Page | undefined {
  for (const page of mapping.pages) {
    if (page.index >= start && page.index <= end && page.mapCount > 0) return page;
  }
  return undefined;
}

const unmapNext = op<AddressSpace, readonly [start: number, end: number]>("unmap_mapping_range", {
  apply(mapping, [start, end]) {
    const page = firstMapped(mapping, start, end);
    if (page === undefined) return undefined;
    for (const vma of vmas()) if (vma.present.includes(page)) pageRemoveRmap(vma, page);
    const wasDirty = page.pteDirty;
    page.pteDirty = false;
    return wasDirty ? page : true;
  },
  describe: (mapping, [start]) => `unmap ${mapping} from ${start}`,
});

/** `unmap_mapping_pages()`: takes the pages of a range out of all page tables; they need not be locked. */
export function* unmapMappingRange(mapping: AddressSpace, start: number, end: number): Resumable {
  for (;;) {
    const done: Page | true | undefined = yield unmapNext(mapping, Object.freeze([start, end] as const));
    if (done === undefined) return;
    if (done !== true) yield* folioMarkDirty(done);
  }
}
