/**
 * Kernel threads whose name says what they will raise, even when a report shows only the top of their stack.
 * The names are the kernel's own; user tasks cannot be in this table.
 */
import type { Scope } from "../knowledge/types.ts";

export interface ThreadRole {
  readonly name: RegExp;
  readonly class: string;
  readonly id?: string;
  readonly scope: Scope;
  readonly because: string;
  readonly source: string;
}

export const threadRoles: readonly ThreadRole[] = [
  {
    name: /^cpuhp\/\d+$/,
    class: "completion",
    id: "cpuhp_ap",
    scope: "global",
    because: "is the hotplug thread of its CPU: it completes the step that was kicked",
    source: "kernel/cpu.c:cpuhp_thread_fun",
  },
  {
    name: /^jbd2?\/./,
    class: "jbd2_commit",
    scope: "journal",
    because: "is the journal's commit thread",
    source: "fs/jbd2/journal.c:jbd2_journal_start_thread",
  },
  {
    name: /^jbd2?\/./,
    class: "jbd2_transaction",
    scope: "journal",
    because: "is the journal's commit thread: it lets new handles start once it has switched transactions",
    source: "fs/jbd2/commit.c:jbd2_journal_commit_transaction",
  },
  {
    name: /^kworker\/.*\+flush-|^flush-\d+:\d+$/,
    class: "writeback_work",
    scope: "device",
    because: "is the flusher of its device",
    source: "fs/fs-writeback.c:wb_workfn (set_worker_desc)",
  },
  {
    name: /^loop\d+$/,
    class: "device_io",
    scope: "device",
    because: "does the I/O of its loop device",
    source: "drivers/block/loop.c:loop_kthread_worker_fn (before 5.14)",
  },
];
