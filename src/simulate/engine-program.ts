/** Small workloads for the tests of the engine. */

import type { Mutex } from "../kernel/locking/mutex.ts";
import { mutexLock, mutexUnlock } from "../kernel/locking/mutex.ts";
import { HZ_10, sleepOp } from "../kernel/sched/timeout.ts";
import { op, type Resumable } from "../resumable/index.ts";

const sleep = sleepOp("a tenth of a second", { sleep: () => HZ_10 });
const work = op<undefined, number>("user code", {});

/** Sleeps so many times. */
export function* sleeper(times: number): Resumable {
  for (let i = 0; i < times; i++) yield sleep(undefined);
}
/** Works so many times so many microseconds. */
export function* worker(times: number, microseconds: number): Resumable {
  for (let i = 0; i < times; i++) yield work(undefined, microseconds);
}
/** Works under a lock. */
export function* locked(lock: Mutex, microseconds: number): Resumable {
  yield* mutexLock(lock);
  yield work(undefined, microseconds);
  yield* mutexUnlock(lock);
}
/** Takes two locks, and has slept between. */
export function* twoLocks(first: Mutex, second: Mutex): Resumable {
  yield* mutexLock(first);
  yield sleep(undefined);
  yield* mutexLock(second);
  yield* mutexUnlock(second);
  yield* mutexUnlock(first);
}
