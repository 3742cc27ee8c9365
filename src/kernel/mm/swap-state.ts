/**
 * Swapping (mm/swap_state.c, mm/page_io.c): an anonymous page gets into the swap cache, is unmapped, written by whoever reclaims, and
 * freed when a later pass finds it clean. Who touches it again has it read back, through the cache, by one bio of one page.
 *
 * Swapping in only where the device was booted with slots (swap-slots.ts). Not modelled: charges of slots, swap files, readahead of
 * neighbours. Only global reclaim of machines that were booted with swap comes here.
 */
import { create, op, type Resumable } from "../../resumable/index.ts";
import type { Bio, RequestQueue } from "../block/bio.ts";
import { bioAlloc, bioPut, submitBio } from "../block/blk-core.ts";
import { GFP_HIGHUSER_MOVABLE, GFP_KERNEL } from "../gfp.ts";
import { SpinLock, spinLockIrq, spinUnlockIrq } from "../locking/spinlock.ts";
import { era } from "../sched/current.ts";
import type { Kernel } from "../sched/kernel.ts";
import { folioEndWriteback } from "./filemap.ts";
import { memCgroupCharge } from "./memcontrol.ts";
import type { Vma } from "./mm-types.ts";
import { AddressSpace, type Page } from "./page.ts";
import { allocPages, freePage } from "./page-alloc.ts";
import { folioLockedByRead, folioSetLockedNew, folioUnlock } from "./page-bits.ts";
import { folioStartWriteback } from "./page-writeback.ts";
import { folioAddLru } from "./swap.ts";
import { forgetCached, freeSlot, type Swap, SwapSlot, swap, swapPageSector } from "./swap-slots.ts";

export { inSwapCache, isSwapBio, swap, swapPageSector } from "./swap-slots.ts";

/** swapon(2) of a whole disk, with so many slots; without any it has room for everything, and nothing comes back. Set-up only. */
export function bootSwap(k: Kernel, queue: RequestQueue, slots = 0): void {
  const space = create(AddressSpace, { treeLock: create(SpinLock, { lockClass: "i_pages" }) });
  const all = Array.from({ length: slots }, (_, offset) => create(SwapSlot, { offset }));
  k.subsystems.set("swap", Object.freeze({ queue, space, slots: Object.freeze(all) }));
}

/** Into the cache, in the order of the slots. */
function insert({ space }: Swap, page: Page): void {
  const later: Page[] = [];
  while (space.pages.length > 0 && swapPageSector(space.pages.at(-1) as Page) > swapPageSector(page)) {
    later.unshift(space.pages.pop() as Page);
  }
  for (const each of [page, ...later]) space.pages.push(each);
  page.mapping = space;
}

/** `add_to_swap()` of a locked page, which is dirty from then on; false: no slot is free. */
export function* addToSwap(page: Page): Resumable<boolean> {
  const { space, slots } = swap() as Swap;
  yield* spinLockIrq(space.treeLock);
  const slot = freeSlot(swap() as Swap);
  const added = slots.length === 0 || slot !== undefined;
  if (added) {
    if (slot !== undefined) slot.page = page;
    insert(swap() as Swap, page);
    page.dirty = true;
  }
  yield* spinUnlockIrq(space.treeLock);
  return added;
}

/** `swap_writepage()` of a locked page whose dirty bit has been cleared; it comes back unlocked, under writeback. */
export function* swapWritepage(page: Page): Resumable {
  yield* folioStartWriteback(page);
  const bio = yield* bioAlloc((swap() as Swap).queue, true, endSwapBioWrite);
  bio.pages.push(page);
  page.writebackBio = bio;
  yield* folioUnlock(page);
  yield* submitBio(bio);
}

function* endSwapBioWrite(bio: Bio): Resumable {
  for (const page of bio.pages.snapshot()) yield* folioEndWriteback(page);
  bioPut(bio);
}

const lookup = op<SwapSlot>("lookup_swap_cache", {
  apply(slot) {
    const { page } = slot;
    if (page !== undefined) page.refs++;
    return page;
  },
  describe: (slot) => `look up ${slot}`,
});

/** The page of a slot in the cache, with a reference for the caller. */
export function* swapCacheGetFolio(slot: SwapSlot): Resumable<Page | undefined> {
  return yield lookup(slot);
}

/**
 * The page of a slot, with a reference, its read under way: the read unlocks it. Undefined: no memory, or the slot belongs to
 * somebody else by now, as {@link swapEntry} says.
 */
export function* readSwapCacheAsync(slot: SwapSlot, vma: Vma, index: number): Resumable<Page | undefined> {
  for (;;) {
    const found: Page | undefined = yield lookup(slot);
    if (found !== undefined) return found;
    const page = yield* allocPages(GFP_HIGHUSER_MOVABLE);
    if (page === undefined) return undefined;
    if (era().swapinChargedWhenRead && !(yield* memCgroupCharge(page, GFP_KERNEL))) {
      yield* freePage(page);
      return undefined;
    }
    const state = yield* addToSwapCache(page, slot, vma, index);
    if (state === "added") {
      yield* folioAddLru(page);
      yield* swapReadpage(page);
      return page;
    }
    yield* freePage(page);
    if (state === "gone") return undefined;
  }
}

/** A new page for a slot that is still the entry's; somebody else may have been faster. */
function* addToSwapCache(
  page: Page,
  slot: SwapSlot,
  vma: Vma,
  index: number,
): Resumable<"added" | "there already" | "gone"> {
  const { treeLock } = (swap() as Swap).space;
  yield* spinLockIrq(treeLock);
  const state = slot.vma !== vma || slot.index !== index ? "gone" : slot.page !== undefined ? "there already" : "added";
  if (state === "added") {
    Object.assign(page, { anon: true, index });
    folioSetLockedNew(page);
    page.refs++;
    slot.page = page;
    insert(swap() as Swap, page);
  }
  yield* spinUnlockIrq(treeLock);
  return state;
}

/** `swap_readpage()` of a locked page. */
function* swapReadpage(page: Page): Resumable {
  const bio = yield* bioAlloc((swap() as Swap).queue, false, endSwapBioRead);
  bio.pages.push(page);
  folioLockedByRead(page, bio);
  yield* submitBio(bio);
}
function* endSwapBioRead(bio: Bio): Resumable {
  for (const page of bio.pages.snapshot()) {
    page.uptodate = true;
    yield* folioUnlock(page);
  }
  bioPut(bio);
}

/** `delete_from_swap_cache()` of a locked page that is not under writeback: who writes to it needs no copy on disk. */
export function* deleteFromSwapCache(page: Page): Resumable {
  const { space } = swap() as Swap;
  yield* spinLockIrq(space.treeLock);
  forgetCached(page);
  space.pages.remove(page);
  page.mapping = undefined;
  page.dirty = false;
  page.dirtyTag = false;
  yield* spinUnlockIrq(space.treeLock);
}
