/**
 * Swap space (mm/swapfile.c): slots of a swap device, each with the page that the swap cache has for it and the page table entry
 * that refers to it. A slot is free when it has neither.
 *
 * Coarser than the kernel: one device, no clusters and no slots kept per CPU, one reference per slot (nobody forks).
 */
import { Entity, fields, int, ref } from "../../resumable/index.ts";
import type { Bio, RequestQueue } from "../block/bio.ts";
import { kernel } from "../sched/current.ts";
import type { Vma } from "./mm-types.ts";
import type { AddressSpace, Page } from "./page.ts";

export class SwapSlot extends Entity {
  /** Offset on the device, in pages. */
  declare offset: number;
  /** In the swap cache. */
  declare page: Page | undefined;
  /** Who has a swap entry for it in the page table, and at which index. */
  declare vma: Vma | undefined;
  declare index: number;
  static {
    fields(SwapSlot, { offset: int, page: ref, vma: ref, index: int }, "swap slot");
  }
}

/** The swap device and its cache. */
export interface Swap {
  readonly queue: RequestQueue;
  /** `swapper_space`. */
  readonly space: AddressSpace;
  /** None: as many as anybody wants, and what is swapped out is never read again. */
  readonly slots: readonly SwapSlot[];
}

export function swap(): Swap | undefined {
  return kernel().subsystems.get("swap") as Swap | undefined;
}

/** `folio_test_swapcache()`. */
export function inSwapCache(page: Page): boolean {
  return page.mapping !== undefined && page.mapping === swap()?.space;
}

/** REQ_SWAP. */
export function isSwapBio(bio: Bio): boolean {
  return bio.queue !== undefined && bio.queue === swap()?.queue;
}

/** The slot of a page in the swap cache. */
export function slotOf(page: Page): SwapSlot | undefined {
  if (!page.anon) return undefined;
  return swap()?.slots.find((slot) => slot.page === page);
}
/** Where on the device a page of the swap cache lies. */
export function swapPageSector(page: Page): number {
  return slotOf(page)?.offset ?? page.$number;
}

/** The lowest slot that nobody has. */
export function freeSlot({ slots }: Swap): SwapSlot | undefined {
  return slots.find((slot) => slot.page === undefined && slot.vma === undefined);
}

/** What a page table has for an index instead of a page. */
export function swapEntry(vma: Vma, index: number): SwapSlot | undefined {
  return swap()?.slots.find((slot) => slot.vma === vma && slot.index === index);
}

/** try_to_unmap() leaves a swap entry where the page was mapped; part of its step. */
export function leaveSwapEntry(page: Page, vma: Vma): void {
  const slot = slotOf(page);
  if (slot === undefined) return;
  slot.vma = vma;
  slot.index = page.index;
}

/** `swap_free()` of the entry in a page table. */
export function freeSwapEntry(slot: SwapSlot): void {
  slot.vma = undefined;
  slot.index = 0;
}

/** The page leaves the swap cache; part of the section in which it leaves its mapping. */
export function forgetCached(page: Page): void {
  if (!page.anon) return;
  const slot = slotOf(page);
  if (slot !== undefined) slot.page = undefined;
}
