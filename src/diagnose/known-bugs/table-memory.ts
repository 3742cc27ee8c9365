/** Known bugs of faults, charges, reclaim and the page cache. */
import type { KnownBug } from "./types.ts";

const MEMCG_RECLAIM = ["try_charge", "try_charge_memcg", "try_to_free_mem_cgroup_pages"];
const ANY_RECLAIM = ["shrink_page_list", "shrink_folio_list", "shrink_slab", "do_shrink_slab", "do_try_to_free_pages"];
const XFS_WRITEPAGES = ["xfs_vm_writepages", "iomap_writepages", "xfs_do_writepage"];

/** Memory management. */
export const memoryBugs: readonly KnownBug[] = [
  {
    id: "memcg-pte-charge-writeback",
    title: "mm, memcg: fix reclaim deadlock with writeback",
    fix: 'commit 63f3655f9501 ("mm, memcg: fix reclaim deadlock with writeback") (v5.0)',
    affected: "4.8 to 4.20 with cgroup v1 and kernel memory accounting; fixed in 5.0 and stable",
    era: { since: "4.8", before: "5.0" },
    today:
      "ends it: reboot with `reboot -ff` or `echo b > /proc/sysrq-trigger`; avoids it: boot with cgroup.memory=nokmem, or use cgroup v2 for the group",
    incident: "memcg-writeback-abba",
    verdicts: ["deadlock", "livelock", "unknown"],
    edges: [
      {
        waitsFor: ["PG_locked"],
        holds: ["PG_writeback"],
        path: ["writeback_sb_inodes", "do_writepages", "__filemap_fdatawrite_range"],
        notPath: XFS_WRITEPAGES,
      },
      {
        waitsFor: ["PG_writeback", "memcg_charge"],
        holds: ["PG_locked"],
        path: ["pte_alloc_one", "__pte_alloc", "alloc_set_pte"],
        path2: MEMCG_RECLAIM,
      },
    ],
    source: "spec of the first incident; mm/memory.c:__do_fault, mm/vmscan.c:shrink_page_list",
  },
  {
    id: "memcg-pte-charge-writeback-xfs",
    title:
      "The same circle through XFS and iomap: pages under writeback in an unsubmitted bio, a page table charged under a page lock",
    fix: 'commit 63f3655f9501 ("mm, memcg: fix reclaim deadlock with writeback") (v5.0)',
    affected: "4.8 to 4.20 with cgroup v1 and kernel memory accounting, files on XFS; fixed in 5.0 and stable",
    era: { since: "4.8", before: "5.0" },
    today:
      "ends it: reboot with `reboot -ff` or `echo b > /proc/sysrq-trigger`; avoids it: boot with cgroup.memory=nokmem, or use cgroup v2 for the group",
    incident: "xfs-page-lock-order",
    verdicts: ["deadlock", "livelock", "unknown"],
    edges: [
      { waitsFor: ["PG_locked"], holds: ["PG_writeback"], path: XFS_WRITEPAGES },
      {
        waitsFor: ["PG_writeback", "memcg_charge"],
        holds: ["PG_locked"],
        path: ["pte_alloc_one", "__pte_alloc", "alloc_set_pte"],
        path2: MEMCG_RECLAIM,
      },
    ],
    source:
      "thread on the fix, December 2018: XFS has the same window (pages of one file, ascending locks, bio not submitted)",
  },
  {
    id: "finish-fault-pte-charge",
    title: "mm: fix the deadlock in finish_fault()",
    fix: 'commit e4dc3489143f ("mm: fix the deadlock in finish_fault()")',
    affected:
      'kernels with f9ce0be71d1f ("mm: Cleanup faultaround and finish_fault() codepaths") and without the fix, 5.12 and 5.13; cgroup v1 with kernel memory accounting',
    era: { since: "5.12", before: "5.14" },
    today:
      "ends it: reboot with `reboot -ff` or `echo b > /proc/sysrq-trigger`; avoids it: boot with cgroup.memory=nokmem, or use cgroup v2 for the group",
    incident: "memcg-writeback-abba",
    verdicts: ["deadlock", "livelock", "unknown"],
    edges: [
      { waitsFor: ["PG_locked"], holds: ["PG_writeback"], path: ["do_writepages"] },
      {
        waitsFor: ["PG_writeback", "memcg_charge"],
        holds: ["PG_locked"],
        path: ["finish_fault"],
        path2: MEMCG_RECLAIM,
        notPath: ["alloc_set_pte"],
      },
    ],
    source: "changelog of e4dc3489143f",
  },
  {
    id: "memcg-move-lock-irq",
    title: "writeback: safer lock nesting",
    fix: 'commit 2e898e4c0a38 ("writeback: safer lock nesting") (v4.17)',
    affected:
      "4.2 to 4.16 while an inode switches its writeback domain and tasks move between cgroups; fixed in 4.17 and stable",
    era: { since: "4.2", before: "4.17" },
    today:
      "ends it: reset the machine by its power or management controller, the CPU spins with the lock it interrupted; avoids it: do not move charges on task migration (memory.move_charge_at_immigrate = 0)",
    incident: "wb-switch-irq-nesting",
    verdicts: ["deadlock", "livelock", "unknown"],
    edges: [
      {
        waitsFor: ["memcg_move_lock", "spinlock"],
        path: ["lock_page_memcg", "mem_cgroup_begin_page_stat"],
        path2: ["cancel_dirty_page", "__cancel_dirty_page", "account_page_cleaned", "clear_page_dirty_for_io"],
        where: "any",
      },
    ],
    source: "commit 2e898e4c0a38; mm/page-writeback.c:test_clear_page_writeback in an interrupt over cancel_dirty_page",
  },
  {
    id: "memcg-oom-trap",
    title: "mm: memcg: do not trap chargers with full callstack on OOM",
    fix: 'commit 3812c8c8f395 ("mm: memcg: do not trap chargers with full callstack on OOM") (v3.12)',
    affected: "before 3.12, memory cgroups at their limit",
    era: { before: "3.12" },
    today:
      "ends it: raise the group's limit by a few percent (memory.max, or memory.limit_in_bytes in v1; the group is in /proc/PID/cgroup), or set memory.oom_control to 1 and kill a task of the group that holds no inode lock; avoids it: a kernel with the fix",
    incident: "memcg-oom-trap",
    verdicts: ["deadlock", "livelock", "unknown", "slow"],
    edges: [
      {
        waitsFor: ["memcg_oom", "memcg_charge"],
        holds: ["i_rwsem", "mmap_lock"],
        path: ["mem_cgroup_handle_oom", "mem_cgroup_cache_charge", "__mem_cgroup_try_charge"],
      },
      { waitsFor: ["i_rwsem", "mmap_lock"] },
    ],
    source: "mail of the patch, 2013-06-06",
  },
  {
    id: "memory-high-nofs",
    title: "mm: memcontrol: fix GFP_NOFS recursion in memory.high enforcement",
    fix: 'commit 9ea9cb00a82b ("mm: memcontrol: fix GFP_NOFS recursion in memory.high enforcement")',
    affected: "5.18 to 6.5 with memory.high set; stable branches have the fix",
    era: { since: "5.18", before: "6.6" },
    today:
      "ends it: raise memory.high of the group by a few percent, or remove it (the group is in /proc/PID/cgroup); avoids it: a kernel with the fix, or memory.max without memory.high",
    incident: "memory-high-nofs",
    verdicts: ["deadlock", "livelock", "unknown", "lost-io"],
    edges: [
      {
        waitsFor: ["PG_writeback", "PG_locked", "memcg_charge", "xfs_buf", "xfs_ilock", "jbd2_transaction", "mutex"],
        holds: ["i_rwsem", "xfs_ilock", "jbd2_handle", "PG_locked", "invalidate_lock", "extent_buffer_lock"],
        path: ["mem_cgroup_handle_over_high"],
        path2: ["try_charge_memcg"],
      },
    ],
    source: "mail of 2022-09-30 on reclaim_high(GFP_KERNEL) in GFP_NOFS context; mm/memcontrol.c:try_charge_memcg",
  },
  {
    id: "range-cyclic-wrap",
    title: "mm/page-writeback.c: fix range_cyclic writeback vs writepages deadlock",
    fix: 'commit 64081362e8ff ("mm/page-writeback.c: fix range_cyclic writeback vs writepages deadlock")',
    affected:
      "kernels up to 4.19 (without the fix) whose file system keeps an unsubmitted bio over write_cache_pages(), as XFS does",
    era: { before: "4.20" },
    today:
      "ends it: reboot with `reboot -ff` or `echo b > /proc/sysrq-trigger`; avoids it: no fsync and background writeback of the same large file at once",
    verdicts: ["deadlock", "unknown"],
    edges: [
      { waitsFor: ["PG_locked"], holds: ["PG_writeback"], path: ["write_cache_pages"] },
      { waitsFor: ["PG_writeback"], holds: ["PG_locked"], path: ["write_cache_pages"] },
    ],
    source: "commit 64081362e8ff; mm/page-writeback.c:write_cache_pages",
  },
  {
    id: "readahead-fs-reclaim",
    title: "Readahead holds locked pages and allocates the next ones with file system reclaim allowed",
    fix: 'commit f2c817bed58d ("mm: use memalloc_nofs_save in readahead path")',
    affected: "before 5.8, file systems whose reclaim waits for pages under readahead",
    era: { before: "5.8" },
    today:
      "ends it: reboot with `reboot -ff` or `echo b > /proc/sysrq-trigger`; avoids it: a smaller read_ahead_kb makes it rarer (echo 0 > /sys/block/DEV/queue/read_ahead_kb)",
    verdicts: ["deadlock", "unknown", "lost-io"],
    edges: [
      {
        waitsFor: [
          "PG_locked",
          "PG_writeback",
          "inode_new",
          "jbd2_transaction",
          "xfs_buf",
          "xfs_ilock",
          "fuse_request",
        ],
        path: ["__do_page_cache_readahead", "read_pages"],
        path2: ANY_RECLAIM,
      },
    ],
    source: "commit f2c817bed58d; mm/readahead.c",
  },
  {
    id: "page-cache-ra-order",
    title: "mm: use memalloc_nofs_save() in page_cache_ra_order()",
    fix: 'commit 30153e446664 ("mm: use memalloc_nofs_save() in page_cache_ra_order()")',
    affected: "5.18 to 6.8 with large folio readahead; stable branches have the fix",
    era: { since: "5.18", before: "6.9" },
    today:
      "ends it: reboot with `reboot -ff` or `echo b > /proc/sysrq-trigger`, kill is of no use; avoids it: a read_ahead_kb of one page keeps readahead from large folios",
    verdicts: ["deadlock", "unknown"],
    edges: [
      {
        waitsFor: ["PG_locked", "PG_writeback"],
        holds: ["PG_locked"],
        path: ["page_cache_ra_order"],
        path2: ["migrate_pages_batch", "migrate_pages", "compact_zone", ...ANY_RECLAIM],
      },
    ],
    source: "mail of the patch, 2024-04-26; mm/readahead.c:page_cache_ra_order",
  },
  {
    id: "shrinker-rwsem-slow",
    title: "A slow file system shrinker holds shrinker_rwsem; every mount and unmount waits behind it",
    fix: 'commit "mm: shrinker: make global slab shrink lockless" (v6.7)',
    affected:
      'before the shrinker list became lockless (6.7); e496612c5130 ("mm: do not stall register_shrinker()") helps only between shrinkers',
    era: { before: "6.7" },
    today:
      "ends it: bring back the server or device that the shrinker waits for, or umount -f of that server's mount; avoids it: a kernel since 6.7",
    verdicts: ["deadlock", "slow", "lost-io", "unknown"],
    edges: [
      { waitsFor: ["rwsem"], id: ["shrinker_rwsem"], mode: "write", where: "any" },
      {
        waitsFor: [
          "rpc",
          "nfs_rpc",
          "fuse_request",
          "PG_writeback",
          "PG_locked",
          "device_io",
          "xfs_buf",
          "jbd2_transaction",
          "inode_new",
        ],
        holds: ["rwsem:shrinker_rwsem"],
        path: ["do_shrink_slab"],
        where: "any",
      },
    ],
    source: "mm/vmscan.c:shrink_slab, prealloc_shrinker; mail of 2022-10-18 on long do_shrink_slab",
  },
  {
    id: "mmap-sem-fault-io",
    title: "filemap: drop the mmap_sem for all blocking operations",
    fix: 'commit 6b4c9f446981 ("filemap: drop the mmap_sem for all blocking operations") (v5.1)',
    affected:
      "before 5.1: a fault waits for (throttled) reads with mmap_sem held; a writer queues, then every reader, ps and monitoring among them",
    era: { before: "5.1" },
    today:
      "ends it: lift the I/O limit of the group that faults (it goes on when its read is done); avoids it: a kernel with the fix",
    verdicts: ["slow", "lost-io", "unknown"],
    edges: [
      {
        waitsFor: ["PG_locked", "device_io", "rq_qos", "request_tag"],
        holds: ["mmap_lock"],
        path: ["filemap_fault"],
        notPath: ["lock_page_maybe_drop_mmap", "lock_folio_maybe_drop_mmap"],
        where: "any",
      },
      { waitsFor: ["mmap_lock"], mode: "write", where: "any" },
      { waitsFor: ["mmap_lock"], mode: "read", where: "any" },
    ],
    source: "commit 6b4c9f446981; mm/filemap.c:filemap_fault",
  },
  {
    id: "lru-drain-workqueue",
    title: "mm: move pcp and lru-pcp draining into single wq",
    fix: 'commit ce612879ddc7 ("mm: move pcp and lru-pcp draining into single wq") (v4.11)',
    affected: "before 4.11: draining per-CPU page lists needs a worker, and the workers sleep in reclaim",
    era: { before: "4.11" },
    today:
      "ends it: free memory by hand (kill the largest task), so that a worker becomes free; avoids it: a kernel with the fix",
    verdicts: ["deadlock", "livelock", "slow", "unknown"],
    edges: [
      { waitsFor: ["work_flush"], path: ["lru_add_drain_all", "drain_all_pages"], where: "any" },
      { waitsFor: ["reclaim", "memcg_charge"], path: ["process_one_work"], where: "any" },
    ],
    source: "commit ce612879ddc7; mm/swap.c:lru_add_drain_all",
  },
  {
    id: "folio-wake-livelock",
    title: "End of writeback never gets through the waiters of a page: each sets PG_writeback again and queues anew",
    fix: 'commit b0b598ee08f9 ("filemap: remove use of wait bookmarks") (v6.7)',
    affected:
      'since c2407cf7d22d ("mm: make wait_on_page_writeback() wait for multiple pending writebacks") where many tasks fsync one file; 5.11 to 6.6, seen on 5.17',
    era: { since: "5.11", before: "6.7" },
    today: "ends it: stop or kill the tasks that fsync one and the same file; avoids it: fewer of them at once",
    verdicts: ["livelock", "unknown", "none", "slow"],
    edges: [
      {
        waitsFor: [],
        path: ["folio_wake_bit", "wake_up_page_bit"],
        path2: ["folio_end_writeback", "end_page_writeback"],
        where: "any",
      },
    ],
    source:
      "report of 2022-03-15 (soft lockup in folio_wake_bit); mm/filemap.c:folio_wake_bit starts again from its bookmark in 6.1 and has none in 6.12",
  },
];
