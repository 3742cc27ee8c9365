import { describe, expect, it } from "vitest";
import { create, type Resumable } from "../../resumable/index.ts";
import { thisCpu } from "../sched/current.ts";
import type { Kernel } from "../sched/kernel.ts";
import { sendSigkill } from "../sched/signal.ts";
import { deadSubset, obstacleOf } from "../sched/stuck.ts";
import type { Task } from "../sched/task.ts";
import { runAlone, runRandomly, runSteps, testKernel } from "../sched/testing.ts";
import { Mutex, mutexLock, mutexLockKillable, mutexTrylock, mutexUnlock } from "./mutex.ts";
import { downRead, downReadKillable, downReadTrylock, downWrite, RwSemaphore, upRead, upWrite } from "./rwsem.ts";
import {
  SpinLock,
  spinLock,
  spinLockIrq,
  spinLockIrqsave,
  spinUnlock,
  spinUnlockIrq,
  spinUnlockIrqrestore,
} from "./spinlock.ts";

const waitingFor = (kernel: Kernel, task: Task): string | undefined => {
  const obstacle = obstacleOf(kernel, task);
  if (obstacle === undefined) return undefined;
  if (obstacle.kind === "cpu") return `cpu taken by ${obstacle.by.join()}`;
  return `${obstacle.wait.verb} ${obstacle.wait.resource.class} by ${obstacle.wait.providers.join()}`;
};

function* lockBoth(first: Mutex, second: Mutex): Resumable {
  yield* mutexLock(first);
  yield* mutexLock(second);
  yield* mutexUnlock(second);
  yield* mutexUnlock(first);
}
function* lockBothKillably(first: Mutex, second: Mutex): Resumable {
  yield* mutexLock(first);
  if (yield* mutexLockKillable(second)) yield* mutexUnlock(second);
  yield* mutexUnlock(first);
}
function* kill(victims: readonly Task[]): Resumable {
  yield undefined;
  sendSigkill(victims);
}
function* hold(sem: RwSemaphore, write: boolean): Resumable {
  if (write) yield* downWrite(sem);
  else yield* downRead(sem);
  if (write) yield* upWrite(sem);
  else yield* upRead(sem);
}
function* tryRead(sem: RwSemaphore, result: Mutex): Resumable {
  if (!(yield* downReadTrylock(sem))) yield* mutexLock(result);
}
function* killable(sem: RwSemaphore, lock: Mutex, result: Mutex): Resumable {
  const got = (yield* downReadKillable(sem)) && (yield* mutexLockKillable(lock));
  if (!got) yield* mutexLock(result);
}
function* trylockTwice(lock: Mutex, result: Mutex): Resumable {
  const first = yield* mutexTrylock(lock);
  const second = yield* mutexTrylock(lock);
  if (first && !second) yield* mutexLock(result);
}

describe("mutex", () => {
  it.each([true, false])(
    "in a circle with a killable wait are dead once nobody is left to kill: killed %s",
    (kills) => {
      const kernel = testKernel("6.1");
      const [a, b] = [create(Mutex, { lockName: "a" }), create(Mutex, { lockName: "b" })];
      const ab = kernel.spawn({ comm: "ab" }, lockBothKillably, [a, b]);
      const ba = kernel.spawn({ comm: "ba" }, lockBoth, [b, a]);
      const killer = kernel.spawn({ comm: "killer" }, kill, [Object.freeze(kills ? [ab] : [])]);
      runSteps(kernel, ab, 1);
      runAlone(kernel, ba);
      expect(runAlone(kernel, ab)).toBe(0);
      expect(deadSubset(kernel)).toEqual([]);
      runAlone(kernel, killer);
      expect(deadSubset(kernel)).toEqual(kills ? [] : [ab.context, ba.context]);
      runRandomly(kernel, 1);
      expect(kernel.machine.finished(ba.context)).toBe(kills);
    },
  );

  it("deadlocks two tasks that take two locks in opposite order, and only then", () => {
    let stuck = 0;
    for (let seed = 0; seed < 40; seed++) {
      const kernel = testKernel("6.1");
      const [a, b] = [create(Mutex, { lockName: "a" }), create(Mutex, { lockName: "b" })];
      const ab = kernel.spawn({ comm: "ab" }, lockBoth, [a, b]);
      const ba = kernel.spawn({ comm: "ba" }, lockBoth, [b, a]);
      runRandomly(kernel, seed);
      const dead = deadSubset(kernel);
      expect(dead.length === 0).toBe(kernel.machine.finished(ab.context) && kernel.machine.finished(ba.context));
      if (dead.length === 0) continue;
      stuck++;
      expect(dead).toEqual([ab.context, ba.context]);
      expect(waitingFor(kernel, ab)).toBe(`unlock mutex by ${ba}`);
    }
    expect(stuck).toBeGreaterThan(0);
    expect(stuck).toBeLessThan(40);
  });

  it("trylock takes it once", () => {
    const kernel = testKernel("6.1");
    const [a, result] = [create(Mutex, { lockName: "a" }), create(Mutex, { lockName: "result" })];
    const task = kernel.spawn({ comm: "t" }, trylockTwice, [a, result]);
    runAlone(kernel, task);
    expect([a.owner, result.owner]).toEqual([task, task]);
  });
});

describe("rwsem", () => {
  it("makes a reader queue behind a queued writer, and its trylock fail", () => {
    const kernel = testKernel("6.1");
    const sem = create(RwSemaphore, { lockClass: "mmap_lock", tried: true });
    const result = create(Mutex, { lockName: "result" });
    const reader = kernel.spawn({ comm: "reader" }, hold, [sem, false]);
    const writer = kernel.spawn({ comm: "writer" }, hold, [sem, true]);
    const late = kernel.spawn({ comm: "late" }, hold, [sem, false]);
    const trying = kernel.spawn({ comm: "trying" }, tryRead, [sem, result]);
    runSteps(kernel, reader, 1);
    for (const task of [writer, late, trying]) runAlone(kernel, task);
    expect(waitingFor(kernel, writer)).toBe(`unlock mmap_lock by ${reader}`);
    expect(waitingFor(kernel, late)).toBe(`unlock mmap_lock by ${reader}`);
    expect(result.owner).toBe(trying);
    runAlone(kernel, reader);
    expect(sem.writer).toBe(writer);
    expect(waitingFor(kernel, late)).toBe(`unlock mmap_lock by ${writer}`);
    runAlone(kernel, writer);
    runAlone(kernel, late);
    expect(kernel.machine.finished(late.context)).toBe(true);
  });

  it.each([
    ["4.20", 1],
    ["5.3", 2],
  ])("in %s a release wakes %i of two readers with a writer between them", (release, woken) => {
    const kernel = testKernel(release);
    const sem = create(RwSemaphore, { lockClass: "s_umount", tried: true });
    const first = kernel.spawn({ comm: "first" }, hold, [sem, true]);
    const readers = [kernel.spawn({ comm: "r1" }, hold, [sem, false])];
    const writer = kernel.spawn({ comm: "w" }, hold, [sem, true]);
    readers.push(kernel.spawn({ comm: "r2" }, hold, [sem, false]));
    runSteps(kernel, first, 1);
    runAlone(kernel, readers[0] as Task);
    runAlone(kernel, writer);
    runAlone(kernel, readers[1] as Task);
    runAlone(kernel, first);
    expect(sem.readers.length).toBe(woken);
    runRandomly(kernel, 1);
    expect(kernel.tasks.every((t) => kernel.machine.finished(t.context))).toBe(true);
  });

  it("releases in the step before, unless somebody may try for it", () => {
    const steps = (tried: boolean): number => {
      const kernel = testKernel("6.1");
      const sem = create(RwSemaphore, { lockClass: "i_rwsem", tried });
      const task = kernel.spawn({ comm: "t" }, hold, [sem, true]);
      kernel.start();
      let count = 0;
      for (; kernel.machine.ways(task.context) > 0; count++) kernel.machine.step(task.context, 0);
      expect(sem.writer).toBeUndefined();
      return count;
    };
    expect(steps(true) - steps(false)).toBe(1);
  });

  it("refuses to be tried for when it was not made so", () => {
    const kernel = testKernel("6.1");
    const sem = create(RwSemaphore, { lockClass: "i_rwsem" });
    kernel.spawn({ comm: "t" }, tryRead, [sem, create(Mutex, { lockName: "result" })]);
    expect(() => kernel.start()).toThrow("i_rwsem is only tried for: create it with `tried: true`");
  });

  it("lets a fatal signal end a killable wait and leaves the queue", () => {
    const kernel = testKernel("6.1");
    const sem = create(RwSemaphore, { lockClass: "mmap_lock", tried: true });
    const [lock, result] = [create(Mutex, { lockName: "l" }), create(Mutex, { lockName: "result" })];
    const writer = kernel.spawn({ comm: "w" }, hold, [sem, true]);
    const victim = kernel.spawn({ comm: "v" }, killable, [sem, lock, result]);
    runSteps(kernel, writer, 1);
    runAlone(kernel, victim);
    expect(waitingFor(kernel, victim)).toBe(`unlock mmap_lock by ${writer}`);
    victim.fatalSignal = true;
    runAlone(kernel, victim);
    expect([result.owner, lock.owner, sem.queue.length]).toEqual([victim, undefined, 0]);
  });
});

function* plainIrqInsideIrqsave(outer: SpinLock, inner: SpinLock, seen: Mutex): Resumable {
  const flags = yield* spinLockIrqsave(outer);
  yield* spinLockIrq(inner);
  yield* spinUnlockIrq(inner);
  if (!thisCpu().irqsOff) yield* mutexLock(seen);
  yield* spinUnlockIrqrestore(outer, flags);
}
function* savedInsideIrqsave(outer: SpinLock, inner: SpinLock, seen: Mutex): Resumable {
  const flags = yield* spinLockIrqsave(outer);
  const innerFlags = yield* spinLockIrqsave(inner);
  yield* spinUnlockIrqrestore(inner, innerFlags);
  if (!thisCpu().irqsOff) yield* mutexLock(seen);
  yield* spinUnlockIrqrestore(outer, flags);
}
function* handler(lock: SpinLock): Resumable {
  const cpu = thisCpu();
  const flags = yield* spinLockIrqsave(lock);
  yield* spinUnlockIrqrestore(lock, flags);
  cpu.irqStack.pop();
}
function* spinBriefly(lock: SpinLock): Resumable {
  yield* spinLock(lock);
  spinUnlock(lock);
}

describe("spinlocks and interrupts", () => {
  const world = (fn: typeof savedInsideIrqsave) => {
    const kernel = testKernel("4.16", { cpus: 1 });
    const locks = ["move_lock", "i_pages"].map((lockClass) => create(SpinLock, { lockClass }));
    const seen = create(Mutex, { lockName: "irqs were on" });
    const task = kernel.spawn({ comm: "t" }, fn, [...locks, seen]);
    return { kernel, task, seen, locks };
  };

  it("the plain _irq unlock switches interrupts on inside an irqsave section", () => {
    const { kernel, task, seen } = world(plainIrqInsideIrqsave);
    runAlone(kernel, task);
    expect(seen.owner).toBe(task);
    expect(kernel.cpus[0]?.irqsOff).toBe(false);
  });

  it("irqrestore keeps them off, and restores at the end what it found", () => {
    const { kernel, task, seen } = world(savedInsideIrqsave);
    runAlone(kernel, task);
    expect(seen.owner).toBeUndefined();
    expect(kernel.cpus[0]?.irqsOff).toBe(false);
    expect(kernel.cpus[0]?.pinned).toBeUndefined();
  });

  it("a handler that spins for the lock of the task below it is a deadlock of one CPU", () => {
    const { kernel, task, locks } = world(plainIrqInsideIrqsave);
    const irq = kernel.spawn({ comm: "irq", kind: "hardirq", cpu: 0 }, handler, [locks[0]]);
    runSteps(kernel, task, 2);
    expect(kernel.machine.ways(irq.context)).toBe(1);
    kernel.cpus[0]?.irqStack.push(irq);
    runSteps(kernel, irq, 3);
    expect(waitingFor(kernel, irq)).toBe(`unlock move_lock by ${task}`);
    expect(waitingFor(kernel, task)).toBe(`cpu taken by ${irq}`);
    expect(deadSubset(kernel)).toEqual([task.context, irq.context]);
  });

  it("a section with interrupts off is one step: no handler comes between", () => {
    const { kernel, task, locks } = world(savedInsideIrqsave);
    const irq = kernel.spawn({ comm: "irq", kind: "hardirq", cpu: 0 }, handler, [locks[0]]);
    const machine = kernel.start();
    const deliverable: boolean[] = [];
    while (machine.ways(task.context) > 0) {
      machine.step(task.context, 0);
      deliverable.push(machine.ways(irq.context) > 0 && locks[0]?.owner !== undefined);
    }
    expect(deliverable).not.toContain(true);
  });

  it("a spinner keeps its CPU from other tasks", () => {
    const kernel = testKernel("6.1", { cpus: 2 });
    const lock = create(SpinLock, { lockClass: "list_lock" });
    const holder = kernel.spawn({ comm: "holder", cpu: 0 }, spinBriefly, [lock]);
    const spinner = kernel.spawn({ comm: "spinner", cpu: 1 }, spinBriefly, [lock]);
    const other = kernel.spawn({ comm: "other", cpu: 1 }, spinBriefly, [create(SpinLock, { lockClass: "other" })]);
    kernel.start();
    lock.owner = holder;
    runSteps(kernel, spinner, 5);
    expect(waitingFor(kernel, spinner)).toBe(`unlock list_lock by ${holder}`);
    expect(waitingFor(kernel, other)).toBe(`cpu taken by ${spinner}`);
    lock.owner = undefined;
    runRandomly(kernel, 3);
    expect(kernel.machine.finished(other.context)).toBe(true);
  });
});
