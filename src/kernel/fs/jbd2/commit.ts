/**
 * kjournald2 and the commit of a transaction (fs/jbd2/journal.c, fs/jbd2/commit.c:jbd2_journal_commit_transaction). The commit timer
 * may fire at any time while a transaction runs.
 */
import { op, type Resumable } from "../../../resumable/index.ts";
import { filemapFdatawaitRange } from "../../mm/filemap.ts";
import { LAST_INDEX, writeCachePages } from "../../mm/page-writeback.ts";
import { current } from "../../sched/current.ts";
import { waitOp } from "../../sched/wait.ts";
import { ext4Writepage } from "../ext4/page-io.ts";
import { ALL_PAGES } from "../fs-writeback.ts";
import type { Inode } from "../inode.ts";
import { clearWbc, wbcOf } from "../writeback-control.ts";
import { releaseBuffers } from "./checkpoint.ts";
import type { Journal, Transaction } from "./journal.ts";

const wakeUp = op<Journal>("kjournald2", {
  ways: (journal) => (journal.running === undefined ? 0 : 1),
  apply(journal) {
    const transaction = journal.running as Transaction;
    transaction.state = "locked";
    return transaction;
  },
  idle: true,
  describe: (journal) => `lock the running transaction of ${journal.device}`,
});

/** The thread of a journal; a service that waits for work. */
export function* kjournald2(journal: Journal): Resumable {
  for (;;) {
    const transaction: Transaction = yield wakeUp(journal);
    yield* jbd2JournalCommitTransaction(journal, transaction);
  }
}

const updatesDone = waitOp<Transaction, Journal>("j_wait_updates", {
  ways: (transaction) => (transaction.updates.length === 0 ? 1 : 0),
  /** T_FLUSH: handles may be opened again, in the next one. */
  apply(transaction, journal) {
    transaction.state = "committing";
    journal.committing = transaction;
    journal.running = undefined;
  },
  wait: (transaction, journal) => ({
    resource: { class: "jbd2_handle", id: `${journal.device} transaction ${transaction.tid}` },
    verb: "stop",
    providers: [...transaction.updates],
    state: "D",
    top: "schedule",
  }),
  describe: (transaction, journal) => `all handles of transaction ${transaction.tid} of ${journal.device} stopped`,
});

const writeLog = op<Journal, Transaction>("write log", {
  apply(journal, transaction) {
    journal.commitSequence = transaction.tid;
    journal.commitRequest = Math.max(journal.commitRequest, transaction.tid);
    journal.committing = undefined;
    transaction.inodes.clear();
    transaction.changed.clear();
    if (journal.maxTransactionBuffers > 0) {
      journal.free -= transaction.credits;
      transaction.state = "checkpoint";
      journal.checkpoints.push(transaction);
    } else {
      releaseBuffers(transaction);
      transaction.state = "free";
      transaction.tid = 0;
    }
  },
  describe: (journal, { tid }) => `transaction ${tid} of ${journal.device} is in the log`,
});

export function* jbd2JournalCommitTransaction(journal: Journal, transaction: Transaction): Resumable {
  yield* jbd2JournalWaitUpdates(journal, transaction);
  for (const inode of transaction.inodes.snapshot()) yield* journalSubmitInodeDataBuffers(inode);
  for (const inode of transaction.inodes.snapshot()) yield* jbd2JournalFinishInodeDataBuffers(inode);
  yield writeLog(journal, transaction);
}

function* jbd2JournalWaitUpdates(journal: Journal, transaction: Transaction): Resumable {
  yield updatesDone(transaction, journal);
}

/** Pages whose blocks are there are written; those of delayed allocation are left alone, as the commit cannot allocate. */
function* journalSubmitInodeDataBuffers(inode: Inode): Resumable {
  const wbc = Object.assign(wbcOf(current()), {
    syncAll: true,
    nrToWrite: ALL_PAGES,
    rangeStart: 0,
    rangeEnd: LAST_INDEX,
  });
  yield* writeCachePages(inode.mapping, wbc, ext4Writepage);
  clearWbc(wbc);
}

function* jbd2JournalFinishInodeDataBuffers(inode: Inode): Resumable {
  yield* filemapFdatawaitRange(inode.mapping, 0, LAST_INDEX);
}
