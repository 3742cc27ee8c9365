/**
 * The page allocator (mm/page_alloc.c): a pool of pages of order 0, and the charge of accounted ones.
 *
 * Zones and per-CPU lists are not modelled, watermarks where memory was booted with some (watermarks.ts). When none is left, the slow path reclaims from
 * everybody and then asks the OOM killer, as `__alloc_pages_slowpath()` does, without its waits. Page tables take no page of the
 * pool: what matters of them is their charge.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import {
  __GFP_ACCOUNT,
  __GFP_DIRECT_RECLAIM,
  __GFP_KSWAPD_RECLAIM,
  __GFP_NOFAIL,
  __GFP_NORETRY,
  PF_MEMALLOC,
} from "../gfp.ts";
import { spinLockIrqsave, spinUnlockIrqrestore } from "../locking/spinlock.ts";
import { current, kernel } from "../sched/current.ts";
import type { Task } from "../sched/task.ts";
import { drainAllPages } from "./drain-pages.ts";
import { wakeAllKswapds } from "./kswapd.ts";
import { __memcgKmemChargePage, kmemTarget, memcgKmemUnchargePage } from "./memcg-kmem.ts";
import type { MemCgroup } from "./memcg-types.ts";
import { unchargePage } from "./memcg-uncharge.ts";
import { MAX_RECLAIM_RETRIES, type Mm, mm } from "./mm.ts";
import { outOfMemory } from "./oom-kill.ts";
import type { Page } from "./page.ts";
import { lruDelete } from "./swap.ts";
import { tryToFreePages } from "./vmscan.ts";
import { fastMark, nrFree, slowMark } from "./watermarks.ts";
import { zonelistIterBegin } from "./zonelists.ts";

/** From how many pages on it is worth knowing who has reserved none at all. */
const LARGE = 64;
const reservers = new WeakSet<Task>();

/** Set-up only: the lowest `count` pages that nobody has yet are this task's, and its allocations take them first. */
export function reservePages(found: Mm, task: Task, count: number): void {
  const free = found.pages.filter((page) => !page.allocated && page.reservedFor === undefined);
  if (free.length < count) throw new Error(`only ${free.length} pages are left to reserve, ${count} are wanted`);
  for (const page of free.slice(0, count)) page.reservedFor = task;
  reservers.add(task);
}

/** Set-up only: a page in use from the beginning, uncharged and on no list. */
export function takePageAtBoot(found: Mm): Page {
  const page = found.pages.find((p) => !p.allocated && p.reservedFor === undefined);
  if (page === undefined) throw new Error("all pages are in use or reserved: boot memory with more");
  page.allocated = true;
  return page;
}

function take(reserved: Task | undefined): Page | undefined {
  if (reserved !== undefined && mm().pages.length > LARGE && !reservers.has(reserved)) return undefined;
  const page = mm().pages.find((p) => !p.allocated && p.reservedFor === reserved);
  if (page !== undefined) page.allocated = true;
  return page;
}

/** With watermarks: only if more than so many pages are free. */
const getPageFromFreelist = op<undefined, number>("get_page_from_freelist", {
  apply: (_, mark) => (mark === undefined || nrFree(mm()) > mark ? take(undefined) : undefined),
  describe: () => "get_page_from_freelist",
});

/**
 * A page, or undefined. With `__GFP_ACCOUNT` its charge goes to the task's memcg. For a page table (`what` = "table") the result
 * is the memcg that was charged, the root where there is nothing to charge.
 */
export function allocPages(gfp: number, order?: 0): Resumable<Page | undefined>;
export function allocPages(gfp: number, what: "table"): Resumable<MemCgroup | undefined>;
export function* allocPages(gfp: number, what?: 0 | "table"): Resumable<Page | MemCgroup | undefined> {
  return yield* __allocPages(gfp, what === "table");
}

/** Charges come after the page is there (mm/page_alloc.c:__alloc_pages): a refusal gives it back. */
function* __allocPages(gfp: number, table: boolean): Resumable<Page | MemCgroup | undefined> {
  let page: Page | undefined;
  if (!table) {
    page = take(current()) ?? (yield getPageFromFreelist(undefined, fastMark()));
    if (page === undefined) page = yield* __allocPagesSlowpath(gfp);
    if (page === undefined) return undefined;
  }
  const memcg = (gfp & __GFP_ACCOUNT) === 0 ? undefined : kmemTarget();
  if (memcg !== undefined) {
    if (!(yield* __memcgKmemChargePage(memcg, gfp))) {
      if (page !== undefined) page.allocated = false;
      return undefined;
    }
    if (page !== undefined) page.memcg = memcg;
  }
  return table ? (memcg ?? mm().root) : page;
}

/** {@link MmOptions.allocRetries} `free`: one more round, or none. */
const retryOrNot = op("should_reclaim_retry", { ways: () => 2, apply: (_, __, way) => way === 0 });

function* __allocPagesSlowpath(gfp: number): Resumable<Page | undefined> {
  yield* zonelistIterBegin();
  if ((gfp & __GFP_KSWAPD_RECLAIM) !== 0) wakeAllKswapds();
  const mark = slowMark(gfp);
  let page: Page | undefined;
  if (mark !== undefined) page = yield getPageFromFreelist(undefined, mark);
  if (page !== undefined) return page;
  if ((gfp & __GFP_DIRECT_RECLAIM) === 0) return undefined;
  if ((current().flags & PF_MEMALLOC) !== 0) return undefined;
  const retries = mm().options.allocRetries ?? MAX_RECLAIM_RETRIES;
  for (let fruitless = 0; ; ) {
    const progress = yield* tryToFreePages(gfp);
    page = yield getPageFromFreelist(undefined, mark);
    if (page !== undefined) return page;
    if (progress > 0 && kernel().subsystems.has("drain")) {
      yield* drainAllPages();
      page = yield getPageFromFreelist(undefined, mark);
      if (page !== undefined) return page;
    }
    if ((gfp & __GFP_NORETRY) !== 0) return undefined;
    if (retries === "free") {
      if (progress > 0 || (yield retryOrNot(undefined))) continue;
    } else {
      fruitless = progress > 0 ? 0 : fruitless + 1;
      if (fruitless <= retries) continue;
    }
    const killed = yield* outOfMemory(undefined, gfp);
    if (!killed && (gfp & __GFP_NOFAIL) === 0) return undefined;
    if (current().oomVictim && (gfp & __GFP_NOFAIL) === 0) return undefined;
    fruitless = 0;
  }
}

/** Gives back what {@link allocPages} gave for a page table. */
export function freePageTable(memcg: MemCgroup): void {
  memcgKmemUnchargePage(memcg);
}

/** Takes a reference; part of the step in which the page was found. */
export function folioGet(page: Page): void {
  page.refs++;
}

/** Drops a reference; the last one frees a page that is out of the cache. */
export function* folioPut(page: Page): Resumable {
  page.refs--;
  if (page.refs === 0 && page.mapping === undefined && page.mapCount === 0) yield* freePage(page);
}

/** The page is out of the cache, or never got there: frees it unless others have references. */
export function* freePage(page: Page): Resumable {
  if (page.refs > 0) return;
  if (page.lru !== undefined) {
    const lock = page.lru.lruvec.lock;
    const flags = yield* spinLockIrqsave(lock);
    lruDelete(page);
    yield* spinUnlockIrqrestore(lock, flags);
  }
  unchargePage(page);
  toPool(page);
}

/** The page as good as new. @internal */
export function toPool(page: Page): void {
  page.allocated = false;
  page.mapping = undefined;
  page.index = 0;
  page.dirty = false;
  page.dirtyTag = false;
  page.towriteTag = false;
  page.uptodate = false;
  page.reclaim = false;
  page.referenced = false;
  page.active = false;
  page.mapped = false;
  page.anon = false;
  page.pteDirty = false;
  page.pteYoung = false;
  page.lockedBy = undefined;
}
