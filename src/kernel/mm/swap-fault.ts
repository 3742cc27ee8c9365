/**
 * Faults on what was swapped out (mm/memory.c:do_swap_page).
 *
 * The page is looked for in the swap cache, or allocated and read; the fault waits for PG_locked, on the first try with mmap_lock
 * dropped, and maps it. A page that is under writeback still is mapped as it is, and written again later. Who writes to one that is
 * not takes it out of the cache, which frees its slot.
 *
 * Charged when it is mapped up to 5.7, when it is read from 5.8 on. Coarser than the kernel: it is mapped writable at once, where
 * after a read fault the first write would fault once more.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import { GFP_KERNEL } from "../gfp.ts";
import { era } from "../sched/current.ts";
import { VM_FAULT_NOPAGE, VM_FAULT_OOM, VM_FAULT_RETRY } from "./fault-flags.ts";
import { __lockPageOrRetry, LOCKED } from "./filemap-fault.ts";
import { memCgroupCharge } from "./memcontrol.ts";
import type { Vma } from "./mm-types.ts";
import type { Page } from "./page.ts";
import { folioPut } from "./page-alloc.ts";
import { folioUnlock } from "./page-bits.ts";
import { freeSwapEntry, inSwapCache, type SwapSlot } from "./swap-slots.ts";
import { deleteFromSwapCache, readSwapCacheAsync, swapCacheGetFolio } from "./swap-state.ts";

interface Swapped {
  readonly slot: SwapSlot;
  readonly page: Page;
  readonly write: boolean;
}
const mapSwapped = op<Vma, Swapped>("map swapped page", {
  apply(vma, { slot, page, write }) {
    if (slot.vma !== vma || slot.index !== page.index) return false;
    freeSwapEntry(slot);
    vma.present.push(page);
    vma.writablePtes.push(page);
    page.mapCount++;
    page.pteYoung = true;
    if (write) page.pteDirty = true;
    return true;
  },
  describe: (vma, { page }) => `map ${page} in ${vma}`,
});

const whose = op<SwapSlot, { readonly vma: Vma; readonly index: number }>("compare swap entry", {
  apply: (slot, { vma, index }) => slot.vma === vma && slot.index === index,
  describe: (slot) => `compare the entry of ${slot}`,
});

/** VM_FAULT_ bits; 0: the page is mapped. */
export function* doSwapPage(vma: Vma, index: number, slot: SwapSlot, flags: number, write: boolean): Resumable<number> {
  let page: Page | undefined = yield* swapCacheGetFolio(slot);
  if (page === undefined) page = yield* readSwapCacheAsync(slot, vma, index);
  if (page === undefined) return (yield whose(slot, Object.freeze({ vma, index }))) ? VM_FAULT_OOM : VM_FAULT_NOPAGE;
  if ((yield* __lockPageOrRetry(vma, page, flags)) !== LOCKED) {
    yield* folioPut(page);
    return VM_FAULT_RETRY;
  }
  const fault = yield* mapLocked(vma, slot, page, write);
  yield* folioUnlock(page);
  yield* folioPut(page);
  return fault;
}

/** The page is locked: what it is cannot change any more. */
function* mapLocked(vma: Vma, slot: SwapSlot, page: Page, write: boolean): Resumable<number> {
  if (slot.page !== page || !page.uptodate) return VM_FAULT_NOPAGE;
  if (page.memcg === undefined && !era().swapinChargedWhenRead && !(yield* memCgroupCharge(page, GFP_KERNEL))) {
    return VM_FAULT_OOM;
  }
  if (!(yield mapSwapped(vma, Object.freeze({ slot, page, write })))) return VM_FAULT_NOPAGE;
  if (write && !page.writeback && inSwapCache(page)) yield* deleteFromSwapCache(page);
  return 0;
}
