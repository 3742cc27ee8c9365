/**
 * Reclaim evicts a dirty buffer of dm-bufio: under the client's mutex it waits until the buffer is written to a loop device. The
 * thread of the loop device allocates memory to do so, reclaims, and its turn at the same shrinker waits for the mutex.
 *
 * "dm bufio: fix deadlock with loop device" (Junxiao Bi, July 2019), commit bd293d071ffe, reverted for "loop: set
 * PF_MEMALLOC_NOIO for the worker thread" (Mikulas Patocka, August 2019), commit d0a255e795ab (v5.3-rc6), whose message has the
 * stacks.
 */
import { dmBufioWriteDirtyBuffers } from "../kernel/block/dm-bufio.ts";
import { __x64SysReadahead } from "../kernel/mm/readahead.ts";
import { defineIncident } from "./incident.ts";

export const dmBufioLoop = defineIncident({
  id: "dm-bufio-loop",
  title: "dm-bufio's shrinker waits for a loop device whose thread waits for dm-bufio's shrinker",
  source: "commits bd293d071ffe and d0a255e795ab (loop: set PF_MEMALLOC_NOIO for the worker thread), 2019",
  era: "5.2.0",
  parameters: {
    buffers: { default: 1, min: 1, max: 4, what: "dirty buffers of the pool's metadata, which lies on a loop device" },
    readers: { default: 1, min: 0, max: 4, what: "tasks that read a page of a file into the cache" },
    commits: { default: 1, min: 0, max: 2, what: "tasks that have the metadata written, as suspending the pool does" },
    clean: { default: 1, min: 0, max: 8, what: "clean pages that reclaim can have; no page is free" },
    free: { default: 0, min: 0, max: 8, what: "pages that are free when the story begins" },
    loop: { default: 1, min: 0, max: 1, what: "0: the metadata lies on a disk" },
    cpus: { default: 1, min: 1, max: 8, what: "CPUs; completion interrupts arrive on the first" },
    priority: { default: 0, min: 0, max: 12, what: "where reclaim begins; at 0 one pass scans all there is" },
  },
  fixes: ["loop-noio", "bufio-trylock"],
  fixedChoices: [
    "every direct I/O takes a page for its struct dio, as if no slab had a free one",
    "dm-bufio retains no buffer: all may be evicted; nobody reads or dirties any",
  ],
  cpus: ({ cpus = 1 }) => cpus,
  setup(s, { buffers = 1, readers = 1, commits = 1, clean = 1, free = 0, loop = 1, priority = 0 }) {
    s.memory({ priority, slabPages: true });
    const [disk, metadata] = s.disks(2, { irqCpu: 0 }, { device: "7:0", irqCpu: 0 });
    const fs = s.filesystem("ext4", disk!, { periodic: false });
    s.file(fs, { pages: clean });
    const file = s.file(fs, { pages: 0, size: readers });
    const client = s.bufio(metadata!, buffers);
    s.freePages(free);
    if (loop > 0) s.loop(metadata!, s.file(fs, { pages: 0, size: buffers }));
    for (let i = 0; i < readers; i++) s.task("dd", {}, __x64SysReadahead, [file, i, 1]);
    for (let i = 0; i < commits; i++) s.task("dmsetup", {}, dmBufioWriteDirtyBuffers, [client]);
  },
});
