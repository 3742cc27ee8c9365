import { describe, expect, it } from "vitest";
import { create, type Resumable } from "../../resumable/index.ts";
import type { Bio, RequestQueue } from "../block/bio.ts";
import { bioAlloc, bioPut, bootBlock, submitBio } from "../block/blk-core.ts";
import { blkFinishPlug, blkStartPlug } from "../block/plug.ts";
import type { Kernel } from "../sched/kernel.ts";
import { obstacleOf } from "../sched/stuck.ts";
import type { Task } from "../sched/task.ts";
import { runAlone, runRandomly, runSteps, testKernel } from "../sched/testing.ts";
import { Page } from "./page.ts";
import { folioLock, folioLockKillable, folioTrylock, folioUnlock, folioWaitWriteback } from "./page-bits.ts";

function* lockOnce(page: Page): Resumable {
  yield* folioLock(page);
  yield* folioUnlock(page);
}
function* lockKillably(page: Page): Resumable {
  if (yield* folioLockKillable(page)) yield* folioUnlock(page);
}
function* tryOften(page: Page, times: number): Resumable {
  for (let i = 0; i < times; i++) if (yield* folioTrylock(page)) yield* folioUnlock(page);
}
function* waitWritten(page: Page): Resumable {
  yield* folioWaitWriteback(page);
}
function* endBio(bio: Bio): Resumable {
  for (const page of bio.pages.snapshot()) {
    page.writeback = false;
    page.writebackBio = undefined;
  }
  bioPut(bio);
  yield undefined;
}
/** Submits the page's writeback into its own plug, and waits for it. */
function* writeAndWait(queue: RequestQueue, page: Page): Resumable {
  const outermost = blkStartPlug();
  const bio = yield* bioAlloc(queue, true, endBio);
  bio.pages.push(page);
  page.writeback = true;
  page.writebackBio = bio;
  yield* submitBio(bio);
  yield* folioWaitWriteback(page);
  yield* blkFinishPlug(outermost);
}

function world(release: string): { kernel: Kernel; page: Page } {
  const kernel = testKernel(release);
  bootBlock(kernel);
  return { kernel, page: create(Page, { allocated: true }) };
}
function waitOfTask(kernel: Kernel, task: Task): string {
  const obstacle = obstacleOf(kernel, task);
  if (obstacle?.kind !== "wait") return "none";
  const { resource, verb, providers, state } = obstacle.wait;
  return `${state} ${verb}(${resource.class}) by ${providers.join(" or ")}`;
}

describe("PG_locked", () => {
  it("is waited for in state D, its holder being the only one who can end that", () => {
    const { kernel, page } = world("6.1");
    const holder = kernel.spawn({ comm: "holder" }, lockOnce, [page]);
    const waiter = kernel.spawn({ comm: "waiter" }, lockOnce, [page]);
    runSteps(kernel, holder, 1);
    runAlone(kernel, waiter);
    expect(page.lockedBy).toBe(holder);
    expect(waitOfTask(kernel, waiter)).toBe(`D unlock(PG_locked) by ${holder}`);
    expect(kernel.machine.stack(waiter.context)[0]?.name).toBe("folioLock");
    runAlone(kernel, holder);
    expect(kernel.machine.ways(waiter.context)).toBe(1);
    runAlone(kernel, waiter);
    expect([page.lockedBy, page.lockWaiters.length]).toEqual([undefined, 0]);
  });

  it.each(["4.20.0", "6.1"])("sends a woken waiter to the tail in %s when somebody else was faster", (release) => {
    const { kernel, page } = world(release);
    const [a, b, c] = ["a", "b", "c"].map((comm) => kernel.spawn({ comm }, lockOnce, [page])) as [Task, Task, Task];
    const barging = kernel.spawn({ comm: "d" }, tryOften, [page, 1]);
    runSteps(kernel, a, 1);
    runAlone(kernel, b);
    runAlone(kernel, c);
    runAlone(kernel, a);
    runSteps(kernel, barging, 1);
    expect([page.lockedBy, ...page.lockWaiters]).toEqual([barging, c, b]);
    runRandomly(kernel, 1);
    expect(page.lockWaiters.length).toBe(0);
  });

  it("goes to waiters first come first; the second waits for the first", () => {
    const { kernel, page } = world("6.1");
    const [a, b, c] = ["a", "b", "c"].map((comm) => kernel.spawn({ comm }, lockOnce, [page])) as [Task, Task, Task];
    runSteps(kernel, a, 1);
    runAlone(kernel, b);
    runAlone(kernel, c);
    runAlone(kernel, a);
    expect([kernel.machine.ways(b.context), kernel.machine.ways(c.context)]).toEqual([1, 0]);
    expect(waitOfTask(kernel, c)).toBe(`D unlock(PG_locked) by ${b}`);
    runAlone(kernel, b);
    runAlone(kernel, c);
    expect(kernel.machine.finished(c.context)).toBe(true);
  });

  /** How often a task that always comes just in time can take the bit from a waiter. */
  function timesOvertaken(release: string): number {
    const { kernel, page } = world(release);
    const holder = kernel.spawn({ comm: "holder" }, lockOnce, [page]);
    const waiter = kernel.spawn({ comm: "waiter" }, lockOnce, [page]);
    const barger = kernel.spawn({ comm: "barger" }, tryOften, [page, 20]);
    runSteps(kernel, holder, 1);
    runAlone(kernel, waiter);
    runAlone(kernel, holder);
    let overtaken = 0;
    for (let i = 0; i < 41 && page.lockedBy !== waiter; i++) {
      runSteps(kernel, barger, 1);
      if (page.lockedBy === barger) overtaken++;
    }
    return overtaken;
  }

  it("can be taken from a woken waiter again and again before 5.9", () => {
    expect([timesOvertaken("4.20"), timesOvertaken("5.8")]).toEqual([20, 20]);
  });
  it("is handed over from 5.9 on to a waiter that lost it five times", () => {
    expect([timesOvertaken("5.9"), timesOvertaken("6.18")]).toEqual([5, 5]);
  });

  it("is let go of by a killed waiter, whose place the next one takes", () => {
    const { kernel, page } = world("6.1");
    const holder = kernel.spawn({ comm: "holder" }, lockOnce, [page]);
    const killed = kernel.spawn({ comm: "killed" }, lockKillably, [page]);
    const next = kernel.spawn({ comm: "next" }, lockOnce, [page]);
    runSteps(kernel, holder, 1);
    runAlone(kernel, killed);
    runAlone(kernel, next);
    expect(waitOfTask(kernel, killed)).toBe(`K unlock(PG_locked) by ${holder}`);
    killed.fatalSignal = true;
    runAlone(kernel, killed);
    expect([kernel.machine.finished(killed.context), page.lockedBy]).toEqual([true, holder]);
    runAlone(kernel, holder);
    runAlone(kernel, next);
    expect(kernel.machine.finished(next.context)).toBe(true);
  });

  it("cannot be given back by somebody who has not got it", () => {
    const { kernel, page } = world("6.1");
    const holder = kernel.spawn({ comm: "holder" }, lockOnce, [page]);
    runSteps(kernel, holder, 1);
    page.lockedBy = undefined;
    expect(() => runAlone(kernel, holder)).toThrow(/unlocks page 0, which is locked by nobody/);
  });

  it.each(["4.20", "5.15"])("is held by one at a time under any schedule in %s", (release) => {
    for (let seed = 1; seed <= 20; seed++) {
      const { kernel, page } = world(release);
      const tasks = [
        kernel.spawn({ comm: "a" }, lockOnce, [page]),
        kernel.spawn({ comm: "b" }, lockOnce, [page]),
        kernel.spawn({ comm: "c" }, tryOften, [page, 4]),
        kernel.spawn({ comm: "d" }, lockKillably, [page]),
      ];
      runRandomly(kernel, seed);
      expect(tasks.every((t) => kernel.machine.finished(t.context))).toBe(true);
      expect([page.lockedBy, page.lockWaiters.length]).toEqual([undefined, 0]);
    }
  });
});

describe("PG_writeback", () => {
  it("is waited for until it is cleared; the task that set it provides while no bio has the page", () => {
    const { kernel, page } = world("6.1");
    const writer = kernel.spawn({ comm: "writer" }, lockOnce, [page]);
    const waiter = kernel.spawn({ comm: "waiter" }, waitWritten, [page]);
    runSteps(kernel, writer, 1);
    page.writeback = true;
    runAlone(kernel, waiter);
    expect(waitOfTask(kernel, waiter)).toBe(`D end_writeback(PG_writeback) by ${writer}`);
    expect(kernel.machine.stack(waiter.context)[0]?.name).toBe("folioWaitWriteback");
    page.writeback = false;
    runAlone(kernel, waiter);
    expect(kernel.machine.finished(waiter.context)).toBe(true);
  });

  it("is given to the device by the wait when it is in the plug of the one who waits", () => {
    const kernel = testKernel("6.1", { cpus: 2 });
    const { queues } = bootBlock(kernel, [{ irqCpu: 1 }]);
    const page = create(Page, { allocated: true });
    const task = kernel.spawn({ comm: "writer", cpu: 0 }, writeAndWait, [queues[0], page]);
    runAlone(kernel, task);
    expect(waitOfTask(kernel, task)).toMatch(/^D end_writeback\(PG_writeback\) by hardirq/);
    expect([task.plug.length, queues[0]?.inFlight.length]).toEqual([0, 1]);
    runRandomly(kernel, 1);
    expect(kernel.machine.finished(task.context)).toBe(true);
  });
});
