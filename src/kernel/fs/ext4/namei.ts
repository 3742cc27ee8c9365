/**
 * Names in directories (fs/ext4/namei.c, fs/ext4/ialloc.c): what they lock, which handle they open and which blocks they need.
 *
 * The caller holds the directory's i_rwsem. The handle is opened by `__ext4_new_inode()` and stopped at the very end, so that
 * every block in between is charged under it; the inode bitmap is asked for before. Names themselves, and which inode is which,
 * are not modelled: an operation says which blocks of the device it needs.
 */
import type { Resumable } from "../../../resumable/index.ts";
import { bdevGetblk, brelse } from "../buffer.ts";
import type { Inode } from "../inode.ts";
import type { Handle } from "../jbd2/journal.ts";
import { __ext4JournalStartSb, __ext4JournalStop, bdevOf, ext4NoteChange } from "./ext4-jbd2.ts";
import { __ext4MarkInodeDirty, ext4Append } from "./inode-table.ts";

/** Which blocks of the device a new inode needs; absent ones are at hand. */
export interface NewInode {
  readonly bitmap?: number;
  /** The block of the inode table that it is in. */
  readonly table: number;
  /** A directory's first block. */
  readonly directory?: number;
}

/** Credits of a new inode (EXT4_DATA_TRANS_BLOCKS and some more), as far as blocks are told apart: bitmap, table, directory. */
const NEW_INODE_CREDITS = 3;

/** `ext4_read_inode_bitmap()`, of a group that has not been used before: made, not read. */
function* ext4ReadInodeBitmap(dir: Inode, block: number): Resumable {
  const page = yield* bdevGetblk(bdevOf(dir.sb), block);
  if (page !== undefined) page.uptodate = true;
  yield* brelse(page);
}

/** Whether the new inode could be written; the handle is open in any case. */
interface Made {
  readonly handle: Handle | undefined;
  readonly ok: boolean;
}
function* __ext4NewInode(dir: Inode, made: NewInode): Resumable<Made> {
  if (made.bitmap !== undefined) yield* ext4ReadInodeBitmap(dir, made.bitmap);
  const handle = yield* __ext4JournalStartSb(dir.sb, NEW_INODE_CREDITS);
  const ok = yield* __ext4MarkInodeDirty(handle, dir, made.table);
  return Object.freeze({ handle, ok });
}

/** `ext4_create()`; false: no memory. */
export function* ext4Create(dir: Inode, made: NewInode): Resumable<boolean> {
  const { handle, ok } = yield* __ext4NewInode(dir, made);
  ext4NoteChange(handle, dir);
  yield* __ext4JournalStop(handle);
  return ok;
}

/** `ext4_mkdir()`; false: no memory. */
export function* ext4Mkdir(dir: Inode, made: NewInode): Resumable<boolean> {
  const { handle, ok } = yield* __ext4NewInode(dir, made);
  const done = ok && (made.directory === undefined || (yield* ext4InitNewDir(handle, dir, made.directory)));
  ext4NoteChange(handle, dir);
  yield* __ext4JournalStop(handle);
  return done;
}
function* ext4InitNewDir(handle: Handle | undefined, dir: Inode, block: number): Resumable<boolean> {
  return yield* ext4Append(handle, dir, block);
}

/** `ext4_unlink()` of a name whose inode is in block `table`, and stays in use. */
export function* ext4Unlink(dir: Inode, table: number): Resumable<boolean> {
  return yield* __ext4Unlink(dir, table);
}
function* __ext4Unlink(dir: Inode, table: number): Resumable<boolean> {
  const handle = yield* __ext4JournalStartSb(dir.sb, NEW_INODE_CREDITS);
  const done = yield* __ext4MarkInodeDirty(handle, dir, table);
  ext4NoteChange(handle, dir);
  yield* __ext4JournalStop(handle);
  return done;
}
