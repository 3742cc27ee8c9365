/**
 * Freeing the blocks of a file (fs/ext4/inode.c:ext4_truncate, fs/ext4/extents.c:ext4_ext_remove_space, fs/ext4/mballoc.c), under one
 * handle as long as its credits can be extended. Every extent lies in another block group here, whose block bitmap is not in
 * the cache; reading it from the device is no step. Pages of the file are mm/truncate.ts's.
 */
import type { Resumable } from "../../../resumable/index.ts";
import { bdevGetblk, brelse } from "../buffer.ts";
import type { Inode } from "../inode.ts";
import type { Handle } from "../jbd2/journal.ts";
import { __ext4JournalStartSb, __ext4JournalStop, bdevOf, ext4NoteChange } from "./ext4-jbd2.ts";
import { ext4HandleDirtyMetadata } from "./inode-table.ts";

/** `ext4_truncate()` to nothing, of so many extents; their bitmaps are the blocks from `first` on. The caller holds i_rwsem. */
export function* ext4Truncate(inode: Inode, first: number, extents: number): Resumable {
  const handle = yield* __ext4JournalStartSb(inode.sb, extents);
  yield* ext4ExtRemoveSpace(handle, inode, first, extents);
  ext4NoteChange(handle, inode);
  yield* __ext4JournalStop(handle);
}
function* ext4ExtRemoveSpace(handle: Handle | undefined, inode: Inode, first: number, extents: number): Resumable {
  for (let i = 0; i < extents; i++) yield* ext4FreeBlocks(handle, inode, first + i);
}
function* ext4FreeBlocks(handle: Handle | undefined, inode: Inode, block: number): Resumable {
  const bitmap = yield* bdevGetblk(bdevOf(inode.sb), block);
  if (bitmap !== undefined) ext4HandleDirtyMetadata(handle, bitmap);
  yield* brelse(bitmap);
}
