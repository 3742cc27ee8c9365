/**
 * The proposal PF_MEMALLOC_ACCOUNTFORCE (18 June 2025, never merged): in such a scope a charge that does not fit is forced at
 * once, and the task owes the pages until it returns to user mode, where it holds no lock (memcg-over-max.ts).
 *
 * The scope comes after the test for PF_MEMALLOC in try_charge and looks neither at kernel threads, which never return to user
 * mode, nor at how much is owed already. As posted, the end of a scope takes no argument: an inner one ends the outer one too.
 */
import { PF_MEMALLOC_ACCOUNTFORCE } from "../gfp.ts";
import { current, era } from "../sched/current.ts";

/** `memalloc_account_force_save()`: what its end is to clear. */
export function memallocAccountForceSave(): number {
  const task = current();
  const saved = ~task.flags & PF_MEMALLOC_ACCOUNTFORCE;
  task.flags |= PF_MEMALLOC_ACCOUNTFORCE;
  return saved;
}

/** `memalloc_account_force_restore()`. */
export function memallocAccountForceRestore(saved: number): void {
  current().flags &= ~(era().accountForceNests ? saved : PF_MEMALLOC_ACCOUNTFORCE);
}

/** A charge of `n` pages that does not fit is forced, and owed. Part of the charge's step. */
export function accountForced(n: number): boolean {
  const task = current();
  if (!era().accountForce || (task.flags & PF_MEMALLOC_ACCOUNTFORCE) === 0) return false;
  task.memcgNrPagesOverMax += n;
  task.notifyResume = true;
  return true;
}
