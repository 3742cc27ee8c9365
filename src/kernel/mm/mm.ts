/**
 * What the memory subsystem keeps per kernel, and how it is booted. Set up once; only the entities in it change.
 */
import { bool, create, Entity, fields, int, type List, list, ref } from "../../resumable/index.ts";
import { Mutex } from "../locking/mutex.ts";
import { RwSemaphore } from "../locking/rwsem.ts";
import { SpinLock } from "../locking/spinlock.ts";
import { kernel } from "../sched/current.ts";
import type { Kernel } from "../sched/kernel.ts";
import type { Task } from "../sched/task.ts";
import { type LruKind, LruList, Lruvec, MemCgroup, PAGE_COUNTER_MAX, PageCounter } from "./memcg-types.ts";
import { Page } from "./page.ts";
import type { Shrinker } from "./shrinker.ts";
import type { Watermarks } from "./watermarks.ts";

/** `DEF_PRIORITY`: where the priority loop of reclaim begins. */
export const DEF_PRIORITY = 12;
/** `SWAP_CLUSTER_MAX`: pages that one pass isolates at most, and what every reclaimer wants at least. */
export const SWAP_CLUSTER_MAX = 32;

/** `MAX_RECLAIM_RETRIES`: fruitless rounds of global reclaim before the OOM killer is asked, of kswapd before it gives up. */
export const MAX_RECLAIM_RETRIES = 16;

/** `struct scan_control`; one per context, zero while that context does not reclaim. */
export class ScanControl extends Entity {
  declare active: boolean;
  declare target: MemCgroup | undefined;
  declare gfp: number;
  declare nrToReclaim: number;
  declare nrReclaimed: number;
  /** Scanned over all priorities, for the flusher wake-up of old kernels (bounded there). */
  declare totalScanned: number;
  declare priority: number;
  declare maySwap: boolean;
  declare mayWritepage: boolean;
  declare mayDeactivate: boolean;
  declare forceDeactivate: boolean;
  declare skippedDeactivate: boolean;
  declare lowReclaim: boolean;
  declare lowSkipped: boolean;
  declare nrDirty: number;
  declare nrUnqueuedDirty: number;
  declare nrCongested: number;
  declare nrWriteback: number;
  declare nrImmediate: number;
  declare nrTaken: number;
  /** The same of the list in hand (`struct reclaim_stat`). */
  declare listDirty: number;
  declare listUnqueuedDirty: number;
  declare listCongested: number;
  declare listWriteback: number;
  declare listImmediate: number;
  /** Pages taken off their LRU list, oldest first. */
  declare isolated: List<Page>;
  /** Pages that go back, oldest first. */
  declare putback: List<Page>;
  /** Pages out of the cache whose charge goes back at the end of the list. */
  declare freed: List<Page>;
  static {
    fields(
      ScanControl,
      {
        active: bool,
        target: ref,
        gfp: int,
        nrToReclaim: int,
        nrReclaimed: int,
        totalScanned: int,
        priority: int,
        maySwap: bool,
        mayWritepage: bool,
        mayDeactivate: bool,
        forceDeactivate: bool,
        skippedDeactivate: bool,
        lowReclaim: bool,
        lowSkipped: bool,
        nrDirty: int,
        nrUnqueuedDirty: int,
        nrCongested: int,
        nrWriteback: int,
        nrImmediate: int,
        nrTaken: int,
        listDirty: int,
        listUnqueuedDirty: int,
        listCongested: int,
        listWriteback: int,
        listImmediate: int,
        isolated: list("pages"),
        putback: list("pages"),
        freed: list("pages"),
      },
      "scan_control",
    );
  }
}

/** `struct pglist_data`, as far as reclaim uses it: flags that kswapd sets, and kswapd's wait. */
export class Node extends Entity {
  /** PGDAT_WRITEBACK (zone flag before 4.8): all that was taken was under writeback. */
  declare writeback: boolean;
  /** PGDAT_DIRTY: all file pages taken were dirty and not queued. */
  declare dirty: boolean;
  /** Somebody wants kswapd. */
  declare kswapdWanted: boolean;
  declare kswapdFailures: number;
  /** NR_ISOLATED_FILE. */
  declare nrIsolated: number;
  /** The same of anonymous pages. */
  declare nrIsolatedAnon: number;
  static {
    fields(Node, {
      writeback: bool,
      dirty: bool,
      kswapdWanted: bool,
      kswapdFailures: int,
      nrIsolated: int,
      nrIsolatedAnon: int,
    });
  }
}

/** `mc`: the charge move in progress; there is one at a time, under `cgroup_mutex`. */
export class MoveCharge extends Entity {
  declare movingTask: Task | undefined;
  declare from: MemCgroup | undefined;
  declare to: MemCgroup | undefined;
  /** Pages charged to `to` in advance. */
  declare precharge: number;
  /** Pages moved whose charge `from` still has. */
  declare movedCharge: number;
  /** Chargers that sleep for the end of the move (`mc.waitq`). */
  declare waiters: List<Task>;
  static {
    fields(
      MoveCharge,
      { movingTask: ref, from: ref, to: ref, precharge: int, movedCharge: int, waiters: list("contexts") },
      "move_charge",
    );
  }
}

/** How much of the memory subsystem the model shows. */
export interface MmOptions {
  /** Pages of the machine; all the kernel's capacity allows by default. */
  readonly pages?: number;
  /** Tasks may move with their charges: `lock_page_memcg` looks for a move. Off: nothing here can start one. */
  readonly moveCharge?: boolean;
  /** A failed charge undoes itself in a step of its own, so that others see the overshoot and fail spuriously. */
  readonly counterRaces?: boolean;
  /** Where the priority loop begins; the kernel's 12 by default. A bound for small worlds: print it with results. */
  readonly priority?: number;
  /**
   * Fruitless rounds of a charge; the era's 5 or 16 by default. A bound for small worlds: print it with results. `free`: any
   * number, chosen by the schedule, which contains what every number allows and has fewer states, as nothing is counted.
   */
  readonly chargeRetries?: number | "free";
  /** Attempts of the OOM reaper on a victim; the kernel's 10 by default. `free`: any number, chosen by the schedule. */
  readonly reapAttempts?: "free";
  readonly shrinkers?: readonly Shrinker[];
  /**
   * Fruitless rounds of the page allocator before it asks the OOM killer; 16 by default. A bound for small worlds: print it with
   * results. `free`: any number, chosen by the schedule.
   */
  readonly allocRetries?: number | "free";
  /** Pages that stay free for who must not fail (watermarks.ts); none by default. */
  readonly watermarks?: Watermarks;
  /** Every object of a slab cache takes a page of its own; off: objects are always at hand. */
  readonly slabPages?: boolean;
}

/** The memory subsystem of a kernel. */
export interface Mm {
  readonly options: MmOptions;
  /** All pages; free ones have `allocated` unset. */
  readonly pages: readonly Page[];
  readonly root: MemCgroup;
  /** Every memcg in order of creation, the root first. */
  readonly memcgs: MemCgroup[];
  readonly node: Node;
  /** `zone->lru_lock` or `pgdat->lru_lock`: what lruvecs share before 5.11. */
  readonly lruLock: SpinLock;
  readonly oomLock: Mutex;
  readonly cgroupMutex: Mutex;
  readonly memcgMaxMutex: Mutex;
  readonly shrinkerRwsem: RwSemaphore;
  readonly mc: MoveCharge;
  readonly shrinkers: Shrinker[];
  /** By context number. */
  readonly scanControls: readonly ScanControl[];
}

/** The running kernel's memory subsystem. */
export function mm(): Mm {
  return kernel().subsystem<Mm>("mm");
}

/** Makes pages, the root memcg and the locks. Before anything that uses memory; see {@link createMemcg} for the groups. */
export function bootMm(k: Kernel, options: MmOptions = {}): Mm {
  const pages = Array.from({ length: options.pages ?? k.config.capacities.pages }, () => create(Page));
  const lruLock = create(SpinLock, { lockClass: "lru_lock" });
  const root = newMemcg(k, lruLock, "/", undefined);
  const made: Mm = {
    options,
    pages,
    root,
    memcgs: [root],
    node: create(Node),
    lruLock,
    oomLock: create(Mutex, { lockName: "oom_lock" }),
    cgroupMutex: create(Mutex, { lockName: "cgroup_mutex" }),
    memcgMaxMutex: create(Mutex, { lockName: "memcg_max_mutex" }),
    shrinkerRwsem: create(RwSemaphore, { lockClass: "shrinker_rwsem", tried: true }),
    mc: create(MoveCharge),
    shrinkers: (options.shrinkers ?? []).map((shrinker) => Object.freeze({ ...shrinker })),
    scanControls: Array.from({ length: k.config.capacities.contexts }, () => create(ScanControl)),
  };
  k.subsystems.set("mm", made);
  return made;
}

function newCounter(parent: PageCounter | undefined): PageCounter {
  return create(PageCounter, {
    max: PAGE_COUNTER_MAX,
    high: PAGE_COUNTER_MAX,
    ...(parent === undefined ? {} : { parent }),
  });
}

function newLruvec(k: Kernel, shared: SpinLock): Lruvec {
  const own = k.era.features.lruLockScope === "memcg";
  const lruvec = create(Lruvec, { lock: own ? create(SpinLock, { lockClass: "lru_lock" }) : shared });
  const list = (kind: LruKind): LruList => create(LruList, { kind, lruvec });
  lruvec.inactiveAnon = list("inactive_anon");
  lruvec.activeAnon = list("active_anon");
  lruvec.inactiveFile = list("inactive_file");
  lruvec.activeFile = list("active_file");
  return lruvec;
}

/** @internal */
export function newMemcg(k: Kernel, lruLock: SpinLock, path: string, parent: MemCgroup | undefined): MemCgroup {
  const memcg = create(MemCgroup, {
    path,
    memory: newCounter(parent?.memory),
    memsw: newCounter(parent?.memsw),
    kmem: newCounter(parent?.kmem),
    lruvec: newLruvec(k, lruLock),
    moveLock: create(SpinLock, { lockClass: "memcg_move_lock" }),
    ...(parent === undefined ? {} : { parent }),
  });
  memcg.lruvec.memcg = memcg;
  parent?.children.push(memcg);
  return memcg;
}

/** Limits a new group is given, in pages. */
export interface MemcgLimits {
  readonly max?: number;
  readonly high?: number;
  readonly low?: number;
  readonly min?: number;
  /** v1: memory and swap together. */
  readonly memswMax?: number;
  /** v1: kernel memory. */
  readonly kmemMax?: number;
  readonly moveChargeAtImmigrate?: number;
  readonly oomKillDisable?: boolean;
}

/** A new group below `parent` (the root by default). Set-up only: before the kernel starts. */
export function createMemcg(k: Kernel, path: string, parent?: MemCgroup, limits: MemcgLimits = {}): MemCgroup {
  const found = k.subsystem<Mm>("mm");
  const memcg = newMemcg(k, found.lruLock, path, parent ?? found.root);
  memcg.memory.max = limits.max ?? PAGE_COUNTER_MAX;
  memcg.memory.high = limits.high ?? PAGE_COUNTER_MAX;
  memcg.memory.low = limits.low ?? 0;
  memcg.memory.min = limits.min ?? 0;
  memcg.memsw.max = limits.memswMax ?? PAGE_COUNTER_MAX;
  memcg.kmem.max = limits.kmemMax ?? PAGE_COUNTER_MAX;
  memcg.moveChargeAtImmigrate = limits.moveChargeAtImmigrate ?? 0;
  memcg.oomKillDisable = limits.oomKillDisable ?? false;
  found.memcgs.push(memcg);
  return memcg;
}

/** The groups from `memcg` down, parents before children, in order of creation (`mem_cgroup_iter`). */
export function subtree(memcg: MemCgroup): readonly MemCgroup[] {
  return [memcg, ...[...memcg.children].flatMap((child) => subtree(child))];
}

/** Whether `memcg` is `ancestor` or below it. */
export function isDescendant(memcg: MemCgroup | undefined, ancestor: MemCgroup): boolean {
  for (let m = memcg; m !== undefined; m = m.parent) if (m === ancestor) return true;
  return false;
}
