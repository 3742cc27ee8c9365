/** Tasks over the kernel's own locks, for the tests of the searches on the real machine (@internal). */
import { Mutex, mutexLock, mutexUnlock } from "../kernel/locking/mutex.ts";
import { downRead, downWrite, RwSemaphore, upRead, upWrite } from "../kernel/locking/rwsem.ts";
import type { Kernel } from "../kernel/sched/kernel.ts";
import { create, type Resumable } from "../resumable/index.ts";

function* lockBoth(first: Mutex, second: Mutex): Resumable {
  yield* mutexLock(first);
  yield* mutexLock(second);
  yield* mutexUnlock(second);
  yield* mutexUnlock(first);
}
function* readTwice(sem: RwSemaphore): Resumable {
  yield* downRead(sem);
  yield* downRead(sem);
  yield* upRead(sem);
  yield* upRead(sem);
}
function* write(sem: RwSemaphore): Resumable {
  yield* downWrite(sem);
  yield* upWrite(sem);
}

/** Spawns the tasks of each program into a kernel that has not started. */
export const kernelPrograms: Readonly<Record<string, (kernel: Kernel) => void>> = {
  "two locks in opposite order, and a third task": (kernel) => {
    const [a, b] = [create(Mutex, { lockName: "a" }), create(Mutex, { lockName: "b" })];
    kernel.spawn({ comm: "ab" }, lockBoth, [a, b]);
    kernel.spawn({ comm: "ba" }, lockBoth, [b, a]);
    kernel.spawn({ comm: "also-ab" }, lockBoth, [a, b]);
  },
  "two locks in one order": (kernel) => {
    const [a, b] = [create(Mutex, { lockName: "a" }), create(Mutex, { lockName: "b" })];
    for (const comm of ["one", "two", "three"]) kernel.spawn({ comm }, lockBoth, [a, b]);
  },
  "a writer between two reads": (kernel) => {
    const sem = create(RwSemaphore, {});
    kernel.spawn({ comm: "reader" }, readTwice, [sem]);
    kernel.spawn({ comm: "writer" }, write, [sem]);
  },
};
