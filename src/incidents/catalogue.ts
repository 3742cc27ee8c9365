/** All incidents by id, each loaded when it is asked for: most need parts of the kernel that the others do not, or none. */
import type { AnyIncident } from "./incident.ts";

/** In the order in which they are listed. @internal */
export const catalogue: Readonly<Record<string, () => Promise<AnyIncident>>> = {
  "memcg-writeback-abba": async () => (await import("./memcg-writeback-abba.ts")).memcgWritebackAbba,
  "wb-switch-irq-nesting": async () => (await import("./wb-switch-irq-nesting.ts")).wbSwitchIrqNesting,
  "xfs-page-lock-order": async () => (await import("./xfs-page-lock-order.ts")).xfsPageLockOrder,
  "dm-crypt-throttle": async () => (await import("./dm-crypt-throttle.ts")).dmCryptThrottle,
  "ext4-writepages-reclaim": async () => (await import("./ext4-writepages-reclaim.ts")).ext4WritepagesReclaim,
  "dm-bufio-loop": async () => (await import("./dm-bufio-loop.ts")).dmBufioLoop,
  "erofs-shrink-spin": async () => (await import("./erofs-shrink-spin.ts")).erofsShrinkSpin,
  "memory-high-nofs": async () => (await import("./memory-high-nofs.ts")).memoryHighNofs,
  "memcg-oom-trap": async () => (await import("./memcg-oom-trap.ts")).memcgOomTrap,
  "oom-frozen-victim": async () => (await import("./oom-frozen-victim.ts")).oomFrozenVictim,
  "zonelist-seq-irq": async () => (await import("./zonelist-seq-irq.ts")).zonelistSeqIrq,
  "ext4-sync-handle": async () => (await import("./ext4-sync-handle.ts")).ext4SyncHandle,
  "queue-freeze-reclaim": async () => (await import("./queue-freeze-reclaim.ts")).queueFreezeReclaim,
  "fuse-server-memcg": async () => (await import("./fuse-server-memcg.ts")).fuseServerMemcg,
  "dm-snapshot-cow-throttle": async () => (await import("./dm-snapshot-cow-throttle.ts")).dmSnapshotCowThrottle,
  "nbd-server-memcg": async () => (await import("./nbd-server-memcg.ts")).nbdServerMemcg,
  "drain-pages-workqueue": async () => (await import("./drain-pages-workqueue.ts")).drainPagesWorkqueue,
  "nfs-release-kthreadd": async () => (await import("./nfs-release-kthreadd.ts")).nfsReleaseKthreadd,
  "jbd2-memcg-oom": async () => (await import("./jbd2-memcg-oom.ts")).jbd2MemcgOom,
  "account-force-nesting": async () => (await import("./account-force-nesting.ts")).accountForceNesting,
  "account-force-debt": async () => (await import("./account-force-debt.ts")).accountForceDebt,
  "spin-abba": async () => (await import("./abstract/spin-abba.ts")).spinAbba,
  "spin-irq": async () => (await import("./abstract/spin-irq.ts")).spinIrq,
  "spin-jbd2": async () => (await import("./abstract/spin-jbd2.ts")).spinJbd2,
  "spin-ring": async () => (await import("./abstract/spin-ring.ts")).spinRing,
};

/** The incident of an id; undefined when there is none. @internal */
export async function loadIncident(id: string): Promise<AnyIncident | undefined> {
  return Object.hasOwn(catalogue, id) ? catalogue[id]?.() : undefined;
}
