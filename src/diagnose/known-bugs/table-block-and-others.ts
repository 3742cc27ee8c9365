/** Known bugs of the block layer, device mapper and the SCSI target. */
import type { KnownBug } from "./types.ts";

/** Block layer, device mapper, SCSI target. */
export const blockAndOtherBugs: readonly KnownBug[] = [
  {
    id: "dm-crypt-vm-throttle",
    title: "dm-crypt's worker is throttled in reclaim for the writeback that it should encrypt",
    fix: 'commit bf48438354a7 ("mm, vmscan: get rid of throttle_vm_writeout") (v4.9)',
    affected: "before 4.9, worst in 4.6 and 4.7, with swap or file systems on dm-crypt; a crawl, not a deadlock",
    era: { before: "4.9" },
    today:
      "ends it: swapoff of the encrypted swap, or kill the memory hog (it gets on at about 10 requests a second); avoids it: a kernel with the fix, or swap that is not on dm-crypt",
    incident: "dm-crypt-throttle",
    verdicts: ["slow", "livelock", "unknown", "lost-io"],
    edges: [
      {
        waitsFor: ["dirty_limit", "reclaim", "mempool"],
        path: ["throttle_vm_writeout"],
        path2: ["kcryptd_crypt", "crypt_alloc_buffer", "kcryptd_crypt_write_convert"],
        where: "any",
      },
    ],
    source: "thread of July 2016 on freezes after OOM; mm/vmscan.c:throttle_vm_writeout, mm/mempool.c:mempool_alloc",
  },
  {
    id: "dm-bufio-loop",
    title: "loop: set PF_MEMALLOC_NOIO for the worker thread",
    fix: 'commit d0a255e795ab ("loop: set PF_MEMALLOC_NOIO for the worker thread") (v5.3)',
    affected: "before 5.3: dm-bufio users (dm-thin, dm-verity, dm-integrity) on top of a loop device",
    era: { before: "5.3" },
    today:
      "ends it: reboot with `reboot -ff` or `echo b > /proc/sysrq-trigger`; avoids it: no thin pools, dm-verity or dm-integrity on loop devices of hosts short of memory",
    incident: "dm-bufio-loop",
    verdicts: ["deadlock", "unknown", "lost-io"],
    edges: [
      {
        waitsFor: ["mutex"],
        id: ["dm_bufio_client"],
        path: ["dm_bufio_shrink_scan", "dm_bufio_shrink_count"],
        path2: [
          "loop_queue_work",
          "loop_kthread_worker_fn",
          "lo_write_bvec",
          "lo_rw_aio",
          "loop_process_work",
          "loop_workfn",
        ],
      },
      { waitsFor: ["device_io", "request_tag"], holds: ["mutex:dm_bufio_client"] },
    ],
    source:
      "changelog of bd293d071ffe (reverted), d0a255e795ab; drivers/md/dm-bufio.c:dm_bufio_shrink_scan; dm_bufio_shrink_count takes the mutex too in old kernels",
  },
  {
    id: "dm-snapshot-cow-throttle",
    title: "dm snapshot: rework COW throttling to fix deadlock",
    fix: 'commit b21555786f18 ("dm snapshot: rework COW throttling to fix deadlock") (v5.4)',
    affected:
      'kernels with 721b1d98fb517a ("dm snapshot: Fix excessive memory usage and workqueue stalls") and without the fix, also in stable branches of 2019',
    era: { before: "5.4" },
    today:
      "ends it: reboot with `reboot -ff` or `echo b > /proc/sysrq-trigger`; avoids it: a higher snapshot_cow_threshold of dm_snapshot (module parameter) makes the throttle rarer; do not create or remove snapshots under write load",
    incident: "dm-snapshot-cow-throttle",
    verdicts: ["deadlock", "unknown", "slow", "lost-io"],
    edges: [
      {
        waitsFor: ["dm_target", "semaphore"],
        id: ["cow_count"],
        holds: ["bio"],
        path: ["wait_for_in_progress", "start_copy", "start_full_bio", "__origin_write"],
        path2: ["do_origin", "snapshot_map", "origin_map"],
      },
    ],
    source:
      "changelog of b21555786f18; report of 2019-10-11 on 4.4.184 (a backport); drivers/md/dm-snap.c: the submitter waits with _origins_lock and its bio_list in hand",
  },
  {
    id: "dm-integrity-range",
    title: "dm integrity: fix deadlock with overlapping I/O",
    fix: 'commit 4ed319c6ac08 ("dm integrity: fix deadlock with overlapping I/O")',
    affected: "4.19 before 4.19.35 and mainline before 5.1, dm-integrity with a journal",
    era: { before: "5.1" },
    today: "ends it: reboot with `reboot -ff` or `echo b > /proc/sysrq-trigger`; avoids it: a kernel with the fix",
    verdicts: ["deadlock", "unknown", "lost-io", "slow"],
    edges: [
      {
        waitsFor: ["dm_target"],
        id: ["integrity_range"],
        path: ["dm_integrity_map_continue"],
        path2: ["process_one_work"],
      },
      {
        waitsFor: ["dm_target"],
        id: ["integrity_range"],
        path: ["dm_integrity_map_continue"],
        path2: ["process_one_work"],
      },
    ],
    source: "thread of 2019 on dm-devel; drivers/md/dm-integrity.c:wait_and_add_new_range",
  },
  {
    id: "queue-freeze-reclaim",
    incident: "queue-freeze-reclaim",
    title: "block: force noio scope in blk_mq_freeze_queue",
    fix: 'commit 1e1a9cecfab3 ("block: force noio scope in blk_mq_freeze_queue") (v6.14)',
    affected: "before 6.14: whoever froze a queue allocates, and reclaim submits I/O to that queue",
    era: { before: "6.14" },
    today:
      "ends it: reboot with `reboot -ff` or `echo b > /proc/sysrq-trigger`; avoids it: change the scheduler or queue attributes before the machine is short of memory, and not on the swap device",
    verdicts: ["deadlock", "unknown"],
    edges: [
      {
        waitsFor: ["queue_freeze"],
        holds: ["queue_freeze"],
        path: [
          "queue_attr_store",
          "elevator_switch",
          "blk_mq_init_sched",
          "blk_mq_update_nr_hw_queues",
          "elv_iosched_store",
          "blk_mq_update_nr_requests",
        ],
        path2: ["shrink_page_list", "shrink_folio_list", "do_try_to_free_pages"],
      },
    ],
    source: "commit 1e1a9cecfab3; block/blk-core.c:__bio_queue_enter",
  },
  {
    id: "target-device-mutex",
    title: "scsi: target: core: Fix deadlock due to recursive locking",
    fix: 'commit a154f5f643c6 ("scsi: target: core: Fix deadlock due to recursive locking")',
    affected: "until 6.5; stable branches have the fix",
    era: { before: "6.6" },
    today:
      "ends it: reboot the target with `reboot -ff` or `echo b > /proc/sysrq-trigger`: its session thread waits for a mutex that it holds itself; avoids it: a kernel with the fix",
    verdicts: ["deadlock", "unknown"],
    edges: [
      {
        waitsFor: ["mutex"],
        id: ["device_mutex"],
        holds: ["mutex:device_mutex"],
        path: ["target_for_each_device"],
        path2: ["target_free_device"],
      },
    ],
    source: "changelog of a154f5f643c6; drivers/target/target_core_device.c:target_for_each_device",
  },
];
