/** Address spaces: set-up, and their end (mm/mmap.c, kernel/fork.c). */
import { create, op, type Resumable } from "../../resumable/index.ts";
import type { Inode } from "../fs/inode.ts";
import { downWrite, RwSemaphore, upWrite } from "../locking/rwsem.ts";
import type { Kernel } from "../sched/kernel.ts";
import { memcgKmemUnchargePage } from "./memcg-kmem.ts";
import { MmStruct, Vma } from "./mm-types.ts";
import type { Page } from "./page.ts";
import { freePage, freePageTable } from "./page-alloc.ts";
import { folioMarkDirty } from "./page-writeback.ts";
import { pageRemoveRmap } from "./rmap.ts";
import { freeSwapEntry, swap } from "./swap-slots.ts";

/** What a mapping covers. */
export interface VmaOptions {
  /** Anonymous memory without one. */
  readonly file?: Inode;
  /** First page of the file that is mapped; 0. */
  readonly pgoff?: number;
  /** Pages. */
  readonly length: number;
  /** MAP_SHARED. */
  readonly shared?: boolean;
  /** A page table is there from the beginning; who pays for it is nobody. */
  readonly populated?: boolean;
}

/** A process with this `oom_score_adj` is never chosen by the OOM killer. */
export const OOM_SCORE_ADJ_MIN = -1000;

/** An address space without mappings, and what its process is to the OOM killer. Set-up only. */
export function createMm(oomScoreAdj = 0): MmStruct {
  // the reaper, and charges that move, try for the lock
  const tried = oomScoreAdj !== OOM_SCORE_ADJ_MIN;
  return create(MmStruct, { mmapLock: create(RwSemaphore, { lockClass: "mmap_lock", tried }), oomScoreAdj });
}

/** mmap(2): a mapping of an address space, with a page table of its own. Set-up only. */
export function createVma(k: Kernel, mm: MmStruct, options: VmaOptions): Vma {
  const vma = create(Vma, {
    mm,
    vmLock: create(RwSemaphore, { lockClass: "vma_lock", tried: true }),
    ...(options.file === undefined ? {} : { file: options.file }),
    pgoff: options.pgoff ?? 0,
    length: options.length,
    shared: options.shared ?? false,
    writable: true,
    pmdNone: options.populated !== true,
  });
  mm.vmas.push(vma);
  const all = k.subsystems.get("vmas") as Vma[] | undefined;
  if (all === undefined) k.subsystems.set("vmas", [vma]);
  else all.push(vma);
  return vma;
}

const zap = op<Vma>("zap_pte_range", {
  apply(vma) {
    const page = vma.present.at(0);
    if (page === undefined) return undefined;
    const dirty = page.pteDirty && vma.writablePtes.includes(page);
    pageRemoveRmap(vma, page);
    if (dirty) page.pteDirty = false;
    return Object.freeze({ page, dirty });
  },
  describe: (vma) => `zap ${vma}`,
});

/** `free_swap_and_cache()`; what the cache has of them stays until reclaim finds it. */
const freeEntries = op<Vma>("free_swap_and_cache", {
  apply(vma) {
    for (const slot of swap()?.slots ?? []) if (slot.vma === vma) freeSwapEntry(slot);
  },
  describe: (vma) => `free the swap entries of ${vma}`,
});
function hasSwapEntries(vma: Vma): boolean {
  return vma.file === undefined && (swap()?.slots.length ?? 0) > 0;
}

interface Zapped {
  readonly page: Page;
  readonly dirty: boolean;
}

/** `unmap_page_range()`: every page of the mapping, dirty bits on to the pages of files. */
export function* unmapPageRange(vma: Vma): Resumable {
  for (;;) {
    const zapped: Zapped | undefined = yield zap(vma);
    if (zapped === undefined) break;
    const { page, dirty } = zapped;
    if (page.mapping !== undefined) {
      if (dirty) yield* folioMarkDirty(page);
    } else if (page.mapCount === 0) {
      yield* freePage(page);
    }
  }
  if (hasSwapEntries(vma)) yield freeEntries(vma);
}

const freeTable = op<Vma>("free_pgtables", {
  apply(vma) {
    const half = vma.splitMemcg;
    vma.splitMemcg = undefined;
    if (half !== undefined) memcgKmemUnchargePage(half);
    if (vma.pmdNone) return;
    const table = vma.pageTableMemcg;
    vma.pmdNone = true;
    vma.pageTableMemcg = undefined;
    if (table !== undefined) freePageTable(table);
  },
  describe: (vma) => `free the page table of ${vma}`,
});

/** `exit_mmap()` of the last thread: pages unmapped, anonymous ones and page tables freed and uncharged. */
export function* exitMmap(mm: MmStruct): Resumable {
  for (const vma of mm.vmas.snapshot()) {
    yield* unmapPageRange(vma);
    yield freeTable(vma);
  }
  mm.oomSkip = true;
}

/** munmap(2) of one mapping, or the part of exec and madvise that drops pages: under mmap_lock for writing. */
export function* doMunmap(vma: Vma): Resumable {
  yield* downWrite(vma.mm.mmapLock);
  yield* unmapPageRange(vma);
  yield freeTable(vma);
  yield* upWrite(vma.mm.mmapLock);
}
