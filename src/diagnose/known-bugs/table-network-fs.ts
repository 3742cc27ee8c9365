/** Known bugs of NFS, SUNRPC, CIFS, Ceph and FUSE. */
import type { KnownBug } from "./types.ts";

/** Network and user-space file systems. */
export const networkFsBugs: readonly KnownBug[] = [
  {
    id: "fuse-readahead-evict",
    title: "fuse: fix readahead reclaim deadlock",
    fix: 'commit bd5603eaae0a ("fuse: fix readahead reclaim deadlock")',
    affected:
      'kernels with e26ee4efbc79 ("fuse: allocate ff->release_args only if release is needed"; v6.9, 6.1.158) and without the fix (CVE-2025-68821; v6.19, 6.12.64, 6.1.160), servers that do not implement open',
    today:
      "ends it: abort the connection, echo 1 > /sys/fs/fuse/connections/N/abort; avoids it: let the server implement open, or keep it out of tight memory limits",
    verdicts: ["deadlock", "unknown"],
    edges: [
      {
        waitsFor: ["PG_locked"],
        path: ["fuse_evict_inode"],
        path2: ["do_shrink_slab", "shrink_slab", "super_cache_scan"],
      },
    ],
    source: "changelog of bd5603eaae0a",
  },
  {
    id: "nfs-loopback-throttle",
    title: "A loop-back NFS mount: nfsd is throttled for dirty pages that only nfsd can clean",
    fix: 'commit a37b0715ddf3 ("mm/writeback: replace PF_LESS_THROTTLE with PF_LOCAL_THROTTLE") (v5.8)',
    affected: "NFS mounted from the same host; much less likely since 5.8",
    era: { before: "5.8" },
    today:
      "ends it: more dirty memory for the moment, raise vm.dirty_ratio and vm.dirty_background_ratio; avoids it: do not mount NFS from the own host (use a bind mount)",
    verdicts: ["deadlock", "livelock", "slow", "lost-io", "unknown"],
    edges: [
      { waitsFor: ["dirty_limit"], path: ["nfsd_vfs_write", "nfsd4_write", "nfsd_dispatch", "nfsd"], where: "any" },
      {
        waitsFor: ["rpc", "nfs_rpc", "nfs_request", "PG_writeback"],
        path: [
          "nfs_write_inode",
          "nfs_writepages",
          "__nfs_commit_inode",
          "nfs_wb_all",
          "nfs_release_page",
          "nfs_file_fsync",
          "nfs_commit_list",
        ],
        where: "any",
      },
    ],
    source: "commit a37b0715ddf3; mm/page-writeback.c:balance_dirty_pages",
  },
  {
    id: "sunrpc-transmit-reclaim",
    title: "SUNRPC: Set memalloc_nofs_save() for sync tasks",
    fix: 'commit f0940f4b3284 ("SUNRPC: Set memalloc_nofs_save() for sync tasks")',
    affected: "NFS clients until early 2021 (5.11); stable branches have the fix",
    era: { before: "5.12" },
    today:
      "ends it: reboot the client with `reboot -ff` or `echo b > /proc/sysrq-trigger`; avoids it: more free memory (vm.min_free_kbytes) makes reclaim inside the transmit rarer",
    verdicts: ["deadlock", "unknown"],
    edges: [
      {
        waitsFor: ["rpc", "nfs_rpc"],
        path: ["xprt_transmit", "call_transmit"],
        path2: ["shrink_slab", "do_shrink_slab", "do_try_to_free_pages"],
      },
    ],
    source: "mail of 2021-03-03; net/sunrpc/sched.c:__rpc_execute",
  },
  {
    id: "cifs-lock-sem-reconnect",
    title: "cifs: Fix cifsInodeInfo lock_sem deadlock when reconnect occurs",
    fix: 'commit d46b0da7a33d ("cifs: Fix cifsInodeInfo lock_sem deadlock when reconnect occurs")',
    affected: "until 5.3; stable branches have the fix",
    era: { before: "5.4" },
    today:
      "ends it: reboot the client with `reboot -ff` or `echo b > /proc/sysrq-trigger`; avoids it: mount with nobrl where byte-range locks are not needed",
    verdicts: ["deadlock", "unknown"],
    edges: [
      { waitsFor: ["rwsem"], id: ["lock_sem"], mode: "read", holds: ["rwsem:lock_sem"], path: ["cifs_reopen_file"] },
      { waitsFor: ["rwsem"], id: ["lock_sem"], mode: "write" },
    ],
    source: "mail of 2019-10-22; fs/cifs/file.c:cifs_strict_readv, cifs_reopen_file",
  },
  {
    id: "ceph-writepages-iput",
    title: "ceph: the flusher drops the last reference of the inode it writes and waits for itself",
    affected: "seen on 6.16; a patch that makes these iput() calls asynchronous was posted in September 2025",
    today:
      "ends it: reboot the client with `reboot -ff` or `echo b > /proc/sysrq-trigger`, the writeback worker waits for itself; avoids it: nothing known until a fix is in",
    verdicts: ["deadlock", "unknown"],
    edges: [
      {
        waitsFor: ["inode_sync", "inode_writeback"],
        holds: ["inode_sync"],
        path: ["ceph_writepages_start"],
        path2: ["evict", "inode_wait_for_writeback"],
      },
    ],
    source: "[PATCH] ceph: fix deadlock bugs by making iput() calls asynchronous (2025-09); fs/inode.c:evict",
  },
];
