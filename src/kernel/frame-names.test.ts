import { describe, expect, it } from "vitest";
import { type Era, era } from "./era.ts";
import {
  type EntryKind,
  entryFrames,
  kernelName,
  LAB_INLINED,
  procStack,
  stackNames,
  type WaitKind,
  waitTop,
} from "./frame-names.ts";

const RECLAIM = [
  "folioWaitWriteback",
  "shrinkFolioList",
  "shrinkInactiveList",
  "shrinkList",
  "shrinkLruvec",
  "shrinkNodeMemcgs",
  "shrinkNode",
  "shrinkZones",
  "doTryToFreePages",
  "tryToFreeMemCgroupPages",
  "tryChargeMemcg",
];
const CHARGE_PAGE_TABLE = [
  "objCgroupChargePages",
  "__memcgKmemChargePage",
  "__allocPages",
  "allocPages",
  "pteAllocOne",
];
const WRITE_FAULT = [
  "__pteAlloc",
  "allocSetPte",
  "finishFault",
  "doSharedFault",
  "doFault",
  "handlePteFault",
  "__handleMmFault",
  "handleMmFault",
  "doUserAddrFault",
];
const FAULT = [...RECLAIM, ...CHARGE_PAGE_TABLE, ...WRITE_FAULT];
const FLUSHER_BELOW_FS = [
  "doWritepages",
  "__writebackSingleInode",
  "writebackSbInodes",
  "__writebackInodesWb",
  "wbWriteback",
  "wbDoWriteback",
  "wbWorkfn",
];
const EXT4 = ["folioLock", "mpagePrepareExtentToMap", "ext4DoWritepages", "ext4Writepages", ...FLUSHER_BELOW_FS];
const XFS = ["folioLock", "writeCachePages", "iomapWritepages", "xfsVmWritepages", ...FLUSHER_BELOW_FS];

const stack = (top: WaitKind, fns: readonly string[], entry: EntryKind, e: Era): string =>
  stackNames(top, fns, entry, e).join(" ");
const proc = (top: WaitKind, fns: readonly string[], entry: EntryKind, e: Era): readonly string[] =>
  procStack(stackNames(top, fns, entry, e));
const lab = (stack: readonly string[]): readonly string[] => stack.filter((f) => !LAB_INLINED.has(f));

describe("memcg-writeback-abba in 4.20.0", () => {
  const e = era("4.20.0");

  it("prints the faulting task as the document does", () => {
    // SOURCE: documents/memcg-writeback-abba.txt, first stack
    expect(proc("writeback", FAULT, "page_fault", e)).toEqual(
      (
        "wait_on_page_bit shrink_page_list shrink_inactive_list shrink_node_memcg shrink_node do_try_to_free_pages " +
        "try_to_free_mem_cgroup_pages try_charge memcg_kmem_charge_memcg memcg_kmem_charge __alloc_pages_nodemask " +
        "alloc_pages_current pte_alloc_one __pte_alloc alloc_set_pte do_fault handle_mm_fault __do_page_fault " +
        "do_page_fault page_fault"
      ).split(" "),
    );
  });

  it("prints the flusher as the document does", () => {
    // SOURCE: documents/memcg-writeback-abba.txt, second stack
    expect(proc("page_lock", EXT4, "kworker", e)).toEqual(
      (
        "__lock_page mpage_prepare_extent_to_map ext4_writepages do_writepages __writeback_single_inode " +
        "writeback_sb_inodes __writeback_inodes_wb wb_writeback wb_workfn process_one_work worker_thread kthread " +
        "ret_from_fork"
      ).split(" "),
    );
  });
});

describe("memcg-writeback-abba in 6.1.192", () => {
  const e = era("6.1.192");

  it("prints the faulting task as the lab's kernel does", () => {
    // SOURCE: corpus/lab/seed0-abba-strike-traced-2: hung_task report of pmdfault0, callers behind trampolines by dstacks.txt
    expect(lab(stackNames("writeback", FAULT, "page_fault", e))).toEqual(
      (
        "__schedule schedule io_schedule folio_wait_bit_common folio_wait_writeback shrink_folio_list shrink_lruvec " +
        "shrink_node do_try_to_free_pages try_to_free_mem_cgroup_pages try_charge_memcg __memcg_kmem_charge_page " +
        "__alloc_pages pte_alloc_one __pte_alloc finish_fault __handle_mm_fault handle_mm_fault do_user_addr_fault " +
        "exc_page_fault asm_exc_page_fault"
      ).split(" "),
    );
  });

  it("prints the flusher as the lab's kernel does, in the log and in /proc", () => {
    // SOURCE: corpus/lab/seed0-abba-strike-traced-2: hung_task report of kworker/u4:1 and dstacks.txt
    const log = (
      "__schedule schedule io_schedule folio_wait_bit_common __folio_lock mpage_prepare_extent_to_map ext4_writepages " +
      "do_writepages __writeback_single_inode writeback_sb_inodes __writeback_inodes_wb wb_writeback wb_workfn " +
      "process_one_work worker_thread kthread ret_from_fork"
    ).split(" ");
    expect(lab(stackNames("page_lock", EXT4, "kworker", e))).toEqual(log);
    expect(lab(proc("page_lock", EXT4, "kworker", e))).toEqual(log.slice(3));
  });

  it("prints a charge before the page is locked with __do_fault", () => {
    const healthy = [...RECLAIM, ...CHARGE_PAGE_TABLE, "__doFault", "doSharedFault", "doFault", "__handleMmFault"];
    expect(stack("writeback", healthy, "page_fault", e)).toContain(
      "pte_alloc_one __do_fault do_fault __handle_mm_fault",
    );
  });
});

describe("other eras", () => {
  it("XFS before and after iomap", () => {
    expect(proc("page_lock", XFS, "kworker", era("4.20")).slice(0, 4)).toEqual([
      "__lock_page",
      "write_cache_pages",
      "xfs_vm_writepages",
      "do_writepages",
    ]);
    expect(stack("page_lock", XFS, "kworker", era("6.12"))).toMatch(
      /^__schedule schedule io_schedule folio_wait_bit_common __folio_lock writeback_iter iomap_writepages xfs_vm_writepages do_writepages .* kthread ret_from_fork ret_from_fork_asm$/,
    );
  });

  it("the truncating CPU of wb-switch, interrupted", () => {
    const irq = ["spinLockIrqsave", "folioMemcgLock", "__folioEndWriteback", "folioEndWriteback", "ext4FinishBio"];
    expect(stack("spin", irq, "softirq", era("4.4.1"))).toBe(
      "queued_spin_lock_slowpath _raw_spin_lock_irqsave mem_cgroup_begin_page_stat test_clear_page_writeback " +
        "end_page_writeback ext4_finish_bio __do_softirq irq_exit do_IRQ common_interrupt",
    );
    expect(stack("spin", irq, "irq", era("4.16"))).toContain("lock_page_memcg test_clear_page_writeback");
    expect(kernelName("__folioCancelDirty", era("4.4.1"))).toBe("cancel_dirty_page");
    expect(kernelName("__folioCancelDirty", era("4.16"))).toBe("__cancel_dirty_page");
    expect(kernelName("truncateCleanupFolio", era("4.4.1"))).toBeUndefined();
  });

  it.each([
    ["4.4.1", "shrinkLruvec", "shrink_lruvec"],
    ["4.7.4", "shrinkLruvec", "shrink_zone_memcg"],
    ["4.7.4", "shrinkNode", "shrink_zone"],
    ["5.4", "shrinkLruvec", "shrink_node_memcg"],
    ["5.15", "shrinkLruvec", "shrink_lruvec"],
    ["5.19", "shrinkFolioList", "shrink_page_list"],
    ["5.4", "finishFault", "finish_fault"],
    ["5.15", "allocSetPte", undefined],
    ["6.1.36", "lockMmAndFindVma", undefined],
    ["6.1.37", "lockMmAndFindVma", "lock_mm_and_find_vma"],
    ["6.12", "ext4DoWritepages", "ext4_do_writepages"],
    ["4.16", "__x64SysOpen", "SyS_open"],
    ["6.1", "__x64SysPwrite64", "__x64_sys_pwrite64"],
    ["6.1", "doSyscall64", "do_syscall_64"],
    ["6.1", "__pteAlloc", "__pte_alloc"],
    ["6.1", "ext4Writepages", "ext4_writepages"],
    ["6.1", "jbd2__journalStart", "jbd2__journal_start"],
    ["6.1", "constructor", "constructor"],
  ])("%s: %s is %s", (release, fn, name) => {
    expect(kernelName(fn, era(release))).toBe(name);
  });
});

describe("tops and entries", () => {
  it.each<[string, WaitKind, string]>([
    ["4.4", "writeback", "schedule schedule_timeout io_schedule_timeout bit_wait_io __wait_on_bit"],
    ["4.20", "writeback", "__schedule schedule io_schedule"],
    ["5.4", "writeback", "__schedule schedule io_schedule wait_on_page_bit"],
    ["4.7", "congestion", "schedule schedule_timeout io_schedule_timeout"],
    ["6.1", "congestion", "__schedule schedule schedule_timeout"],
    ["4.20", "down_read", "__schedule schedule rwsem_down_read_failed call_rwsem_down_read_failed"],
    ["6.1", "down_write", "__schedule schedule rwsem_down_write_slowpath"],
    ["6.1", "mutex", "__schedule schedule schedule_preempt_disabled __mutex_lock __mutex_lock_slowpath"],
    ["6.1", "buffer", "__schedule schedule io_schedule bit_wait_io __wait_on_bit out_of_line_wait_on_bit"],
    ["6.1", "spin", "native_queued_spin_lock_slowpath"],
    ["6.1", "schedule", "__schedule schedule"],
  ])("%s %s", (release, kind, expected) => {
    expect(waitTop(kind, era(release)).join(" ")).toBe(expected);
  });

  it("entries by era", () => {
    expect(entryFrames("syscall", era("4.4"))).toEqual(["entry_SYSCALL_64_fastpath"]);
    expect(entryFrames("syscall", era("6.1"))).toEqual(["do_syscall_64", "entry_SYSCALL_64_after_hwframe"]);
    expect(entryFrames("kthread", era("6.12"))).toEqual(["kthread", "ret_from_fork", "ret_from_fork_asm"]);
    expect(entryFrames("irq", era("6.1"))).toEqual(["common_interrupt", "asm_common_interrupt"]);
  });

  it("/proc/PID/stack starts below the rwsem", () => {
    // SOURCE: corpus/lab/seed4-jbd2-memcg-v1-livelock-stock-debian: log "schedule rwsem_down_write_slowpath filename_create",
    // dstacks.txt starts at filename_create
    expect(procStack([...waitTop("down_write", era("6.1")), "down_write", "filename_create"])).toEqual([
      "filename_create",
    ]);
  });
});
