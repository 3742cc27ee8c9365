/**
 * A writer to the origin of a snapshot waits, with _origins_lock held for reading, until fewer chunks are being copied; lvcreate
 * queues for the lock as a writer; kcopyd, which has a copy to count as done, must first take the lock for reading and stands
 * behind lvcreate.
 *
 * "Fix "dm kcopyd: Fix bug causing workqueue stalls" causes dead lock" (dm-devel, 27 September 2019, stacks of 4.4.184), commit
 * b21555786f18 ("dm snapshot: rework COW throttling to fix deadlock") (v5.4).
 */
import { type DmSnapshot, dmCtlIoctl, writeOrigin } from "../kernel/md/dm-snap.ts";
import type { Resumable } from "../resumable/index.ts";
import { defineIncident } from "./incident.ts";

/** Writes chunk after chunk and waits for none. */
function* resync(snapshot: DmSnapshot, first: number, chunks: number): Resumable {
  for (let i = 0; i < chunks; i++) yield* writeOrigin(snapshot, first + i);
}

export const dmSnapshotCowThrottle = defineIncident({
  id: "dm-snapshot-cow-throttle",
  title: "a throttled write holds the lock that the copy which would end the throttling needs",
  source: "commit b21555786f18, Mikulas Patocka, 2019-10-02; report of 2019-09-27 on dm-devel",
  era: "5.3.0",
  parameters: {
    writers: { default: 1, min: 1, max: 4, what: "tasks that write to the origin" },
    chunks: { default: 2, min: 1, max: 6, what: "chunks that each writes, each its own" },
    threshold: { default: 1, min: 1, max: 8, what: "copies that may be under way (snapshot_cow_threshold)" },
    lvcreates: { default: 1, min: 0, max: 3, what: "tasks that make one more snapshot" },
    cpus: { default: 1, min: 1, max: 4, what: "CPUs" },
  },
  fixes: ["dm-snap-unlocked-throttle"],
  fixedChoices: ["copies are done in the order in which they were started", "no chunk was copied before"],
  cpus: ({ cpus = 1 }) => cpus,
  setup(s, { writers = 1, chunks = 2, threshold = 1, lvcreates = 1 }) {
    const [disk] = s.disks(chunks, { irqCpu: 0 });
    const snapshot = s.snapshot(disk!, writers * chunks, threshold);
    for (let i = 0; i < writers; i++) s.task("drbd_r_r1", {}, resync, [snapshot, i * chunks, chunks]);
    for (let i = 0; i < lvcreates; i++) s.task("lvcreate", {}, dmCtlIoctl, [snapshot]);
  },
});
