import { describe, expect, test } from "vitest";
import { Interpreter } from "../interpret.ts";
import { parseRelease } from "../release.ts";

const table = new Interpreter(parseRelease("6.1.0"));
const waitOf = (stack: string) => {
  const w = table.interpret(stack.split(" ")).wait;
  return w && `${w.class}/${w.event} by ${w.providers.join()}`;
};
const READ = "device_io/complete by device";
const LOCK = "buffer_lock/unlock by device,holder";

describe("a read that waits for its own buffer waits for the device", () => {
  test.each([
    "schedule io_schedule bit_wait_io __wait_on_bit out_of_line_wait_on_bit ext4_read_bh ext4_bread __ext4_read_dirblock",
    "schedule io_schedule bit_wait_io __wait_on_bit out_of_line_wait_on_bit __wait_on_buffer ext4_read_bh read_extent_tree_block",
    "schedule io_schedule bit_wait_io __wait_on_bit out_of_line_wait_on_bit __bread_gfp ext4_sb_breadahead_unmovable",
    "schedule io_schedule sync_buffer __wait_on_bit out_of_line_wait_on_bit __wait_on_buffer __bread ext3_get_branch",
    "schedule io_schedule bit_wait_io __wait_on_bit out_of_line_wait_on_bit __ext4_get_inode_loc ext4_get_inode_loc",
    "schedule io_schedule bit_wait_io __wait_on_bit out_of_line_wait_on_bit ext4_sb_bread ext4_xattr_block_get",
    "schedule io_schedule bit_wait_io __wait_on_bit out_of_line_wait_on_bit jread do_one_pass jbd2_journal_recover",
    "ext4_read_bh ext4_bread",
    "schedule io_schedule bit_wait_io __wait_on_bit out_of_line_wait_on_bit __wait_on_buffer jbd2_journal_commit_transaction kjournald2",
  ])("%s", (stack) => expect(waitOf(stack)).toBe(READ));
});

describe("a buffer's lock, or I/O that may be another task's, is not the device's alone", () => {
  test.each([
    "schedule io_schedule bit_wait_io __wait_on_bit_lock out_of_line_wait_on_bit_lock __lock_buffer __bread_gfp ext4_sb_bread",
    "schedule io_schedule bit_wait_io __wait_on_bit_lock out_of_line_wait_on_bit_lock __ext4_get_inode_loc ext4_get_inode_loc",
    "schedule io_schedule bit_wait_io __wait_on_bit_lock out_of_line_wait_on_bit_lock ext4_read_bh_lock ext4_sb_bread",
    "schedule io_schedule bit_wait_io __wait_on_bit out_of_line_wait_on_bit __wait_on_buffer fsync_buffers_list",
    "schedule io_schedule bit_wait_io __wait_on_bit out_of_line_wait_on_bit jbd2_log_do_checkpoint __jbd2_log_wait_for_space",
  ])("%s", (stack) => expect(waitOf(stack)).toBe(LOCK));
});

describe("who ends a wait for I/O that is perhaps not submitted, or is none", () => {
  const TOP = "schedule io_schedule";
  test.each([
    [`schedule xlog_wait_on_iclog xfs_log_force_seq`, "xfs_iclog/iclog_done by holder,device"],
    [`schedule xlog_state_get_iclog_space xlog_write`, "xfs_iclog/iclog_free by holder,device"],
    [`${TOP} xfs_buf_wait_unpin __xfs_buf_submit`, "xfs_pin/unpin by holder"],
    [`${TOP} wait_and_add_new_range dm_integrity_map_continue`, "dm_target/range_freed by holder"],
    [
      `${TOP} bit_wait_io __wait_on_bit out_of_line_wait_on_bit lock_extent_buffer_for_io btree_write_cache_pages`,
      "eb_writeback/end_writeback by holder,device",
    ],
    [
      "schedule schedule_timeout __wait_for_common wait_for_completion crypto_wait_req",
      "completion/complete by worker",
    ],
  ])("%s", (stack, expected) => expect(waitOf(stack)).toBe(expected));
});
