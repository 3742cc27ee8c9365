/** Times of inodes (fs/inode.c): a change makes the inode dirty, which a filesystem with a journal does under a handle. */
import type { Resumable } from "../../resumable/index.ts";
import { I_DIRTY_SYNC, type Inode } from "./inode.ts";
import { __markInodeDirty } from "./mark-inode-dirty.ts";

/** `touch_atime()`, where relatime does not spare it: the file was written since it was read last. */
export function* touchAtime(inode: Inode): Resumable {
  yield* genericUpdateTime(inode);
}
/** `file_update_time()`, of a file whose times are older than a tick. */
export function* fileUpdateTime(inode: Inode): Resumable {
  yield* genericUpdateTime(inode);
}
function* genericUpdateTime(inode: Inode): Resumable {
  yield* __markInodeDirty(inode, I_DIRTY_SYNC);
}
