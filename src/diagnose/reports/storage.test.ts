/**
 * Reports of storage deadlocks from kernel history, each with the cycle its changelog or thread describes, and look-alikes:
 * the same locks in a healthy order, lost I/O, or a holder that waits for the device. The logs say on their first line
 * which commit or mail they are from; stacks that the public text abbreviates are completed from the source's call chains.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Diagnosis, diagnose } from "../index.ts";

async function sample(name: string): Promise<Diagnosis> {
  return diagnose(readFileSync(new URL(`./samples/storage/${name}.log`, import.meta.url), "utf8"));
}

/** `waiter class:id <- holders`, by pid. */
function edgesOf(d: Diagnosis): string[] {
  return d.core
    .map((e) => {
      const id = e.waitsFor.id === undefined ? "" : `:${e.waitsFor.id}`;
      return `${e.waiter.pid} ${e.waitsFor.class}${id} <- ${e.heldBy.map((h) => h.pid).join()}`;
    })
    .sort();
}

const deadlocks: readonly (readonly [name: string, edges: readonly string[]])[] = [
  ["bcache-allocator-prio-write", ["15861 bcache_bucket:bcache <- 15861"]],
  ["bcache-shrinker-bucket-lock", ["870 mutex:bcache_bucket_lock <- 870"]],
  ["blk-mq-cpu-list", ["790 kernfs_active <- 811", "811 mutex:all_q_mutex <- 790"]],
  ["device-attach-async-self", ["931 mutex:device_lock <- 931"]],
  ["dm-destroy-swap-table", ["777 srcu:dm_io_barrier <- 901", "901 mutex:dm_suspend_lock <- 777"]],
  ["dm-limits-lock-queue-sysfs", ["42300 mutex:limits_lock <- 47908", "47908 queue_freeze:q_usage_counter <- 42300"]],
  ["dm-snap-kcopyd-self", ["440 dm_target:cow_count <- 440"]],
  ["drbd-detach-handshake", ["2288 drbd_state:md_buffer <- 8101", "8101 drbd_state:connection_state <- 2288"]],
  ["drbd-restart-write", ["2290 drbd_state:al_transaction <- 2290"]],
  ["elevator-switch-reclaim", ["4001 queue_freeze:freeze <- 4001"]],
  ["loop-clr-fd-sysfs", ["3304 kernfs_active <- 3310", "3310 mutex:loop_ctl_mutex <- 3304"]],
  ["loop-ctl-reread-part", ["2020 mutex:bd_mutex <- 377", "377 mutex:loop_ctl_mutex <- 2020"]],
  ["md-open-delayed-delete", ["233 mutex:bd_mutex <- 512", "512 workqueue <- 233"]],
  ["md-suspend-write-start", ["2511 md:active_io <- 640", "640 md:superblock <- 2511"]],
  ["mmc-suspend-queue-thread", ["1311 kthread_stop:mmcqd <- 98", "98 mmc_host <- 1311"]],
  ["nbd-index-open-mutex", ["402 mutex:nbd_index_mutex <- 5544", "5544 mutex:open_mutex <- 402"]],
  ["nbd-recv-work-destroys-its-queue", ["318 workqueue:nbd_recv_workq <- 318"]],
  ["nbd-release-del-gendisk", ["5544 mutex:bd_mutex <- 5544"]],
  [
    "nvme-ana-update-srcu",
    [
      "301 queue_freeze:q_usage_counter <- 302",
      "302 rwsem:nvme_namespaces_rwsem <- 303",
      "303 srcu:nvme_head_srcu <- 5120",
      "5120 queue_freeze:freeze <- 301",
    ],
  ],
  [
    "nvme-namespaces-mutex-removal",
    ["1203 mutex:nvme_namespaces_mutex <- 61", "61 queue_freeze:q_usage_counter <- 1203"],
  ],
  ["nvmet-fatal-error-self-flush", ["10224 work_flush:nvmet_fatal_err_work <- 10224"]],
  ["queue-sysfs-lock", ["1401 mutex:sysfs_lock <- 777", "777 kernfs_active <- 1401"]],
  ["raid5-cache-reclaim-quiesce", ["1404 kthread_stop:md_log_thread <- 933", "933 mutex:reconfig_mutex <- 1404"]],
  ["raid5-reshape-suspend", ["121 md:stripe_overlap <- 1404", "1404 md:active_io <- 121"]],
  ["raid5d-waits-for-itself", ["1010 md:superblock <- 1010"]],
  [
    "rbd-header-rwsem",
    [
      "81 rwsem:rbd_lock_rwsem <- 82",
      "82 rwsem:rbd_header_rwsem <- 83",
      "83 server:Ceph OSD <- 84",
      "84 rwsem:rbd_lock_rwsem <- 81",
    ],
  ],
  ["scsi-delete-sysfs", ["1881 mutex:scan_mutex <- 1901", "1901 kernfs_active <- 1881"]],
  ["zone-write-plug-freeze", ["380 queue_freeze:freeze <- 4471", "4471 queue_freeze:q_usage_counter <- 380"]],
];

const lookAlikes: readonly string[] = [
  "alike-bcache-prio-io",
  "alike-cgroup-files",
  "alike-dm-destroy-suspend",
  "alike-drbd-md-buffer",
  "alike-exit-stops-md-thread",
  "alike-freeze-leaked-request",
  "alike-loop-freeze-io",
  "alike-md-superblock-slow",
  "alike-mmc-rescan",
  "alike-nbd-config-put-elsewhere",
  "alike-nested-device-lock",
  "alike-nvme-reset-scan-io",
  "alike-nvmet-free-elsewhere",
  "alike-raid10-freeze-lost-io",
  "alike-scheduler-switch-io",
  "alike-scsi-scan-slow",
  "alike-sysfs-show-io",
  "alike-thin-pool-suspend-lock",
  "alike-thin-pool-suspend",
  "alike-two-freezes",
];

describe("deadlocks of kernel history", () => {
  it.each(deadlocks)("%s", async (name, edges) => {
    const d = await sample(name);
    expect(d.verdict).toBe("deadlock");
    expect(d.confidence).not.toBe("possible");
    expect(edgesOf(d)).toEqual(edges);
  });
});

describe("look-alikes that are no deadlock", () => {
  it.each(lookAlikes)("%s", async (name) => {
    const d = await sample(name);
    expect(["unknown", "slow", "lost-io", "none", "missed-wakeup"]).toContain(d.verdict);
    expect(d.unexplained).toEqual([]);
    expect(d.details.length).toBeGreaterThan(0);
  });
});
