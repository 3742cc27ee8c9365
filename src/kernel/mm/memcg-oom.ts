/**
 * OOM of a memory cgroup (mm/memcontrol.c): from the charge (4.19+), or left to the end of the page fault (before, and with
 * memory.oom_control set to 1).
 *
 * Lock order: `memcg_oom_lock` (a spinlock around the `oom_lock` bits of a subtree; one step here), then the mutex `oom_lock`,
 * uninterruptibly before 5.3 and killably after.
 *
 * Up to 3.11 a charge that ran out of rounds killed, or slept until somebody else made room, and tried again right there, with
 * every lock of its caller (commit 3812c8c8f395 ("mm: memcg: do not trap chargers with full callstack on OOM") (v3.12)).
 */
import { op, type Resumable } from "../../resumable/index.ts";
import { mutexLock, mutexLockKillable, mutexUnlock } from "../locking/mutex.ts";
import { current, era, kernel } from "../sched/current.ts";
import { taskIsDying } from "../sched/signal.ts";
import type { Task } from "../sched/task.ts";
import { waitOp } from "../sched/wait.ts";
import { memCgroupMargin } from "./memcg-charge.ts";
import type { MemCgroup } from "./memcg-types.ts";
import { isDescendant, mm, subtree } from "./mm.ts";
import { outOfMemory } from "./oom-kill.ts";

/** What became of an OOM: a victim dies or room came (`success`), nobody to kill (`failed`), not handled here (`skipped`). */
export type OomOutcome = "success" | "failed" | "skipped";

/** `PAGE_ALLOC_COSTLY_ORDER` in pages: bigger charges call no OOM killer. */
const COSTLY_PAGES = 8;

/** All `oom_lock` bits of the subtree or none. */
function tryOomLock(memcg: MemCgroup): boolean {
  const groups = subtree(memcg);
  if (groups.some((m) => m.oomLock)) return false;
  for (const m of groups) m.oomLock = true;
  return true;
}
function oomUnlock(memcg: MemCgroup): void {
  for (const m of subtree(memcg)) m.oomLock = false;
}

const trylock = op<MemCgroup>("mem_cgroup_oom_trylock", {
  apply: tryOomLock,
  describe: (memcg) => `mem_cgroup_oom_trylock ${memcg.path}`,
});

/** The charge is out of rounds. */
export function* memCgroupOom(memcg: MemCgroup, gfp: number, n: number): Resumable<OomOutcome> {
  if (n > COSTLY_PAGES) return "skipped";
  memcg.eventsOom++;
  if (!era().memcgOomUnwinds && (!era().syncMemcgOom || memcg.oomKillDisable)) {
    yield* memCgroupHandleOom(memcg, gfp);
    return "success";
  }
  if (!era().syncMemcgOom || memcg.oomKillDisable) {
    if (current().inUserFault) current().memcgInOom = memcg;
    return "skipped";
  }
  const locked = yield trylock(memcg);
  const killed = yield* memCgroupOutOfMemory(memcg, gfp);
  if (locked) oomUnlock(memcg);
  return killed ? "success" : "failed";
}

/** True: a victim was chosen, is still dying, or there is room again. */
export function* memCgroupOutOfMemory(memcg: MemCgroup, gfp: number): Resumable<boolean> {
  const { oomLock } = mm();
  if (era().oomLockKillable) {
    if (!(yield* mutexLockKillable(oomLock))) return true;
  } else {
    yield* mutexLock(oomLock);
  }
  const done = oomSettled(memcg) || (yield* outOfMemory(memcg, gfp));
  yield* mutexUnlock(oomLock);
  return done;
}

/** Looked at again under `oom_lock`: 5.9+ for room, 5.4+ for a caller that dies. */
function oomSettled(memcg: MemCgroup): boolean {
  if (era().oomChecksMargin && memCgroupMargin(memcg) >= 1) return true;
  return era().oomLockKillable && taskIsDying();
}

/** Who had the OOM in hand wakes the others when it is through with it: one of them may be the next to kill. */
function isNext(memcg: MemCgroup): boolean {
  return !memcg.oomLock && !memcg.oomKillDisable;
}

const oomWait = waitOp<MemCgroup, Task>("memcg_oom_wait", {
  ways: (memcg, task) => (task.fatalSignal || memCgroupMargin(memcg) > 0 || isNext(memcg) ? 1 : 0),
  wait: (memcg, task) => ({
    resource: { class: "memcg_charge", id: memcg.path },
    verb: "uncharge",
    providers: kernel().tasks.filter((other) => other !== task),
    state: "K",
    top: "schedule",
  }),
  describe: (memcg) => `wait for room in ${memcg.path}`,
});

/**
 * `mem_cgroup_handle_oom()`, up to 3.11: kills in the charge, or sleeps there killably until there is room. The caller charges
 * again; a killed one is let over the limit.
 */
function* memCgroupHandleOom(memcg: MemCgroup, gfp: number): Resumable {
  const locked = yield trylock(memcg);
  memcg.underOom++;
  if (locked && !memcg.oomKillDisable) yield* memCgroupOutOfMemory(memcg, gfp);
  else yield oomWait(memcg, current());
  memcg.underOom--;
  if (locked) oomUnlock(memcg);
}

/**
 * `mem_cgroup_oom_synchronize()`: the end of a page fault that ran into a memcg OOM, with every lock dropped. True when there was
 * such an OOM. It kills, or sleeps killably until something is uncharged or the limit is raised (`memcg_oom_recover()`; here:
 * until there is room, as a waiter woken without room would come back).
 */
export function* memCgroupOomSynchronize(handle: boolean, gfp: number): Resumable<boolean> {
  const memcg = current().memcgInOom;
  if (memcg === undefined) return false;
  if (handle) {
    const locked = yield trylock(memcg);
    memcg.underOom++;
    if (locked && !memcg.oomKillDisable) {
      memcg.underOom--;
      yield* memCgroupOutOfMemory(memcg, gfp);
    } else {
      yield oomWait(memcg, current());
      memcg.underOom--;
    }
    if (locked) oomUnlock(memcg);
  }
  current().memcgInOom = undefined;
  return true;
}

/** Tasks that an OOM of the group may kill: those of its subtree. */
export function tasksOf(memcg: MemCgroup): readonly Task[] {
  return kernel().tasks.filter((task) => task.kind === "task" && isDescendant(task.memcg, memcg));
}
