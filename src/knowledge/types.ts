/**
 * Knowledge is data: rows that say what a kernel function in a stack means. Rules are general
 * kernel facts with their source; none is about a case, an id or a program.
 */
import type { Confidence } from "../waits/types.ts";

/** Kernel range in which a row holds: `since` inclusive, `before` exclusive, as `major.minor` (`5.16`). */
export interface Era {
  readonly since?: string;
  readonly before?: string;
}

/**
 * What makes two mentions of a resource class the same instance, i.e. what must agree for a join:
 * `global` one in the kernel (cgroup_mutex); `mm` per process; `sb` per file system; `journal`; `device` per block device or
 * bdi; `inode`; `page`; `buffer`; `memcg`; `work`; `task`; `request`; `server`; `lock` some lock known only by its class or owner's type.
 */
export type Scope =
  | "global"
  | "mm"
  | "sb"
  | "journal"
  | "device"
  | "inode"
  | "page"
  | "buffer"
  | "memcg"
  | "work"
  | "task"
  | "request"
  | "server"
  | "lock";

/** How a context sleeps. `timed`: wakes by itself and that changes its condition; `poll`: wakes and tests again; `spin`: burns a CPU. */
export type Sleep = "uninterruptible" | "killable" | "interruptible" | "timed" | "poll" | "spin";

/**
 * Who raises the event, besides contexts whose stack holds the resource (`holder`, the default):
 * `device` hardware finishes it; `flusher` writeback workers; `jbd2` the commit thread; `worker` a workqueue runs it; `server` a
 * remote or user-space server; `admin` an administrator; `timer`; `victim` the OOM victim's exit; `anyone` any task of the group.
 */
export type ProviderHint =
  | "holder"
  | "device"
  | "flusher"
  | "jbd2"
  | "worker"
  | "server"
  | "admin"
  | "timer"
  | "victim"
  | "anyone"
  | "kthread";

/** This frame, near the top of a stack, is where the context waits. */
export interface WaitRow {
  readonly kind: "wait";
  /** Normalised function names (no `.isra`, `.part`, `.constprop`, `.cold`). */
  readonly fn: readonly string[];
  /** Only when nothing but scheduler frames stands above it. */
  readonly direct?: boolean;
  /** Only when one of these stands further out (a caller, at any distance). */
  readonly callers?: readonly string[];
  /** Only when one of these stands further in (a callee). */
  readonly callees?: readonly string[];
  /** Class of the contract, e.g. `PG_writeback`; generic primitives say `mutex`, `rwsem`, `completion`, ... */
  readonly class: string;
  /** The lock's own name where the function fixes it. */
  readonly id?: string;
  /** `unlock`, `end_writeback`, `updates_zero`, `commit`, `complete`, `uncharge`, ... */
  readonly event: string;
  readonly mode?: "read" | "write";
  readonly scope: Scope;
  readonly sleep: Sleep;
  /** Period or longest duration of a timed or polling sleep, seconds. */
  readonly seconds?: number;
  /** Any one of several things ends the wait (reclaim, mempool, dirty throttle). */
  readonly any?: boolean;
  readonly providers?: readonly ProviderHint[];
  readonly era?: Era;
  /** Where the fact comes from: `mm/vmscan.c:shrink_folio_list`, `commit 63f3655f9501 ("...") (v5.0)`. */
  readonly source: string;
}

/** The caller of a generic primitive names the lock: `down_read < do_user_addr_fault` is mmap_lock. */
export interface CallerRow {
  readonly kind: "caller";
  /** Generic classes it refines. */
  readonly of: readonly string[];
  /** First frame outside the primitive. */
  readonly fn: readonly string[];
  /** Only when one of these stands further out. */
  readonly callers?: readonly string[];
  readonly class: string;
  readonly id?: string;
  readonly event?: string;
  readonly mode?: "read" | "write";
  readonly scope: Scope;
  readonly providers?: readonly ProviderHint[];
  readonly era?: Era;
  readonly source: string;
}

/** A context with this frame in its stack holds something, or is the one that will raise an event. */
export interface HoldRow {
  readonly kind: "hold";
  readonly fn: readonly string[];
  /** Only when one of these stands further in (a callee): the lock is taken before that call. */
  readonly callees?: readonly string[];
  /** Not when one of these stands further in: the lock is not (or no longer) held in that call. */
  readonly notCallees?: readonly string[];
  readonly callers?: readonly string[];
  readonly notCallers?: readonly string[];
  readonly class: string;
  readonly id?: string;
  readonly mode?: "read" | "write";
  readonly scope: Scope;
  /** `proven`: always held there; `likely`: on nearly every path; `possible`: may be held. */
  readonly confidence: Confidence;
  /** One line for the report: `page locked by the fault until finish_fault returns`. */
  readonly because: string;
  readonly era?: Era;
  readonly source: string;
}

/** What the context is doing, whether it waits or not. */
export interface DoingRow {
  readonly kind: "doing";
  readonly fn: readonly string[];
  readonly callers?: readonly string[];
  readonly activity: string;
  readonly era?: Era;
  readonly source: string;
}

/** Frames that say nothing by themselves and are known: scheduler, wrappers, entry code. */
export interface NeutralRow {
  readonly kind: "neutral";
  readonly fn: readonly string[];
  readonly source: string;
}

export type KnowledgeRow = WaitRow | CallerRow | HoldRow | DoingRow | NeutralRow;
