/**
 * Writeback of a fuse filesystem in writeback-cache mode (fs/fuse/file.c).
 *
 * A sweep collects pages that follow each other into a request, which is sent when the next does not fit, or at the end. Up to
 * 6.15 it carries copies (temporary pages): the writeback of the cached pages ends when the request has been sent, so that
 * nobody ever waits for the server in PG_writeback. From 6.16 it carries the cached pages, whose writeback ends with the reply:
 * commit 0c58a97f919c ("fuse: remove tmp folio for writebacks and internal rb tree") (v6.16).
 *
 * Left out: pages for copies (GFP_NOFS, uncharged, here there are always some), a second request for a page whose copy is
 * being written (only direct I/O makes one), large folios, iomap (6.17), inode times.
 */
import { Entity, fields, type List, list, type Resumable, ref } from "../../../resumable/index.ts";
import {
  __filemapGetFolio,
  FGP_WRITEBEGIN,
  folioEndWriteback,
  folioLock,
  folioPut,
  folioUnlock,
  folioWaitWriteback,
} from "../../mm/filemap.ts";
import type { AddressSpace, Page } from "../../mm/page.ts";
import { folioMarkDirty, folioStartWriteback, writeCachePages } from "../../mm/page-writeback.ts";
import { current, era, kernel } from "../../sched/current.ts";
import type { Task } from "../../sched/task.ts";
import type { AddressSpaceOperations } from "../fs-types.ts";
import type { Inode } from "../inode.ts";
import type { WritebackControl } from "../writeback-control.ts";
import {
  type FuseConn,
  type FuseReq,
  fuseDevWrite,
  fuseGetReq,
  fuseSimpleBackground,
  waitOnPageWriteback,
} from "./dev.ts";

/** FUSE_DEFAULT_MAX_PAGES_PER_REQ. */
const MAX_PAGES = 32;

/** What one call of fuse_writepages() keeps on its stack (`struct fuse_fill_wb_data`). */
export class FuseFillWbData extends Entity {
  /** The request that is being filled; nobody else knows of it. */
  declare req: FuseReq | undefined;
  /** Pages that were copied (`orig_pages`, up to 6.15): this task ends their writeback. */
  declare pages: List<Page>;
  declare task: Task | undefined;
  static {
    fields(FuseFillWbData, { req: ref, pages: list("pages"), task: ref }, "fill_wb_data");
  }
  enders(): readonly Task[] {
    return this.task === undefined ? [] : [this.task];
  }
}

function dataOfCurrent(): FuseFillWbData {
  const data = kernel().subsystem<readonly FuseFillWbData[]>("fuse writepages")[current().context];
  if (data === undefined) throw new Error(`${current()} has no fuse_fill_wb_data`);
  return data;
}

/** `fuse_writepages()`. */
export function* fuseWritepages(mapping: AddressSpace, wbc: WritebackControl): Resumable<number> {
  const data = dataOfCurrent();
  data.task = current();
  const error = yield* writeCachePages(mapping, wbc, fuseWritepagesFill, data);
  if (data.req !== undefined) yield* fuseWritepagesSend(data);
  data.task = undefined;
  return error;
}

function needsSend(req: FuseReq, page: Page): boolean {
  return req.count === MAX_PAGES || req.start + req.count !== page.index;
}

function* fuseWritepagesFill(page: Page, _wbc: WritebackControl, argument: Entity | undefined): Resumable<number> {
  const data = argument as FuseFillWbData;
  const inode = page.mapping?.host as Inode;
  if (data.req !== undefined && needsSend(data.req, page)) yield* fuseWritepagesSend(data);
  data.req ??= fuseGetReq(inode.sb.fsInfo as FuseConn, inode, page.index);
  data.req.count++;
  addPage(era().fuseTemporaryPages ? data : data.req, page);
  yield* folioStartWriteback(page);
  yield* folioUnlock(page);
  return 0;
}

/** The page's writeback, once it has begun, ends with the request, or by who has copied it. */
function addPage(carrier: FuseReq | FuseFillWbData, page: Page): void {
  carrier.pages.push(page);
  page.writebackBio = carrier;
}

function* fuseWritepagesSend(data: FuseFillWbData): Resumable {
  const req = data.req as FuseReq;
  data.req = undefined;
  yield* fuseSimpleBackground(req);
  for (const page of data.pages.snapshot()) yield* folioEndWriteback(page);
  data.pages.clear();
}

/** `fuse_writepage_end()`, in the server's write(2) of the reply. */
export function* fuseWritepageEnd(req: FuseReq): Resumable {
  yield* fuseWritepageFinish(req);
}
function* fuseWritepageFinish(req: FuseReq): Resumable {
  for (const page of req.pages.snapshot()) yield* folioEndWriteback(page);
}

/** The server's reply to a FUSE_WRITE. */
export function* fuseReplyWrite(req: FuseReq): Resumable {
  yield* fuseDevWrite(req, fuseWritepageEnd);
}

/** A page that is being written may not be changed: its copy, or from 6.16 the page. */
function* waitUntilWritten(inode: Inode, page: Page): Resumable {
  if (era().fuseTemporaryPages) yield waitOnPageWriteback(inode, page.index);
  else yield* folioWaitWriteback(page);
}

function* fuseWriteBegin(inode: Inode, index: number): Resumable<Page | undefined> {
  const page = yield* __filemapGetFolio(inode.mapping, index, FGP_WRITEBEGIN, inode.mapping.gfpMask);
  if (page !== undefined) yield* waitUntilWritten(inode, page);
  return page;
}

function* fuseWriteEnd(_inode: Inode, page: Page): Resumable {
  yield* folioMarkDirty(page);
  yield* folioUnlock(page);
  yield* folioPut(page);
}

function* fusePageMkwrite(inode: Inode, page: Page): Resumable<boolean> {
  yield* folioLock(page);
  if (page.mapping !== inode.mapping) {
    yield* folioUnlock(page);
    return false;
  }
  yield* waitUntilWritten(inode, page);
  yield* folioMarkDirty(page);
  return true;
}

/** `fuse_file_aops`. */
export const fuseAops: AddressSpaceOperations = Object.freeze({
  name: "fuse",
  writepages: fuseWritepages,
  writeBegin: fuseWriteBegin,
  writeEnd: fuseWriteEnd,
  pageMkwrite: fusePageMkwrite,
});
