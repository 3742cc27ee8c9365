/**
 * Opening and stopping handles (fs/jbd2/transaction.c). A handle is a NOFS scope from 4.12 on. Stopping a synchronous one asks
 * for a commit and waits for it, unless its task reclaims memory (PF_MEMALLOC).
 */
import { op, type Resumable } from "../../../resumable/index.ts";
import { plugFlushOnSleep } from "../../block/plug.ts";
import { PF_MEMALLOC, PF_MEMALLOC_NOFS } from "../../gfp.ts";
import { memallocAccountForceRestore, memallocAccountForceSave } from "../../mm/account-force.ts";
import type { Page } from "../../mm/page.ts";
import { folioGet } from "../../mm/page-alloc.ts";
import { current, era, kernel } from "../../sched/current.ts";
import { waitOp } from "../../sched/wait.ts";
import type { Inode } from "../inode.ts";
import { __jbd2LogWaitForSpace, freeTransaction, logSpaceLeft } from "./checkpoint.ts";
import { type Handle, type Journal, jbd2LogStartCommit, jbd2LogWaitCommit, type Transaction } from "./journal.ts";

/** Why a handle cannot be opened now. */
type Refusal = "locked" | "full" | "no space";

/** `add_transaction_credits()`: the transaction that a handle of so many credits can join; one that is free where none runs. */
function roomFor(journal: Journal, credits: number): Transaction | Refusal {
  const { running, maxTransactionBuffers: most } = journal;
  if (running !== undefined && running.state !== "running") return "locked";
  if (most > 0 && (running?.credits ?? 0) + credits > most) return "full";
  if (most > 0 && logSpaceLeft(journal) < most) return "no space";
  return running ?? freeTransaction(journal) ?? (most > 0 ? "no space" : "locked");
}

/** Into the running transaction, or a new one where there is none. */
function join(journal: Journal, credits: number): Transaction | Refusal {
  const transaction = roomFor(journal, credits);
  if (typeof transaction === "string") return transaction;
  if (transaction.state === "free") {
    transaction.state = "running";
    transaction.tid = journal.nextTid++;
    journal.running = transaction;
  }
  if (journal.maxTransactionBuffers > 0) transaction.credits += credits;
  transaction.updates.push(current());
  return transaction;
}

const tryToJoin = op<Journal, number>("start_this_handle", {
  apply: join,
  describe: (journal) => `open a handle of ${journal.device}`,
});
const isShut = (found: Transaction | Refusal): boolean => found === "locked" || found === "full";
const joinUnlocked = waitOp<Journal, number>("wait_transaction_locked", {
  ways: (journal, credits) => (isShut(roomFor(journal, credits)) ? 0 : 1),
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

function* startThisHandle(journal: Journal, credits: number): Resumable<Transaction> {
  const joined: Transaction | Refusal = yield tryToJoin(journal, credits);
  return typeof joined === "string" ? yield* addTransactionCredits(journal, credits, joined) : joined;
}
function* addTransactionCredits(journal: Journal, credits: number, refusal: Refusal): Resumable<Transaction> {
  for (let why = refusal; ; ) {
    let joined: Transaction | Refusal;
    if (why === "no space") {
      yield* __jbd2LogWaitForSpace(journal);
      joined = yield tryToJoin(journal, credits);
    } else {
      if (why === "full") yield* jbd2LogStartCommit(journal, (journal.running as Transaction).tid);
      joined = yield* waitTransactionLocked(journal, credits);
    }
    if (typeof joined !== "string") return joined;
    why = joined;
  }
}
function* waitTransactionLocked(journal: Journal, credits: number): Resumable<Transaction | Refusal> {
  yield* plugFlushOnSleep();
  return yield joinUnlocked(journal, credits);
}

/**
 * `jbd2__journal_start()`: a handle of its own for changes of so many blocks at most, or once more the one that the task has.
 */
export function* jbd2_JournalStart(journal: Journal, credits = 1): Resumable<Handle> {
  const task = current();
  const open = task.journalInfo as Handle | undefined;
  if (open !== undefined) {
    open.refs++;
    return open;
  }
  return beginHandle(journal, yield* startThisHandle(journal, credits));
}

/** The task's handle in a transaction that it has joined. */
function beginHandle(journal: Journal, transaction: Transaction): Handle {
  const handle = kernel().subsystem<readonly Handle[]>("jbd2 handles")[current().context] as Handle;
  handle.journal = journal;
  handle.transaction = transaction;
  handle.refs = 1;
  handle.hadNofs = (current().flags & PF_MEMALLOC_NOFS) !== 0;
  if (era().nofsScopeJbd2) current().flags |= PF_MEMALLOC_NOFS;
  if (era().accountForceJbd2) handle.accountForce = memallocAccountForceSave();
  current().journalInfo = handle;
  return handle;
}

const joinReserved = op<Journal>("start reserved handle", {
  apply(journal) {
    const transaction = journal.running ?? freeTransaction(journal);
    if (transaction === undefined) throw new Error(`${journal.device}: no transaction for a reserved handle`);
    if (transaction.state !== "free") {
      transaction.updates.push(current());
      return transaction;
    }
    return join(journal, 0);
  },
  describe: (journal) => `open a reserved handle of ${journal.device}`,
});

/**
 * `jbd2_journal_start_reserved()`: joins the running transaction even where it is locked, and so waits for nobody; the commit
 * waits for this handle, too. (It waits while the commit switches transactions, which is no state here.)
 */
export function* jbd2JournalStartReserved(journal: Journal): Resumable<Handle> {
  return beginHandle(journal, yield joinReserved(journal));
}

const stopThisHandle = op<Handle>("stop_this_handle", {
  apply(handle) {
    const task = current();
    handle.transaction?.updates.remove(task);
    if (era().accountForceJbd2) memallocAccountForceRestore(handle.accountForce);
    if (era().nofsScopeJbd2 && !handle.hadNofs) task.flags &= ~PF_MEMALLOC_NOFS;
    Object.assign(handle, { journal: undefined, transaction: undefined, refs: 0, sync: false, hadNofs: false });
    handle.accountForce = 0;
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

/**
 * `jbd2_journal_get_write_access()` and `jbd2_journal_dirty_metadata()`: the buffer belongs to the handle's transaction, and
 * reclaim cannot have its page. Part of the caller's step.
 */
export function jbd2JournalDirtyMetadata(handle: Handle, page: Page): void {
  const { buffers } = handle.transaction as Transaction;
  if (buffers.includes(page)) return;
  buffers.push(page);
  folioGet(page);
}
