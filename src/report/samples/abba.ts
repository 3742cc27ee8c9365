/** The deadlock of the first document, as a kernel of 2025 prints it. SOURCE: see abba-log.ts. */
import type { ContextView, Diagnosis } from "../../diagnose/types.ts";
import { ABBA_LOG } from "./abba-log.ts";
import { EMPTY, frames, inputInfo, refOf, type Sample } from "./build.ts";

const flusher: ContextView = {
  key: "task:24", kind: "kworker", pid: 24, comm: "kworker/u4:1", input: 0, line: 4, state: "D", blockedSeconds: 10,
  workqueue: "writeback wb_workfn (flush-254:0)", role: "core", count: 1, doing: ["writeback of bdi 254:0"],
  wait: { resource: { class: "PG_locked" }, event: "unlock", sleep: "uninterruptible", any: false, because: "frame __folio_lock", line: 13 },
  holds: [{
    resource: { class: "PG_writeback" }, confidence: "likely", line: 15,
    because: "ext4_writepages has set PG_writeback on the pages in its bio and has not submitted it yet",
  }],
  frames: frames(ABBA_LOG, 8, 37, {
    __folio_lock: "waits for PG_locked",
    ext4_writepages: "holds PG_writeback (unsubmitted bio)",
    writeback_sb_inodes: "holds I_SYNC",
    wb_workfn: "is the flusher of 254:0",
  }),
};

function faulter(pid: number, comm: string, line: number, role: "core" | "victim"): ContextView {
  const from = line + 1;
  return {
    key: `task:${pid}`, kind: "task", pid, comm, input: 0, line, state: "D", blockedSeconds: 10, role, count: 1,
    doing: ["page fault", "memcg charge", "reclaim"],
    wait: {
      resource: { class: "PG_writeback" }, event: "end_writeback", sleep: "uninterruptible", any: false,
      because: "frame folio_wait_writeback", line: line + 8,
    },
    holds: role === "victim" ? [] : [{
      resource: { class: "PG_locked" }, confidence: "likely", because: "finish_fault maps a page that the fault locked", line: line + 21,
    }],
    frames: frames(ABBA_LOG, from, line + 30, {
      folio_wait_writeback: "waits for PG_writeback",
      shrink_lruvec: "reclaims; v1 memcg: waits for writeback",
      try_to_free_mem_cgroup_pages: "is in reclaim of its memory cgroup",
      pte_alloc_one: "charges a page table to the cgroup",
      finish_fault: "holds PG_locked",
      do_user_addr_fault: "holds mmap_lock for read",
    }),
  };
}

const first = faulter(69, "pmdfault1", 79, "core");
const second = faulter(68, "pmdfault0", 41, "victim");
const third = faulter(70, "pmdfault2", 117, "victim");
const dirtier: ContextView = {
  key: "task:71", kind: "task", pid: 71, comm: "dirtier0", input: 0, line: 155, state: "D", blockedSeconds: 10, role: "victim", count: 1,
  doing: ["buffered write"], holds: [{ resource: { class: "i_rwsem" }, mode: "write", confidence: "proven", because: "ext4_buffered_write_iter takes it for the whole write", line: 168 }],
  wait: { resource: { class: "PG_locked" }, event: "unlock", sleep: "uninterruptible", any: false, because: "frame __filemap_get_folio", line: 163 },
  frames: frames(ABBA_LOG, 156, 172, { __filemap_get_folio: "waits for PG_locked", ext4_buffered_write_iter: "holds i_rwsem for write" }),
};
const syncer: ContextView = {
  key: "task:72", kind: "task", pid: 72, comm: "syncer", input: 0, line: 184, state: "D", blockedSeconds: 10, role: "victim", count: 1,
  doing: ["sync"], holds: [{ resource: { class: "s_umount" }, mode: "read", confidence: "proven", because: "iterate_supers holds it around each file system", line: 195 }],
  wait: { resource: { class: "writeback_work", id: "254:0" }, event: "complete", sleep: "uninterruptible", any: false, because: "frame wb_wait_for_completion", line: 190 },
  frames: frames(ABBA_LOG, 185, 202, { wb_wait_for_completion: "waits for the flusher", iterate_supers: "holds s_umount for read" }),
};

const diagnosis: Diagnosis = {
  ...EMPTY,
  inputs: [inputInfo("kernel.log", "hung_task", ABBA_LOG)],
  kernel: { release: "6.1.192-labi", pageApi: "folio" },
  verdict: "deadlock",
  confidence: "likely",
  summary: "kworker/u4:1 (24) and pmdfault1 (69) wait for each other for ever.",
  core: [
    {
      waiter: refOf(flusher), waitsFor: { class: "PG_locked" }, event: "unlock", any: false, heldBy: [refOf(first)],
      why: [
        "frame __folio_lock (line 13): waits for PG_locked in ext4_writepages",
        "frame finish_fault (line 100): the fault holds PG_locked of the page while it charges a page table",
      ],
      lines: [{ input: 0, line: 13 }, { input: 0, line: 100 }], confidence: "likely",
    },
    {
      waiter: refOf(first), waitsFor: { class: "PG_writeback" }, event: "end_writeback", any: false, heldBy: [refOf(flusher)],
      why: [
        "frame folio_wait_writeback (line 87): legacy memcg reclaim waits for writeback to end",
        "frame ext4_writepages (line 15): pages under writeback in a bio that this task has not submitted",
      ],
      lines: [{ input: 0, line: 87 }, { input: 0, line: 15 }], confidence: "likely",
    },
  ],
  breakers: [refOf(flusher), refOf(first)],
  stuckBehind: [
    { waitsFor: { class: "PG_writeback" }, event: "end_writeback", contexts: [refOf(second), refOf(third)], count: 2, heldBy: [refOf(flusher)], why: ["frame folio_wait_writeback (line 49)"] },
    { waitsFor: { class: "PG_locked" }, event: "unlock", contexts: [refOf(dirtier)], count: 1, heldBy: [refOf(first)], why: ["frame __filemap_get_folio (line 163)"] },
    { waitsFor: { class: "writeback_work", id: "254:0" }, event: "complete", contexts: [refOf(syncer)], count: 1, heldBy: [refOf(flusher)], why: ["frame wb_wait_for_completion (line 190)"] },
  ],
  contexts: 6,
  knownBugs: [{
    id: "memcg-writeback-abba", title: "mm, memcg: fix reclaim deadlock with writeback",
    fix: "63f3655f9501 (\"mm, memcg: fix reclaim deadlock with writeback\") (v5.0)",
    affected: "4.2 up to 4.20 with the v1 memory controller and kernel memory accounting; fixed in 5.0, 4.20.3, 4.19.16, 4.14.94, 4.9.151",
    today: "boot with cgroup.memory=nokmem, or move the workload to cgroup v2, where reclaim does not wait for writeback",
    match: 0.96, incident: "memcg-writeback-abba",
    why: ["a page fault charges a page table under PG_locked", "the flusher blocks on PG_locked with an unsubmitted bio"],
  }],
  answers: [
    { question: "Is a submitted I/O simply not completing?", answer: "No: the bio with the pages under writeback was never submitted; the device owes nothing.", lines: [{ input: 0, line: 15 }] },
    { question: "Which task matters among the six?", answer: "pmdfault1 (pid 69) and kworker/u4:1 (pid 24); the four others wait behind them.", lines: [{ input: 0, line: 4 }, { input: 0, line: 79 }] },
  ],
  advice: [
    "Save the log and a SysRq-w dump, then reset the machine: no signal ends these waits.",
    "Take a kernel with the fix, or boot with cgroup.memory=nokmem until then.",
  ],
  missing: [{ fact: "the address of the page both wait for (it would make the verdict proven)", command: "echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger   # needs kdump; then: crash> bt -FF 24" }],
  assumptions: ["submitted bios complete", "the page that the fault holds locked is the one the flusher wants (same file system, not the same address)"],
  details: [first, flusher, second, third, dirtier, syncer],
  unknownFrames: [{ symbol: "trace_clock_x86_tsc", count: 8 }],
  unparsed: { count: 1, first: { input: 0, line: 199, text: "LAB: t=15 D-state=6 usage=16777216 failcnt=12 wb=writeback 2859008" } },
};

export const abba: Sample = { name: "abba", diagnosis, sources: [{ name: "kernel.log", text: ABBA_LOG }] };
