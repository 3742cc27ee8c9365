import { describe, expect, it } from "vitest";
import { Interpreter } from "../interpret.ts";
import { allRows } from "../rows.ts";
import type { CallerRow, HoldRow, KnowledgeRow, WaitRow } from "../types.ts";
import { btrfsRows } from "./btrfs.ts";
import { cifsFuseCephRows } from "./cifs-fuse-ceph.ts";
import { clusterFsRows } from "./cluster-fs.ts";
import { ext4Rows } from "./ext4.ts";
import { f2fsRows } from "./f2fs.ts";
import { freezeRows } from "./freeze.ts";
import { jbd2Rows } from "./jbd2.ts";
import { kernfsRows } from "./kernfs.ts";
import { nfsRows } from "./nfs.ts";
import { nilfs2Rows } from "./nilfs2.ts";
import { overlayfsRows } from "./overlayfs.ts";
import { smallFsRows } from "./small-fs.ts";
import { udfRows } from "./udf.ts";
import { v9fsRows } from "./v9fs.ts";
import { vfsRows } from "./vfs.ts";
import { xfsRows } from "./xfs.ts";
import { zfsRows } from "./zfs.ts";

const files: Readonly<Record<string, readonly KnowledgeRow[]>> = {
  ext4: ext4Rows,
  jbd2: jbd2Rows,
  xfs: xfsRows,
  vfs: vfsRows,
  freeze: freezeRows,
  btrfs: btrfsRows,
  nfs: nfsRows,
  "cifs-fuse-ceph": cifsFuseCephRows,
  f2fs: f2fsRows,
  "cluster-fs": clusterFsRows,
  v9fs: v9fsRows,
  zfs: zfsRows,
  overlayfs: overlayfsRows,
  nilfs2: nilfs2Rows,
  "small-fs": smallFsRows,
  udf: udfRows,
  kernfs: kernfsRows,
};
const fsRows = Object.values(files).flat();
/** Rows of the other subsystems, and these once, whatever the table lists. */
const rows = [...allRows.filter((r) => !fsRows.includes(r)), ...fsRows];
const table = new Interpreter(undefined, rows);

interface Expected {
  /** `class[:id]/event`. */
  readonly wait: string;
  readonly sleep?: string;
  readonly holds?: readonly string[];
  readonly not?: readonly string[];
}

/** Frames from the wait outward, as in the report named in `source`. */
const stacks: readonly { readonly source: string; readonly stack: string; readonly expected: Expected }[] = [
  {
    source: "SOURCE: test/cases/ext4-2020-c1463df6",
    stack:
      "bit_wait_io __wait_on_bit_lock out_of_line_wait_on_bit_lock do_get_write_access jbd2_journal_get_write_access __ext4_journal_get_write_access ext4_reserve_inode_write ext4_mark_inode_dirty ext4_dirty_inode __mark_inode_dirty ext4_da_update_reserve_space ext4_ext_map_blocks ext4_map_blocks ext4_writepages do_writepages __writeback_single_inode writeback_sb_inodes",
    expected: {
      wait: "buffer_lock/unlock",
      holds: ["jbd2_handle", "PG_locked", "inode_sync:I_SYNC", "rwsem:i_data_sem"],
      not: ["jbd2_commit"],
    },
  },
  {
    source: "SOURCE: test/cases/ext4-2021-0fb88fa8",
    stack: "jbd2_journal_commit_transaction kjournald2",
    expected: {
      wait: "jbd2_handle/updates_zero",
      sleep: "uninterruptible",
      holds: ["jbd2_commit", "jbd2_transaction"],
      not: ["jbd2_handle", "jbd2_shadow"],
    },
  },
  {
    source: "SOURCE: test/cases/ext4-2024-e6a7f759",
    stack: "jbd2_journal_wait_updates jbd2_journal_commit_transaction kjournald2",
    expected: { wait: "jbd2_handle/updates_zero", holds: ["jbd2_commit", "jbd2_transaction"], not: ["jbd2_shadow"] },
  },
  {
    source: "SOURCE: test/cases/ext4-2021-91cf0c74 (a writer)",
    stack:
      "jbd2_log_wait_commit __jbd2_journal_force_commit jbd2_journal_force_commit_nested ext4_should_retry_alloc ext4_da_write_begin generic_perform_write ext4_buffered_write_iter ext4_file_write_iter new_sync_write vfs_write ksys_write",
    expected: { wait: "jbd2_commit/commit", holds: ["ext4_fc_update", "i_rwsem", "sb_writers"], not: ["jbd2_handle"] },
  },
  {
    source: "SOURCE: test/cases/ext4-2021-91cf0c74 (the fast committer)",
    stack: "ext4_fc_commit ext4_sync_file do_fsync __x64_sys_fdatasync",
    expected: { wait: "ext4_fc_update/stop_update", holds: ["jbd2_fast_commit"] },
  },
  {
    source: "SOURCE: test/cases/ext4-2022-5466b5ab",
    stack:
      "wait_transaction_locked add_transaction_credits start_this_handle jbd2__journal_start __ext4_journal_start_sb ext4_dirty_inode __mark_inode_dirty generic_update_time file_update_time ext4_buffered_write_iter new_sync_write vfs_write ksys_write",
    expected: { wait: "jbd2_transaction/unlocked", holds: ["i_rwsem"], not: ["jbd2_handle"] },
  },
  {
    source: "SOURCE: test/cases/ext4-2022-5466b5ab (flusher)",
    stack:
      "wait_transaction_locked add_transaction_credits start_this_handle jbd2__journal_start __ext4_journal_start_sb ext4_writepages do_writepages __writeback_single_inode writeback_sb_inodes wb_writeback wb_workfn process_one_work",
    expected: {
      wait: "jbd2_transaction/unlocked",
      holds: ["percpu_rwsem:s_writepages_rwsem", "inode_sync:I_SYNC"],
      not: ["jbd2_handle", "PG_locked", "PG_writeback"],
    },
  },
  {
    source: "SOURCE: test/cases/ext4-2023-1f174cf3",
    stack:
      "wait_on_page_bit __filemap_fdatawait_range filemap_fdatawait_keep_errors jbd2_journal_commit_transaction kjournald2",
    expected: { wait: "PG_writeback/end_writeback", holds: ["jbd2_commit", "jbd2_transaction"] },
  },
  {
    source: "SOURCE: test/cases/ext4-2023-b8271402",
    stack:
      "jbd2_log_wait_commit jbd2_log_do_checkpoint __jbd2_log_wait_for_space add_transaction_credits start_this_handle jbd2__journal_start ext4_page_mkwrite do_page_mkwrite do_wp_page __handle_mm_fault handle_mm_fault",
    expected: {
      wait: "jbd2_commit/commit",
      holds: ["mutex:j_checkpoint_mutex", "rwsem:invalidate_lock"],
      not: ["jbd2_handle"],
    },
  },
  {
    source: "SOURCE: spec/kernel/13-stack-frames.md, 13.4 (flusher, document 1)",
    stack:
      "__lock_page mpage_prepare_extent_to_map ext4_writepages do_writepages __writeback_single_inode writeback_sb_inodes __writeback_inodes_wb wb_writeback wb_workfn process_one_work",
    expected: { wait: "PG_locked/unlock", holds: ["PG_writeback", "percpu_rwsem:s_writepages_rwsem"] },
  },
  {
    source: "SOURCE: spec/kernel/13-stack-frames.md, 13.6 (handle holder, document 4; asleep in reclaim)",
    stack:
      "shrink_active_list shrink_lruvec shrink_node do_try_to_free_pages try_to_free_mem_cgroup_pages try_charge_memcg charge_memcg __mem_cgroup_charge __add_to_page_cache_locked add_to_page_cache_lru pagecache_get_page __getblk_gfp __ext4_get_inode_loc ext4_get_inode_loc ext4_reserve_inode_write __ext4_mark_inode_dirty __ext4_new_inode ext4_create",
    expected: { wait: "*", holds: ["jbd2_handle"] },
  },
  {
    source: "SOURCE: spec/kernel/13-stack-frames.md, 13.5 (log space)",
    stack:
      "__mutex_lock mutex_lock mutex_lock_io __jbd2_log_wait_for_space add_transaction_credits start_this_handle jbd2__journal_start",
    expected: { wait: "mutex:j_checkpoint_mutex/unlock", not: ["mutex:j_checkpoint_mutex", "jbd2_handle"] },
  },
  {
    source: "SOURCE: test/cases/ext4-2023-34bdf57e",
    stack:
      "bit_wait_io __wait_on_bit out_of_line_wait_on_bit ext4_read_bh ext4_bread __ext4_read_dirblock htree_dirblock_to_tree ext4_htree_fill_tree ext4_readdir iterate_dir __x64_sys_getdents64",
    expected: { wait: "device_io/complete", holds: ["i_rwsem"], not: ["jbd2_handle"] },
  },
  {
    source: "SOURCE: test/cases/xfs-2025-8bc65466 (log completion)",
    stack:
      "__down_common __down down xfs_buf_lock xfs_buf_item_unpin xlog_cil_committed xlog_cil_process_committed xlog_state_shutdown_callbacks xlog_force_shutdown xlog_ioend_work process_scheduled_works",
    expected: { wait: "xfs_buf/unlock", holds: ["xfs_log_force", "xfs_iclog"], not: ["xfs_buf"] },
  },
  {
    source: "SOURCE: test/cases/xfs-2025-8bc65466 (dquot shrinker)",
    stack:
      "wait_for_completion __flush_workqueue xlog_cil_force_seq xfs_log_force xfs_qm_dqunpin_wait xfs_qm_dqflush xfs_qm_dquot_isolate __list_lru_walk_one list_lru_walk_one xfs_qm_shrink_scan do_shrink_slab shrink_slab drop_slab",
    expected: {
      wait: "xfs_log_force/log_forced",
      holds: ["xfs_buf", "mutex:q_qlock", "xfs_iflock:dquot"],
      not: ["xfs_log_force"],
    },
  },
  {
    source: "SOURCE: test/cases/xfs-2021-7265c361",
    stack: "xlog_wait_on_iclog xlog_cil_push_work process_one_work",
    expected: { wait: "xfs_iclog/iclog_done", holds: ["xfs_log_force"], not: ["xfs_iclog"] },
  },
  {
    source: "SOURCE: test/cases/xfs-2022-189125a2",
    stack: "xfs_buf_wait_unpin __xfs_buf_submit xfs_buf_delwri_submit_buffers xfs_buf_delwri_submit_nowait xfsaild",
    expected: { wait: "xfs_pin/unpin", holds: ["log_space", "xfs_buf"], not: ["xfs_pin"] },
  },
  {
    source: "SOURCE: test/cases/xfs-2020-c4286bde",
    stack: "rwsem_down_write_slowpath thaw_super do_vfs_ioctl ksys_ioctl __x64_sys_ioctl",
    expected: { wait: "s_umount/unlock", not: ["s_umount"] },
  },
  {
    source: "SOURCE: test/cases/iouring-2022-764c2f3d (freezer)",
    stack: "percpu_down_write freeze_super __x64_sys_ioctl",
    expected: { wait: "sb_writers/writers_zero", holds: ["sb_freeze"], not: ["sb_writers"] },
  },
  {
    source: "SOURCE: test/cases/iouring-2022-764c2f3d (writer)",
    stack: "percpu_rwsem_wait __percpu_down_read mnt_want_write do_renameat2 __x64_sys_renameat2",
    expected: { wait: "sb_freeze/thaw", not: ["sb_writers", "sb_freeze"] },
  },
  {
    source: "SOURCE: test/cases/ceph-2025-2b568c94",
    stack:
      "inode_wait_for_writeback evict ceph_put_wrbuffer_cap_refs ceph_invalidate_folio ceph_writepages_start do_writepages __writeback_single_inode writeback_sb_inodes __writeback_inodes_wb wb_writeback wb_workfn",
    expected: { wait: "inode_sync:I_SYNC/clear", holds: ["inode_sync:I_SYNC", "inode_new:I_FREEING"] },
  },
  {
    source: "SOURCE: test/cases/cifs-2019-b0749ee0",
    stack:
      "rwsem_down_read_failed cifs_reopen_file cifs_read cifs_readpage_worker cifs_readpage generic_file_buffered_read cifs_strict_readv new_sync_read vfs_read",
    expected: { wait: "rwsem:lock_sem/unlock", holds: ["rwsem:lock_sem", "PG_locked"] },
  },
  {
    source: "SOURCE: test/cases/cifs-2019-d0595968",
    stack:
      "msleep _cifsFileInfo_put cifs_writepage_locked cifs_launder_page invalidate_inode_pages2_range cifs_invalidate_mapping cifs_revalidate_mapping cifs_d_revalidate path_openat",
    expected: { wait: "rwsem:lock_sem/unlock", sleep: "poll", holds: ["PG_locked"], not: ["rwsem:lock_sem"] },
  },
  {
    source: "SOURCE: test/cases/cifs-2019-d0595968 (second writer)",
    stack: "rwsem_down_write_slowpath cifs_strict_writev new_sync_write vfs_write ksys_write",
    expected: { wait: "i_rwsem/unlock", not: ["i_rwsem", "rwsem:lock_sem"] },
  },
  {
    source: "SOURCE: test/cases/cifs-2025-3d1158c9",
    stack:
      "__fuse_simple_request fuse_lookup_name fuse_lookup lookup_one_qstr_excl start_removing_noperm fuse_reverse_inval_entry fuse_dev_do_write fuse_dev_write do_iter_readv_writev vfs_writev do_writev",
    expected: {
      wait: "fuse_request:to itself/reply",
      sleep: "killable",
      holds: ["fuse_request:to itself"],
      not: ["sb_writers"],
    },
  },
  {
    source: "SOURCE: test/cases/nfs-2021-6ebc891d",
    stack:
      "nfs_wait_client_init_complete nfs_match_client nfs_get_client nfs4_set_client nfs4_init_server nfs4_create_server",
    expected: { wait: "nfs_client_init/ready", sleep: "killable", not: ["nfs_client_init"] },
  },
  {
    source: "SOURCE: test/cases/nfs-2021-faa4ef23",
    stack:
      "rpc_wait_bit_killable __wait_on_bit out_of_line_wait_on_bit __rpc_execute rpc_run_task nfs4_proc_layoutreturn pnfs_send_layoutreturn _pnfs_return_layout nfs4_evict_inode evict dispose_list prune_icache_sb super_cache_scan do_shrink_slab shrink_slab shrink_node do_try_to_free_pages try_to_free_pages __alloc_pages_slowpath skb_page_frag_refill tcp_sendmsg_locked sock_sendmsg xs_sendpages",
    expected: { wait: "rpc:behind its own transmit/sent", holds: ["rpc:behind its own transmit"] },
  },
  {
    source: "SOURCE: test/cases/nfs-2026-0a88f07e",
    stack:
      "rpc_wait_bit_killable __wait_on_bit out_of_line_wait_on_bit __rpc_execute rpc_execute rpc_run_task nfs4_do_call_sync _nfs4_proc_getattr",
    expected: { wait: "rpc/reply", sleep: "killable", not: ["rpc"] },
  },
  {
    source: "SOURCE: test/cases/btrfs-2023-bd62460a",
    stack: "btrfs_commit_transaction transaction_kthread",
    expected: { wait: "btrfs_handle/writers_zero", holds: ["btrfs_transaction"], not: ["btrfs_handle"] },
  },
  {
    source: "SOURCE: test/cases/btrfs-2020-16df997c",
    stack:
      "wait_current_trans start_transaction btrfs_attach_transaction_barrier btrfs_sync_fs iterate_supers ksys_sync __do_sys_sync",
    expected: { wait: "btrfs_transaction/unblocked", holds: ["s_umount"], not: ["btrfs_handle"] },
  },
  {
    source: "SOURCE: test/cases/btrfs-2022-bf3c04ef (space reclaim)",
    stack:
      "__wait_for_common btrfs_wait_ordered_extents btrfs_wait_ordered_roots flush_space btrfs_async_reclaim_data_space process_one_work",
    expected: { wait: "btrfs_ordered/ordered_done", holds: ["space_reservation"] },
  },
  {
    source: "SOURCE: test/cases/btrfs-2022-91d40125",
    stack: "wait_for_completion btrfs_qgroup_wait_for_completion btrfs_quota_disable btrfs_ioctl __x64_sys_ioctl",
    expected: { wait: "btrfs_qgroup_rescan/complete", holds: ["mutex:qgroup_ioctl_lock", "rwsem:subvol_sem"] },
  },
  {
    source: "SOURCE: test/cases/zfs-2014-6f9548c4",
    stack:
      "__wait_on_freeing_inode find_inode_fast ilookup zfs_zget zfs_get_data zil_add_block zil_commit zpl_putpage do_writepages __writeback_single_inode writeback_sb_inodes",
    expected: { wait: "inode_new:I_FREEING/freed", holds: ["inode_sync:I_SYNC"], not: ["inode_new:I_FREEING"] },
  },
  {
    source: "SOURCE: test/cases/zfs-2011-abd39a82",
    stack:
      "cv_wait_common txg_wait_open dmu_tx_wait zfs_putpage zpl_putpage zpl_writepage writeout move_to_new_page migrate_pages compact_zone try_to_compact_pages __kmalloc dnode_hold space_map_load metaslab_activate metaslab_alloc zio_dva_allocate zio_execute",
    expected: { wait: "zfs_txg/txg_open", holds: ["zfs_txg", "PG_locked"] },
  },
];

function name(x: { readonly class: string; readonly id?: string }): string {
  return x.id === undefined ? x.class : `${x.class}:${x.id}`;
}

describe("file system rows read real stacks", () => {
  for (const { source, stack, expected } of stacks) {
    it(source, () => {
      const meaning = table.interpret(["schedule", ...stack.split(" ")]);
      const wait = meaning.wait;
      if (expected.wait !== "*") expect(wait && `${name(wait)}/${wait.event}`).toBe(expected.wait);
      if (expected.sleep) expect(wait?.sleep).toBe(expected.sleep);
      const held = meaning.holds.map(name);
      for (const h of expected.holds ?? []) expect(held).toContain(h);
      for (const h of expected.not ?? []) expect(held).not.toContain(h);
    });
  }

  it("the commit thread's own frame means a fast commit once handles have a function of their own", () => {
    const modern = jbd2Rows.filter((r) => r.kind !== "wait" || r.era?.before === undefined);
    const wait = new Interpreter(undefined, modern).interpret([
      "schedule",
      "jbd2_journal_commit_transaction",
      "kjournald2",
    ]).wait;
    expect(wait?.class).toBe("jbd2_fast_commit");
  });

  it("a restart, like a start, has no handle open", () => {
    const frames = [
      "schedule",
      "wait_transaction_locked",
      "add_transaction_credits",
      "start_this_handle",
      "jbd2__journal_restart",
      "__ext4_journal_ensure_credits",
      "ext4_datasem_ensure_credits",
      "ext4_ext_rm_leaf",
      "ext4_ext_remove_space",
      "ext4_ext_truncate",
      "ext4_truncate",
    ];
    const held = table.interpret(frames).holds.map(name);
    expect(held).not.toContain("jbd2_handle");
    expect(held).not.toContain("rwsem:i_data_sem");
  });
});

/** What must agree for two rows to speak of the same situation. */
function situation(row: WaitRow | CallerRow | HoldRow, fn: string, of: string): string {
  const list = (x: readonly string[] | undefined): string => [...(x ?? [])].sort().join(",");
  const direct = row.kind === "wait" && row.direct ? "direct" : "";
  const callees = row.kind === "caller" ? "" : list(row.callees);
  return [row.kind, fn, of, direct, list(row.callers), callees].join("|");
}

function overlap(a: KnowledgeRow, b: KnowledgeRow): boolean {
  const num = (v: string | undefined, other: number): number => {
    if (v === undefined) return other;
    const [major, minor] = v.split(".").map(Number);
    return (major ?? 0) * 1000 + (minor ?? 0);
  };
  const era = (r: KnowledgeRow) => ("era" in r && r.era ? r.era : {});
  return num(era(a).since, 0) < num(era(b).before, 1e9) && num(era(b).since, 0) < num(era(a).before, 1e9);
}

function contradictions(all: readonly KnowledgeRow[]): string[] {
  const seen = new Map<string, (WaitRow | CallerRow)[]>();
  const out: string[] = [];
  for (const row of all) {
    if (row.kind !== "wait" && row.kind !== "caller") continue;
    for (const fn of row.fn)
      for (const of of row.kind === "caller" ? row.of : [""]) {
        const key = situation(row, fn, of);
        const others = seen.get(key) ?? [];
        for (const o of others)
          if (name(o) !== name(row) && overlap(o, row)) out.push(`${key}: ${name(o)} / ${name(row)}`);
        seen.set(key, [...others, row]);
      }
  }
  return out;
}

describe("file system rows are sound", () => {
  for (const [file, list] of Object.entries(files)) {
    it(`${file}: sources, names, lists`, () => {
      expect(list.length).toBeGreaterThan(2);
      for (const row of list) {
        expect(row.source.length, JSON.stringify(row.fn)).toBeGreaterThan(5);
        expect(row.fn.length, row.source).toBeGreaterThan(0);
        const rest =
          row.kind === "hold"
            ? [row.callees, row.notCallees, row.callers, row.notCallers]
            : row.kind === "wait"
              ? [row.callers, row.callees]
              : [];
        for (const names of [row.fn, ...rest]) {
          if (!names) continue;
          for (const fn of names) expect(fn).toMatch(/^[A-Za-z_][A-Za-z0-9_]*$/);
          expect(new Set(names).size, `${row.source}: ${names.join(" ")}`).toBe(names.length);
        }
        if (row.kind === "hold") expect(row.because.length).toBeGreaterThan(5);
      }
    });
  }

  it("no two rows say different things of the same frame in the same situation", () => {
    expect(contradictions(fsRows)).toEqual([]);
  });

  it("a contradiction would be seen", () => {
    const row = jbd2Rows.find((r): r is WaitRow => r.kind === "wait" && r.fn.includes("wait_transaction_locked"));
    expect(row).toBeDefined();
    if (row) expect(contradictions([row, { ...row, class: "mutex" }])).toHaveLength(1);
  });

  it("no neutral row hides a frame that another row needs", () => {
    const neutral = new Set(fsRows.filter((r) => r.kind === "neutral").flatMap((r) => [...r.fn]));
    const used = fsRows.filter((r) => r.kind === "wait" || r.kind === "caller").flatMap((r) => [...r.fn]);
    expect(used.filter((fn) => neutral.has(fn))).toEqual([]);
  });
});
