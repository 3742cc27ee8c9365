/**
 * PG_locked and PG_writeback: taking, waiting, waking (mm/filemap.c, include/linux/pagemap.h).
 *
 * Neither bit has an owner in the kernel, and lockdep sees neither. Here both know who can clear them: a lock its task or
 * the read that fills the page, writeback the bio that carries the page, or the task that is about to put it there.
 *
 * Both sleep in io_schedule(), which gives what the task has plugged to the device first; a bio that was never submitted is
 * not in the plug and stays where it is.
 *
 * PG_locked: who finds it set queues as an exclusive waiter; an unlock wakes the first, which must win the bit against
 * anybody who comes along (barging) and queues at the tail again when it loses. From 5.9 a waiter that lost five times gets
 * the bit from the one who unlocks: commit 5ef64cc8987a ("mm: allow a controlled amount of unfairness in the page lock")
 * (v5.9), mm/filemap.c:folio_wait_bit_common. The woken waiter stays at the head of the queue here until it runs; whoever
 * takes the bit before sends it to the tail.
 *
 * Order: the locks of several pages of one mapping in ascending index; inside mmap_lock and i_rwsem, outside page table
 * locks, i_pages and lru_lock. PG_writeback is set under PG_locked and cleared without it.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import { Bio } from "../block/bio.ts";
import { bioProviders } from "../block/bio-providers.ts";
import { plugFlushOnSleep } from "../block/plug.ts";
import { current, era } from "../sched/current.ts";
import { Task } from "../sched/task.ts";
import { type Wait, waitOp } from "../sched/wait.ts";
import type { Page } from "./page.ts";

/** `sysctl_page_lock_unfairness`: how often a waiter may lose the bit before it is handed over. */
const PAGE_LOCK_UNFAIRNESS = 5;

/** Takes the free bit; whoever was woken for it has lost a round. */
function seize(page: Page, task: Task): void {
  page.lockedBy = task;
  const first = page.lockWaiters.at(0);
  if (first === undefined || first === task) return;
  if (era().pageLockHandoff) first.lockLost = Math.min(first.lockLost + 1, PAGE_LOCK_UNFAIRNESS);
  if (page.lockWaiters.length === 1) return;
  page.lockWaiters.shift();
  page.lockWaiters.push(first);
}

function leaveQueue(page: Page, task: Task): void {
  page.lockWaiters.remove(task);
  task.lockLost = 0;
}

const trylock = op<Page>("folio_trylock", {
  apply(page) {
    if (page.lockedBy !== undefined) return false;
    seize(page, current());
    return true;
  },
  describe: (page) => `folio_trylock ${page}`,
});

const lockOrQueue = op<Page>("folio_lock", {
  apply(page) {
    const task = current();
    if (page.lockedBy === undefined) {
      seize(page, task);
      return true;
    }
    task.lockLost = 0;
    page.lockWaiters.push(task);
    return false;
  },
  describe: (page) => `folio_lock ${page}`,
});

/** Free and ours to take, or handed over. */
function canLock(page: Page, task: Task): boolean {
  if (task.granted) return true;
  return page.lockedBy === undefined && page.lockWaiters.at(0) === task;
}

function finishLock(page: Page, task: Task): boolean {
  const got = canLock(page, task);
  if (got && !task.granted) seize(page, task);
  task.granted = false;
  leaveQueue(page, task);
  return got;
}

/** Who can clear PG_locked: its holder, or while it is free the waiter that was woken for it. */
function lockProviders(page: Page): readonly (Task | "hardware")[] {
  const by = page.lockedBy;
  if (by instanceof Task) return [by];
  if (by !== undefined) return bioProviders(by);
  const woken = page.lockWaiters.at(0);
  return woken === undefined ? [] : [woken];
}

function waitForLock(page: Page, state: "D" | "K"): Wait {
  return {
    resource: { class: "PG_locked", id: String(page.$number) },
    verb: "unlock",
    providers: lockProviders(page),
    state,
    top: "page_lock",
  };
}

const locked = waitOp<Page, Task>("wait for PG_locked", {
  ways: (page, task) => (canLock(page, task) ? 1 : 0),
  apply: finishLock,
  wait: (page) => waitForLock(page, "D"),
  describe: (page) => `lock ${page} after waiting`,
});

const lockedKillable = waitOp<Page, Task>("wait killably for PG_locked", {
  ways: (page, task) => (canLock(page, task) || task.fatalSignal ? 1 : 0),
  apply: finishLock,
  wait: (page) => waitForLock(page, "K"),
  describe: (page) => `lock ${page} after waiting killably`,
});

const unlocked = waitOp<Page>("wait_on_page_locked", {
  ways: (page) => (page.lockedBy === undefined ? 1 : 0),
  wait: (page) => waitForLock(page, "D"),
  describe: (page) => `wait until ${page} is unlocked`,
});

const unlockedKillable = waitOp<Page, Task>("wait_on_page_locked_killable", {
  ways: (page, task) => (page.lockedBy === undefined || task.fatalSignal ? 1 : 0),
  wait: (page) => waitForLock(page, "K"),
  describe: (page) => `wait killably until ${page} is unlocked`,
});

/** Clears the bit and wakes; the first waiter gets it at once when it has lost often enough. */
const unlock = op<Page>("folio_unlock", {
  apply(page) {
    const by = page.lockedBy;
    if (by === undefined || (by instanceof Task && by !== current())) {
      throw new Error(`${current()} unlocks ${page}, which is locked by ${by ?? "nobody"}`);
    }
    page.lockedBy = undefined;
    const first = page.lockWaiters.at(0);
    if (first === undefined || !era().pageLockHandoff || first.lockLost < PAGE_LOCK_UNFAIRNESS) return;
    leaveQueue(page, first);
    page.lockedBy = first;
    first.granted = true;
  },
  describe: (page) => `folio_unlock ${page}`,
});

/** Whether the bit was free; never sleeps. */
export function* folioTrylock(page: Page): Resumable<boolean> {
  return yield trylock(page);
}

/** `lock_page()`: sleeps in state D until it has the bit. */
export function* folioLock(page: Page): Resumable {
  if (yield lockOrQueue(page)) return;
  yield* plugFlushOnSleep();
  yield locked(page, current());
}

/** `lock_page_killable()`: false when a fatal signal ended the wait. */
export function* folioLockKillable(page: Page): Resumable<boolean> {
  if (yield lockOrQueue(page)) return true;
  yield* plugFlushOnSleep();
  return yield lockedKillable(page, current());
}

export function* folioUnlock(page: Page): Resumable {
  yield unlock(page);
}

/** `wait_on_page_locked()`: waits for an unlock and does not take the bit. */
export function* folioWaitLocked(page: Page): Resumable {
  yield* plugFlushOnSleep();
  yield unlocked(page);
}

/** As {@link folioWaitLocked}, until a fatal signal. */
export function* folioWaitLockedKillable(page: Page): Resumable {
  yield* plugFlushOnSleep();
  yield unlockedKillable(page, current());
}

/** A new page that nobody else can see yet: locked without a step. */
export function folioSetLockedNew(page: Page): void {
  page.lockedBy = current();
}
/** Undoes {@link folioSetLockedNew} for a page that never became visible. */
export function folioClearLockedNew(page: Page): void {
  page.lockedBy = undefined;
}

const writebackSet = op<Page>("test PG_writeback", {
  apply: (page) => page.writeback,
  describe: (page) => `test PG_writeback of ${page}`,
});

/** Who can end the writeback: the chain behind the bio or request, or while none has the page, the task that started it. */
function writebackProviders(page: Page): readonly (Task | "hardware")[] {
  const by = page.writebackBio;
  if (by !== undefined) return by instanceof Bio ? bioProviders(by) : by.enders();
  return page.lockedBy instanceof Task ? [page.lockedBy] : [];
}

const written = waitOp<Page>("wait_on_page_writeback", {
  ways: (page) => (page.writeback ? 0 : 1),
  wait: (page) => ({
    resource: { class: "PG_writeback", id: String(page.$number) },
    verb: "end_writeback",
    providers: writebackProviders(page),
    state: "D",
    top: "writeback",
  }),
  describe: (page) => `wait for writeback of ${page}`,
});

/** Reads PG_writeback, which may be cleared at any time. */
export function* folioTestWriteback(page: Page): Resumable<boolean> {
  return yield writebackSet(page);
}

/**
 * `wait_on_page_writeback()`. Up to 5.8 the wait itself tests the bit again after waking, from 5.11 its caller does
 * (`writebackWaitLoops`); between, a waiter may go on although a new writeback has begun, which is not modelled.
 */
export function* folioWaitWriteback(page: Page): Resumable {
  if (current().plug.length > 0) {
    if (!(yield writebackSet(page))) return;
    yield* plugFlushOnSleep();
  }
  yield written(page);
}

/** `wait_for_stable_page()`: writeback must end first where the device computes checksums of pages. */
export function* folioWaitStable(page: Page): Resumable {
  if (page.mapping?.host?.sb.bdi.stablePages) yield* folioWaitWriteback(page);
}

/** The bio that reads the page will unlock it. */
export function folioLockedByRead(page: Page, bio: Bio): void {
  page.lockedBy = bio;
}
