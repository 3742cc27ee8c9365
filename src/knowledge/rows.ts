/** The whole table: one file per subsystem under `frames/`. A new file is listed here. */
import { blockRows } from "./frames/block.ts";
import { btrfsRows } from "./frames/btrfs.ts";
import { bufferIoRows } from "./frames/buffer-io.ts";
import { cgroupRows } from "./frames/cgroup.ts";
import { cifsFuseCephRows } from "./frames/cifs-fuse-ceph.ts";
import { dmRows } from "./frames/dm.ts";
import { driverRows } from "./frames/drivers.ts";
import { entryRows } from "./frames/entry.ts";
import { ext4Rows } from "./frames/ext4.ts";
import { faultRows } from "./frames/fault.ts";
import { freezeRows } from "./frames/freeze.ts";
import { hotplugRows } from "./frames/hotplug.ts";
import { jbd2Rows } from "./frames/jbd2.ts";
import { lockingRows } from "./frames/locking.ts";
import { mdRows } from "./frames/md.ts";
import { memcgRows } from "./frames/memcg.ts";
import { mempoolRows } from "./frames/mempool.ts";
import { netAndMiscRows } from "./frames/net-and-misc.ts";
import { nfsRows } from "./frames/nfs.ts";
import { oomRows } from "./frames/oom.ts";
import { otherFsRows } from "./frames/other-fs.ts";
import { pageCacheRows } from "./frames/page-cache.ts";
import { reclaimRows } from "./frames/reclaim.ts";
import { schedulerRows } from "./frames/scheduler.ts";
import { swapRows } from "./frames/swap.ts";
import { vfsRows } from "./frames/vfs.ts";
import { workqueueRows } from "./frames/workqueue.ts";
import { writebackRows } from "./frames/writeback.ts";
import { xfsRows } from "./frames/xfs.ts";
import type { KnowledgeRow } from "./types.ts";

/** Every row of every subsystem. */
export const allRows: readonly KnowledgeRow[] = [
  ...blockRows,
  ...btrfsRows,
  ...bufferIoRows,
  ...cgroupRows,
  ...cifsFuseCephRows,
  ...dmRows,
  ...driverRows,
  ...entryRows,
  ...ext4Rows,
  ...faultRows,
  ...freezeRows,
  ...hotplugRows,
  ...jbd2Rows,
  ...lockingRows,
  ...mdRows,
  ...memcgRows,
  ...mempoolRows,
  ...netAndMiscRows,
  ...nfsRows,
  ...oomRows,
  ...otherFsRows,
  ...pageCacheRows,
  ...reclaimRows,
  ...schedulerRows,
  ...swapRows,
  ...vfsRows,
  ...workqueueRows,
  ...writebackRows,
  ...xfsRows,
];
