/**
 * A manager freezes a job's processes and runs out of memory in the group it shares with them. The OOM killer chooses the job,
 * which sleeps in the freezer: woken, it finds its group still frozen and sleeps on. Nobody else is killed while the victim has
 * not exited, and only the manager would thaw it.
 *
 * "freezer: Do not freeze tasks killed by OOM killer" (Cong Wang, October 2014), commit 51fae6da640e (v3.18). Shown in 4.4 with
 * that fix taken out, the oldest release there is a model of; it has no OOM reaper, as 3.17 had none.
 */

import { userPageFault } from "../kernel/mm/memory.ts";
import type { MmStruct, Vma } from "../kernel/mm/mm-types.ts";
import { exitMmap } from "../kernel/mm/mmap.ts";
import { createFreezer, type Freezer, freezerWrite, tryToFreeze } from "../kernel/sched/freezer.ts";
import type { Resumable } from "../resumable/index.ts";
import { defineIncident } from "./incident.ts";

/** A process on its way to user mode, where it has nothing left to do but to end. */
function* job(space: MmStruct): Resumable {
  yield* tryToFreeze();
  yield* exitMmap(space);
}
/** Takes a snapshot of the frozen job: needs memory of its own meanwhile. */
function* manager(freezer: Freezer, vma: Vma, pages: number): Resumable {
  yield* freezerWrite(freezer, "FROZEN");
  for (let i = 0; i < pages; i++) yield* userPageFault(vma, i, true);
  yield* freezerWrite(freezer, "THAWED");
}

export const oomFrozenVictim = defineIncident({
  id: "oom-frozen-victim",
  title: "the OOM killer waits for a frozen victim, and who would thaw it waits for the OOM killer",
  source: "[PATCH 1/4] freezer: Do not freeze tasks killed by OOM killer, Cong Wang, 2014-10-21",
  era: "4.4.0",
  reverted: ["oom-victims-not-frozen"],
  cgroup: "v1",
  parameters: {
    jobs: { default: 1, min: 1, max: 4, what: "frozen processes, each with its own memory" },
    pages: { default: 2, min: 1, max: 8, what: "anonymous pages of each; together all the group may have" },
    needs: { default: 1, min: 0, max: 2, what: "pages that the manager touches while the job is frozen" },
    outside: { default: 0, min: 0, max: 1, what: "1: the manager is not in the job's memory cgroup" },
    priority: { default: 0, min: 0, max: 12, what: "where reclaim begins; at 0 one pass scans all there is" },
    retries: { default: 1, min: 1, max: 16, what: "fruitless rounds before a charge gives up" },
  },
  fixes: ["oom-victims-not-frozen"],
  fixedChoices: [
    "nobody but the manager writes freezer.state",
    "the group is full of the job's anonymous memory, so that the job is the first victim; there is no swap",
  ],
  cpus: () => 1,
  setup(s, { jobs = 1, pages = 2, needs = 1, outside = 0, priority = 0, retries = 1 }) {
    s.memory({ chargeRetries: retries, priority });
    const group = s.memcg("/a", { max: jobs * pages });
    const frozen = Array.from({ length: jobs }, () => {
      const space = s.process();
      s.anonymous(space, pages, group);
      return s.task("job", { memcg: group, mm: space }, job, [space]);
    });
    const freezer = createFreezer(s.kernel, "/job", frozen);
    const mm = s.process();
    const own = s.anonymous(mm, 0, group);
    const cgroup = outside > 0 ? {} : { memcg: group };
    s.task("manager", { ...cgroup, mm, newPages: needs }, manager, [freezer, own, needs]);
  },
});
