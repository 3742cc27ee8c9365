/** The end of a process, as far as its memory goes (kernel/exit.c): the last thread out gives it back. */
import { op, type Resumable } from "../../resumable/index.ts";
import { PF_EXITING } from "../gfp.ts";
import { current, kernel } from "../sched/current.ts";
import type { MmStruct } from "./mm-types.ts";
import { exitMmap } from "./mmap.ts";

/** True for the last: all others with this address space exit already. */
const leave = op<MmStruct>("exit_mm", {
  apply(space) {
    const task = current();
    task.flags |= PF_EXITING;
    return kernel().tasks.every((other) => other.mm !== space || (other.flags & PF_EXITING) !== 0);
  },
  describe: (space) => `leave the address space ${space}`,
});

/** exit(2), or the end of a task that was killed, on its way to user mode. */
export function* doExit(space: MmStruct): Resumable {
  if (yield leave(space)) yield* exitMmap(space);
}
