/**
 * A write to a disk's queue/scheduler freezes its queue and allocates the new scheduler. No page is free: reclaim swaps out, to
 * that disk, and sleeps until the queue is no longer frozen, which only the task itself would see to.
 *
 * "block: force noio scope in blk_mq_freeze_queue" (Christoph Hellwig, January 2025), commit 1e1a9cecfab3 (v6.14), and before it for sysfs
 * alone 7c0be4ead1f8 ("block: mark GFP_NOIO around sysfs ->store()").
 */
import { queueAttrStore } from "../kernel/block/elevator.ts";
import { mayFreeze } from "../kernel/block/queue-freeze.ts";
import { bootSwap } from "../kernel/mm/swap-state.ts";
import { defineIncident } from "./incident.ts";

export const queueFreezeReclaim = defineIncident({
  id: "queue-freeze-reclaim",
  title: "who froze a queue allocates, and reclaim swaps out to that queue",
  source: "block: force noio scope in blk_mq_freeze_queue, Christoph Hellwig, 2025-01-31",
  era: "6.12.0",
  parameters: {
    stores: { default: 1, min: 1, max: 3, what: "tasks that choose a scheduler for the disk" },
    anonymous: { default: 1, min: 0, max: 4, what: "pages of an idle process, which can only be swapped out" },
    clean: { default: 1, min: 1, max: 4, what: "clean pages of a file: all that is to be had without I/O" },
    dirty: { default: 1, min: 0, max: 2, what: "dirty pages of the file, which the flusher writes meanwhile" },
    elsewhere: { default: 0, min: 0, max: 1, what: "1: the swap is on another disk" },
    free: { default: 0, min: 0, max: 4, what: "free pages" },
    priority: { default: 0, min: 0, max: 12, what: "where reclaim begins; at 0 one pass scans all there is" },
  },
  fixes: ["sysfs-store-noio", "freeze-noio"],
  fixedChoices: [
    "the process sleeps and never needs its pages again",
    "the flusher is told to write all there is when the story begins; its timer does not fire again",
  ],
  cpus: () => 1,
  setup(s, { stores = 1, anonymous = 1, clean = 1, dirty = 1, elsewhere = 0, free = 0, priority = 0 }) {
    s.memory({ priority });
    const [disk, other] = s.disks(2, { irqCpu: 0 }, { irqCpu: 0 });
    mayFreeze(s.kernel, disk!);
    bootSwap(s.kernel, elsewhere > 0 ? other! : disk!);
    const fs = s.filesystem("ext4", disk!, { periodic: false });
    const isDirty = Array.from({ length: dirty }, (_, i) => clean + i);
    s.file(fs, { pages: clean + dirty, dirty: isDirty });
    s.anonymous(s.process(), anonymous);
    for (let i = 0; i < stores; i++) s.task("echo", {}, queueAttrStore, [disk!]);
    s.freePages(free);
  },
});
