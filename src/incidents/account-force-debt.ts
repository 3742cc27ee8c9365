/**
 * A defect of the patch that `jbd2-memcg-oom` is about, as posted: what a task owes on return to user mode calls the OOM killer by
 * the order of what reclaim could not pay, and the OOM killer of a group refuses orders above 3. Who owes more than 8 pages
 * then goes free: its group stays over the limit although a process of it could be killed.
 *
 * The debt is of one ftruncate(2) of a file whose blocks lie in many block groups: the handle brings all their bitmaps into the
 * cache, forced, and until the transaction is committed none of them can be reclaimed.
 */
import { __x64SysFtruncate } from "../kernel/fs/namei.ts";
import { doExit } from "../kernel/mm/exit.ts";
import { tasksOf } from "../kernel/mm/memcg-oom.ts";
import type { MmStruct } from "../kernel/mm/mm-types.ts";
import { selectBadProcess } from "../kernel/mm/oom-kill.ts";
import type { Kernel } from "../kernel/sched/kernel.ts";
import { __x64SysPause } from "../kernel/sched/pause.ts";
import { Task } from "../kernel/sched/task.ts";
import type { Resumable } from "../resumable/index.ts";
import { defineIncident } from "./incident.ts";

function* hog(space: MmStruct): Resumable {
  yield* __x64SysPause();
  yield* doExit(space);
}

/** Who is back in user mode has left its group within its limit, or nobody in it to kill. */
function debtsArePaid(kernel: Kernel): string | undefined {
  for (const { comm, context, memcg } of kernel.tasks) {
    if (memcg === undefined || comm !== "truncate" || !kernel.machine.finished(context)) continue;
    const { usage, max } = memcg.memory;
    if (usage > max && selectBadProcess(tasksOf(memcg)) instanceof Task)
      return `${comm} is back in user mode, its group has ${usage} of ${max} pages, and nobody was killed`;
  }
  return undefined;
}

export const accountForceDebt = defineIncident({
  id: "account-force-debt",
  title: "who owes more than 8 pages calls no OOM killer, and its group stays over its limit",
  source: "[PATCH 1/2] mm: memcg: introduce PF_MEMALLOC_ACCOUNTFORCE, Zhongkun He, 2025-06-18",
  era: "5.15.135",
  applied: ["account-force-jbd2"],
  cgroup: "v1",
  parameters: {
    extents: { default: 9, min: 1, max: 32, what: "extents of the file, each in a block group of its own" },
    anon: { default: 10, min: 1, max: 64, what: "anonymous pages of a process that sleeps: all the group may have" },
    priority: { default: 0, min: 0, max: 12, what: "where reclaim begins; at 0 one pass scans all there is" },
    retries: { default: 0, min: 0, max: 16, what: "fruitless rounds before the OOM killer is called" },
  },
  fixes: ["account-force-jbd2", "account-force-any-debt"],
  fixedChoices: [
    "the block bitmaps are not in the cache; that they are read from the device is no step",
    "the task that calls ftruncate(2) has no memory of its own",
  ],
  cpus: () => 1,
  law: debtsArePaid,
  setup(s, { extents = 9, anon = 10, priority = 0, retries = 0 }) {
    s.memory({ chargeRetries: retries, priority });
    const group = s.memcg("/a", { max: anon });
    const [disk] = s.disks(1, { irqCpu: 0 });
    const fs = s.filesystem("ext4", disk!, { periodic: false, journal: true });
    s.blockDevice(fs, extents);
    const file = s.file(fs, { pages: 0 });
    s.task("truncate", { memcg: group, newPages: extents }, __x64SysFtruncate, [file, 0, extents]);
    const space = s.process();
    s.anonymous(space, anon, group);
    s.task("hog", { memcg: group, mm: space, idle: true }, hog, [space]);
  },
});
