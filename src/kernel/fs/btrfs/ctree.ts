/**
 * A btrfs tree of two levels (fs/btrfs/ctree.c, extent_io.c, disk-io.c): one node above leaves. Who looks something up locks the node,
 * for reading or for writing, and holds it while a leaf that is not in the cache is read: its page is allocated and charged with
 * GFP_NOFS, to the group of whoever reads (until 6.17).
 *
 * Not modelled: locks of leaves, copying on write, several trees, transactions. PG_locked of a leaf's page stands for
 * EXTENT_BUFFER_READING.
 */
import { create, Entity, fields, type List, list, type Resumable, ref } from "../../../resumable/index.ts";
import { __GFP_NOFAIL, GFP_NOFS } from "../../gfp.ts";
import { downRead, downWrite, RwSemaphore, upRead, upWrite } from "../../locking/rwsem.ts";
import { __filemapGetFolio, FGP_CREAT, FGP_LOCK } from "../../mm/filemap.ts";
import { memCgroupHandleOverHigh } from "../../mm/memcg-high.ts";
import type { Page } from "../../mm/page.ts";
import { folioPut } from "../../mm/page-alloc.ts";
import { folioUnlock } from "../../mm/page-bits.ts";
import { filemapReadFolio } from "../../mm/readahead.ts";
import type { Inode, SuperBlock } from "../inode.ts";
import type { BtrfsDelayedNode } from "./delayed-inode.ts";

/** `struct btrfs_root`, with what of `btrfs_fs_info` concerns it. */
export class BtrfsRoot extends Entity {
  /** Lock of the node above the leaves (lockdep: `btrfs-tree-01`). */
  declare node: RwSemaphore;
  /** `btree_inode`: its pages are the leaves, by number. */
  declare btreeInode: Inode;
  /** Inodes whose items in the tree are to be updated. */
  declare delayed: List<BtrfsDelayedNode>;
  static {
    fields(BtrfsRoot, { node: ref, btreeInode: ref, delayed: list("inodes") }, "btrfs_root");
  }
}

/** The tree of a mounted btrfs; `leaves` is its inode. Set-up only. */
export function createBtrfsRoot(sb: SuperBlock, leaves: Inode): BtrfsRoot {
  const root = create(BtrfsRoot, {
    btreeInode: leaves,
    node: create(RwSemaphore, { lockClass: "extent_buffer_lock" }),
  });
  sb.fsInfo = root;
  return root;
}

/** `alloc_extent_buffer()`: the page of a leaf, locked. */
function* allocExtentBuffer(root: BtrfsRoot, leaf: number): Resumable<Page | undefined> {
  const { mapping } = root.btreeInode;
  return yield* __filemapGetFolio(mapping, leaf, FGP_LOCK | FGP_CREAT, GFP_NOFS | __GFP_NOFAIL);
}

function* readTreeBlock(root: BtrfsRoot, leaf: number): Resumable {
  const page = yield* allocExtentBuffer(root, leaf);
  if (page === undefined) return;
  if (page.uptodate) yield* folioUnlock(page);
  else yield* filemapReadFolio(page);
  yield* folioPut(page);
}
function* readBlockForSearch(root: BtrfsRoot, leaf: number): Resumable {
  yield* readTreeBlock(root, leaf);
}

function* btrfsTreeReadLock(root: BtrfsRoot): Resumable {
  yield* downRead(root.node);
}
function* btrfsTreeLock(root: BtrfsRoot): Resumable {
  yield* downWrite(root.node);
}

/** `btrfs_search_slot()` down to a leaf, and `btrfs_release_path()`; `cow`: to change it. */
export function* btrfsSearchSlot(root: BtrfsRoot, leaf: number, cow: boolean): Resumable {
  if (cow) yield* btrfsTreeLock(root);
  else yield* btrfsTreeReadLock(root);
  yield* readBlockForSearch(root, leaf);
  if (cow) yield* upWrite(root.node);
  else yield* upRead(root.node);
}

/** `getdents64(2)` of a directory whose items are in one leaf, as a task of user space enters it. */
export function* __x64SysGetdents64(root: BtrfsRoot, leaf: number): Resumable {
  yield* iterateDir(root, leaf);
  // on the way back to user mode
  yield* memCgroupHandleOverHigh();
}
function* iterateDir(root: BtrfsRoot, leaf: number): Resumable {
  yield* btrfsRealReaddir(root, leaf);
}
function* btrfsRealReaddir(root: BtrfsRoot, leaf: number): Resumable {
  yield* btrfsSearchSlot(root, leaf, false);
}
