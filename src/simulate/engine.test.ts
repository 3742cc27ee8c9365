import { describe, expect, test } from "vitest";
import { Mutex } from "../kernel/locking/mutex.ts";
import type { Kernel } from "../kernel/sched/kernel.ts";
import { testKernel } from "../kernel/sched/testing.ts";
import { create } from "../resumable/index.ts";
import { Costs } from "./costs.ts";
import { DEVICES } from "./devices.ts";
import { Engine } from "./engine.ts";
import { locked, sleeper, twoLocks, worker } from "./engine-program.ts";

const SECOND = 1e9;
const engineOf = (kernel: Kernel, hz = 250): Engine =>
  new Engine(kernel, { hz, costs: new Costs(), deviceSpeed: () => DEVICES.ssd! });

describe("the engine", () => {
  test.each([100, 250, 1000])("a sleep of a tenth of a second ends with a timer interrupt, HZ=%i", (hz) => {
    const kernel = testKernel("6.1", { cpus: 1 });
    kernel.spawn({ comm: "sleeper" }, sleeper, [3]);
    const engine = engineOf(kernel, hz);
    expect(engine.run(SECOND)).toBe("done");
    // each begins just after a tick, and so ends a tenth of a second after that tick
    expect(engine.now / SECOND).toBeCloseTo(0.3, 3);
    expect(engine.utilisation).toBeLessThan(0.001);
  });

  test("tasks of one CPU share it, those of two do not", () => {
    const ends = [1, 2].map((cpus) => {
      const kernel = testKernel("6.1", { cpus });
      for (let i = 0; i < 2; i++) kernel.spawn({ comm: `worker/${i}`, cpu: i }, worker, [100, 1000]);
      const engine = engineOf(kernel);
      expect(engine.run(SECOND)).toBe("done");
      return engine.now / SECOND;
    });
    expect(ends[0]).toBeCloseTo(0.2, 2);
    expect(ends[1]).toBeCloseTo(0.1, 2);
  });

  test("who wakes up goes before who has only worked", () => {
    const kernel = testKernel("6.1", { cpus: 1 });
    kernel.spawn({ comm: "worker" }, worker, [10_000, 100]);
    const task = kernel.spawn({ comm: "sleeper" }, sleeper, [5]);
    const engine = engineOf(kernel);
    engine.run(0.51 * SECOND);
    expect(engine.machine.finished(task.context)).toBe(true);
  });

  test("who waits for a lock goes on when it is given back", () => {
    const kernel = testKernel("6.1", { cpus: 2 });
    const lock = create(Mutex, { lockName: "a" });
    for (let i = 0; i < 2; i++) kernel.spawn({ comm: `locked/${i}`, cpu: i }, locked, [lock, 50_000]);
    const engine = engineOf(kernel);
    expect(engine.run(SECOND)).toBe("done");
    expect(engine.now / SECOND).toBeCloseTo(0.1, 2);
  });

  test("a deadlock is where nothing can happen any more", () => {
    const kernel = testKernel("6.1", { cpus: 2 });
    const [a, b] = ["a", "b"].map((lockName) => create(Mutex, { lockName }));
    kernel.spawn({ comm: "one", cpu: 0 }, twoLocks, [a, b]);
    kernel.spawn({ comm: "two", cpu: 1 }, twoLocks, [b, a]);
    const engine = engineOf(kernel);
    expect(engine.run(10 * SECOND)).toBe("stuck");
    expect(engine.now / SECOND).toBeCloseTo(0.1, 2);
    expect([0, 1].map((c) => engine.blockedSince(c) / SECOND)).toEqual([
      expect.closeTo(0.1, 2),
      expect.closeTo(0.1, 2),
    ]);
  });

  test("stops at the time, at the steps, and when it is told to", () => {
    const engine = (): Engine => {
      const kernel = testKernel("6.1", { cpus: 1 });
      kernel.spawn({ comm: "worker" }, worker, [100_000, 10]);
      return engineOf(kernel);
    };
    const timed = engine();
    expect([timed.run(0.01 * SECOND), timed.now]).toEqual(["time", 0.01 * SECOND]);
    const counted = engine();
    expect([counted.run(SECOND, 100), counted.steps]).toEqual(["steps", 100]);
    expect(engine().run(SECOND, undefined, () => true)).toBe("stopped");
  });
});
