/** ext4 and its journal (fs/ext4/ext4_jbd2.c): handles where there is one, nothing where there is none. */
import { bool, create, Entity, fields, type Resumable, ref } from "../../../resumable/index.ts";
import type { Kernel } from "../../sched/kernel.ts";
import type { Inode, SuperBlock } from "../inode.ts";
import { kjournald2 } from "../jbd2/commit.ts";
import { bootJournal, type Handle, type Journal } from "../jbd2/journal.ts";
import { jbd2_JournalStart, jbd2JournalInodeAddWrite, jbd2JournalStop } from "../jbd2/transaction.ts";

/** `struct ext4_sb_info`, as far as it is modelled. */
export class Ext4SbInfo extends Entity {
  declare journal: Journal;
  /** The feature LARGE_FILE: some file is larger than 2 GiB. */
  declare largeFile: boolean;
  static {
    fields(Ext4SbInfo, { journal: ref, largeFile: bool }, "ext4");
  }
}

/** A journal in data=ordered mode for a filesystem that has been made. Set-up only. */
export function bootExt4Journal(k: Kernel, sb: SuperBlock, largeFile: boolean): void {
  sb.fsInfo = create(Ext4SbInfo, { journal: bootJournal(k, sb.bdi.queue.device, kjournald2), largeFile });
}

/** Undefined without a journal. */
export function* __ext4JournalStartSb(sb: SuperBlock): Resumable<Handle | undefined> {
  const info = sb.fsInfo as Ext4SbInfo | undefined;
  return info === undefined ? undefined : yield* jbd2_JournalStart(info.journal);
}
export function* __ext4JournalStop(handle: Handle | undefined): Resumable {
  if (handle !== undefined) yield* jbd2JournalStop(handle);
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
