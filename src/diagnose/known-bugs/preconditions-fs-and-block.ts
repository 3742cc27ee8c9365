/** Preconditions of the bugs of filesystems, of the network and of block devices. */
import type { Need, Preconditions } from "./preconditions.ts";

const DEBIAN = "Debian changelog of linux 6.1.192-2 and 6.12.117-1";
const ANNOUNCED = (...releases: readonly string[]): string => `release announcements of Linux ${releases.join(", ")}`;
const fs = (...anyOf: readonly string[]): Need => ({
  kind: "fs",
  anyOf,
  source: `the functions of the bug are ${anyOf.join("'s or ")}'s`,
});
const built = (what: string, symbols: readonly string[], source: string): Need => ({
  kind: "config",
  what,
  anyOf: symbols,
  source,
});

export const filesystemLifetimes: Readonly<Record<string, Preconditions>> = {
  "jbd2-handle-memcg-reclaim": {
    lifetime: {
      checkedTo: "6.18",
      source:
        "Zhongkun He, 2025-06-18, [PATCH 1/2] mm: memcg: introduce PF_MEMALLOC_ACCOUNTFORCE; not in 6.18 (spec 11-five-documents.md)",
    },
    needs: [
      { kind: "memcg", source: "the same mail: the group's limit is what the handle's owner reclaims for" },
      fs("ext4", "ext3", "ocfs2"),
    ],
  },
  "ext4-sync-handle-bio": {
    lifetime: {
      commit: "646caa9c8e19",
      fixed: "4.7",
      source: "commit 646caa9c8e19 (v4.7; spec 12-deadlock-family.md)",
    },
    needs: [fs("ext4")],
  },
  "ext4-writepages-rwsem": {
    lifetime: {
      fix: "writepages-nofs",
      source: `commit 00d873c17e29 (v6.4), in 6.1.191, 6.2.16, 6.3.3 (CVE-2023-53149); ${DEBIAN}`,
    },
    needs: [fs("ext4")],
  },
  "ext4-fast-commit": {
    lifetime: {
      since: "5.10",
      commit: "2729cfdcfa1c",
      fixed: "5.17",
      backports: ["5.10.180"],
      source: `commit 2729cfdcfa1c; ${ANNOUNCED("5.10.180")}`,
    },
    needs: [fs("ext4")],
  },
  "ext4-mbcache-loop": {
    lifetime: {
      commit: "a44e84a9b776",
      fixed: "6.2",
      backports: ["6.1.4"],
      seenIn: ["5.15.92"],
      notIn: ["5.15.86"],
      source: `Theodore Ts'o, 2022-12-11, ext4 changes for 6.2; ${DEBIAN}; Clark Williams, 2023-02-07, 5.15.92-rt57 (changes from 5.15.86)`,
    },
    needs: [fs("ext4", "ext3", "ext2")],
  },
  "jbd2-ordered-io-throttle": {
    lifetime: { checkedTo: "6.18", source: "fs/jbd2/commit.c:jbd2_journal_finish_inode_data_buffers; by design" },
    needs: [
      fs("ext4", "ext3", "ocfs2"),
      built(
        "I/O limits of cgroups",
        ["CONFIG_BLK_CGROUP_IOLATENCY", "CONFIG_BLK_CGROUP_IOCOST", "CONFIG_BLK_DEV_THROTTLING"],
        "block/blk-iocost.c:ioc_rqos_throttle; block/Kconfig",
      ),
    ],
  },
  "xfs-writepages-memcg-reclaim": {
    lifetime: {
      checkedTo: "",
      source:
        "[PATCH v2] iomap: avoid deadlock if memory reclaim is triggered in writepage path (2020-06): which kernels it was for is not said",
    },
    needs: [
      { kind: "memcg", source: "the same mail" },
      {
        kind: "cgroup",
        version: "v1",
        source: "the wait for writeback is that of legacy memcg reclaim (spec 02-vmscan.md)",
      },
      { kind: "kmem", source: "the allocation of the transaction is charged" },
      fs("xfs"),
    ],
  },
  "xfs-reclaim-inode-io": {
    lifetime: {
      commit: "617825fe3489",
      fixed: "5.9",
      source: "commit 617825fe3489 (v5.9; spec 12-deadlock-family.md)",
    },
    needs: [fs("xfs")],
  },
  "xfs-freeze-block-reaping": {
    lifetime: {
      commit: "4b674b9ac852",
      fixed: "5.7",
      backports: ["5.6.9"],
      source: `commit 4b674b9ac852 (v5.7); ${DEBIAN}`,
    },
    needs: [fs("xfs")],
  },
  "xfs-dquot-buffer-pin": {
    lifetime: {
      commit: "d62016b1a2df",
      fixed: "6.16",
      backports: ["6.12.114"],
      notIn: ["6.1.192"],
      source: `commit d62016b1a2df (v6.16-rc5); ${DEBIAN}`,
    },
    needs: [fs("xfs"), built("quotas of XFS", ["CONFIG_XFS_QUOTA"], "fs/xfs/xfs_qm.c is built by CONFIG_XFS_QUOTA")],
  },
  "btrfs-qgroup-rescan-remove": {
    lifetime: {
      commit: "d4aef1e122d8",
      fixed: "5.17",
      backports: ["5.4.183", "5.10.104", "5.15.27?", "5.16.13"],
      source: `commit d4aef1e122d8; ${ANNOUNCED("5.4.183", "5.10.104")} of 2022-03-08; ${DEBIAN} (5.16.13)`,
    },
    needs: [fs("btrfs")],
  },
  "btrfs-umount-space-reclaim": {
    lifetime: {
      commit: "a362bb864b8d",
      fixed: "6.0",
      backports: ["5.10.147", "5.15.71"],
      source: `commit a362bb864b8d; ${ANNOUNCED("5.10.147", "5.15.71")} of September and October 2022`,
    },
    needs: [fs("btrfs")],
  },
};

export const networkLifetimes: Readonly<Record<string, Preconditions>> = {
  "fuse-readahead-evict": {
    lifetime: {
      since: "6.9",
      sinceBackports: ["6.1.158"],
      culpritIsAFix: true,
      culprit: "e26ee4efbc79",
      commit: "bd5603eaae0a",
      fixed: "6.19",
      backports: ["6.1.160", "6.12.64"],
      source: `changelog of bd5603eaae0a; e26ee4efbc79 (February 2024, v6.9), in 6.1.158; ${DEBIAN}`,
    },
    needs: [fs("fuse")],
  },
  "nfs-loopback-throttle": {
    lifetime: { commit: "a37b0715ddf3", fixed: "5.8", source: "commit a37b0715ddf3 (v5.8)" },
    needs: [
      fs("nfs"),
      built("the NFS server", ["CONFIG_NFSD"], "commit a37b0715ddf3: the throttled thread is nfsd of the same host"),
    ],
  },
  "sunrpc-transmit-reclaim": {
    lifetime: {
      commit: "f0940f4b3284",
      fixed: "5.12",
      backports: ["5.4.106", "5.10.24", "5.11.7?"],
      source: `mail of 2021-03-03; ${ANNOUNCED("5.4.106")} of 2021-03-17; ${DEBIAN} (5.10.24)`,
    },
    needs: [fs("nfs")],
  },
  "cifs-lock-sem-reconnect": {
    lifetime: {
      commit: "d46b0da7a33d",
      fixed: "5.4",
      backports: ["4.4.200", "4.9.200", "4.14.153?", "4.19.83?", "5.3.10"],
      source: `mail of 2019-10-22; ${ANNOUNCED("4.4.200", "4.9.200")} of 2019-11-10; ${DEBIAN} (5.3.10)`,
    },
    needs: [fs("cifs")],
  },
  "ceph-writepages-iput": {
    lifetime: {
      since: "6.16",
      culpritIsAFix: true,
      checkedTo: "6.16",
      source: "[PATCH] ceph: fix deadlock bugs by making iput() calls asynchronous (2025-09), seen on 6.16",
    },
    needs: [fs("ceph")],
  },
};

export const blockLifetimes: Readonly<Record<string, Preconditions>> = {
  "dm-crypt-vm-throttle": {
    lifetime: {
      fix: "no-throttle-vm-writeout",
      notIn: ["4.4.155", "4.7.4"],
      source: "commit bf48438354a7 (v4.9); trees of 4.4.155, 4.7.4 and 4.10.17 (spec README.md)",
    },
    needs: [
      built(
        "dm-crypt",
        ["CONFIG_DM_CRYPT"],
        "Michal Hocko, 2016-07-14, Re: System freezes after OOM: kcryptd is throttled",
      ),
    ],
  },
  "dm-bufio-loop": {
    lifetime: {
      commit: "d0a255e795ab",
      fixed: "5.3",
      backports: ["4.14.139", "4.19.67?", "5.2.9"],
      source: `commit d0a255e795ab (v5.3); ${ANNOUNCED("4.14.139")} of 2019-08-16; ${DEBIAN} (5.2.9)`,
    },
    needs: [
      built("loop devices", ["CONFIG_BLK_DEV_LOOP"], "commit d0a255e795ab: the loop worker's allocation"),
      built("dm-bufio", ["CONFIG_DM_BUFIO"], "drivers/md/dm-bufio.c:dm_bufio_shrink_scan"),
    ],
  },
  "dm-snapshot-cow-throttle": {
    lifetime: {
      culpritIsAFix: true,
      culprit: "721b1d98fb51",
      since: "5.0",
      commit: "b21555786f18",
      fixed: "5.4",
      backports: ["4.4.199", "4.9.199", "4.14.152", "4.19.82?", "5.3.9"],
      source: `changelog of b21555786f18; ${ANNOUNCED("4.4.199", "4.9.199", "4.14.152")} of 2019-11-06; ${DEBIAN} (5.3.9)`,
    },
    needs: [built("dm-snapshot", ["CONFIG_DM_SNAPSHOT"], "drivers/md/dm-snap.c")],
  },
  "dm-integrity-range": {
    lifetime: {
      commit: "4ed319c6ac08",
      fixed: "5.1",
      backports: ["4.19.35"],
      source: "thread of 2019 on dm-devel: 4.19 before 4.19.35 and mainline before 5.1",
    },
    needs: [built("dm-integrity", ["CONFIG_DM_INTEGRITY"], "drivers/md/dm-integrity.c:wait_and_add_new_range")],
  },
  "queue-freeze-reclaim": {
    lifetime: {
      commit: "1e1a9cecfab3",
      fixed: "6.14",
      notIn: ["6.1.192", "6.12.117"],
      source: `commit 1e1a9cecfab3 (v6.14); not in the ${DEBIAN}`,
    },
    needs: [],
  },
  "target-device-mutex": {
    lifetime: {
      commit: "a154f5f643c6",
      fixed: "6.6",
      backports: ["4.19.296", "5.4.258?", "5.10.198?", "5.15.135?", "6.1.57", "6.5.7"],
      source: `changelog of a154f5f643c6; ${ANNOUNCED("4.19.296")} of 2023-10-10; ${DEBIAN} (6.1.57, 6.5.7)`,
    },
    needs: [built("the SCSI target", ["CONFIG_TARGET_CORE"], "drivers/target/target_core_device.c")],
  },
};
