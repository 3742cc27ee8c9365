/**
 * Reports from the history of the file systems: what the table says of each must join up to the members that its fix
 * names, and the same locks in a healthy order must stay silent. Samples are short: stacks as in the changelog named in
 * their first line, or composed from the call chains it tells.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { diagnose } from "../index.ts";

const folder = new URL("./samples/fs/", import.meta.url);
const sample = (name: string): string => readFileSync(new URL(`${name}.log`, folder), "utf8");

/** Sample, and the circle: `pid > class[:id]` in the order of the waiters' pids. */
const circles: readonly (readonly [string, ...string[]])[] = [
  [
    "btrfs-clone-inline-low-space",
    "177 > extent_lock",
    "34411 > space_reservation",
    "184 > work_flush:btrfs-flush_delalloc",
  ],
  ["btrfs-clone-inline-qgroup", "199 > extent_lock", "35012 > work_flush:btrfs-flush_delalloc"],
  ["btrfs-defrag-reserve", "40011 > space_reservation", "2100 > btrfs_ordered", "2077 > extent_lock"],
  ["btrfs-dio-fault-own-range", "1211 > extent_lock:direct I/O range"],
  ["btrfs-fiemap-against-commit", "32021 > extent_lock", "26170 > btrfs_transaction", "26161 > btrfs_ordered"],
  ["btrfs-fiemap-fault", "7711 > extent_lock:fiemap range"],
  ["btrfs-quota-disable-rescan", "2155 > btrfs_handle", "2411 > btrfs_qgroup_rescan"],
  ["btrfs-quota-enable-snapshot", "5511 > btrfs_transaction", "5520 > mutex:qgroup_ioctl_lock"],
  ["btrfs-replace-defrag-page-extent", "1099 > PG_locked", "3060 > extent_lock"],
  [
    "btrfs-replace-nocow-scrub",
    "2011 > btrfs_scrub:active",
    "2060 > device_io:scrub",
    "1077 > i_rwsem",
    "2044 > btrfs_transaction",
  ],
  ["btrfs-scrub-cancel-in-abort", "346822 > btrfs_scrub:running", "346772 > btrfs_transaction"],
  ["btrfs-tree-root-free-space-inode", "6111 > extent_buffer_lock:tree root"],
  ["ext4-ea-inode-in-lru-isolate", "3121 > inode_new:I_FREEING"],
  ["ext4-evict-in-reclaim-under-handle", "7011 > jbd2_commit", "392 > jbd2_handle"],
  ["ext4-expand-inode-in-setxattr", "2188 > rwsem:xattr_sem"],
  ["ext4-extra-isize-xattr-sem", "1188 > rwsem:xattr_sem"],
  ["ext4-invalidatepage-waits-commit", "4101 > jbd2_commit", "388 > jbd2_handle", "4120 > PG_locked"],
  ["ext4-ioend-wait-in-evict", "3001 > ext4_io_end", "44 > i_rwsem"],
  ["ext4-move-extents-against-fault", "2201 > jbd2_transaction", "911 > jbd2_handle", "2207 > rwsem:i_data_sem"],
  ["ext4-new-inode-against-evict", "2101 > inode_new:I_FREEING", "2107 > jbd2_transaction", "311 > jbd2_handle"],
  ["ext4-sync-handle-in-writepages", "211 > jbd2_commit", "342 > PG_locked"],
  ["f2fs-double-cp-rwsem", "3100 > rwsem:cp_rwsem", "3105 > rwsem:cp_rwsem"],
  ["f2fs-enable-checkpoint", "5101 > rwsem:cp_enable_rwsem", "5130 > writeback_work", "910 > PG_locked"],
  ["f2fs-evict-own-writeback", "811 > inode_sync:I_SYNC"],
  ["f2fs-gc-evict-writeback", "811 > rwsem:gc_lock", "2001 > inode_new:I_FREEING", "2044 > inode_sync:I_SYNC"],
  ["gfs2-cancel-delete-work", "8101 > work_flush:gfs2 delete work", "312 > inode_new:I_NEW"],
  ["jbd2-checkpoint-mutex-old", "4878 > jbd2_commit", "402 > mutex:j_checkpoint_mutex"],
  ["jbd2-checkpoint-waits-commit", "9011 > jbd2_commit", "611 > mutex:j_checkpoint_mutex"],
  ["nilfs2-isync-against-segctor", "1811 > inode_sync:I_SYNC", "77 > nilfs_segctor"],
  ["ocfs2-setattr-dio-end-io", "14827 > dio_count", "22011 > i_rwsem"],
  ["pipe-lock-against-iolock", "3301 > i_rwsem", "3303 > mutex:pipe_mutex"],
  ["ubifs-xattr-inode-reclaim", "61 > inode_new:I_FREEING", "5002 > mutex"],
  ["udf-adinicb-page-against-data-sem", "2911 > PG_locked", "1700 > rwsem:i_data_sem"],
  ["xfs-agf-against-inode-cluster", "9100 > xfs_buf:inode cluster", "9104 > xfs_buf:AGF"],
  ["xfs-inodegc-flushes-itself", "88 > work_flush:xfs-inodegc"],
  ["xfs-rename-target-agi-agf", "4511 > xfs_buf:AGI", "4513 > xfs_buf:AGF"],
  ["xfs-rename-whiteout-agi-agf", "7821 > xfs_buf:AGI", "7830 > xfs_buf:AGF"],
  ["xfs-repair-agi-dir-ilock", "20558 > xfs_ilock", "20559 > xfs_buf:AGI"],
  ["btrfs-umount-reclaim-delayed-iputs", "49438 > work_flush:btrfs space reclaim", "4100 > btrfs_delayed_iputs"],
];

/** Hangs that a log like this does not prove to be circles, and healthy holders of the same locks. */
const silent: readonly string[] = [
  "btrfs-evict-flushes-own-reservation",
  "calm-agi-then-agf",
  "calm-agi-waiters",
  "calm-btrfs-clone-other-range",
  "calm-btrfs-delalloc-flush-writes",
  "calm-btrfs-relocation-behind-commit",
  "calm-checkpoint-waits-device",
  "calm-commit-waits-device",
  "calm-f2fs-checkpoint-writes",
  "calm-f2fs-gc-waiters",
  "calm-freeing-inode-truncates",
  "calm-frozen-by-admin",
  "calm-gfs2-remote-holder",
  "calm-inodegc-reads",
  "calm-iolock-behind-log",
  "calm-mbcache-entry",
  "calm-nilfs-segctor-writes",
  "calm-quota-rescan-reads",
  "calm-quotacheck-flush-lock",
  "calm-setattr-dio-completion",
  "calm-splice-pipe-waits-device",
  "calm-xattr-readers",
  "gfs2-readpage-glock",
  "ocfs2-downconvert-drops-inode",
];

/** A freeze or thaw is one of the members: what each waits for must be known, whoever is taken to end it. */
const frozen: readonly (readonly [string, ...string[]])[] = [
  ["btrfs-freeze-free-space-inode", "1601 > sb_writers", "901 > sb_freeze", "1622 > btrfs_ordered"],
  ["btrfs-sync-on-frozen", "1501 > sb_freeze", "1510 > s_umount"],
  ["ext3-frozen-flusher", "611 > sb_freeze", "1501 > writeback_work", "1510 > s_umount"],
  ["ext4-freeze-ea-inode", "2311 > sb_freeze", "2320 > jbd2_handle"],
  ["flusher-holds-s-umount-frozen", "588 > sb_freeze", "8800 > s_umount"],
  ["kswapd-inactivates-frozen", "66 > sb_freeze", "4510 > s_umount"],
];

describe("reports of the file systems' history", () => {
  it.each(circles)("%s", async (name, ...edges) => {
    const d = await diagnose(sample(name));
    expect(d.verdict).toBe("deadlock");
    expect(d.confidence).not.toBe("possible");
    const got = d.core.map(
      (e) => `${e.waiter.pid} > ${e.waitsFor.class}${e.waitsFor.id === undefined ? "" : `:${e.waitsFor.id}`}`,
    );
    expect(got.sort()).toEqual([...edges].sort());
    const members = new Set(d.core.map((e) => e.waiter.pid));
    for (const e of d.core) expect(e.heldBy.some((h) => members.has(h.pid))).toBe(true);
  });

  it.each(silent)("%s is not called a deadlock", async (name) => {
    const d = await diagnose(sample(name));
    expect(["deadlock", "livelock"]).not.toContain(d.verdict);
    expect(d.contexts).toBeGreaterThan(0);
  });

  it.each(frozen)("%s", async (name, ...waits) => {
    const d = await diagnose(sample(name));
    expect(d.verdict).not.toBe("livelock");
    const got = d.details.flatMap((c) => (c.wait ? [`${c.pid} > ${c.wait.resource.class}`] : []));
    for (const w of waits) expect(got).toContain(w);
    const freezer = d.details.find((c) => c.holds.some((h) => h.resource.class === "sb_freeze"));
    expect(freezer).toBeDefined();
  });

  it("every sample is used and says where it comes from", () => {
    const files = readdirSync(folder).map((f) => f.replace(/\.log$/, ""));
    const used = [...circles.map((c) => c[0]), ...silent, ...frozen.map((f) => f[0])];
    expect([...used].sort()).toEqual([...files].sort());
    for (const f of files) expect(sample(f)).toMatch(/^SOURCE: .+\n\n/);
  });
});
