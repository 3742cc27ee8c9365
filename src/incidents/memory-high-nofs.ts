/**
 * A lookup in a btrfs tree reads a leaf with the node above it locked. The page is charged with GFP_NOFS, but the group is over
 * memory.high, and the charge itself reclaims for that with GFP_KERNEL. Reclaim evicts an inode of btrfs and waits for the mutex of
 * its delayed node; a commit holds the mutex and waits for the lock of the tree.
 *
 * "mm: memcontrol: fix GFP_NOFS recursion in memory.high enforcement" (Johannes Weiner, 14 September 2023), commit 9ea9cb00a82b
 * (v6.6), which has lockdep's two stacks; since commit c9afe31ec443 (v5.18).
 */
import { __x64SysGetdents64 } from "../kernel/fs/btrfs/ctree.ts";
import { btrfsRunDelayedItems } from "../kernel/fs/btrfs/delayed-inode.ts";
import { defineIncident } from "./incident.ts";

export const memoryHighNofs = defineIncident({
  id: "memory-high-nofs",
  title:
    "a NOFS charge reclaims for memory.high with GFP_KERNEL, under a lock of btrfs that the eviction of an inode needs",
  source: "[PATCH] mm: memcontrol: fix GFP_NOFS recursion in memory.high enforcement, Johannes Weiner, 2023-09-14",
  era: "6.5.0",
  cgroup: "v2",
  parameters: {
    finds: {
      default: 1,
      min: 1,
      max: 4,
      what: "tasks of the group that list a directory whose leaf is not in the cache",
    },
    syncs: { default: 1, min: 0, max: 4, what: "tasks that commit: they bring delayed inode items into the tree" },
    unused: { default: 1, min: 0, max: 4, what: "unused inodes of the group whose items wait for a commit" },
    high: { default: 1, min: 0, max: 64, what: "memory.high of the group in pages; 0: none" },
    clean: { default: 1, min: 0, max: 8, what: "clean pages that are charged to the group" },
    owed: { default: 33, min: 0, max: 64, what: "pages over memory.high that each listing task has charged before" },
    priority: { default: 0, min: 0, max: 12, what: "where reclaim begins; at 0 one pass scans all there is" },
  },
  fixes: ["high-gfp"],
  fixedChoices: [
    "what the listing tasks have charged before, in the same system call, is given back meanwhile",
    "memory.max is so low that charges are not made in batches",
  ],
  cpus: () => 1,
  setup(s, { finds = 1, syncs = 1, unused = 1, high = 1, clean = 1, owed = 33, priority = 0 }) {
    s.memory({ priority });
    // v1 has no memory.high
    const limits = high > 0 && s.options.cgroup === "v2" ? { high } : {};
    const group = s.memcg("/a", { max: 16, ...limits });
    const [disk] = s.disks(1, { irqCpu: 0 });
    const fs = s.filesystem("btrfs", disk!, { unused: true });
    // the first leaf, with the items of inodes, is in the cache
    const root = s.btrfsRoot(fs, s.file(fs, { pages: 1, size: 1 + finds }));
    s.file(fs, { pages: clean, chargedTo: group });
    for (let i = 0; i < unused; i++) s.delayedNode(root, s.file(fs, { pages: 0, chargedTo: group, unused: "inode" }));
    for (let i = 0; i < finds; i++) {
      s.task("find", { memcg: group, newPages: 1, overHigh: owed }, __x64SysGetdents64, [root, 1 + i]);
    }
    for (let i = 0; i < syncs; i++) s.task("sync", {}, btrfsRunDelayedItems, [root]);
  },
});
