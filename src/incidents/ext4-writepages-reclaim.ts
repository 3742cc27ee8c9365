/**
 * ext4_writepages() holds s_writepages_rwsem for reading and allocates its io_end with GFP_KERNEL. Reclaim drops the last
 * reference to an inode that must not be cached, so that it is written at once: ext4_writepages() again, on the same lock, for
 * which by now a writer waits (`chattr +j`). The writer waits for the first reading to end, the second reading for the writer.
 *
 * "ext4: avoid deadlock in fs reclaim with page writeback" (Jan Kara, 4 May 2023), commit 00d873c17e29 (v6.4), CVE-2023-53149;
 * the call chain is the commit's own.
 */
import { ext4ChangeInodeJournalFlag } from "../kernel/fs/ext4/inode.ts";
import type { Inode } from "../kernel/fs/inode.ts";
import { downWrite, upWrite } from "../kernel/locking/rwsem.ts";
import type { Resumable } from "../resumable/index.ts";
import { defineIncident } from "./incident.ts";

/** `chattr +j`: ioctl(FS_IOC_SETFLAGS), which holds i_rwsem. */
function* chattr(file: Inode): Resumable {
  yield* downWrite(file.rwsem);
  yield* ext4ChangeInodeJournalFlag(file);
  yield* upWrite(file.rwsem);
}

export const ext4WritepagesReclaim = defineIncident({
  id: "ext4-writepages-reclaim",
  title: "reclaim inside ext4_writepages() writes an inode, with a writer of s_writepages_rwsem queued between",
  source: "commit 00d873c17e29 (ext4: avoid deadlock in fs reclaim with page writeback), Jan Kara, 2023-05-04",
  era: "6.1.190",
  parameters: {
    pages: { default: 1, min: 1, max: 8, what: "dirty pages of the file that is written" },
    unused: { default: 1, min: 0, max: 4, what: "dirty files, one page each, that only an unused dentry keeps" },
    chattrs: { default: 1, min: 0, max: 4, what: "tasks that change the journal mode of a file" },
    clean: { default: 1, min: 0, max: 8, what: "clean pages that reclaim can have; no page is free" },
    free: { default: 0, min: 0, max: 8, what: "pages that are free when the story begins" },
    cached: { default: 0, min: 0, max: 1, what: "1: the unused files are not marked I_DONTCACHE" },
    cpus: { default: 1, min: 1, max: 8, what: "CPUs; completion interrupts arrive on the first" },
    priority: { default: 0, min: 0, max: 12, what: "where reclaim begins; at 0 one pass scans all there is" },
  },
  fixes: ["writepages-nofs"],
  fixedChoices: [
    "every io_end takes a page of its own, as if no slab had a free one; inside reclaim it comes out of the reserves",
    "the unused files were marked by `chattr +x` through another name, which is closed since",
    "the flusher is told to write all there is when the story begins; its timer does not fire again",
  ],
  cpus: ({ cpus = 1 }) => cpus,
  setup(s, { pages = 1, unused = 1, chattrs = 1, clean = 1, free = 0, cached = 0, priority = 0 }) {
    s.memory({ priority, slabPages: true });
    const [disk] = s.disks(2, { irqCpu: 0 });
    const fs = s.filesystem("ext4", disk!, { periodic: false, unused: true, mayChangeJournalFlag: true });
    s.file(fs, { pages: clean });
    s.freePages(free);
    s.file(fs, { pages, dirty: true });
    for (let i = 0; i < unused; i++) {
      s.file(fs, { pages: 1, dirty: true, unused: "dentry", dontCache: cached === 0 });
    }
    for (let i = 0; i < chattrs; i++) s.task("chattr", {}, chattr, [s.file(fs, { pages: 0 })]);
  },
});
