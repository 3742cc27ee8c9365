/** Memory cgroups, their counters and LRU lists. */

import type { List } from "../../resumable/index.ts";
import { bool, Entity, fields, ghost, int, list, ref, value } from "../../resumable/index.ts";
import type { SpinLock } from "../locking/spinlock.ts";
import type { Task } from "../sched/task.ts";
import type { Page } from "./page.ts";

/** `PAGE_COUNTER_MAX`: no limit. */
export const PAGE_COUNTER_MAX = 0x3fffffff;

/** `struct page_counter`, in pages. */
export class PageCounter extends Entity {
  declare usage: number;
  declare max: number;
  declare high: number;
  declare low: number;
  declare min: number;
  declare parent: PageCounter | undefined;
  /** Statistic: failed charges. */
  declare failcnt: number;
  /** Statistic: highest usage. */
  declare watermark: number;
  static {
    fields(PageCounter, {
      usage: int,
      max: int,
      high: int,
      low: int,
      min: int,
      parent: ref,
      failcnt: ghost,
      watermark: ghost,
    });
  }
}

export type LruKind = "inactive_anon" | "active_anon" | "inactive_file" | "active_file";

/** One LRU list; its tail, which reclaim takes first, is the end of the list. */
export class LruList extends Entity {
  declare kind: LruKind;
  declare pages: List<Page>;
  declare lruvec: Lruvec;
  static {
    fields(LruList, { kind: value, pages: list("pages"), lruvec: ref });
  }
}

/** `struct lruvec` of a memcg (one node). `lock` is shared as the era says: by zone, node, or of its own. */
export class Lruvec extends Entity {
  declare lock: SpinLock;
  declare inactiveAnon: LruList;
  declare activeAnon: LruList;
  declare inactiveFile: LruList;
  declare activeFile: LruList;
  declare memcg: MemCgroup | undefined;
  /** LRUVEC_CONGESTED: every dirty page that reclaim met was under writeback and marked for reclaim. */
  declare congested: boolean;
  static {
    fields(Lruvec, {
      lock: ref,
      inactiveAnon: ref,
      activeAnon: ref,
      inactiveFile: ref,
      activeFile: ref,
      memcg: ref,
      congested: bool,
    });
  }
}

/** `struct mem_cgroup`. The root is one too, but is never charged. */
export class MemCgroup extends Entity {
  /** Path in the cgroup hierarchy, `/` for the root. */
  declare path: string;
  declare parent: MemCgroup | undefined;
  declare children: List<MemCgroup>;
  declare memory: PageCounter;
  /** v1: memory and swap together. */
  declare memsw: PageCounter;
  /** v1: kernel memory. */
  declare kmem: PageCounter;
  declare lruvec: Lruvec;
  /** How many charge moves of tasks out of this group are in progress. */
  declare movingAccount: number;
  declare moveLock: SpinLock;
  /** Who holds {@link moveLock} in a page-stat section, and the interrupt flag it saved. */
  declare moveLockTask: Task | undefined;
  declare moveLockFlags: boolean;
  /** v1 memory.move_charge_at_immigrate: bit 0 anonymous, bit 1 file pages. */
  declare moveChargeAtImmigrate: number;
  /** v1 memory.oom_control. */
  declare oomKillDisable: boolean;
  declare underOom: number;
  declare oomLock: boolean;
  /** Tasks in the group, for the OOM killer. */
  declare tasks: List<Task>;
  /** Statistics: memory.events. */
  declare eventsMax: number;
  declare eventsHigh: number;
  declare eventsLow: number;
  declare eventsOom: number;
  declare eventsOomKill: number;
  /** Statistics: pages by state, for memory.stat and the invariants. */
  declare nrFileDirty: number;
  declare nrWriteback: number;
  static {
    fields(
      MemCgroup,
      {
        path: value,
        parent: ref,
        children: list("memcgs"),
        memory: ref,
        memsw: ref,
        kmem: ref,
        lruvec: ref,
        movingAccount: int,
        moveLock: ref,
        moveLockTask: ref,
        moveLockFlags: bool,
        moveChargeAtImmigrate: int,
        oomKillDisable: bool,
        underOom: int,
        oomLock: bool,
        tasks: list("contexts"),
        eventsMax: ghost,
        eventsHigh: ghost,
        eventsLow: ghost,
        eventsOom: ghost,
        eventsOomKill: ghost,
        nrFileDirty: ghost,
        nrWriteback: ghost,
      },
      "memcg",
    );
  }
}
