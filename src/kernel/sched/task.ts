/**
 * Who runs: tasks (with kernel threads and interrupt contexts among them) and CPUs.
 */

import type { List } from "../../resumable/index.ts";
import { bool, Entity, fields, ghost, int, list, ref, value } from "../../resumable/index.ts";
import type { Bio } from "../block/bio.ts";
import type { MemCgroup } from "../mm/memcg-types.ts";
import type { MmStruct } from "../mm/mm-types.ts";

/** What a context is to the scheduler. */
export type TaskKind = "task" | "kworker" | "kthread" | "hardirq" | "softirq";

/** A thread of execution: `task_struct`, and likewise the context of an interrupt handler. */
export class Task extends Entity {
  /** Its number in the machine. */
  declare context: number;
  declare pid: number;
  declare comm: string;
  declare kind: TaskKind;
  /** The CPU it is on; tasks do not migrate. */
  declare cpu: Cpu;
  /** `PF_*` bits, see gfp.ts. */
  declare flags: number;
  declare mm: MmStruct | undefined;
  /** The cgroup of its memory controller. */
  declare memcg: MemCgroup | undefined;
  /** SIGKILL is pending. */
  declare fatalSignal: boolean;
  /** Chosen by the OOM killer: TIF_MEMDIE, and its mm is `signal->oom_mm`. */
  declare oomVictim: boolean;
  /** Depth of rcu_read_lock() sections. */
  declare rcuDepth: number;
  /** Spinlocks held and preempt_disable() sections. */
  declare preemptCount: number;
  /** Waits in a rwsem's queue as a writer. */
  declare rwsemWrite: boolean;
  /** A queued lock or bit was handed to it by the releaser. */
  declare granted: boolean;
  /** How often it was woken for PG_locked and lost it again (5.9: `sysctl_page_lock_unfairness`). */
  declare lockLost: number;
  /** Open plug (`current->plug`): bios that were submitted but not yet given to the device. */
  declare plug: List<Bio>;
  /** A plug is open. */
  declare plugged: boolean;
  /** Handle of a running transaction (`current->journal_info`). */
  declare journalInfo: Entity | undefined;
  /** `current->reclaim_state`, and what try_charge left to do on return to user mode. */
  declare memcgNrPagesOverHigh: number;
  /** What was forced in an account-force scope: pages to reclaim on return to user mode. */
  declare memcgNrPagesOverMax: number;
  /** TIF_NOTIFY_RESUME. */
  declare notifyResume: boolean;
  /** `current->memcg_in_oom`, recorded for pagefault_out_of_memory(). */
  declare memcgInOom: MemCgroup | undefined;
  /** `in_user_fault` (`memcg_may_oom` before 4.19): a memcg OOM may be left to the end of the page fault. */
  declare inUserFault: boolean;
  /** `vmf->prealloc_pte` of the fault in progress: whom the page table is charged to. */
  declare preallocPte: MemCgroup | undefined;
  /** Statistic: voluntary context switches. */
  declare nvcsw: number;
  /** Work that a kworker executes, for the `Workqueue:` line. */
  declare workName: string | undefined;
  static {
    fields(Task, {
      context: int,
      pid: int,
      comm: value,
      kind: value,
      cpu: ref,
      flags: int,
      mm: ref,
      memcg: ref,
      fatalSignal: bool,
      oomVictim: bool,
      rcuDepth: int,
      preemptCount: int,
      rwsemWrite: bool,
      granted: bool,
      lockLost: int,
      plug: list("bios"),
      plugged: bool,
      journalInfo: ref,
      memcgNrPagesOverHigh: int,
      memcgNrPagesOverMax: int,
      notifyResume: bool,
      memcgInOom: ref,
      inUserFault: bool,
      preallocPte: ref,
      nvcsw: ghost,
      workName: value,
    });
  }
  /** `dd/12`, as witnesses name it. */
  override toString(): string {
    return `${this.comm}/${this.pid}`;
  }
}

/** A processor: its interrupt flag, and what runs on top of what. */
export class Cpu extends Entity {
  declare number: number;
  /** Local interrupts are disabled. */
  declare irqsOff: boolean;
  /** Handlers that run on top of the task, innermost last. */
  declare irqStack: List<Task>;
  /** The task that may not be preempted here: it holds or spins for a spinlock, or has interrupts off. */
  declare pinned: Task | undefined;
  /** Charge stock of this CPU (`memcg_stock_pcp`): whose, and how many pages. */
  declare stockMemcg: MemCgroup | undefined;
  declare stockPages: number;
  static {
    fields(Cpu, { number: int, irqsOff: bool, irqStack: list(4), pinned: ref, stockMemcg: ref, stockPages: int });
  }
}
