/**
 * Buffered write(2) (mm/filemap.c:generic_perform_write, fs/read_write.c): page by page under i_rwsem. The page is locked from
 * write_begin to write_end only; the dirtier is slowed down between pages, with i_rwsem held.
 *
 * The copy from user memory neither faults nor sleeps here: pages of the source are there.
 */
import type { Resumable } from "../../resumable/index.ts";
import type { Inode } from "../fs/inode.ts";
import { downWrite, upWrite } from "../locking/rwsem.ts";
import { fatalSignalPending } from "../sched/signal.ts";
import { balanceDirtyPagesRatelimited } from "./dirty-throttle.ts";
import { resumeUserModeWork } from "./memcontrol.ts";

/** write(2) of whole pages; returns how many were written, fewer when memory ran out or a fatal signal came. */
export function* vfsWrite(inode: Inode, start: number, count: number): Resumable<number> {
  const written = yield* __genericFileWriteIter(inode, start, count);
  // on the way back to user mode
  yield* resumeUserModeWork();
  return written;
}

function* __genericFileWriteIter(inode: Inode, start: number, count: number): Resumable<number> {
  yield* downWrite(inode.rwsem);
  const written = yield* genericPerformWrite(inode, start, count);
  yield* upWrite(inode.rwsem);
  return written;
}

/** The pages of one write; the caller holds i_rwsem. */
export function* genericPerformWrite(inode: Inode, start: number, count: number): Resumable<number> {
  const { writeBegin, writeEnd } = inode.mapping.aOps;
  for (let i = 0; i < count; i++) {
    if (fatalSignalPending()) return i;
    const page = yield* writeBegin(inode, start + i);
    if (page === undefined) return i;
    page.uptodate = true;
    if (inode.size < start + i + 1) inode.size = start + i + 1;
    yield* writeEnd(inode, page);
    yield* balanceDirtyPagesRatelimited(inode.mapping);
  }
  return count;
}
