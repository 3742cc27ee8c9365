/**
 * Writes to the origin of a snapshot (drivers/md/dm-snap.c): the first one to a chunk waits in a pending exception until kcopyd
 * has copied the chunk to the snapshot, and is then sent on by kcopyd.
 *
 * So many copies may be under way (`cow_threshold`, 2048). From 5.0 a writer waited for that in down(&s->cow_count), under
 * `_origins_lock`; kcopyd counts a copy as done only when it has sent the writes on, for which it takes the same lock, behind any
 * writer that queues for it. Since commit b21555786f18 ("dm snapshot: rework COW throttling to fix deadlock") (v5.4) the writer
 * waits before it begins, and drops the lock meanwhile.
 *
 * Left out: the I/O of the copy (a device works, so a copy may be done at any time), the metadata of the exception store,
 * `s->lock` (held shortly, nobody sleeps under it here), reads, merging, several snapshots of one origin.
 */
import { create, Entity, fields, int, type List, list, op, type Resumable, ref, value } from "../../resumable/index.ts";
import type { Bio, RequestQueue } from "../block/bio.ts";
import { bioAlloc, bioPut, submitBio } from "../block/blk-core.ts";
import { createWorkqueue } from "../block/blk-mq.ts";
import { downRead, downWrite, RwSemaphore, upRead, upWrite } from "../locking/rwsem.ts";
import { down, Semaphore, up } from "../locking/semaphore.ts";
import { era } from "../sched/current.ts";
import type { Kernel } from "../sched/kernel.ts";
import { waitOp } from "../sched/wait.ts";
import { queueWork, Work, type Workqueue } from "../sched/workqueue.ts";

/** `struct dm_snap_pending_exception`, and what remains of it when the chunk has been copied. */
export class DmException extends Entity {
  declare chunk: number;
  declare state: "none" | "pending" | "complete";
  /** Writes to the origin that wait for the copy. */
  declare originBios: List<Bio>;
  static {
    fields(DmException, { chunk: int, state: value, originBios: list("bios") }, "exception");
  }
}

/** `struct dm_snapshot` with its origin. */
export class DmSnapshot extends Entity {
  declare origin: RequestQueue;
  declare originsLock: RwSemaphore;
  declare cowCount: Semaphore;
  declare inProgress: number;
  declare threshold: number;
  /** By chunk. */
  declare exceptions: List<DmException>;
  declare kcopyd: Workqueue;
  declare work: Work;
  /** Copies that are under way. */
  declare jobs: List<DmException>;
  static {
    fields(
      DmSnapshot,
      {
        origin: ref,
        originsLock: ref,
        cowCount: ref,
        inProgress: int,
        threshold: int,
        exceptions: list("chunks"),
        kcopyd: ref,
        work: ref,
        jobs: list("chunks"),
      },
      "snapshot",
    );
  }
}

/** A snapshot of a device of so many chunks, none of them copied. */
export function createSnapshot(kernel: Kernel, origin: RequestQueue, chunks: number, threshold: number): DmSnapshot {
  const kcopyd = createWorkqueue(kernel, "kcopyd");
  const cowCount = create(Semaphore, { semClass: "dm_target", semName: "cow_count", count: threshold });
  for (const worker of kcopyd.workers) cowCount.uppers.push(worker);
  const snapshot = create(DmSnapshot, {
    origin,
    originsLock: create(RwSemaphore, { lockClass: "_origins_lock" }),
    cowCount,
    threshold,
    kcopyd,
  });
  snapshot.work = create(Work, { fn: doWork, fnName: "do_work", argument: snapshot });
  for (let chunk = 0; chunk < chunks; chunk++) {
    snapshot.exceptions.push(create(DmException, { chunk, state: "none" }));
  }
  return snapshot;
}

/** A write of one chunk to the origin, for which its writer does not wait. */
export function* writeOrigin(snapshot: DmSnapshot, chunk: number): Resumable {
  const bio = yield* bioAlloc(snapshot.origin, true, endWrite);
  yield* submitOriginBio(snapshot, bio, chunk);
}
/** `submit_bio()` of a device without requests of its own. */
function* submitOriginBio(snapshot: DmSnapshot, bio: Bio, chunk: number): Resumable {
  yield* submitBioNoacct(snapshot, bio, chunk);
}
function* submitBioNoacct(snapshot: DmSnapshot, bio: Bio, chunk: number): Resumable {
  yield* dmSubmitBio(snapshot, bio, chunk);
}
const endOriginBio = op<Bio>("end write", { apply: bioPut, describe: (bio) => `end ${bio}` });
function* endWrite(bio: Bio): Resumable {
  yield endOriginBio(bio);
}
function* dmSubmitBio(snapshot: DmSnapshot, bio: Bio, chunk: number): Resumable {
  yield* __splitAndProcessBio(snapshot, bio, chunk);
}
function* __splitAndProcessBio(snapshot: DmSnapshot, bio: Bio, chunk: number): Resumable {
  yield* __mapBio(snapshot, bio, chunk);
}
function* __mapBio(snapshot: DmSnapshot, bio: Bio, chunk: number): Resumable {
  if (yield* originMap(snapshot, bio, chunk)) yield* submitBio(bio);
}

function* originMap(snapshot: DmSnapshot, bio: Bio, chunk: number): Resumable<boolean> {
  return yield* doOrigin(snapshot, bio, chunk, true);
}

/** Whether the bio goes on to the device now (DM_MAPIO_REMAPPED); else the exception has it. */
function* doOrigin(snapshot: DmSnapshot, bio: Bio, chunk: number, limit: boolean): Resumable<boolean> {
  for (;;) {
    yield* downRead(snapshot.originsLock);
    if (limit && !(yield* waitForInProgress(snapshot))) continue;
    const remapped = yield* __originWrite(snapshot, bio, chunk);
    yield* upRead(snapshot.originsLock);
    return remapped;
  }
}

const overThreshold = op<DmSnapshot>("test in_progress", {
  apply: (snapshot) => snapshot.inProgress > snapshot.threshold,
});
const inProgressFell = waitOp<DmSnapshot>("wait for in_progress", {
  ways: (snapshot) => (snapshot.inProgress > snapshot.threshold ? 0 : 1),
  wait: (snapshot) => ({
    resource: { class: "dm_target", id: "cow_count" },
    verb: "copy_done",
    providers: [...snapshot.kcopyd.workers],
    state: "D",
    top: "io_schedule",
  }),
  describe: () => "wait until fewer copies are under way",
});

/** False when it has slept; then `_origins_lock` has been dropped. */
function* waitForInProgress(snapshot: DmSnapshot): Resumable<boolean> {
  if (era().dmSnapCowThrottle !== "in_progress" || !(yield overThreshold(snapshot))) return true;
  yield* upRead(snapshot.originsLock);
  yield inProgressFell(snapshot);
  return false;
}

/** Under s->lock: "remapped", or the bio is in the exception, whose copy is still to be started or not. */
const lookUpException = op<DmSnapshot, { readonly bio: Bio; readonly chunk: number }>("look up exception", {
  apply(snapshot, { bio, chunk }) {
    const e = snapshot.exceptions.at(chunk) as DmException;
    if (e.state === "complete") return "remapped";
    e.originBios.push(bio);
    if (e.state === "pending") return "started";
    e.state = "pending";
    return "start";
  },
  describe: (_snapshot, { chunk }) => `look up exception of chunk ${chunk}`,
});

function* __originWrite(snapshot: DmSnapshot, bio: Bio, chunk: number): Resumable<boolean> {
  const found: string = yield lookUpException(snapshot, Object.freeze({ bio, chunk }));
  if (found === "start") yield* startCopy(snapshot, chunk);
  return found === "remapped";
}

const addInProgress = op<DmSnapshot, number>("count copies", {
  apply(snapshot, by) {
    snapshot.inProgress += by;
  },
  describe: (_snapshot, by) => `in_progress ${by > 0 ? "+" : "-"}= 1`,
});

function* startCopy(snapshot: DmSnapshot, chunk: number): Resumable {
  const throttle = era().dmSnapCowThrottle;
  if (throttle === "semaphore") yield* down(snapshot.cowCount);
  else if (throttle === "in_progress") yield addInProgress(snapshot, 1);
  yield* dmKcopydCopy(snapshot, chunk);
}

const addJob = op<DmSnapshot, number>("dm_kcopyd_copy", {
  apply(snapshot, chunk) {
    snapshot.jobs.push(snapshot.exceptions.at(chunk) as DmException);
  },
  describe: (_snapshot, chunk) => `start copy of chunk ${chunk}`,
});

function* dmKcopydCopy(snapshot: DmSnapshot, chunk: number): Resumable {
  yield addJob(snapshot, chunk);
  yield* queueWork(snapshot.kcopyd, snapshot.work);
}

const takeJob = op<DmSnapshot>("take job", {
  apply: (snapshot) => snapshot.jobs.shift(),
  describe: () => "take a copy that is done",
});

/** kcopyd's work: jobs whose I/O is done. */
export function* doWork(argument: Entity | undefined): Resumable {
  yield* processJobs(argument as DmSnapshot);
}
function* processJobs(snapshot: DmSnapshot): Resumable {
  for (;;) {
    const job: DmException | undefined = yield takeJob(snapshot);
    if (job === undefined) return;
    yield* runCompleteJob(snapshot, job);
  }
}
function* runCompleteJob(snapshot: DmSnapshot, job: DmException): Resumable {
  yield* copyCallback(snapshot, job);
}
function* copyCallback(snapshot: DmSnapshot, job: DmException): Resumable {
  yield* pendingComplete(snapshot, job);
  const throttle = era().dmSnapCowThrottle;
  if (throttle === "semaphore") yield* up(snapshot.cowCount);
  else if (throttle === "in_progress") yield addInProgress(snapshot, -1);
}

const completeException = op<DmException>("complete exception", {
  apply(exception) {
    exception.state = "complete";
    const bios = Object.freeze([...exception.originBios]);
    exception.originBios.clear();
    return bios;
  },
  describe: ({ chunk }) => `chunk ${chunk} is copied`,
});

function* pendingComplete(snapshot: DmSnapshot, exception: DmException): Resumable {
  const bios: readonly Bio[] = yield completeException(exception);
  yield* retryOriginBios(snapshot, bios, exception.chunk);
}
/** They may meet another snapshot's exception, so they go through do_origin() again, without being throttled. */
function* retryOriginBios(snapshot: DmSnapshot, bios: readonly Bio[], chunk: number): Resumable {
  for (const bio of bios) if (yield* doOrigin(snapshot, bio, chunk, false)) yield* submitBio(bio);
}

/** `snapshot_ctr()`: another snapshot of the same origin is registered; only that it takes the lock is of interest. */
export function* snapshotCtr(snapshot: DmSnapshot): Resumable {
  yield* registerSnapshot(snapshot);
}
function* registerSnapshot(snapshot: DmSnapshot): Resumable {
  yield* downWrite(snapshot.originsLock);
  yield* upWrite(snapshot.originsLock);
}

/** ioctl(2) DM_TABLE_LOAD of lvcreate. */
export function* dmCtlIoctl(snapshot: DmSnapshot): Resumable {
  yield* ctlIoctl(snapshot);
}
function* ctlIoctl(snapshot: DmSnapshot): Resumable {
  yield* tableLoad(snapshot);
}
function* tableLoad(snapshot: DmSnapshot): Resumable {
  yield* dmTableAddTarget(snapshot);
}
function* dmTableAddTarget(snapshot: DmSnapshot): Resumable {
  yield* snapshotCtr(snapshot);
}
