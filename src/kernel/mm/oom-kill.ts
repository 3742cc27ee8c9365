/**
 * The OOM killer (mm/oom_kill.c).
 *
 * - A memcg OOM of a mask without `__GFP_FS` returned true and killed nobody from 4.19 to 5.3, so that the charge span until
 *   somebody else freed memory (commit f9c645621a28 ("memcg, oom: don't require __GFP_FS when invoking memcg OOM killer") (v5.4));
 *   a global one still does.
 * - While a victim has not exited and its mm is not marked MMF_OOM_SKIP, nobody else is killed and the answer is "true".
 * - SIGKILL ends only killable waits: a victim in D state stays.
 *
 * A victim's memory comes back when it exits; its own code sees `fatalSignal` at the next killable wait or on its way to user
 * mode. Points are the pages its groups' pages map; ties go to the later task. Of the scores (`oom_score_adj`) only -1000 counts.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import { onDfl } from "../cgroup/cgroup.ts";
import { type Cgroup, cgroupOfMemcg, cgroups } from "../cgroup/cgroup-types.ts";
import { __GFP_FS, PF_EXITING, PF_KTHREAD } from "../gfp.ts";
import { downReadTrylock, upRead } from "../locking/rwsem.ts";
import { current, era, kernel } from "../sched/current.ts";
import { processOf } from "../sched/process.ts";
import { fatalSignalPending, sendSigkill } from "../sched/signal.ts";
import type { Task } from "../sched/task.ts";
import { boundedOp } from "../sched/timeout.ts";
import { tasksOf } from "./memcg-oom.ts";
import type { MemCgroup } from "./memcg-types.ts";
import { isDescendant, mm } from "./mm.ts";
import type { MmStruct } from "./mm-types.ts";
import { OOM_SCORE_ADJ_MIN, unmapPageRange } from "./mmap.ts";

/** A victim that holds the killer off: not gone yet, its memory not given up. */
function isPendingVictim(task: Task): boolean {
  return task.oomVictim && !kernel().machine.finished(task.context) && task.mm?.oomSkip !== true;
}

function isKillable(task: Task): boolean {
  if ((task.flags & PF_KTHREAD) !== 0 || kernel().machine.finished(task.context)) return false;
  if (task.mm?.oomScoreAdj === OOM_SCORE_ADJ_MIN) return false;
  // its memory is gone already
  if (task.mm === undefined && (task.flags & PF_EXITING) !== 0) return false;
  return task.mm?.oomSkip !== true && !task.oomVictim;
}

/** Pages its address space maps. */
function points(task: Task): number {
  return task.mm === undefined ? 0 : [...task.mm.vmas].reduce((sum, vma) => sum + vma.present.length, 0);
}

/** `select_bad_process()`: a task, `"pending"` while an earlier victim is dying, undefined when nobody is left. */
export function selectBadProcess(tasks: readonly Task[]): Task | "pending" | undefined {
  if (tasks.some(isPendingVictim)) return "pending";
  let chosen: Task | undefined;
  let most = -1;
  for (const task of tasks) {
    if (!isKillable(task) || points(task) < most) continue;
    chosen = task;
    most = points(task);
  }
  return chosen;
}

/** `mark_oom_victim()` and SIGKILL for every thread of the process and whoever else shares its mm. */
export function oomKillProcess(victim: Task, memcg: MemCgroup | undefined): void {
  const threads = kernel().tasks.filter((t) => t === victim || (t.mm !== undefined && t.mm === victim.mm));
  sendSigkill(threads);
  for (const thread of threads) thread.oomVictim = true;
  // memcg_memory_event_mm(): where the victim is, not where the limit is
  const group = victim.memcg ?? memcg;
  if (group !== undefined) group.eventsOomKill++;
}

/** `mem_cgroup_get_oom_group()`: the highest group with memory.oom.group from the victim's up to the one that is out of memory. */
function memCgroupGetOomGroup(victim: Task, domain: MemCgroup): Cgroup | undefined {
  if (cgroups() === undefined || !onDfl() || !isDescendant(victim.memcg, domain)) return undefined;
  let group: Cgroup | undefined;
  for (let m = victim.memcg; m?.parent !== undefined; m = m.parent) {
    const cgroup = cgroupOfMemcg(m);
    if (cgroup?.oomGroup === true) group = cgroup;
    if (m === domain) break;
  }
  return group;
}

/** With memory.oom.group the whole group dies (4.19+): the victim, which is in it, is counted once more. */
function oomKillGroup(group: Cgroup): void {
  group.eventsOomGroupKill++;
  for (const task of tasksOf(group.css)) {
    const isLeader = processOf(task)?.thread !== true;
    if (isLeader && task.mm !== undefined && task.mm.oomScoreAdj !== OOM_SCORE_ADJ_MIN) oomKillProcess(task, group.css);
  }
}

/** A dying task gets the reserves at once and nobody is killed (`task_will_free_mem(current)`). */
function currentWillFreeMem(): boolean {
  const task = current();
  return (fatalSignalPending() || (task.flags & PF_EXITING) !== 0) && task.mm !== undefined && !task.mm.oomSkip;
}

/** Nothing happens between looking and killing: `oom_lock` is held and the scan takes no other lock. */
function kill(memcg: MemCgroup | undefined): boolean {
  const tasks = memcg === undefined ? kernel().tasks.filter((t) => t.kind === "task") : tasksOf(memcg);
  const chosen = selectBadProcess(tasks);
  if (chosen === undefined) return false;
  if (chosen === "pending") return true;
  // looked for first: killing frees nothing yet
  const group = memCgroupGetOomGroup(chosen, memcg ?? mm().root);
  oomKillProcess(chosen, memcg);
  if (group !== undefined) oomKillGroup(group);
  return true;
}

const selectAndKill = op<MemCgroup | undefined>("select_bad_process", {
  apply: kill,
  describe: (memcg) => `select_bad_process ${memcg?.path ?? "of all"}`,
});

/** `out_of_memory()`: true when there is a reason to hope for memory. `memcg` undefined: a global OOM. */
export function* outOfMemory(memcg: MemCgroup | undefined, gfp: number): Resumable<boolean> {
  if (currentWillFreeMem()) {
    current().oomVictim = true;
    return true;
  }
  const withoutFs = (gfp & __GFP_FS) === 0;
  if (withoutFs && (memcg === undefined || !era().nofsMemcgOomKills)) return true;
  return yield selectAndKill(memcg);
}

/** Attempts of the reaper before it gives a victim up (`MAX_OOM_REAP_RETRIES`). */
const MAX_OOM_REAP_RETRIES = 10;

const nextVictim = op("oom_reaper", {
  ways: () => (victimToReap() === undefined ? 0 : 1),
  apply: () => victimToReap(),
  idle: true,
});
const nap = op("schedule_timeout_idle", {});
/** {@link MmOptions.reapAttempts} `free`: one more attempt, or none. */
const napOrGiveUp = boundedOp("reap again or give up", (hz) => MAX_OOM_REAP_RETRIES * Math.floor(hz / 10), {
  ways: () => 2,
  apply: (_object, _argument, way) => way === 0,
});

function victimToReap(): Task | undefined {
  return kernel().tasks.find((t) => t.mm !== undefined && isPendingVictim(t));
}

/**
 * What the kernel thread `oom_reaper` runs (4.6+; spawn it as an idle kthread). `mmap_lock` is trylocked, which fails while
 * anybody holds it for writing or waits for it; after ten attempts the mm is skipped all the same, and the next victim may be
 * chosen. Anonymous pages are freed, others left alone.
 */
export function* oomReaper(): Resumable {
  for (;;) {
    const victim: Task = yield nextVictim(undefined);
    yield* oomReapTask(victim.mm as MmStruct);
  }
}

function* __oomReapTaskMm(space: MmStruct): Resumable {
  for (const vma of space.vmas.snapshot()) if (vma.file === undefined) yield* unmapPageRange(vma);
}

function* oomReapTask(space: MmStruct): Resumable {
  const isFree = mm().options.reapAttempts === "free";
  let again = true;
  for (let attempts = 0; again && attempts < MAX_OOM_REAP_RETRIES; attempts += isFree ? 0 : 1) {
    if (yield* downReadTrylock(space.mmapLock)) {
      yield* __oomReapTaskMm(space);
      yield* upRead(space.mmapLock);
      break;
    }
    if (isFree) again = yield napOrGiveUp(undefined);
    else yield nap(undefined);
  }
  space.oomSkip = true;
}
