import { describe, expect, it } from "vitest";
import { create, type Entity, op, type Resumable } from "../../resumable/index.ts";
import { analyze } from "../../waits/index.ts";
import { Mutex, mutexLock, mutexUnlock } from "../locking/mutex.ts";
import { Completion, complete, waitForCompletion } from "./completion.ts";
import { rcuReadLock, rcuReadUnlock, synchronizeRcu } from "./rcu.ts";
import { obstacleOf } from "./stuck.ts";
import type { Task } from "./task.ts";
import { runAlone, runRandomly, runSteps, testKernel } from "./testing.ts";
import { waitGraph } from "./wait-graph.ts";
import { queueWork, Work, Workqueue, workerThread } from "./workqueue.ts";

const pause = op("pause", {});

function* readSection(): Resumable {
  yield pause(undefined);
  rcuReadLock();
  yield pause(undefined);
  rcuReadUnlock();
  yield pause(undefined);
}
function* twoPeriods(): Resumable {
  yield* synchronizeRcu();
  yield* synchronizeRcu();
}

describe("RCU", () => {
  it("waits for sections that had begun, not for later ones", () => {
    const kernel = testKernel("6.1");
    const early = kernel.spawn({ comm: "early" }, readSection);
    const late = kernel.spawn({ comm: "late" }, readSection);
    const updater = kernel.spawn({ comm: "updater" }, twoPeriods);
    kernel.canSynchronizeRcu(updater);
    runSteps(kernel, early, 1);
    runSteps(kernel, updater, 1);
    runSteps(kernel, late, 1);
    expect(kernel.machine.ways(updater.context)).toBe(0);
    expect([...(kernel.gracePeriods[0]?.readers ?? [])]).toEqual([early]);
    runAlone(kernel, early);
    expect(kernel.machine.ways(updater.context)).toBe(1);
    runSteps(kernel, updater, 2);
    expect(kernel.machine.ways(updater.context)).toBe(0);
    runRandomly(kernel, 7);
    expect(kernel.machine.finished(updater.context)).toBe(true);
  });
});

function* waiter(completion: Completion): Resumable {
  yield* waitForCompletion(completion);
}
function* completer(completion: Completion): Resumable {
  yield* complete(completion);
}

describe("completions", () => {
  it("end one wait each, whichever comes first", () => {
    for (let seed = 0; seed < 8; seed++) {
      const kernel = testKernel("6.1");
      const done = create(Completion, { what: "io" });
      const tasks = [waiter, waiter, completer].map((fn) => kernel.spawn({ comm: fn.name }, fn, [done]));
      done.providers.push(tasks[2] as Task);
      runRandomly(kernel, seed);
      const ended = tasks.map((t) => kernel.machine.finished(t.context));
      expect(ended.filter(Boolean).length).toBe(2);
      const analysis = analyze(waitGraph(kernel));
      expect(analysis.dead.length).toBe(1);
      expect(analysis.cores[0]?.kind).toBe("orphan");
    }
  });
});

function* lockedWork(argument: Entity | undefined): Resumable {
  yield* mutexLock(argument as Mutex);
  yield* mutexUnlock(argument as Mutex);
}
function* queueTwo(queue: Workqueue, first: Work, second: Work): Resumable {
  yield* queueWork(queue, first);
  yield* queueWork(queue, first);
  yield* queueWork(queue, second);
}

describe("work queues", () => {
  const build = (options: { unbound: boolean; workers: number; rescuer?: boolean }) => {
    const kernel = testKernel("6.1");
    const queue = create(Workqueue, { queueName: "writeback", unbound: options.unbound });
    const [a, b] = [create(Mutex, { lockName: "a" }), create(Mutex, { lockName: "b" })];
    const works = [a, b].map((lock) => create(Work, { fn: lockedWork, fnName: "locked_work", argument: lock }));
    const worker = (comm: string) => kernel.spawn({ comm, kind: "kworker", idle: true }, workerThread, [queue]);
    for (let i = 0; i < options.workers; i++) queue.workers.push(worker(`kworker${i}`));
    if (options.rescuer) queue.rescuer = worker("rescuer");
    const idle = [...queue.workers, ...(queue.rescuer === undefined ? [] : [queue.rescuer])];
    const user = kernel.spawn({ comm: "user" }, queueTwo, [queue, ...works]);
    for (const task of idle) runAlone(kernel, task);
    return { kernel, queue, a, b, user };
  };

  it("an item is queued once until a worker takes it, and each runs", () => {
    const { kernel, queue, user } = build({ unbound: true, workers: 1 });
    runAlone(kernel, user);
    expect(queue.works.length).toBe(2);
    runRandomly(kernel, 2);
    expect([queue.works.length, queue.busy.length]).toEqual([0, 0]);
    expect(kernel.machine.idle(queue.workers.at(0)?.context as number)).toBe(true);
    expect(kernel.machine.deadSubset?.()).toEqual([]);
  });

  it("a bound pool starts a second worker only when the first sleeps", () => {
    const { kernel, queue, a, user } = build({ unbound: false, workers: 2 });
    const [first, second] = [...queue.workers] as [Task, Task];
    runAlone(kernel, user);
    a.owner = user;
    runSteps(kernel, first, 1);
    expect(obstacleOf(kernel, first)?.kind).toBe("wait");
    expect(kernel.machine.ways(second.context)).toBe(1);
    a.owner = undefined;
    expect(kernel.machine.ways(second.context)).toBe(0);
  });

  it("the rescuer works only when every worker sleeps on something", () => {
    const { kernel, queue, a, user } = build({ unbound: true, workers: 1, rescuer: true });
    const [worker] = [...queue.workers] as [Task];
    const rescuer = queue.rescuer as Task;
    runAlone(kernel, user);
    expect(kernel.machine.ways(rescuer.context)).toBe(0);
    a.owner = user;
    runSteps(kernel, worker, 1);
    expect(kernel.machine.ways(rescuer.context)).toBe(1);
    runAlone(kernel, rescuer);
    expect(queue.works.length).toBe(0);
  });
});
