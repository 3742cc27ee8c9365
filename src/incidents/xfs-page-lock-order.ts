/**
 * The same window in XFS: pages of one sweep are under writeback in an ioend that is not submitted while the sweep waits for the
 * lock of the next page. Page locks of a mapping are taken in ascending index; a fault's or a write's accounted allocation under
 * a page lock waits for any page, and so breaks the order. Two sweeps break it among themselves when one wraps to the start of
 * the file in the same call.
 *
 * Thread of Dave Chinner and Jan Kara, November and December 2018; the wrap: commit 64081362e8ff ("mm/page-writeback.c: fix
 * range_cyclic writeback vs writepages deadlock") (v4.20-rc1).
 */

import type { Inode } from "../kernel/fs/inode.ts";
import { vfsFsyncRange } from "../kernel/fs/sync.ts";
import { vfsWrite } from "../kernel/mm/filemap-write.ts";
import { userPageFault } from "../kernel/mm/memory.ts";
import { OOM_SCORE_ADJ_MIN } from "../kernel/mm/mmap.ts";
import type { Resumable } from "../resumable/index.ts";
import { defineIncident } from "./incident.ts";

function* writeAndFsync(file: Inode, start: number, count: number): Resumable {
  yield* vfsWrite(file, start, count);
  yield* vfsFsyncRange(file);
}

export const xfsPageLockOrder = defineIncident({
  id: "xfs-page-lock-order",
  title: "a sweep of XFS writeback, and whoever allocates under a page lock or sweeps the other way",
  source: "Dave Chinner and Jan Kara, 2018-12-05, in the thread of ext4: fix deadlock on dirty pages",
  era: "4.20.0",
  cgroup: "v1",
  parameters: {
    pages: { default: 3, min: 2, max: 16, what: "dirty pages of the file, all charged to the group" },
    faulters: { default: 2, min: 0, max: 8, what: "processes that touch one mapped page each" },
    writers: { default: 0, min: 0, max: 4, what: "tasks that write one page of the file" },
    fsyncers: {
      default: 0,
      min: 0,
      max: 2,
      what: "tasks that write the first pages and fsync; 2 with faulters and writers 0 for the wrap",
    },
    room: { default: 1, min: 0, max: 8, what: "pages that the group may still charge before it has to reclaim" },
    cpus: { default: 1, min: 1, max: 8, what: "CPUs; completion interrupts arrive on the first" },
    timer: { default: 0, min: 0, max: 1, what: "1: the flusher's periodic timer may fire at any time, not only once" },
    killable: { default: 0, min: 0, max: 1, what: "1: the OOM killer may choose the faulting processes" },
    priority: { default: 0, min: 0, max: 12, what: "where reclaim begins; at 0 one pass scans all there is" },
    retries: { default: 1, min: 1, max: 16, what: "fruitless rounds before a charge gives up" },
  },
  fixes: ["prealloc-pte", "nofs-pte", "no-cyclic-wrap", "finish-fault-prealloc"],
  hacks: { "hidden-alloc": "one more accounted allocation under the page lock, in page_mkwrite and write_begin" },
  fixedChoices: [
    "every faulting process is single-threaded and maps the file where it has no page table yet",
    "the OOM killer may not choose the faulting processes (oom_score_adj -1000), unless killable=1",
    "faulters touch the last pages of the file, writers the first",
    "the flusher is told to write all there is when the story begins, later only by who needs it: its timer does not fire again (unless timer=1), which could end a livelock; with fsyncers it does",
    "the group is full of pages of this file but for `room` when the story begins (with hidden-alloc: for the page tables of the faults); writers are outside the group",
    "the last cyclic sweep ended at the last page",
  ],
  cpus: ({ cpus = 1 }) => cpus,
  setup(
    s,
    {
      pages = 3,
      faulters = 2,
      writers = 0,
      fsyncers = 0,
      room = 1,
      timer = 0,
      killable = 0,
      priority = 0,
      retries = 1,
    },
  ) {
    s.memory({ chargeRetries: retries, priority });
    // with the hidden allocation to look for, the page tables fit in
    const tables = s.options.hacks.includes("hidden-alloc") ? faulters : room;
    const group = s.memcg("/a", { max: pages + tables });
    const [disk] = s.disks(pages, { irqCpu: 0 });
    const fs = s.filesystem("xfs", disk!, { periodic: timer > 0 || fsyncers > 0 });
    const file = s.file(fs, { pages, dirty: true, chargedTo: group, writebackIndex: fsyncers > 0 ? pages - 1 : 0 });
    for (let i = 0; i < faulters; i++) {
      const mm = s.process({ oomScoreAdj: killable > 0 ? 0 : OOM_SCORE_ADJ_MIN });
      const vma = s.map(mm, file, { shared: true });
      s.task("fault", { memcg: group, mm, newPages: 1 }, userPageFault, [vma, pages - 1 - (i % pages), true]);
    }
    for (let i = 0; i < writers; i++) s.task("dd", { newPages: 1 }, vfsWrite, [file, i % pages, 1]);
    for (let i = 0; i < fsyncers; i++) s.task("fsync", { memcg: group }, writeAndFsync, [file, 0, i === 0 ? pages : 1]);
  },
});
