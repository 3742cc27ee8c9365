/** The whole table: one file per subsystem under `frames/`. A new file is listed here. */
import { blockRows } from "./frames/block.ts";
import { btrfsRows } from "./frames/btrfs.ts";
import { bufferIoRows } from "./frames/buffer-io.ts";
import { cgroupRows } from "./frames/cgroup.ts";
import { cifsFuseCephRows } from "./frames/cifs-fuse-ceph.ts";
import { clusterFsRows } from "./frames/cluster-fs.ts";
import { cpuRows } from "./frames/cpu.ts";
import { cryptoRows } from "./frames/crypto.ts";
import { dmRows } from "./frames/dm.ts";
import { drbdRows } from "./frames/drbd.ts";
import { driverCoreRows } from "./frames/driver-core.ts";
import { entryRows } from "./frames/entry.ts";
import { ext4Rows } from "./frames/ext4.ts";
import { f2fsRows } from "./frames/f2fs.ts";
import { faultRows } from "./frames/fault.ts";
import { freezeRows } from "./frames/freeze.ts";
import { graphicsRows } from "./frames/graphics.ts";
import { hotplugRows } from "./frames/hotplug.ts";
import { ioUringRows } from "./frames/io-uring.ts";
import { jbd2Rows } from "./frames/jbd2.ts";
import { kernfsRows } from "./frames/kernfs.ts";
import { lockingRows } from "./frames/locking.ts";
import { mdRows } from "./frames/md.ts";
import { memcgRows } from "./frames/memcg.ts";
import { mempoolRows } from "./frames/mempool.ts";
import { mmcRows } from "./frames/mmc.ts";
import { netRows } from "./frames/net.ts";
import { nfsRows } from "./frames/nfs.ts";
import { nilfs2Rows } from "./frames/nilfs2.ts";
import { nvmeRows } from "./frames/nvme.ts";
import { oomRows } from "./frames/oom.ts";
import { overlayfsRows } from "./frames/overlayfs.ts";
import { pageCacheRows } from "./frames/page-cache.ts";
import { processRows } from "./frames/process.ts";
import { rdmaRows } from "./frames/rdma.ts";
import { reclaimRows } from "./frames/reclaim.ts";
import { schedulerRows } from "./frames/scheduler.ts";
import { scsiRows } from "./frames/scsi.ts";
import { scsiTargetRows } from "./frames/scsi-target.ts";
import { sleeperRows } from "./frames/sleepers.ts";
import { smallFsRows } from "./frames/small-fs.ts";
import { swapRows } from "./frames/swap.ts";
import { tracingRows } from "./frames/tracing.ts";
import { ttyRows } from "./frames/tty.ts";
import { udfRows } from "./frames/udf.ts";
import { usbRows } from "./frames/usb.ts";
import { userServerRows } from "./frames/user-servers.ts";
import { v9fsRows } from "./frames/v9fs.ts";
import { vfsRows } from "./frames/vfs.ts";
import { virtRows } from "./frames/virt.ts";
import { workqueueRows } from "./frames/workqueue.ts";
import { writebackRows } from "./frames/writeback.ts";
import { xfsRows } from "./frames/xfs.ts";
import { zfsRows } from "./frames/zfs.ts";
import type { KnowledgeRow } from "./types.ts";

/** Every row of every subsystem. Of rows that say equally much of one function, the first speaks. */
export const allRows: readonly KnowledgeRow[] = [
  ...blockRows,
  ...btrfsRows,
  ...bufferIoRows,
  ...cgroupRows,
  ...cifsFuseCephRows,
  ...dmRows,
  ...driverCoreRows,
  ...scsiRows,
  ...nvmeRows,
  ...usbRows,
  ...mmcRows,
  ...scsiTargetRows,
  ...drbdRows,
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
  ...sleeperRows,
  ...processRows,
  ...netRows,
  ...userServerRows,
  ...cryptoRows,
  ...ttyRows,
  ...graphicsRows,
  ...ioUringRows,
  ...cpuRows,
  ...virtRows,
  ...tracingRows,
  ...rdmaRows,
  ...nfsRows,
  ...oomRows,
  ...f2fsRows,
  ...clusterFsRows,
  ...v9fsRows,
  ...zfsRows,
  ...overlayfsRows,
  ...nilfs2Rows,
  ...smallFsRows,
  ...udfRows,
  ...kernfsRows,
  ...pageCacheRows,
  ...reclaimRows,
  ...schedulerRows,
  ...swapRows,
  ...vfsRows,
  ...workqueueRows,
  ...writebackRows,
  ...xfsRows,
];
