/**
 * lockdep's class names in the field's words, and which entry of a task's list it waits for.
 *
 * lockdep records an acquisition before it succeeds, so the last entry of a task that sleeps in a lock function is the
 * lock it waits for, not one it holds (kernel/locking/lockdep.c:lock_acquire; print: lockdep_print_held_locks).
 */
import type { HeldLock, HeldLockList } from "../evidence/types.ts";
import type { WaitMeaning } from "../knowledge/interpret.ts";

export interface NamedLock {
  readonly class: string;
  readonly id: string;
  readonly address?: string;
  readonly line: number;
}

const NAMES: readonly { readonly re: RegExp; readonly class: string }[] = [
  { re: /mmap_(lock|sem)/, class: "mmap_lock" },
  { re: /s_umount_key/, class: "s_umount" },
  { re: /i_mutex_dir_key|i_mutex_key|i_rwsem/, class: "i_rwsem" },
  // Writers hold it, the freezer waits for them; what writers wait for is sb_freeze, which the freezer holds.
  { re: /^sb_(writers|pagefaults|internal)/, class: "sb_writers" },
  { re: /^jbd2_handle/, class: "jbd2_handle" },
  { re: /xfs_.*ilock|xfs_(dir|nondir)_ilock_class/, class: "xfs_ilock" },
  { re: /cgroup_mutex/, class: "cgroup_mutex" },
  { re: /cpu_hotplug_lock/, class: "cpu_hotplug_lock" },
  { re: /cgroup_threadgroup_rwsem/, class: "percpu_rwsem" },
  { re: /^\(wq_completion\)/, class: "workqueue" },
  { re: /^\(work_completion\)|_work\)?$|->work\)$/, class: "work_flush" },
  { re: /rcu_read_lock|rcu_callback/, class: "rcu_grace_period" },
  { re: /srcu/, class: "srcu" },
];

/** Marks that are no locks a waiter could wait for. */
const NOT_A_LOCK = /^(rcu_read_lock|rcu_callback|\(wq_completion\)|\(work_completion\))/;

function bare(name: string): string {
  return name
    .replace(/^&/, "")
    .replace(/[#/]\d+(\/\d+)?$/, "")
    .replace(/^.*->/, "");
}

/** A lockdep entry in the field's words. */
export function nameLock(l: HeldLock): NamedLock {
  const known = NAMES.find((n) => n.re.test(l.name));
  return {
    class: known?.class ?? (/sem(aphore)?\b|rwsem/.test(l.name) ? "rwsem" : "mutex"),
    id: bare(l.name),
    ...(l.address !== undefined && { address: l.address }),
    line: l.line,
  };
}

const LOCK_CLASSES = new Set([
  "mutex",
  "rwsem",
  "percpu_rwsem",
  "semaphore",
  "spinlock",
  "mmap_lock",
  "i_rwsem",
  "s_umount",
  "cgroup_mutex",
  "cpu_hotplug_lock",
  "xfs_ilock",
  "sb_freeze",
  "sb_writers",
]);

/** Is this a wait inside a lock function that lockdep tracks? */
export function isLockWait(w: WaitMeaning | undefined): boolean {
  return w !== undefined && LOCK_CLASSES.has(w.class) && w.event === "unlock";
}

const GENERIC = new Set(["mutex", "rwsem", "semaphore", "percpu_rwsem", "spinlock"]);

/** Splits a list into what the task holds and what it is about to get. */
export function splitLocks(
  list: HeldLockList,
  wait: WaitMeaning | undefined,
): { held: readonly NamedLock[]; awaited?: NamedLock } {
  const locks = list.locks.filter((l) => !NOT_A_LOCK.test(l.name)).map(nameLock);
  const last = locks.at(-1);
  if (!last || !wait || !isLockWait(wait) || !couldBe(last, wait)) return { held: locks };
  return { held: locks.slice(0, -1), awaited: last };
}

/** A wait whose lock the stack names is for that lock, whatever the list ends with. */
function couldBe(lock: NamedLock, wait: WaitMeaning): boolean {
  if (lock.class === wait.class)
    return wait.id === undefined || !GENERIC.has(wait.class) || lock.id.includes(wait.id) || wait.id.includes(lock.id);
  return GENERIC.has(wait.class) && wait.id === undefined;
}
