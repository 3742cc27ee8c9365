/**
 * Slowing down those who dirty pages (mm/page-writeback.c:balance_dirty_pages).
 *
 * Only cgroup v2 has a dirty limit per memcg: a v1 group can be filled with dirty pages, which is why legacy reclaim waits for
 * writeback. A dirtier above its limit starts background writeback and sleeps killably, 200 ms at most at a time, with
 * whatever locks its caller holds: i_rwsem in write(2), mmap_lock in a fault before 5.5.
 *
 * Scaled down with the number of pages: the limit is looked at after every dirtied page (the kernel: after `nr_dirtied_pause`,
 * 32 at first), and counters are exact (`wb_stat_error()` is 0). Below the hard limit one pause is enough, at it the task
 * stays. The lengths of pauses (`pos_ratio`, bandwidth) and PF_LOCAL_THROTTLE are not modelled.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import type { Inode } from "../fs/inode.ts";
import { inodeCgwbEnabled } from "../fs/unlocked-inode-to-wb.ts";
import { inodeToWb, wbStartBackgroundWriteback } from "../fs/wb.ts";
import { current, kernel } from "../sched/current.ts";
import { fatalSignalPending } from "../sched/signal.ts";
import { memcgDirtyDomain } from "./dirty-domain.ts";
import type { MemCgroup } from "./memcg-types.ts";
import type { AddressSpace } from "./page.ts";

/** The memcg whose limit counts for the running task when it dirties pages of the inode; undefined: none, as always on v1. */
function limitingMemcg(inode: Inode): MemCgroup | undefined {
  if (kernel().config.cgroup !== "v2" || !inodeCgwbEnabled(inode)) return undefined;
  const { memcg } = current();
  return memcg?.parent === undefined ? undefined : memcg;
}

/** Over its limit a dirtier stays, over the middle it pauses once. */
type Verdict = "free" | "pause" | "stay";

const compare = op<MemCgroup>("compare dirty limits", {
  apply(memcg): Verdict {
    const { dirty, freerun, limit } = memcgDirtyDomain(memcg);
    if (dirty <= freerun) return "free";
    return dirty >= limit ? "stay" : "pause";
  },
  describe: (memcg) => `compare dirty pages of ${memcg.path} with its limits`,
});

/** `io_schedule_timeout()` in TASK_KILLABLE: ends by itself. */
const pause = op("balance_dirty_pages", {});

/** To be called after dirtying a page, with the page unlocked. */
export function* balanceDirtyPagesRatelimited(mapping: AddressSpace): Resumable {
  const inode = mapping.host;
  const memcg = inode === undefined ? undefined : limitingMemcg(inode);
  if (inode === undefined || memcg === undefined) return;
  yield* balanceDirtyPages(inode, memcg);
}

function* balanceDirtyPages(inode: Inode, memcg: MemCgroup): Resumable {
  for (;;) {
    const verdict: Verdict = yield compare(memcg);
    if (verdict === "free") return;
    const wb = inodeToWb(inode);
    if (!wb.running) yield* wbStartBackgroundWriteback(wb);
    yield pause(undefined);
    if (verdict === "pause" || fatalSignalPending()) return;
  }
}
