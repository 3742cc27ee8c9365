/** What goes into a fault and what comes back (include/linux/mm.h, include/linux/mm_types.h); the bits are the model's own. */
import type { Resumable } from "../../resumable/index.ts";
import { upRead } from "../locking/rwsem.ts";
import type { Vma } from "./mm-types.ts";

export const FAULT_FLAG_WRITE = 1 << 0;
/** The second try: mmap_lock is kept over every wait (`FAULT_FLAG_ALLOW_RETRY` cleared before 5.7). */
export const FAULT_FLAG_TRIED = 1 << 1;
/** The fault runs under the lock of the VMA, without mmap_lock. */
export const FAULT_FLAG_VMA_LOCK = 1 << 2;

export const VM_FAULT_OOM = 1 << 0;
export const VM_FAULT_SIGBUS = 1 << 1;
/** Nothing was mapped, or somebody else did it: the instruction is to be tried again. */
export const VM_FAULT_NOPAGE = 1 << 2;
/** The lock of the fault was dropped: find the VMA again and try once more. */
export const VM_FAULT_RETRY = 1 << 3;
/** Done, and the lock of the fault was dropped (6.0+). */
export const VM_FAULT_COMPLETED = 1 << 4;
/** A fatal signal came first. */
export const VM_FAULT_KILLED = 1 << 5;

/** `release_fault_lock()`: the lock under which the fault runs. */
export function* releaseFaultLock(vma: Vma, flags: number): Resumable {
  yield* upRead((flags & FAULT_FLAG_VMA_LOCK) === 0 ? vma.mm.mmapLock : vma.vmLock);
}
