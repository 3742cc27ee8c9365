import { describe, expect, it } from "vitest";
import { create, op, type Resumable } from "../../resumable/index.ts";
import { SpinLock, spinLock, spinUnlockIrq } from "../locking/spinlock.ts";
import { current } from "../sched/current.ts";
import type { Kernel, KernelConfig } from "../sched/kernel.ts";
import { deadSubset, obstacleOf } from "../sched/stuck.ts";
import type { Task } from "../sched/task.ts";
import { runAlone, runRandomly, runSteps, testKernel } from "../sched/testing.ts";
import { bootPage } from "./boot-pages.ts";
import { folioMemcgLock, folioMemcgUnlock } from "./memcg-page-stat.ts";
import type { MemCgroup } from "./memcg-types.ts";
import { bootMm, createMemcg, type MmOptions } from "./mm.ts";
import type { Page } from "./page.ts";

const inside = op<Page>("inside", {});

function* section(page: Page): Resumable {
  yield* folioMemcgLock(page);
  yield inside(page);
  yield* folioMemcgUnlock(page);
}
/** As the old unlocked_inode_to_wb_end(): interrupts are on afterwards, whatever they were. */
function* sectionThatEnablesInterrupts(page: Page, other: SpinLock): Resumable {
  yield* folioMemcgLock(page);
  yield* spinLock(other);
  yield* spinUnlockIrq(other);
  yield inside(page);
  yield* folioMemcgUnlock(page);
}
const enter = op<Task>("interrupt", {
  apply(handler) {
    handler.cpu.irqStack.push(handler);
    handler.cpu.irqsOff = true;
  },
  idle: true,
});
/** One interrupt that changes the page's counters, as the end of a writeback does. */
function* interrupt(page: Page): Resumable {
  yield enter(current());
  yield* section(page);
  const { cpu } = current();
  cpu.irqStack.pop();
  cpu.irqsOff = false;
}

interface Small {
  readonly kernel: Kernel;
  readonly memcg: MemCgroup;
  readonly page: Page;
}
function small(release: string, options: MmOptions, config: Partial<Omit<KernelConfig, "era">> = {}): Small {
  const kernel = testKernel(release, { cpus: 1, ...config });
  bootMm(kernel, options);
  const memcg = createMemcg(kernel, "/a");
  return { kernel, memcg, page: bootPage(kernel, { memcg }) };
}

describe("sections in which a page keeps its memcg", () => {
  it("take no step and no lock where nothing can move charges", () => {
    for (const [release, options] of [
      ["4.16", {}],
      ["6.18", { moveCharge: true }],
    ] as const) {
      const s = small(release, options);
      const task = s.kernel.spawn({ comm: "t" }, section, [s.page]);
      s.memcg.movingAccount = 1;
      expect(runAlone(s.kernel, task)).toBe(1);
      expect(task.rcuDepth).toBe(0);
    }
  });

  it("are RCU sections while nothing moves", () => {
    const s = small("4.16", { moveCharge: true });
    const task = s.kernel.spawn({ comm: "t" }, section, [s.page]);
    runSteps(s.kernel, task, 1);
    expect([task.rcuDepth, s.memcg.moveLock.owner, s.kernel.cpus[0]!.irqsOff]).toEqual([1, undefined, false]);
    runAlone(s.kernel, task);
    expect(task.rcuDepth).toBe(0);
  });

  it.each([
    ["4.4.1", "a move", { moveCharge: true }, []],
    ["4.16", "a move", { moveCharge: true }, []],
    ["4.16", "the hack", {}, ["moving"]],
    ["6.1", "the hack", {}, ["moving"]],
  ])("hold the lock with interrupts off in %s under %s", (release, _, options, hacks) => {
    const s = small(release, options, { hacks });
    if (hacks.length === 0) s.memcg.movingAccount = 1;
    const task = s.kernel.spawn({ comm: "t" }, section, [s.page]);
    runSteps(s.kernel, task, hacks.length === 0 ? 2 : 1);
    expect([s.memcg.moveLock.owner, s.memcg.moveLockTask, s.kernel.cpus[0]!.irqsOff]).toEqual([task, task, true]);
    runAlone(s.kernel, task);
    expect([s.memcg.moveLock.owner, s.memcg.moveLockTask, s.kernel.cpus[0]!.irqsOff]).toEqual([
      undefined,
      undefined,
      false,
    ]);
    expect([task.rcuDepth, task.preemptCount, s.kernel.cpus[0]!.pinned]).toEqual([0, 0, undefined]);
  });

  it("follow the page to its new memcg", () => {
    const s = small("4.16", { moveCharge: true });
    const other = createMemcg(s.kernel, "/b");
    s.memcg.movingAccount = 1;
    const task = s.kernel.spawn({ comm: "t" }, section, [s.page]);
    runSteps(s.kernel, task, 1);
    s.page.memcg = other;
    runSteps(s.kernel, task, 1);
    // the old memcg's lock is let go, the new one has no move in progress
    expect(s.memcg.moveLock.owner).toBeUndefined();
    runAlone(s.kernel, task);
    expect([s.memcg.moveLock.owner, other.moveLock.owner, task.rcuDepth]).toEqual([undefined, undefined, 0]);
  });

  it("deadlock one CPU when something inside enables interrupts, and only then", () => {
    const run = (fn: (page: Page, other: SpinLock) => Resumable): { readonly dead: number; readonly ran: boolean } => {
      let dead = 0;
      let ran = false;
      for (let seed = 0; seed < 30; seed++) {
        const s = small("4.16", {}, { hacks: ["moving"] });
        const other = create(SpinLock, { lockClass: "i_pages" });
        const task = s.kernel.spawn({ comm: "t" }, fn, [s.page, other]);
        const irq = s.kernel.spawn({ comm: "irq", kind: "hardirq", cpu: 0, idle: true }, interrupt, [s.page]);
        runRandomly(s.kernel, seed, 500);
        if (obstacleOf(s.kernel, irq)?.kind === "wait") {
          dead++;
          expect(deadSubset(s.kernel)).toEqual([task.context, irq.context]);
        }
        ran ||= s.kernel.machine.finished(irq.context);
      }
      return { dead, ran };
    };
    expect(run(section)).toEqual({ dead: 0, ran: true });
    expect(run(sectionThatEnablesInterrupts).dead).toBeGreaterThan(0);
  });
});
