/**
 * Unused dentries (fs/dcache.c). What matters of one is the inode that it keeps: {@link SuperBlock.dentryLru} has an inode for
 * each dentry that nobody uses and that is the last to refer to it. Pathnames are not modelled: nobody takes such a dentry into
 * use again.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import type { MemCgroup } from "../mm/memcg-types.ts";
import type { Inode, SuperBlock } from "./inode.ts";
import { iput } from "./iput.ts";

/** Whose objects a pass wants, and how many of them. */
export interface ShrinkControl {
  readonly nr: number;
  /** Undefined: everybody's. */
  readonly memcg: MemCgroup | undefined;
}

/** Whether an object of the inode's is charged to whom the pass is about. */
export function isOf(inode: Inode, memcg: MemCgroup | undefined): boolean {
  return memcg === undefined || inode.memcg === memcg;
}

const isolate = op<SuperBlock, ShrinkControl>("dentry_lru_isolate", {
  apply(sb, sc) {
    const taken = [...sb.dentryLru].filter((inode) => isOf(inode, sc.memcg)).slice(0, sc.nr);
    for (const inode of taken) sb.dentryLru.remove(inode);
    return Object.freeze(taken);
  },
  describe: (sb) => `isolate unused dentries of ${sb}`,
});

/** `prune_dcache_sb()`: how many dentries it freed. */
export function* pruneDcacheSb(sb: SuperBlock, sc: ShrinkControl): Resumable<number> {
  if (sb.dentryLru.length === 0) return 0;
  const dispose: readonly Inode[] = yield isolate(sb, sc);
  yield* shrinkDentryList(dispose);
  return dispose.length;
}

function* shrinkDentryList(dispose: readonly Inode[]): Resumable {
  for (const inode of dispose) yield* __dentryKill(inode);
}
function* __dentryKill(inode: Inode): Resumable {
  yield* dentryUnlinkInode(inode);
}
function* dentryUnlinkInode(inode: Inode): Resumable {
  yield* iput(inode);
}
