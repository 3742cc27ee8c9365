/** A driver copies to user memory under its lock; its mmap handler takes the same lock with mmap_lock held. */
import { defineIncident } from "unwedge/incidents";
import { downWrite, Mutex, mutexLock, mutexUnlock, upWrite, userPageFault, type Vma } from "unwedge/kernel";
import { create, op, type Resumable } from "unwedge/resumable";

/** A step of your own: here a choice that the schedule makes. */
const choose = op<number>("choose", { ways: (count) => count, apply: (_count, _, way) => way });

function* statsIoctl(lock: Mutex, vma: Vma, dropFirst: boolean): Resumable {
  const page: number = yield choose(2);
  yield* mutexLock(lock);
  if (dropFirst) yield* mutexUnlock(lock);
  yield* userPageFault(vma, page, true);
  if (!dropFirst) yield* mutexUnlock(lock);
}
function* statsMmap(lock: Mutex, { mm }: Vma): Resumable {
  yield* downWrite(mm.mmapLock);
  yield* mutexLock(lock);
  yield* mutexUnlock(lock);
  yield* upWrite(mm.mmapLock);
}

export default defineIncident({
  id: "stats-lock",
  title: "copy_to_user() under a lock that the mmap handler takes",
  era: "6.1.192",
  parameters: { readers: { default: 1, min: 1, max: 4, what: "tasks that read the statistics" } },
  fixes: [],
  hacks: { "drop-first": "the lock is dropped before the copy" },
  fixedChoices: ["the buffer is one shared mapping without a page table"],
  setup(s, { readers = 1 }) {
    const file = s.file(s.filesystem("ext4", s.disks(1)[0]!), { pages: 2 });
    const [lock, mm] = [create(Mutex, { lockName: "stats_lock" }), s.process()];
    const vma = s.map(mm, file, { shared: true });
    const dropFirst = s.options.hacks.includes("drop-first");
    for (let i = 0; i < readers; i++) s.task("reader", { mm }, statsIoctl, [lock, vma, dropFirst]);
    s.task("mapper", { mm }, statsMmap, [lock, vma]);
  },
});
