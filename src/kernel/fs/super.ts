/** The shrinker of a superblock's dentries and inodes (fs/super.c:super_cache_scan). */
import type { Resumable } from "../../resumable/index.ts";
import { __GFP_FS } from "../gfp.ts";
import { downReadTrylock, upRead } from "../locking/rwsem.ts";
import type { MemCgroup } from "../mm/memcg-types.ts";
import { SHRINK_STOP, type Shrinker } from "../mm/shrinker.ts";
import { isOf, pruneDcacheSb } from "./dcache.ts";
import type { SuperBlock } from "./inode.ts";
import { pruneIcacheSb } from "./iput.ts";

/** Of the list, those of the group. */
function countOf(list: SuperBlock["inodeLru"], memcg: MemCgroup | undefined): number {
  return [...list].filter((inode) => isOf(inode, memcg)).length;
}

/**
 * `super_cache_count()`. What it reads without a lock others may change at any time; between it and the scan they can, too,
 * so that it needs no step of its own.
 */
function superCacheCount(memcg: MemCgroup | undefined, { sb }: Shrinker): number {
  return sb === undefined ? 0 : countOf(sb.dentryLru, memcg) + countOf(sb.inodeLru, memcg);
}

/** The shrinker that a mount registers. */
export function superShrinker(sb: SuperBlock): Shrinker {
  return Object.freeze({
    name: `sb-${sb.fsType}`,
    memcgAware: true,
    sb,
    count: superCacheCount,
    scan: superCacheScan,
  });
}

/**
 * `super_cache_scan()`: unused dentries, then unused inodes, under `s_umount`. Stops without `__GFP_FS`, and when the lock is not
 * to be had.
 */
export function* superCacheScan(
  shrinker: Shrinker,
  memcg: MemCgroup | undefined,
  nr: number,
  gfp: number,
): Resumable<number> {
  if ((gfp & __GFP_FS) === 0) return SHRINK_STOP;
  const sb = shrinker.sb;
  if (sb === undefined || !(yield* downReadTrylock(sb.sUmount))) return SHRINK_STOP;
  const [dentries, inodes] = [countOf(sb.dentryLru, memcg), countOf(sb.inodeLru, memcg)];
  const total = dentries + inodes + 1;
  let freed = yield* pruneDcacheSb(sb, Object.freeze({ nr: Math.floor((nr * dentries) / total) + 1, memcg }));
  freed += yield* pruneIcacheSb(sb, Object.freeze({ nr: Math.floor((nr * inodes) / total) + 1, memcg }));
  yield* upRead(sb.sUmount);
  return freed;
}
