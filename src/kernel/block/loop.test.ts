import { describe, expect, it } from "vitest";
import type { Resumable } from "../../resumable/index.ts";
import { bootWriteback, createInode, createSuperBlock } from "../fs/boot-writeback.ts";
import { bootMm } from "../mm/mm.ts";
import type { Kernel } from "../sched/kernel.ts";
import { runAlone, runRandomly, runSteps, testKernel } from "../sched/testing.ts";
import type { RequestQueue } from "./bio.ts";
import { bioProviders } from "./bio-providers.ts";
import { type Block, bioAlloc, bioPut, bootBlock, submitBio } from "./blk-core.ts";
import { bootDmBufio, dmBufioWriteDirtyBuffers } from "./dm-bufio.ts";
import { bootLoop } from "./loop.ts";
import type { LoopDevice } from "./loop-device.ts";

function* endIo(bio: Parameters<typeof bioPut>[0]): Resumable {
  yield undefined;
  bioPut(bio);
}
function* writeOne(queue: RequestQueue): Resumable {
  yield* submitBio(yield* bioAlloc(queue, true, endIo));
}

/** A loop device on a file of ext4 on the only disk. */
function boot(release: string): { kernel: Kernel; block: Block; loop: LoopDevice } {
  const kernel = testKernel(release, {
    cpus: 1,
    capacities: { pages: 4, contexts: 8, bios: 16, inodes: 2, memcgs: 1, vmas: 1 },
  });
  bootMm(kernel, { slabPages: true, priority: 0 });
  const block = bootBlock(kernel, [{}, { device: "7:0" }]);
  const [disk, queue] = block.queues as [RequestQueue, RequestQueue];
  const file = createInode(createSuperBlock(kernel, bootWriteback(kernel, disk), "ext4"), 4);
  return { kernel, block, loop: bootLoop(kernel, queue, file) };
}

describe("a loop device", () => {
  it("ends a bio through its thread, then through the disk's interrupt", () => {
    const { kernel, block, loop } = boot("5.2");
    const task = kernel.spawn({ comm: "dd" }, writeOne, [loop.queue]);
    runAlone(kernel, task);
    const bio = block.bios.find((b) => b.queue === loop.queue)!;
    const by = (): readonly string[] => bioProviders(bio).map((t) => t.comm);
    expect([bio.state, by()]).toEqual(["queued", ["loop0"]]);
    runSteps(kernel, loop.worker, 2);
    expect(by()).toEqual(["loop0"]);
    runAlone(kernel, loop.worker);
    expect([bio.below?.state, by()]).toEqual(["in_flight", ["hardirq/0"]]);
    runRandomly(kernel, 1);
    expect(block.bios.every((b) => b.state === "free" && b.below === undefined && b.above === undefined)).toBe(true);
  });

  it.each([
    ["5.2", "loop0"],
    ["5.15", "kworker"],
  ])("of %s has a thread called %s", (release, comm) => {
    expect(boot(release).loop.worker.comm).toContain(comm);
  });
});

describe("dm-bufio", () => {
  it("writes its buffers; what a commit has written stays, clean", () => {
    for (let seed = 0; seed < 50; seed++) {
      const { kernel, loop } = boot("5.2");
      const client = bootDmBufio(kernel, loop.queue, 2);
      for (let i = 0; i < 2; i++) kernel.spawn({ comm: "commit" }, dmBufioWriteDirtyBuffers, [client]);
      runRandomly(kernel, seed);
      expect([...client.buffers].map((b) => b.dirty || b.writing)).toEqual([false, false]);
      expect(client.lock.owner).toBeUndefined();
    }
  });
});
