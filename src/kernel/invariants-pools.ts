/** Laws of memory pools and of swap space. */
import type { Law } from "./invariants.ts";
import { mempools } from "./mm/mempool.ts";
import type { Page } from "./mm/page.ts";
import type { Swap } from "./mm/swap-slots.ts";

/** A reserve has no more than it is filled up to, of pages that are nobody else's. */
export const reservesAreKept: Law = (kernel) => {
  const kept = new Set<Page>();
  for (const pool of mempools(kernel)) {
    const { reserve, minNr, poolName } = pool;
    if (reserve.length > minNr) return `${poolName} keeps ${reserve.length} elements and is full with ${minNr}`;
    for (const page of reserve) {
      if (kept.has(page)) return `${page} is kept twice`;
      kept.add(page);
      const used = page.mapping ?? page.memcg ?? page.lru;
      if (!page.allocated || used !== undefined) return `${page} is in the reserve of ${poolName} and not its own`;
    }
  }
  return undefined;
};

/** A page of the swap cache has one slot; a page table has a page or a swap entry at an index, not both. */
export const swapSlotsAreWhole: Law = (kernel) => {
  const found = kernel.subsystems.get("swap") as Swap | undefined;
  if (found === undefined || found.slots.length === 0) return undefined;
  const { slots, space } = found;
  for (const page of space.pages) {
    const its = slots.filter((slot) => slot.page === page).length;
    if (its !== 1) return `${page} is in the swap cache and has ${its} slots`;
  }
  for (const slot of slots) {
    const { page, vma, index } = slot;
    if (page !== undefined && page.mapping !== space) return `${slot} has ${page}, which is not in the swap cache`;
    if (vma !== undefined && [...vma.present].some((mapped) => mapped.index === index)) {
      return `${vma} has a page and a swap entry at ${index}`;
    }
  }
  return undefined;
};
