/**
 * Allocation flags and task flags. The bits are the model's own: kernels moved theirs five times, and masks that a kernel
 * printed are decoded in knowledge/gfp.ts. Composites by include/linux/gfp.h (spec 9.2).
 */
import type { EraFeatures } from "./era.ts";

export const __GFP_DIRECT_RECLAIM = 1 << 0;
export const __GFP_KSWAPD_RECLAIM = 1 << 1;
export const __GFP_IO = 1 << 2;
export const __GFP_FS = 1 << 3;
export const __GFP_HIGH = 1 << 4;
/** Until 6.3, besides `__GFP_HIGH`. */
export const __GFP_ATOMIC = 1 << 5;
export const __GFP_NOFAIL = 1 << 6;
export const __GFP_NORETRY = 1 << 7;
/** `__GFP_REPEAT` before 4.13. */
export const __GFP_RETRY_MAYFAIL = 1 << 8;
export const __GFP_MEMALLOC = 1 << 9;
export const __GFP_NOMEMALLOC = 1 << 10;
export const __GFP_ACCOUNT = 1 << 11;
export const __GFP_ZERO = 1 << 12;
export const __GFP_HARDWALL = 1 << 13;
export const __GFP_HIGHMEM = 1 << 14;
export const __GFP_MOVABLE = 1 << 15;
export const __GFP_NOWARN = 1 << 16;
export const __GFP_COMP = 1 << 17;
export const __GFP_THISNODE = 1 << 18;
export const __GFP_WRITE = 1 << 19;

export const __GFP_RECLAIM = __GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM;
export const GFP_ATOMIC = __GFP_HIGH | __GFP_KSWAPD_RECLAIM;
export const GFP_NOWAIT = __GFP_KSWAPD_RECLAIM;
export const GFP_NOIO = __GFP_RECLAIM;
export const GFP_NOFS = __GFP_RECLAIM | __GFP_IO;
export const GFP_KERNEL = __GFP_RECLAIM | __GFP_IO | __GFP_FS;
export const GFP_KERNEL_ACCOUNT = GFP_KERNEL | __GFP_ACCOUNT;
export const GFP_USER = GFP_KERNEL | __GFP_HARDWALL;
export const GFP_HIGHUSER_MOVABLE = GFP_USER | __GFP_HIGHMEM | __GFP_MOVABLE;

/** What of a caller's mask reclaim keeps (`GFP_RECLAIM_MASK`, mm/internal.h). */
export const GFP_RECLAIM_MASK =
  __GFP_RECLAIM |
  __GFP_HIGH |
  __GFP_IO |
  __GFP_FS |
  __GFP_NOWARN |
  __GFP_RETRY_MAYFAIL |
  __GFP_NOFAIL |
  __GFP_NORETRY |
  __GFP_MEMALLOC |
  __GFP_NOMEMALLOC |
  __GFP_ATOMIC;

export const PF_EXITING = 1 << 0;
export const PF_WQ_WORKER = 1 << 1;
/** io_uring worker (5.12+). */
export const PF_IO_WORKER = 1 << 2;
/** Reclaims: no direct reclaim of its own, no watermarks, forced charges. */
export const PF_MEMALLOC = 1 << 3;
export const PF_KSWAPD = 1 << 4;
export const PF_MEMALLOC_NOFS = 1 << 5;
export const PF_MEMALLOC_NOIO = 1 << 6;
/** nfsd and loop: throttled later. Before 5.8. */
export const PF_LESS_THROTTLE = 1 << 7;
/** Throttled by its own device only. 5.8+. */
export const PF_LOCAL_THROTTLE = 1 << 8;
export const PF_KTHREAD = 1 << 9;
export const PF_SWAPWRITE = 1 << 10;
export const PF_MEMALLOC_PIN = 1 << 11;
/** Proposed with the jbd2 document, never merged: charges over the limit are forced. */
export const PF_MEMALLOC_ACCOUNTFORCE = 1 << 12;
export const PF_FROZEN = 1 << 13;

/** Composites in the order the kernel tries them, then single flags in the order of include/trace/events/mmflags.h. */
const NAMES: readonly (readonly [name: string, bits: number])[] = [
  ["GFP_HIGHUSER_MOVABLE", GFP_HIGHUSER_MOVABLE],
  ["GFP_HIGHUSER", GFP_USER | __GFP_HIGHMEM],
  ["GFP_USER", GFP_USER],
  ["GFP_KERNEL", GFP_KERNEL],
  ["GFP_NOFS", GFP_NOFS],
  ["GFP_ATOMIC", GFP_ATOMIC | __GFP_ATOMIC],
  ["GFP_ATOMIC", GFP_ATOMIC],
  ["GFP_NOIO", GFP_NOIO],
  ["GFP_NOWAIT", GFP_NOWAIT],
  ["__GFP_HIGHMEM", __GFP_HIGHMEM],
  ["__GFP_HIGH", __GFP_HIGH],
  ["__GFP_ATOMIC", __GFP_ATOMIC],
  ["__GFP_IO", __GFP_IO],
  ["__GFP_FS", __GFP_FS],
  ["__GFP_NOWARN", __GFP_NOWARN],
  ["__GFP_RETRY_MAYFAIL", __GFP_RETRY_MAYFAIL],
  ["__GFP_NOFAIL", __GFP_NOFAIL],
  ["__GFP_NORETRY", __GFP_NORETRY],
  ["__GFP_COMP", __GFP_COMP],
  ["__GFP_ZERO", __GFP_ZERO],
  ["__GFP_NOMEMALLOC", __GFP_NOMEMALLOC],
  ["__GFP_MEMALLOC", __GFP_MEMALLOC],
  ["__GFP_HARDWALL", __GFP_HARDWALL],
  ["__GFP_THISNODE", __GFP_THISNODE],
  ["__GFP_MOVABLE", __GFP_MOVABLE],
  ["__GFP_ACCOUNT", __GFP_ACCOUNT],
  ["__GFP_WRITE", __GFP_WRITE],
  ["__GFP_DIRECT_RECLAIM", __GFP_DIRECT_RECLAIM],
  ["__GFP_KSWAPD_RECLAIM", __GFP_KSWAPD_RECLAIM],
];

/**
 * The mask in names: one composite, then single flags. `%pGg` has a composite for `GFP_KERNEL|__GFP_ACCOUNT`
 * (`GFP_KERNEL_ACCOUNT`); here account is spelt out, as it is what the incidents turn on.
 *
 * @example gfpName(GFP_KERNEL_ACCOUNT | __GFP_ZERO) // "GFP_KERNEL|__GFP_ZERO|__GFP_ACCOUNT"
 */
export function gfpName(gfp: number): string {
  const names: string[] = [];
  let rest = gfp;
  for (const [name, bits] of NAMES) {
    if ((rest & bits) !== bits) continue;
    names.push(name);
    rest &= ~bits;
  }
  if (rest !== 0) names.push(`0x${(rest >>> 0).toString(16)}`);
  return names.length === 0 ? "none" : names.join("|");
}

/**
 * `current_gfp_context()`: the mask less what the task's scopes forbid (spec 9.3). NOIO forbids FS too
 * (include/linux/sched/mm.h); PF_MEMALLOC changes no bit, the allocator and the charge test it themselves.
 */
export function currentGfpContext(
  gfp: number,
  pfFlags: number,
  features: Pick<EraFeatures, "nofsScope" | "pinScope">,
): number {
  let allowed = gfp;
  if ((pfFlags & PF_MEMALLOC_NOIO) !== 0) allowed &= ~(__GFP_IO | __GFP_FS);
  if (features.nofsScope && (pfFlags & PF_MEMALLOC_NOFS) !== 0) allowed &= ~__GFP_FS;
  if (features.pinScope && (pfFlags & PF_MEMALLOC_PIN) !== 0) allowed &= ~__GFP_MOVABLE;
  return allowed;
}

/** `gfpflags_allow_blocking()`. */
export function gfpAllowsBlocking(gfp: number): boolean {
  return (gfp & __GFP_DIRECT_RECLAIM) !== 0;
}

/** GFP_ATOMIC as it is in the era: with `__GFP_ATOMIC` until 6.3. */
export function gfpAtomic(features: Pick<EraFeatures, "gfpAtomicBit">): number {
  return features.gfpAtomicBit ? GFP_ATOMIC | __GFP_ATOMIC : GFP_ATOMIC;
}

/** Mask of `pte_alloc_one()` on x86 (PGALLOC_GFP, GFP_PGTABLE_USER from 5.4; spec 4.5), with the proposal if it is in. */
export function pteAllocGfp(features: Pick<EraFeatures, "pageTablesCharged" | "pteAllocNofs">): number {
  const kernel = features.pteAllocNofs ? GFP_NOFS : GFP_KERNEL;
  return kernel | __GFP_ZERO | (features.pageTablesCharged ? __GFP_ACCOUNT : 0);
}

/**
 * Mask of memcg reclaim: the caller's reclaim bits over GFP_HIGHUSER_MOVABLE (mm/vmscan.c:try_to_free_mem_cgroup_pages).
 * Scopes of the task count from 4.12 on.
 */
export function memcgReclaimGfp(
  gfp: number,
  pfFlags: number,
  features: Pick<EraFeatures, "nofsScope" | "pinScope">,
): number {
  const caller = features.nofsScope ? currentGfpContext(gfp, pfFlags, features) : gfp;
  return (caller & GFP_RECLAIM_MASK) | (GFP_HIGHUSER_MOVABLE & ~GFP_RECLAIM_MASK);
}
