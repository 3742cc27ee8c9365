/**
 * Negative dentries (fs/dcache.c): looking up names that do not exist fills the dentry cache with objects that are charged to who
 * looked, and that the superblock's shrinker frees.
 *
 * Two slab objects each: the dentry, and a name too long for it; 192 bytes of both caches. Bytes are charged, not slabs (5.9+): a page
 * when what is left of the last one does not do. Frees are immediate, where the kernel waits for a grace period. The dentries of
 * inodes are in dcache.ts.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import { type Cgroup, cgroupOfMemcg } from "../cgroup/cgroup-types.ts";
import { __GFP_FS, GFP_KERNEL } from "../gfp.ts";
import { __memcgKmemChargePage, kmemTarget, memcgKmemUnchargePage } from "../mm/memcg-kmem.ts";
import type { MemCgroup } from "../mm/memcg-types.ts";
import type { Mm } from "../mm/mm.ts";
import { SHRINK_STOP, type Shrinker } from "../mm/shrinker.ts";
import type { Kernel } from "../sched/kernel.ts";

/** Bytes of a negative dentry with a name of more than 32 characters. */
export const NEGATIVE_DENTRY_BYTES = 384;

const pagesFor = (dentries: number): number => Math.ceil((dentries * NEGATIVE_DENTRY_BYTES) / 4096);

const addDentry = op<Cgroup>("d_add", {
  apply(cgroup) {
    cgroup.dentries++;
  },
  describe: (cgroup) => `a negative dentry in ${cgroup.path}`,
});

/** stat(2) of a long name that does not exist and was not looked for before; false: no memory. */
export function* statNegative(): Resumable<boolean> {
  return yield* dAlloc();
}
function* dAlloc(): Resumable<boolean> {
  const memcg = kmemTarget();
  const cgroup = memcg === undefined ? undefined : cgroupOfMemcg(memcg);
  // nobody pays: not counted
  if (memcg === undefined || cgroup === undefined) return true;
  if (pagesFor(cgroup.dentries + 1) > cgroup.slabPages) {
    if (!(yield* __memcgKmemChargePage(memcg, GFP_KERNEL))) return false;
    cgroup.slabPages++;
  }
  yield addDentry(cgroup);
  return true;
}

interface Prune {
  readonly cgroup: Cgroup;
  readonly nr: number;
}
const prune = op<Prune>("prune_dcache_sb", {
  apply({ cgroup, nr }) {
    const freed = Math.min(nr, cgroup.dentries);
    cgroup.dentries -= freed;
    for (; cgroup.slabPages > pagesFor(cgroup.dentries); cgroup.slabPages--) memcgKmemUnchargePage(cgroup.css);
    return freed;
  },
  describe: ({ cgroup, nr }) => `prune ${nr} dentries of ${cgroup.path}`,
});

/** Part of `super_cache_scan()`: stops without `__GFP_FS`. */
function* scan(_shrinker: Shrinker, memcg: MemCgroup | undefined, nr: number, gfp: number): Resumable<number> {
  const cgroup = memcg === undefined ? undefined : cgroupOfMemcg(memcg);
  if ((gfp & __GFP_FS) === 0 || cgroup === undefined) return SHRINK_STOP;
  return yield prune(Object.freeze({ cgroup, nr }));
}

/** The dentry cache takes part in reclaim of groups from now on. Set-up only. */
export function bootNegativeDentries(k: Kernel): void {
  k.subsystem<Mm>("mm").shrinkers.push(
    Object.freeze({
      name: "sb-dentries",
      memcgAware: true,
      count: (memcg: MemCgroup | undefined) => (memcg === undefined ? 0 : (cgroupOfMemcg(memcg)?.dentries ?? 0)),
      scan,
    }),
  );
}
