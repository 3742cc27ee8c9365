/**
 * Slab shrinkers (mm/vmscan.c up to 6.6, mm/shrinker.c from 6.7).
 *
 * Up to 6.6 all run under `shrinker_rwsem`, which reclaim only trylocks. What a shrinker does may sleep on filesystem locks if
 * the caller's mask has `__GFP_FS`. Deferred work (`nr_deferred`) is not modelled: what a pass does not scan is forgotten.
 */
import type { Entity, Resumable } from "../../resumable/index.ts";
import type { SuperBlock } from "../fs/inode.ts";
import { downReadTrylock, upRead } from "../locking/rwsem.ts";
import { era } from "../sched/current.ts";
import type { MemCgroup } from "./memcg-types.ts";
import { mm } from "./mm.ts";

/** `SHRINK_STOP`. */
export const SHRINK_STOP = -1;
/** `SHRINK_BATCH`. */
const SHRINK_BATCH = 128;

/** `struct shrinker`; a frozen table, registered when memory is booted. */
export interface Shrinker {
  readonly name: string;
  readonly memcgAware: boolean;
  readonly sb?: SuperBlock;
  /** Whose shrinker it is, where that is no superblock. */
  readonly object?: Entity;
  /** Where counting takes a lock: false when it is not to be had, and nothing is scanned. */
  lockedCount?(shrinker: Shrinker, gfp: number): Resumable<boolean>;
  /** Objects that could be freed. */
  count(memcg: MemCgroup | undefined, shrinker: Shrinker): number;
  /** Frees up to `nr`; how many it freed, or {@link SHRINK_STOP}. */
  scan(shrinker: Shrinker, memcg: MemCgroup | undefined, nr: number, gfp: number): Resumable<number>;
}

/** Whether a pass at this priority could scan any object, whatever the shrinkers count. */
export function shrinkersRegistered(): boolean {
  return mm().shrinkers.length > 0;
}

/** `shrink_slab()`: pages freed. `memcg` undefined: global reclaim. */
export function* shrinkSlab(gfp: number, memcg: MemCgroup | undefined, priority: number): Resumable<number> {
  if (!shrinkersRegistered()) return 0;
  const guarded = era().shrinkerRwsem;
  if (guarded && !(yield* downReadTrylock(mm().shrinkerRwsem))) return 0;
  let freed = 0;
  for (let i = 0; i < mm().shrinkers.length; i++) {
    const shrinker = mm().shrinkers[i] as Shrinker;
    if (memcg !== undefined && !shrinker.memcgAware) continue;
    freed += yield* doShrinkSlab(i, memcg, gfp, priority);
  }
  if (guarded) yield* upRead(mm().shrinkerRwsem);
  return freed;
}

/** `seeks` is 2 for every shrinker here. Shrinkers are named by their number, since tables do not live in frames. */
function* doShrinkSlab(number: number, memcg: MemCgroup | undefined, gfp: number, priority: number): Resumable<number> {
  const locked = (mm().shrinkers[number] as Shrinker).lockedCount;
  if (locked !== undefined && !(yield* locked(mm().shrinkers[number] as Shrinker, gfp))) return 0;
  const freeable = (mm().shrinkers[number] as Shrinker).count(memcg, mm().shrinkers[number] as Shrinker);
  if (freeable === 0) return 0;
  let total = Math.min(((freeable >> priority) * 4) >> 1, 2 * freeable);
  let freed = 0;
  while (total >= SHRINK_BATCH || total >= freeable) {
    const nr = Math.min(SHRINK_BATCH, total);
    const scan = (mm().shrinkers[number] as Shrinker).scan;
    const got = yield* scan(mm().shrinkers[number] as Shrinker, memcg, nr, gfp);
    if (got === SHRINK_STOP) break;
    freed += got;
    total -= nr;
  }
  return freed;
}
