/** Test support: a small kernel, and ways to run its tasks. */
import { type Era, era } from "../era.ts";
import { Kernel, type KernelConfig } from "./kernel.ts";
import type { Task } from "./task.ts";

const CAPACITIES = { pages: 8, contexts: 8, bios: 8, inodes: 4, memcgs: 4, vmas: 4 };

/** A kernel of the given release with the rest as tests need it. */
export function testKernel(release: string | Era, config: Partial<Omit<KernelConfig, "era">> = {}): Kernel {
  return new Kernel({
    era: typeof release === "string" ? era(release) : release,
    cpus: 4,
    cgroup: "v1",
    kmem: true,
    hacks: [],
    capacities: CAPACITIES,
    ...config,
  });
}

/** Lets one task run until it blocks or ends; returns the number of steps. */
export function runAlone(kernel: Kernel, task: Task, most = 10_000): number {
  const machine = kernel.start();
  let steps = 0;
  while (machine.ways(task.context) > 0) {
    machine.step(task.context, 0);
    if (++steps > most) throw new Error(`${task} is still running after ${most} steps`);
  }
  return steps;
}

/** Takes up to `count` steps of one task. */
export function runSteps(kernel: Kernel, task: Task, count: number): void {
  const machine = kernel.start();
  for (let i = 0; i < count && machine.ways(task.context) > 0; i++) machine.step(task.context, 0);
}

/** Runs tasks at random, by a linear congruential generator, until nothing can step; returns the number of steps. */
export function runRandomly(kernel: Kernel, seed: number, most = 100_000): number {
  const machine = kernel.start();
  let state = seed >>> 0;
  const draw = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let steps = 0; ; steps++) {
    const able = kernel.tasks.filter((t) => machine.ways(t.context) > 0);
    const next = able[draw(able.length)];
    if (next === undefined) return steps;
    machine.step(next.context, draw(machine.ways(next.context)));
    if (steps >= most) throw new Error(`still running after ${most} steps`);
  }
}
