/**
 * A truncation drops a dirty page: lock_page_memcg() takes the group's move_lock with interrupts off, and inside it
 * unlocked_inode_to_wb_end() switches them on again. The end-of-write interrupt that comes then takes the same move_lock on the
 * same CPU.
 *
 * It takes a charge move (a v1 feature) and an inode switch (a v2 feature) at once, which no configuration has. The hacks are
 * the document's: always moving, always switching.
 *
 * "[PATCH for-4.4] writeback: safer lock nesting" (Greg Thelen, 11 April 2018), commit 2e898e4c0a38 (v4.17).
 */
import { writeFile } from "../kernel/cgroup/cgroupfs.ts";
import type { Inode } from "../kernel/fs/inode.ts";
import { ksysSync } from "../kernel/fs/sync.ts";
import { vfsWrite } from "../kernel/mm/filemap-write.ts";
import { doTruncate } from "../kernel/mm/truncate.ts";
import type { Resumable } from "../resumable/index.ts";
import { defineIncident } from "./incident.ts";
import type { Scene } from "./scene.ts";

/** `dd if=/dev/zero of=/mnt/big`, so many times: O_TRUNC, then write. */
function* dd(file: Inode, pages: number, times: number): Resumable {
  for (let i = 0; i < times; i++) {
    yield* doTruncate(file, 0);
    yield* vfsWrite(file, 0, pages);
  }
}
function* syncLoop(times: number): Resumable {
  for (let i = 0; i < times; i++) yield* ksysSync();
}
/** `while true; do echo $SLEEP > a/cgroup.procs; echo $SLEEP > b/cgroup.procs; done`, so many times. */
function* moveLoop(pid: number, times: number): Resumable {
  for (let i = 0; i < times; i++) {
    yield* writeFile("/b/cgroup.procs", String(pid));
    yield* writeFile("/a/cgroup.procs", String(pid));
  }
}
/** `sleep 1h`. */
function* sleep(): Resumable {}

export const wbSwitchIrqNesting = defineIncident({
  id: "wb-switch-irq-nesting",
  title: "an inner unlock switches interrupts on inside an irqsave section; the handler takes the held lock",
  source: "[PATCH for-4.4] writeback: safer lock nesting, Greg Thelen, 2018-04-11",
  era: "4.16.0",
  cgroup: "v1",
  parameters: {
    pages: { default: 1, min: 1, max: 8, what: "dirty pages that are truncated" },
    times: { default: 1, min: 1, max: 4, what: "rounds of each loop" },
    movers: { default: 1, min: 0, max: 1, what: "tasks that move a sleeping process between two groups" },
    "irq-cpu": {
      default: 0,
      min: 0,
      max: 1,
      what: "CPU that gets the completion interrupts; the truncation runs on 0",
    },
    writers: { default: 0, min: 0, max: 1, what: "1: the truncation is dd's, which writes the file again" },
  },
  fixes: ["wb-lock-cookie"],
  hacks: {
    switching: "every inode is always being switched to another writeback domain, even on cgroup v1",
    moving: "every group always has a charge move in progress",
  },
  fixedChoices: [
    "the file that is written back is not the one that is truncated; both are charged to the group that is left",
  ],
  setup(s: Scene, { pages = 1, times = 1, movers = 1, "irq-cpu": irqCpu = 0, writers = 0 }) {
    s.memory({ moveCharge: movers > 0 });
    const a = s.memcg("/a", { moveChargeAtImmigrate: 1 });
    const b = s.memcg("/b", { moveChargeAtImmigrate: 1 });
    const [disk] = s.disks(2, { irqCpu });
    const fs = s.filesystem("ext4", disk!);
    // the older one is written first
    s.file(fs, { pages: 1, dirty: true, chargedTo: a });
    const big = s.file(fs, { pages, dirty: true, chargedTo: a });
    if (writers > 0) s.task("dd", { memcg: a, cpu: 0, newPages: pages }, dd, [big, pages, times]);
    else s.task("truncate", { memcg: a, cpu: 0 }, doTruncate, [big, 0]);
    s.task("sync", { cpu: 1 }, syncLoop, [times]);
    if (movers === 0) return;
    const sleeper = s.task("sleep", { memcg: a, mm: s.process(), cpu: 1 }, sleep);
    const mover = s.task("bash", { cpu: 1 }, moveLoop, [sleeper.pid, times]);
    s.kernel.canSynchronizeRcu(mover);
    void b;
  },
});
