/**
 * Blocks of metadata under a handle (fs/ext4/inode.c): the inode table, and new blocks of directories.
 *
 * A block that is not in the cache is asked for with the handle open, and so is its memory. Here no block has to be read: it holds
 * no other inode, or is new (`__ext4_get_inode_loc()` then neither reads nor reads ahead).
 */
import type { Resumable } from "../../../resumable/index.ts";
import type { Page } from "../../mm/page.ts";
import { bdevGetblk, brelse } from "../buffer.ts";
import { I_DIRTY_SYNC, type Inode } from "../inode.ts";
import type { Handle } from "../jbd2/journal.ts";
import { jbd2JournalDirtyMetadata } from "../jbd2/transaction.ts";
import { __markInodeDirty } from "../mark-inode-dirty.ts";
import { bdevOf } from "./ext4-jbd2.ts";

function* __ext4GetInodeLoc(inode: Inode, block: number): Resumable<Page | undefined> {
  return yield* bdevGetblk(bdevOf(inode.sb), block);
}
function* ext4GetInodeLoc(inode: Inode, block: number): Resumable<Page | undefined> {
  return yield* __ext4GetInodeLoc(inode, block);
}

function* ext4ReserveInodeWrite(inode: Inode, block: number): Resumable<Page | undefined> {
  return yield* ext4GetInodeLoc(inode, block);
}

/** `ext4_handle_dirty_metadata()`: the block is filled, and the handle's transaction has it. Part of the caller's step. */
export function ext4HandleDirtyMetadata(handle: Handle | undefined, page: Page): void {
  page.uptodate = true;
  if (handle !== undefined) jbd2JournalDirtyMetadata(handle, page);
}

/** `__ext4_mark_inode_dirty()`: into block `block` of the inode table. False: no memory for it. */
export function* __ext4MarkInodeDirty(handle: Handle | undefined, inode: Inode, block: number): Resumable<boolean> {
  const page = yield* ext4ReserveInodeWrite(inode, block);
  if (page === undefined) return false;
  ext4HandleDirtyMetadata(handle, page);
  yield* brelse(page);
  return true;
}

/** `ext4_append()`: a new block of a directory. */
export function* ext4Append(handle: Handle | undefined, dir: Inode, block: number): Resumable<boolean> {
  return yield* ext4Bread(handle, dir, block);
}
function* ext4Bread(handle: Handle | undefined, dir: Inode, block: number): Resumable<boolean> {
  return yield* ext4Getblk(handle, dir, block);
}

/** The block is allocated first, which dirties the inode under a handle inside the handle; then its page is asked for. */
function* ext4Getblk(handle: Handle | undefined, dir: Inode, block: number): Resumable<boolean> {
  yield* ext4MapBlocks(dir);
  const page = yield* bdevGetblk(bdevOf(dir.sb), block);
  if (page === undefined) return false;
  ext4HandleDirtyMetadata(handle, page);
  yield* brelse(page);
  return true;
}
function* ext4MapBlocks(inode: Inode): Resumable {
  yield* ext4ExtMapBlocks(inode);
}
function* ext4ExtMapBlocks(inode: Inode): Resumable {
  yield* ext4MbNewBlocks(inode);
}
/** Whether or not there is quota, `dquot_alloc_space()` marks the inode dirty. */
function* ext4MbNewBlocks(inode: Inode): Resumable {
  yield* __markInodeDirty(inode, I_DIRTY_SYNC);
}
