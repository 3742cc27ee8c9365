/**
 * Reclaim sleeps while too much is under writeback (mm/page-writeback.c:throttle_vm_writeout), up to 4.8: commit bf48438354a7 ("mm,
 * vmscan: get rid of throttle_vm_writeout") (v4.9).
 *
 * At the end of every LRU list pass, at each priority, for each group: a tenth of a second while pages under writeback, those of
 * swap among them, are more than the dirty limit of the machine and a tenth. The limit is a share of what is free or page cache, so
 * that a machine full of anonymous memory has next to none. Who may neither start I/O nor enter filesystems sleeps once a
 * pass, all others until it is below. PF_LESS_THROTTLE lifts the limit by a quarter and does no more.
 *
 * Only where {@link bootGlobalDirtyLimits} was called; elsewhere no limit of the machine is ever met. Coarser than the kernel:
 * one zone (a kernel of that time sleeps once per zone), no smoothed limit (`hard_dirty_limit()`), no reserve of pages.
 */
import { create, Entity, fields, ghost, op, type Resumable } from "../../resumable/index.ts";
import { __GFP_FS, __GFP_IO, __GFP_NORETRY, PF_LESS_THROTTLE, PF_WQ_WORKER } from "../gfp.ts";
import { current, era, kernel } from "../sched/current.ts";
import type { Kernel } from "../sched/kernel.ts";
import { type DirtyDomain, dirtyLimits } from "./dirty-domain.ts";
import { type Mm, mm } from "./mm.ts";
import { congestionWait } from "./vmscan-throttle.ts";

/** `vm.dirty_ratio` and `vm.dirty_background_ratio`, in per cent. */
export interface DirtyRatios {
  readonly dirtyRatio?: number;
  readonly backgroundRatio?: number;
}

/** What throttle_vm_writeout() counts. */
export class VmWriteoutThrottle extends Entity {
  /** Statistic: sleeps of a tenth of a second, and those of workers among them. */
  declare sleeps: number;
  declare workerSleeps: number;
  static {
    fields(VmWriteoutThrottle, { sleeps: ghost, workerSleeps: ghost }, "throttle_vm_writeout");
  }
}

interface GlobalLimits {
  /** As fractions of 4096. */
  readonly ratio: number;
  readonly backgroundRatio: number;
  readonly counts: VmWriteoutThrottle;
}
const SUBSYSTEM = "global dirty limits";
const fraction = (percent: number): number => Math.floor((percent * 4096) / 100);

/** The dirty limits of the machine count from now on. Set-up only. */
export function bootGlobalDirtyLimits(k: Kernel, ratios: DirtyRatios = {}): VmWriteoutThrottle {
  const { dirtyRatio = 20, backgroundRatio = 10 } = ratios;
  const counts = create(VmWriteoutThrottle);
  const limits: GlobalLimits = { ratio: fraction(dirtyRatio), backgroundRatio: fraction(backgroundRatio), counts };
  k.subsystems.set(SUBSYSTEM, Object.freeze(limits));
  return counts;
}

/** What it has counted; undefined where no limit counts. */
export function vmWriteoutThrottle(k: Kernel): VmWriteoutThrottle | undefined {
  return (k.subsystems.get(SUBSYSTEM) as GlobalLimits | undefined)?.counts;
}

/** Whether a pass of reclaim can sleep here at all. */
export function throttlesVmWriteout(): boolean {
  return era().throttleVmWriteout && kernel().subsystems.has(SUBSYSTEM);
}

/** `global_dirty_limits()`, with the running task's bonus: of free pages and the page cache, in pages. */
export function globalDirtyLimits(): Pick<DirtyDomain, "limit" | "background"> {
  const { ratio, backgroundRatio } = kernel().subsystem<GlobalLimits>(SUBSYSTEM);
  const available = mm().pages.filter((page) => !page.allocated || page.lru?.kind.endsWith("file")).length;
  const { limit, background } = dirtyLimits(available, ratio, backgroundRatio);
  if ((current().flags & PF_LESS_THROTTLE) === 0) return { limit, background };
  return { limit: limit + Math.floor(limit / 4), background: background + Math.floor(background / 4) };
}

/** `NR_WRITEBACK` of the machine. */
export function nrWriteback({ pages }: Pick<Mm, "pages">): number {
  return pages.filter((page) => page.writeback).length;
}

/** Counters are read without a lock. */
const compare = op("throttle_vm_writeout", {
  apply() {
    const { limit } = globalDirtyLimits();
    return nrWriteback(mm()) > limit + Math.floor(limit / 10);
  },
  describe: () => "compare pages under writeback with the dirty limit",
});

function isExempt(gfp: number): boolean {
  if (era().noretryNotThrottled && (gfp & __GFP_NORETRY) !== 0) return true;
  return era().throttleHonoursLessThrottle && (current().flags & PF_LESS_THROTTLE) !== 0;
}

function count(): void {
  const { counts } = kernel().subsystem<GlobalLimits>(SUBSYSTEM);
  counts.sleeps++;
  if ((current().flags & PF_WQ_WORKER) !== 0) counts.workerSleeps++;
}

/** At the end of a pass over the lists of a group, with the mask of the reclaimer. */
export function* throttleVmWriteout(gfp: number): Resumable {
  if (!throttlesVmWriteout() || isExempt(gfp)) return;
  const patient = (gfp & __GFP_IO) !== 0 && (gfp & __GFP_FS) !== 0;
  while (yield compare(undefined)) {
    count();
    yield* congestionWait();
    if (!patient) return;
  }
}
