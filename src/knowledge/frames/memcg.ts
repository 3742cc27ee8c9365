/**
 * Memory cgroups: where a charge can block, the memory.high sleep, OOM of a group, and what page accounting locks.
 *
 * A charge that reclaims is not blocked by one holder: any page freed in the group, a raised limit or a victim's exit
 * ends its loop. So these waits are `any`, and the order of `providers` is the order in which they usually come.
 */
import type { KnowledgeRow } from "../types.ts";

/** A charge of a page, slab object or socket buffer to a memory cgroup stands on the stack. */
export const chargeFrames: readonly string[] = [
  "try_charge_memcg",
  "try_charge",
  "charge_memcg",
  "mem_cgroup_charge",
  "__mem_cgroup_charge",
  "mem_cgroup_swapin_charge_folio",
  "mem_cgroup_swapin_charge_page",
  "mem_cgroup_charge_hugetlb",
  "mem_cgroup_hugetlb_try_charge",
  "mem_cgroup_try_charge",
  "mem_cgroup_try_charge_delay",
  "__mem_cgroup_try_charge",
  "mem_cgroup_do_charge",
  "mem_cgroup_charge_common",
  "mem_cgroup_cache_charge",
  "mem_cgroup_newpage_charge",
  "mem_cgroup_try_charge_swapin",
  "mem_cgroup_shmem_charge_fallback",
  "mem_cgroup_charge_skmem",
  "mem_cgroup_sk_charge",
  "obj_cgroup_charge",
  "obj_cgroup_charge_account",
  "obj_cgroup_charge_pages",
  "__memcg_kmem_charge",
  "__memcg_kmem_charge_memcg",
  "__memcg_kmem_charge_page",
  "memcg_kmem_charge",
  "memcg_kmem_charge_memcg",
  "memcg_kmem_charge_page",
  "__memcg_kmem_newpage_charge",
  "memcg_kmem_newpage_charge",
  "memcg_charge_kmem",
  "memcg_charge_slab",
  "memcg_slab_post_alloc_hook",
  "__memcg_slab_post_alloc_hook",
];

/** Reclaim on behalf of one memory cgroup stands on the stack, whatever asked for it. */
export const memcgReclaimFrames: readonly string[] = [
  "try_to_free_mem_cgroup_pages",
  "mem_cgroup_reclaim",
  "mem_cgroup_hierarchical_reclaim",
  "reclaim_high",
];

const waits: readonly KnowledgeRow[] = [
  {
    kind: "wait",
    fn: ["mem_cgroup_handle_over_high", "__mem_cgroup_handle_over_high"],
    direct: true,
    class: "memcg_charge",
    id: "memory.high",
    event: "timer",
    scope: "memcg",
    sleep: "timed",
    seconds: 2,
    providers: ["timer"],
    source:
      "mm/memcontrol.c:mem_cgroup_handle_over_high (schedule_timeout_killable, penalty capped at MEMCG_MAX_HIGH_DELAY_JIFFIES)",
  },
  {
    kind: "wait",
    fn: ["mem_cgroup_oom_synchronize"],
    direct: true,
    class: "memcg_oom",
    event: "uncharge",
    scope: "memcg",
    sleep: "killable",
    any: true,
    providers: ["admin", "victim", "anyone"],
    source:
      "mm/memcontrol.c:mem_cgroup_oom_synchronize (v1 with oom_kill_disable, or another task kills; ends by uncharge, a higher limit or SIGKILL)",
  },
  {
    kind: "wait",
    fn: ["mem_cgroup_handle_oom"],
    direct: true,
    class: "memcg_oom",
    event: "uncharge",
    scope: "memcg",
    sleep: "killable",
    any: true,
    providers: ["victim", "admin", "anyone"],
    source:
      'mm/memcontrol.c:mem_cgroup_handle_oom; commit 3812c8c8f395 ("mm: memcg: do not trap chargers with full callstack on OOM") (v3.12)',
  },
  {
    kind: "wait",
    fn: ["mem_cgroup_wait_acct_move"],
    direct: true,
    class: "memcg_charge",
    id: "move_charge",
    event: "move_end",
    scope: "memcg",
    sleep: "interruptible",
    providers: ["anyone"],
    era: { before: "6.13" },
    source: "mm/memcontrol.c:mem_cgroup_wait_acct_move (a task is being moved between groups)",
  },
];

const spinning: readonly KnowledgeRow[] = [
  {
    kind: "caller",
    of: ["spinlock"],
    fn: [
      "lock_page_memcg",
      "folio_memcg_lock",
      "mem_cgroup_begin_page_stat",
      "__mem_cgroup_begin_update_page_stat",
      "mem_cgroup_move_account",
      "mem_cgroup_move_charge_pte_range",
    ],
    class: "memcg_move_lock",
    event: "unlock",
    scope: "memcg",
    source: "mm/memcontrol.c:lock_page_memcg (taken only while tasks move between groups)",
  },
  {
    kind: "hold",
    fn: ["cancel_dirty_page", "__cancel_dirty_page", "clear_page_dirty_for_io", "account_page_cleaned"],
    callees: ["end_page_writeback", "test_clear_page_writeback"],
    class: "memcg_move_lock",
    scope: "memcg",
    confidence: "likely",
    because:
      "interrupted inside its page accounting section, where unlocked_inode_to_wb_end() had switched interrupts on",
    era: { since: "4.2", before: "4.17" },
    source: 'mm/page-writeback.c:cancel_dirty_page; commit 2e898e4c0a38 ("writeback: safer lock nesting") (v4.17)',
  },
];

const locks: readonly KnowledgeRow[] = [
  {
    kind: "caller",
    of: ["mutex"],
    fn: ["mem_cgroup_out_of_memory", "mem_cgroup_oom", "mem_cgroup_oom_synchronize"],
    class: "mutex",
    id: "oom_lock",
    event: "unlock",
    scope: "global",
    era: { since: "4.2" },
    source: "mm/memcontrol.c:mem_cgroup_out_of_memory (killable since 5.3)",
  },
  {
    kind: "caller",
    of: ["mutex"],
    fn: [
      "mem_cgroup_resize_max",
      "mem_cgroup_resize_limit",
      "mem_cgroup_resize_memsw_limit",
      "memcg_update_kmem_limit",
      "memcg_update_kmem_max",
      "memcg_update_tcp_max",
    ],
    class: "mutex",
    id: "memcg_max_mutex",
    event: "unlock",
    scope: "global",
    source:
      "mm/memcontrol.c:mem_cgroup_resize_max (set_limit_mutex, then memcg_limit_mutex, memcg_max_mutex since 4.17)",
  },
  {
    kind: "caller",
    of: ["mutex"],
    fn: [
      "kmem_cache_create_usercopy",
      "__kmem_cache_create_args",
      "kmem_cache_create",
      "kmem_cache_destroy",
      "memcg_create_kmem_cache",
      "memcg_deactivate_kmem_caches",
      "memcg_destroy_kmem_caches",
      "memcg_update_all_caches",
      "memcg_register_cache",
    ],
    class: "mutex",
    id: "slab_mutex",
    event: "unlock",
    scope: "global",
    source: "mm/slab_common.c:kmem_cache_create_usercopy",
  },
  {
    kind: "caller",
    of: ["rwsem"],
    fn: ["memcg_get_cache_ids", "memcg_alloc_cache_id", "__list_lru_init", "memcg_init_list_lru"],
    class: "rwsem",
    id: "memcg_cache_ids_sem",
    event: "unlock",
    scope: "global",
    era: { since: "4.0", before: "5.19" },
    source: "mm/memcontrol.c:memcg_get_cache_ids",
  },
  {
    kind: "caller",
    of: ["work_flush"],
    fn: ["drain_all_stock", "drain_all_stock_sync", "mem_cgroup_force_empty"],
    class: "work_flush",
    id: "drain_local_stock",
    event: "complete",
    scope: "work",
    providers: ["worker"],
    era: { before: "3.15" },
    source: "mm/memcontrol.c:drain_all_stock (with sync=true; asynchronous and never waited for later)",
  },
];

const holds: readonly KnowledgeRow[] = [
  {
    kind: "hold",
    fn: ["mem_cgroup_out_of_memory"],
    callees: [
      "out_of_memory",
      "oom_kill_process",
      "__oom_kill_process",
      "dump_header",
      "dump_task",
      "dump_tasks",
      "mem_cgroup_scan_tasks",
      "select_bad_process",
    ],
    class: "mutex",
    id: "oom_lock",
    scope: "global",
    confidence: "proven",
    because: "selects and kills under oom_lock",
    era: { since: "4.2" },
    source: "mm/memcontrol.c:mem_cgroup_out_of_memory",
  },
];

const doing: readonly KnowledgeRow[] = [
  {
    kind: "doing",
    fn: chargeFrames,
    activity: "charges memory to its memory cgroup",
    source: "mm/memcontrol.c:try_charge_memcg",
  },
  {
    kind: "doing",
    fn: memcgReclaimFrames,
    callers: chargeFrames,
    activity: "reclaims in a memory cgroup at its limit, for a charge",
    source: "mm/memcontrol.c:try_charge_memcg, mm/vmscan.c:try_to_free_mem_cgroup_pages",
  },
  {
    kind: "doing",
    fn: ["mem_cgroup_handle_over_high", "__mem_cgroup_handle_over_high", "reclaim_high", "high_work_func"],
    activity: "enforces memory.high",
    source: "mm/memcontrol.c:mem_cgroup_handle_over_high",
  },
  {
    kind: "doing",
    fn: [
      "memory_max_write",
      "memory_high_write",
      "mem_cgroup_resize_max",
      "mem_cgroup_resize_limit",
      "mem_cgroup_resize_memsw_limit",
    ],
    activity: "lowers the limit of a memory cgroup and reclaims down to it",
    source: "mm/memcontrol.c:memory_max_write",
  },
  {
    kind: "doing",
    fn: ["memory_reclaim", "user_proactive_reclaim", "mem_cgroup_force_empty", "mem_cgroup_force_empty_write"],
    activity: "reclaims a memory cgroup because user space asked",
    source: "mm/memcontrol.c:memory_reclaim",
  },
  {
    kind: "doing",
    fn: ["mem_cgroup_move_charge", "mem_cgroup_move_task", "mem_cgroup_can_attach", "mem_cgroup_move_charge_pte_range"],
    activity: "moves charged pages between memory cgroups",
    era: { before: "6.13" },
    source: "mm/memcontrol.c:mem_cgroup_move_charge",
  },
  {
    kind: "doing",
    fn: [
      "mem_cgroup_css_alloc",
      "mem_cgroup_css_online",
      "mem_cgroup_css_offline",
      "mem_cgroup_css_free",
      "mem_cgroup_reparent_charges",
    ],
    activity: "creates or removes a memory cgroup",
    source: "mm/memcontrol.c:mem_cgroup_css_alloc",
  },
  {
    kind: "doing",
    fn: ["lock_page_memcg", "folio_memcg_lock", "mem_cgroup_begin_page_stat"],
    activity: "accounts a page state change to its memory cgroup",
    source: "mm/memcontrol.c:lock_page_memcg",
  },
];

/** Memory cgroups: charge, memory.high, group OOM, accounting locks. */
export const memcgRows: readonly KnowledgeRow[] = [...waits, ...spinning, ...locks, ...holds, ...doing];
