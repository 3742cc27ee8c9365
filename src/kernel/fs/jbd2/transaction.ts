/**
 * Opening and stopping handles (fs/jbd2/transaction.c). A handle is a NOFS scope from 4.12 on. Stopping a synchronous one asks
 * for a commit and waits for it, unless its task reclaims memory (PF_MEMALLOC).
 */
import { op, type Resumable } from "../../../resumable/index.ts";
import { plugFlushOnSleep } from "../../block/plug.ts";
import { PF_MEMALLOC, PF_MEMALLOC_NOFS } from "../../gfp.ts";
import { current, era, kernel } from "../../sched/current.ts";
import { waitOp } from "../../sched/wait.ts";
import type { Inode } from "../inode.ts";
import { type Handle, type Journal, jbd2LogStartCommit, jbd2LogWaitCommit, type Transaction } from "./journal.ts";

function roomFor(journal: Journal): Transaction | undefined {
  if (journal.running !== undefined) return journal.running.state === "running" ? journal.running : undefined;
  for (const transaction of journal.transactions) if (transaction.state === "free") return transaction;
  return undefined;
}

/** Into the running transaction, or a new one where there is none. */
function join(journal: Journal): Transaction | undefined {
  const transaction = roomFor(journal);
  if (transaction === undefined) return undefined;
  if (transaction.state === "free") {
    transaction.state = "running";
    transaction.tid = journal.nextTid++;
    journal.running = transaction;
  }
  transaction.updates.push(current());
  return transaction;
}

const tryToJoin = op<Journal>("start_this_handle", {
  apply: join,
  describe: (journal) => `open a handle of ${journal.device}`,
});
const joinUnlocked = waitOp<Journal>("wait_transaction_locked", {
  ways: (journal) => (roomFor(journal) === undefined ? 0 : 1),
  apply: join,
  wait: (journal) => ({
    resource: { class: "jbd2_transaction", id: journal.device },
    verb: "unlock",
    providers: [journal.thread],
    state: "D",
    top: "schedule",
  }),
  describe: (journal) => `wait until the transaction of ${journal.device} is no longer locked`,
});

function* startThisHandle(journal: Journal): Resumable<Transaction> {
  return (yield tryToJoin(journal)) ?? (yield* addTransactionCredits(journal));
}
function* addTransactionCredits(journal: Journal): Resumable<Transaction> {
  return yield* waitTransactionLocked(journal);
}
function* waitTransactionLocked(journal: Journal): Resumable<Transaction> {
  yield* plugFlushOnSleep();
  return yield joinUnlocked(journal);
}

/** `jbd2__journal_start()`: a handle of its own, or once more the one that the task has. */
export function* jbd2_JournalStart(journal: Journal): Resumable<Handle> {
  const task = current();
  const open = task.journalInfo as Handle | undefined;
  if (open !== undefined) {
    open.refs++;
    return open;
  }
  const transaction = yield* startThisHandle(journal);
  const handle = kernel().subsystem<readonly Handle[]>("jbd2 handles")[current().context] as Handle;
  handle.journal = journal;
  handle.transaction = transaction;
  handle.refs = 1;
  handle.hadNofs = (current().flags & PF_MEMALLOC_NOFS) !== 0;
  if (era().nofsScopeJbd2) current().flags |= PF_MEMALLOC_NOFS;
  current().journalInfo = handle;
  return handle;
}

const stopThisHandle = op<Handle>("stop_this_handle", {
  apply(handle) {
    const task = current();
    handle.transaction?.updates.remove(task);
    if (era().nofsScopeJbd2 && !handle.hadNofs) task.flags &= ~PF_MEMALLOC_NOFS;
    Object.assign(handle, { journal: undefined, transaction: undefined, refs: 0, sync: false, hadNofs: false });
    task.journalInfo = undefined;
  },
  describe: (handle) => `stop a handle of ${handle.journal?.device}`,
});

/** `jbd2_journal_stop()`. */
export function* jbd2JournalStop(handle: Handle): Resumable {
  if (--handle.refs > 0) return;
  const { journal, sync } = handle;
  const tid = (handle.transaction as Transaction).tid;
  const waits = sync && (current().flags & PF_MEMALLOC) === 0;
  if (sync) yield* jbd2LogStartCommit(journal, tid);
  yield stopThisHandle(handle);
  if (waits) yield* jbd2LogWaitCommit(journal, tid);
}

/**
 * `jbd2_journal_inode_add_write()` (`jbd2_journal_file_inode()` before 4.8): the commit writes the inode's data first. Only who has a
 * handle adds, and only the commit of the transaction, which waits for all handles, looks.
 */
export function jbd2JournalInodeAddWrite(handle: Handle, inode: Inode): void {
  const { inodes } = handle.transaction as Transaction;
  if (!inodes.includes(inode)) inodes.push(inode);
}
