/** Faults that the kernel makes for itself (mm/gup.c): page after page inside one system call. */
import type { Resumable } from "../../resumable/index.ts";
import { fatalSignalPending } from "../sched/signal.ts";
import { VM_FAULT_OOM } from "./fault-flags.ts";
import { doUserAddrFault } from "./memory.ts";
import type { Vma } from "./mm-types.ts";

/**
 * `__mm_populate()`, as mlock(2) calls it: false when memory ran out or the task was killed. What memory.high owes is paid on the
 * way back to user mode, after all of it, or inside the charges (5.18+).
 */
export function* __mmPopulate(vma: Vma, start: number, count: number): Resumable<boolean> {
  for (let index = start; index < start + count; index++) {
    const fault = yield* doUserAddrFault(vma, index, true);
    if ((fault & VM_FAULT_OOM) !== 0 || fatalSignalPending()) return false;
  }
  return true;
}
