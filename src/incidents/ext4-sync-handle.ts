/**
 * The flusher allocates the blocks that make a file the first above 2 GiB on its filesystem: ext4 sets LARGE_FILE and makes the
 * handle synchronous. It is stopped, and so waits for the commit, while the pages sit under writeback in a bio that is not
 * submitted; the commit waits for those pages, since their blocks are of this transaction (data=ordered).
 *
 * "ext4: fix deadlock during page writeback" (Jan Kara, 4 July 2016), commit 646caa9c8e19; met by xfstest generic/130 since
 * 06bd3c36a733 ("ext4: fix data exposure after a crash") (v4.7-rc1).
 */
import { ext4DirtyInode } from "../kernel/fs/ext4/inode.ts";
import { defineIncident } from "./incident.ts";

/** Pages in 2 GiB. */
const SMALL_FILE_PAGES = 1 << 19;

export const ext4SyncHandle = defineIncident({
  id: "ext4-sync-handle",
  title: "writeback waits for a commit with its bio unsubmitted, the commit waits for the pages in that bio",
  source: "ext4: fix deadlock during page writeback, Jan Kara, 2016-07-04",
  era: "4.7.0",
  parameters: {
    pages: { default: 2, min: 1, max: 8, what: "dirty pages without blocks, on both sides of 2 GiB" },
    touchers: { default: 1, min: 0, max: 3, what: "tasks that change an inode's times under a handle of their own" },
    small: { default: 0, min: 0, max: 1, what: "1: the file stays below 2 GiB" },
    large: { default: 0, min: 0, max: 1, what: "1: the filesystem has a file above 2 GiB already" },
    cpus: { default: 1, min: 1, max: 4, what: "CPUs; completion interrupts arrive on the first" },
  },
  fixes: ["ext4-sync-handle-last"],
  fixedChoices: [
    "the flusher is told to write all there is when the story begins; its timer does not fire again",
    "the log is on a device that works, is large enough, and needs no memory",
  ],
  cpus: ({ cpus = 1 }) => cpus,
  setup(s, { pages = 2, touchers = 1, small = 0, large = 0 }) {
    const [disk] = s.disks(2, { irqCpu: 0 });
    const fs = s.filesystem("ext4", disk!, { periodic: false, journal: large > 0 ? "large" : true });
    const firstIndex = small > 0 ? 0 : SMALL_FILE_PAGES - Math.floor(pages / 2);
    const file = s.file(fs, { pages, firstIndex, dirty: true, mapped: false });
    for (let i = 0; i < touchers; i++) s.task("touch", {}, ext4DirtyInode, [file]);
  },
});
