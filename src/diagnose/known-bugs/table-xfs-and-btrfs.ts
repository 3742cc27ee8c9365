/** Known bugs of XFS and btrfs. */
import type { KnownBug } from "./types.ts";

/** XFS and btrfs. */
export const xfsAndBtrfsBugs: readonly KnownBug[] = [
  {
    id: "xfs-writepages-memcg-reclaim",
    title: "XFS writeback allocates a transaction with a page locked; reclaim of the memory cgroup waits for writeback",
    affected:
      "old kernels whose page cache slab is charged to a cgroup v1 group; the posted patch set the NOFS scope earlier",
    today:
      "ends it: reboot with `reboot -ff` or `echo b > /proc/sysrq-trigger`; avoids it: a wider limit of the group, or boot with cgroup.memory=nokmem",
    verdicts: ["deadlock", "unknown", "lost-io"],
    edges: [
      {
        waitsFor: ["PG_writeback"],
        holds: ["PG_locked"],
        path: ["xfs_vm_writepages", "xfs_do_writepage", "iomap_writepages"],
        path2: ["try_to_free_mem_cgroup_pages", "mem_cgroup_reclaim", "try_charge", "try_charge_memcg"],
      },
    ],
    source: "[PATCH v2] iomap: avoid deadlock if memory reclaim is triggered in writepage path (2020-06)",
  },
  {
    id: "xfs-reclaim-inode-io",
    title: "Direct reclaim writes XFS inodes back and waits for their buffers",
    fix: 'commit 617825fe3489 ("xfs: remove IO submission from xfs_reclaim_inode()")',
    affected: "kernels before 5.9 with XFS under memory pressure",
    era: { before: "5.9" },
    today:
      "ends it: wait (until the device answers) or free memory; avoids it: raise vm.min_free_kbytes so that fewer tasks reclaim by themselves",
    verdicts: ["deadlock", "slow", "lost-io", "unknown"],
    edges: [
      {
        waitsFor: ["xfs_iflock", "xfs_buf", "device_io", "xfs_pin", "xfs_ilock"],
        path: ["xfs_reclaim_inode", "xfs_reclaim_inodes_ag"],
        path2: ["shrink_slab", "do_shrink_slab", "super_cache_scan"],
        where: "any",
      },
    ],
    source: "fs/xfs/xfs_icache.c:xfs_reclaim_inode before 5.9",
  },
  {
    id: "xfs-freeze-block-reaping",
    title: "xfs: acquire superblock freeze protection on eofblocks scans",
    fix: 'commit 4b674b9ac852 ("xfs: acquire superblock freeze protection on eofblocks scans") (v5.7)',
    affected: "before 5.7: a freeze waits for the background scan, and the scan for the freeze to end",
    era: { before: "5.7" },
    today:
      "ends it: reboot with `reboot -ff` or `echo b > /proc/sysrq-trigger`, thaw waits behind the freezer; avoids it: do not freeze (fsfreeze, LVM snapshots) until the fix is in",
    verdicts: ["deadlock", "unknown"],
    edges: [
      {
        waitsFor: ["work_flush"],
        holds: ["sb_freeze"],
        path: ["xfs_stop_block_reaping", "xfs_icache_disable_reclaim"],
        path2: ["freeze_super"],
      },
    ],
    source: "bug 207053 (2020-04); fs/xfs/xfs_icache.c:xfs_stop_block_reaping",
  },
  {
    id: "xfs-dquot-buffer-pin",
    title: "xfs: avoid dquot buffer pin deadlock",
    fix: 'commit d62016b1a2df ("xfs: avoid dquot buffer pin deadlock") (v6.16)',
    affected:
      "XFS with quotas at the moment of a shutdown, before 6.16; the 6.12 stable branch has the fix (6.12.117), 6.1 has not (6.1.192)",
    // A release candidate counts as its release, and the fix came with 6.16-rc5.
    era: { before: "6.17" },
    today:
      "ends it: reboot with `reboot -ff` or `echo b > /proc/sysrq-trigger`, the file system has shut down and cannot be unmounted any more; avoids it: a kernel with the fix",
    verdicts: ["deadlock", "unknown"],
    edges: [
      {
        waitsFor: ["xfs_buf"],
        path: ["xfs_buf_item_unpin"],
        path2: ["xlog_cil_committed", "xlog_cil_process_committed"],
      },
      { waitsFor: ["xfs_log_force", "xfs_pin"], path: ["xfs_qm_dqunpin_wait"], path2: ["xfs_qm_dqflush"] },
    ],
    source:
      "changelog of d62016b1a2df; fs/xfs/xfs_qm.c:xfs_qm_dquot_isolate (skips pinned dquots in 6.12.117, flushes them in 6.1.192)",
  },
  {
    id: "btrfs-qgroup-rescan-remove",
    title: "btrfs: qgroup: fix deadlock between rescan worker and remove qgroup",
    fix: 'commit d4aef1e122d8 ("btrfs: qgroup: fix deadlock between rescan worker and remove qgroup")',
    affected: "btrfs with quotas until 5.17; stable branches have the fix",
    era: { before: "5.18" },
    today:
      "ends it: reboot with `reboot -ff` or `echo b > /proc/sysrq-trigger`; avoids it: do not disable quotas or remove qgroups while a rescan runs (btrfs quota rescan -w first)",
    verdicts: ["deadlock", "unknown"],
    edges: [
      { waitsFor: ["btrfs_qgroup_rescan"], holds: ["mutex:qgroup_ioctl_lock"], path: ["btrfs_quota_disable"] },
      {
        waitsFor: ["btrfs_handle", "btrfs_transaction"],
        holds: ["btrfs_qgroup_rescan"],
        path: ["btrfs_qgroup_rescan_worker"],
      },
    ],
    source: "changelog of d4aef1e122d8; fs/btrfs/qgroup.c:btrfs_quota_disable",
  },
  {
    id: "btrfs-umount-space-reclaim",
    title: "btrfs: fix hang during unmount when stopping a space reclaim worker",
    fix: 'commit a362bb864b8d ("btrfs: fix hang during unmount when stopping a space reclaim worker")',
    affected: "before 6.0 and its release candidates; stable branches have the fix",
    // A release candidate counts as its release.
    era: { before: "6.1" },
    today:
      "ends it: reboot with `reboot -ff` or `echo b > /proc/sysrq-trigger`, the cleaner that would run the delayed iputs is parked already; avoids it: a kernel with the fix",
    verdicts: ["deadlock", "unknown"],
    edges: [
      {
        waitsFor: ["work_flush"],
        path: ["close_ctree"],
        path2: ["__cancel_work_timer", "cancel_work_sync", "cancel_delayed_work_sync", "__cancel_work_sync"],
      },
    ],
    source: "changelog of a362bb864b8d; fs/btrfs/disk-io.c:close_ctree",
  },
];
