import { describe, expect, it } from "vitest";
import { bootBlock } from "../block/blk-core.ts";
import { bootPage } from "../mm/boot-pages.ts";
import type { MemCgroup } from "../mm/memcg-types.ts";
import { bootMm, createMemcg } from "../mm/mm.ts";
import { createMm, createVma, exitMmap } from "../mm/mmap.ts";
import { __x64SysMmap, __x64SysMprotect } from "../mm/mprotect.ts";
import type { Kernel } from "../sched/kernel.ts";
import { obstacleOf } from "../sched/stuck.ts";
import type { Task } from "../sched/task.ts";
import { runAlone, runSteps, testKernel } from "../sched/testing.ts";
import { bootWriteback, createBlockDevice, createInode, createSuperBlock } from "./boot-writeback.ts";
import type { Ext4SbInfo } from "./ext4/ext4-jbd2.ts";
import type { Inode } from "./inode.ts";
import type { Journal } from "./jbd2/journal.ts";
import { __x64SysFtruncate, __x64SysMkdir, __x64SysOpenat, __x64SysUnlink } from "./namei.ts";
import { __x64SysFsync } from "./sync.ts";

interface World {
  readonly kernel: Kernel;
  readonly memcg: MemCgroup;
  readonly dir: Inode;
  readonly journal: Journal;
  readonly bdev: Inode;
}
function world(): World {
  const kernel = testKernel("5.15.135", {
    capacities: { pages: 12, contexts: 16, bios: 8, inodes: 4, memcgs: 4, vmas: 4 },
  });
  bootMm(kernel, { chargeRetries: 0, priority: 0 });
  const memcg = createMemcg(kernel, "/a", undefined, { max: 8 });
  const bdi = bootWriteback(kernel, bootBlock(kernel).queues[0]!, { periodic: false });
  const sb = createSuperBlock(kernel, bdi, "ext4", { journal: true });
  const bdev = createBlockDevice(sb, 8);
  const dir = createInode(sb, 0);
  return { kernel, memcg, dir, bdev, journal: (sb.fsInfo as Ext4SbInfo).journal };
}
const waitOf = (kernel: Kernel, task: Task): string | undefined => {
  const obstacle = obstacleOf(kernel, task);
  return obstacle?.kind === "wait" ? obstacle.wait.resource.class : undefined;
};
const made = Object.freeze({ bitmap: 0, table: 1, directory: 2 });

describe("names", () => {
  it.each([
    ["creat", __x64SysOpenat, [made], [0, 1]],
    ["mkdir", __x64SysMkdir, [made], [0, 1, 2]],
    ["unlink", __x64SysUnlink, [1], [1]],
    ["truncate", __x64SysFtruncate, [3, 4], [3, 4, 5, 6]],
  ] as const)("%s brings its blocks into the cache, charged to the task", (comm, fn, args, blocks) => {
    const { kernel, memcg, dir, journal, bdev } = world();
    const task = kernel.spawn({ comm, memcg }, fn as never, [dir, ...args]);
    runAlone(kernel, task);
    expect(kernel.machine.finished(task.context)).toBe(true);
    expect([...bdev.mapping.pages].map((page) => page.index)).toEqual(blocks);
    expect(memcg.memory.usage).toBe(blocks.length);
    // the bitmap of inodes is asked for before the handle, the others belong to the transaction until it is committed
    const held = [...bdev.mapping.pages].filter((page) => page.refs === 1).map((page) => page.index);
    expect(held).toEqual(blocks.filter((block) => block !== 0));
    runAlone(kernel, journal.thread);
    expect([...bdev.mapping.pages].map((page) => page.refs)).toEqual(blocks.map(() => 0));
  });

  it("fsync waits for the commit of what changed the inode, and for none when nothing did", () => {
    const { kernel, dir, journal } = world();
    const before = kernel.spawn({ comm: "fsync0" }, __x64SysFsync, [dir]);
    runAlone(kernel, before);
    expect(kernel.machine.finished(before.context)).toBe(true);
    expect(journal.commitSequence).toBe(0);
    const after = world();
    const create = after.kernel.spawn({ comm: "creat" }, __x64SysOpenat, [after.dir, made]);
    const fsync = after.kernel.spawn({ comm: "fsync" }, __x64SysFsync, [after.dir]);
    runAlone(after.kernel, create);
    runAlone(after.kernel, fsync);
    expect(waitOf(after.kernel, fsync)).toBe("jbd2_commit");
    runAlone(after.kernel, after.journal.thread);
    runAlone(after.kernel, fsync);
    expect(after.kernel.machine.finished(fsync.context)).toBe(true);
  });
});

describe("mappings", () => {
  it("mmap of a file waits for the transaction with mmap_lock held", () => {
    const { kernel, dir, journal } = world();
    const space = createMm();
    const holder = kernel.spawn({ comm: "creat" }, __x64SysOpenat, [dir, made]);
    const map = kernel.spawn({ comm: "map", mm: space }, __x64SysMmap, [space, dir]);
    for (let i = 0; i < 100 && holder.journalInfo === undefined; i++) runSteps(kernel, holder, 1);
    runAlone(kernel, journal.thread);
    runAlone(kernel, map);
    expect(waitOf(kernel, map)).toBe("jbd2_transaction");
    expect(space.mmapLock.writer).toBe(map);
    runAlone(kernel, holder);
    runAlone(kernel, journal.thread);
    runAlone(kernel, map);
    expect(space.mmapLock.writer).toBeUndefined();
  });
  it("mprotect of a part charges the second half, which goes with the address space", () => {
    const { kernel, memcg } = world();
    const space = createMm();
    const vma = createVma(kernel, space, { length: 2 });
    bootPage(kernel, { memcg, anon: true });
    const split = kernel.spawn({ comm: "split", memcg, mm: space }, __x64SysMprotect, [vma]);
    const exit = kernel.spawn({ comm: "exit", memcg, mm: space }, exitMmap, [space]);
    runAlone(kernel, split);
    expect([memcg.memory.usage, memcg.kmem.usage, vma.splitMemcg]).toEqual([2, 1, memcg]);
    runAlone(kernel, exit);
    expect([memcg.memory.usage, memcg.kmem.usage]).toEqual([1, 0]);
  });
});
