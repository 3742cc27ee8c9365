/**
 * Sections in which a page keeps its memcg: `lock_page_memcg()` (4.6-5.15), `folio_memcg_lock()` (5.16-6.12),
 * `mem_cgroup_begin_page_stat()` (before), none after charges stopped to move.
 *
 * Without a move in progress this is an RCU read section. With one it is the memcg's `move_lock`, taken with irqsave; the flags
 * are kept in the memcg (`move_lock_flags`) until the section ends. Interrupts must stay off inside: the end of a writeback takes
 * the same lock in interrupt context (spec 10.2).
 */
import { op, type Resumable } from "../../resumable/index.ts";
import { spinLockIrqsave, spinUnlockIrqrestore } from "../locking/spinlock.ts";
import { current, era, kernel } from "../sched/current.ts";
import { rcuReadLock, rcuReadUnlock } from "../sched/rcu.ts";
import type { MemCgroup } from "./memcg-types.ts";
import { mm } from "./mm.ts";
import type { Page } from "./page.ts";

/** `moving_account_always` of the hack that makes the wb-switch incident possible. */
function alwaysMoving(): boolean {
  return kernel().config.hacks.includes("moving");
}

/** Whether anything can change a page's memcg in this kernel. */
function chargesCanMove(): boolean {
  if (era().pageStatApi === "none") return false;
  return mm().options.moveCharge === true || alwaysMoving();
}

/** Looks whether the page's memcg has a move in progress. */
const movingAccount = op<Page>("lock_page_memcg", {
  apply: (page) => ((page.memcg?.movingAccount ?? 0) > 0 ? page.memcg : undefined),
  describe: (page) => `lock_page_memcg ${page}`,
});

export function* folioMemcgLock(page: Page): Resumable {
  if (!chargesCanMove()) return;
  rcuReadLock();
  for (;;) {
    const memcg: MemCgroup | undefined = alwaysMoving() ? page.memcg : yield movingAccount(page);
    if (memcg === undefined) return;
    const flags = yield* spinLockIrqsave(memcg.moveLock);
    if (page.memcg === memcg) {
      memcg.moveLockTask = current();
      memcg.moveLockFlags = flags;
      return;
    }
    yield* spinUnlockIrqrestore(memcg.moveLock, flags);
  }
}

export function* folioMemcgUnlock(page: Page): Resumable {
  if (!chargesCanMove()) return;
  yield* __folioMemcgUnlock(page.memcg);
}

/** The section of a page whose memcg was changed in it ends on the old one. */
export function* __folioMemcgUnlock(memcg: MemCgroup | undefined): Resumable {
  if (memcg?.moveLockTask === current()) {
    const flags = memcg.moveLockFlags;
    memcg.moveLockTask = undefined;
    memcg.moveLockFlags = false;
    yield* spinUnlockIrqrestore(memcg.moveLock, flags);
  }
  rcuReadUnlock();
}
