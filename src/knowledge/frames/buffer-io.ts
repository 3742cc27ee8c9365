/**
 * Waits for a buffer that the same function has just given to the device. BH_Lock is then held by that I/O and by nobody
 * else, and its end lets the wait go: a task that has some other buffer locked has no part in it.
 */
import type { KnowledgeRow } from "../types.ts";

/** `wait_on_buffer()`; `lock_buffer()` ends in the `_lock` forms and may wait for a task. */
const bufferWaits: readonly string[] = [
  "__wait_on_buffer",
  "wait_on_buffer",
  "__wait_on_bit",
  "out_of_line_wait_on_bit",
];

const ownIo = {
  kind: "wait",
  class: "device_io",
  event: "complete",
  scope: "device",
  sleep: "uninterruptible",
  providers: ["device"],
} as const;

/** Functions that never lock a buffer themselves: with nothing above them they wait for the I/O. */
const onlyIo: readonly string[] = [
  "ext4_read_bh",
  "ext4_wait_block_bitmap",
  "__bh_read",
  "jbd2_fc_wait_bufs",
  "journal_wait_on_commit_record",
];

/** Rows for waits of buffer heads under the waiter's own I/O. */
export const bufferIoRows: readonly KnowledgeRow[] = [
  {
    ...ownIo,
    fn: onlyIo,
    direct: true,
    source: "fs/ext4/super.c:ext4_read_bh, fs/buffer.c:__bh_read (called with the buffer locked, submit it and wait)",
  },
  {
    ...ownIo,
    fn: [
      "ext4_read_bh",
      "ext4_read_bh_lock",
      "ext4_bread",
      "ext4_bread_batch",
      "__ext4_get_inode_loc",
      "ext4_get_inode_loc",
      "ext4_wait_block_bitmap",
      "ext4_read_block_bitmap",
      "ext4_read_inode_bitmap",
      "ext4_mb_init_cache",
      "__ext4_find_entry",
      "ext4_find_entry",
      "read_extent_tree_block",
      "__read_extent_tree_block",
      "ext4_sb_bread",
      "ext4_sb_bread_unmovable",
      "__ext4_sb_bread_gfp",
      "__ext4_block_zero_page_range",
      "ext4_block_zero_page_range",
      "ext4_block_write_begin",
      "ext4_xattr_inode_read",
      "ext4_get_branch",
      "read_mmp_block",
      "ext3_bread",
      "ext3_get_inode_loc",
      "__ext3_get_inode_loc",
      "ext3_find_entry",
      "ext3_get_branch",
      "ext3_block_truncate_page",
      "read_inode_bitmap",
      "read_block_bitmap",
    ],
    callees: bufferWaits,
    source: "fs/ext4/super.c:ext4_read_bh, fs/ext4/inode.c:__ext4_get_inode_loc, fs/ext4/namei.c:__ext4_find_entry",
  },
  {
    ...ownIo,
    fn: [
      "__bread",
      "__bread_gfp",
      "__bread_slow",
      "bread",
      "bh_submit_read",
      "bh_read",
      "__bh_read",
      "__bh_read_batch",
      "__block_write_begin_int",
      "__block_write_begin",
      "__block_prepare_write",
      "block_write_begin",
      "block_truncate_page",
      "nobh_write_begin",
      "isofs_bread",
      "udf_tread",
    ],
    callees: bufferWaits,
    source: "fs/buffer.c:__bread_slow, bh_submit_read, __block_write_begin_int (submit the reads, then wait_on_buffer)",
  },
  {
    ...ownIo,
    fn: ["jread", "journal_get_superblock", "jbd2_journal_load", "do_one_pass", "jbd2_journal_recover"],
    callees: bufferWaits,
    source: "fs/jbd2/recovery.c:jread, fs/jbd2/journal.c:journal_get_superblock (reads of the log)",
  },
  {
    ...ownIo,
    fn: [
      "jbd2_journal_commit_transaction",
      "journal_wait_on_commit_record",
      "jbd2_fc_wait_bufs",
      "jbd2_write_superblock",
      "jbd2_journal_update_sb_errno",
      "ext4_commit_super",
      "write_mmp_block",
      "__sync_dirty_buffer",
      "sync_dirty_buffer",
    ],
    callees: bufferWaits,
    source:
      "fs/jbd2/commit.c, fs/jbd2/journal.c:jbd2_write_superblock, fs/buffer.c:__sync_dirty_buffer (writes of one's own; a checkpoint's may be another task's)",
  },
];
