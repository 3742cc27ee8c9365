import { describe, expect, it } from "vitest";
import { create, Entity, fields, type Resumable, value } from "../../resumable/index.ts";
import { GFP_KERNEL } from "../gfp.ts";
import { SpinLock } from "../locking/spinlock.ts";
import { runAlone, testKernel } from "../sched/testing.ts";
import { bootPage } from "./boot-pages.ts";
import { tryChargeMemcg } from "./memcg-charge.ts";
import { memCgroupHandleOverHigh } from "./memcg-high.ts";
import type { MemCgroup } from "./memcg-types.ts";
import { bootMm, createMemcg } from "./mm.ts";
import { AddressSpace } from "./page.ts";

class Note extends Entity {
  declare said: unknown;
  static {
    fields(Note, { said: value });
  }
}
function* chargeAndReturn(memcg: MemCgroup, n: number, note: Note): Resumable {
  note.said = yield* tryChargeMemcg(memcg, GFP_KERNEL, n);
  yield* memCgroupHandleOverHigh();
}

/** A v2 group with `pages` pages and memory.high of 2; a task charges `n` more and goes back to user mode. */
function run(release: string, pages: number, anon: boolean, n = 1) {
  const kernel = testKernel(release, { cgroup: "v2" });
  bootMm(kernel, { priority: 0 });
  const memcg = createMemcg(kernel, "/a", undefined, { high: 2, max: 31 });
  const mapping = create(AddressSpace, { treeLock: create(SpinLock, { lockClass: "i_pages" }) });
  for (let index = 0; index < pages; index++) bootPage(kernel, { memcg, anon, ...(anon ? {} : { mapping, index }) });
  const note = create(Note);
  const task = kernel.spawn({ comm: "t", memcg }, chargeAndReturn, [memcg, n, note]);
  const machine = kernel.start();
  let slept = 0;
  let notified = false;
  while (machine.ways(task.context) > 0) {
    if (machine.pending(task.context).op === "schedule_timeout_killable") slept++;
    machine.step(task.context, 0);
    notified ||= task.notifyResume;
  }
  runAlone(kernel, task);
  return { slept, notified, usage: memcg.memory.usage, events: memcg.eventsHigh, said: note.said };
}

describe("memory.high", () => {
  it("lets the charge through, and reclaims on the way back to user mode", () => {
    expect(run("6.1", 2, false)).toMatchObject({ said: true, notified: true, usage: 1, events: 1, slept: 0 });
  });

  it("asks nothing of who stays below", () => {
    expect(run("6.1", 1, false)).toMatchObject({ notified: false, usage: 2, events: 0 });
  });

  it("puts the task to sleep where reclaim does not help, from 5.4 on", () => {
    expect(run("6.1", 4, true).slept).toBe(1);
    expect(run("5.3", 4, true)).toMatchObject({ slept: 0, events: 1 });
    // sixteen rounds without a page, then the sleep
    expect(run("6.1", 4, true).events).toBe(17);
  });
});
