/**
 * XFS's side of the page cache (fs/xfs/xfs_aops.c, xfs_file.c): writeback through iomap, write_begin, page_mkwrite.
 *
 * Reclaim never writes XFS pages (`->writepage` refused and went in 5.15) but may wait for those that a sweep has put under
 * writeback. Hack `hidden-alloc`: an accounted allocation that may enter the filesystem is made under the page lock, in
 * page_mkwrite and write_begin, where iomap allocates its per-page state (GFP_NOFS in real kernels): "there are probably
 * other hidden __GFP_ACCOUNT | GFP_KERNEL allocations from under a fs page locked" (documents/memcg-writeback-abba.txt).
 */
import { type Entity, op, type Resumable } from "../../../resumable/index.ts";
import { GFP_KERNEL_ACCOUNT } from "../../gfp.ts";
import { downRead, upRead } from "../../locking/rwsem.ts";
import {
  __filemapGetFolio,
  FGP_WRITEBEGIN,
  filemapFault,
  folioLock,
  folioPut,
  folioUnlock,
  folioWaitStable,
} from "../../mm/filemap.ts";
import { memcgKmemUnchargePage } from "../../mm/memcg-kmem.ts";
import type { MemCgroup } from "../../mm/memcg-types.ts";
import type { Vma } from "../../mm/mm-types.ts";
import type { AddressSpace, Page } from "../../mm/page.ts";
import { allocPages } from "../../mm/page-alloc.ts";
import { folioMarkDirty } from "../../mm/page-writeback.ts";
import { era, kernel } from "../../sched/current.ts";
import type { AddressSpaceOperations } from "../fs-types.ts";
import type { Inode } from "../inode.ts";
import { iomapFinishIoend, iomapWritepages } from "../iomap/buffered-io.ts";
import { wpcOfCurrent } from "../iomap/ioend.ts";
import { takeUnwritten, type UnwrittenEnds } from "../unwritten-ends.ts";
import type { WritebackControl } from "../writeback-control.ts";

/** `xfs_vm_writepages()`. */
export function* xfsVmWritepages(mapping: AddressSpace, wbc: WritebackControl): Resumable<number> {
  return yield* iomapWritepages(mapping, wbc, wpcOfCurrent());
}

/** `xfs_end_io()`: converts unwritten extents and ends their writeback. */
export function* xfsEndIo(argument: Entity | undefined): Resumable {
  for (;;) {
    const bio = yield* takeUnwritten(argument as UnwrittenEnds);
    if (bio === undefined) return;
    yield* iomapFinishIoend(bio);
  }
}

/** State for parts of a page, allocated under its lock, and freed again in the same call: only its charge matters here. */
function* iomapPageCreate(): Resumable {
  if (!kernel().config.hacks.includes("hidden-alloc")) return;
  const paysFor: MemCgroup | undefined = yield* allocPages(GFP_KERNEL_ACCOUNT, "table");
  if (paysFor !== undefined) yield free(paysFor);
}

const free = op<MemCgroup>("kfree", {
  apply: memcgKmemUnchargePage,
  describe: (memcg) => `kfree of ${memcg.path}`,
});

/** `iomap_write_begin()`: the page locked. */
function* iomapWriteBegin(inode: Inode, index: number): Resumable<Page | undefined> {
  const page = yield* __filemapGetFolio(inode.mapping, index, FGP_WRITEBEGIN, inode.mapping.gfpMask);
  if (page !== undefined) yield* iomapPageCreate();
  return page;
}

/** `iomap_write_end()` of a whole page: dirty and unlocked. */
function* iomapWriteEnd(_inode: Inode, page: Page): Resumable {
  yield* folioMarkDirty(page);
  yield* folioUnlock(page);
  yield* folioPut(page);
}

/** `xfs_filemap_fault()`. */
function* xfsFilemapFault(vma: Vma, index: number, flags: number): Resumable<Page | number> {
  return yield* xfsFindPage(vma, index, flags);
}

/** XFS_MMAPLOCK_SHARED keeps truncation off while the fault looks for its page. */
function* xfsFindPage(vma: Vma, index: number, flags: number): Resumable<Page | number> {
  const { invalidateLock } = vma.file as Inode;
  const locks = era().xfsFaultUnderMmapLock;
  if (locks) yield* downRead(invalidateLock, true);
  const page = yield* filemapFault(vma, index, flags);
  if (locks) yield* upRead(invalidateLock);
  return page;
}

/** `xfs_filemap_page_mkwrite()`; true with the page locked, false when it was truncated meanwhile. */
function* xfsFilemapPageMkwrite(inode: Inode, page: Page): Resumable<boolean> {
  return yield* __xfsFilemapFault(inode, page);
}

/** XFS_MMAPLOCK_SHARED around it: `i_mmaplock`, the mapping's invalidate_lock from 5.15. */
function* __xfsFilemapFault(inode: Inode, page: Page): Resumable<boolean> {
  yield* downRead(inode.invalidateLock);
  const locked = yield* iomapPageMkwrite(inode, page);
  yield* upRead(inode.invalidateLock);
  return locked;
}

function* iomapPageMkwrite(inode: Inode, page: Page): Resumable<boolean> {
  yield* folioLock(page);
  if (page.mapping !== inode.mapping || page.index >= inode.size) {
    yield* folioUnlock(page);
    return false;
  }
  yield* iomapPageCreate();
  yield* folioMarkDirty(page);
  yield* folioWaitStable(page);
  return true;
}

/** `xfs_address_space_operations` and what of `vm_operations_struct` the model needs. */
export const xfsAops: AddressSpaceOperations = Object.freeze({
  name: "xfs",
  writepages: xfsVmWritepages,
  writeBegin: iomapWriteBegin,
  writeEnd: iomapWriteEnd,
  fault: xfsFilemapFault,
  pageMkwrite: xfsFilemapPageMkwrite,
});
