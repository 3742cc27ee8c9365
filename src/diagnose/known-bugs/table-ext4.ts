/** Known bugs of ext4 and jbd2. */
import type { KnownBug } from "./types.ts";

/** ext4 and jbd2. */
export const ext4Bugs: readonly KnownBug[] = [
  {
    id: "jbd2-handle-memcg-reclaim",
    title: "A task reclaims its memory cgroup at the hard limit while it holds a jbd2 handle",
    affected:
      "all kernels with ext4 or ocfs2 and memory cgroups; not fixed in 6.18 (PF_MEMALLOC_ACCOUNTFORCE was proposed in 2025)",
    today:
      "ends it: raise the group's limit by a few percent (memory.max, or memory.limit_in_bytes in v1; the group is in /proc/PID/cgroup); avoids it: keep metadata-heavy work out of tight groups",
    incident: "jbd2-memcg-oom",
    verdicts: ["livelock", "unknown"],
    edges: [
      {
        waitsFor: ["memcg_charge"],
        holds: ["jbd2_handle"],
        path: ["try_charge_memcg", "try_charge", "try_to_free_mem_cgroup_pages"],
      },
    ],
    source: "[PATCH 1/2] mm: memcg: introduce PF_MEMALLOC_ACCOUNTFORCE (2025-06-18)",
  },
  {
    id: "ext4-sync-handle-bio",
    incident: "ext4-sync-handle",
    title: "ext4: fix deadlock during page writeback",
    fix: 'commit 646caa9c8e19 ("ext4: fix deadlock during page writeback")',
    affected: "before 4.7: writeback stops a synchronous handle while its bio is prepared and not submitted",
    era: { before: "4.7" },
    today: "ends it: reboot with `reboot -ff` or `echo b > /proc/sysrq-trigger`; avoids it: a kernel with the fix",
    verdicts: ["deadlock", "unknown", "lost-io"],
    edges: [
      { waitsFor: ["jbd2_commit"], path: ["ext4_writepages"], path2: ["__ext4_journal_stop", "jbd2_journal_stop"] },
      { waitsFor: ["PG_writeback", "PG_locked"], holds: ["jbd2_commit"], path: ["jbd2_journal_commit_transaction"] },
    ],
    source: "commit 646caa9c8e19; fs/ext4/inode.c:ext4_writepages",
  },
  {
    id: "ext4-writepages-rwsem",
    title: "ext4: avoid deadlock in fs reclaim with page writeback",
    fix: 'commit 00d873c17e29 ("ext4: avoid deadlock in fs reclaim with page writeback") (v6.4)',
    affected:
      "before 6.4 and stable branches without the fix (CVE-2023-53149), when a file's journalling mode or format changes under writeback",
    era: { before: "6.4" },
    today:
      "ends it: reboot with `reboot -ff` or `echo b > /proc/sysrq-trigger`; avoids it: do not run chattr +j/-j or online migration under memory pressure",
    incident: "ext4-writepages-reclaim",
    verdicts: ["deadlock", "unknown"],
    edges: [
      {
        waitsFor: ["percpu_rwsem"],
        id: ["s_writepages_rwsem"],
        mode: "read",
        holds: ["percpu_rwsem:s_writepages_rwsem"],
        path: ["ext4_init_io_end", "do_try_to_free_pages", "shrink_slab", "do_shrink_slab"],
      },
      { waitsFor: ["percpu_rwsem"], id: ["s_writepages_rwsem"], mode: "write" },
    ],
    source: "changelog of 00d873c17e29; fs/ext4/inode.c:ext4_writepages, ext4_change_inode_journal_flag",
  },
  {
    id: "ext4-fast-commit",
    title: "ext4: use ext4_journal_start/stop for fast commit transactions",
    fix: 'commit 2729cfdcfa1c ("ext4: use ext4_journal_start/stop for fast commit transactions")',
    affected: "5.10 to 5.16 with the fast_commit feature; stable branches have the fix",
    era: { since: "5.10", before: "5.17" },
    today:
      "ends it: reboot with `reboot -ff` or `echo b > /proc/sysrq-trigger`; avoids it: tune2fs -O ^fast_commit until the fix is in",
    verdicts: ["deadlock", "unknown"],
    edges: [
      {
        waitsFor: ["jbd2_commit"],
        holds: ["ext4_fc_update"],
        path: ["ext4_should_retry_alloc", "jbd2_journal_force_commit_nested"],
      },
      {
        waitsFor: ["jbd2_fast_commit", "jbd2_handle"],
        holds: ["jbd2_commit"],
        path: ["jbd2_journal_commit_transaction"],
      },
    ],
    source: "report on 5.16.0-rc5, December 2021; fs/ext4/fast_commit.c:ext4_fc_start_update",
  },
  {
    id: "ext4-mbcache-loop",
    title: "ext4: fix deadlock due to mbcache entry corruption",
    fix: 'commit a44e84a9b776 ("ext4: fix deadlock due to mbcache entry corruption")',
    affected: "before 6.2 and stable branches without the fix; extended attributes in blocks of their own",
    era: { before: "6.2" },
    today:
      "ends it: reboot with `reboot -ff` or `echo b > /proc/sysrq-trigger`; avoids it: mount with no_mbcache until the fix is in",
    verdicts: ["livelock", "deadlock", "unknown"],
    edges: [
      { waitsFor: ["jbd2_handle"], path: ["jbd2_journal_commit_transaction"], where: "any" },
      { waitsFor: [], path: ["ext4_xattr_block_set"], unsure: true, where: "any" },
    ],
    source:
      "changelog of a44e84a9b776; fs/ext4/xattr.c:ext4_xattr_block_set loops over entries that mbcache calls reusable",
  },
  {
    id: "jbd2-ordered-io-throttle",
    title: "A commit waits for ordered data of a throttled cgroup; every other cgroup waits for the commit",
    affected: "data=ordered with I/O limits on cgroups (io.max, iocost, iolatency); by design, no fix",
    today:
      "ends it: lift the I/O limit of the throttled group; avoids it: data=writeback, at the price of stale data after a crash",
    verdicts: ["slow", "unknown", "lost-io"],
    edges: [
      { waitsFor: ["PG_writeback"], holds: ["jbd2_commit"], path: ["jbd2_journal_commit_transaction"], where: "any" },
      {
        waitsFor: ["rq_qos"],
        holds: ["PG_writeback"],
        path: ["ioc_rqos_throttle", "blkcg_iolatency_throttle", "__rq_qos_throttle"],
        notPath: ["wbt_wait"],
        where: "any",
      },
    ],
    source: "fs/jbd2/commit.c:jbd2_journal_finish_inode_data_buffers; block/blk-iocost.c:ioc_rqos_throttle",
  },
];
