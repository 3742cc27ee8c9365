/**
 * Pages on their way to the device (fs/ext4/page-io.c).
 *
 * ext4_bio_write_folio sets PG_writeback, adds the page to `io_submit.io_bio` and unlocks it. The bio stays with the sweep
 * until a page does not follow on disk, the bio is full, or ext4_writepages ends: until then nobody but that task can end
 * the writeback of its pages.
 *
 * Blocks of a file lie on disk as their indices do, without gaps.
 */
import type { Entity, Resumable } from "../../../resumable/index.ts";
import type { Bio } from "../../block/bio.ts";
import { bioAlloc, bioPut, submitBio } from "../../block/blk-core.ts";
import { folioEndWriteback, folioUnlock } from "../../mm/filemap.ts";
import type { Page } from "../../mm/page.ts";
import { folioRedirtyForWritepage, folioStartWriteback } from "../../mm/page-writeback.ts";
import { wbcAccountCgroupOwner } from "../fs-writeback.ts";
import type { Inode } from "../inode.ts";
import { deferUnwritten, takeUnwritten, type UnwrittenEnds } from "../unwritten-ends.ts";
import type { WritebackControl } from "../writeback-control.ts";
import { type MpageDaData, mpdOfCurrent } from "./mpage-da-data.ts";

/** BIO_MAX_VECS. */
const MAX_PAGES = 256;

/** `ext4_io_submit()`. */
export function* ext4IoSubmit(mpd: MpageDaData): Resumable {
  const { bio } = mpd;
  if (bio === undefined) return;
  mpd.bio = undefined;
  yield* submitBio(bio);
}

/** `ext4_bio_write_folio()`: of a locked page whose dirty bit has been cleared; it comes back unlocked. */
export function* ext4BioWriteFolio(mpd: MpageDaData, wbc: WritebackControl, page: Page): Resumable {
  yield* folioStartWriteback(page);
  yield* ioSubmitAddBh(mpd, wbc, page);
  yield* folioUnlock(page);
}

/**
 * `ext4_writepage()`, as a commit writes ordered data: a locked page whose dirty bit has been cleared, in a bio of its own; it
 * comes back unlocked, and dirty again where its blocks are not allocated yet.
 */
export function* ext4Writepage(page: Page, wbc: WritebackControl): Resumable<number> {
  if (!page.mapped) {
    yield* folioRedirtyForWritepage(wbc, page);
    yield* folioUnlock(page);
    return 0;
  }
  const io = mpdOfCurrent();
  yield* ext4BioWriteFolio(io, wbc, page);
  yield* ext4IoSubmit(io);
  return 0;
}

function* ioSubmitAddBh(mpd: MpageDaData, wbc: WritebackControl, page: Page): Resumable {
  const last = mpd.bio?.pages.at(-1);
  if (mpd.bio !== undefined && (last?.index !== page.index - 1 || mpd.bio.pages.length >= MAX_PAGES)) {
    yield* ext4IoSubmit(mpd);
  }
  if (mpd.bio === undefined) mpd.bio = yield* ioSubmitInitBio(page.mapping?.host as Inode);
  addPage(mpd.bio as Bio, page);
  if (mpd.unwritten) (mpd.bio as Bio).unwritten = true;
  wbcAccountCgroupOwner(wbc, page);
}

/** The page's writeback ends with this bio from now on. */
function addPage(bio: Bio, page: Page): void {
  bio.pages.push(page);
  page.writebackBio = bio;
}

function* ioSubmitInitBio(inode: Inode): Resumable<Bio> {
  return yield* bioAlloc(inode.sb.bdi.queue, true, ext4EndBio);
}

/** `bi_end_io`, in whatever context the device completes: unwritten extents are converted by a worker first. */
function* ext4EndBio(bio: Bio): Resumable {
  if (bio.unwritten) {
    yield* deferUnwritten(bio);
    return;
  }
  yield* ext4FinishBio(bio);
  bioPut(bio);
}

function* ext4FinishBio(bio: Bio): Resumable {
  for (const page of bio.pages.snapshot()) yield* folioEndWriteback(page);
}

/** `ext4_end_io_rsv_work()`: converts (under a reserved handle, which is not modelled) and ends the writeback. */
export function* ext4EndIoRsvWork(argument: Entity | undefined): Resumable {
  for (;;) {
    const bio = yield* takeUnwritten(argument as UnwrittenEnds);
    if (bio === undefined) return;
    yield* ext4FinishBio(bio);
    bioPut(bio);
  }
}
