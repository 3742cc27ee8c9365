/** `file_operations` of ext4 (fs/ext4/file.c), as far as system calls of mm need them. */
import type { Resumable } from "../../../resumable/index.ts";
import type { Inode } from "../inode.ts";
import { touchAtime } from "../inode-times.ts";

/** `ext4_file_mmap()`: `file_accessed()`, with mmap_lock held for writing. */
export function* ext4FileMmap(file: Inode): Resumable {
  yield* touchAtime(file);
}
