/**
 * Draining the pages that CPUs keep for themselves (mm/page_alloc.c:drain_all_pages), asked for when reclaim has freed pages and
 * somebody else has them.
 *
 * By interrupts up to 4.10, by works since commit 0ccce3b92421 ("mm, page_alloc: drain per-cpu pages from workqueue context")
 * (v4.11-rc1): on the system's queue at first, on one with a rescuer since commit ce612879ddc7 ("mm: move pcp and lru-pcp
 * draining into single wq") (v4.11-rc6); by hand from 6.0 on. No such lists are modelled: a work has no effect, whoever
 * waits for it waits all the same.
 */
import { create, type Entity, op, type Resumable } from "../../resumable/index.ts";
import { PF_WQ_WORKER } from "../gfp.ts";
import { Mutex, mutexTrylock, mutexUnlock } from "../locking/mutex.ts";
import { current, era, kernel } from "../sched/current.ts";
import type { Kernel } from "../sched/kernel.ts";
import { flushWork, queueWorkOn, type WorkerPool } from "../sched/worker-pool.ts";
import { Work } from "../sched/workqueue.ts";

interface Drain {
  readonly pool: WorkerPool;
  readonly mutex: Mutex;
  readonly work: Work;
}

/** Lets allocations drain, through a pool. */
export function bootDrain(k: Kernel, pool: WorkerPool): void {
  const memReclaim = k.era.features.pcpDrain === "mm_percpu_wq";
  const work = create(Work, { fn: drainLocalPagesWq, fnName: "drain_local_pages_wq", memReclaim });
  const mutex = create(Mutex, { lockName: "pcpu_drain_mutex" });
  k.subsystems.set("drain", Object.freeze({ pool, mutex, work }));
}

const drainPages = op("drain_pages", {});
function* drainLocalPagesWq(_: Entity | undefined): Resumable {
  yield drainPages(undefined);
}

/** Not for workers: a work must not wait for its own pool. Who comes second goes on at once. */
export function* drainAllPages(): Resumable {
  const how = era().pcpDrain;
  if (!kernel().subsystems.has("drain") || how === "ipi" || how === "remote") return;
  if ((current().flags & PF_WQ_WORKER) !== 0) return;
  if (!(yield* mutexTrylock(kernel().subsystem<Drain>("drain").mutex))) return;
  const { pool, work } = kernel().subsystem<Drain>("drain");
  yield* queueWorkOn(pool, work);
  yield* flushWork(pool, work);
  yield* mutexUnlock(kernel().subsystem<Drain>("drain").mutex);
}
