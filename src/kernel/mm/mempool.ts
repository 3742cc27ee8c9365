/**
 * Memory pools (mm/mempool.c): elements from an allocator, and a reserve of some for when it has none.
 *
 * What the I/O path depends on: whoever holds an element gives it back without needing another of the same pool, so that who waits
 * for one waits for any of the holders. Order of mempool_alloc(): the allocator without direct reclaim and I/O, the reserve, the
 * allocator once more with all that the caller allows, then a sleep until an element comes back, five seconds at most. Direct
 * reclaim is thus entered only once the reserve was found empty, and before anybody waits for an element: in throttle_vm_writeout()
 * a tenth of a second at a time (dm-crypt-throttle).
 *
 * From 4.6 to 4.7-rc an empty pool let PF_MEMALLOC users into the reserves of the page allocator (`mempoolNomemalloc`).
 *
 * Coarser than the kernel: `pool->lock` is held for one look and no sleep, so that a section is one step. The reserve is kept in
 * the order of page numbers, not as a stack: which of its pages somebody gets is told apart by nobody.
 */
import {
  create,
  Entity,
  fields,
  ghost,
  int,
  type List,
  list,
  op,
  type Resumable,
  ref,
  value,
} from "../../resumable/index.ts";
import {
  __GFP_DIRECT_RECLAIM,
  __GFP_IO,
  __GFP_NOMEMALLOC,
  __GFP_NORETRY,
  __GFP_NOWARN,
  gfpAllowsBlocking,
  PF_LESS_THROTTLE,
} from "../gfp.ts";
import { current, era } from "../sched/current.ts";
import type { Kernel } from "../sched/kernel.ts";
import type { Task } from "../sched/task.ts";
import { sleepOp } from "../sched/timeout.ts";
import type { Mm } from "./mm.ts";
import type { Page } from "./page.ts";
import { allocPages, freePage, takePageAtBoot } from "./page-alloc.ts";
import { kmemCacheAlloc, kmemCacheFree, type SlabObject } from "./slab.ts";

/** What a pool gives out: a page, or a slab object, which may need none. */
export type PoolElement = Exclude<SlabObject, undefined>;

/** `mempool_t`. */
export class Mempool extends Entity {
  declare poolName: string;
  /** `min_nr`: what the reserve is filled up to. */
  declare minNr: number;
  /** `elements`, `curr_nr` of them. */
  declare reserve: List<Page>;
  /** `alloc` and `free`, and what they are told (`pool_data`). */
  declare allocFn: (gfp: number, pool: Mempool) => Resumable<SlabObject>;
  declare freeFn: (element: PoolElement, pool: Mempool) => Resumable;
  declare poolData: Entity | undefined;
  /** Who has elements now, or brings their end about: any of them can end a wait. */
  declare holders: (pool: Mempool) => readonly Task[];
  /** Statistic: how often the reserve was asked, and had nothing. */
  declare asked: number;
  declare foundEmpty: number;
  static {
    fields(
      Mempool,
      {
        poolName: value,
        minNr: int,
        reserve: list("pages"),
        allocFn: value,
        freeFn: value,
        poolData: ref,
        holders: value,
        asked: ghost,
        foundEmpty: ghost,
      },
      "mempool",
    );
  }
}

/** What a pool is made of. */
export interface MempoolOptions {
  readonly poolName: string;
  readonly minNr: number;
  readonly kind: "page" | "slab";
  /** Who can give an element back; see {@link Mempool.holders}. */
  readonly holders: (pool: Mempool) => readonly Task[];
  readonly poolData?: Entity;
  /** Instead of mempool_alloc_pages() or mempool_alloc_slab(). */
  readonly allocFn?: (gfp: number, pool: Mempool) => Resumable<SlabObject>;
}

const SUBSYSTEM = "mempools";
/** All pools of a kernel, in the order in which they were made. */
export function mempools(k: Kernel): readonly Mempool[] {
  return (k.subsystems.get(SUBSYSTEM) as readonly Mempool[] | undefined) ?? [];
}

/** `mempool_create()`, its reserve full. Objects of a slab pool need no pages unless memory was booted with `slabPages`. */
export function createMempool(k: Kernel, options: MempoolOptions): Mempool {
  const { poolName, minNr, kind, holders, poolData } = options;
  const pool = create(Mempool, {
    poolName,
    minNr,
    holders,
    allocFn: options.allocFn ?? (kind === "page" ? mempoolAllocPages : mempoolAllocSlab),
    freeFn: kind === "page" ? mempoolFreePages : mempoolFreeSlab,
    ...(poolData === undefined ? {} : { poolData }),
  });
  k.subsystems.set(SUBSYSTEM, Object.freeze([...mempools(k), pool]));
  const mm = k.subsystem<Mm>("mm");
  if (kind === "slab" && mm.options.slabPages !== true) return pool;
  for (let i = 0; i < minNr; i++) pool.reserve.push(takePageAtBoot(mm));
  return pool;
}

/** `mempool_alloc_pages()` and `mempool_free_pages()`, of order 0. */
export function* mempoolAllocPages(gfp: number): Resumable<SlabObject> {
  return yield* allocPages(gfp);
}
function* mempoolFreePages(element: PoolElement): Resumable {
  yield* freePage(element as Page);
}
export function* mempoolAllocSlab(gfp: number): Resumable<SlabObject> {
  return yield* kmemCacheAlloc(gfp);
}
function* mempoolFreeSlab(element: PoolElement): Resumable {
  yield* kmemCacheFree(element);
}

const removeElement = op<Mempool>("remove_element", {
  apply(pool) {
    pool.asked++;
    const page = pool.reserve.shift();
    if (page === undefined) pool.foundEmpty++;
    return page;
  },
  describe: (pool) => `take from the reserve of ${pool.poolName}`,
});

const hasElements = op<Mempool>("read curr_nr", {
  apply: (pool) => pool.reserve.length > 0,
  describe: (pool) => `look whether ${pool.poolName} has elements`,
});

/** `io_schedule_timeout(5*HZ)`, woken by whoever gives an element back. */
const waitForElement = sleepOp<Mempool>("mempool_alloc", {
  sleep: (pool) => ({ jiffies: (hz) => 5 * hz, woken: pool.reserve.length > 0 }),
  wait: (pool) => ({
    resource: { class: "mempool", id: pool.poolName },
    verb: "element_freed",
    providers: pool.holders(pool),
    state: "D",
    top: "congestion",
  }),
  describe: (pool) => `wait for an element of ${pool.poolName}`,
});

/** Marks that no caller can take back (`mempool_alloc()` sets them); __GFP_NOMEMALLOC is the era's. */
function maskOf(gfp: number): number {
  const allowed = era().mempoolDirectReclaim ? gfp : gfp & ~__GFP_DIRECT_RECLAIM;
  return allowed | __GFP_NORETRY | __GFP_NOWARN | (era().mempoolNomemalloc ? __GFP_NOMEMALLOC : 0);
}

/** An element; undefined only where the mask does not allow to sleep. */
export function* mempoolAlloc(pool: Mempool, gfp: number): Resumable<SlabObject> {
  const had = current().flags & PF_LESS_THROTTLE;
  if (era().mempoolLessThrottle && gfpAllowsBlocking(gfp)) current().flags |= PF_LESS_THROTTLE;
  const wanted = maskOf(gfp);
  let mask = wanted & ~(__GFP_DIRECT_RECLAIM | __GFP_IO);
  let element: SlabObject;
  for (;;) {
    if (!era().mempoolNomemalloc && (yield hasElements(pool))) mask |= __GFP_NOMEMALLOC;
    element = yield* allocElement(pool, mask);
    if (element === undefined) element = yield removeElement(pool);
    if (element !== undefined) break;
    if ((mask & ~__GFP_NOMEMALLOC) !== (wanted & ~__GFP_NOMEMALLOC)) {
      mask = wanted;
      continue;
    }
    if (!gfpAllowsBlocking(gfp)) break;
    yield waitForElement(pool);
  }
  if (had === 0) current().flags &= ~PF_LESS_THROTTLE;
  return element;
}
function* allocElement(pool: Mempool, gfp: number): Resumable<SlabObject> {
  const alloc = pool.allocFn;
  return yield* alloc(gfp, pool);
}

/** Under the lock: back into the reserve if that is not full, whose waiters wake. */
const addElement = op<Mempool, Page>("add_element", {
  apply(pool, page) {
    const { reserve } = pool;
    if (reserve.length >= pool.minNr) return false;
    const later: Page[] = [];
    while ((reserve.at(-1)?.$number ?? -1) > page.$number) later.unshift(reserve.pop() as Page);
    for (const p of [page, ...later]) reserve.push(p);
    return true;
  },
  describe: (pool, page) => `give ${page} back to ${pool.poolName}`,
});

/** `mempool_free()`, from any context. */
export function* mempoolFree(element: PoolElement, pool: Mempool): Resumable {
  if (element !== "at hand" && (yield addElement(pool, element))) return;
  const free = pool.freeFn;
  yield* free(element, pool);
}
