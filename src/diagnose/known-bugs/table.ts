/** Known deadlocks, livelocks and stalls of memory reclaim and its neighbours. */
import { blockAndOtherBugs } from "./table-block-and-others.ts";
import { ext4Bugs } from "./table-ext4.ts";
import { memoryBugs } from "./table-memory.ts";
import { networkFsBugs } from "./table-network-fs.ts";
import { xfsAndBtrfsBugs } from "./table-xfs-and-btrfs.ts";
import type { KnownBug } from "./types.ts";

/** The table; order does not matter. */
export const knownBugs: readonly KnownBug[] = [
  ...memoryBugs,
  ...ext4Bugs,
  ...xfsAndBtrfsBugs,
  ...networkFsBugs,
  ...blockAndOtherBugs,
];
