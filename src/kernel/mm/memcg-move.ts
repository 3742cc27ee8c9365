/**
 * Moving charges with a task, v1 `memory.move_charge_at_immigrate` (mm/memcontrol.c; gone after 6.12).
 *
 * Order: under `cgroup_mutex` precharge the new group; raise `moving_account` of the old one, so that page-stat sections take its
 * `move_lock`; a grace period, for sections that began before; `mmap_lock` by trylock (busy: give the precharges back, wake
 * the chargers that wait, try again); then page by page: isolate, trylock, `move_lock`, change owner, put back.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import { __GFP_DIRECT_RECLAIM, __GFP_NORETRY, GFP_KERNEL } from "../gfp.ts";
import { downReadTrylock, upRead } from "../locking/rwsem.ts";
import { spinLockIrq, spinUnlockIrq } from "../locking/spinlock.ts";
import { current, kernel } from "../sched/current.ts";
import { synchronizeRcu } from "../sched/rcu.ts";
import type { Task } from "../sched/task.ts";
import { waitOp } from "../sched/wait.ts";
import { folioPut, folioTrylock, folioUnlock } from "./filemap.ts";
import { tryChargeMemcg } from "./memcg-charge.ts";
import { __folioMemcgUnlock, folioMemcgLock } from "./memcg-page-stat.ts";
import type { MemCgroup } from "./memcg-types.ts";
import { uncharge } from "./memcg-uncharge.ts";
import { isDescendant, type MoveCharge, mm } from "./mm.ts";
import type { MmStruct } from "./mm-types.ts";
import type { Page } from "./page.ts";
import { folioGet } from "./page-alloc.ts";
import { folioLruvec, lruDelete, lruInsertHead } from "./swap.ts";

/** Bits of memory.move_charge_at_immigrate. */
const MOVE_ANON = 1;
const MOVE_FILE = 2;

function wanted(page: Page, from: MemCgroup, flags: number): boolean {
  return page.memcg === from && (flags & (page.anon ? MOVE_ANON : MOVE_FILE)) !== 0;
}

/** Pages that the address space maps and that would move, in address order. */
function targets(space: MmStruct, from: MemCgroup, flags: number): readonly Page[] {
  const pages = [...space.vmas].flatMap((vma) => [...vma.present]);
  return Object.freeze([...new Set(pages)].filter((page) => wanted(page, from, flags)));
}

const findTargets = op<MmStruct, Task>("count move targets", {
  apply(space, task) {
    const { from, to } = mm().mc;
    return from === undefined || to === undefined || task.mm !== space
      ? Object.freeze([])
      : targets(space, from, to.moveChargeAtImmigrate);
  },
});

/** `mem_cgroup_can_attach()`: prepares the move of `task` into `to`; false: refused. Under `cgroup_mutex`. */
export function* memCgroupCanAttach(task: Task, to: MemCgroup): Resumable<boolean> {
  const from = task.memcg ?? mm().root;
  if (kernel().config.cgroup === "v2" || to.moveChargeAtImmigrate === 0 || from === to || task.mm === undefined)
    return true;
  const { mc } = mm();
  mc.from = from;
  mc.to = to;
  const pages: readonly Page[] = yield findTargets(task.mm, task);
  // from here on chargers that cannot reclaim anything wait for the move to end, while the mover itself reclaims
  mc.movingTask = current();
  if (yield* memCgroupDoPrecharge(pages.length)) return true;
  clearMc(mc);
  endMove(mc);
  return false;
}

/** `mem_cgroup_do_precharge()`: all at once without reclaim, then one by one with a single round of it. */
function* memCgroupDoPrecharge(count: number): Resumable<boolean> {
  const { mc } = mm();
  const to = mc.to;
  if (to === undefined || count === 0) return true;
  if (yield* tryChargeMemcg(to, GFP_KERNEL & ~__GFP_DIRECT_RECLAIM, count)) {
    mm().mc.precharge += count;
    return true;
  }
  for (let i = 0; i < count; i++) {
    if (!(yield* tryChargeMemcg(to, GFP_KERNEL | __GFP_NORETRY, 1))) return false;
    mm().mc.precharge++;
  }
  return true;
}

/** `__mem_cgroup_clear_mc()`: leftovers go back, chargers that wait are woken. */
function clearMc(mc: MoveCharge): void {
  if (mc.to !== undefined) uncharge(mc.to, mc.precharge);
  if (mc.from !== undefined) uncharge(mc.from, mc.movedCharge);
  mc.precharge = 0;
  mc.movedCharge = 0;
  mc.waiters.clear();
}
/** The rest of `mem_cgroup_clear_mc()`. */
function endMove(mc: MoveCharge): void {
  mc.movingTask = undefined;
  mc.from = undefined;
  mc.to = undefined;
}

const raise = op<MemCgroup, number>("moving_account", {
  apply(memcg, by) {
    memcg.movingAccount += by;
  },
  describe: (memcg, by) => `moving_account of ${memcg.path} ${by > 0 ? "+1" : "-1"}`,
});

const clear = op("mem_cgroup_clear_mc", {
  apply: () => clearMc(mm().mc),
});

/** `mem_cgroup_move_task()`: moves what {@link memCgroupCanAttach} prepared; nothing if it prepared nothing. */
export function* memCgroupMoveCharge(task: Task): Resumable {
  const from = mm().mc.from;
  const space = task.mm;
  if (from === undefined || space === undefined) return;
  yield raise(from, 1);
  yield* synchronizeRcu();
  while (!(yield* downReadTrylock(space.mmapLock))) yield clear(undefined);
  const pages: readonly Page[] = yield findTargets(space, task);
  for (const page of pages) {
    if (mm().mc.precharge === 0 && !(yield* memCgroupDoPrecharge(1))) break;
    yield* memCgroupMoveChargePteRange(page);
  }
  yield* upRead(space.mmapLock);
  yield raise(from, -1);
  clearMc(mm().mc);
  endMove(mm().mc);
}

/** One page of `mem_cgroup_move_charge_pte_range()`. */
function* memCgroupMoveChargePteRange(page: Page): Resumable {
  const { lock } = folioLruvec(page);
  yield* spinLockIrq(lock);
  const isolated = page.lru !== undefined;
  if (isolated) {
    lruDelete(page);
    folioGet(page);
  }
  yield* spinUnlockIrq(lock);
  if (!isolated) return;
  const moved = yield* memCgroupMoveAccount(page);
  if (moved) {
    mm().mc.precharge--;
    mm().mc.movedCharge++;
  }
  yield* putbackLruPage(page);
}

/** `mem_cgroup_move_account()`: false when the page is locked or no longer the old group's. */
export function* memCgroupMoveAccount(page: Page): Resumable<boolean> {
  if (!(yield* folioTrylock(page))) return false;
  const { from, to } = mm().mc;
  if (from === undefined || to === undefined || page.memcg !== from) {
    yield* folioUnlock(page);
    return false;
  }
  yield* folioMemcgLock(page);
  if (page.dirty) {
    from.nrFileDirty--;
    to.nrFileDirty++;
  }
  if (page.writeback) {
    from.nrWriteback--;
    to.nrWriteback++;
  }
  page.memcg = to;
  yield* __folioMemcgUnlock(from);
  yield* folioUnlock(page);
  return true;
}

/** An isolated page goes back to the list of its (new) group. */
function* putbackLruPage(page: Page): Resumable {
  const { lock } = folioLruvec(page);
  yield* spinLockIrq(lock);
  if (page.mapping !== undefined || page.refs > 1) lruInsertHead(page);
  yield* spinUnlockIrq(lock);
  yield* folioPut(page);
}

const sleep = op<Task>("queue on mc.waitq", {
  apply(task) {
    const { mc } = mm();
    if (mc.movingTask !== undefined) mc.waiters.push(task);
  },
});
const woken = waitOp<MoveCharge, Task>("mem_cgroup_wait_acct_move", {
  ways: (mc, task) => (!mc.waiters.includes(task) || task.fatalSignal ? 1 : 0),
  apply(mc, task) {
    mc.waiters.remove(task);
  },
  wait: (mc) => ({
    resource: { class: "memcg_charge_move" },
    verb: "complete",
    providers: mc.movingTask === undefined ? [] : [mc.movingTask],
    state: "S",
    top: "schedule",
  }),
});

/** A charger in a group that a move involves sleeps until the move ends; true when it slept. */
export function* memCgroupWaitAcctMove(memcg: MemCgroup): Resumable<boolean> {
  const { mc } = mm();
  if (mc.movingTask === undefined || mc.movingTask === current()) return false;
  if (!isDescendant(mc.from, memcg) && !isDescendant(mc.to, memcg)) return false;
  yield sleep(current());
  yield woken(mm().mc, current());
  return true;
}
