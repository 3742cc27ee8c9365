/**
 * The page cache of a block device (fs/buffer.c): where filesystems have their metadata. A page is one block.
 *
 * A page that is missing is allocated without `__GFP_FS` and with `__GFP_NOFAIL`, and charged to whoever asks, journal handle
 * or not: the charge reclaims and calls the OOM killer in the group of the task until it succeeds. Buffer heads take no memory
 * of their own here, and nobody truncates a block device.
 */
import type { Resumable } from "../../resumable/index.ts";
import { __GFP_DIRECT_RECLAIM, __GFP_FS, __GFP_NOFAIL } from "../gfp.ts";
import { __filemapGetFolio, FGP_CREAT, FGP_LOCK, filemapGetPage, folioPut, folioUnlock } from "../mm/filemap.ts";
import type { AddressSpace, Page } from "../mm/page.ts";
import { era } from "../sched/current.ts";
import type { Inode } from "./inode.ts";

/** `mapping_gfp_constraint(~__GFP_FS) | __GFP_NOFAIL`, or what the proposal puts aside as unsupported. */
function blockGfp(bdev: Inode): number {
  const gfp = (bdev.mapping.gfpMask & ~__GFP_FS) | __GFP_NOFAIL;
  return era().nofailWithoutReclaim ? gfp & ~__GFP_DIRECT_RECLAIM : gfp;
}

/**
 * `__getblk_gfp()`: the page of a block, with a reference for {@link brelse}; up to date if somebody has filled it. Undefined: no
 * memory, which until 6.5 the kernel does not survive.
 */
export function* bdevGetblk(bdev: Inode, block: number): Resumable<Page | undefined> {
  const found = yield* filemapGetPage(bdev.mapping, block);
  return found ?? (yield* growBuffers(bdev, block));
}

/** `grow_dev_page()`. */
function* growBuffers(bdev: Inode, block: number): Resumable<Page | undefined> {
  const page = yield* pagecacheGetPage(bdev.mapping, block, FGP_LOCK | FGP_CREAT, blockGfp(bdev));
  if (page === undefined) {
    if (era().getblkMayFail) return undefined;
    throw new Error("BUG in grow_dev_page: an allocation with __GFP_NOFAIL gave no page");
  }
  page.mapped = true;
  yield* folioUnlock(page);
  return page;
}

function* pagecacheGetPage(
  mapping: AddressSpace,
  index: number,
  fgp: number,
  gfp: number,
): Resumable<Page | undefined> {
  return yield* __filemapGetFolio(mapping, index, fgp, gfp);
}

/** Drops the reference to a block. */
export function* brelse(page: Page | undefined): Resumable {
  if (page !== undefined) yield* folioPut(page);
}
