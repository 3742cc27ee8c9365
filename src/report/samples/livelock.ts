/**
 * The livelock of the fifth document. The mail shows three stacks and the count 1463; the second input is a
 * synthetic `foreach bt` of that many tasks, so that nothing ever draws or lists a thousand equal waiters.
 */
import type { ContextRef, ContextView, Diagnosis, StuckGroupView, WaitView } from "../../diagnose/types.ts";
import { EMPTY, frames, inputInfo, refOf, type Sample } from "./build.ts";
import { JBD2_MAIL } from "./jbd2-log.ts";

interface Shape {
  readonly comm: string;
  readonly tasks: number;
  readonly wait: WaitView;
  readonly stack: readonly string[];
  readonly says: Readonly<Record<string, string>>;
}

const SCHEDULE = ["__schedule", "schedule"];
const wait = (resource: WaitView["resource"], event: string, because: string): WaitView => ({
  resource, event, sleep: "uninterruptible", any: false, because: `frame ${because}`,
});
const TRANSACTION = { class: "jbd2_transaction", id: "sda2-8" };

const SHAPES: readonly Shape[] = [
  {
    comm: "xx", tasks: 1187, wait: { ...wait({ class: "mmap_lock" }, "unlock", "down_read"), mode: "read" },
    stack: [...SCHEDULE, "schedule_preempt_disabled", "rwsem_down_read_slowpath", "down_read", "do_user_addr_fault", "exc_page_fault", "asm_exc_page_fault"],
    says: { down_read: "waits for mmap_lock, for read", do_user_addr_fault: "handles a page fault" },
  },
  {
    comm: "log-writer", tasks: 231, wait: wait(TRANSACTION, "commit", "wait_transaction_locked"),
    stack: [...SCHEDULE, "wait_transaction_locked [jbd2]", "add_transaction_credits [jbd2]", "start_this_handle [jbd2]", "jbd2__journal_start [jbd2]", "__ext4_journal_start_sb [ext4]", "ext4_dirty_inode [ext4]", "__mark_inode_dirty", "file_update_time", "ext4_buffered_write_iter [ext4]", "vfs_write", "ksys_write", "do_syscall_64"],
    says: { wait_transaction_locked: "waits for the jbd2 transaction to be committed", ext4_buffered_write_iter: "holds i_rwsem for write" },
  },
  {
    comm: "mysqld", tasks: 42, wait: wait({ class: "jbd2_commit", id: "sda2-8" }, "commit", "jbd2_log_wait_commit"),
    stack: [...SCHEDULE, "jbd2_log_wait_commit [jbd2]", "jbd2_complete_transaction [jbd2]", "ext4_sync_file [ext4]", "do_fsync", "__x64_sys_fsync", "do_syscall_64"],
    says: { jbd2_log_wait_commit: "waits for the commit" },
  },
];

const out: string[] = [];
const folded: ContextView[] = [];

function emit(pid: number, comm: string, shape: Pick<Shape, "stack" | "says" | "wait">, role: ContextView["role"], extra: Partial<ContextView> = {}): ContextView {
  const line = out.length + 1;
  out.push(`PID: ${pid}   TASK: ffff8c53${(0xa15b3080 + pid * 64).toString(16)}  CPU: ${pid % 96}   COMMAND: "${comm}"`);
  shape.stack.forEach((fn, at) => {
    const [name, module] = fn.split(" ");
    out.push(` #${at} [ffffa0${(0x12340000 + pid * 256 + at * 8).toString(16)}] ${name} at ffffffff97${(0xabc6c9 + at * 4096).toString(16)}${module === undefined ? "" : ` ${module}`}`);
  });
  const view: ContextView = {
    key: `task:${pid}`, kind: "task", pid, comm, cpu: pid % 96, input: 1, line, state: "D", role, count: 1, doing: [],
    wait: { ...shape.wait, line: line + 3 }, holds: [], frames: frames(out.join("\n"), line, out.length, shape.says), ...extra,
  };
  out.push("");
  return view;
}

function emitFast(pid: number, comm: string, shape: Shape, model: ContextView): ContextView {
  const line = out.length + 1;
  const shift = line - (model.line ?? 1);
  out.push(`PID: ${pid}   TASK: ffff8c53${(0xa15b3080 + pid * 64).toString(16)}  CPU: ${pid % 96}   COMMAND: "${comm}"`);
  shape.stack.forEach((fn, at) => {
    const [name, module] = fn.split(" ");
    out.push(` #${at} [ffffa0${(0x12340000 + pid * 256 + at * 8).toString(16)}] ${name} at ffffffff97${(0xabc6c9 + at * 4096).toString(16)}${module === undefined ? "" : ` ${module}`}`);
  });
  out.push("");
  return { ...model, key: `task:${pid}`, pid, cpu: pid % 96, line, frames: model.frames.map((f) => ({ ...f, line: (f.line ?? 0) + shift })) };
}

const flusher = emit(412, "kworker/u194:2", {
  stack: [...SCHEDULE, "wait_transaction_locked [jbd2]", "add_transaction_credits [jbd2]", "start_this_handle [jbd2]", "jbd2__journal_start [jbd2]", "__ext4_journal_start_sb [ext4]", "ext4_writepages [ext4]", "do_writepages", "__writeback_single_inode", "writeback_sb_inodes", "wb_writeback", "wb_workfn", "process_one_work", "worker_thread", "kthread", "ret_from_fork"],
  says: { wait_transaction_locked: "waits for the jbd2 transaction", ext4_writepages: "writes dirty pages", wb_workfn: "is the flusher of 8:0" },
  wait: wait(TRANSACTION, "commit", "wait_transaction_locked"),
}, "core", { kind: "kworker", workqueue: "writeback wb_workfn (flush-8:0)", doing: ["writeback of bdi 8:0"] });
const commit = emit(771, "jbd2/sda2-8", {
  stack: [...SCHEDULE, "jbd2_journal_wait_updates [jbd2]", "jbd2_journal_commit_transaction [jbd2]", "kjournald2 [jbd2]", "kthread", "ret_from_fork"],
  says: { jbd2_journal_wait_updates: "waits until no handle is open", kjournald2: "is the commit thread" },
  wait: wait({ class: "jbd2_handle", id: "sda2-8" }, "updates_zero", "jbd2_journal_wait_updates"),
}, "core", { doing: ["commit of sda2-8"] });

let pid = 990000;
for (const shape of SHAPES) {
  const model = emit(pid, shape.comm, shape, "victim");
  folded.push(model);
  for (let n = 1; n < shape.tasks; n++) folded.push(emitFast(pid + n, shape.comm, shape, model));
  pid += shape.tasks;
}
const DUMP = out.join("\n");

const handleHolder: ContextView = {
  key: "stack:0:22", kind: "task", input: 0, line: 22, role: "core", count: 1, doing: ["reclaim of a memory cgroup"],
  wait: { resource: { class: "memcg_charge" }, event: "uncharge", sleep: "poll", any: true, because: "frame try_charge_memcg", line: 30 },
  holds: [{ resource: { class: "jbd2_handle", id: "sda2-8" }, confidence: "likely", because: "ext4_create has started a handle that __ext4_new_inode still uses", line: 42 }],
  frames: frames(JBD2_MAIL, 22, 42, {
    shrink_active_list: "scans; finds only dirty pages", try_to_free_mem_cgroup_pages: "is in reclaim of its memory cgroup",
    try_charge_memcg: "charges; retries for ever (__GFP_NOFAIL)", __getblk_gfp: "allocates a buffer with __GFP_NOFAIL",
    __ext4_new_inode: "holds a jbd2 handle",
  }),
};
const mmapOwner: ContextView = {
  key: "stack:0:103", kind: "task", input: 0, line: 103, role: "holder", count: 1, doing: ["reclaim of a memory cgroup"],
  wait: { resource: { class: "lru_lock" }, event: "unlock", sleep: "spin", any: false, because: "frame native_queued_spin_lock_slowpath", line: 103 },
  holds: [{ resource: { class: "mmap_lock" }, mode: "write", confidence: "likely", because: "__split_vma changes the address space", line: 115 }],
  frames: frames(JBD2_MAIL, 103, 115, {
    native_queued_spin_lock_slowpath: "spins on lru_lock", try_charge_memcg: "charges a memory cgroup over its limit",
    __split_vma: "holds mmap_lock for write",
  }),
};

function group(shape: number, heldBy: readonly ContextRef[]): StuckGroupView {
  const views = folded.filter((view) => view.comm === SHAPES[shape]?.comm);
  return {
    waitsFor: SHAPES[shape]?.wait.resource ?? { class: "unknown" }, event: SHAPES[shape]?.wait.event ?? "unlock",
    contexts: views.slice(0, 1000).map(refOf), count: views.length, heldBy, why: [SHAPES[shape]?.wait.because ?? ""],
  };
}

const why = (view: ContextView, fn: string, text: string): string => `frame ${fn} (line ${view.frames.find((f) => f.text.startsWith(fn))?.line}): ${text}`;

const diagnosis: Diagnosis = {
  ...EMPTY,
  inputs: [inputInfo("report.txt", "crash-bt", JBD2_MAIL), inputInfo("foreach-bt.txt", "crash-bt", DUMP)],
  kernel: { pageApi: "page" },
  verdict: "livelock",
  confidence: "likely",
  summary: "a task reclaims at its cgroup's hard limit while it holds a jbd2 handle; the flusher that could clean the pages waits for that handle, and 1,461 more tasks wait behind them.",
  exits: [
    "the OOM victim is reaped and skipped, and the group gets under its limit (no bound: the victim is itself stuck in D)",
    "somebody raises memory.max of the group above its usage (144,747,169 pages)",
    "a clean page turns up in the group: no bound known",
  ],
  core: [
    {
      waiter: refOf(handleHolder), waitsFor: { class: "memcg_charge" }, event: "uncharge", any: true, heldBy: [refOf(flusher)],
      why: [why(handleHolder, "try_charge_memcg", "the charge is over the limit and retries"), "scan_control (line 44): 27,797 of 27,810 pages scanned are dirty and not queued, 0 reclaimed"],
      lines: [{ input: 0, line: 30 }, { input: 0, line: 44 }], confidence: "likely",
    },
    {
      waiter: refOf(flusher), waitsFor: TRANSACTION, event: "commit", any: false, heldBy: [refOf(commit)],
      why: [why(flusher, "wait_transaction_locked", "the transaction is locked and waits for its handles")], lines: [{ input: 1, line: 4 }], confidence: "proven",
    },
    {
      waiter: refOf(commit), waitsFor: { class: "jbd2_handle", id: "sda2-8" }, event: "updates_zero", any: false, heldBy: [refOf(handleHolder)],
      why: [why(commit, "jbd2_journal_wait_updates", "waits until every handle is stopped"), why(handleHolder, "__ext4_new_inode", "runs between handle start and stop")],
      lines: [{ input: 1, line: 22 }, { input: 0, line: 41 }], confidence: "likely",
    },
  ],
  breakers: [refOf(handleHolder)],
  stuckBehind: [group(0, [refOf(mmapOwner)]), group(1, [refOf(commit)]), group(2, [refOf(commit)])],
  contexts: 1464,
  knownBugs: [{
    id: "jbd2-memcg-oom", title: "memcg reclaim with an open jbd2 handle at the hard limit",
    affected: "all kernels that reclaim in try_charge_memcg under a handle; 5.15.0 up to the point release that forces __GFP_NOFAIL charges before OOM",
    today: "raise memory.max of the group, or write to memory.reclaim of its children from outside; keep dirty pages low with memory.high",
    match: 0.9, incident: "jbd2-memcg-oom", why: ["a charge under a jbd2 handle loops in reclaim", "the commit thread waits for that handle"],
  }],
  answers: [
    { question: "Who holds the jbd2 handle?", answer: "A bare stack at line 22: it is between handle start and stop in ext4_create.", lines: [{ input: 0, line: 22 }] },
    { question: "Which task matters among 1,463?", answer: "The one in line 22; released, it frees everybody.", lines: [{ input: 0, line: 22 }, { input: 0, line: 125 }] },
    { question: "Which GFP mask is 17861706?", answer: "0x1108c4a, in 5.15's numbering: GFP_NOFS|__GFP_HIGHMEM|__GFP_MOVABLE|__GFP_HARDWALL|__GFP_NOFAIL and bit 0x1000000. No __GFP_FS: reclaim may not call into the file system; __GFP_NOFAIL: the charge may not fail.", lines: [{ input: 0, line: 49 }] },
    { question: "How far over its limit is the group?", answer: "144,747,169 pages against 134,896,020: 9,851,149 pages, 37.6 GiB over.", lines: [{ input: 0, line: 69 }, { input: 0, line: 70 }] },
  ],
  advice: ["Raise memory.max of the group above 552 GB: the charge succeeds and the handle is stopped."],
  missing: [{ fact: "whether any page of the group was cleaned between two moments (progress)", command: "for i in 1 2; do grep -E 'file_(dirty|writeback)|pgsteal' /sys/fs/cgroup/GROUP/memory.stat; cat /proc/diskstats; sleep 10; done" }],
  assumptions: ["submitted bios complete", "the bare stack of line 22 runs on the file system whose commit thread waits (only one is shown)"],
  details: [handleHolder, flusher, commit, mmapOwner, ...folded],
  unparsed: { count: 71, first: { input: 0, line: 1, text: "[PATCH 1/2] mm: memcg: introduce PF_MEMALLOC_ACCOUNTFORCE to postpone reclaim to return-to-userland path" } },
};

export const livelock: Sample = {
  name: "livelock", diagnosis,
  sources: [{ name: "report.txt", text: JBD2_MAIL }, { name: "foreach-bt.txt", text: DUMP }],
};
