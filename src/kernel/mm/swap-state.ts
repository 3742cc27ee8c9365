/**
 * Swapping out (mm/swap_state.c, mm/page_io.c): an anonymous page gets into the swap cache, is unmapped, written by whoever
 * reclaims, and freed when a later pass finds it clean.
 *
 * Not modelled: swapping in (who needs a page again is told nothing of it: let nobody), slots and their charges, swap files,
 * readahead. Only global reclaim of machines that were booted with swap comes here.
 */
import { create, type Resumable } from "../../resumable/index.ts";
import type { Bio, RequestQueue } from "../block/bio.ts";
import { bioAlloc, bioPut, submitBio } from "../block/blk-core.ts";
import { SpinLock, spinLockIrq, spinUnlockIrq } from "../locking/spinlock.ts";
import { kernel } from "../sched/current.ts";
import type { Kernel } from "../sched/kernel.ts";
import { folioEndWriteback } from "./filemap.ts";
import { AddressSpace, type Page } from "./page.ts";
import { folioUnlock } from "./page-bits.ts";
import { folioStartWriteback } from "./page-writeback.ts";

/** The swap device and its cache. */
export interface Swap {
  readonly queue: RequestQueue;
  /** `swapper_space`. */
  readonly space: AddressSpace;
}

/** swapon(2) of a whole disk. Set-up only. */
export function bootSwap(k: Kernel, queue: RequestQueue): void {
  const space = create(AddressSpace, { treeLock: create(SpinLock, { lockClass: "i_pages" }) });
  k.subsystems.set("swap", Object.freeze({ queue, space }));
}
export function swap(): Swap | undefined {
  return kernel().subsystems.get("swap") as Swap | undefined;
}

/** `folio_test_swapcache()`. */
export function inSwapCache(page: Page): boolean {
  return page.mapping !== undefined && page.mapping === swap()?.space;
}

/** `add_to_swap()` of a locked page, which is dirty from then on. */
export function* addToSwap(page: Page): Resumable {
  const { space } = swap() as Swap;
  yield* spinLockIrq(space.treeLock);
  space.pages.push(page);
  page.mapping = space;
  page.dirty = true;
  yield* spinUnlockIrq(space.treeLock);
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
