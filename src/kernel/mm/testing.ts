/** Test support: a kernel with memory, one memcg, a disk and a file. */
import { bootBlock } from "../block/blk-core.ts";
import type { Era } from "../era.ts";
import type { BackingDevInfo } from "../fs/backing-dev.ts";
import {
  bootWriteback,
  createInode,
  createSuperBlock,
  type FsType,
  type WritebackOptions,
} from "../fs/boot-writeback.ts";
import type { Inode } from "../fs/inode.ts";
import type { Kernel, KernelConfig } from "../sched/kernel.ts";
import { testKernel } from "../sched/testing.ts";
import type { MemCgroup } from "./memcg-types.ts";
import { bootMm, createMemcg, type MemcgLimits, type Mm, type MmOptions } from "./mm.ts";
import type { Vma } from "./mm-types.ts";

export interface FileWorldOptions {
  readonly config?: Partial<Omit<KernelConfig, "era">>;
  readonly limits?: MemcgLimits;
  readonly mm?: MmOptions;
  readonly fs?: FsType;
  /** Pages of the file. */
  readonly size?: number;
  readonly writeback?: Omit<WritebackOptions, "memcgs">;
}

export interface FileWorld {
  readonly kernel: Kernel;
  readonly memcg: MemCgroup;
  readonly bdi: BackingDevInfo;
  readonly inode: Inode;
}

export function fileWorld(release: string | Era, options: FileWorldOptions = {}): FileWorld {
  const kernel = testKernel(release, {
    capacities: { pages: 8, contexts: 16, bios: 8, inodes: 4, memcgs: 4, vmas: 4 },
    ...options.config,
  });
  bootMm(kernel, options.mm);
  const memcg = createMemcg(kernel, "/a", undefined, options.limits);
  const { queues } = bootBlock(kernel);
  const queue = queues[0];
  if (queue === undefined) throw new Error("no disk");
  const bdi = bootWriteback(kernel, queue, { periodic: false, ...options.writeback, memcgs: [memcg] });
  const inode = createInode(createSuperBlock(kernel, bdi, options.fs ?? "ext4"), options.size ?? 4);
  return { kernel, memcg, bdi, inode };
}

/** What does not add up when everything is quiet: references, locks, charges, tags and counters. Empty when all does. */
export function leftovers(kernel: Kernel): readonly string[] {
  const { pages, memcgs } = kernel.subsystem<Mm>("mm");
  const vmas = (kernel.subsystems.get("vmas") as readonly Vma[] | undefined) ?? [];
  const wrong: string[] = [];
  for (const page of pages) {
    const mappings = vmas.filter((vma) => vma.present.includes(page)).length;
    if (page.refs !== 0) wrong.push(`${page} has ${page.refs} references`);
    if (page.lockedBy !== undefined) wrong.push(`${page} is locked by ${page.lockedBy}`);
    if (page.lockWaiters.length > 0) wrong.push(`${page} is waited for`);
    if (page.mapCount !== mappings) wrong.push(`${page} counts ${page.mapCount} of ${mappings} mappings`);
    if (page.dirty && !page.dirtyTag) wrong.push(`${page} is dirty without its tag`);
    if (page.mapping !== undefined && !page.mapping.pages.includes(page)) wrong.push(`${page} is not in its mapping`);
    if (page.allocated && page.lru === undefined) wrong.push(`${page} is on no list`);
    if (!page.allocated && (page.memcg ?? page.mapping ?? page.lru) !== undefined)
      wrong.push(`${page} is free and used`);
    if (page.allocated && page.mapping === undefined && page.mapCount === 0) wrong.push(`${page} is lost`);
  }
  for (const memcg of memcgs) {
    if (memcg.parent === undefined) continue;
    const own = pages.filter((page) => page.memcg === memcg);
    const tables = vmas.filter((vma) => vma.pageTableMemcg === memcg).length;
    const stock = kernel.cpus.reduce((sum, cpu) => sum + (cpu.stockMemcg === memcg ? cpu.stockPages : 0), 0);
    const { usage } = memcg.memory;
    if (usage !== own.length + tables + stock)
      wrong.push(`${memcg.path} is charged ${usage} for ${own.length} pages and ${tables} tables`);
    const v1 = kernel.config.cgroup === "v1";
    if (v1 && memcg.kmem.usage !== tables) wrong.push(`${memcg.path} counts ${memcg.kmem.usage} of ${tables} tables`);
    const dirty = own.filter((page) => page.dirty && !page.anon).length;
    const written = own.filter((page) => page.writeback).length;
    if (memcg.nrFileDirty !== dirty) wrong.push(`${memcg.path} counts ${memcg.nrFileDirty} of ${dirty} dirty pages`);
    if (memcg.nrWriteback !== written)
      wrong.push(`${memcg.path} counts ${memcg.nrWriteback} of ${written} under writeback`);
  }
  for (const task of kernel.tasks) {
    if (task.preallocPte !== undefined) wrong.push(`${task} has a page table over`);
    if (task.rcuDepth !== 0 || task.preemptCount !== 0) wrong.push(`${task} is in a section`);
  }
  return wrong;
}
