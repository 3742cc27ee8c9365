/**
 * The incidents: one file each, workload and switches only; all mechanism is in `kernel/`.
 *
 * @packageDocumentation
 */
import { dmBufioLoop } from "./dm-bufio-loop.ts";
import { dmSnapshotCowThrottle } from "./dm-snapshot-cow-throttle.ts";
import { drainPagesWorkqueue } from "./drain-pages-workqueue.ts";
import { erofsShrinkSpin } from "./erofs-shrink-spin.ts";
import { ext4SyncHandle } from "./ext4-sync-handle.ts";
import { ext4WritepagesReclaim } from "./ext4-writepages-reclaim.ts";
import { fuseServerMemcg } from "./fuse-server-memcg.ts";
import type { Incident } from "./incident.ts";
import { memcgOomTrap } from "./memcg-oom-trap.ts";
import { memcgWritebackAbba } from "./memcg-writeback-abba.ts";
import { memoryHighNofs } from "./memory-high-nofs.ts";
import { nbdServerMemcg } from "./nbd-server-memcg.ts";
import { nfsReleaseKthreadd } from "./nfs-release-kthreadd.ts";
import { oomFrozenVictim } from "./oom-frozen-victim.ts";
import { queueFreezeReclaim } from "./queue-freeze-reclaim.ts";
import { wbSwitchIrqNesting } from "./wb-switch-irq-nesting.ts";
import { xfsPageLockOrder } from "./xfs-page-lock-order.ts";
import { zonelistSeqIrq } from "./zonelist-seq-irq.ts";

export { defineIncident, type Incident, type Parameter, type Parameters } from "./incident.ts";
export { type ChoiceError, type Choices, type Prepared, type PrepareResult, prepare, type Scope } from "./prepare.ts";
export { type FileOptions, type Mapping, Scene, type SceneOptions, type SceneTask } from "./scene.ts";
export {
  dmBufioLoop,
  dmSnapshotCowThrottle,
  drainPagesWorkqueue,
  erofsShrinkSpin,
  ext4SyncHandle,
  ext4WritepagesReclaim,
  fuseServerMemcg,
  memcgOomTrap,
  memcgWritebackAbba,
  memoryHighNofs,
  nbdServerMemcg,
  nfsReleaseKthreadd,
  oomFrozenVictim,
  queueFreezeReclaim,
  wbSwitchIrqNesting,
  xfsPageLockOrder,
  zonelistSeqIrq,
};

/** All incidents that come with unwedge. */
export const incidents: readonly Incident[] = [
  memcgWritebackAbba,
  wbSwitchIrqNesting,
  xfsPageLockOrder,
  ext4WritepagesReclaim,
  dmBufioLoop,
  erofsShrinkSpin,
  memoryHighNofs,
  memcgOomTrap,
  oomFrozenVictim,
  zonelistSeqIrq,
  ext4SyncHandle,
  queueFreezeReclaim,
  fuseServerMemcg,
  dmSnapshotCowThrottle,
  nbdServerMemcg,
  drainPagesWorkqueue,
  nfsReleaseKthreadd,
];
