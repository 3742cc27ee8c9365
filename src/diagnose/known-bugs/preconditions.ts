/**
 * When a known bug can happen at all: the kernels that have it, and what must be built and switched on. Keyed by the id of the
 * bug, so that the tables of shapes stay as they are. What the workload must do besides (a full disk, a freeze, an unmount) is
 * no precondition: nobody can rule it out beforehand.
 *
 * Releases: two parts are mainline, three a stable series. `?` marks a point that nobody verified. Where `fix` names a fix of
 * kernel/era.ts, that history counts, and what stands here is added to it.
 */
import { blockLifetimes, filesystemLifetimes, networkLifetimes } from "./preconditions-fs-and-block.ts";
import { memoryLifetimes } from "./preconditions-memory.ts";

/** What must be so. `source`: commit, mail, file of the kernel or of the kernel facts (spec NN-name.md). */
export type Need =
  /** The memory controller is built in and on. */
  | { readonly kind: "memcg"; readonly source: string }
  /** The memory controller is on this hierarchy. */
  | { readonly kind: "cgroup"; readonly version: "v1" | "v2"; readonly source: string }
  /** Kernel memory is charged to groups. */
  | { readonly kind: "kmem"; readonly source: string }
  /** One of these filesystems is in use. */
  | { readonly kind: "fs"; readonly anyOf: readonly string[]; readonly source: string }
  /** Something is swapped to. `off`: parameters of the incident that leave it without. */
  | { readonly kind: "swap"; readonly off?: Readonly<Record<string, number>>; readonly source: string }
  /** One of these symbols is y or m; `what` in words. `until`: the release that no longer has the symbol and always the code. */
  | {
      readonly kind: "config";
      readonly what: string;
      readonly anyOf: readonly string[];
      readonly until?: string;
      readonly source: string;
    }
  /** No configuration of a mainline kernel has it; the explorer has it by these hacks. */
  | { readonly kind: "never"; readonly why: string; readonly hacks: readonly string[]; readonly source: string };

/** Which kernels have a bug. @since 0.3.0 */
export interface Lifetime {
  /** Mainline release that brought it; absent: older than anything asked about. */
  readonly since?: string;
  /** Stable releases that brought it too. */
  readonly sinceBackports?: readonly string[];
  /** What brought it is itself a fix, so that stable series not listed may have got it. */
  readonly culpritIsAFix?: boolean;
  /** The commit that brought it, where it may be in a kernel or not. */
  readonly culprit?: string;
  /** Commit that ends it; absent: none is known, and `checkedTo` says up to where that was looked at. */
  readonly commit?: string;
  /** Name of a fix in kernel/era.ts whose history says where it is. */
  readonly fix?: string;
  /** Mainline release that has the commit. */
  readonly fixed?: string;
  /** First stable releases with it. */
  readonly backports?: readonly string[];
  /** Stable releases that were seen with it; earlier ones may have it too. */
  readonly seenIn?: readonly string[];
  /** Stable releases that were searched and do not have it; later ones may. */
  readonly notIn?: readonly string[];
  /** Last mainline release for which "no fix" was checked. */
  readonly checkedTo?: string;
  readonly source: string;
}

/** Preconditions of one bug. */
export interface Preconditions {
  readonly lifetime: Lifetime;
  readonly needs: readonly Need[];
}

/** By the bug's id. */
export const preconditions: Readonly<Record<string, Preconditions>> = {
  ...memoryLifetimes,
  ...filesystemLifetimes,
  ...networkLifetimes,
  ...blockLifetimes,
};

/**
 * What an incident of the model needs beyond what its scene shows and its known bugs ask for, by its id. A bug may come about in
 * other ways as well; the incident is one of them.
 */
export const incidentNeeds: Readonly<Record<string, readonly Need[]>> = {
  "queue-freeze-reclaim": [
    { kind: "swap", off: { anonymous: 0 }, source: "the incident: reclaim swaps out to the frozen queue" },
  ],
  "nbd-server-memcg": [
    {
      kind: "config",
      what: "nbd",
      anyOf: ["CONFIG_BLK_DEV_NBD"],
      source: "drivers/block/Kconfig, drivers/block/nbd.c",
    },
  ],
  "zonelist-seq-irq": [
    {
      kind: "config",
      what: "memory hotplug",
      anyOf: ["CONFIG_MEMORY_HOTPLUG"],
      source: "mm/memory_hotplug.c:online_pages, which rebuilds the zonelists",
    },
  ],
};

/** Symbol that builds a filesystem. */
export const FILESYSTEM_CONFIG: Readonly<Record<string, readonly string[]>> = {
  // ext4 serves the other two where they are not built (CONFIG_EXT4_USE_FOR_EXT2)
  ext2: ["CONFIG_EXT2_FS", "CONFIG_EXT4_FS"],
  ext3: ["CONFIG_EXT3_FS", "CONFIG_EXT4_FS"],
  ext4: ["CONFIG_EXT4_FS"],
  xfs: ["CONFIG_XFS_FS"],
  btrfs: ["CONFIG_BTRFS_FS"],
  f2fs: ["CONFIG_F2FS_FS"],
  gfs2: ["CONFIG_GFS2_FS"],
  jfs: ["CONFIG_JFS_FS"],
  nilfs2: ["CONFIG_NILFS2_FS"],
  ocfs2: ["CONFIG_OCFS2_FS"],
  vfat: ["CONFIG_VFAT_FS"],
  exfat: ["CONFIG_EXFAT_FS"],
  ntfs3: ["CONFIG_NTFS3_FS"],
  udf: ["CONFIG_UDF_FS"],
  erofs: ["CONFIG_EROFS_FS"],
  fuse: ["CONFIG_FUSE_FS"],
  nfs: ["CONFIG_NFS_FS"],
  cifs: ["CONFIG_CIFS"],
  ceph: ["CONFIG_CEPH_FS"],
  afs: ["CONFIG_AFS_FS"],
};
