import { describe, expect, it } from "vitest";
import { create, Entity, fields, int, op, type Resumable, ref } from "../../resumable/index.ts";
import {
  SpinLock,
  spinLock,
  spinLockIrq,
  spinLockIrqsave,
  spinUnlock,
  spinUnlockIrq,
  spinUnlockIrqrestore,
} from "../locking/spinlock.ts";
import type { Kernel } from "../sched/kernel.ts";
import { deadSubset, obstacleOf } from "../sched/stuck.ts";
import { runAlone, runRandomly, runSteps, testKernel } from "../sched/testing.ts";
import type { Bio, RequestQueue } from "./bio.ts";
import { bioProviders } from "./bio-providers.ts";
import { type Block, bioAlloc, bioPut, bootBlock, submitBio } from "./blk-core.ts";
import { blkFinishPlug, blkStartPlug } from "./plug.ts";

/** What the bi_end_io of the tests know. */
class Ends extends Entity {
  declare count: number;
  declare lock: SpinLock;
  static {
    fields(Ends, { count: int, lock: ref });
  }
}

const countEnd = op<Bio>("count end", {
  apply() {
    ends.count++;
  },
});
let ends: Ends;

function* endIo(bio: Bio): Resumable {
  yield countEnd(bio);
  bioPut(bio);
}
function* writeSome(queue: RequestQueue, count: number, plug: boolean): Resumable {
  const outermost = plug && blkStartPlug();
  for (let i = 0; i < count; i++) {
    const bio = yield* bioAlloc(queue, true, endIo);
    yield* submitBio(bio);
  }
  yield* blkFinishPlug(outermost);
}
function* keep(queue: RequestQueue): Resumable {
  yield* bioAlloc(queue, true, endIo);
  yield* bioAlloc(queue, true, endIo);
}

function boot(kernel: Kernel, options: Parameters<typeof bootBlock>[1]): Block {
  const block = bootBlock(kernel, options);
  ends = create(Ends);
  return block;
}
const states = (block: Block): string => block.bios.map((bio) => bio.state).join(" ");

describe("bios and plugs", () => {
  it("come to their end, from a plug or without, in every context", () => {
    for (const completion of ["hardirq", "softirq", "work"] as const) {
      for (const plug of [true, false]) {
        for (let seed = 0; seed < 10; seed++) {
          const kernel = testKernel("6.1", { cpus: 2 });
          const block = boot(kernel, [{ completion }]);
          const [queue] = block.queues as [RequestQueue];
          const tasks = [0, 1].map((cpu) => kernel.spawn({ comm: "w", cpu }, writeSome, [queue, 3, plug]));
          runRandomly(kernel, Math.imul(seed, 0x9e3779b1));
          expect(tasks.every((t) => kernel.machine.finished(t.context))).toBe(true);
          expect(ends.count).toBe(6);
          expect(new Set(block.bios.map((bio) => bio.state))).toEqual(new Set(["free"]));
          expect(
            kernel.cpus.every((cpu) => !cpu.irqsOff && cpu.pinned === undefined && cpu.irqStack.length === 0),
          ).toBe(true);
        }
      }
    }
  });

  it("stay in the plug until it ends", () => {
    const kernel = testKernel("6.1", { cpus: 2 });
    const block = boot(kernel, [{ irqCpu: 1 }]);
    const task = kernel.spawn({ comm: "w", cpu: 0 }, writeSome, [block.queues[0], 2, true]);
    const [handler] = block.handlers;
    runSteps(kernel, task, 0);
    expect(states(block)).toMatch(/^plugged plugged free/);
    expect(block.bios[0] && bioProviders(block.bios[0])).toEqual([task]);
    expect(kernel.machine.ways(handler?.context ?? -1)).toBe(0);
    runAlone(kernel, task);
    expect(states(block)).toMatch(/^in_flight in_flight free/);
    expect(block.bios[0] && bioProviders(block.bios[0])).toEqual([handler]);
    expect(kernel.machine.ways(handler?.context ?? -1)).toBe(2);
  });

  it("are flushed when their task sleeps for a tag, or for a bio", () => {
    for (const depth of [1, 8]) {
      const kernel = testKernel("6.1", { cpus: 2 });
      const block = boot(kernel, [{ depth, irqCpu: 1 }]);
      const count = depth === 1 ? 2 : 9;
      const task = kernel.spawn({ comm: "w", cpu: 0 }, writeSome, [block.queues[0], count, true]);
      runAlone(kernel, task);
      const obstacle = obstacleOf(kernel, task);
      expect(obstacle?.kind === "wait" && obstacle.wait.resource.class).toBe(depth === 1 ? "request_tag" : "mempool");
      expect(deadSubset(kernel)).toEqual([]);
      expect(states(block)).toMatch(/^in_flight/);
      runRandomly(kernel, 1);
      expect(ends.count).toBe(count);
      expect(block.queues[0]?.tags).toBe(0);
    }
  });

  it("own a tag before the device has them: who waits for it waits for their submitter", () => {
    const kernel = testKernel("6.1", { cpus: 2 });
    const block = boot(kernel, [{ depth: 1, irqCpu: 1 }]);
    const [first, second] = [0, 1].map((cpu) =>
      kernel.spawn({ comm: "w", cpu }, writeSome, [block.queues[0], 1, false]),
    );
    runSteps(kernel, first!, 1);
    expect(kernel.machine.pending(first!.context).op).toBe("issue");
    runAlone(kernel, second!);
    const obstacle = obstacleOf(kernel, second!);
    expect(obstacle?.kind === "wait" && obstacle.wait.providers).toEqual([first]);
    expect(deadSubset(kernel)).toEqual([]);
    runRandomly(kernel, 1);
    expect(ends.count).toBe(2);
  });

  it("are never waited for by the one who has them all", () => {
    const kernel = testKernel("6.1", { cpus: 1, capacities: { ...testKernel("6.1").config.capacities, bios: 1 } });
    const block = boot(kernel, [{}]);
    kernel.spawn({ comm: "w" }, keep, [block.queues[0]]);
    expect(() => kernel.start()).toThrow(/raise the capacity "bios"/);
  });
});

/** Takes the lock that the section below holds. */
function* endUnderLock(bio: Bio): Resumable {
  const { lock } = ends;
  const flags = yield* spinLockIrqsave(lock);
  ends.count++;
  yield* spinUnlockIrqrestore(lock, flags);
  bioPut(bio);
}
/** A section under a lock that interrupts take, with another inside, whose unlock is that of its lock or the wrong one. */
function* writeThenSection(queue: RequestQueue, inner: SpinLock, wrong: boolean): Resumable {
  const bio = yield* bioAlloc(queue, true, endUnderLock);
  yield* submitBio(bio);
  const { lock } = ends;
  const flags = yield* spinLockIrqsave(lock);
  if (wrong) {
    yield* spinLockIrq(inner);
    yield* spinUnlockIrq(inner);
  } else {
    const innerFlags = yield* spinLockIrqsave(inner);
    yield* spinUnlockIrqrestore(inner, innerFlags);
  }
  yield* spinUnlockIrqrestore(lock, flags);
}

describe("completion interrupts", () => {
  function outcomes(wrong: boolean, irqCpu: number, completion: "hardirq" | "softirq"): number {
    let dead = 0;
    for (let seed = 0; seed < 60; seed++) {
      const kernel = testKernel("6.1", { cpus: 2 });
      const block = boot(kernel, [{ irqCpu, completion }]);
      ends.lock = create(SpinLock, { lockClass: "outer" });
      const inner = create(SpinLock, { lockClass: "inner" });
      const task = kernel.spawn({ comm: "w", cpu: 0 }, writeThenSection, [block.queues[0], inner, wrong]);
      runRandomly(kernel, Math.imul(seed, 0x9e3779b1));
      const subset = deadSubset(kernel);
      const done = kernel.machine.finished(task.context) && ends.count === 1;
      expect(subset.length === 0).toBe(done);
      if (done) expect(kernel.cpus[0]?.irqsOff || kernel.cpus[0]?.pinned).toBeFalsy();
      if (subset.length > 0) dead++;
    }
    return dead;
  }

  it.each(["hardirq", "softirq"] as const)(
    "%s: spins for ever over a section whose unlock switched them on",
    (kind) => {
      expect(outcomes(true, 0, kind)).toBeGreaterThan(0);
      expect(outcomes(true, 1, kind)).toBe(0);
      expect(outcomes(false, 0, kind)).toBe(0);
    },
  );

  it("keep the CPU of a task that holds a plain lock for that task", () => {
    const kernel = testKernel("6.1", { cpus: 1 });
    const block = boot(kernel, [{}]);
    const lock = create(SpinLock, { lockClass: "plain" });
    const holder = kernel.spawn({ comm: "holder", cpu: 0 }, writeAndHold, [block.queues[0], lock]);
    const other = kernel.spawn({ comm: "other", cpu: 0 }, writeSome, [block.queues[0], 1, false]);
    runSteps(kernel, holder, 2);
    expect(kernel.machine.ways(other.context)).toBe(0);
    const [handler] = block.handlers;
    while (handler !== undefined && kernel.machine.ways(handler.context) > 0) kernel.machine.step(handler.context, 0);
    expect(ends.count).toBe(1);
    expect(kernel.machine.ways(other.context)).toBe(0);
    expect(kernel.machine.ways(holder.context)).toBe(1);
  });
});

function* writeAndHold(queue: RequestQueue, lock: SpinLock): Resumable {
  const bio = yield* bioAlloc(queue, true, endIo);
  yield* submitBio(bio);
  yield* spinLock(lock);
  yield undefined;
  spinUnlock(lock);
}
