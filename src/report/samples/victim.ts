/** The median report: one task, the victim. SOURCE: the shape of the first document's dirtier, alone in its log. */
import type { ContextView, Diagnosis } from "../../diagnose/types.ts";
import { ABBA_LOG } from "./abba-log.ts";
import { EMPTY, frames, inputInfo, refOf, type Sample } from "./build.ts";

const LOG = ABBA_LOG.split("\n").slice(151, 180).join("\n");

const task: ContextView = {
  key: "task:71", kind: "task", pid: 71, comm: "dirtier0", input: 0, line: 4, state: "D", blockedSeconds: 10, role: "victim", count: 1,
  doing: ["buffered write"],
  wait: { resource: { class: "PG_locked" }, event: "unlock", sleep: "uninterruptible", any: false, because: "frame __filemap_get_folio", line: 12 },
  holds: [{ resource: { class: "i_rwsem" }, mode: "write", confidence: "proven", because: "ext4_buffered_write_iter takes it for the whole write", line: 17 }],
  frames: frames(LOG, 5, 21, {
    folio_wait_bit_common: "sleeps on a page bit", __filemap_get_folio: "waits for PG_locked", ext4_da_write_begin: "prepares a write to this page",
    ext4_buffered_write_iter: "holds i_rwsem for write",
  }),
};

const diagnosis: Diagnosis = {
  ...EMPTY,
  inputs: [inputInfo("-", "hung_task", LOG)],
  kernel: { release: "6.1.192-labi", pageApi: "folio" },
  verdict: "unknown",
  confidence: "possible",
  summary: "dirtier0 (71) is a victim: it waits for the lock of a page, and whoever holds that page is not in this log.",
  contexts: 1,
  stuckBehind: [{ waitsFor: { class: "PG_locked" }, event: "unlock", contexts: [refOf(task)], count: 1, heldBy: [], why: ["frame __filemap_get_folio (line 12): waits for PG_locked"] }],
  answers: [{
    question: "Is a submitted I/O simply not completing?",
    answer: "It may be: a page stays locked while it is read in. A second task in this log would tell.", lines: [{ input: 0, line: 12 }],
  }],
  advice: ["Do not reboot yet: the holder is still there to be seen."],
  missing: [
    { fact: "who holds the page: every blocked task, not only the reported one", command: "echo w > /proc/sysrq-trigger; dmesg > blocked.txt" },
    { fact: "who holds it while running or in reclaim (such tasks reset the hung-task detector)", command: "echo t > /proc/sysrq-trigger; dmesg > all-tasks.txt" },
    { fact: "whether the disk still writes: twice, ten seconds apart", command: "cat /proc/diskstats; sleep 10; cat /proc/diskstats" },
  ],
  assumptions: ["submitted bios complete"],
  details: [task],
};

export const victim: Sample = { name: "victim", diagnosis, sources: [{ name: "-", text: LOG }] };
