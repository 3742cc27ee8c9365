/**
 * Space in the log (fs/jbd2/checkpoint.c). What a transaction changed stays in the log until its buffers are written to where
 * they belong, which is its checkpoint; who wants a handle makes one when less than a whole transaction fits.
 *
 * A buffer that a later transaction changes, too, cannot be written before that one is committed. `j_checkpoint_mutex` is held
 * over the writes and dropped over waits for a commit.
 */
import { op, type Resumable } from "../../../resumable/index.ts";
import { mutexLock, mutexUnlock } from "../../locking/mutex.ts";
import { type Journal, jbd2LogStartCommit, jbd2LogWaitCommit, type Transaction } from "./journal.ts";

/** `jbd2_log_space_left()`: free blocks, less those that the commit in progress is going to write. */
export function logSpaceLeft(journal: Journal): number {
  return journal.free - (journal.committing?.credits ?? 0);
}

/** Room for one more transaction; the model has four, so that small ones may be checkpointed earlier than in the kernel. */
export function freeTransaction(journal: Journal): Transaction | undefined {
  for (const transaction of journal.transactions) if (transaction.state === "free") return transaction;
  return undefined;
}

/** What can be done for space: nothing to do, a checkpoint, or the commit to wait for. */
const lookForSpace = op<Journal>("test log space", {
  apply(journal) {
    const place = journal.running ?? freeTransaction(journal);
    if (place !== undefined && logSpaceLeft(journal) >= journal.maxTransactionBuffers) return "enough";
    if (journal.checkpoints.length > 0) return "checkpoint";
    if (journal.committing !== undefined) return journal.committing.tid;
    throw new Error(`no way to get more journal space on ${journal.device}`);
  },
  describe: (journal) => `look for space in the log of ${journal.device}`,
});

/** `__jbd2_log_wait_for_space()`. */
export function* __jbd2LogWaitForSpace(journal: Journal): Resumable {
  for (;;) {
    yield* mutexLock(journal.checkpointMutex);
    const found: "enough" | "checkpoint" | number = yield lookForSpace(journal);
    if (found === "checkpoint") yield* jbd2LogDoCheckpoint(journal);
    yield* mutexUnlock(journal.checkpointMutex);
    if (found === "enough") return;
    if (typeof found === "number") yield* jbd2LogWaitCommit(journal, found);
  }
}

/** The later transaction that has a buffer of this one, too. */
function laterOf(journal: Journal, transaction: Transaction): Transaction | undefined {
  const later = [journal.committing, journal.running];
  return later.find((t) => t !== undefined && [...t.buffers].some((page) => transaction.buffers.includes(page)));
}

/** The oldest transaction's buffers are written; a tid instead when one of them has to be committed first. */
const writeCheckpoint = op<Journal>("checkpoint", {
  apply(journal) {
    const transaction = journal.checkpoints.at(0);
    if (transaction === undefined) return undefined;
    const later = laterOf(journal, transaction);
    if (later !== undefined) return later.tid;
    journal.checkpoints.shift();
    journal.free += transaction.credits;
    transaction.credits = 0;
    transaction.state = "free";
    transaction.tid = 0;
    releaseBuffers(transaction);
    return undefined;
  },
  describe: (journal) => `checkpoint the oldest transaction of ${journal.device}`,
});

/** `jbd2_log_do_checkpoint()`, under j_checkpoint_mutex. */
export function* jbd2LogDoCheckpoint(journal: Journal): Resumable {
  const later: number | undefined = yield writeCheckpoint(journal);
  if (later === undefined) return;
  yield* jbd2LogStartCommit(journal, later);
  yield* mutexUnlock(journal.checkpointMutex);
  yield* jbd2LogWaitCommit(journal, later);
  yield* mutexLock(journal.checkpointMutex);
}

/** The journal lets go of the pages of a transaction; they stay in the cache, as nobody truncates a block device. */
export function releaseBuffers({ buffers }: Transaction): void {
  for (const page of buffers) page.refs--;
  buffers.clear();
}
