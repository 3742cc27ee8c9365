/**
 * How a model stack prints in an era. A model function has the newest kernel name in camelCase; this table has the names it
 * had before, and the eras in which compilers inline it or it does not exist. Functions without a row print in snake_case.
 *
 * Sources: spec/kernel/13 (templates), the two stacks of documents/memcg-writeback-abba.txt (4.20.0), logs of the lab's
 * 6.1.192. Inlining differs between builds; `LAB_INLINED` is what the lab's compiler did on top of the table.
 */
import { type Era, type History, history, valueAt } from "./era.ts";

type Name = string | undefined;
type Point = readonly [since: string, name: Name];

const names = (first: Name, ...points: readonly Point[]): History<Name> => history<Name>(first, ...points);
/** The page and the folio name (5.16). */
const folio = (page: Name, now: string): History<Name> => names(page, ["5.16", now]);
const since = (at: string, now: string): History<Name> => names(undefined, [at, now]);
/** Static and inlined in every build seen. */
const INLINED = names(undefined);

const ROWS: Readonly<Record<string, History<Name>>> = {
  // mm/vmscan.c
  shrinkFolioList: names("shrink_page_list", ["6.0", "shrink_folio_list"]),
  shrinkList: INLINED,
  shrinkLruvec: names(
    "shrink_lruvec",
    ["4.5?", "shrink_zone_memcg"],
    ["4.8", "shrink_node_memcg"],
    ["5.5", "shrink_lruvec"],
  ),
  shrinkNodeMemcgs: INLINED,
  shrinkNode: names("shrink_zone", ["4.8", "shrink_node"]),
  shrinkZones: INLINED,
  afterWalk: INLINED,
  isolatedTooMany: INLINED,
  wakeFlushers: INLINED,
  throttle: INLINED,
  releasePrivate: names("try_to_release_page", ["5.18?", "filemap_release_folio"]),

  // mm/memcontrol.c
  tryChargeMemcg: names("try_charge", ["5.13", "try_charge_memcg"]),
  tryCharge: INLINED,
  chargeMemcg: since("5.14", "charge_memcg"),
  __memCgroupCharge: names("mem_cgroup_try_charge", ["5.8", "mem_cgroup_charge"], ["5.14", "__mem_cgroup_charge"]),
  objCgroupChargePages: names(
    "__memcg_kmem_charge_memcg",
    ["4.5", "memcg_kmem_charge_memcg"],
    ["5.1?", "__memcg_kmem_charge_memcg"],
    ["5.7?", "__memcg_kmem_charge"],
    ["5.13", "obj_cgroup_charge_pages"],
  ),
  __memcgKmemChargePage: names(
    "__memcg_kmem_charge",
    ["4.5", "memcg_kmem_charge"],
    ["5.1?", "__memcg_kmem_charge"],
    ["5.7?", "__memcg_kmem_charge_page"],
  ),
  objCgroupCharge: since("5.9", "obj_cgroup_charge"),
  memCgroupOom: INLINED,
  resumeUserModeWork: names("exit_to_usermode_loop", ["5.9", "exit_to_user_mode_prepare"]),
  overHighInCharge: INLINED,
  reclaimHigh: INLINED,
  __folioMemcgUnlock: names(undefined, ["4.13?", "__unlock_page_memcg"], ["5.16", "__folio_memcg_unlock"]),
  // kernel/cgroup, mm/memcontrol.c: control files
  writeFile: INLINED,
  readFile: INLINED,
  writeV1: INLINED,
  writeV2: INLINED,
  reclaimDownTo: INLINED,
  memCgroupResizeMax: names("mem_cgroup_resize_limit", ["4.18?", "mem_cgroup_resize_max"]),
  cgroupProcsWrite: names("__cgroup_procs_write", ["4.14?", "__cgroup1_procs_write"]),
  folioMemcgLock: names("mem_cgroup_begin_page_stat", ["4.6", "lock_page_memcg"], ["5.16", "folio_memcg_lock"]),
  folioMemcgUnlock: names("mem_cgroup_end_page_stat", ["4.6", "unlock_page_memcg"], ["5.16", "folio_memcg_unlock"]),

  // mm/page_alloc.c, mm/mempolicy.c
  __allocPages: names(
    "__alloc_pages_nodemask",
    ["5.13", "__alloc_pages"],
    ["6.10", "__alloc_pages_noprof"],
    ["6.14?", "__alloc_frozen_pages_noprof"],
  ),
  allocPages: names("alloc_pages_current", ["5.14", "alloc_pages"], ["6.10", "alloc_pages_noprof"]),
  __allocPagesSlowpath: since("4.8", "__alloc_pages_slowpath"),

  // mm/filemap.c, mm/page-writeback.c, mm/truncate.c
  folioLock: folio("__lock_page", "__folio_lock"),
  __folioLock: folio("__lock_page", "__folio_lock"),
  folioLockKillable: folio("__lock_page_killable", "__folio_lock_killable"),
  folioUnlock: folio("unlock_page", "folio_unlock"),
  folioWaitWriteback: names("wait_on_page_bit", ["5.2", "wait_on_page_writeback"], ["5.16", "folio_wait_writeback"]),
  folioEndWriteback: folio("end_page_writeback", "folio_end_writeback"),
  __folioEndWriteback: folio("test_clear_page_writeback", "__folio_end_writeback"),
  __folioStartWriteback: folio("__test_set_page_writeback", "__folio_start_writeback"),
  folioCancelDirty: INLINED,
  __folioCancelDirty: names("cancel_dirty_page", ["4.15?", "__cancel_dirty_page"], ["5.16", "__folio_cancel_dirty"]),
  folioMarkDirty: folio("set_page_dirty", "folio_mark_dirty"),
  folioClearDirtyForIo: folio("clear_page_dirty_for_io", "folio_clear_dirty_for_io"),
  folioAccountRedirty: folio("account_page_redirty", "folio_account_redirty"),
  __filemapGetFolio: folio("pagecache_get_page", "__filemap_get_folio"),
  filemapAddFolio: folio("add_to_page_cache_lru", "filemap_add_folio"),
  __filemapAddFolio: folio("__add_to_page_cache_locked", "__filemap_add_folio"),
  truncateInodeFolio: folio("truncate_inode_page", "truncate_inode_folio"),
  truncateCleanupFolio: names(undefined, ["4.15?", "truncate_cleanup_page"], ["5.16", "truncate_cleanup_folio"]),
  writeCachePages: names("write_cache_pages", ["6.9?", "writeback_iter"]),
  folioPrepareWriteback: INLINED,
  blockDirtyFolio: names("__set_page_dirty_buffers", ["5.18", "block_dirty_folio"]),
  lockFolioMaybeDropMmap: INLINED,
  folioWaitLocked: folio("wait_on_page_bit", "folio_wait_bit"),
  folioWaitLockedKillable: folio("wait_on_page_bit_killable", "folio_wait_bit_killable"),
  filemapReadFolio: since("5.16", "filemap_read_folio"),
  submitRead: INLINED,
  forcePageCacheRa: names("force_page_cache_readahead", ["5.10?", "force_page_cache_ra"]),
  pageCacheRaUnbounded: names("__do_page_cache_readahead", ["5.8", "page_cache_ra_unbounded"]),
  invalidateLocked: INLINED,
  folioBatchRelease: INLINED,

  // mm/memory.c, arch/x86
  allocSetPte: names(undefined, ["4.8", "alloc_set_pte"], ["5.12", undefined]),
  pteAllocOneMap: INLINED,
  pteAlloc: INLINED,
  newAnonPage: INLINED,
  mmFaultError: INLINED,
  releaseFaultLock: INLINED,
  userPageFault: INLINED,
  finishFault: since("5.0", "finish_fault"),
  doReadFault: INLINED,
  doCowFault: INLINED,
  doSharedFault: INLINED,
  handlePteFault: INLINED,
  __handleMmFault: since("5.0", "__handle_mm_fault"),
  lockMmAndFindVma: names(
    undefined,
    ["6.5", "lock_mm_and_find_vma"],
    ["6.1.37", "lock_mm_and_find_vma"],
    ["6.3.11?", "lock_mm_and_find_vma"],
    ["6.4.1?", "lock_mm_and_find_vma"],
  ),
  mmapReadLock: INLINED,
  mmapWriteLock: INLINED,
  doUserAddrFault: names("__do_page_fault", ["5.8", "do_user_addr_fault"]),
  excPageFault: names("do_page_fault", ["5.8", "exc_page_fault"]),
  asmExcPageFault: names("page_fault", ["5.8", "asm_exc_page_fault"]),
  doSyscall64: since("4.15?", "do_syscall_64"),

  // fs
  wbDoWriteback: INLINED,
  ext4DoWritepages: since("6.3", "ext4_do_writepages"),
  ext4WritepagesDownRead: INLINED,
  percpuDownRead: INLINED,
  newSlab: INLINED,
  clearInode: INLINED,
  inodeWaitForWriteback: names("inode_wait_for_writeback"),
  dentryUnlinkInode: names("dentry_iput", ["4.8?", "dentry_unlink_inode"]),
  ext4Fault: INLINED,
  ext4WriteExtent: INLINED,
  jbd2_JournalStart: names("jbd2__journal_start"),
  // in the commit itself up to 5.14; the stable release that took it out is not known, 5.15.135 has it
  jbd2JournalWaitUpdates: names(
    undefined,
    ["5.15.135", "jbd2_journal_wait_updates"],
    ["6.1", "jbd2_journal_wait_updates"],
  ),
  journalSubmitInodeDataBuffers: INLINED,
  jbd2JournalFinishInodeDataBuffers: names(undefined, ["5.8", "jbd2_journal_finish_inode_data_buffers"]),
  xfsFindPage: names(undefined, ["4.14?", "__xfs_filemap_fault"]),
  mpageSubmitFolio: names("mpage_submit_page", ["6.5?", "mpage_submit_folio"]),
  ext4BioWriteFolio: names("ext4_bio_write_page", ["6.4?", "ext4_bio_write_folio"]),
  iomapWritepages: since("5.6", "iomap_writepages"),
  iomapDoWritepage: names("xfs_do_writepage", ["5.6", "iomap_do_writepage"], ["6.9?", "iomap_writepage_map"]),
  iomapWritepageMap: names("xfs_writepage_map", ["5.6", "iomap_writepage_map"]),
  iomapAddToIoend: names("xfs_add_to_ioend", ["5.6", "iomap_add_to_ioend"]),
  iomapSubmitIoend: names("xfs_submit_ioend", ["5.6", "iomap_submit_ioend"]),
  iomapWritepageEndBio: names("xfs_end_bio", ["5.6", "iomap_writepage_end_bio"]),
  iomapFinishIoend: names("xfs_destroy_ioend", ["5.6", "iomap_finish_ioend"]),
  mpageProcessPageBufs: names("mpage_process_page_bufs", ["6.5?", "mpage_process_folio"]),
  ksysSync: names(undefined, ["4.17", "ksys_sync"]),
  anonPipeWrite: names("pipe_write", ["6.15?", "anon_pipe_write"]),
  nfsReleaseFolio: names("nfs_release_page", ["5.19?", "nfs_release_folio"]),
  nfsWbFolio: names("nfs_wb_page", ["6.4?", "nfs_wb_folio"]),
  fuseReplyWrite: INLINED,
  pipeReadWrite: INLINED,
  anonPipeRead: names("pipe_read", ["6.15?", "anon_pipe_read"]),
  nbdServerRecv: INLINED,
  nbdServerReply: names("unix_stream_sendmsg"),
  sockAllocSendSkb: names("sock_alloc_send_pskb"),
  waitUntilWritten: INLINED,
  growBuffers: INLINED,
  pagecacheGetPage: names(undefined, ["5.16", "pagecache_get_page"], ["6.6?", undefined]),
  __ext4MarkInodeDirty: names("ext4_mark_inode_dirty", ["5.8?", "__ext4_mark_inode_dirty"]),
  __ext4Unlink: since("5.11?", "__ext4_unlink"),
  doMkdirat: names(undefined, ["4.17", "do_mkdirat"]),
  ksysMmapPgoff: names(undefined, ["4.17", "ksys_mmap_pgoff"]),
  doMprotectPkey: names(undefined, ["4.9?", "do_mprotect_pkey"]),
  vmAreaDup: since("4.19", "vm_area_dup"),
  kmemCacheAllocVma: names("kmem_cache_alloc", ["6.10", "kmem_cache_alloc_noprof"]),
  beginHandle: INLINED,
  ext4FsyncJournal: INLINED,
  bdevGetblk: names("__getblk_gfp", ["6.7", "bdev_getblk"]),
  waitOnBuffer: names("__wait_on_buffer"),
  lockBuffer: names("__lock_buffer"),
  doSysOpenat2: names("do_sys_open", ["5.6", "do_sys_openat2"]),

  // fs/btrfs
  btrfsUpdateDelayedInode: INLINED,
  iterateDir: names("iterate_dir"),

  // fs/erofs
  zErofsReadFolio: names(
    "z_erofs_vle_normalaccess_readpage",
    ["5.4?", "z_erofs_readpage"],
    ["5.19", "z_erofs_read_folio"],
  ),
  zErofsRegisterPcluster: names("z_erofs_register_collection", ["5.17?", "z_erofs_register_pcluster"]),
  zErofsAllocPcluster: INLINED,
  xaErase: names("xa_erase"),

  // mm/mempool.c, drivers/md/dm-crypt.c; what crypt_alloc_buffer() is part of: the stack in commit bf48438354a7
  allocElement: INLINED,
  bioPutClone: INLINED,
  cryptAllocBuffer: names(undefined, ["4.9?", "crypt_alloc_buffer"]),
  fillClone: INLINED,
  kcryptdCryptWriteConvert: INLINED,
  kcryptdCryptReadConvert: INLINED,
  kcryptdCryptWriteIoSubmit: INLINED,
  kcryptdIoWrite: INLINED,
  cryptDecPending: names("crypt_dec_pending"),
  cloneEndio: names("clone_endio"),
  // mm/swap_state.c, mm/page_io.c, mm/memory.c
  addToSwapCache: INLINED,
  mapLocked: INLINED,
  swapCacheGetFolio: folio("lookup_swap_cache", "swap_cache_get_folio"),
  __lockPageOrRetry: folio("__lock_page_or_retry", "__folio_lock_or_retry"),
  swapReadpage: names("swap_readpage", ["6.5?", "swap_read_folio"]),
  deleteFromSwapCache: folio("delete_from_swap_cache", "delete_from_swap_cache"),

  // block, drivers/block/loop.c, drivers/md/dm-bufio.c, fs/direct-io.c
  loopKthreadWorkerFn: names("loop_kthread_worker_fn", ["5.14?", "worker_thread"]),
  kthreadWorkerFn: names("kthread_worker_fn", ["5.14?", "process_one_work"]),
  loopQueueWork: names("loop_queue_work", ["5.14?", "loop_process_work"]),
  __genericFileDirectWrite: names("generic_file_direct_write", ["5.5", undefined]),
  ext4DirectIo: names("ext4_direct_IO", ["5.5", undefined]),
  __blockdevDirectIo: names("__blockdev_direct_IO", ["5.5", "iomap_dio_rw"]),
  doBlockdevDirectIo: names("do_blockdev_direct_IO", ["5.5", "__iomap_dio_rw"]),
  dmBufioLockedCount: names("dm_bufio_shrink_count"),
  dmBufioShrinkLock: INLINED,
  // block
  __bioQueueEnter: names("blk_queue_enter", ["5.12?", "bio_queue_enter"], ["5.16?", "__bio_queue_enter"]),
  elvIoschedStore: names("elv_iosched_store"),
  shrinkAnon: INLINED,
  submitBioNoacctNocheck: names(
    "generic_make_request",
    ["5.9", "submit_bio_noacct"],
    ["5.18?", "submit_bio_noacct_nocheck"],
  ),
  writeOrigin: INLINED,
  submitOriginBio: names("submit_bio"),
  submitBioNoacct: names("generic_make_request", ["5.9", "submit_bio_noacct"]),
  dmSubmitBio: names("dm_make_request", ["5.9", "dm_submit_bio"]),
  // a tail call in the stacks of 4.4.184
  originMap: INLINED,
  retryOriginBios: INLINED,
  blkMqSubmitBio: names("blk_mq_make_request", ["5.9", "blk_mq_submit_bio"]),
  blkDoneSoftirq: names("blk_done_softirq", ["5.11?", "blk_complete_reqs"]),
  plugFlushOnSleep: INLINED,

  // kernel
  tryToFreeze: INLINED,
  readSeqbegin: INLINED,
  zonelistIterBegin: INLINED,
  printk: names("printk", ["5.15", "_printk"]),
  spinLock: names("_raw_spin_lock"),
  spinLockIrq: names("_raw_spin_lock_irq"),
  spinLockIrqsave: names("_raw_spin_lock_irqsave"),
  spinUnlockIrq: names("_raw_spin_unlock_irq"),
  spinUnlockIrqrestore: names("_raw_spin_unlock_irqrestore"),
};

/** Frames of the table that the lab's 6.1.192 builds inline or tail-call: its logs lack them. @internal */
export const LAB_INLINED: ReadonlySet<string> = new Set([
  "shrink_inactive_list",
  "obj_cgroup_charge_pages",
  "alloc_pages",
  "do_fault",
  "down_read",
  "down_write",
]);

/**
 * The name of a model function in a stack of the era; undefined where it is inlined or does not exist.
 *
 * @example kernelName("shrinkFolioList", era("4.20")) // "shrink_page_list"
 * @since 0.2.0
 */
export function kernelName(fn: string, e: Era): string | undefined {
  const row = Object.hasOwn(ROWS, fn) ? ROWS[fn] : undefined;
  if (row !== undefined) return valueAt(row, e);
  const syscall = /^__x64Sys(.+)$/.exec(fn)?.[1];
  if (syscall !== undefined) {
    // commit fa697140f9a2 ("syscalls/x86: Use 'struct pt_regs' based syscall calling convention for 64-bit syscalls") (v4.17)
    const name = snakeCase(syscall).replace(/^_/, "");
    return valueAt(names(`SyS_${name}`, ["4.17", `__x64_sys_${name}`]), e);
  }
  return snakeCase(fn);
}

/** Leading underscores stay, digits start no word: `__pteAlloc` -> `__pte_alloc`, `ext4Writepages` -> `ext4_writepages`. */
function snakeCase(fn: string): string {
  return fn.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
}

/** What a context sleeps for or spins on. */
export type WaitKind =
  | "writeback"
  | "page_lock"
  | "congestion"
  | "down_read"
  | "down_write"
  | "percpu_rwsem"
  | "mutex"
  | "buffer"
  | "buffer_lock"
  | "spin"
  | "busy"
  | "schedule_timeout"
  | "io_schedule"
  | "schedule";

/** Frames of one kind by era, innermost first. */
type Frames = History<readonly string[]>;
const frames = (first: readonly string[], ...points: readonly (readonly [string, readonly string[]])[]): Frames =>
  history<readonly string[]>(first, ...points);

/** `__schedule` is in dumps since the unwinder starts at the saved frame (4.9 [M]; spec 13: about 4.15). */
const SCHEDULE = frames(["schedule"], ["4.9?", ["__schedule", "schedule"]]);
/** `io_schedule` was an inline over `io_schedule_timeout` until commit 10ab56434f2f (v4.11) [M]. */
const IO_SCHEDULE = frames(["schedule_timeout", "io_schedule_timeout"], ["4.11?", ["io_schedule"]]);

/** What stands between the scheduler and the model function that waits; spec 13.2. */
const TOPS: Readonly<Record<WaitKind, { readonly io?: true; readonly spins?: true; readonly above: Frames }>> = {
  // wait_on_page_bit_common is inlined from 4.10 to 5.15.
  writeback: {
    io: true,
    above: frames(
      ["bit_wait_io", "__wait_on_bit"],
      ["4.10", []],
      ["5.2", ["wait_on_page_bit"]],
      ["5.16", ["folio_wait_bit_common"]],
    ),
  },
  page_lock: {
    io: true,
    above: frames(["bit_wait_io", "__wait_on_bit_lock"], ["4.10", []], ["5.16", ["folio_wait_bit_common"]]),
  },
  congestion: {
    above: frames(["schedule_timeout", "io_schedule_timeout"], ["5.16", ["schedule_timeout"]]),
  },
  down_read: {
    above: frames(
      ["rwsem_down_read_failed", "call_rwsem_down_read_failed"],
      ["5.1", ["rwsem_down_read_failed"]],
      ["5.3", ["rwsem_down_read_slowpath"]],
      ["5.14", ["schedule_preempt_disabled", "rwsem_down_read_slowpath"]],
    ),
  },
  down_write: {
    above: frames(
      ["rwsem_down_write_failed", "call_rwsem_down_write_failed"],
      ["5.1", ["rwsem_down_write_failed"]],
      ["5.3", ["rwsem_down_write_slowpath"]],
      ["6.3?", ["schedule_preempt_disabled", "rwsem_down_write_slowpath"]],
    ),
  },
  percpu_rwsem: {
    above: frames(
      ["rwsem_down_read_failed", "call_rwsem_down_read_failed"],
      ["5.1", ["rwsem_down_read_failed"]],
      ["5.3", ["rwsem_down_read_slowpath"]],
      ["5.7", ["percpu_rwsem_wait"]],
    ),
  },
  mutex: {
    above: frames(
      ["schedule_preempt_disabled", "__mutex_lock_slowpath"],
      ["4.10?", ["schedule_preempt_disabled", "__mutex_lock", "__mutex_lock_slowpath"]],
    ),
  },
  buffer: { io: true, above: frames(["bit_wait_io", "__wait_on_bit", "out_of_line_wait_on_bit"]) },
  buffer_lock: { io: true, above: frames(["bit_wait_io", "__wait_on_bit_lock", "out_of_line_wait_on_bit_lock"]) },
  spin: {
    spins: true,
    above: frames(["queued_spin_lock_slowpath"], ["5.0?", ["native_queued_spin_lock_slowpath"]]),
  },
  // a loop of its own that asks again and again
  // a loop in the function itself: read_seqbegin() and the like are inline
  busy: { spins: true, above: frames([]) },
  schedule_timeout: { above: frames(["schedule_timeout"]) },
  io_schedule: { io: true, above: frames([]) },
  schedule: { above: frames([]) },
};

/**
 * Frames above the model function that waits, innermost first, as hung_task and SysRq print them. The function itself is
 * the caller's: `folioWaitWriteback`, `folioLock`, `congestionWait` or `reclaimThrottle`, `downRead`, `mutexLock`,
 * `waitOnBuffer`, `lockBuffer`, `spinLockIrqsave`, or whoever calls `schedule_timeout()`.
 *
 * @example waitTop("page_lock", era("6.1")) // ["__schedule", "schedule", "io_schedule", "folio_wait_bit_common"]
 * @since 0.2.0
 */
export function waitTop(kind: WaitKind, e: Era): readonly string[] {
  const top = TOPS[kind];
  const above = valueAt(top.above, e);
  if (top.spins) return above;
  return [...valueAt(SCHEDULE, e), ...(top.io ? valueAt(IO_SCHEDULE, e) : []), ...above];
}

/** How a context came into the kernel. `irq` and `softirq` print on top of the stack they interrupt. */
export type EntryKind = "page_fault" | "syscall" | "kworker" | "kthread" | "irq" | "softirq";

const KTHREAD = frames(["kthread", "ret_from_fork"], ["6.6", ["kthread", "ret_from_fork", "ret_from_fork_asm"]]);
const ENTRIES: Readonly<Record<EntryKind, Frames>> = {
  page_fault: frames(["do_page_fault", "page_fault"], ["5.8", ["exc_page_fault", "asm_exc_page_fault"]]),
  // The assembler fast path went in 4.16 (commit 21d375b6b34f [M]); the name of the slow path is of 4.15.
  syscall: frames(["entry_SYSCALL_64_fastpath"], ["4.15?", ["do_syscall_64", "entry_SYSCALL_64_after_hwframe"]]),
  kworker: frames([]),
  kthread: frames([]),
  irq: frames(["do_IRQ", "common_interrupt"], ["5.8", ["common_interrupt", "asm_common_interrupt"]]),
  softirq: frames(
    ["__do_softirq", "irq_exit", "do_IRQ", "common_interrupt"],
    ["5.8", ["__do_softirq", "irq_exit_rcu", "common_interrupt", "asm_common_interrupt"]],
    ["5.12?", ["__do_softirq", "__irq_exit_rcu", "common_interrupt", "asm_common_interrupt"]],
    ["6.9?", ["handle_softirqs", "__irq_exit_rcu", "common_interrupt", "asm_common_interrupt"]],
  ),
};

/**
 * The outermost frames, innermost first: below `do_user_addr_fault` (or its elder `__do_page_fault`), the `__x64_sys_`
 * function, the work function, the thread function, or what the model runs in the interrupt.
 *
 * @example entryFrames("kworker", era("4.20")) // ["process_one_work", "worker_thread", "kthread", "ret_from_fork"]
 * @since 0.2.0
 */
export function entryFrames(kind: EntryKind, e: Era): readonly string[] {
  switch (kind) {
    case "kworker":
      return ["process_one_work", "worker_thread", ...valueAt(KTHREAD, e)];
    case "kthread":
      return valueAt(KTHREAD, e);
    default:
      return valueAt(ENTRIES[kind], e);
  }
}

/**
 * Functions in the section `.sched.text` (`__sched`): /proc/PID/stack leaves them out wherever they stand
 * (kernel/stacktrace.c:stack_trace_consume_entry_nosched).
 */
const SCHED_TEXT =
  /^(__schedule|schedule|io_schedule|schedule_timeout|io_schedule_timeout|schedule_preempt_disabled|bit_wait(_io)?|__wait_on_bit(_lock)?|out_of_line_wait_on_bit(_lock)?|rwsem_down_(read|write)_(failed|slowpath)|down_(read|write)(_killable)?|__percpu_down_read|percpu_down_write|__mutex_lock(_slowpath)?|mutex_lock(_killable|_io)?)$/;

/** The stack as /proc/PID/stack prints it, which is also how the document of `memcg-writeback-abba` does. */
export function procStack(stack: readonly string[]): readonly string[] {
  return stack.filter((frame) => !SCHED_TEXT.test(frame));
}

/** Model functions (innermost first) with the frames around them. A convenience for reports and tests. @internal */
export function stackNames(top: WaitKind, fns: readonly string[], entry: EntryKind, e: Era): readonly string[] {
  const printed = fns.map((fn) => kernelName(fn, e)).filter((name) => name !== undefined);
  return [...waitTop(top, e), ...printed, ...entryFrames(entry, e)];
}
