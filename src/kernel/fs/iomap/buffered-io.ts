/**
 * Writeback of XFS's pages (fs/iomap/buffered-io.c since 5.6, fs/xfs/xfs_aops.c before; the steps are the same).
 *
 * iomap_writepages sweeps with write_cache_pages; each page goes into the open ioend, gets PG_writeback, is unlocked. A page
 * that does not follow the ioend on disk opens a new one, and the old one is submitted once the page is unlocked. The last
 * ioend is submitted when write_cache_pages has returned: until then its pages wait for this task. Up to 4.5 XFS submitted
 * at the end of each page (era feature xfsIoendAcrossPages).
 *
 * Blocks of a file lie on disk as their indices do. Delayed blocks are allocated per extent in a transaction under the page
 * lock; no transaction is open while a page lock is waited for, and log space never runs out here.
 */
import type { Entity, Resumable } from "../../../resumable/index.ts";
import type { Bio } from "../../block/bio.ts";
import { bioAlloc, bioPut, submitBio } from "../../block/blk-core.ts";
import { folioEndWriteback, folioUnlock } from "../../mm/filemap.ts";
import type { AddressSpace, Page } from "../../mm/page.ts";
import { folioStartWriteback, writeCachePages } from "../../mm/page-writeback.ts";
import { era } from "../../sched/current.ts";
import { wbcAccountCgroupOwner } from "../fs-writeback.ts";
import type { Inode } from "../inode.ts";
import { deferUnwritten } from "../unwritten-ends.ts";
import type { WritebackControl } from "../writeback-control.ts";
import type { IomapWritepageCtx } from "./ioend.ts";

/** BIO_MAX_VECS; a longer ioend chains bios. */
const MAX_PAGES = 256;

/** `iomap_writepages()`. */
export function* iomapWritepages(
  mapping: AddressSpace,
  wbc: WritebackControl,
  wpc: IomapWritepageCtx,
): Resumable<number> {
  const error = yield* writeCachePages(mapping, wbc, iomapDoWritepage, wpc);
  const last = wpc.ioend;
  wpc.ioend = undefined;
  if (last !== undefined) yield* iomapSubmitIoend(last);
  return error;
}

function* iomapDoWritepage(page: Page, wbc: WritebackControl, data: Entity | undefined): Resumable<number> {
  return yield* iomapWritepageMap(data as IomapWritepageCtx, wbc, page);
}

function* iomapWritepageMap(wpc: IomapWritepageCtx, wbc: WritebackControl, page: Page): Resumable<number> {
  const inode = page.mapping?.host as Inode;
  const allocated = !page.mapped;
  page.mapped = true;
  const full = yield* iomapAddToIoend(wpc, wbc, inode, page);
  if (allocated && inode.sb.unwrittenEnds !== undefined) (wpc.ioend as Bio).unwritten = true;
  yield* folioStartWriteback(page);
  yield* folioUnlock(page);
  if (full !== undefined) yield* iomapSubmitIoend(full);
  const own = wpc.ioend;
  if (era().xfsIoendAcrossPages || own === undefined) return 0;
  wpc.ioend = undefined;
  yield* iomapSubmitIoend(own);
  return 0;
}

/** Returns the ioend that the page could not join, to be submitted when the page is unlocked. */
function* iomapAddToIoend(
  wpc: IomapWritepageCtx,
  wbc: WritebackControl,
  inode: Inode,
  page: Page,
): Resumable<Bio | undefined> {
  const open = wpc.ioend;
  const joins = open?.pages.at(-1)?.index === page.index - 1 && open.pages.length < MAX_PAGES;
  if (!joins) wpc.ioend = yield* bioAlloc(inode.sb.bdi.queue, true, iomapWritepageEndBio);
  addPage(wpc.ioend as Bio, page);
  wbcAccountCgroupOwner(wbc, page);
  return joins ? undefined : open;
}

/** The page's writeback, once it has begun, ends with this bio. */
function addPage(bio: Bio, page: Page): void {
  bio.pages.push(page);
  page.writebackBio = bio;
}

function* iomapSubmitIoend(ioend: Bio): Resumable {
  yield* submitBio(ioend);
}

/** `bi_end_io`; unwritten extents are converted by a worker (xfs-conv) first. */
function* iomapWritepageEndBio(bio: Bio): Resumable {
  if (bio.unwritten) yield* deferUnwritten(bio);
  else yield* iomapFinishIoend(bio);
}

/** `iomap_finish_ioend()`. */
export function* iomapFinishIoend(bio: Bio): Resumable {
  for (const page of bio.pages.snapshot()) yield* folioEndWriteback(page);
  bioPut(bio);
}
