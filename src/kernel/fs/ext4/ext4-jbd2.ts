/** ext4 and its journal (fs/ext4/ext4_jbd2.c): handles where there is one, nothing where there is none. */
import { bool, create, Entity, fields, op, type Resumable, ref } from "../../../resumable/index.ts";
import { memallocAccountForceRestore, memallocAccountForceSave } from "../../mm/account-force.ts";
import { era } from "../../sched/current.ts";
import type { Kernel } from "../../sched/kernel.ts";
import type { Inode, SuperBlock } from "../inode.ts";
import { kjournald2 } from "../jbd2/commit.ts";
import {
  bootJournal,
  type Handle,
  type Journal,
  type JournalOptions,
  jbd2CompleteTransaction,
  uncommittedOf,
} from "../jbd2/journal.ts";
import { jbd2_JournalStart, jbd2JournalInodeAddWrite, jbd2JournalStop } from "../jbd2/transaction.ts";

/** `struct ext4_sb_info`, as far as it is modelled. */
export class Ext4SbInfo extends Entity {
  declare journal: Journal;
  /** The feature LARGE_FILE: some file is larger than 2 GiB. */
  declare largeFile: boolean;
  /** The block device's own inode: its page cache has the metadata. Only where something uses it. */
  declare bdev: Inode | undefined;
  static {
    fields(Ext4SbInfo, { journal: ref, largeFile: bool, bdev: ref }, "ext4");
  }
}

/** A journal in data=ordered mode for a filesystem that has been made. Set-up only. */
export function bootExt4Journal(k: Kernel, sb: SuperBlock, largeFile: boolean, options: JournalOptions = {}): void {
  sb.fsInfo = create(Ext4SbInfo, { journal: bootJournal(k, sb.bdi.queue.device, kjournald2, options), largeFile });
}

/** The block device's inode. */
export function bdevOf(sb: SuperBlock): Inode {
  const { bdev } = sb.fsInfo as Ext4SbInfo;
  if (bdev === undefined) throw new Error(`the block device of ${sb} was booted without its page cache`);
  return bdev;
}

/** Undefined without a journal. Credits are blocks that the handle may change. */
export function* __ext4JournalStartSb(sb: SuperBlock, credits = 1): Resumable<Handle | undefined> {
  const info = sb.fsInfo as Ext4SbInfo | undefined;
  if (info === undefined) return undefined;
  const handle = yield* jbd2_JournalStart(info.journal, credits);
  if (era().accountForceExt4) {
    const saved = memallocAccountForceSave();
    if (handle.refs === 1) handle.accountForce = saved;
  }
  return handle;
}
export function* __ext4JournalStop(handle: Handle | undefined): Resumable {
  if (handle === undefined) return;
  // an inner scope has found the flag set
  const saved = handle.refs > 1 ? 0 : handle.accountForce;
  yield* jbd2JournalStop(handle);
  if (era().accountForceExt4) memallocAccountForceRestore(saved);
}

/** 2 GiB in pages: files up to here need no LARGE_FILE. */
const SMALL_FILE_PAGES = 1 << 19;

/**
 * `ext4_mark_inode_dirty()` of an inode whose blocks reach up to page `end`: the first on a filesystem that is larger than 2 GiB
 * sets LARGE_FILE in the superblock, with a synchronous handle (ext4_do_update_inode).
 */
export function ext4MarkInodeDirty(handle: Handle | undefined, inode: Inode, end: number): void {
  const info = inode.sb.fsInfo as Ext4SbInfo | undefined;
  if (handle === undefined || info === undefined || info.largeFile || end <= SMALL_FILE_PAGES) return;
  info.largeFile = true;
  handle.sync = true;
}

/** New blocks in data=ordered mode: their data are written before the transaction that makes them known. */
export function ext4OrderData(handle: Handle | undefined, inode: Inode): void {
  if (handle !== undefined) jbd2JournalInodeAddWrite(handle, inode);
}

/** The handle changes the inode: fsync waits for its transaction from now on (`i_sync_tid`). Part of the caller's step. */
export function ext4NoteChange(handle: Handle | undefined, inode: Inode): void {
  const changed = handle?.transaction?.changed;
  if (changed?.includes(inode) === false) changed.push(inode);
}

/** `ext4_fsync_journal()`: the commit of what changed the inode last. */
export function* ext4FsyncJournal(inode: Inode): Resumable {
  const info = inode.sb.fsInfo as Ext4SbInfo | undefined;
  if (info === undefined) return;
  const tid: number = yield lookForCommit(info.journal, inode);
  if (tid > 0) yield* jbd2CompleteTransaction(info.journal, tid);
}
const lookForCommit = op<Journal, Inode>("test i_sync_tid", {
  apply: (journal, inode) => uncommittedOf(journal, inode)?.tid ?? 0,
  describe: (_journal, inode) => `look which transaction has ${inode}`,
});
