/**
 * What readers make of logs, dumps and counters. Nothing here interprets: a task record says
 * "this stack was printed at this line", knowledge and diagnosis say what it means.
 */

/** One frame of a stack as printed; symbols keep the kernel's spelling. */
export interface Frame {
  /** Normalised symbol: without `.isra.0`, `.part.1`, `.constprop.2`, `.cold`. Empty when only an address was printed. */
  readonly symbol: string;
  /** Symbol as printed, when it differs from `symbol`. */
  readonly printed?: string;
  /** Bytes into the function, and its size, from `sym+0x12/0x34`. */
  readonly offset?: number;
  readonly size?: number;
  readonly module?: string;
  /** Printed with `?`, or offset past the end of the symbol (a trampoline stands in place of the caller). */
  readonly unreliable?: boolean;
  /** syzkaller-style `[inline]` frame. */
  readonly inlined?: boolean;
}

/** A stack, shared by every record that shows the same frames. */
export interface Stack {
  readonly id: number;
  /** Innermost first, as printed. */
  readonly frames: readonly Frame[];
  /** Symbols of the reliable frames, innermost first. */
  readonly names: readonly string[];
}

/** Scheduler state letter as printed; `R` also for a CPU's current task. */
export type TaskState = "R" | "S" | "D" | "T" | "t" | "X" | "Z" | "P" | "I" | "W" | "K";

/** One printing of one task: header (where there is one) and stack. */
export interface TaskRecord {
  /** Index into {@link Evidence.inputs}. */
  readonly input: number;
  /** Index into {@link Evidence.origins}; absent means 0. */
  readonly origin?: number;
  /** Line (1-based) of the header, or of the first frame when there is no header. */
  readonly line: number;
  /** Last line that belongs to the record. */
  readonly lastLine: number;
  /** Index into {@link Evidence.snapshots}. */
  readonly snapshot: number;
  readonly format: string;
  readonly pid?: number;
  readonly tgid?: number;
  readonly ppid?: number;
  readonly comm?: string;
  readonly cpu?: number;
  readonly state?: TaskState;
  /** Seconds of printk time of the header. */
  readonly time?: number;
  readonly stack: Stack;
  /** Line of each frame of `stack.frames`; absent when the record was stored compactly (very large inputs). */
  readonly frameLines?: readonly number[];
  /** From `INFO: task ... blocked for more than N seconds`. */
  readonly blockedSeconds?: number;
  /** `Workqueue: writeback wb_workfn (flush-8:0)`. */
  readonly workqueue?: { readonly name: string; readonly work?: string; readonly description?: string };
  /** Newer hung_task: `blocked on a mutex likely owned by task comm:pid`. */
  readonly likelyOwner?: {
    readonly lock: "mutex" | "rwsem" | "semaphore" | "lock";
    readonly mode?: "reader" | "writer";
    readonly pid: number;
    readonly comm?: string;
    readonly line: number;
  };
  /** Text before a bare stack that names it, e.g. `OOM kill victim:`. */
  readonly title?: string;
  /**
   * Hash of the user-mode registers printed under the stack (`RIP: 0033:...` and what follows). They are frozen while a task
   * sits in one system call or page fault: two printings that differ prove that it got on in between.
   */
  readonly userRegs?: string;
  /** wchan where the collection prints it. */
  readonly wchan?: string;
  /** More than one equal task folded into this record (histograms of stacks, very large inputs); absent means 1. */
  readonly count?: number;
  /** The dump broke off inside this record. */
  readonly truncated?: boolean;
}

/** One printing of a set of tasks at one moment. */
export interface Snapshot {
  readonly kind: "hung_task" | "sysrq-w" | "sysrq-t" | "sysrq-l" | "proc-stack" | "crash-bt" | "lockup" | "other";
  readonly input: number;
  /** Index into {@link Evidence.origins}; absent means 0. */
  readonly origin?: number;
  readonly line: number;
  readonly time?: number;
  /** Every blocked task of the host is in it (SysRq-w, SysRq-t, `foreach bt`), as far as the text is not cut. */
  readonly complete: boolean;
}

/** One entry of a lockdep list of held locks. */
export interface HeldLock {
  readonly index: number;
  readonly address?: string;
  /** Class name as printed, e.g. `&type->s_umount_key#25`. */
  readonly name: string;
  /** Function after `at:`. */
  readonly at?: string;
  /** Line (1-based). */
  readonly line: number;
}
export interface HeldLockList {
  readonly input: number;
  /** Index into {@link Evidence.origins}; absent means 0. */
  readonly origin?: number;
  readonly line: number;
  readonly snapshot?: number;
  readonly pid: number;
  readonly comm: string;
  readonly locks: readonly HeldLock[];
}

/** One message of the OOM killer or its reaper. */
export interface OomReport {
  readonly kind: "invoked" | "usage" | "killed" | "reaped" | "unable-to-reap" | "no-killable";
  readonly input: number;
  /** Index into {@link Evidence.origins}; absent means 0. */
  readonly origin?: number;
  readonly line: number;
  readonly time?: number;
  readonly comm?: string;
  readonly pid?: number;
  readonly gfpMask?: number;
  /** Flags as the kernel printed them. */
  readonly gfpText?: string;
  readonly order?: number;
  readonly scope: "memcg" | "global" | "unknown";
  readonly memcg?: string;
  readonly usageKb?: number;
  readonly limitKb?: number;
  readonly failcnt?: number;
}

/** Counters of one thing at one moment; keys are the file's own (`sectors_written`, `nr_dirty`, `total_writeback`). */
export interface Sample {
  readonly source:
    | "diskstats"
    | "vmstat"
    | "memory.stat"
    | "memcg"
    | "pressure"
    | "meminfo"
    | "page_counter"
    | "ps"
    | "sched";
  readonly input: number;
  /** Index into {@link Evidence.origins}; absent where nothing but this was found there, or when there is only one. */
  readonly origin?: number;
  readonly line: number;
  readonly time?: number;
  /** Device, cgroup file or state letter the values belong to. */
  readonly key: string;
  readonly values: Readonly<Record<string, number>>;
}

/** The log itself says that a device or a server has trouble, or recovered. */
export interface DeviceTrouble {
  readonly kind: "io-error" | "timeout" | "abort" | "reset" | "offline" | "server-not-responding" | "recovered";
  readonly device?: string;
  readonly input: number;
  /** Index into {@link Evidence.origins}; absent means 0. */
  readonly origin?: number;
  readonly line: number;
  readonly time?: number;
  readonly text: string;
}

/** Soft or hard lockup, RCU stall: a CPU that does not get on. The task's stack is a {@link TaskRecord} of its own. */
export interface LockupReport {
  readonly kind: "soft-lockup" | "hard-lockup" | "rcu-stall" | "workqueue-lockup";
  readonly input: number;
  /** Index into {@link Evidence.origins}; absent means 0. */
  readonly origin?: number;
  readonly line: number;
  readonly time?: number;
  readonly cpu?: number;
  readonly seconds?: number;
  readonly pid?: number;
  readonly comm?: string;
}

/** One workqueue of a `Showing busy workqueues` dump. */
export interface WorkqueueState {
  readonly input: number;
  /** Index into {@link Evidence.origins}; absent means 0. */
  readonly origin?: number;
  readonly line: number;
  readonly name: string;
  readonly active?: number;
  readonly maxActive?: number;
  /** `pid:function` of works in flight, function names of pending and delayed ones. */
  readonly inFlight: readonly { readonly pid?: number; readonly fn: string }[];
  readonly pending: readonly string[];
}

/** A `struct scan_control` printed by a debugger. Numbers as printed. */
export interface ScanControl {
  readonly input: number;
  /** Index into {@link Evidence.origins}; absent where nothing but this was found there, or when there is only one. */
  readonly origin?: number;
  readonly line: number;
  readonly values: Readonly<Record<string, number>>;
}

/** A lockdep report. Its stacks are no blocked contexts. */
export interface LockdepSplat {
  readonly input: number;
  /** Index into {@link Evidence.origins}; absent where nothing but this was found there, or when there is only one. */
  readonly origin?: number;
  readonly line: number;
  readonly title: string;
  /** Locks named in the report, in the order printed. */
  readonly locks: readonly string[];
}

export interface InputInfo {
  readonly name: string;
  /** The format with most records; `unknown` when nothing was recognised. */
  readonly format: string;
  /** Every format seen in it. */
  readonly formats: readonly string[];
  readonly bytes: number;
  readonly lines: number;
  readonly compression?: "gzip" | "xz" | "zstd";
  /** What went wrong on the way: damaged compression, a size limit. Each a sentence for people. */
  readonly notes?: readonly string[];
}

/**
 * One boot of one machine. Tasks, locks and devices of two origins have nothing to do with each other, even when pids,
 * addresses and names are the same. Empty when nothing but counters was found.
 */
export interface Origin {
  /** As the syslog or journal prefix names it. */
  readonly host?: string;
  /** Number of boots of this machine before this one, as far as they left evidence. */
  readonly boot: number;
  /** Line (1-based) where it begins, and its index into {@link Evidence.inputs}. */
  readonly line: number;
  readonly input: number;
}

export interface Evidence {
  readonly inputs: readonly InputInfo[];
  readonly origins: readonly Origin[];
  /** `uname -r` as first printed. */
  readonly release?: string;
  readonly snapshots: readonly Snapshot[];
  readonly tasks: readonly TaskRecord[];
  readonly heldLocks: readonly HeldLockList[];
  readonly ooms: readonly OomReport[];
  readonly samples: readonly Sample[];
  readonly troubles: readonly DeviceTrouble[];
  readonly lockups: readonly LockupReport[];
  readonly workqueues: readonly WorkqueueState[];
  readonly scanControls: readonly ScanControl[];
  readonly splats: readonly LockdepSplat[];
  /** Lines that no reader knew (not counting blank ones), and the first of them. */
  readonly unparsed: {
    readonly count: number;
    readonly first?: { readonly input: number; readonly line: number; readonly text: string };
  };
  /** Lines longer than 64 KiB, cut there. */
  readonly cutLines: number;
  /** Records left out because an input was too large to keep them all; every one is still counted. */
  readonly compacted: number;
}
