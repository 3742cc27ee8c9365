/**
 * A page fault charges a page table to its full v1 memcg while it holds the page lock; reclaim waits for the writeback of a
 * page that sits in the flusher's unsubmitted bio; the flusher waits for the page lock.
 *
 * "mm, memcg: fix reclaim deadlock with writeback" (Michal Hocko, 11 December 2018), commit 63f3655f9501 (v5.0-rc2).
 */
import { vfsWrite } from "../kernel/mm/filemap-write.ts";
import { userPageFault } from "../kernel/mm/memory.ts";
import { OOM_SCORE_ADJ_MIN } from "../kernel/mm/mmap.ts";
import { defineIncident } from "./incident.ts";

export const memcgWritebackAbba = defineIncident({
  id: "memcg-writeback-abba",
  title: "page fault, memcg reclaim and the flusher wait for each other's pages",
  source: "[PATCH] mm, memcg: fix reclaim deadlock with writeback, Michal Hocko, 2018-12-11",
  era: "4.20.0",
  cgroup: "v1",
  parameters: {
    pages: { default: 3, min: 2, max: 16, what: "dirty pages of the file, all charged to the group" },
    faulters: { default: 2, min: 1, max: 8, what: "processes that touch one mapped page each" },
    writers: { default: 0, min: 0, max: 4, what: "tasks that write one page of the file" },
    room: { default: 1, min: 0, max: 8, what: "pages that the group may still charge before it has to reclaim" },
    cpus: { default: 1, min: 1, max: 8, what: "CPUs; completion interrupts arrive on the first" },
    timer: { default: 0, min: 0, max: 1, what: "1: the flusher's periodic timer may fire at any time, not only once" },
    killable: { default: 0, min: 0, max: 1, what: "1: the OOM killer may choose the faulting processes" },
    priority: { default: 0, min: 0, max: 12, what: "where reclaim begins; at 0 one pass scans all there is" },
    retries: { default: 1, min: 1, max: 16, what: "fruitless rounds before a charge gives up" },
  },
  fixes: ["prealloc-pte", "submit-before-lock", "nofs-pte", "finish-fault-prealloc"],
  fixedChoices: [
    "every faulting process is single-threaded and maps the file where it has no page table yet",
    "the OOM killer may not choose the faulting processes (oom_score_adj -1000), unless killable=1",
    "faulters touch the last pages of the file, writers the first",
    "the flusher is told to write all there is when the story begins, later only by who needs it: its timer does not fire again (unless timer=1), which could end a livelock",
    "the group is full of pages of this file but for `room` when the story begins; writers are outside the group",
  ],
  cpus: ({ cpus = 1 }) => cpus,
  setup(s, { pages = 3, faulters = 2, writers = 0, room = 1, timer = 0, killable = 0, priority = 0, retries = 1 }) {
    s.memory({ chargeRetries: retries, priority });
    const group = s.memcg("/a", { max: pages + room });
    const [disk] = s.disks(1, { irqCpu: 0 });
    const fs = s.filesystem("ext4", disk!, { periodic: timer > 0 });
    const file = s.file(fs, { pages, dirty: true, chargedTo: group });
    for (let i = 0; i < faulters; i++) {
      const mm = s.process({ oomScoreAdj: killable > 0 ? 0 : OOM_SCORE_ADJ_MIN });
      const vma = s.map(mm, file, { shared: true });
      s.task("fault", { memcg: group, mm, newPages: 1 }, userPageFault, [vma, pages - 1 - (i % pages), true]);
    }
    for (let i = 0; i < writers; i++) s.task("dd", { newPages: 1 }, vfsWrite, [file, i % pages, 1]);
  },
});
