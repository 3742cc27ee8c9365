/**
 * Swap on dm-crypt: the worker that would write is throttled for what waits to be written. Nothing stands for ever, so that what
 * is held against the document is who sleeps where, and which of its proposals end that.
 */
import { describe, expect, it } from "vitest";
import { prove } from "../src/explore/index.ts";
import { type Choices, dmCryptThrottle, prepare } from "../src/incidents/index.ts";
import { brokenLaw } from "../src/kernel/invariants.ts";
import { vmWriteoutThrottle } from "../src/kernel/mm/throttle-vm-writeout.ts";
import type { Kernel } from "../src/kernel/sched/kernel.ts";
import { taskFrames, taskState } from "../src/kernel/sched/show-task.ts";
import type { Task } from "../src/kernel/sched/task.ts";

const kernelOf = (choices: Choices): Kernel => {
  const result = prepare(dmCryptThrottle, choices);
  if (!result.ok) throw new Error(result.error.message);
  return result.prepared.kernel;
};
const proof = (choices: Choices) => {
  const kernel = kernelOf({ ...choices, invariants: true });
  const { finding, complete } = prove(kernel.start(), { maxStates: 100_000 });
  expect(finding?.kind === "invariant" ? brokenLaw(kernel) : undefined).toBeUndefined();
  return { fault: finding?.kind, complete };
};
const small = { workers: 1, kswapd: 0 };

/** Walks one schedule at random to its end, and says what `see` saw on the way. */
function walk<T>(kernel: Kernel, seed: number, see: (task: Task) => T | undefined): T | undefined {
  const machine = kernel.start();
  let state = seed;
  const draw = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  let seen: T | undefined;
  for (let steps = 0; steps < 5000; steps++) {
    const able = kernel.tasks.filter((task) => machine.ways(task.context) > 0);
    const next = able[draw(able.length)];
    if (next === undefined) return seen;
    machine.step(next.context, draw(machine.ways(next.context)));
    for (const task of kernel.tasks) seen ??= see(task);
  }
  throw new Error("the walk does not end");
}
/** Sleeps of kcryptd in throttle_vm_writeout() in forty schedules. */
const workerSleeps = (choices: Choices): number => {
  let sleeps = 0;
  for (let seed = 0; seed < 40; seed++) {
    const kernel = kernelOf(choices);
    walk(kernel, seed, () => undefined);
    sleeps += vmWriteoutThrottle(kernel)?.workerSleeps ?? 0;
  }
  return sleeps;
};

describe("dm-crypt-throttle", () => {
  it.each<[string, Choices]>([
    ["4.7.4", {}],
    ["4.7.0, whose pools let reclaimers into the reserves", { era: "4.7.0" }],
    ["4.9.0, which does not throttle", { era: "4.9.0" }],
    ["6.1.192, with its limits", { era: "6.1.192", parameters: { ...small, resident: 1 } }],
    ["4.7.4 where bios take pages too", { parameters: { ...small, slab: 1 } }],
    ["4.7.4 with two workers and kswapd", { parameters: {} }],
  ])("%s: every schedule ends, with every page where it belongs", (_, choices) => {
    expect(proof({ parameters: small, ...choices })).toEqual({ fault: undefined, complete: true });
  });

  it("puts kcryptd to sleep, with the stack of the report", () => {
    const choices = { era: "4.7.0", parameters: { slab: 1, resident: 3 } };
    const asleep = (task: Task): readonly string[] | undefined => {
      if (task.kind !== "kworker") return undefined;
      const frames = taskFrames(kernel, task);
      return frames.includes("throttle_vm_writeout") && frames.includes("bio_alloc_bioset") && frames[0] === "schedule"
        ? [taskState(kernel, task), ...frames]
        : undefined;
    };
    let kernel = kernelOf(choices);
    let found: readonly string[] | undefined;
    for (let seed = 0; seed < 100 && found === undefined; seed++) {
      kernel = kernelOf(choices);
      found = walk(kernel, seed, asleep);
    }
    // 4.7-rc7, as in commit bf48438354a7, less the frames of the slab allocator
    expect(found).toEqual([
      "D",
      ..."schedule schedule_timeout io_schedule_timeout congestion_wait throttle_vm_writeout".split(" "),
      ..."shrink_zone_memcg shrink_zone do_try_to_free_pages try_to_free_pages".split(" "),
      ..."__alloc_pages_nodemask alloc_pages_current kmem_cache_alloc mempool_alloc_slab mempool_alloc".split(" "),
      ..."bio_alloc_bioset kcryptd_crypt process_one_work worker_thread kthread ret_from_fork".split(" "),
    ]);
  });

  it.each<[string, Choices, boolean]>([
    ["4.7.4", {}, true],
    ["the flag alone, in dm-crypt", { fixes: ["less-throttle-dm-crypt"] }, true],
    ["the flag alone, in mempool_alloc()", { fixes: ["less-throttle-mempool"] }, true],
    ["the flag in dm-crypt, honoured", { fixes: ["less-throttle-dm-crypt", "throttle-honours-less-throttle"] }, false],
    [
      "the flag in mempool_alloc(), honoured",
      { fixes: ["less-throttle-mempool", "throttle-honours-less-throttle"] },
      false,
    ],
    ["the flag honoured, where nobody sets it", { fixes: ["throttle-honours-less-throttle"] }, true],
    ["NORETRY let pass", { fixes: ["noretry-no-throttle"] }, false],
    ["no direct reclaim in mempool_alloc()", { fixes: ["mempool-no-direct-reclaim"] }, false],
    ["what was merged", { fixes: ["no-throttle-vm-writeout"] }, false],
    ["4.9.0", { era: "4.9.0" }, false],
    ["4.8.0", { era: "4.8.0" }, true],
  ])("%s: whether workers are throttled", (_, choices, throttled) => {
    expect(workerSleeps({ parameters: { workers: 1, resident: 3 }, ...choices }) > 0).toBe(throttled);
  });

  it("throttles nobody below the limit", () => {
    // a hundred per cent of eight free pages, against two pages of memory in all
    expect(workerSleeps({ parameters: { resident: 2, free: 8, "dirty-ratio": 100 } })).toBe(0);
  });
});
