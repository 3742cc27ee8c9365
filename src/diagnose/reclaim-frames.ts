/** Functions that make a stack a reclaimer's, of all eras (mm/vmscan.c). */

/** Functions of reclaim's loop: a context below one of them is reclaiming. */
export const RECLAIM_FRAMES: ReadonlySet<string> = new Set([
  "shrink_folio_list",
  "shrink_page_list",
  "shrink_inactive_list",
  "shrink_lruvec",
  "shrink_node",
  "shrink_zone",
  "shrink_zone_memcg",
  "shrink_node_memcg",
  "shrink_node_memcgs",
  "do_try_to_free_pages",
  "try_to_free_mem_cgroup_pages",
  "try_to_free_pages",
  "evict_folios",
]);

/** Reclaim on behalf of a memory cgroup's limit. */
export const MEMCG_RECLAIM: ReadonlySet<string> = new Set([
  "try_to_free_mem_cgroup_pages",
  "try_charge_memcg",
  "try_charge",
  "mem_cgroup_reclaim",
  "mem_cgroup_force_empty_list",
]);
