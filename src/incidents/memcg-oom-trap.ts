/**
 * write(2) charges a page to its full v1 group with i_mutex held; the charge kills a process of the group and tries again
 * right there until there is room. The victim is about to truncate the same file: it waits for i_mutex and cannot exit.
 * With memory.oom_control set to 1 the charge sleeps with i_mutex held until a handler in user space makes room, and the
 * handler needs i_mutex.
 *
 * "mm: memcg: do not trap chargers with full callstack on OOM" (Johannes Weiner, 2013), commit 3812c8c8f395 (v3.12). Shown in
 * 4.4 with that fix taken out, the oldest release there is a model of; it has no OOM reaper, as 3.11 had none.
 */
import { writeFile } from "../kernel/cgroup/cgroupfs.ts";
import type { Inode } from "../kernel/fs/inode.ts";
import { vfsWrite } from "../kernel/mm/filemap-write.ts";
import type { MmStruct } from "../kernel/mm/mm-types.ts";
import { exitMmap } from "../kernel/mm/mmap.ts";
import { doTruncate } from "../kernel/mm/truncate.ts";
import type { Resumable } from "../resumable/index.ts";
import { defineIncident } from "./incident.ts";

/** `: > file`, by a process that ends then, whether it was killed or not. */
function* truncateAndExit(file: Inode, space: MmStruct): Resumable {
  yield* doTruncate(file, 0);
  yield* exitMmap(space);
}
/** A user-space OOM handler: drops what a log file has in the cache, then raises the limit. */
function* handleOom(file: Inode, limitPages: number): Resumable {
  yield* doTruncate(file, 0);
  yield* writeFile("/a/memory.limit_in_bytes", String(limitPages * 4096));
}

export const memcgOomTrap = defineIncident({
  id: "memcg-oom-trap",
  title: "a charge kills and retries with i_mutex held, and the victim needs i_mutex to exit",
  source: "[patch 7/7] mm: memcg: do not trap chargers with full callstack on OOM, Johannes Weiner, 2013-08-03",
  era: "4.4.0",
  reverted: ["memcg-oom-unwind"],
  cgroup: "v1",
  parameters: {
    pages: { default: 2, min: 1, max: 16, what: "anonymous pages of the process that truncates: all the group has" },
    writers: { default: 1, min: 1, max: 4, what: "tasks that write one new page of the file each" },
    handler: { default: 0, min: 0, max: 1, what: "1: memory.oom_control is 1, and a handler in user space is to help" },
    priority: { default: 0, min: 0, max: 12, what: "where reclaim begins; at 0 one pass scans all there is" },
    retries: { default: 1, min: 1, max: 16, what: "fruitless rounds before a charge calls the OOM killer" },
  },
  fixes: ["memcg-oom-unwind"],
  fixedChoices: [
    "the group is full of the anonymous memory of the process that truncates, the biggest in it: it is the first victim; there is no swap",
    "the handler is outside the group, and truncates the file before it raises the limit",
    "nobody else raises the limit or frees memory of the group",
  ],
  cpus: () => 1,
  setup(s, { pages = 2, writers = 1, handler = 0, priority = 0, retries = 1 }) {
    s.memory({ chargeRetries: retries, priority });
    const group = s.memcg("/a", { max: pages, oomKillDisable: handler > 0 });
    const [disk] = s.disks(1, { irqCpu: 0 });
    const file = s.file(s.filesystem("ext4", disk!, { periodic: false }), { pages: 0 });
    for (let i = 0; i < writers; i++) s.task("dd", { memcg: group, newPages: 1 }, vfsWrite, [file, i, 1]);
    const space = s.process();
    s.anonymous(space, pages, group);
    if (handler > 0) s.task("oom-handler", {}, handleOom, [file, pages + writers]);
    else s.task("truncate", { memcg: group, mm: space }, truncateAndExit, [file, space]);
  },
});
