/**
 * Page tables of the lowest level: allocation, charge, installation (mm/memory.c, arch/x86/mm/pgtable.c).
 *
 * A page table is charged to the memcg of the task from 4.8 on, by `GFP_KERNEL_ACCOUNT`: its allocation may reclaim, wait for
 * writeback and enter filesystems. Whether a page is locked meanwhile is what memcg-writeback-abba is about.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import { pteAllocGfp } from "../gfp.ts";
import { era } from "../sched/current.ts";
import type { MemCgroup } from "./memcg-types.ts";
import type { Vma } from "./mm-types.ts";
import { allocPages, freePageTable } from "./page-alloc.ts";

/** A page table, stood for by the memcg that pays for it; undefined: the charge failed. */
export function* pteAllocOne(): Resumable<MemCgroup | undefined> {
  return yield* allocPages(pteAllocGfp(era()), "table");
}

const free = op<MemCgroup>("pte_free", {
  apply: freePageTable,
  describe: (table) => `pte_free of ${table.path}`,
});

/** `pte_free()`: a page table that was not needed. */
export function* pteFree(table: MemCgroup): Resumable {
  yield free(table);
}

const install = op<Vma, MemCgroup>("pmd_install", {
  apply(vma, table) {
    if (!vma.pmdNone) return false;
    vma.pmdNone = false;
    vma.pageTableMemcg = table;
    return true;
  },
  describe: (vma) => `pmd_install ${vma}`,
});

/** Under the pmd's lock: false when another fault was faster. */
export function* pmdInstall(vma: Vma, table: MemCgroup): Resumable<boolean> {
  return yield install(vma, table);
}

/** `pte_alloc()`: true when there is a page table now, false without memory. */
export function* pteAlloc(vma: Vma): Resumable<boolean> {
  if (!vma.pmdNone) return true;
  return yield* __pteAlloc(vma);
}

function* __pteAlloc(vma: Vma): Resumable<boolean> {
  const table = yield* pteAllocOne();
  if (table === undefined) return false;
  if (!(yield* pmdInstall(vma, table))) yield* pteFree(table);
  return true;
}
