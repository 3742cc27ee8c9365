/** Preconditions of the bugs of table-memory.ts. */
import type { Need, Preconditions } from "./preconditions.ts";

const D1 = "Michal Hocko, 2018-12-11, [PATCH] mm, memcg: fix reclaim deadlock with writeback";
const D3A = "Dave Chinner and Jan Kara, 2018-12-05, in the thread of ext4: fix deadlock on dirty pages";
const MEMCG: Need = { kind: "memcg", source: "mm/memcontrol.c is built by CONFIG_MEMCG; cgroup_disable=memory" };
const LEGACY: Need = { kind: "cgroup", version: "v1", source: `${D1}: the memcg reclaim for legacy controller` };
const ACCOUNTED: Need = {
  kind: "kmem",
  source: `${D1}: not able to reproduce this anymore because kmem accounting has been disabled`,
};
/** Writeback that keeps a bio of earlier pages while it locks the next: fs/mpage.c:mpage_writepages and ext4's own. */
const KEEPS_A_BIO = ["ext4", "ext3", "ext2", "f2fs", "gfs2", "jfs", "nilfs2", "ocfs2", "vfat", "exfat", "ntfs3", "udf"];
const DEBIAN = "Debian changelog of linux 6.1.192-2 and 6.12.117-1";

export const memoryLifetimes: Readonly<Record<string, Preconditions>> = {
  "memcg-pte-charge-writeback": {
    lifetime: {
      since: "4.8",
      fix: "prealloc-pte",
      source:
        "spec README.md: page tables charged on x86 since 4.8; commit 63f3655f9501, in 4.9.152, 4.14.94, 4.19.16, 4.20.3",
    },
    needs: [
      MEMCG,
      LEGACY,
      ACCOUNTED,
      { kind: "fs", anyOf: KEEPS_A_BIO, source: `${D1}: ext4's io_submit; fs/mpage.c:mpage_writepages` },
    ],
  },
  "memcg-pte-charge-writeback-xfs": {
    lifetime: { since: "4.8", fix: "prealloc-pte", source: "spec README.md; commit 63f3655f9501" },
    needs: [MEMCG, LEGACY, ACCOUNTED, { kind: "fs", anyOf: ["xfs"], source: D3A }],
  },
  "finish-fault-pte-charge": {
    lifetime: {
      since: "5.12",
      fix: "finish-fault-prealloc",
      source: "commits f9ce0be71d1f (v5.12) and e4dc3489143f (v5.14-rc3), in 5.13.6",
    },
    needs: [MEMCG, LEGACY, ACCOUNTED],
  },
  "memcg-move-lock-irq": {
    lifetime: {
      since: "4.2",
      fix: "wb-lock-cookie",
      seenIn: ["4.4.155", "4.16.13"],
      notIn: ["4.4.1"],
      source:
        "commit 2e898e4c0a38 (v4.17), which fixes 682aa8e1a6a1 (v4.2); trees of 4.4.1, 4.4.155 and 4.16.13 (spec 03)",
    },
    needs: [
      MEMCG,
      {
        kind: "config",
        what: "writeback by cgroup",
        anyOf: ["CONFIG_CGROUP_WRITEBACK"],
        source: "include/linux/backing-dev.h: the transaction is empty without it (diff of the mail of 2018-04-11)",
      },
      {
        kind: "never",
        why: "cgroup writeback is a v2 feature and move_charge_at_immigrate a v1 feature, and the memory controller is on one hierarchy only",
        hacks: ["switching", "moving"],
        source:
          "Greg Thelen, 2018-04-11, [PATCH for-4.4]: due to configuration limitations this deadlock is not currently possible; spec 03-page-writeback.md",
      },
    ],
  },
  "memcg-oom-trap": {
    lifetime: { commit: "3812c8c8f395", fixed: "3.12", source: "commit 3812c8c8f395 (v3.12)" },
    needs: [MEMCG],
  },
  "memory-high-nofs": {
    lifetime: {
      since: "5.18",
      commit: "9ea9cb00a82b",
      fixed: "6.6",
      backports: ["6.1.56", "6.5.6"],
      source: `spec 01-memcg.md: memory.high enforced in the charge since c9afe31ec443 (v5.18); ${DEBIAN}`,
    },
    needs: [MEMCG, { kind: "cgroup", version: "v2", source: "spec 01-memcg.md: memory.high is a file of cgroup v2" }],
  },
  "range-cyclic-wrap": {
    lifetime: {
      fix: "no-cyclic-wrap",
      source: "commit 64081362e8ff (v4.20-rc1), in 4.4.204, 4.14.157, 4.19.87; spec 12-deadlock-family.md",
    },
    needs: [
      {
        kind: "fs",
        anyOf: ["xfs", ...KEEPS_A_BIO.filter((fs) => fs !== "ext4" && fs !== "ext3")],
        source:
          "commit 64081362e8ff: an unsubmitted bio kept over write_cache_pages(), as XFS does; ext4 has a sweep of its own",
      },
    ],
  },
  "readahead-fs-reclaim": {
    lifetime: { commit: "f2c817bed58d", fixed: "5.8", source: "commit f2c817bed58d (v5.8)" },
    needs: [],
  },
  "page-cache-ra-order": {
    lifetime: {
      since: "5.18",
      commit: "30153e446664",
      fixed: "6.9",
      backports: ["6.1.91", "6.8.10"],
      source: `mail of the patch, 2024-04-26; ${DEBIAN}`,
    },
    needs: [
      {
        kind: "config",
        what: "transparent huge pages",
        anyOf: ["CONFIG_TRANSPARENT_HUGEPAGE"],
        source: "include/linux/pagemap.h:mapping_large_folio_support (6.1.192)",
      },
    ],
  },
  "shrinker-rwsem-slow": {
    lifetime: {
      fixed: "6.7",
      notIn: ["6.1.192"],
      source:
        "mm/shrinker.c of 6.12.117 has no shrinker_rwsem, mm/vmscan.c of 6.1.192 has it (spec README.md: lockless in 6.7)",
    },
    needs: [],
  },
  "mmap-sem-fault-io": {
    lifetime: { commit: "6b4c9f446981", fixed: "5.1", source: "commit 6b4c9f446981 (v5.1)" },
    needs: [],
  },
  "lru-drain-workqueue": {
    lifetime: { commit: "ce612879ddc7", fixed: "4.11", source: "commit ce612879ddc7 (v4.11)" },
    needs: [],
  },
  "folio-wake-livelock": {
    lifetime: {
      since: "5.11",
      sinceBackports: ["5.10.7"],
      commit: "b0b598ee08f9",
      fixed: "6.7",
      notIn: ["6.1.192"],
      source:
        "c2407cf7d22d (v5.11, in 5.10.7); mm/filemap.c:folio_wake_bit has its bookmark in 6.1.192 and none in 6.12.117",
    },
    needs: [],
  },
};
