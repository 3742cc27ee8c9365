/**
 * jbd2: handles, transactions and the journal they commit to (include/linux/jbd2.h, fs/jbd2/journal.c).
 *
 * A task opens a handle in the running transaction, changes metadata, and stops it. kjournald2 commits: it locks the running
 * transaction against new handles, waits until all are stopped, makes room for the next one, writes the data of its inodes
 * (data=ordered) and waits for it, then writes the log. One transaction runs and one commits, at most.
 *
 * Where the log has a size, handles have credits: a transaction takes so many blocks at most, and a handle waits for a
 * checkpoint while less than that is left of the log (checkpoint.ts). Without a size, what is committed is checkpointed at once.
 *
 * Buffers are the pages of the block device that hold them; the journal keeps a reference from the change to the checkpoint.
 * Not modelled: frozen copies, BH_Shadow, revokes, fast commits, aborts, credits reserved beforehand. The log and the
 * checkpoints are written in one step each: their device works, and nobody else waits for those buffers.
 */
import type { List } from "../../../resumable/index.ts";
import { bool, create, Entity, fields, int, list, op, type Resumable, ref, value } from "../../../resumable/index.ts";
import { plugFlushOnSleep } from "../../block/plug.ts";
import { Mutex } from "../../locking/mutex.ts";
import type { Page } from "../../mm/page.ts";
import type { Kernel } from "../../sched/kernel.ts";
import type { Task } from "../../sched/task.ts";
import { waitOp } from "../../sched/wait.ts";
import type { Inode } from "../inode.ts";

/** `t_state`, as far as others can tell them apart; `checkpoint`: T_FINISHED, not checkpointed; `free`: no transaction. */
export type TransactionState = "free" | "running" | "locked" | "committing" | "checkpoint";

/** `struct transaction_s`. */
export class Transaction extends Entity {
  declare state: TransactionState;
  declare tid: number;
  /** Who has a handle in it (`t_updates` counts them). */
  declare updates: List<Task>;
  /** `t_inode_list`: inodes whose data have to be on disk before it is committed. */
  declare inodes: List<Inode>;
  /** Inodes changed in it (`i_sync_tid`): fsync waits for its commit. */
  declare changed: List<Inode>;
  /** Pages whose buffers it changes (`t_buffers`, later `t_checkpoint_list`). */
  declare buffers: List<Page>;
  /** `t_outstanding_credits`: blocks of the log it may need; counted where the log has a size. */
  declare credits: number;
  static {
    fields(Transaction, {
      state: value,
      tid: int,
      updates: list("contexts"),
      inodes: list("inodes"),
      changed: list("inodes"),
      buffers: list("pages"),
      credits: int,
    });
  }
}

/** `struct journal_s`. */
export class Journal extends Entity {
  declare device: string;
  declare running: Transaction | undefined;
  declare committing: Transaction | undefined;
  /** `j_commit_request` and `j_commit_sequence`: the latest that is to be committed, the latest that is. */
  declare commitRequest: number;
  declare commitSequence: number;
  /** What the next transaction is called. */
  declare nextTid: number;
  /** kjournald2. */
  declare thread: Task;
  /** Room for all there can be. */
  declare transactions: List<Transaction>;
  /** `j_max_transaction_buffers`; 0: the log is large enough for everything. */
  declare maxTransactionBuffers: number;
  /** `j_free`: blocks of the log that hold nothing that is still needed. */
  declare free: number;
  /** `j_checkpoint_transactions`, the oldest first. */
  declare checkpoints: List<Transaction>;
  declare checkpointMutex: Mutex;
  static {
    fields(Journal, {
      device: value,
      running: ref,
      committing: ref,
      commitRequest: int,
      commitSequence: int,
      nextTid: int,
      thread: ref,
      transactions: list(4),
      maxTransactionBuffers: int,
      free: int,
      checkpoints: list(4),
      checkpointMutex: ref,
    });
  }
}

/** `handle_t`; one per context, as a task has one handle at a time (`current->journal_info`). */
export class Handle extends Entity {
  declare journal: Journal;
  declare transaction: Transaction | undefined;
  /** Opened so often (`h_ref`). */
  declare refs: number;
  /** `h_sync`: who stops it waits for the commit. */
  declare sync: boolean;
  /** The task was in a NOFS scope before. */
  declare hadNofs: boolean;
  /** What the end of its account-force scope is to clear. */
  declare accountForce: number;
  static {
    fields(Handle, { journal: ref, transaction: ref, refs: int, sync: bool, hadNofs: bool, accountForce: int });
  }
}

/** What a journal is made of. */
export interface JournalOptions {
  /** Blocks of the log, of which a transaction may take a quarter; 0: enough for everything. */
  readonly logBlocks?: number;
}

/** A journal with its thread, which runs `thread(journal)`. Set-up only. */
export function bootJournal(
  k: Kernel,
  device: string,
  thread: (journal: Journal) => Resumable,
  { logBlocks = 0 }: JournalOptions = {},
): Journal {
  const journal = create(Journal, {
    device,
    nextTid: 1,
    maxTransactionBuffers: logBlocks >> 2,
    free: logBlocks,
    checkpointMutex: create(Mutex, { lockName: "j_checkpoint_mutex" }),
  });
  const most = logBlocks === 0 ? 2 : 4;
  for (let i = 0; i < most; i++) journal.transactions.push(create(Transaction, { state: "free" }));
  journal.thread = k.spawn({ comm: `jbd2/${device}-8`, kind: "kthread", idle: true }, thread, [journal]);
  if (!k.subsystems.has("jbd2 handles")) {
    const handles = Array.from({ length: k.config.capacities.contexts }, () => create(Handle));
    k.subsystems.set("jbd2 handles", Object.freeze(handles));
  }
  return journal;
}

const startCommit = op<Journal, number>("jbd2_log_start_commit", {
  apply(journal, tid) {
    journal.commitRequest = Math.max(journal.commitRequest, tid);
  },
  describe: (journal, tid) => `ask for commit of transaction ${tid} of ${journal.device}`,
});

/** `jbd2_log_start_commit()`: wakes kjournald2. */
export function* jbd2LogStartCommit(journal: Journal, tid: number): Resumable {
  yield startCommit(journal, tid);
}

const committed = waitOp<Journal, number>("jbd2_log_wait_commit", {
  ways: (journal, tid) => (journal.commitSequence >= tid ? 1 : 0),
  wait: (journal, tid) => ({
    resource: { class: "jbd2_commit", id: `${journal.device} transaction ${tid}` },
    verb: "commit",
    providers: [journal.thread],
    state: "D",
    top: "schedule",
  }),
  describe: (journal, tid) => `wait for commit of transaction ${tid} of ${journal.device}`,
});

/** `jbd2_log_wait_commit()`, on `j_wait_done_commit`. */
export function* jbd2LogWaitCommit(journal: Journal, tid: number): Resumable {
  yield* plugFlushOnSleep();
  yield committed(journal, tid);
}

/** `jbd2_complete_transaction()`: the commit of a transaction, if it has not been yet. */
export function* jbd2CompleteTransaction(journal: Journal, tid: number): Resumable {
  if (journal.commitRequest < tid) yield* jbd2LogStartCommit(journal, tid);
  yield* jbd2LogWaitCommit(journal, tid);
}

/** The transaction that changed the inode last and is not in the log yet (`i_sync_tid`). Part of the caller's step. */
export function uncommittedOf(journal: Journal, inode: Inode): Transaction | undefined {
  return [journal.running, journal.committing].find((transaction) => transaction?.changed.includes(inode) === true);
}
