/**
 * The workbench of an incident's `setup`: disks, filesystems, files, groups, processes and tasks, as they are when the story
 * begins.
 *
 * Setting up happens twice: once with room to spare, to count what there is, and once with exactly that much room, because
 * every word of state costs the search.
 */
import type { Bio, RequestQueue } from "../kernel/block/bio.ts";
import { type Block, bootBlock, type QueueOptions } from "../kernel/block/blk-core.ts";
import { bootDmBufio, type DmBufioClient } from "../kernel/block/dm-bufio.ts";
import { bootLoop } from "../kernel/block/loop.ts";
import { createNbd, type NbdDevice } from "../kernel/block/nbd.ts";
import type { Era } from "../kernel/era.ts";
import type { BackingDevInfo, BdiWriteback } from "../kernel/fs/backing-dev.ts";
import {
  anonymousDevice,
  bootWriteback,
  createBlockDevice,
  createInode,
  createSuperBlock,
  type FsType,
  type MountOptions,
  type WritebackOptions,
} from "../kernel/fs/boot-writeback.ts";
import { type BtrfsRoot, createBtrfsRoot } from "../kernel/fs/btrfs/ctree.ts";
import { createDelayedNode } from "../kernel/fs/btrfs/delayed-inode.ts";
import { bootErofs, type ErofsSbInfo } from "../kernel/fs/erofs/utils.ts";
import type { FuseConn } from "../kernel/fs/fuse/dev.ts";
import { I_DONTCACHE, type Inode, type SuperBlock } from "../kernel/fs/inode.ts";
import { createNfsClient } from "../kernel/fs/nfs/client.ts";
import { brokenLaw } from "../kernel/invariants.ts";
import { createSnapshot, type DmSnapshot } from "../kernel/md/dm-snap.ts";
import { bootCachedPage, bootMappedPage } from "../kernel/mm/boot-cache.ts";
import { bootPage } from "../kernel/mm/boot-pages.ts";
import type { MemCgroup } from "../kernel/mm/memcg-types.ts";
import { bootMm, createMemcg, type MemcgLimits, type Mm, type MmOptions } from "../kernel/mm/mm.ts";
import type { MmStruct, Vma } from "../kernel/mm/mm-types.ts";
import { createMm, createVma, type VmaOptions } from "../kernel/mm/mmap.ts";
import { oomReaper } from "../kernel/mm/oom-kill.ts";
import { reservePages } from "../kernel/mm/page-alloc.ts";
import { type Capacities, Kernel } from "../kernel/sched/kernel.ts";
import type { Task } from "../kernel/sched/task.ts";

/** What the kernel is like, before anything is in it. */
export interface SceneOptions {
  readonly era: Era;
  readonly cgroup: "v1" | "v2";
  readonly kmem: boolean;
  readonly hacks: readonly string[];
  readonly cpus: number;
  /** Check the laws of the model in every state. */
  readonly invariants: boolean;
  /** Room for more than the usual, by capacity, while the scene is built for the first time. */
  readonly room?: Partial<Capacities>;
  /** What the incident wants to hold in every state. */
  readonly law?: (kernel: Kernel) => string | undefined;
}

/** A file with pages in the cache. */
export interface FileOptions {
  /** How many of its pages are cached, from {@link firstIndex}. */
  readonly pages: number;
  /** Index of the first page that is cached; 0. */
  readonly firstIndex?: number;
  /** Size in pages; up to the last that is cached by default. */
  readonly size?: number;
  /** Which of them are dirty: all, or those of these indices. */
  readonly dirty?: boolean | readonly number[];
  /** Who pays for them; nobody by default. */
  readonly chargedTo?: MemCgroup;
  /** Their blocks are allocated on disk already (true by default); otherwise writeback has to (delayed allocation). */
  readonly mapped?: boolean;
  /** Which have PG_reclaim set, because reclaim has met them before. */
  readonly reclaim?: readonly number[];
  /** Where a cyclic sweep of writeback goes on; 0. */
  readonly writebackIndex?: number;
  /**
   * Nobody uses it any more (mount with `unused`): only an unused dentry keeps its inode, or it waits among the unused inodes.
   */
  readonly unused?: "dentry" | "inode";
  /** Nobody has asked the flusher to write it yet; without `periodic`, somebody has to. */
  readonly unasked?: boolean;
  /** `chattr +x` was done to it through another name: I_DONTCACHE. */
  readonly dontCache?: boolean;
}

/** A task that runs a resumable function. */
export interface SceneTask {
  readonly memcg?: MemCgroup;
  /** Its address space; one of its own by default. */
  readonly mm?: MmStruct;
  readonly cpu?: number;
  /** Pages set aside for what it allocates, so that page numbers do not depend on the schedule. */
  readonly newPages?: number;
  /** Pages over memory.high that it has charged already in the system call it is in. */
  readonly overHigh?: number;
  /** A server: waiting for ever for something to do is no fault. */
  readonly idle?: boolean;
}

/** A page table's worth of a file, and who maps it. */
export interface Mapping extends Omit<VmaOptions, "file" | "length"> {
  readonly length?: number;
}

const ROOMY: Capacities = { pages: 64, contexts: 32, bios: 128, inodes: 16, memcgs: 16, vmas: 16, chunks: 24 };

/** @since 0.2.0 */
export class Scene {
  readonly kernel: Kernel;
  readonly options: SceneOptions;
  /** Bounds that the set-up chose: part of a result's scope. */
  readonly fixedChoices: string[] = [];
  private readonly counts = { pages: 0, bios: 0, memcgs: 1, vmas: 0, inodes: 0, chunks: 0 };
  private block: Block | undefined;
  private hasReaper = false;

  private constructor(options: SceneOptions, capacities: Capacities) {
    this.options = options;
    this.kernel = new Kernel({
      era: options.era,
      cpus: options.cpus,
      cgroup: options.cgroup,
      kmem: options.kmem,
      hacks: options.hacks,
      capacities,
      ...lawsOf(options),
    });
  }

  /** Runs a set-up and returns the scene, ready to start. */
  static build(options: SceneOptions, setup: (scene: Scene) => void): Scene {
    const rough = new Scene(options, { ...ROOMY, ...options.room } as Capacities);
    setup(rough);
    const scene = new Scene(options, rough.measure());
    setup(scene);
    return scene;
  }

  /** The room that is really needed. */
  private measure(): Capacities {
    const { counts } = this;
    const submitters = this.kernel.tasks.filter((t) => t.kind !== "hardirq" && t.kind !== "softirq");
    return { ...counts, contexts: this.kernel.tasks.length, bios: Math.max(1, counts.bios * submitters.length) };
  }

  /** The memory of the machine, besides the pages of files. Call it first; called without options when it is not. */
  memory(options: MmOptions = {}): Mm {
    const { priority, chargeRetries, reapAttempts } = options;
    if (priority !== undefined) this.fixedChoices.push(`reclaim begins at priority ${priority}`);
    if (chargeRetries !== undefined)
      this.fixedChoices.push(
        `a charge gives up after ${chargeRetries} fruitless ${chargeRetries === 1 ? "round" : "rounds"}`,
      );
    if (reapAttempts !== undefined)
      this.fixedChoices.push("the OOM reaper tries a victim any number of times before it gives up, not ten");
    return bootMm(this.kernel, options);
  }
  private mm(): Mm {
    return (this.kernel.subsystems.get("mm") as Mm | undefined) ?? this.memory();
  }

  /** A memory cgroup below the root or `parent`. */
  memcg(path: string, limits: MemcgLimits = {}, parent?: MemCgroup): MemCgroup {
    this.mm();
    this.counts.memcgs++;
    if (limits.max !== undefined) this.bootOomReaper();
    return createMemcg(this.kernel, path, parent, limits);
  }

  /** Where a limit can be met, the OOM killer may have to be helped on. */
  private bootOomReaper(): void {
    if (this.hasReaper || !this.options.era.features.oomReaper) return;
    this.hasReaper = true;
    this.kernel.spawn({ comm: "oom_reaper", kind: "kthread", idle: true, stackWords: 128 }, oomReaper);
  }

  /** The disks of the machine; every task that submits may have so many bios at once. Called once. */
  disks(biosPerTask: number, ...queues: readonly QueueOptions[]): readonly RequestQueue[] {
    this.counts.bios = biosPerTask;
    this.block = bootBlock(this.kernel, queues.length === 0 ? [{}] : queues);
    return this.block.queues;
  }

  /** A filesystem on a disk, with its flusher; on v2 with one more for each group made so far. */
  filesystem(type: FsType, disk: RequestQueue, options: WritebackOptions & MountOptions = {}): SuperBlock {
    this.mm();
    // on v2 every group that exists by now has a writeback domain of its own
    const memcgs = this.options.cgroup === "v2" ? this.mm().memcgs.filter((m) => m.parent !== undefined) : [];
    const bdi: BackingDevInfo = bootWriteback(this.kernel, disk, { memcgs, ...options });
    return createSuperBlock(this.kernel, bdi, type, options);
  }

  /** The page cache of the block device below an ext4 with a journal: `blocks` of metadata, none of them in it yet. */
  blockDevice(sb: SuperBlock, blocks: number): void {
    this.counts.inodes++;
    createBlockDevice(sb, blocks);
  }

  /** A fuse filesystem in writeback-cache mode; {@link serves} says which tasks are its server. */
  fuse(options: WritebackOptions = {}): SuperBlock {
    return this.filesystem("fuse", anonymousDevice("0:45"), options);
  }
  /** The task is a thread of the filesystem's server. */
  serves(task: Task, fs: SuperBlock): void {
    (fs.fsInfo as FuseConn).servers.push(task);
  }

  /** The one disk of the machine is an nbd; its queue's `servers` are to be filled. Instead of {@link disks}. */
  nbd(biosPerTask: number): NbdDevice {
    const [queue] = this.disks(biosPerTask, { device: "43:0", completion: "server" });
    return createNbd(this.kernel, queue as RequestQueue);
  }

  /** An NFSv4.1 mount whose session the server forgets at some moment, if `forgets`. */
  nfs(forgets: boolean): SuperBlock {
    const sb = this.filesystem("nfs", anonymousDevice("0:46"), { periodic: false });
    sb.fsInfo = createNfsClient(this.kernel, forgets);
    return sb;
  }

  /** A snapshot of a disk: see {@link createSnapshot}. */
  snapshot(origin: RequestQueue, chunks: number, threshold: number): DmSnapshot {
    this.counts.chunks += chunks;
    return createSnapshot(this.kernel, origin, chunks, threshold);
  }

  /** A file, its cached pages oldest first on the LRU list. Dirty ones are known to the flusher. */
  file(sb: SuperBlock, options: FileOptions): Inode {
    this.counts.inodes++;
    this.counts.pages += options.pages;
    const { chargedTo, dirty = false, firstIndex = 0, mapped = true, reclaim = [] } = options;
    const end = firstIndex + options.pages;
    const inode = createInode(sb, options.size ?? end);
    for (let index = firstIndex; index < end; index++) {
      bootCachedPage(this.kernel, inode, index, {
        dirty: Array.isArray(dirty) ? dirty.includes(index) : dirty === true,
        delayed: !mapped,
        reclaim: reclaim.includes(index),
        ...(chargedTo === undefined ? {} : { memcg: chargedTo }),
      });
    }
    inode.mapping.writebackIndex = options.writebackIndex ?? 0;
    inode.memcg = chargedTo;
    if (options.dontCache === true) inode.state |= I_DONTCACHE;
    if (options.unused === "dentry") sb.dentryLru.push(inode);
    if (options.unused === "inode") sb.inodeLru.push(inode);
    if (inode.wb !== undefined && dirty !== false && options.unasked !== true) awaitFlusher(inode.wb);
    return inode;
  }

  /** A loop device with direct I/O on a file; `queue` is one of the disks. */
  loop(queue: RequestQueue, file: Inode): void {
    bootLoop(this.kernel, queue, file);
  }

  /** A client of dm-bufio on a disk, with so many dirty buffers of a page each. */
  bufio(queue: RequestQueue, buffers: number): DmBufioClient {
    this.counts.pages += buffers;
    return bootDmBufio(this.kernel, queue, buffers);
  }

  /** The tree of a btrfs; the pages of `leaves` are its leaves. */
  btrfsRoot(sb: SuperBlock, leaves: Inode): BtrfsRoot {
    return createBtrfsRoot(sb, leaves);
  }

  /** The item of an inode in a tree of btrfs is to be updated by the next commit. */
  delayedNode(root: BtrfsRoot, inode: Inode): void {
    createDelayedNode(root, inode);
  }

  /** A mount of erofs whose readers make so many groups at most. */
  erofs(groups: number): ErofsSbInfo {
    return bootErofs(this.kernel, groups);
  }

  /** Pages that are free when the story begins, besides those set aside for a task. */
  freePages(count: number): void {
    this.counts.pages += count;
  }

  /** The address space of a process; with `oomScoreAdj` -1000 the OOM killer may not choose it. */
  process(options: { readonly oomScoreAdj?: number } = {}): MmStruct {
    return createMm(options.oomScoreAdj);
  }

  /** mmap(2): a mapping of a file in a process, with no page table yet unless `populated`. */
  map(process: MmStruct, file: Inode, options: Mapping = {}): Vma {
    this.counts.vmas++;
    const { length, ...rest } = options;
    return createVma(this.kernel, process, { length: length ?? file.size, ...rest, file });
  }

  /** Memory that a process has used: anonymous pages, mapped and charged; and how many it may use besides. */
  anonymous(process: MmStruct, pages: number, chargedTo?: MemCgroup, unused = 0): Vma {
    this.counts.vmas++;
    this.counts.pages += pages;
    const vma = createVma(this.kernel, process, { length: pages + unused, populated: true });
    for (let index = 0; index < pages; index++) {
      const page = bootPage(this.kernel, { anon: true, ...(chargedTo === undefined ? {} : { memcg: chargedTo }) });
      page.index = index;
      bootMappedPage(vma, page, true);
      // nobody has used it of late
      page.pteYoung = false;
    }
    return vma;
  }

  /** A task of user space that runs `fn(...args)`. */
  task(comm: string, options: SceneTask, fn: (...args: never[]) => unknown, args: readonly unknown[] = []): Task {
    const { memcg, cpu, mm = this.process() } = options;
    const task = this.kernel.spawn(
      {
        comm,
        ...(memcg === undefined ? {} : { memcg }),
        mm,
        ...(cpu === undefined ? {} : { cpu }),
        idle: options.idle ?? false,
      },
      fn,
      args,
    );
    task.memcgNrPagesOverHigh = options.overHigh ?? 0;
    const { newPages = 0 } = options;
    this.counts.pages += newPages;
    if (newPages > 0) reservePages(this.mm(), task, newPages);
    return task;
  }

  /** A bio of the pool, for incidents that begin with I/O in flight. */
  bio(number: number): Bio {
    const bio = this.block?.bios[number];
    if (bio === undefined) throw new Error(`there is no bio ${number}`);
    return bio;
  }
}

/** The model's own laws where they are asked for, then the incident's. */
function lawsOf({ invariants, law }: SceneOptions): { invariants?: (kernel: Kernel) => string | undefined } {
  if (law === undefined) return invariants ? { invariants: brokenLaw } : {};
  return { invariants: invariants ? (kernel) => brokenLaw(kernel) ?? law(kernel) : law };
}

/**
 * The work of a domain with dirty inodes is queued: its timer has run. Where it is not to run again, the flusher is told to write
 * all there is, once.
 */
function awaitFlusher(wb: BdiWriteback): void {
  const { dwork, queue } = wb;
  if (!wb.bdi.periodic) wb.startAll = true;
  if (dwork.pending) return;
  dwork.pending = true;
  queue.works.push(dwork);
}
