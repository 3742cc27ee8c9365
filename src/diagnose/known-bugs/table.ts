/** Known deadlocks, livelocks and stalls of memory reclaim and its neighbours. */
import type { KnownBug } from "./types.ts";

/** The table; order does not matter. */
export const knownBugs: readonly KnownBug[] = [
  {
    id: "memcg-pte-charge-writeback",
    title: "mm, memcg: fix reclaim deadlock with writeback",
    fix: 'commit 63f3655f9501 ("mm, memcg: fix reclaim deadlock with writeback") (v5.0)',
    affected: "4.8 to 4.20 with cgroup v1 and kernel memory accounting; fixed in 5.0 and stable",
    era: { since: "4.8", before: "5.0" },
    today: "reboot; until the fix is in: boot with cgroup.memory=nokmem, or use cgroup v2 for the group",
    incident: "memcg-writeback-abba",
    verdicts: ["deadlock", "livelock"],
    edges: [
      { waitsFor: ["PG_locked"], holds: ["PG_writeback"], path: ["writeback_sb_inodes", "do_writepages", "__filemap_fdatawrite_range"] },
      {
        waitsFor: ["PG_writeback", "memcg_charge"],
        holds: ["PG_locked"],
        path: ["pte_alloc_one", "__pte_alloc", "alloc_set_pte"],
        path2: ["try_charge", "try_charge_memcg", "try_to_free_mem_cgroup_pages"],
      },
    ],
    source: "spec of the first incident; mm/memory.c:__do_fault, mm/vmscan.c:shrink_page_list",
  },
  {
    id: "jbd2-handle-memcg-reclaim",
    title: "A task reclaims its memory cgroup at the hard limit while it holds a jbd2 handle",
    affected: "all kernels with ext4 or ocfs2 and memory cgroups; not fixed in 6.18 (PF_MEMALLOC_ACCOUNTFORCE was proposed in 2025)",
    today: "raise the group's limit: echo max > memory.max (v2), echo -1 > memory.limit_in_bytes (v1); keep metadata-heavy work out of tight groups",
    incident: "jbd2-memcg-oom",
    verdicts: ["livelock"],
    edges: [
      {
        waitsFor: ["memcg_charge"],
        holds: ["jbd2_handle"],
        path: ["try_charge_memcg", "try_charge", "try_to_free_mem_cgroup_pages"],
      },
    ],
    source: "[PATCH 1/2] mm: memcg: introduce PF_MEMALLOC_ACCOUNTFORCE (2025-06-18)",
  },
];
