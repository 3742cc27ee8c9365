/**
 * kthreadd forks a worker for a pool that has no idle one left; its allocation has reclaimed a page that somebody else got, and
 * waits until the per-CPU lists are drained: by a work in that very pool, whose last worker waits for kthreadd.
 *
 * No release has it: draining moved to the system's queue in 4.11-rc1 and to one with a rescuer in 4.11-rc6. Commit ce612879ddc7
 * ("mm: move pcp and lru-pcp draining into single wq"), with Hugh Dickins' report: "kthreadd waiting for completion of flush_work
 * in drain_all_pages()".
 */
import { createPipe, type Pipe, pipeReadWrite } from "../kernel/fs/pipe.ts";
import { bootDrain } from "../kernel/mm/drain-pages.ts";
import { OOM_SCORE_ADJ_MIN } from "../kernel/mm/mmap.ts";
import { bootWorkerPool, queueWorkAtBoot } from "../kernel/sched/worker-pool.ts";
import type { Resumable } from "../resumable/index.ts";
import { defineIncident } from "./incident.ts";

function* shuffle(pipe: Pipe, times: number): Resumable {
  for (let i = 0; i < times; i++) yield* pipeReadWrite(pipe);
}

export const drainPagesWorkqueue = defineIncident({
  id: "drain-pages-workqueue",
  title: "an allocation of kthreadd waits for a work in the pool that waits for kthreadd",
  source: "commit ce612879ddc7, Michal Hocko, 2017-03-07",
  era: "4.11.0",
  reverted: ["drain-rescuer"],
  parameters: {
    pages: { default: 1, min: 1, max: 6, what: "clean pages in the page cache; nothing is free" },
    hogs: { default: 1, min: 0, max: 3, what: "tasks that write a page to a pipe and read it again" },
    times: { default: 1, min: 1, max: 4, what: "how often each does" },
    works: { default: 1, min: 0, max: 3, what: "works in the pool when the story begins" },
    cpus: { default: 1, min: 1, max: 4, what: "CPUs" },
    priority: { default: 0, min: 0, max: 12, what: "where reclaim begins; at 0 one pass scans all there is" },
  },
  fixes: ["drain-rescuer"],
  fixedChoices: [
    "the pool begins with one worker",
    "the OOM killer may not choose anybody (oom_score_adj -1000); a fork that gets no memory is tried again",
    "every CPU has pages to drain",
  ],
  cpus: ({ cpus = 1 }) => cpus,
  setup(s, { pages = 1, hogs = 1, times = 1, works = 1, priority = 0 }) {
    s.memory({ priority });
    const [disk] = s.disks(1, { irqCpu: 0 });
    s.file(s.filesystem("ext4", disk!, { periodic: false }), { pages });
    const pool = bootWorkerPool(s.kernel, 1);
    bootDrain(s.kernel, pool);
    for (let i = 0; i < works; i++) queueWorkAtBoot(pool, "vmstat_update");
    for (let i = 0; i < hogs; i++) {
      const mm = s.process({ oomScoreAdj: OOM_SCORE_ADJ_MIN });
      s.task("hog", { mm }, shuffle, [createPipe(s.kernel), times]);
    }
  },
});
