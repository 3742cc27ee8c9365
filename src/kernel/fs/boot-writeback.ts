/** Set-up of devices' writeback domains, superblocks and inodes. */
import { create, type Entity } from "../../resumable/index.ts";
import { RequestQueue } from "../block/bio.ts";
import { createWorkqueue } from "../block/blk-mq.ts";
import { __GFP_FS, GFP_HIGHUSER_MOVABLE, GFP_USER } from "../gfp.ts";
import { PercpuRwSemaphore } from "../locking/percpu-rwsem.ts";
import { RwSemaphore } from "../locking/rwsem.ts";
import { SpinLock } from "../locking/spinlock.ts";
import type { MemCgroup } from "../mm/memcg-types.ts";
import type { Mm } from "../mm/mm.ts";
import { AddressSpace } from "../mm/page.ts";
import type { Kernel } from "../sched/kernel.ts";
import { Work } from "../sched/workqueue.ts";
import { BackingDevInfo, BdiWriteback, WbWork } from "./backing-dev.ts";
import { btrfsSuperOps } from "./btrfs/delayed-inode.ts";
import { bootExt4Journal, type Ext4SbInfo } from "./ext4/ext4-jbd2.ts";
import { ext4Aops, ext4SuperOps } from "./ext4/inode.ts";
import { MpageDaData, RECLAIM_MPDS } from "./ext4/mpage-da-data.ts";
import { ext4EndIoRsvWork } from "./ext4/page-io.ts";
import type { AddressSpaceOperations, SuperOperations } from "./fs-types.ts";
import { ALL_PAGES, inodeSwitchWbsWorkFn, wbWorkfn } from "./fs-writeback.ts";
import { createFuseConn } from "./fuse/dev.ts";
import { FuseFillWbData, fuseAops } from "./fuse/file.ts";
import { Inode, SuperBlock } from "./inode.ts";
import { IomapWritepageCtx } from "./iomap/ioend.ts";
import { nfsAops } from "./nfs/client.ts";
import { superShrinker } from "./super.ts";
import { UnwrittenEnds } from "./unwritten-ends.ts";
import { RECLAIM_WBCS, WritebackControl } from "./writeback-control.ts";
import { xfsAops, xfsEndIo } from "./xfs/aops.ts";

/** How a device is written back. */
export interface WritebackOptions {
  /** Groups with a domain of their own, where cgroup writeback is on. */
  readonly memcgs?: readonly MemCgroup[];
  /** Dirty inodes are written sooner or later without anybody asking (true by default). */
  readonly periodic?: boolean;
  /** Background threshold in pages; without one only a wish, sync or time start writeback. */
  readonly backgroundPages?: number;
  /** Pages may not change while they are written. */
  readonly stablePages?: boolean;
  /** See {@link BackingDevInfo.foreignSlots}; 5. */
  readonly foreignSlots?: number;
}

function bootShared(kernel: Kernel): void {
  if (kernel.subsystems.has("bdis")) return;
  const perContext = <T>(make: () => T): readonly T[] =>
    Object.freeze(Array.from({ length: kernel.config.capacities.contexts }, make));
  kernel.subsystems.set("bdis", []);
  kernel.subsystems.set(
    "wbcs",
    perContext(() => create(WritebackControl)),
  );
  kernel.subsystems.set("super blocks", []);
}

/** `isw_wq`, once there is a domain to switch to. */
function bootSwitching(kernel: Kernel): void {
  if (kernel.subsystems.has("inode_switch_wbs")) return;
  const queue = createWorkqueue(kernel, "inode_switch_wbs");
  for (const worker of queue.workers) kernel.canSynchronizeRcu(worker);
  kernel.subsystems.set("inode_switch_wbs", queue);
}

/** Whether inodes can have domains of memcgs, and be switched. */
function cgroupWriteback(kernel: Kernel): boolean {
  return kernel.config.cgroup === "v2" || kernel.config.hacks.includes("switching");
}

/** Makes the device's domains, each with its flusher. */
export function bootWriteback(kernel: Kernel, queue: RequestQueue, options: WritebackOptions = {}): BackingDevInfo {
  bootShared(kernel);
  const bdi = create(BackingDevInfo, {
    queue,
    stablePages: options.stablePages ?? false,
    periodic: options.periodic ?? true,
    backgroundPages: options.backgroundPages ?? ALL_PAGES,
    foreignSlots: options.foreignSlots ?? 5,
  });
  kernel.subsystem<BackingDevInfo[]>("bdis").push(bdi);
  bdi.wb = createWb(kernel, bdi, undefined);
  if (!cgroupWriteback(kernel)) return bdi;
  for (const memcg of options.memcgs ?? []) {
    createWb(kernel, bdi, memcg);
    bootSwitching(kernel);
  }
  return bdi;
}

function createWb(kernel: Kernel, bdi: BackingDevInfo, memcg: MemCgroup | undefined): BdiWriteback {
  const wb = create(BdiWriteback, {
    bdi,
    memcg,
    listLock: create(SpinLock, { lockClass: "wb_list_lock" }),
    queue: createWorkqueue(kernel, "writeback"),
    ownWork: create(WbWork),
  });
  wb.dwork = create(Work, { fn: wbWorkfn, fnName: `wb_workfn (flush-${bdi.queue.device})`, argument: wb });
  for (let i = 0; i < kernel.config.capacities.contexts; i++) wb.workSlots.push(create(WbWork));
  bdi.wbs.push(wb);
  return wb;
}

/** Filesystems there are models of. */
export type FsType = "ext4" | "xfs" | "fuse" | "nfs" | "btrfs";
/** Those whose files can be written; of btrfs there is metadata only. */
type DataFsType = Exclude<FsType, "btrfs">;

const METHODS: Readonly<Record<DataFsType, () => AddressSpaceOperations>> = {
  ext4: () => ext4Aops,
  xfs: () => xfsAops,
  fuse: () => fuseAops,
  nfs: () => nfsAops,
};

/** How it is mounted. */
export interface MountOptions {
  /** Somebody may take s_umount for writing. */
  readonly mayUnmount?: boolean;
  /** ext4: it has a journal (data=ordered); `large`: one with the feature LARGE_FILE set already. */
  readonly journal?: boolean | "large";
  /** Blocks of its log, of which a transaction takes a quarter at most; 0: enough for everything. */
  readonly logBlocks?: number;
  /** New blocks are unwritten extents, so that their writeback ends in a worker (ext4 dioread_nolock, the default from 5.6; XFS). */
  readonly unwrittenExtents?: boolean;
  /** Somebody may change the journal mode of a file (`chattr +j`). */
  readonly mayChangeJournalFlag?: boolean;
  /** It has unused dentries or inodes: its shrinker counts. */
  readonly unused?: boolean;
}

const CONVERSION = {
  ext4: { queue: () => "ext4-rsv-conversion", fn: ext4EndIoRsvWork, fnName: "ext4_end_io_rsv_work" },
  xfs: { queue: (device: string) => `xfs-conv/${device}`, fn: xfsEndIo, fnName: "xfs_end_io" },
} as const;

function bootUnwrittenEnds(kernel: Kernel, fsType: "ext4" | "xfs", device: string): UnwrittenEnds {
  const { queue, fn, fnName } = CONVERSION[fsType];
  const ends = create(UnwrittenEnds, { queue: createWorkqueue(kernel, queue(device)) });
  ends.work = create(Work, { fn, fnName, argument: ends });
  return ends;
}

/** SB_I_CGROUPWB. */
function cgroupWritebackOf(kernel: Kernel, fsType: FsType): boolean {
  if (fsType === "xfs") return kernel.era.features.xfsCgroupWriteback;
  return fsType === "ext4" || fsType === "btrfs";
}

/** The name of a filesystem without a disk (`super_setup_bdi`), where one with a disk has its queue. */
export function anonymousDevice(device: string): RequestQueue {
  return create(RequestQueue, { device });
}

function superOps(fsType: FsType, { journal }: MountOptions): SuperOperations | undefined {
  if (fsType === "btrfs") return btrfsSuperOps;
  return fsType === "ext4" && journal ? ext4SuperOps : undefined;
}

/** Mounts a filesystem on a device. */
export function createSuperBlock(
  kernel: Kernel,
  bdi: BackingDevInfo,
  fsType: FsType,
  options: MountOptions = {},
): SuperBlock {
  const data = fsType === "btrfs" ? undefined : fsType;
  if (data !== undefined) bootContexts(kernel, data);
  const converts = options.unwrittenExtents === true && (fsType === "ext4" || fsType === "xfs");
  const sb = create(SuperBlock, {
    mayUnmount: options.mayUnmount ?? false,
    unwrittenEnds: converts ? bootUnwrittenEnds(kernel, fsType, bdi.queue.device) : undefined,
    sOp: superOps(fsType, options),
    fsType,
    bdi,
    sUmount: create(RwSemaphore, { lockClass: "s_umount", tried: true }),
    writepagesRwsem: create(PercpuRwSemaphore, { lockClass: kernel.era.features.writepagesRwsemName }),
    mayChangeJournalFlag: options.mayChangeJournalFlag === true && kernel.era.features.writepagesRwsemName !== "none",
    cgroupWriteback: cgroupWritebackOf(kernel, fsType),
    ...(fsType === "fuse" ? { fsInfo: createFuseConn(kernel) } : {}),
  });
  if (options.journal && fsType === "ext4") {
    const { logBlocks = 0 } = options;
    bootExt4Journal(kernel, sb, options.journal === "large", { logBlocks });
  }
  kernel.subsystem<SuperBlock[]>("super blocks").push(sb);
  if (options.unused === true) registerShrinker(kernel, sb);
  return sb;
}

/** Reclaim may write and evict inodes from now on, in the middle of a pass too. */
function registerShrinker(kernel: Kernel, sb: SuperBlock): void {
  kernel.subsystem<Mm>("mm").shrinkers.push(superShrinker(sb));
  if (kernel.subsystems.has(RECLAIM_WBCS)) return;
  const perContext = <T>(make: () => T): readonly T[] =>
    Object.freeze(Array.from({ length: kernel.config.capacities.contexts }, make));
  kernel.subsystems.set(
    RECLAIM_WBCS,
    perContext(() => create(WritebackControl)),
  );
  if (sb.fsType !== "ext4") return;
  kernel.subsystems.set(
    RECLAIM_MPDS,
    perContext(() => create(MpageDaData)),
  );
}

const PASSES: Readonly<Record<DataFsType, () => Entity>> = {
  ext4: () => create(MpageDaData),
  xfs: () => create(IomapWritepageCtx),
  fuse: () => create(FuseFillWbData),
  // nothing is written
  nfs: () => create(UnwrittenEnds),
};

/** What a pass of the filesystem keeps on its stack, one per task that may make one. */
function bootContexts(kernel: Kernel, fsType: DataFsType): void {
  const name = `${fsType} writepages`;
  if (kernel.subsystems.has(name)) return;
  const { contexts } = kernel.config.capacities;
  kernel.subsystems.set(name, Object.freeze(Array.from({ length: contexts }, PASSES[fsType])));
}

/** A file of so many pages, none of them in the cache. */
export function createInode(sb: SuperBlock, size: number, ino: number = 12 + sb.inodes.length): Inode {
  const lock = (lockClass: string): RwSemaphore => create(RwSemaphore, { lockClass });
  const inode = create(Inode, {
    ino,
    sb,
    size,
    iLock: create(SpinLock, { lockClass: "i_lock" }),
    rwsem: lock("i_rwsem"),
    invalidateLock: lock("invalidate_lock"),
    dataSem: lock("i_data_sem"),
  });
  inode.mapping = create(AddressSpace, {
    host: inode,
    treeLock: create(SpinLock, { lockClass: "i_pages" }),
    ...(sb.fsType === "btrfs" ? {} : { aOps: METHODS[sb.fsType as DataFsType]() }),
    // fs/xfs/xfs_iops.c:xfs_setup_inode: page cache allocations of XFS do not recurse into it
    gfpMask: sb.fsType === "xfs" ? GFP_HIGHUSER_MOVABLE & ~__GFP_FS : GFP_HIGHUSER_MOVABLE,
    // fs/fuse/file.c:fuse_init_file_inode
    writebackMayDeadlock: sb.fsType === "fuse",
  });
  inode.switchWork = create(Work, { fn: inodeSwitchWbsWorkFn, fnName: "inode_switch_wbs_work_fn", argument: inode });
  sb.inodes.push(inode);
  return inode;
}

/** The inode of the block device below an ext4 with a journal, of so many blocks, none of them in the cache. Set-up only. */
export function createBlockDevice(sb: SuperBlock, blocks: number): Inode {
  const bdev = createInode(sb, blocks);
  bdev.mapping.gfpMask = GFP_USER;
  (sb.fsInfo as Ext4SbInfo).bdev = bdev;
  return bdev;
}
