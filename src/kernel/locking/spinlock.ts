/**
 * Spinlocks and the local interrupt flag.
 *
 * A spinner keeps its CPU: no other task runs there, interrupts do if they are on. The plain `_irq` variants switch interrupts
 * on again without asking what they were, as the kernel's do; `_irqsave` ones restore what they found.
 *
 * A section that keeps interrupts off is one step from its lock to its unlock; where interrupts are on at an unlock of such a
 * lock, the unlock is a step of its own, because a handler may run before it.
 */
import { Entity, fields, op, type Resumable, ref, value } from "../../resumable/index.ts";
import { current, thisCpu } from "../sched/current.ts";
import type { Cpu, Task } from "../sched/task.ts";
import { waitOp } from "../sched/wait.ts";

/** `spinlock_t`; `lockClass` is the field's word for it, e.g. `lru_lock`. */
export class SpinLock extends Entity {
  declare lockClass: string;
  declare owner: Task | undefined;
  static {
    fields(SpinLock, { lockClass: value, owner: ref });
  }
}

function pin(task: Task): void {
  task.preemptCount++;
  task.cpu.pinned = task;
}
function unpin(task: Task): void {
  task.preemptCount--;
  if (task.preemptCount === 0 && task.cpu.pinned === task && !task.cpu.irqsOff) task.cpu.pinned = undefined;
}

/** Takes the lock if it is free; the caller spins otherwise. Preemption is off from here on either way. */
const trySpin = op<SpinLock, boolean>("spin_lock", {
  apply(lock, irq) {
    const task = current();
    pin(task);
    if (irq) task.cpu.irqsOff = true;
    if (lock.owner !== undefined) return false;
    lock.owner = task;
    return true;
  },
  describe: (lock) => `spin_lock ${lock.lockClass}`,
});

const spin = waitOp<SpinLock, undefined>("spin", {
  ways: (lock) => (lock.owner === undefined ? 1 : 0),
  apply(lock) {
    lock.owner = current();
  },
  wait: (lock) => ({
    resource: { class: lock.lockClass, id: String(lock.$number) },
    verb: "unlock",
    providers: lock.owner === undefined ? [] : [lock.owner],
    state: "R",
    top: "spin",
  }),
  describe: (lock) => `spin on ${lock.lockClass}`,
});

const unlockWithIrqsOn = op<SpinLock>("spin_unlock with interrupts on", {
  describe: (lock) => `spin_unlock ${lock.lockClass} with interrupts on`,
});

function release(lock: SpinLock): void {
  lock.owner = undefined;
  unpin(current());
}

function irqsOn(cpu: Cpu): void {
  cpu.irqsOff = false;
  if (cpu.pinned !== undefined && cpu.pinned.preemptCount === 0) cpu.pinned = undefined;
}

export function* spinLock(lock: SpinLock): Resumable {
  if (!(yield trySpin(lock, false))) yield spin(lock);
}
export function spinUnlock(lock: SpinLock): void {
  release(lock);
}

export function* spinLockIrq(lock: SpinLock): Resumable {
  if (!(yield trySpin(lock, true))) yield spin(lock);
}
/** Releases and switches interrupts on, whatever they were before. */
export function* spinUnlockIrq(lock: SpinLock): Resumable {
  if (!thisCpu().irqsOff) yield unlockWithIrqsOn(lock);
  release(lock);
  irqsOn(thisCpu());
}

/** Returns whether interrupts were off, for {@link spinUnlockIrqrestore}. */
export function* spinLockIrqsave(lock: SpinLock): Resumable<boolean> {
  const flags = thisCpu().irqsOff;
  if (!(yield trySpin(lock, true))) yield spin(lock);
  return flags;
}
export function* spinUnlockIrqrestore(lock: SpinLock, flags: boolean): Resumable {
  if (!thisCpu().irqsOff) yield unlockWithIrqsOn(lock);
  release(lock);
  if (flags) thisCpu().irqsOff = true;
  else irqsOn(thisCpu());
}

/** `preempt_disable()`: no other task runs on the CPU; interrupts do. Part of the caller's step. */
export function preemptDisable(): void {
  pin(current());
}
/** `preempt_enable()`. */
export function preemptEnable(): void {
  unpin(current());
}

/** Switches interrupts off; returns whether they were. */
export function localIrqSave(): boolean {
  const cpu = thisCpu();
  const flags = cpu.irqsOff;
  cpu.irqsOff = true;
  cpu.pinned = current();
  return flags;
}
export function localIrqRestore(flags: boolean): void {
  if (!flags) irqsOn(thisCpu());
}
