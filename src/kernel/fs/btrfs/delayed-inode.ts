/**
 * Delayed nodes of btrfs (fs/btrfs/delayed-inode.c): an inode's changes wait in its node until a commit brings them into the tree.
 * A commit holds the node's mutex over the search; eviction takes the mutex to let the node go.
 *
 * The node outlives its inode while changes wait in it. Insertions and deletions of directory items are not modelled.
 */
import { bool, create, Entity, fields, op, type Resumable, ref } from "../../../resumable/index.ts";
import { Mutex, mutexLock, mutexUnlock } from "../../locking/mutex.ts";
import type { SuperOperations } from "../fs-types.ts";
import type { Inode } from "../inode.ts";
import { clearInode } from "../iput.ts";
import { type BtrfsRoot, btrfsSearchSlot } from "./ctree.ts";

/** `struct btrfs_delayed_node`. */
export class BtrfsDelayedNode extends Entity {
  declare inode: Inode;
  declare mutex: Mutex;
  /** BTRFS_DELAYED_NODE_INODE_DIRTY, and that it is queued (`count`). */
  declare dirty: boolean;
  static {
    fields(BtrfsDelayedNode, { inode: ref, mutex: ref, dirty: bool }, "delayed_node");
  }
}

/** The inode's item is to be updated. Set-up only. */
export function createDelayedNode(root: BtrfsRoot, inode: Inode): BtrfsDelayedNode {
  const mutex = create(Mutex, { lockName: "delayed_node" });
  const node = create(BtrfsDelayedNode, { inode, mutex, dirty: true });
  root.delayed.push(node);
  return node;
}

/** Leaf of the items of inodes. */
const INODE_LEAF = 0;

const first = op<BtrfsRoot>("btrfs_first_delayed_node", {
  apply: (root) => [...root.delayed].find((node) => node.dirty),
  describe: (root) => `first delayed node of ${root}`,
});

/** `btrfs_run_delayed_items()`, as a commit of the transaction calls it. */
export function* btrfsRunDelayedItems(root: BtrfsRoot): Resumable {
  yield* __btrfsRunDelayedItems(root);
}
function* __btrfsRunDelayedItems(root: BtrfsRoot): Resumable {
  for (;;) {
    const node: BtrfsDelayedNode | undefined = yield first(root);
    if (node === undefined) return;
    yield* __btrfsCommitInodeDelayedItems(root, node);
    yield* __btrfsReleaseDelayedNode(root, node);
  }
}
function* __btrfsCommitInodeDelayedItems(root: BtrfsRoot, node: BtrfsDelayedNode): Resumable {
  yield* btrfsUpdateDelayedInode(root, node);
}
function* btrfsUpdateDelayedInode(root: BtrfsRoot, node: BtrfsDelayedNode): Resumable {
  yield* mutexLock(node.mutex);
  if (node.dirty) yield* __btrfsUpdateDelayedInode(root, node);
  yield* mutexUnlock(node.mutex);
}
function* __btrfsUpdateDelayedInode(root: BtrfsRoot, node: BtrfsDelayedNode): Resumable {
  yield* btrfsLookupInode(root);
  node.dirty = false;
}
function* btrfsLookupInode(root: BtrfsRoot): Resumable {
  yield* btrfsSearchSlot(root, INODE_LEAF, true);
}

/** Queued again or not, under the mutex; the memory of the last reference is not modelled. */
function* __btrfsReleaseDelayedNode(root: BtrfsRoot, node: BtrfsDelayedNode): Resumable {
  yield* mutexLock(node.mutex);
  if (!node.dirty) root.delayed.remove(node);
  yield* mutexUnlock(node.mutex);
}

/** `btrfs_evict_inode()` of an inode that has a name: its pages, then its delayed node. */
function* btrfsEvictInode(inode: Inode): Resumable {
  yield* clearInode(inode);
  const root = inode.sb.fsInfo as BtrfsRoot;
  const node = [...root.delayed].find((one) => one.inode === inode);
  if (node !== undefined) yield* __btrfsReleaseDelayedNode(root, node);
}

/** `btrfs_super_ops`. */
export const btrfsSuperOps: SuperOperations = Object.freeze({ evictInode: btrfsEvictInode });
