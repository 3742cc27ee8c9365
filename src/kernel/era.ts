/**
 * Eras: a kernel point release and what the model branches on there.
 *
 * Every switch is a history: its value in 4.4.0, then the points where it changed. A two-part point (`5.0`) is a mainline
 * release and holds from there on; a three-part point (`4.20.3`) is a backport and holds on that stable branch only. A
 * point ending in `?` was not verified. Marks as in spec/kernel/README.md: `[S x.y]` source read, `[C]` commit read, `[M]`
 * from memory; `[A]` is the stable review or announcement mail of that release, or the Debian changelog of its import.
 */

/** The value of a switch over time. @internal */
export interface History<T> {
  readonly first: T;
  readonly changes: readonly Change<T>[];
}

interface Change<T> {
  /** As written, without the mark: `5.0`, `4.20.3`. */
  readonly at: string;
  readonly major: number;
  readonly minor: number;
  /** Undefined: mainline. */
  readonly patch: number | undefined;
  readonly unverified: boolean;
  readonly value: T;
}

const POINT = /^(\d+)\.(\d+)(?:\.(\d+))?(\??)$/;

/** @internal */
export function history<T>(first: T, ...points: readonly (readonly [at: string, value: T])[]): History<T> {
  const changes = points.map(([at, value]): Change<T> => {
    const m = POINT.exec(at);
    if (m === null) throw new Error(`not a kernel release: ${at}`);
    return {
      at: at.replace("?", ""),
      major: Number(m[1]),
      minor: Number(m[2]),
      patch: m[3] === undefined ? undefined : Number(m[3]),
      unverified: m[4] === "?",
      value,
    };
  });
  return { first, changes };
}

const from = (...points: readonly string[]): History<boolean> =>
  history(false, ...points.map((at) => [at, true] as const));
const until = (...points: readonly string[]): History<boolean> =>
  history(true, ...points.map((at) => [at, false] as const));

/** Which lock covers an LRU list. */
export type LruLockScope = "zone" | "node" | "memcg";
/** What starts and ends a section in which a page keeps its memcg. */
export type PageStatApi = "mem_cgroup_begin_page_stat" | "lock_page_memcg" | "folio_memcg_lock" | "none";

const HISTORIES = {
  // Page tables and faults
  /** x86 page tables are charged to the memcg. 4.8 [M]; [S 4.7] no, [S 4.16] `GFP_KERNEL_ACCOUNT`. */
  pageTablesCharged: from("4.8"),
  /** The page table is allocated when a page is there to map, not before `do_fault`. commit 7267ec008b5c ("mm: postpone page table allocation until we have page to map") (v4.8) [M]. */
  pteAllocPostponed: from("4.8"),
  /** `__do_fault` allocates the page table before it locks the page. commit 63f3655f9501 ("mm, memcg: fix reclaim deadlock with writeback") (v5.0-rc2) [C]; 4.9.152, 4.14.94, 4.19.16, 4.20.3 [A]. */
  preallocPte: from("5.0", "4.9.152", "4.14.94", "4.19.16", "4.20.3"),
  /** `finish_fault` installs the preallocated page table instead of allocating under PG_locked: lost by f9ce0be71d1f (v5.12), back with commit e4dc3489143f ("mm: fix the deadlock in finish_fault()") (v5.14-rc3, 5.13.6) [A]. */
  finishFaultUsesPrealloc: history(true, ["5.12", false], ["5.13.6", true], ["5.14", true]),
  /** Proposal: allocate page tables with GFP_NOFS. Never merged. */
  pteAllocNofs: from(),
  /** `filemap_fault` drops mmap_lock before it waits for PG_locked or I/O (first try only). commit 6b4c9f446981 ("filemap: drop the mmap_sem for all blocking operations") (v5.1) [M], shape [S 5.4]. */
  mmapDroppedForPageLock: from("5.1"),
  /** User faults try the lock of their VMA before mmap_lock. v6.4 [S 6.12]. */
  perVmaLock: from("6.4"),
  /** User faults take mmap_lock killably (`lock_mm_and_find_vma`). v6.5; 6.1.37 [A]; 6.3.11, 6.4.1 [M]. */
  mmapLockKillable: from("6.5", "6.1.37", "6.3.11?", "6.4.1?"),
  /** `mapping->invalidate_lock` exists and `filemap_fault` takes it to fill a page. v5.15 [S 5.15]. */
  invalidateLock: from("5.15"),
  /** Dirtying a shared page in a fault drops mmap_lock before `balance_dirty_pages`. commit 89b15332af7c ("mm: drop mmap_sem before calling balance_dirty_pages() in write fault") (v5.5); 5.4.9 [A]. */
  faultDirtyDropsMmapLock: from("5.5", "5.4.9"),

  // Page bits
  /** PG_locked is handed over to a waiter that lost five times. commits 2a9127fcf229, 5ef64cc8987a (v5.9) [M]; [S 5.4] no, [S 5.15] yes. */
  pageLockHandoff: from("5.9"),
  /** `wait_on_page_writeback` tests again after waking. commit c2407cf7d22d ("mm: make wait_on_page_writeback() wait for multiple pending writebacks") (v5.11); 5.10.7 [A]. */
  writebackWaitLoops: from("5.11", "5.10.7"),
  /** PG_waiters tells whether anybody waits for the bits of a page. v4.10 [S 4.10]. */
  waitersBit: from("4.10"),
  /** Functions and dumps say page or folio. v5.16 (spec 13). */
  pageApi: history<"page" | "folio">("page", ["5.16", "folio"]),

  // Charging
  /** kmem is charged by opt-in (`__GFP_ACCOUNT`) and without a kmem limit; 4.4 opts out and charges only under a kmem limit. v4.5 [S 4.4.1]. */
  kmemByDefault: from("4.5"),
  /** The v1 kmem limit fails a charge. Until v5.16 [M]. */
  kmemLimit: until("5.16"),
  /** A charge out of rounds fails (or is left to the end of the page fault) instead of killing or sleeping with its caller's locks. commits 519e52473ebe ("mm: memcg: enable memcg OOM killer only for user faults"), 3812c8c8f395 ("mm: memcg: do not trap chargers with full callstack on OOM") (v3.12) [C]. */
  memcgOomUnwinds: from("3.12"),
  /** The charge path itself runs the memcg OOM killer. commit 29ef680ae7c2 ("memcg, oom: move out_of_memory back to the charge path") (v4.19) [S 4.16, 4.19]. */
  syncMemcgOom: from("4.19"),
  /** An OOM victim leaves the freezer and is not frozen again. commit 51fae6da640e ("freezer: Do not freeze tasks killed by OOM killer") (v3.18) [M], [S 6.1]. */
  oomVictimsNotFrozen: from("3.18"),
  /** The OOM reaper lets the next victim be chosen when one cannot die. commit aac453635549 ("mm, oom: introduce oom reaper") (v4.6) [M]; [S 4.4] none. */
  oomReaper: from("4.6"),
  /** A memcg OOM without `__GFP_FS` kills; else it returns success and kills nobody (4.19-5.3; no such call before 4.19). commit f9c645621a28 ("memcg, oom: don't require __GFP_FS when invoking memcg OOM killer") (v5.4) [S 4.20, 5.4]; 4.19.77, 5.2.19 [A]; 5.3.4 same batch [M]. */
  nofsMemcgOomKills: history(
    true,
    ["4.19", false],
    ["4.19.77", true],
    ["5.2.19", true],
    ["5.3.4?", true],
    ["5.4", true],
  ),
  /** A `__GFP_NOFAIL` charge is forced before the OOM killer is asked. Until commit a4ebf1b6ca1e ("memcg: prohibit unconditional exceeding the limit of dying tasks") (v5.16) [S 5.10.13, 5.15.135]; 5.10.80, 5.15.3 [A]. */
  nofailBeforeOom: until("5.16", "5.10.80", "5.15.3"),
  /** Dying tasks are charged without limit. Until a4ebf1b6ca1e (v5.16), as nofailBeforeOom. */
  dyingForce: until("5.16", "5.10.80", "5.15.3"),
  /** `__GFP_ATOMIC` charges are forced at once. v5.4 [S 5.4] until v5.19 [S 6.1]. */
  atomicForce: history(false, ["5.4", true], ["5.19", false]),
  /** A failed `__GFP_HIGH` charge is forced at the end. commit 1461e8c2b609 (v5.19) [M]. */
  highForce: from("5.19"),
  /** `PF_MEMALLOC` charges are forced. commit 89a2848381b5 ("mm: memcontrol: do not recurse in direct reclaim") (v4.9) [S 4.7 no, 4.10 yes]. */
  pfMemallocForce: from("4.9"),
  /** Memcg reclaim runs with `PF_MEMALLOC` set. 89a2848381b5 (v4.9) [S 4.7 no, 4.10 yes]. */
  reclaimSetsPfMemalloc: from("4.9"),
  /** Fruitless rounds of a charge before it gives up. v5.9 [S 5.4, 5.10]. */
  memcgReclaimRetries: history<5 | 16>(5, ["5.9", 16]),
  /** `oom_lock` is taken killably in a memcg OOM. v5.3 (spec 1.4). */
  oomLockKillable: from("5.3?"),
  /** A memcg OOM first looks whether there is room again. v5.9 (spec 1.4). */
  oomChecksMargin: from("5.9"),
  /** An OOM victim whose memory was reaped stops reclaiming and fails. 6.12.117 [S]. */
  reapedVictimGivesUp: from("6.12.117"),
  /** memory.high is enforced inside a big charge. commit c9afe31ec443 (v5.18) [M]. */
  highInCharge: from("5.18"),
  /** memory.high reclaim in the charge uses the caller's gfp. commit 9ea9cb00a82b ("mm: memcontrol: fix GFP_NOFS recursion in memory.high enforcement") (v6.6); 6.1.56, 6.5.6 [A]. */
  highUsesCallerGfp: from("6.6", "6.1.56", "6.5.6"),
  /** memory.high puts the task to sleep. v5.4 [S 5.4]. */
  highPenalty: from("5.4"),
  /** A task's charges can move with it (`move_charge_at_immigrate`). Gone after 6.12 [S 6.12, 6.18]. */
  moveCharge: until("6.13?"),
  /** Sections in which a page keeps its memcg. [S 4.4], 4.6 and 5.16 spec 1.9; gone with moveCharge. */
  pageStatApi: history<PageStatApi>(
    "mem_cgroup_begin_page_stat",
    ["4.6", "lock_page_memcg"],
    ["5.16", "folio_memcg_lock"],
    ["6.13?", "none"],
  ),

  // The page allocator
  /** The slow path looks at `zonelist_update_seq`, which a rebuild of the zonelists makes odd. commit 3d36424b3b58 ("mm/page_alloc: fix race condition between build_all_zonelists and page allocation") (v6.0) [M], [S 6.1]; backports [M]. */
  zonelistUpdateSeq: from("6.0?", "4.14.296?", "4.19.262?", "5.4.217?", "5.10.147?", "5.15.72?", "5.19.13?"),
  /** The rebuild has interrupts off and defers printing. commit 1007843a9190 ("mm/page_alloc: fix potential deadlock on zonelist_update_seq seqlock") [C], v6.4 at the latest [M]; backports of April and May 2023 [M]; [S 6.1.192, 6.12] yes. */
  zonelistUpdateGuarded: from(
    "6.4?",
    "4.14.315?",
    "4.19.283?",
    "5.4.243?",
    "5.10.180?",
    "5.15.111?",
    "6.1.28?",
    "6.2.15?",
    "6.3.2?",
  ),
  /** Rebuilding the zonelists prints their order. commit 6cf253925df7 ("mm/page_alloc: print node fallback order") (v5.16) [M], [S 6.1]. */
  zonelistsPrinted: from("5.16?"),

  // Reclaim
  /** 4.8 and 5.11 [M]; [S 4.7] zone, [S 4.20, 5.10] node, [S 5.15] memcg. */
  lruLockScope: history<LruLockScope>("zone", ["4.8", "node"], ["5.11", "memcg"]),
  /** Every reclaimer ends each LRU in `throttle_vm_writeout`. Until commit bf48438354a7 ("mm, vmscan: get rid of throttle_vm_writeout") (v4.9: the shortlog since v4.8 of 12 October 2016 has it [A]); [S 4.7] yes, [S 4.10] no. */
  throttleVmWriteout: until("4.9"),
  /** Proposals of July 2016: throttle_vm_writeout() lets `__GFP_NORETRY` pass (Patocka, 12 July), or PF_LESS_THROTTLE (Hocko, "mm, mempool: do not throttle PF_LESS_THROTTLE tasks", 18 July) [A]. Never merged. */
  noretryNotThrottled: from(),
  throttleHonoursLessThrottle: from(),
  /** kswapd gives up after 16 fruitless runs. commit c73322d098e4 ("mm: fix 100% CPU kswapd busyloop on unreclaimable nodes") (v4.12) [M]. */
  kswapdGivesUp: from("4.12"),
  /** A request queue that is nearly full says so, which wait_iff_congested() asks for. Legacy request queues only, until v5.0 (spec 6.2). */
  queuesCongest: until("5.0"),
  /** Dirty and writeback pages met by reclaim are activated, not kept. commit c55e8d035b28 (v4.11) [M]; [S 4.7] keep, [S 4.16] activate. */
  dirtyActivated: from("4.11"),
  /** A list of nothing but unqueued dirty pages wakes all flushers. commit 726d061fbd36 (v4.11) [S 4.11]. */
  flusherWakeOnUnqueued: from("4.11"),
  /** Reclaim wakes the flushers once it scanned half as much again as it wants. [S 4.4] until v4.11. */
  flusherWakeByScan: until("4.11"),
  /** A v1 memcg reclaimer sleeps when it meets only unqueued dirty pages. commit 81a70c21d917 ("mm/cgroup/reclaim: fix dirty pages throttling on cgroup v1"): before 6.1.0, as 6.0.11 has the backport [A]. */
  v1DirtyThrottle: from("6.1", "6.0.11"),
  /** How reclaim sleeps for a while. v5.16 (spec 2.10). */
  reclaimSleep: history<"congestion_wait" | "reclaim_throttle">("congestion_wait", ["5.16", "reclaim_throttle"]),
  /** Kernel threads are not throttled in reclaim. commit b485c6f1f9f5 (v5.17); 5.16.10 [A]. */
  kthreadsNotThrottled: from("5.17", "5.16.10"),
  /** `too_many_isolated` is waited for without end. Until commit db73ee0d4637 (v4.14) [M]; [S 4.13] yes, [S 4.16] no. */
  tooManyIsolatedForever: until("4.14"),
  /** A memcg reclaimer stops its walk of the subtree once it has enough. [S 4.4-5.x] yes, [S 6.1] no, [S 6.12] yes. */
  memcgWalkStopsEarly: history(true, ["6.0?", false], ["6.9?", true]),
  /** Slab shrinkers run under `shrinker_rwsem`. Until v6.7 [S 6.1, 6.12]. */
  shrinkerRwsem: until("6.7"),
  /** Legacy reclaim does not wait for pages of mappings that say so. commit 0c4f8ed498ce ("mm: skip folio reclaim in legacy memcg contexts for deadlockable mappings") (v6.16) [C]. */
  skipsDeadlockableMappings: from("6.16"),
  /** Reclaim may write file pages itself (kswapd). Until v6.16 [M], [S 6.18]. */
  reclaimWritesFilePages: until("6.16"),
  /** Multi-generation LRU is compiled in. v6.1 [S 6.1]. */
  mglru: from("6.1"),
  /** A memcg list too small for its priority is scanned all the same, up to 32 pages. Until commit 688035f729dc ("mm: don't avoid high-priority reclaim on memcg limit reclaim") (v4.12) [M], patch of 28 February 2017 [A]; [S 4.19] no. Vendor trees of 4.9 carry it too. */
  memcgForceScan: until("4.12"),
  /** Whether active lists shrink is decided once per node pass, at the reclaim target. commit b91ac374346b ("mm: vmscan: enforce inactive:active ratio at the reclaim root") (v5.5) [M]; [S 4.19] no, [S 6.1] yes. */
  deactivateAtRoot: from("5.5"),
  /** Dirty pages go to kswapd's writer only when seen before (PG_reclaim). v4.11 (spec 2.9). */
  kswapdWritesOnlySeen: from("4.11"),

  // Memory pools and dm-crypt
  /** mempool_alloc() sets `__GFP_NOMEMALLOC` although its reserve is empty. Not from commit f9054c70d28b ("mm, mempool: only set __GFP_NOMEMALLOC if there are free elements") (v4.6) [M] until its revert, commit 4e390b2b2f34 (v4.8) [M]; [S 4.7.4] yes, document 3 (4.7-rc7) no. */
  mempoolNomemalloc: history(true, ["4.6", false], ["4.7.4", true], ["4.8", true]),
  /** Proposals of July 2016: PF_LESS_THROTTLE in mempool_alloc(), or around kcryptd_crypt() (document 3) [D]. Never merged. */
  mempoolLessThrottle: from(),
  kcryptdLessThrottle: from(),
  /** mempool_alloc() enters direct reclaim once its reserve is empty. The proposal to drop that (document 3) [D] was never merged. */
  mempoolDirectReclaim: history(true),
  /** dm-crypt allocates at most 2 % of memory. commit 5059353df86e ("dm crypt: limit the number of allocated pages") (v4.14?) [M], [S 6.1] yes, [S 4.7] no. */
  dmCryptLimitsPages: from("4.14?"),
  /** Swap bios on dm-crypt are counted by a semaphore. commit a666e5c05e7c ("dm: fix deadlock when swapping to encrypted device") (v5.12) [M], [S 6.1]; backports of March 2021 [M]. */
  dmLimitsSwapBios: from("5.12", "5.11.3?", "5.10.20?"),
  /** Pages read from swap are charged when they are read, not when they are mapped. v5.8 [M], [S 4.7] no, [S 6.1] yes. */
  swapinChargedWhenRead: from("5.8"),

  // Scopes
  /** `memalloc_nofs_save` exists and memcg reclaim honours scopes. v4.12 [S 4.11 no, 4.12 yes]. */
  nofsScope: from("4.12"),
  /** An open jbd2 handle is a NOFS scope. v4.12 [S 4.11 no, 4.12 yes]. */
  nofsScopeJbd2: from("4.12"),
  /** An XFS transaction is a NOFS scope. v4.12 (spec 9.3). */
  nofsScopeXfs: from("4.12"),
  /** Readahead is a NOFS scope. commit f2c817bed58d (v5.8) [C]. */
  nofsScopeReadahead: from("5.8"),
  /** `memalloc_pin_save` exists: no `__GFP_MOVABLE`. v5.13 [M] ("5.x" in spec 9.3). */
  pinScope: from("5.13?"),
  /** `__GFP_ATOMIC` exists. Until v6.3 (spec 9.1). */
  gfpAtomicBit: until("6.3"),

  // Writeback
  /** `unlocked_inode_to_wb_begin` keeps the irq state in a cookie. commit 2e898e4c0a38 ("writeback: safer lock nesting") (v4.17) [C]; 4.16.y, 4.14.y, 4.9.y, 4.4.y in the batch of 24 April 2018 [M]; [S 4.4.155, 4.16.13] yes, [S 4.4.1] no. */
  wbLockCookie: from("4.17", "4.4.129?", "4.9.96?", "4.14.36?", "4.16.4?"),
  /** `clear_page_dirty_for_io` keeps the page's memcg while it clears the bit. commit fdf1cdb91b6a (v4.6) [M]; [S 4.4] yes, [S 4.20] no. */
  clearDirtyUnderMemcgLock: until("4.6"),
  /** `inode_congested` asks with `unlocked_inode_to_wb_begin`. Until v5.18 (spec 3.7). */
  inodeCongested: until("5.18"),
  /** `write_cache_pages` wraps a cyclic sweep inside one call, its ioend unsubmitted. Until commit 64081362e8ff ("mm/page-writeback.c: fix range_cyclic writeback vs writepages deadlock") (v4.20-rc1 [M], spec 3.4 and 12); 4.4.204, 4.14.157, 4.19.87 [A]; 4.9.204 same batch [M]. */
  rangeCyclicWrapInOneCall: until("4.20?", "4.4.204", "4.9.204?", "4.14.157", "4.19.87"),
  /** ext4 wraps a cyclic sweep in its own call, after it submitted its bio. [S 4.20, 6.1]. */
  ext4WritepagesWrap: history(true),
  /** Proposal of Liu Bo: ext4 submits its pending bio before it waits for PG_locked. Never merged. */
  submitBeforeLock: from(),
  /** `ext4_writepages` holds a NOFS scope with s_writepages_rwsem. commit 00d873c17e29 ("ext4: avoid deadlock in fs reclaim with page writeback") (v6.4); 6.1.191, 6.2.16 [A]; 6.3.3 [A]. */
  writepagesRwsemNofs: from("6.4", "6.1.191", "6.2.16", "6.3.3"),
  /** The lock under which ext4_writepages() runs: commit c8585c6fcaf2 ("ext4: fix races between changing inode journal mode and ext4_writepages") (v4.7) [M]; renamed by commit bbd55937de8f (v5.6) [M], [S 6.1]. */
  writepagesRwsemName: history<"none" | "s_journal_flag_rwsem" | "s_writepages_rwsem">(
    "none",
    ["4.7", "s_journal_flag_rwsem"],
    ["5.6", "s_writepages_rwsem"],
  ),
  /** iput_final() writes and evicts an inode marked I_DONTCACHE at once. commits dae2f8ed7992, 2c567af418e3 ("fs: Introduce DCACHE_DONTCACHE") (v5.8) [M]; [S 6.1] fs/inode.c. */
  inodeDontcache: from("5.8"),
  /** A commit waits for the data of blocks that writeback allocated. Commit 06bd3c36a733 ("ext4: fix data exposure after a crash") (v4.7-rc1) [A]; between f3b59291a69d and that one only for other allocations. */
  ext4OrdersDelalloc: from("4.7"),
  /** A synchronous handle of a sweep is stopped after its pages are unlocked and its bio submitted. commit 646caa9c8e19 ("ext4: fix deadlock during page writeback") of 4 July 2016 [C]: v4.8 and the stable releases of August 2016 [M]; [S 4.7.4] yes. */
  ext4StopsSyncHandleLast: from("4.8?", "4.4.18?", "4.6.7?", "4.7.1?"),
  /** The sweep of ext4 is a function of its own, `ext4_do_writepages`. v6.3 [S 6.1 no, 6.12 yes]. */
  ext4DoWritepages: from("6.3"),
  /** erofs's shrinker takes a group out of the tree under a lock it took before it froze the group. Not from commit 64094a04414f ("erofs: convert workstn to XArray") (v5.7) [M] until commit 57bbeacdbee7 ("erofs: fix deadlock when shrink erofs slab") (v5.16-rc3) [C], mail of 23 November 2021: 4.19 and 5.4 not affected; 5.10.83, 5.15.6 [M]; [S 6.1]. */
  erofsReleaseUnderXaLock: history(true, ["5.7", false], ["5.10.83?", true], ["5.15.6?", true], ["5.16", true]),
  /** XFS has `->writepage`. Until v5.15 [M]; [S 5.4] yes, [S 5.15] no. */
  xfsWritepage: until("5.15"),
  /** XFS writes through `iomap_writepages`. v5.6 (spec 13.4). */
  xfsThroughIomap: from("5.6"),
  /** XFS inodes take part in cgroup writeback. v5.3 (spec 3.6). */
  xfsCgroupWriteback: from("5.3"),
  /** What follows the grace period of an inode switch. v5.14 (spec 3.6); 6.1.178, 6.12.94 [A]. */
  wbSwitchWork: history<"call_rcu" | "rcu_work" | "list">(
    "call_rcu",
    ["5.14", "rcu_work"],
    ["6.18?", "list"],
    ["6.1.178", "list"],
    ["6.12.94", "list"],
  ),

  // Block
  /** The thread of a loop device is in a NOIO scope. commit d0a255e795ab ("loop: set PF_MEMALLOC_NOIO for the worker thread") (v5.3-rc6) [C]; 5.2.10, 4.19.68, 4.14.140 [M]. */
  loopWorkerNoio: from("5.3", "5.2.10?", "4.19.68?", "4.14.140?"),
  /** Loop devices are served by workers of a queue. commit 87579e9b7d8d ("loop: use worker per cgroup instead of kworker") (v5.14) [M]; [S 6.1] yes. */
  loopWorkqueue: from("5.14?"),
  /** PF_LOCAL_THROTTLE took the place of PF_LESS_THROTTLE. commit a37b0715ddf3 ("mm/writeback: replace PF_LESS_THROTTLE with PF_LOCAL_THROTTLE") (v5.8) [M], [S 6.12]. */
  localThrottle: from("5.8"),
  /** The shrinker of dm-bufio only tries for the client's mutex. commit bd293d071ffe ("dm bufio: fix deadlock with loop device") [C], in 5.3-rc1 and reverted in 5.3-rc6; 5.2.3, 4.19.61 [A] until the revert in 5.2.10, 4.19.68 [M]. */
  dmBufioShrinkTrylock: history(false, ["5.2.3", true], ["5.2.10?", false], ["4.19.61", true], ["4.19.68?", false]),
  /** The shrinker of dm-bufio leaves eviction to a worker. commit 70704c33db84 ("dm bufio: do buffer cleanup from a workqueue") [C] (v5.9) [M]; [S 6.1] yes. */
  dmBufioShrinkWork: from("5.9"),
  /** Counting dm-bufio's buffers takes the client's mutex. Until v4.10 [M]; the trace in d0a255e795ab shows it. */
  dmBufioCountLocked: until("4.10?"),
  /** The queue is frozen around every store to its sysfs attributes. v6.11 [M]; [S 6.1] no, [S 6.12] yes. */
  sysfsStoreFreezes: from("6.11?"),
  /** Such a store is a NOIO scope. commit 7c0be4ead1f8 ("block: mark GFP_NOIO around sysfs ->store()") (v6.14) [M]; [S 6.12.117] yes. */
  sysfsStoreNoio: from("6.14", "6.12.11?", "6.13.1?"),
  /** Whoever has frozen a queue is in a NOIO scope. commit 1e1a9cecfab3 ("block: force noio scope in blk_mq_freeze_queue") (v6.14) [M]; [S 6.12] no. */
  freezeIsNoio: from("6.14"),

  // Locks and reports
  /** One wake-up takes every waiting reader, past waiting writers. v5.3 [S 4.20, 6.1]. */
  rwsemPhaseFair: from("5.3"),
  /** hung_task measures from the scan that first saw the switch count. v4.19 (spec 10.7). */
  hungTaskLastSwitchTime: from("4.19"),
  /** hung_task prints the time really blocked, not the timeout. v5.4 [S 4.20, 5.4]. */
  hungTaskPrintsBlockedTime: from("5.4"),

  // Faults, continued
  /** Faults on file pages run under the lock of their VMA too. commits 12214eba1992, 4de8c93a4751, 4ed4379881aa (v6.7) [M], shape [S 6.12]. */
  vmaLockFileFaults: from("6.7?"),
  /** A fault that dropped mmap_lock to be throttled is complete and not tried again. commit d92725256b4f ("mm: avoid unnecessary page fault retires on shared memory types") (v6.0) [M], [S 6.1]. */
  faultCompleted: from("6.0"),
  /** ext4's `->fault` holds `i_mmap_sem` over all of `filemap_fault`. commit ea3d7209ca01 ("ext4: fix races between page faults and hole punching") (v4.5) [C] until `invalidate_lock` took its place (v5.15) [S 6.1]. */
  ext4FaultUnderMmapSem: history(false, ["4.5", true], ["5.15", false]),
  /** XFS's `->fault` holds XFS_MMAPLOCK_SHARED over all of `filemap_fault`. Until v5.15 [M], [S 6.1] no. */
  xfsFaultUnderMmapLock: until("5.15"),
  /** A fault-around that gets no page table ends the fault; before, the fault goes on and allocates one with the page locked. Commit f9ce0be71d1f (v5.12) [M], [S 6.1]. */
  faultAroundOom: from("5.12"),
  /** A fault that ran out of memory outside any memcg OOM calls the global OOM killer. Until commit 60e2793d440a ("mm, oom: do not trigger out_of_memory from the #PF") (v5.16) [M], [S 6.1] no; 5.10.80, 5.15.3 same batch as dyingForce [M]. */
  pagefaultGlobalOom: until("5.16", "5.10.80?", "5.15.3?"),
  /** XFS keeps one ioend open over all pages of a sweep; before, each page submitted its own. commit fbcc02561359 ("xfs: Introduce writeback context for writepages") (v4.6) [M]. */
  xfsIoendAcrossPages: from("4.6?"),
  /** A fuse server is sent copies of dirty pages, whose own writeback ends at once. Until commit 0c58a97f919c ("fuse: remove tmp folio for writebacks and internal rb tree") (v6.16) [S 6.12], same merge as 0c4f8ed498ce [A]. */
  fuseTemporaryPages: until("6.16"),
  /** How writes to the origin of a dm snapshot wait for copies: commits 721b1d98fb51 ("dm snapshot: Fix excessive memory usage and workqueue stalls") (v5.0; 4.4.184 has it [A], its first stable releases [M]) and b21555786f18 ("dm snapshot: rework COW throttling to fix deadlock") (v5.4; reviews of 4 November 2019 [A], their numbers [M]). */
  dmSnapCowThrottle: history<"none" | "semaphore" | "in_progress">(
    "none",
    ["5.0", "semaphore"],
    ["5.4", "in_progress"],
    ["4.4.172?", "semaphore"],
    ["4.9.153?", "semaphore"],
    ["4.14.96?", "semaphore"],
    ["4.19.18?", "semaphore"],
    ["4.20.5?", "semaphore"],
    ["4.4.199?", "in_progress"],
    ["4.9.199?", "in_progress"],
    ["4.14.152?", "in_progress"],
    ["4.19.82?", "in_progress"],
    ["5.3.9?", "in_progress"],
  ),
  /** `prctl(PR_SET_IO_FLUSHER)` exists. commit 8d19f1c8e193 ("prctl: PR_{G,S}ET_IO_FLUSHER to support controlling memory reclaim") (v5.6) [A], [S 6.12]. */
  prSetIoFlusher: from("5.6"),
  /** How the pages that CPUs keep for themselves are drained: commits 0ccce3b92421 (v4.11-rc1) and ce612879ddc7 ("mm: move pcp and lru-pcp draining into single wq") (v4.11-rc6) [C]; [S 6.1] by hand. */
  pcpDrain: history<"ipi" | "system_wq" | "mm_percpu_wq" | "remote">(
    "ipi",
    ["4.11", "mm_percpu_wq"],
    ["6.0?", "remote"],
  ),
  /** What reclaim does with an NFS folio that is written and not committed: commits 96780ca55e3c ("NFS: fix up nfs_release_folio() to try to release the page") (v6.3) [M], [S 6.1] never; cce0be6eb497 ("NFS: Fix a deadlock involving nfs_release_folio()") (after 6.18; reviews of 21 January 2026 [A], their numbers [M], [S 6.12.117]). */
  nfsReleaseFolio: history<"never" | "waits" | "starts">(
    "never",
    ["6.3", "waits"],
    ["6.12.67?", "starts"],
    ["6.18.7?", "starts"],
  ),
  // Proposals about charges under a journal handle
  /** Proposal PF_MEMALLOC_ACCOUNTFORCE (18 June 2025): charges over the limit in such a scope are forced, and paid for on return to user mode. Never merged. */
  accountForce: from(),
  /** Its second half, not in the document: an open jbd2 handle is such a scope. Never merged. */
  accountForceJbd2: from(),
  /** The same scope put around ext4's own start and stop, which nest where jbd2's handle is only counted. Nobody's proposal. */
  accountForceExt4: from(),
  /** `memalloc_account_force_restore()` takes what save gave; as posted it takes nothing and ends outer scopes too. */
  accountForceNests: from(),
  /** The debt calls the OOM killer whatever its size; as posted, by the order of what is left: none above 8 pages. */
  accountForceAnyDebt: from(),
  /** Alternative that the proposal rejects: the block device's page cache is allocated with NOFAIL and without direct reclaim. */
  nofailWithoutReclaim: from(),
  /** A page of the block device that cannot be had is an error to the caller; before, `BUG_ON(!PageLocked(page))`. v6.6 [M]; [S 6.1] BUG_ON. */
  getblkMayFail: from("6.6?"),
} as const;

type Histories = typeof HISTORIES;
type ValueOf<H> = H extends History<infer T> ? T : never;

/** The switches of one era; each member's comment says what it means, since when and how that is known. */
export type EraFeatures = { readonly [K in keyof Histories]: ValueOf<Histories[K]> };
/** Name of a switch. */
export type FeatureName = keyof Histories;

/** A kernel point release, with fixes added or taken out. @since 0.2.0 */
export interface Era {
  /** Always three parts: `4.20.0`. */
  readonly release: string;
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  readonly features: EraFeatures;
  /** What was changed by hand, in order: `+prealloc-pte`, `-prealloc-pte`. */
  readonly changes: readonly string[];
}

/** An era, or why there is none. */
export type EraResult = { readonly ok: true; readonly era: Era } | { readonly ok: false; readonly error: string };

/** Last minor release of each major one; the model ends at 6.18. */
const LAST_MINOR = new Map([
  [4, 20],
  [5, 19],
  [6, 18],
]);
const FIRST = "4.4";
const LAST = "6.18";
const RELEASE = /^v?(\d{1,3})\.(\d{1,3})(?:\.(\d{1,4}))?$/;
const BEGINNING = /^v?(\d{1,3})\.(\d{1,3})(?:\.(\d{1,4}))?(?!\d)/;

/**
 * The era of a release: `4.20`, `4.20.0`, `6.1.192`. Two parts mean `.0`.
 *
 * @example parseEra("6.1.192") // { ok: true, era: { release: "6.1.192", features: { preallocPte: true, ... } } }
 * @since 0.2.0
 */
export function parseEra(text: string): EraResult {
  const trimmed = text.trim();
  const m = RELEASE.exec(trimmed);
  if (m === null) {
    const near = BEGINNING.exec(trimmed);
    const hint = near === null ? "" : `; nearest: ${nearest(Number(near[1]), Number(near[2]), near[3])}`;
    return { ok: false, error: `unknown era "${trimmed}": a kernel release from ${FIRST} to ${LAST} is wanted${hint}` };
  }
  const [major, minor, patch] = [Number(m[1]), Number(m[2]), Number(m[3] ?? 0)];
  if (!exists(major, minor)) {
    const hint = nearest(major, minor, undefined);
    return { ok: false, error: `unknown era "${trimmed}": known are ${FIRST} to ${LAST}; nearest: ${hint}` };
  }
  return { ok: true, era: { ...build(major, minor, patch), changes: [] } };
}

/** As parseEra, for text written in source code: throws on an unknown era. */
export function era(text: string): Era {
  const r = parseEra(text);
  if (!r.ok) throw new Error(r.error);
  return r.era;
}

function exists(major: number, minor: number): boolean {
  const last = LAST_MINOR.get(major);
  return last !== undefined && minor <= last && (major > 4 || minor >= 4);
}

function nearest(major: number, minor: number, patch: string | undefined): string {
  if (exists(major, minor)) return patch === undefined ? `${major}.${minor}` : `${major}.${minor}.${patch}`;
  if (major < 4 || (major === 4 && minor < 4)) return FIRST;
  const last = LAST_MINOR.get(major);
  return last === undefined ? LAST : `${major}.${last}`;
}

function build(major: number, minor: number, patch: number): Omit<Era, "changes"> {
  const at = { major, minor, patch };
  const features = Object.fromEntries(
    Object.entries(HISTORIES).map(([name, h]) => [name, valueAt(h as History<unknown>, at)]),
  ) as unknown as EraFeatures;
  return { release: `${major}.${minor}.${patch}`, ...at, features: Object.freeze(features) };
}

type Place = Pick<Era, "major" | "minor" | "patch">;

/** Whether the change is in the release: mainline before or at its branch, a backport on its own branch only. */
function reached(c: Change<unknown>, at: Place): boolean {
  if (c.patch !== undefined) return c.major === at.major && c.minor === at.minor && at.patch >= c.patch;
  return c.major < at.major || (c.major === at.major && c.minor <= at.minor);
}

function lastChange<T>(h: History<T>, at: Place): Change<T> | undefined {
  const mainline = h.changes.filter((c) => c.patch === undefined && reached(c, at)).at(-1);
  return h.changes.filter((c) => c.patch !== undefined && reached(c, at)).at(-1) ?? mainline;
}

/** The value of a history in a release. @internal */
export function valueAt<T>(h: History<T>, at: Place): T {
  const c = lastChange(h, at);
  return c === undefined ? h.first : c.value;
}

/**
 * Switches whose value here rests on a point nobody verified: an unverified backport of this very branch, or an unverified
 * mainline point no more than one release away.
 */
export function unverifiedFeatures(e: Era): readonly FeatureName[] {
  const names = Object.keys(HISTORIES) as FeatureName[];
  return names.filter((name) => HISTORIES[name].changes.some((c) => c.unverified && rests(c, e)));
}

function rests(c: Change<unknown>, e: Era): boolean {
  if (c.major !== e.major) return false;
  return c.patch === undefined ? Math.abs(c.minor - e.minor) <= 1 : c.minor === e.minor && e.patch > 0;
}

/** A change to the kernel that a user can add to an era or take out of one. */
export interface Fix {
  readonly id: string;
  /** Undefined: never merged. */
  readonly commit?: string;
  readonly title: string;
  /** What the fix sets, and what the switch is without it. */
  readonly sets: readonly FixSwitch[];
}

type FixSwitch = {
  readonly [K in FeatureName]: readonly [K, withFix: EraFeatures[K], without: EraFeatures[K]];
}[FeatureName];

/** Every fix with a name; where it is merged follows from the histories of the switches it sets. @since 0.2.0 */
export const fixes: readonly Fix[] = [
  {
    id: "prealloc-pte",
    commit: "63f3655f9501",
    title: "mm, memcg: fix reclaim deadlock with writeback",
    sets: [["preallocPte", true, false]],
  },
  {
    id: "finish-fault-prealloc",
    commit: "e4dc3489143f",
    title: "mm: fix the deadlock in finish_fault()",
    sets: [["finishFaultUsesPrealloc", true, false]],
  },
  { id: "nofs-pte", title: "allocate page tables with GFP_NOFS", sets: [["pteAllocNofs", true, false]] },
  {
    id: "submit-before-lock",
    title: "Ext4: fix deadlock on dirty pages between fault and writeback (RFC, October 2018)",
    sets: [["submitBeforeLock", true, false]],
  },
  {
    id: "wb-lock-cookie",
    commit: "2e898e4c0a38",
    title: "writeback: safer lock nesting",
    sets: [["wbLockCookie", true, false]],
  },
  {
    id: "no-cyclic-wrap",
    commit: "64081362e8ff",
    title: "mm/page-writeback.c: fix range_cyclic writeback vs writepages deadlock",
    sets: [["rangeCyclicWrapInOneCall", false, true]],
  },
  {
    id: "memcg-oom-unwind",
    commit: "3812c8c8f395",
    title: "mm: memcg: do not trap chargers with full callstack on OOM",
    sets: [["memcgOomUnwinds", true, false]],
  },
  {
    id: "oom-victims-not-frozen",
    commit: "51fae6da640e",
    title: "freezer: Do not freeze tasks killed by OOM killer",
    sets: [["oomVictimsNotFrozen", true, false]],
  },
  {
    id: "zonelist-update-guarded",
    commit: "1007843a9190",
    title: "mm/page_alloc: fix potential deadlock on zonelist_update_seq seqlock",
    sets: [["zonelistUpdateGuarded", true, false]],
  },
  {
    id: "ext4-sync-handle-last",
    commit: "646caa9c8e19",
    title: "ext4: fix deadlock during page writeback",
    sets: [["ext4StopsSyncHandleLast", true, false]],
  },
  {
    id: "sysfs-store-noio",
    commit: "7c0be4ead1f8",
    title: "block: mark GFP_NOIO around sysfs ->store()",
    sets: [["sysfsStoreNoio", true, false]],
  },
  {
    id: "freeze-noio",
    commit: "1e1a9cecfab3",
    title: "block: force noio scope in blk_mq_freeze_queue",
    sets: [["freezeIsNoio", true, false]],
  },
  {
    id: "nofs-memcg-oom",
    commit: "f9c645621a28",
    title: "memcg, oom: don't require __GFP_FS when invoking memcg OOM killer",
    sets: [["nofsMemcgOomKills", true, false]],
  },
  {
    id: "no-dying-force",
    commit: "a4ebf1b6ca1e",
    title: "memcg: prohibit unconditional exceeding the limit of dying tasks",
    sets: [
      ["dyingForce", false, true],
      ["nofailBeforeOom", false, true],
    ],
  },
  {
    id: "v1-dirty-throttle",
    commit: "81a70c21d917",
    title: "mm/cgroup/reclaim: fix dirty pages throttling on cgroup v1",
    sets: [["v1DirtyThrottle", true, false]],
  },
  {
    id: "skip-deadlockable-mappings",
    commit: "0c4f8ed498ce",
    title: "mm: skip folio reclaim in legacy memcg contexts for deadlockable mappings",
    sets: [["skipsDeadlockableMappings", true, false]],
  },
  {
    id: "fuse-no-copies",
    commit: "0c58a97f919c",
    title: "fuse: remove tmp folio for writebacks and internal rb tree",
    sets: [["fuseTemporaryPages", false, true]],
  },
  {
    id: "dm-snap-unlocked-throttle",
    commit: "b21555786f18",
    title: "dm snapshot: rework COW throttling to fix deadlock",
    sets: [["dmSnapCowThrottle", "in_progress", "semaphore"]],
  },
  {
    id: "pr-set-io-flusher",
    commit: "8d19f1c8e193",
    title: "prctl: PR_{G,S}ET_IO_FLUSHER to support controlling memory reclaim",
    sets: [["prSetIoFlusher", true, false]],
  },
  {
    id: "drain-rescuer",
    commit: "ce612879ddc7",
    title: "mm: move pcp and lru-pcp draining into single wq",
    sets: [["pcpDrain", "mm_percpu_wq", "system_wq"]],
  },
  {
    id: "nfs-release-no-wait",
    commit: "cce0be6eb497",
    title: "NFS: Fix a deadlock involving nfs_release_folio()",
    sets: [["nfsReleaseFolio", "starts", "waits"]],
  },
  {
    id: "writepages-nofs",
    commit: "00d873c17e29",
    title: "ext4: avoid deadlock in fs reclaim with page writeback",
    sets: [["writepagesRwsemNofs", true, false]],
  },
  {
    id: "high-gfp",
    commit: "9ea9cb00a82b",
    title: "mm: memcontrol: fix GFP_NOFS recursion in memory.high enforcement",
    sets: [["highUsesCallerGfp", true, false]],
  },
  {
    id: "erofs-xa-lock",
    commit: "57bbeacdbee7",
    title: "erofs: fix deadlock when shrink erofs slab",
    sets: [["erofsReleaseUnderXaLock", true, false]],
  },
  {
    id: "loop-noio",
    commit: "d0a255e795ab",
    title: "loop: set PF_MEMALLOC_NOIO for the worker thread",
    sets: [["loopWorkerNoio", true, false]],
  },
  {
    id: "bufio-trylock",
    commit: "bd293d071ffe",
    title: "dm bufio: fix deadlock with loop device",
    sets: [["dmBufioShrinkTrylock", true, false]],
  },
  {
    id: "no-throttle-vm-writeout",
    commit: "bf48438354a7",
    title: "mm, vmscan: get rid of throttle_vm_writeout",
    sets: [["throttleVmWriteout", false, true]],
  },
  {
    id: "less-throttle-dm-crypt",
    title: "PF_LESS_THROTTLE while kcryptd encrypts (Hocko, 14 July 2016)",
    sets: [["kcryptdLessThrottle", true, false]],
  },
  {
    id: "less-throttle-mempool",
    title: "PF_LESS_THROTTLE in mempool_alloc() (Hocko, 14 July 2016)",
    sets: [["mempoolLessThrottle", true, false]],
  },
  {
    id: "throttle-honours-less-throttle",
    title:
      "mm, mempool: do not throttle PF_LESS_THROTTLE tasks (Hocko, 18 July 2016), its half in throttle_vm_writeout()",
    sets: [["throttleHonoursLessThrottle", true, false]],
  },
  {
    id: "noretry-no-throttle",
    title: "throttle_vm_writeout() lets __GFP_NORETRY pass (Patocka, 12 July 2016)",
    sets: [["noretryNotThrottled", true, false]],
  },
  {
    id: "mempool-no-direct-reclaim",
    title: "mempool_alloc() without __GFP_DIRECT_RECLAIM (Patocka, July 2016)",
    sets: [["mempoolDirectReclaim", false, true]],
  },
  {
    id: "mempool-nomemalloc",
    commit: "4e390b2b2f34",
    title: 'Revert "mm, mempool: only set __GFP_NOMEMALLOC if there are free elements"',
    sets: [["mempoolNomemalloc", true, false]],
  },
  {
    id: "account-force",
    title: "mm: memcg: introduce PF_MEMALLOC_ACCOUNTFORCE to postpone reclaim to return-to-userland path (June 2025)",
    sets: [["accountForce", true, false]],
  },
  {
    id: "account-force-jbd2",
    title: "the same, with the scope from the start of a jbd2 handle to its stop",
    sets: [
      ["accountForce", true, false],
      ["accountForceJbd2", true, false],
    ],
  },
  {
    id: "account-force-ext4",
    title: "the same, with the scope in ext4's start and stop of handles, which nest",
    sets: [
      ["accountForce", true, false],
      ["accountForceExt4", true, false],
    ],
  },
  {
    id: "account-force-nests",
    title: "memalloc_account_force_restore() takes what save gave, so that scopes nest",
    sets: [["accountForceNests", true, false]],
  },
  {
    id: "account-force-any-debt",
    title: "mem_cgroup_handle_over_max() calls the OOM killer whatever is left of the debt",
    sets: [["accountForceAnyDebt", true, false]],
  },
  {
    id: "nofail-without-reclaim",
    title: "__getblk: __GFP_NOFAIL without __GFP_DIRECT_RECLAIM (rejected in the text of account-force)",
    sets: [["nofailWithoutReclaim", true, false]],
  },
];

/** Whether the fix is in the era, merged, backported or added. */
export function hasFix(e: Era, id: string): boolean {
  return fixes.some((f) => f.id === id && f.sets.every(([name, value]) => e.features[name] === value));
}

/** Where a fix was merged: mainline first, then the stable releases; empty for a proposal. `?` marks what was not verified. */
export function mergedIn(fix: Fix): readonly string[] {
  const points = fix.sets.flatMap(([name, value]) =>
    (HISTORIES[name].changes as readonly Change<unknown>[]).filter((c) => c.value === value),
  );
  const seen = new Map(points.map((c) => [`${c.at}${c.unverified ? "?" : ""}`, c]));
  return [...seen].sort(([, a], [, b]) => place(a) - place(b)).map(([text]) => text);
}

/** Mainline sorts before stable. */
function place(c: Change<unknown>): number {
  return (c.patch === undefined ? 0 : 1e9) + c.major * 1e7 + c.minor * 1e4 + (c.patch ?? 0);
}

/** `--fix NAME`: the era with the fix, which must not be there yet. @since 0.2.0 */
export function withFix(e: Era, id: string): EraResult {
  const fix = fixes.find((f) => f.id === id);
  if (fix === undefined) return unknownFix(id);
  if (hasFix(e, id)) return { ok: false, error: `fix "${id}" is in ${e.release} already (${whereMerged(fix)})` };
  return changed(e, `+${id}`, Object.fromEntries(fix.sets.map(([name, value]) => [name, value])));
}

/** `--revert NAME`: the era without the fix, which must be merged there. @since 0.2.0 */
export function withoutFix(e: Era, id: string): EraResult {
  const fix = fixes.find((f) => f.id === id);
  if (fix === undefined) return unknownFix(id);
  if (!hasFix(e, id))
    return { ok: false, error: `fix "${id}" cannot be reverted in ${e.release}: ${whereMerged(fix)}` };
  return changed(e, `-${id}`, Object.fromEntries(fix.sets.map(([name, , value]) => [name, value])));
}

function whereMerged(fix: Fix): string {
  const points = mergedIn(fix);
  return points.length === 0 ? "it was never merged" : `merged in ${points.join(", ")}`;
}

function changed(e: Era, change: string, values: Partial<EraFeatures>): EraResult {
  const features = Object.freeze({ ...e.features, ...values });
  return { ok: true, era: { ...e, features, changes: [...e.changes, change] } };
}

function unknownFix(id: string): EraResult {
  return { ok: false, error: `unknown fix "${id}"; known: ${fixes.map((f) => f.id).join(", ")}` };
}

/** As it is written in reports: `6.1.192 -prealloc-pte`. */
export function eraName(e: Era): string {
  return [e.release, ...e.changes].join(" ");
}
