/** overlayfs: locks of the overlay inode, which stay held while the real file is written. */
import type { KnowledgeRow } from "../types.ts";

/** overlayfs. */
export const overlayfsRows: readonly KnowledgeRow[] = [
  {
    kind: "caller",
    of: ["rwsem"],
    fn: ["ovl_write_iter", "ovl_fallocate", "ovl_fsync", "ovl_copyfile"],
    class: "i_rwsem",
    id: "overlay",
    scope: "inode",
    source: "fs/overlayfs/file.c:ovl_write_iter (inode_lock of the overlay inode)",
  },
  {
    kind: "caller",
    of: ["mutex", "rwsem"],
    fn: ["ovl_inode_lock", "ovl_inode_lock_interruptible", "ovl_copy_up_start", "ovl_nlink_start"],
    class: "mutex",
    id: "ovl_inode",
    scope: "inode",
    source: "fs/overlayfs/util.c:ovl_inode_lock",
  },
  {
    kind: "hold",
    fn: ["ovl_write_iter", "ovl_fallocate"],
    callees: ["do_iter_write", "vfs_iter_write", "backing_file_write_iter", "vfs_fallocate", "do_iter_readv_writev"],
    class: "i_rwsem",
    id: "overlay",
    mode: "write",
    scope: "inode",
    confidence: "proven",
    because: "the overlay inode is locked while the lower file is written",
    source: "fs/overlayfs/file.c:ovl_write_iter",
  },
  {
    kind: "doing",
    fn: [
      "ovl_write_iter",
      "ovl_read_iter",
      "ovl_sync_fs",
      "ovl_copy_up_flags",
      "ovl_copy_up_one",
      "ovl_lookup",
      "ovl_create_object",
      "ovl_real_ioctl",
      "ovl_fsync",
      "ovl_open",
      "backing_file_write_iter",
    ],
    activity: "overlay file system operation",
    source: "fs/overlayfs",
  },
];
