/**
 * The incidents: one file each, workload and switches only; all mechanism is in `kernel/`. Those of `abstract/` are programs
 * of their own.
 *
 * @packageDocumentation
 */
import { spinAbba } from "./abstract/spin-abba.ts";
import { spinIrq } from "./abstract/spin-irq.ts";
import { spinJbd2 } from "./abstract/spin-jbd2.ts";
import { spinRing } from "./abstract/spin-ring.ts";
import { accountForceDebt } from "./account-force-debt.ts";
import { accountForceNesting } from "./account-force-nesting.ts";
import { dmBufioLoop } from "./dm-bufio-loop.ts";
import { dmCryptThrottle } from "./dm-crypt-throttle.ts";
import { dmSnapshotCowThrottle } from "./dm-snapshot-cow-throttle.ts";
import { drainPagesWorkqueue } from "./drain-pages-workqueue.ts";
import { erofsShrinkSpin } from "./erofs-shrink-spin.ts";
import { ext4SyncHandle } from "./ext4-sync-handle.ts";
import { ext4WritepagesReclaim } from "./ext4-writepages-reclaim.ts";
import { fuseServerMemcg } from "./fuse-server-memcg.ts";
import type { AbstractIncident, Incident } from "./incident.ts";
import { jbd2MemcgOom } from "./jbd2-memcg-oom.ts";
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

export type { Account, AccountContext, AccountEdge, AccountGroup, ContextName } from "./account.ts";
export {
  type AbstractIncident,
  type AnyIncident,
  defineAbstractIncident,
  defineIncident,
  type Incident,
  isAbstract,
  type Parameter,
  type Parameters,
  type Story,
} from "./incident.ts";
export { type Prepared, type PrepareResult, prepare } from "./prepare.ts";
export { prepareAbstract } from "./prepare-abstract.ts";
export type { ChoiceError, Choices, KernelChoice, Scope, Subject } from "./prepared.ts";
export { type FileOptions, type Mapping, Scene, type SceneOptions, type SceneTask } from "./scene.ts";
export {
  accountForceDebt,
  accountForceNesting,
  dmBufioLoop,
  dmCryptThrottle,
  dmSnapshotCowThrottle,
  drainPagesWorkqueue,
  erofsShrinkSpin,
  ext4SyncHandle,
  ext4WritepagesReclaim,
  fuseServerMemcg,
  jbd2MemcgOom,
  memcgOomTrap,
  memcgWritebackAbba,
  memoryHighNofs,
  nbdServerMemcg,
  nfsReleaseKthreadd,
  oomFrozenVictim,
  queueFreezeReclaim,
  spinAbba,
  spinIrq,
  spinJbd2,
  spinRing,
  wbSwitchIrqNesting,
  xfsPageLockOrder,
  zonelistSeqIrq,
};

/** All incidents of the modelled kernel that come with unwedge. */
export const incidents: readonly Incident[] = [
  memcgWritebackAbba,
  wbSwitchIrqNesting,
  xfsPageLockOrder,
  dmCryptThrottle,
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
  jbd2MemcgOom,
  accountForceNesting,
  accountForceDebt,
];

/** All abstract models that come with unwedge. @since 0.2.0 */
export const abstractIncidents: readonly AbstractIncident[] = [spinAbba, spinIrq, spinJbd2, spinRing];
