/** MMC and SD cards: the host is claimed by one task at a time. */
import type { KnowledgeRow } from "../types.ts";
import { deviceIo } from "./driver-core.ts";

/** MMC and SD cards. */
export const mmcRows: readonly KnowledgeRow[] = [
  {
    kind: "wait",
    fn: ["__mmc_claim_host", "mmc_get_card"],
    direct: true,
    class: "mmc_host",
    event: "unlock",
    scope: "device",
    sleep: "uninterruptible",
    source: "drivers/mmc/core/core.c:__mmc_claim_host",
  },
  {
    ...deviceIo,
    fn: [
      "mmc_wait_for_req_done",
      "mmc_wait_for_cmd",
      "mmc_wait_for_req",
      "mmc_blk_rw_wait",
      "mmc_wait_for_data_req_done",
      "mmc_start_areq",
      "mmc_finalize_areq",
    ],
    source: "drivers/mmc/core/core.c:mmc_wait_for_req_done",
  },
  {
    kind: "hold",
    fn: [
      "mmc_blk_issue_rq",
      "mmc_blk_mq_issue_rq",
      "mmc_mq_queue_rq",
      "mmc_rescan",
      "mmc_switch",
      "mmc_blk_mq_complete_work",
      "mmc_blk_ioctl_cmd",
    ],
    callees: ["mmc_wait_for_req_done", "mmc_wait_for_cmd", "mmc_wait_for_req", "mmc_blk_rw_wait", "mmc_start_areq"],
    class: "mmc_host",
    scope: "device",
    confidence: "likely",
    because: "uses the host it has claimed",
    source: "drivers/mmc/core/core.c:__mmc_claim_host",
  },
  {
    kind: "hold",
    fn: ["mmc_pm_notify", "mmc_suspend_host", "mmc_stop_host"],
    callees: ["mmc_remove", "mmc_sd_remove", "mmc_sdio_remove", "mmc_remove_card"],
    class: "mmc_host",
    scope: "device",
    confidence: "likely",
    because: "removes the card with the host claimed",
    era: { before: "3.2" },
    source:
      'drivers/mmc/core/core.c:mmc_pm_notify; commit 0db13fc2abbb ("mmc: fix a deadlock between system suspend and MMC block IO")',
  },
  {
    kind: "caller",
    of: ["kthread_stop"],
    fn: ["mmc_cleanup_queue"],
    class: "kthread_stop",
    id: "mmcqd",
    scope: "device",
    providers: ["kthread"],
    source: "drivers/mmc/card/queue.c:mmc_cleanup_queue",
  },
  {
    kind: "hold",
    fn: ["mmc_queue_thread"],
    class: "kthread_stop",
    id: "mmcqd",
    scope: "device",
    confidence: "proven",
    because: "is the card's queue thread: stopping it waits until it has issued its request",
    source: "drivers/mmc/card/queue.c:mmc_queue_thread",
  },
];
