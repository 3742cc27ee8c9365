/**
 * The memory management rows against real stacks. What must come out right is the difference between stacks that look
 * alike: the same reclaim wait with and without a page lock held above it, the same primitive under different callers.
 */
import { describe, expect, it } from "vitest";
import { Interpreter } from "../interpret.ts";
import { parseRelease } from "../release.ts";
import type { Era, KnowledgeRow } from "../types.ts";
import { faultRows } from "./fault.ts";
import { lockingRows } from "./locking.ts";
import { chargeFrames, memcgReclaimFrames, memcgRows } from "./memcg.ts";
import { mempoolRows } from "./mempool.ts";
import { oomRows } from "./oom.ts";
import { pageCacheRows } from "./page-cache.ts";
import { reclaimLoopFrames, reclaimRows } from "./reclaim.ts";
import { preemptFrames, schedulerFrames, schedulerRows } from "./scheduler.ts";
import { swapRows } from "./swap.ts";
import { writebackRows } from "./writeback.ts";

const tables = { memcgRows, reclaimRows, pageCacheRows, faultRows, writebackRows, swapRows, oomRows, mempoolRows };
const mm: readonly KnowledgeRow[] = Object.values(tables).flat();
const rows = [...mm, ...lockingRows, ...schedulerRows];

interface Case {
  readonly name: string;
  /** Where the stack was seen. */
  readonly source: string;
  readonly release?: string;
  /** Innermost first, separated by blanks. */
  readonly stack: string;
  readonly state?: "idle" | "running" | "spinning";
  readonly wait?: Readonly<Record<string, unknown>>;
  /** `class` or `class:id`, with `/mode` and `=confidence` where they matter. */
  readonly holds?: readonly string[];
  readonly notHolds?: readonly string[];
  readonly doing?: string;
}

const memcgReclaim = "do_try_to_free_pages try_to_free_mem_cgroup_pages";
const asleep = "__schedule schedule io_schedule";
const flusherTail =
  "do_writepages __writeback_single_inode writeback_sb_inodes __writeback_inodes_wb wb_writeback wb_workfn process_one_work worker_thread kthread ret_from_fork";

const cases: readonly Case[] = [
  {
    name: "fault that charges a page table under PG_locked waits for writeback (the first document's task)",
    source: "documents/memcg-writeback-abba.txt",
    release: "4.20.0",
    stack: `wait_on_page_bit shrink_page_list shrink_inactive_list shrink_node_memcg shrink_node ${memcgReclaim} try_charge memcg_kmem_charge_memcg memcg_kmem_charge __alloc_pages_nodemask alloc_pages_current pte_alloc_one __pte_alloc alloc_set_pte do_fault handle_mm_fault __do_page_fault do_page_fault page_fault`,
    wait: { class: "PG_writeback", event: "end_writeback", sleep: "uninterruptible", scope: "page" },
    holds: ["PG_locked=proven", "mmap_lock/read=likely"],
    doing: "reclaims in a memory cgroup at its limit, for a charge",
  },
  {
    name: "the same wait in a healthy kernel: the page table is allocated before ->fault, no page lock",
    source: "test/cases/healthy-prealloc-traced",
    release: "6.1.192",
    stack: `${asleep} folio_wait_bit_common folio_wait_writeback shrink_folio_list shrink_lruvec shrink_node ${memcgReclaim} try_charge_memcg __memcg_kmem_charge_page __alloc_pages pte_alloc_one __do_fault __handle_mm_fault handle_mm_fault do_user_addr_fault exc_page_fault asm_exc_page_fault`,
    wait: { class: "PG_writeback", providers: ["holder", "device"] },
    notHolds: ["PG_locked", "PG_writeback"],
  },
  {
    name: "the same wait with the protection taken out: finish_fault holds the page lock",
    source: "test/cases/seed0-abba-strike-minimal",
    release: "6.1.192",
    stack: `${asleep} folio_wait_bit_common folio_wait_writeback shrink_folio_list shrink_lruvec shrink_node ${memcgReclaim} try_charge_memcg __memcg_kmem_charge_page __alloc_pages pte_alloc_one __pte_alloc finish_fault __handle_mm_fault handle_mm_fault do_user_addr_fault exc_page_fault asm_exc_page_fault`,
    wait: { class: "PG_writeback" },
    holds: ["PG_locked=proven", "mmap_lock/read=likely"],
  },
  {
    name: "its third phase before: throttled in reclaim, wakes every 0.1 s, for a charge",
    source: "test/cases/seed0-abba-strike-minimal",
    release: "6.1.192",
    stack: `__schedule schedule schedule_timeout reclaim_throttle shrink_lruvec shrink_node ${memcgReclaim} try_charge_memcg __memcg_kmem_charge_page __alloc_pages pte_alloc_one __pte_alloc finish_fault __handle_mm_fault handle_mm_fault`,
    wait: { class: "memcg_charge", sleep: "poll", any: true, seconds: 0.1, scope: "memcg" },
    holds: ["PG_locked=proven"],
  },
  {
    name: "the charge is hidden by a return probe: still a wait for the group",
    source: "test/cases/seed4-jbd2-memcg-v1-livelock-stock-traced",
    release: "6.1.0",
    stack: `__schedule schedule schedule_timeout reclaim_throttle shrink_lruvec shrink_node ${memcgReclaim} trace_clock_x86_tsc trace_clock_x86_tsc kmem_cache_alloc __alloc_file alloc_empty_file path_openat`,
    wait: { class: "memcg_charge", sleep: "poll", scope: "memcg" },
  },
  {
    name: "global direct reclaim is no charge",
    source: "spec: try_to_free_pages",
    release: "6.1.192",
    stack:
      "__schedule schedule schedule_timeout reclaim_throttle shrink_lruvec shrink_node do_try_to_free_pages try_to_free_pages __alloc_pages_slowpath __alloc_pages vma_alloc_folio do_anonymous_page __handle_mm_fault handle_mm_fault",
    wait: { class: "reclaim", sleep: "poll", scope: "global" },
  },
  {
    name: "fault-around preallocates a page table without any page lock",
    source: "spec: do_fault_around",
    release: "6.1.192",
    stack: `${asleep} folio_wait_bit_common folio_wait_writeback shrink_folio_list shrink_lruvec shrink_node ${memcgReclaim} try_charge_memcg __memcg_kmem_charge_page __alloc_pages pte_alloc_one do_fault __handle_mm_fault handle_mm_fault`,
    notHolds: ["PG_locked"],
  },
  {
    name: "flusher on a page lock, lock frame visible",
    source: "documents/memcg-writeback-abba.txt",
    release: "4.20.0",
    stack: `__lock_page mpage_prepare_extent_to_map ext4_writepages ${flusherTail}`,
    wait: { class: "PG_locked", event: "unlock", sleep: "uninterruptible" },
    holds: ["writeback_work=likely", "PG_writeback=likely", "inode_sync:I_SYNC=proven", "s_umount/read=proven"],
  },
  {
    name: "flusher on a page lock, lock function tail-called",
    source: "test/cases/control-slow-hung-reports",
    release: "6.1.192",
    stack: `${asleep} folio_wait_bit_common mpage_prepare_extent_to_map ext4_writepages ${flusherTail}`,
    wait: { class: "PG_locked" },
    holds: ["PG_writeback=likely"],
  },
  {
    name: "flusher that waits for a transaction has submitted its bio",
    source: "test/cases/seed4-jbd2-memcg-v1-livelock-stock-debian",
    release: "6.1.192",
    stack: `__schedule schedule wait_transaction_locked add_transaction_credits start_this_handle jbd2__journal_start __ext4_journal_start_sb ext4_writepages ${flusherTail}`,
    holds: ["writeback_work=likely"],
    notHolds: ["PG_writeback", "PG_locked"],
  },
  {
    name: "XFS flusher reclaims in its own writeback pass and waits for a page that may be in its own ioend",
    source: "test/cases/xfs-2020-5a28dd09",
    release: "3.10.0-957.el7.x86_64",
    stack:
      "schedule schedule_timeout io_schedule_timeout io_schedule bit_wait_io __wait_on_bit wait_on_page_bit shrink_page_list shrink_inactive_list shrink_lruvec shrink_zone do_try_to_free_pages try_to_free_mem_cgroup_pages mem_cgroup_reclaim __mem_cgroup_try_charge __memcg_kmem_newpage_charge __alloc_pages_nodemask alloc_pages_current new_slab ___slab_alloc __slab_alloc kmem_cache_alloc kmem_zone_alloc _xfs_trans_alloc xfs_trans_alloc xfs_iomap_write_allocate xfs_map_blocks xfs_do_writepage write_cache_pages xfs_vm_writepages do_writepages __writeback_single_inode writeback_sb_inodes",
    wait: { class: "PG_writeback" },
    holds: ["PG_locked=likely", "PG_writeback=possible"],
  },
  {
    name: "memory.high reclaim inside a buffered write",
    source: "test/cases/cgroup-2022-4511e1a8",
    stack:
      "__schedule schedule io_schedule folio_wait_bit_common folio_wait_writeback shrink_page_list shrink_lruvec shrink_node do_try_to_free_pages try_to_free_mem_cgroup_pages reclaim_high mem_cgroup_handle_over_high try_charge_memcg charge_memcg __mem_cgroup_charge __filemap_add_folio filemap_add_folio __filemap_get_folio iomap_write_begin iomap_file_buffered_write xfs_file_buffered_write vfs_write",
    wait: { class: "PG_writeback" },
    // The new page is locked but not in the page cache yet: nobody can wait for it.
    notHolds: ["PG_locked"],
  },
  {
    name: "memory.high sleep is a timed, killable throttle",
    source: "test/cases/cgroup-2020-9ba9ca19",
    stack: "mem_cgroup_handle_over_high exit_to_usermode_loop do_syscall_64 entry_SYSCALL_64_after_hwframe",
    wait: { class: "memcg_charge", id: "memory.high", sleep: "timed", seconds: 2, providers: ["timer"] },
  },
  {
    name: "v1 group with OOM kills disabled",
    source: "test/cases/conformance-memcg-v1",
    release: "6.1.192",
    stack: "__schedule schedule mem_cgroup_oom_synchronize pagefault_out_of_memory exc_page_fault asm_exc_page_fault",
    wait: { class: "memcg_oom", sleep: "killable", any: true, providers: ["admin", "victim", "anyone"] },
    notHolds: ["mmap_lock"],
  },
  {
    name: "charger trapped in the memcg OOM path with its caller's locks (before 3.12)",
    source: "test/cases/mm-2013-memcgoom-imutex",
    release: "3.2.51",
    stack:
      "mem_cgroup_handle_oom mem_cgroup_cache_charge add_to_page_cache_locked add_to_page_cache_lru grab_cache_page_write_begin ext3_write_begin generic_file_buffered_write __generic_file_aio_write generic_file_aio_write do_sync_write vfs_write sys_write system_call_fastpath",
    wait: { class: "memcg_oom", sleep: "killable" },
  },
  {
    name: "readahead keeps its pages locked while it allocates the next and compaction waits for one of them",
    source: "test/cases/mm-2024-pagecache-ra-order",
    release: "6.6.0",
    stack:
      "__switch_to __schedule schedule io_schedule __folio_lock migrate_pages_batch migrate_pages compact_zone compact_zone_order try_to_compact_pages __alloc_pages_direct_compact __alloc_pages alloc_pages folio_alloc filemap_alloc_folio page_cache_ra_order ondemand_readahead page_cache_async_ra filemap_readahead filemap_get_pages filemap_splice_read ext4_file_splice_read",
    wait: { class: "PG_locked" },
    holds: ["PG_locked=likely"],
  },
  {
    name: "kswapd under shrinker_rwsem waits for a buffer of dm-bufio",
    source: "test/cases/dm-2019-46a6480e",
    release: "4.1.12",
    stack:
      "__schedule schedule schedule_timeout io_schedule_timeout bit_wait_io __wait_on_bit out_of_line_wait_on_bit __make_buffer_clean __try_evict_buffer dm_bufio_shrink_scan shrink_slab shrink_zone kswapd kthread ret_from_fork",
    holds: ["rwsem:shrinker_rwsem/read=proven"],
  },
  {
    name: "no shrinker_rwsem since 6.7",
    source: "test/cases/xfs-2025-8bc65466",
    release: "6.12.0",
    stack:
      "__schedule schedule schedule_timeout wait_for_completion __flush_workqueue xlog_cil_force_seq xfs_log_force xfs_qm_dqunpin_wait xfs_qm_dqflush xfs_qm_dquot_isolate __list_lru_walk_one list_lru_walk_one xfs_qm_shrink_scan do_shrink_slab shrink_slab drop_slab drop_caches_sysctl_handler",
    notHolds: ["rwsem"],
    doing: "drops caches because user space asked",
  },
  {
    name: "mount needs shrinker_rwsem for write",
    source: "test/cases/cgroup-2022-b36f03f4 (its waiters)",
    release: "5.3.8",
    stack:
      "__schedule schedule rwsem_down_write_slowpath down_write prealloc_shrinker alloc_super sget_fc get_tree_nodev",
    wait: { class: "rwsem", id: "shrinker_rwsem", scope: "global", mode: "write" },
  },
  {
    name: "swap-in waits for its read: the device provides",
    source: "test/cases/seed3-dmcrypt-swap-thrash",
    release: "6.1.192",
    stack: `${asleep} folio_wait_bit_common shmem_swapin_folio shmem_get_folio_gfp shmem_fault __do_fault __handle_mm_fault handle_mm_fault do_user_addr_fault exc_page_fault asm_exc_page_fault`,
    wait: { class: "PG_locked", id: "swap_in", providers: ["device", "holder"] },
    notHolds: ["PG_locked"],
  },
  {
    name: "shmem waits for swap-out of a page it has locked",
    source: "test/cases/seed3-dmcrypt-swap-thrash",
    release: "6.1.192",
    stack: `${asleep} folio_wait_bit_common folio_wait_writeback shmem_swapin_folio shmem_get_folio_gfp shmem_fault __do_fault __handle_mm_fault handle_mm_fault`,
    wait: { class: "PG_writeback" },
    holds: ["PG_locked=proven"],
  },
  {
    name: "synchronous swap read",
    source: "test/cases/seed3-dmcrypt-swap-thrash-traced",
    release: "6.1.192",
    stack:
      "__schedule schedule schedule_timeout io_schedule_timeout swap_readpage swap_cluster_readahead do_swap_page __handle_mm_fault handle_mm_fault do_user_addr_fault exc_page_fault asm_exc_page_fault",
    wait: { class: "device_io", id: "swap_in", providers: ["device"] },
    doing: "swaps in",
  },
  {
    name: "kswapd's swap-out bio is not submitted yet: its page is under writeback and unlocked",
    source: "test/cases/seed3-dmcrypt-swap-thrash-traced",
    release: "6.1.192",
    stack:
      "__schedule schedule schedule_timeout ___down_common __down down __map_bio dm_submit_bio __submit_bio submit_bio_noacct_nocheck __swap_writepage pageout shrink_folio_list shrink_lruvec shrink_node balance_pgdat kswapd kthread ret_from_fork",
    holds: ["PG_writeback=proven"],
    notHolds: ["PG_locked"],
  },
  {
    name: "evict waits for the writeback of the inode that this very task writes back",
    source: "test/cases/ceph-2025-2b568c94",
    release: "6.16.7",
    stack: `__schedule schedule inode_wait_for_writeback evict ceph_put_wrbuffer_cap_refs ceph_invalidate_folio ceph_writepages_start ${flusherTail}`,
    wait: { class: "inode_sync", id: "I_SYNC", scope: "inode", providers: ["holder"] },
    holds: ["inode_sync:I_SYNC=proven"],
  },
  {
    name: "sync waits for the flusher's works",
    source: "test/cases/healthy-no-prealloc-no-pressure",
    release: "6.1.192",
    stack:
      "__schedule schedule wb_wait_for_completion sync_inodes_sb iterate_supers ksys_sync __do_sys_sync do_syscall_64",
    wait: { class: "writeback_work", providers: ["flusher"], scope: "device" },
    holds: ["rwsem:wb_switch_rwsem/write=proven", "s_umount/read=proven"],
  },
  {
    name: "second sync queues behind the first one's inode switch lock",
    source: "test/cases/ext4-2022-5466b5ab",
    release: "5.15.0",
    stack: "__schedule schedule rwsem_down_write_slowpath sync_inodes_sb sync_filesystem ovl_sync_fs __sync_filesystem",
    wait: { class: "rwsem", id: "wb_switch_rwsem" },
    notHolds: ["rwsem"],
  },
  {
    name: "writer throttled at the dirty limit",
    source: "test/cases/md-2024-71270b6e",
    release: "6.6.0",
    stack:
      "__schedule schedule schedule_timeout io_schedule_timeout balance_dirty_pages balance_dirty_pages_ratelimited_flags iomap_file_buffered_write xfs_file_buffered_write vfs_write",
    wait: { class: "dirty_limit", sleep: "poll", seconds: 0.2, providers: ["flusher", "device"] },
  },
  {
    name: "commit waits for ordered data",
    source: "test/cases/ext4-2023-1f174cf3",
    release: "5.10.0",
    stack:
      "__schedule schedule io_schedule wait_on_page_bit __filemap_fdatawait_range filemap_fdatawait_keep_errors jbd2_journal_commit_transaction kjournald2 kthread ret_from_fork",
    wait: { class: "PG_writeback", providers: ["holder", "device"] },
    notHolds: ["PG_locked"],
  },
  {
    name: "dm-crypt's allocation in throttle_vm_writeout",
    source: "documents/dm-crypt-throttle.txt",
    release: "4.7.4",
    stack:
      "schedule schedule_timeout io_schedule_timeout congestion_wait throttle_vm_writeout shrink_zone_memcg shrink_zone do_try_to_free_pages try_to_free_pages __alloc_pages_nodemask mempool_alloc_pages mempool_alloc kcryptd_crypt process_one_work worker_thread kthread ret_from_fork",
    wait: { class: "dirty_limit", id: "throttle_vm_writeout", sleep: "poll", seconds: 0.1, providers: ["device"] },
    doing: "direct reclaim for a page allocation",
  },
  {
    name: "mempool wait names the pool by its caller",
    source: "spec: mempool_alloc",
    release: "6.1.192",
    stack:
      "__schedule schedule schedule_timeout io_schedule_timeout mempool_alloc bio_alloc_bioset ext4_bio_write_page mpage_submit_page",
    wait: { class: "mempool", id: "bio_set", sleep: "poll", seconds: 5, any: true },
  },
  {
    name: "fault behind a queued writer of mmap_lock",
    source: "documents/jbd2-memcg-oom.txt",
    release: "5.15.0",
    stack:
      "__schedule schedule schedule_preempt_disabled rwsem_down_read_slowpath down_read do_user_addr_fault exc_page_fault asm_exc_page_fault",
    wait: { class: "mmap_lock", mode: "read", scope: "mm" },
    notHolds: ["mmap_lock"],
  },
  {
    name: "holder of mmap_lock spins for the lru lock in a charge",
    source: "documents/jbd2-memcg-oom.txt",
    release: "5.15.0",
    stack:
      "native_queued_spin_lock_slowpath _raw_spin_lock_irq shrink_active_list shrink_lruvec shrink_node do_try_to_free_pages try_to_free_mem_cgroup_pages try_charge_memcg obj_cgroup_charge_pages obj_cgroup_charge kmem_cache_alloc vm_area_dup __split_vma mprotect_fixup do_mprotect_pkey",
    wait: { class: "lru_lock", scope: "memcg" },
    holds: ["mmap_lock/write=proven"],
  },
  {
    name: "a charge found on a CPU in its reclaim loop waits for any page of the group",
    source: "test/cases/seed4-jbd2-memcg-v1-livelock",
    release: "6.1.192",
    stack:
      "shrink_lruvec shrink_node do_try_to_free_pages try_to_free_mem_cgroup_pages try_charge_memcg charge_memcg __mem_cgroup_charge __filemap_add_folio filemap_add_folio __filemap_get_folio pagecache_get_page __getblk_gfp",
    wait: { class: "memcg_charge", sleep: "spin", any: true, scope: "memcg" },
  },
  {
    name: "memcg OOM with a long task list holds oom_lock and waits for nothing",
    source: "test/cases/cgroup-2024-0636991b",
    stack:
      "dump_task mem_cgroup_scan_tasks dump_header oom_kill_process out_of_memory mem_cgroup_out_of_memory try_charge mem_cgroup_try_charge mem_cgroup_try_charge_delay do_anonymous_page handle_mm_fault",
    holds: ["mutex:oom_lock=proven"],
    doing: "prints the OOM report",
  },
  {
    name: "idle kswapd is nobody's problem",
    source: "test/cases/control-slow-fsync",
    release: "6.1.192",
    stack: "__schedule schedule kswapd kthread ret_from_fork",
    state: "idle",
  },
];

function describeHold(h: { class: string; id?: string; mode?: string; confidence: string }): string {
  return `${h.class}${h.id ? `:${h.id}` : ""}${h.mode ? `/${h.mode}` : ""}=${h.confidence}`;
}

describe("real stacks", () => {
  for (const c of cases) {
    it(`${c.name} (${c.source})`, () => {
      const release = c.release === undefined ? undefined : parseRelease(c.release);
      const meaning = new Interpreter(release, rows).interpret(c.stack.split(/\s+/));
      if (c.state) expect(meaning.state).toBe(c.state);
      if (c.wait) expect(meaning.wait).toMatchObject(c.wait);
      if (c.wait) expect(meaning.wait?.fallback).toBe(false);
      const holds = meaning.holds.map(describeHold);
      for (const h of c.holds ?? []) expect(holds).toContain(h);
      for (const h of c.notHolds ?? []) expect(meaning.holds.map((x) => x.class)).not.toContain(h);
      if (c.doing) expect(meaning.doing).toContain(c.doing);
    });
  }
});

const overlaps = (a: Era | undefined, b: Era | undefined): boolean =>
  number(a?.since, 0) < number(b?.before, Infinity) && number(b?.since, 0) < number(a?.before, Infinity);

function number(version: string | undefined, otherwise: number): number {
  if (version === undefined) return otherwise;
  const [major = "0", minor = "0"] = version.split(".");
  return Number(major) * 1000 + Number(minor);
}

type Naming = Extract<KnowledgeRow, { readonly kind: "wait" | "caller" }>;

const says = (r: Naming): string => `${r.class} ${r.id ?? ""}`.trim();

function conditions(r: Naming): string {
  return JSON.stringify(r.kind === "wait" ? [r.direct ?? false, r.callers ?? [], r.callees ?? []] : [r.callers ?? []]);
}

/** Pairs of rows of one kind that match the same stacks of one kernel and say different things. */
function contradictions(all: readonly KnowledgeRow[]): string[] {
  const found: string[] = [];
  const seen = new Map<string, Naming[]>();
  for (const row of all) {
    if (row.kind !== "wait" && row.kind !== "caller") continue;
    const generics = row.kind === "caller" ? row.of : ["-"];
    for (const key of generics.flatMap((g) => row.fn.map((fn) => `${row.kind} ${g} ${fn} ${conditions(row)}`))) {
      const same = seen.get(key) ?? [];
      for (const other of same) {
        if (says(other) !== says(row) && overlaps(other.era, row.era))
          found.push(`${key}: ${says(other)} / ${says(row)}`);
      }
      seen.set(key, [...same, row]);
    }
  }
  return found;
}

describe("tables", () => {
  it("say where every fact comes from", () => {
    for (const row of mm)
      expect(row.source, row.fn.join(" ")).toMatch(/\w\.[chS]\b|commit [0-9a-f]{12}|Documentation\//);
  });

  it("use normalised, distinct function names", () => {
    for (const row of mm) {
      const lists = [
        row.fn,
        "callers" in row ? row.callers : [],
        "callees" in row ? row.callees : [],
        "notCallees" in row ? row.notCallees : [],
      ];
      for (const list of lists) for (const fn of list ?? []) expect(fn).toMatch(/^[A-Za-z_]\w*$/);
      expect(new Set(row.fn).size, `twice in one row: ${row.fn.join(" ")}`).toBe(row.fn.length);
      expect(row.fn.length).toBeGreaterThan(0);
    }
  });

  it("do not contradict each other", () => {
    expect(contradictions(mm)).toEqual([]);
  });

  it("find a contradiction where there is one", () => {
    const row = (cls: string, era: Era): KnowledgeRow => ({
      kind: "wait",
      fn: ["f"],
      class: cls,
      event: "e",
      scope: "page",
      sleep: "poll",
      source: "s",
      era,
    });
    expect(contradictions([row("a", { before: "5.0" }), row("b", { since: "5.0" })])).toEqual([]);
    expect(contradictions([row("a", { before: "5.1" }), row("b", { since: "5.0" })])).toHaveLength(1);
  });

  it("give every timed or polling wait its period and every 'any' wait its providers", () => {
    for (const row of mm) {
      if (row.kind !== "wait") continue;
      if (row.sleep === "timed" || row.sleep === "poll") expect(row.seconds, row.fn.join(" ")).toBeGreaterThan(0);
      if (row.any) expect(row.providers?.length, row.fn.join(" ")).toBeGreaterThan(0);
    }
  });

  it("leave the scheduler's frames to their own table", () => {
    const scheduler = new Set([...schedulerFrames, ...preemptFrames]);
    for (const row of mm) for (const fn of row.fn) expect(scheduler.has(fn), fn).toBe(false);
  });

  it("know every frame between a charge and its reclaim", () => {
    const known = new Interpreter(undefined, rows);
    for (const fn of [...chargeFrames, ...memcgReclaimFrames, ...reclaimLoopFrames])
      expect(known.knows(fn), fn).toBe(true);
  });
});
