/**
 * Sequence locks (include/linux/seqlock.h): a writer makes the sequence odd, a reader waits until it is even, spinning where it
 * is. `write_seqlock()` switches no interrupts off: a reader in an interrupt on the writer's CPU spins for what it interrupted.
 *
 * A reader that finds at its end that the sequence has moved begins again; here readers do not come back (nothing that a
 * reader reads is modelled), so that only the parity is state.
 */
import { bool, create, Entity, fields, type Resumable, ref } from "../../resumable/index.ts";
import { waitOp } from "../sched/wait.ts";
import { SpinLock, spinLock, spinUnlock } from "./spinlock.ts";

/** `seqlock_t`. */
export class SeqLock extends Entity {
  /** Between writers. */
  declare lock: SpinLock;
  /** The sequence is odd: a writer is in its section. */
  declare odd: boolean;
  static {
    fields(SeqLock, { lock: ref, odd: bool });
  }
}

/** Set-up only. */
export function createSeqLock(lockClass: string): SeqLock {
  return create(SeqLock, { lock: create(SpinLock, { lockClass }) });
}

const begin = waitOp<SeqLock>("read_seqbegin", {
  ways: (seq) => (seq.odd ? 0 : 1),
  wait: ({ lock }) => ({
    resource: { class: lock.lockClass, id: String(lock.$number) },
    verb: "write_sequnlock",
    providers: lock.owner === undefined ? [] : [lock.owner],
    state: "R",
    top: "busy",
  }),
  describe: (seq) => `read_seqbegin ${seq.lock.lockClass}`,
});

/** Spins while a writer is at work. Its frame is the caller's: the function is inline. */
export function* readSeqbegin(seq: SeqLock): Resumable {
  yield begin(seq);
}
export function* writeSeqlock(seq: SeqLock): Resumable {
  yield* spinLock(seq.lock);
  seq.odd = true;
}
/** Part of the step before it: who spins for it cannot tell. */
export function writeSequnlock(seq: SeqLock): void {
  seq.odd = false;
  spinUnlock(seq.lock);
}
