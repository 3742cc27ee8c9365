/**
 * sync(2) and fsync(2) (fs/sync.c, fs/fs-writeback.c).
 *
 * sync wakes the flushers, then lets each superblock's domains write all inodes as an integrity work and waits first for
 * the works, then for the writeback of every page; fsync writes in its own context, and with a journal waits for the commit of
 * what changed the inode. sync commits no journal here.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import { downRead, upRead } from "../locking/rwsem.ts";
import { filemapFdatawaitRange } from "../mm/filemap.ts";
import { doWritepages, LAST_INDEX } from "../mm/page-writeback.ts";
import { current, kernel } from "../sched/current.ts";
import { waitOp } from "../sched/wait.ts";
import type { BackingDevInfo, BdiWriteback, WbWork } from "./backing-dev.ts";
import { ext4FsyncJournal } from "./ext4/ext4-jbd2.ts";
import {
  ALL_PAGES,
  wakeupFlusherThreads,
  wbcAttachInode,
  wbcDetachInode,
  wbHasDirtyIo,
  wbQueueWork,
} from "./fs-writeback.ts";
import type { Inode, SuperBlock } from "./inode.ts";
import { clearWbc, wbcOf } from "./writeback-control.ts";

const workDone = waitOp<WbWork, BdiWriteback>("wb_wait_for_completion", {
  ways: (work) => (work.done ? 1 : 0),
  apply(work) {
    work.done = false;
  },
  wait: (_work, wb) => ({
    resource: { class: "writeback_work", id: wb.bdi.queue.device },
    verb: "complete",
    providers: [...wb.queue.workers],
    state: "D",
    top: "schedule",
  }),
  describe: (_work, wb) => `wait for a work of ${wb}`,
});

function slotOf(wb: BdiWriteback): WbWork {
  const work = wb.workSlots.at(current().context);
  if (work === undefined) throw new Error(`${current()} has no slot for a writeback work`);
  return work;
}

function* wbWaitForCompletion(bdi: BackingDevInfo): Resumable {
  for (const wb of bdi.wbs.snapshot()) {
    const work = slotOf(wb);
    if (work.queued || work.done) yield workDone(work, wb);
  }
}

const anyDirty = op<BackingDevInfo>("test dirty io", {
  apply: (bdi) => [...bdi.wbs].some(wbHasDirtyIo),
});

/** `writeback_inodes_sb()`: starts writing all that is dirty on a superblock and waits for the works, not for the pages. */
export function* writebackInodesSb(sb: SuperBlock): Resumable {
  if (!(yield anyDirty(sb.bdi))) return;
  for (const wb of sb.bdi.wbs.snapshot()) {
    const work = Object.assign(slotOf(wb), { sb, taggedWritepages: true, nrPages: ALL_PAGES });
    yield* wbQueueWork(wb, work);
  }
  yield* wbWaitForCompletion(sb.bdi);
}

/** `sync_inodes_sb()`. */
export function* syncInodesSb(sb: SuperBlock): Resumable {
  for (const wb of sb.bdi.wbs.snapshot()) {
    const work = Object.assign(slotOf(wb), { sb, syncAll: true, forSync: true, nrPages: ALL_PAGES });
    yield* wbQueueWork(wb, work);
  }
  yield* wbWaitForCompletion(sb.bdi);
  yield* waitSbInodes(sb);
}

function* waitSbInodes(sb: SuperBlock): Resumable {
  for (const inode of sb.inodes.snapshot()) yield* filemapFdatawaitRange(inode.mapping, 0, LAST_INDEX);
}

function* syncInodesOneSb(sb: SuperBlock): Resumable {
  yield* syncInodesSb(sb);
}

/** Superblocks in the order they were mounted. */
function* iterateSupers(): Resumable {
  for (const sb of kernel().subsystem<readonly SuperBlock[]>("super blocks")) {
    if (sb.mayUnmount) yield* downRead(sb.sUmount);
    yield* syncInodesOneSb(sb);
    if (sb.mayUnmount) yield* upRead(sb.sUmount);
  }
}

/** `sync(2)`, as a task of user space enters it. */
export function* __x64SysSync(): Resumable {
  yield* ksysSync();
}
/** `ksys_sync()`. */
export function* ksysSync(): Resumable {
  yield* wakeupFlusherThreads();
  yield* iterateSupers();
}

/** `__filemap_fdatawrite_range(WB_SYNC_ALL)`: the caller itself writes the dirty pages of a range. */
export function* __filemapFdatawriteRange(inode: Inode, start: number, end: number): Resumable {
  const wbc = Object.assign(wbcOf(current()), {
    syncAll: true,
    nrToWrite: ALL_PAGES,
    rangeStart: start,
    rangeEnd: end,
  });
  wbcAttachInode(wbc, inode);
  yield* doWritepages(inode.mapping, wbc);
  yield* wbcDetachInode(wbc, inode);
  clearWbc(wbc);
}

/** `file_write_and_wait_range()`. */
export function* fileWriteAndWaitRange(inode: Inode, start = 0, end: number = LAST_INDEX): Resumable {
  yield* __filemapFdatawriteRange(inode, start, end);
  yield* filemapFdatawaitRange(inode.mapping, start, end);
}

/** `fsync(2)`, as a task of user space enters it. */
export function* __x64SysFsync(inode: Inode): Resumable {
  yield* doFsync(inode);
}
function* doFsync(inode: Inode): Resumable {
  yield* vfsFsyncRange(inode);
}
/** `vfs_fsync_range()`, as far as data go. */
export function* vfsFsyncRange(inode: Inode, start = 0, end: number = LAST_INDEX): Resumable {
  if (inode.sb.fsType === "xfs") yield* xfsFileFsync(inode, start, end);
  else yield* ext4SyncFile(inode, start, end);
}
function* ext4SyncFile(inode: Inode, start: number, end: number): Resumable {
  yield* fileWriteAndWaitRange(inode, start, end);
  yield* ext4FsyncJournal(inode);
}
function* xfsFileFsync(inode: Inode, start: number, end: number): Resumable {
  yield* fileWriteAndWaitRange(inode, start, end);
}
