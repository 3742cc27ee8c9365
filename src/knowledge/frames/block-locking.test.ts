/**
 * The rows of scheduler, locking, workqueue, block, dm, md, drivers, cgroup, hotplug, entry and all around them
 * against real stacks: the frames that tell must be in the table and say what the thread's maintainers said.
 */
import { describe, expect, it } from "vitest";
import { Interpreter } from "../interpret.ts";
import { parseRelease } from "../release.ts";
import type { Era, KnowledgeRow, WaitRow } from "../types.ts";
import { blockRows } from "./block.ts";
import { cgroupRows } from "./cgroup.ts";
import { cpuRows } from "./cpu.ts";
import { cryptoRows } from "./crypto.ts";
import { dmRows } from "./dm.ts";
import { drbdRows } from "./drbd.ts";
import { driverCoreRows } from "./driver-core.ts";
import { entryRows, isEntryFrame } from "./entry.ts";
import { graphicsRows } from "./graphics.ts";
import { hotplugRows } from "./hotplug.ts";
import { ioUringRows } from "./io-uring.ts";
import { completionFrames, lockingRows, mutexFrames } from "./locking.ts";
import { mdRows } from "./md.ts";
import { mempoolRows } from "./mempool.ts";
import { mmcRows } from "./mmc.ts";
import { netRows } from "./net.ts";
import { nvmeRows } from "./nvme.ts";
import { pageCacheRows } from "./page-cache.ts";
import { processRows } from "./process.ts";
import { rdmaRows } from "./rdma.ts";
import { preemptFrames, schedulerFrames, schedulerRows, spinFrames } from "./scheduler.ts";
import { scsiRows } from "./scsi.ts";
import { scsiTargetRows } from "./scsi-target.ts";
import { sleeperRows } from "./sleepers.ts";
import { tracingRows } from "./tracing.ts";
import { ttyRows } from "./tty.ts";
import { usbRows } from "./usb.ts";
import { userServerRows } from "./user-servers.ts";
import { virtRows } from "./virt.ts";
import { workqueueRows } from "./workqueue.ts";

const tables = {
  schedulerRows,
  entryRows,
  lockingRows,
  workqueueRows,
  blockRows,
  dmRows,
  mdRows,
  driverCoreRows,
  scsiRows,
  nvmeRows,
  usbRows,
  mmcRows,
  scsiTargetRows,
  drbdRows,
  cgroupRows,
  hotplugRows,
  sleeperRows,
  processRows,
  netRows,
  userServerRows,
  cryptoRows,
  ttyRows,
  graphicsRows,
  ioUringRows,
  cpuRows,
  virtRows,
  tracingRows,
  rdmaRows,
};
const own: readonly KnowledgeRow[] = Object.values(tables).flat();
// The mempool and page waits below some of these stacks have their own tables.
const rows = [...own, ...mempoolRows, ...pageCacheRows];

interface Case {
  readonly source: string;
  readonly release?: string;
  /** Innermost first. */
  readonly stack: string;
  readonly state?: "idle" | "running" | "spinning";
  /** `class`, `class:id`, `class:id/event`. */
  readonly wait?: string;
  readonly sleep?: string;
  readonly holds?: readonly string[];
  readonly notHolds?: readonly string[];
}

const top = "__schedule schedule";
const mutexTop = `${top} schedule_preempt_disabled __mutex_lock __mutex_lock_slowpath mutex_lock`;
const kworker = "process_one_work worker_thread kthread ret_from_fork";
const syscall = "do_syscall_64 entry_SYSCALL_64_after_hwframe";

const cases: readonly Case[] = [
  {
    source: "test/cases/cgroup-2019-858aff6a, hotplug task",
    stack: `__switch_to ${top} schedule_timeout wait_for_common wait_for_completion __cpuhp_kick_ap cpuhp_kick_ap_work _cpu_down cpu_down`,
    wait: "completion:cpuhp_ap",
    sleep: "uninterruptible",
    holds: ["cpu_hotplug_lock", "mutex:cpu_add_remove_lock"],
  },
  {
    source: "test/cases/cgroup-2019-858aff6a, hotplug thread",
    stack: `__switch_to ${top} schedule_timeout wait_for_common wait_for_completion kthread_stop sugov_exit cpufreq_exit_governor cpufreq_offline`,
    wait: "kthread_stop/exit",
  },
  {
    source: "test/cases/cgroup-2019-858aff6a, governor thread",
    stack: `__switch_to ${top} rwsem_down_read_failed __percpu_down_read exit_signals do_exit kthread`,
    wait: "percpu_rwsem:cgroup_threadgroup_rwsem",
    holds: ["kthread_stop"],
    notHolds: ["percpu_rwsem:cgroup_threadgroup_rwsem"],
  },
  {
    source: "test/cases/cgroup-2019-858aff6a, migration",
    stack: `__switch_to ${mutexTop} cpuset_can_attach cgroup_migrate_execute`,
    wait: "mutex:cpuset_mutex",
    holds: ["percpu_rwsem:cgroup_threadgroup_rwsem", "cgroup_mutex"],
    notHolds: ["mutex:cpuset_mutex", "cpu_hotplug_lock"],
  },
  {
    source: "test/cases/cgroup-2019-858aff6a, cpuset work",
    stack: `__switch_to ${top} rwsem_down_read_failed __percpu_down_read cpus_read_lock rebuild_sched_domains_locked`,
    wait: "cpu_hotplug_lock",
    holds: ["mutex:cpuset_mutex"],
    notHolds: ["cpu_hotplug_lock"],
  },
  {
    source: "test/cases/cgroup-2020-8f64598c, cpuhp",
    release: "5.6.0",
    stack: `__switch_to ${top} schedule_preempt_disabled __mutex_lock_common mutex_lock_nested cgroup_transfer_tasks cpuset_hotplug_update_tasks cpuset_hotplug cpuset_update_active_cpus sched_cpu_deactivate cpuhp_invoke_callback cpuhp_thread_fun smpboot_thread_fn kthread ret_from_fork`,
    wait: "cgroup_mutex",
    holds: ["completion:cpuhp_ap"],
    notHolds: ["cgroup_mutex"],
  },
  {
    source: "test/cases/cgroup-2020-8f64598c, mkdir",
    release: "5.6.0",
    stack: `__switch_to ${top} percpu_rwsem_wait __percpu_down_read cpus_read_lock static_key_slow_inc mem_cgroup_css_alloc cgroup_apply_control_enable cgroup_mkdir kernfs_iop_mkdir vfs_mkdir do_mkdirat __arm64_sys_mkdirat do_el0_svc`,
    wait: "cpu_hotplug_lock",
    holds: ["cgroup_mutex"],
    notHolds: ["cpu_hotplug_lock"],
  },
  {
    source: "test/cases/cgroup-2026-82eceb5e",
    stack: `${top} cgroup_drain_dying cgroup_rmdir kernfs_iop_rmdir vfs_rmdir filename_rmdir __x64_sys_unlinkat ${syscall}`,
    wait: "task_exit:dying tasks of the cgroup",
    notHolds: ["cgroup_mutex"],
  },
  {
    source: "test/cases/cgroup-2024-825bf954",
    stack: `${top} do_freezer_trap get_signal arch_do_signal_or_restart syscall_exit_to_user_mode ${syscall}`,
    wait: "frozen:cgroup/thaw",
    sleep: "killable",
  },
  {
    source: "test/cases/dm-2019-46a6480e, kswapd",
    stack: `${top} schedule_timeout io_schedule_timeout bit_wait_io __wait_on_bit out_of_line_wait_on_bit __make_buffer_clean __try_evict_buffer dm_bufio_shrink_scan shrink_slab shrink_zone kswapd kthread ret_from_fork`,
    wait: "device_io",
    holds: ["mutex:dm_bufio_client"],
  },
  {
    source: "test/cases/dm-2019-46a6480e, loop worker",
    stack: `${top} schedule_preempt_disabled __mutex_lock_slowpath mutex_lock dm_bufio_shrink_count shrink_slab shrink_zone do_try_to_free_pages try_to_free_pages __alloc_pages_nodemask alloc_pages_current new_slab __slab_alloc kmem_cache_alloc do_blockdev_direct_IO __blockdev_direct_IO xfs_vm_direct_IO generic_file_read_iter lo_rw_aio loop_queue_work kthread_worker_fn kthread ret_from_fork`,
    wait: "mutex:dm_bufio_client",
    holds: ["device_io"],
    notHolds: ["mutex:dm_bufio_client"],
  },
  {
    source: "test/cases/dm-2019-a2e351e4",
    stack: `${top} schedule_timeout io_schedule_timeout wait_for_in_progress do_origin __map_bio __split_and_process_bio dm_make_request generic_make_request submit_bio drbd_md_sync_page_io drbd_md_write drbd_md_sync drbd_start_resync receive_sync_uuid drbd_receiver drbd_thread_setup kthread ret_from_kernel_thread`,
    wait: "dm_target:cow_count",
    notHolds: ["rwsem:dm_snap_origins_lock"],
  },
  {
    source: "test/cases/dm-2019-c0cbd8ab, array thread",
    stack: "schedule md_super_wait write_page md_update_sb md_check_recovery raid10d md_thread kthread ret_from_fork",
    wait: "device_io:md_superblock_write",
    holds: ["md:superblock"],
  },
  {
    source: "test/cases/dm-2019-c0cbd8ab, writer",
    stack:
      "schedule md_write_start raid10_make_request md_handle_request md_make_request generic_make_request submit_bio dispatch_rw_block_io",
    wait: "md:superblock",
    notHolds: ["md:superblock"],
  },
  {
    source: "test/cases/dm-2019-c0cbd8ab, dm-integrity",
    stack: `schedule io_schedule wait_and_add_new_range dm_integrity_map_continue ${kworker}`,
    wait: "dm_target:integrity_range",
    holds: ["work_flush"],
    notHolds: ["dm_target:integrity_range"],
  },
  {
    source: "test/cases/dm-2023-5159e1fb",
    stack: `${top} rwsem_down_read_slowpath down_read dm_pool_issue_prefetches do_worker ${kworker}`,
    wait: "rwsem:pmd_root_lock",
    notHolds: ["rwsem:pmd_root_lock"],
  },
  {
    source: "test/cases/md-2024-71270b6e, RAID write",
    stack: `${top} md_bitmap_startwrite __add_stripe_bio raid5_make_request md_handle_request __submit_bio submit_bio_noacct_nocheck kcryptd_crypt_write_convert ${kworker}`,
    wait: "md:bitmap_counter",
    holds: ["device_io"],
  },
  {
    source: "test/cases/md-2024-71270b6e, flusher",
    stack: `${top} io_schedule rq_qos_wait wbt_wait __rq_qos_throttle blk_mq_submit_bio __submit_bio submit_bio_noacct_nocheck iomap_submit_ioend`,
    wait: "rq_qos:wbt",
  },
  {
    source: "test/cases/md-2023-78f24e27",
    stack: `${top} wait_for_serialization raid1_make_request md_handle_request __submit_bio submit_bio_noacct_nocheck`,
    wait: "md:serialization",
  },
  {
    source: "test/cases/nvme-2020-7ae069f4, second scan",
    release: "5.5.0",
    stack: `${mutexTop} revalidate_disk __nvme_revalidate_disk nvme_revalidate_disk revalidate_disk nvme_validate_ns nvme_scan_work ${kworker}`,
    wait: "mutex:bd_mutex",
    holds: ["mutex:nvme_scan_lock"],
    notHolds: ["mutex:bd_mutex"],
  },
  {
    source: "test/cases/nvme-2020-7ae069f4, first scan",
    release: "5.5.0",
    stack: `${top} io_schedule do_read_cache_page read_cache_page read_dev_sector read_lba efi_partition check_partition rescan_partitions __blkdev_get blkdev_get __device_add_disk device_add_disk nvme_mpath_set_live nvme_update_ns_ana_state nvme_set_ns_ana_state nvme_parse_ana_log nvme_mpath_add_disk nvme_validate_ns nvme_scan_work ${kworker}`,
    wait: "device_io",
    holds: ["mutex:bd_mutex", "mutex:nvme_ana_lock"],
    notHolds: ["mutex:open_mutex"],
  },
  {
    source: "test/cases/scsi-2022-cb308d18, opener",
    stack: `${top} scsi_block_when_processing_errors sd_open __blkdev_get blkdev_get do_dentry_open path_openat`,
    wait: "scsi_eh/eh_done",
  },
  {
    source: "test/cases/scsi-2022-cb308d18, removal",
    stack: `${top} schedule_timeout io_schedule_timeout wait_for_completion_io_timeout blk_execute_rq __scsi_execute sd_remove device_release_driver_internal bus_remove_device device_del __scsi_remove_device scsi_remove_device kernfs_fop_write_iter new_sync_write vfs_write ksys_write ${syscall}`,
    wait: "device_io",
    sleep: "uninterruptible",
    holds: ["mutex:scan_mutex"],
  },
  {
    source: "test/cases/scsi-2023-0a6ddab5",
    stack: `${mutexTop} target_free_device target_core_dev_release config_item_put target_devices_idr_iter idr_for_each target_for_each_device`,
    wait: "mutex:device_mutex",
    holds: ["mutex:device_mutex"],
  },
  {
    source: "test/cases/scsi-2020-7daeacb9",
    stack: `${top} schedule_timeout wait_for_completion iscsit_free_session iscsit_release_sessions_for_tpg iscsit_tpg_disable_portal_group lio_target_tpg_enable_store configfs_write_file __vfs_write`,
    wait: "completion:iscsit_session",
  },
  {
    source: "test/cases/syzkaller-testdata-447",
    stack: `${top} schedule_timeout wait_for_completion __flush_work __cancel_work_timer cancel_work_sync p9_fd_close p9_client_create v9fs_session_init v9fs_mount`,
    wait: "work_flush/complete",
  },
  {
    source: "test/cases/xfs-2021-efdd9186, flusher of the loop device",
    stack:
      "blk_mq_get_tag __blk_mq_alloc_request blk_mq_submit_bio submit_bio_noacct iomap_submit_ioend xfs_vm_writepages do_writepages",
    wait: "request_tag/tag_freed",
  },
  {
    source: "test/cases/seed3-dmcrypt-swap-thrash",
    release: "6.1.192",
    stack: `${top} schedule_timeout ___down_common __down down __map_bio dm_submit_bio __submit_bio submit_bio_noacct_nocheck __swap_writepage pageout shrink_folio_list`,
    wait: "semaphore:swap_bios",
  },
  {
    source: "test/cases/crypto-2023-padata-aead",
    stack: `__switch_to ${top} schedule_timeout wait_for_common wait_for_completion test_aead_vec_cfg test_aead alg_test_aead alg_test cryptomgr_test kthread ret_from_fork`,
    wait: "completion:crypto_request",
  },
  {
    source: "test/cases/cgroup-2024-825bf954, healthy kernel thread",
    stack: `${top} kvm_nx_huge_page_recovery_worker kvm_vm_worker_thread kthread ret_from_fork ret_from_fork_asm`,
    state: "idle",
  },
  { source: "fact sheet 13", stack: `${top} worker_thread kthread ret_from_fork`, state: "idle" },
  { source: "fact sheet 13", stack: `${top} schedule_timeout md_thread kthread ret_from_fork`, state: "idle" },
  {
    source: "fact sheet 13.6: the holder that reclaims is runnable",
    stack: "__schedule preempt_schedule_common __cond_resched shrink_active_list shrink_lruvec shrink_node",
    state: "running",
  },
  {
    source: "fact sheet 13.2",
    stack: "native_queued_spin_lock_slowpath _raw_spin_lock_irq shrink_active_list shrink_lruvec",
    state: "spinning",
    wait: "spinlock",
    sleep: "spin",
  },
];

function said(source: Case): { wait: string | undefined; sleep: string | undefined; state: string; holds: string[] } {
  const it = new Interpreter(source.release === undefined ? undefined : parseRelease(source.release), rows);
  const m = it.interpret(source.stack.split(" "));
  const id = m.wait?.id === undefined ? "" : `:${m.wait.id}`;
  return {
    wait: m.wait && !m.wait.fallback ? `${m.wait.class}${id}/${m.wait.event}` : undefined,
    sleep: m.wait?.sleep,
    state: m.state,
    holds: m.holds.map((h) => (h.id === undefined ? h.class : `${h.class}:${h.id}`)),
  };
}

describe("real stacks", () => {
  it.each(cases.map((c) => [`${c.source}: ${c.stack.slice(0, 80)}`, c] as const))("%s", (_name, c) => {
    const m = said(c);
    expect(m.state).toBe(c.state ?? "waiting");
    if (c.wait !== undefined) expect(`${m.wait}/`.startsWith(`${c.wait}/`), `${m.wait} is not ${c.wait}`).toBe(true);
    if (c.sleep !== undefined) expect(m.sleep).toBe(c.sleep);
    for (const hold of c.holds ?? []) expect(m.holds).toContain(hold);
    for (const hold of c.notHolds ?? []) expect(m.holds).not.toContain(hold);
  });
});

describe("primitives", () => {
  const it2 = new Interpreter(undefined, own);
  const wait = (stack: string) => it2.interpret(stack.split(" ")).wait;

  it("take the sleep from the outermost spelling", () => {
    expect(wait("schedule __mutex_lock f")?.sleep).toBe("uninterruptible");
    expect(wait("schedule __mutex_lock __mutex_lock_killable_slowpath mutex_lock_killable f")?.sleep).toBe("killable");
    expect(wait("schedule rwsem_down_read_slowpath down_read_killable f")?.sleep).toBe("killable");
    expect(wait("schedule schedule_timeout __wait_for_common wait_for_completion_timeout f")?.sleep).toBe("timed");
    expect(wait("schedule schedule_timeout __down_common __down_interruptible down_interruptible f")?.sleep).toBe(
      "interruptible",
    );
  });

  it("tell readers from writers in every era", () => {
    for (const s of [
      "rwsem_down_read_slowpath down_read",
      "rwsem_down_read_failed call_rwsem_down_read_failed down_read",
      "__down_read_common",
    ])
      expect(wait(`schedule ${s} f`)).toMatchObject({ class: "rwsem", mode: "read" });
    for (const s of [
      "rwsem_down_write_slowpath down_write",
      "__rwsem_down_write_failed_common rwsem_down_write_failed call_rwsem_down_write_failed down_write",
    ])
      expect(wait(`schedule ${s} f`)).toMatchObject({ class: "rwsem", mode: "write" });
    expect(wait("schedule percpu_rwsem_wait __percpu_down_read f")).toMatchObject({
      class: "percpu_rwsem",
      mode: "read",
    });
    expect(wait("schedule percpu_down_write f")).toMatchObject({ class: "percpu_rwsem", mode: "write" });
    expect(wait("schedule rwsem_down_write_failed percpu_down_write f")).toMatchObject({
      class: "percpu_rwsem",
      mode: "write",
    });
  });

  it("do not take the mutex of a flush for the flush", () => {
    expect(wait("schedule __mutex_lock mutex_lock __flush_workqueue f")).toMatchObject({
      class: "mutex",
      id: "wq_mutex",
    });
    expect(wait("schedule wait_for_completion __flush_workqueue f")).toMatchObject({
      class: "workqueue",
      event: "drain",
    });
    expect(wait("schedule mutex_lock rcu_barrier f")).toMatchObject({ class: "mutex", id: "rcu_barrier_mutex" });
    expect(wait("schedule wait_for_completion rcu_barrier f")).toMatchObject({
      class: "rcu_grace_period",
      id: "rcu_barrier",
    });
  });

  it("keep a grace period inside percpu_down_write a grace period", () => {
    const m = wait("schedule wait_for_completion __wait_rcu_gp synchronize_rcu rcu_sync_enter percpu_down_write f");
    expect(m?.class).toBe("rcu_grace_period");
  });
});

describe("entry frames", () => {
  it.each([
    "entry_SYSCALL_64_after_hwframe",
    "__x64_sys_pwrite64",
    "SyS_fsync",
    "sys_write",
    "el0t_64_sync_handler",
    "__arm64_sys_mkdirat",
    "asm_exc_page_fault",
    "ret_from_fork_asm",
    "kthread",
    "x64_sys_call",
    "irqentry_exit_to_user_mode",
    "do_notify_resume",
    "system_call_fastpath",
  ])("%s is entry code", (name) => expect(isEntryFrame(name)).toBe(true));
  it.each([
    "systemd_wait",
    "kthread_stop",
    "do_sys_openat2",
    "worker_thread",
    "handle_mm_fault",
    "sysfs_kf_write",
    "do_exit",
    "sync_filesystem",
    "system_call_counter",
  ])("%s is not", (name) => expect(isEntryFrame(name)).toBe(false));
});

describe("the table", () => {
  const normal = /^[A-Za-z_]\w*$/;
  it.each(Object.entries(tables))("%s: every row has a source and plain function names", (_name, table) => {
    expect(table.length).toBeGreaterThan(1);
    for (const row of table) {
      expect(row.source.length, JSON.stringify(row.fn)).toBeGreaterThan(5);
      expect(row.fn.length).toBeGreaterThan(0);
      expect(new Set(row.fn).size, `doubled name in ${row.fn.join(" ")}`).toBe(row.fn.length);
      const further = "callees" in row ? (row.callees ?? []) : [];
      for (const fn of [...row.fn, ...further]) expect(fn).toMatch(normal);
    }
  });

  it("frame lists are plain names without doubles", () => {
    for (const list of [schedulerFrames, preemptFrames, spinFrames, completionFrames, mutexFrames]) {
      expect(new Set(list).size).toBe(list.length);
      for (const fn of list) expect(fn).toMatch(normal);
    }
    expect(preemptFrames.filter((f) => schedulerFrames.includes(f))).toEqual([]);
  });

  it("no two wait rows contradict each other under the same conditions", () => {
    const seen = new Map<string, WaitRow>();
    const bad: string[] = [];
    for (const row of own) {
      if (row.kind !== "wait") continue;
      for (const fn of row.fn) {
        const key = [fn, row.direct ?? false, (row.callees ?? []).join(), (row.callers ?? []).join()].join("|");
        const old = seen.get(key);
        if (
          old &&
          overlap(old.era, row.era) &&
          (old.class !== row.class || old.id !== row.id || old.sleep !== row.sleep)
        )
          bad.push(`${fn}: ${old.class}:${old.id} and ${row.class}:${row.id}`);
        seen.set(key, row);
      }
    }
    expect(bad).toEqual([]);
  });

  it("no caller has two names for one lock of a kind in one era", () => {
    const seen = new Map<string, string>();
    const bad: string[] = [];
    for (const row of own) {
      if (row.kind !== "caller" || row.era) continue;
      for (const fn of row.fn) {
        const key = `${fn} ${row.of[0]} ${row.callers?.join() ?? ""} ${row.mode ?? ""}`;
        const name = `${row.class}:${row.id}`;
        const old = seen.get(key);
        if (old !== undefined && old !== name) bad.push(`${fn}: ${old} and ${name}`);
        seen.set(key, name);
      }
    }
    expect(bad).toEqual([]);
  });

  it("every lock that a row says is held can be waited for under the same name", () => {
    const waited = new Set<string>();
    for (const row of [...own, ...pageCacheRows])
      if (row.kind === "wait" || row.kind === "caller") waited.add(`${row.class}:${row.id ?? ""}`);
    const lost = own.flatMap((r) =>
      r.kind === "hold" && !waited.has(`${r.class}:${r.id ?? ""}`) ? [`${r.class}:${r.id ?? ""}`] : [],
    );
    // Bios on the on-stack list are waited for as I/O of their own device.
    expect([...new Set(lost)].sort()).toEqual(["bio:bio_list"]);
  });
});

function overlap(a: Era | undefined, b: Era | undefined): boolean {
  const before = (x: string | undefined, y: string | undefined) =>
    x !== undefined && y !== undefined && version(x) <= version(y);
  return !(before(a?.before, b?.since) || before(b?.before, a?.since));
}

function version(text: string): number {
  const [major = 0, minor = 0] = text.split(".").map(Number);
  return major * 1000 + minor;
}
