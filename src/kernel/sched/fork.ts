/**
 * Processes that come and go (kernel/fork.c). A world cannot grow while it runs: fork(2) takes a task out of a pool made at boot,
 * with an address space that has one anonymous mapping, its heap.
 *
 * A child begins with an empty heap, as after vfork(2) and exec: page tables are not copied. Its kernel stack of four pages is
 * charged to its parent's memory group (memcg_charge_kernel_stack), and its slab objects are not.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import { taskCgroup } from "../cgroup/cgroup-types.ts";
import { GFP_KERNEL } from "../gfp.ts";
import { __memcgKmemChargePage, kmemTarget } from "../mm/memcg-kmem.ts";
import type { MemCgroup } from "../mm/memcg-types.ts";
import { current } from "./current.ts";
import { countStack, type Process, type Program, processes, putTaskStack, STACK_PAGES } from "./process.ts";

interface CloneArgs {
  readonly program: Program;
  readonly thread: boolean;
  readonly payer: MemCgroup | undefined;
}
/** One task of the pool for each CPU that has one to spare. */
function candidates(): readonly Process[] {
  const unused = [...(processes()?.all ?? [])].filter((proc) => proc.state === "unused");
  return unused.filter((proc, i) => unused.findIndex((other) => other.task.cpu === proc.task.cpu) === i);
}

/** On which CPU a child begins (select_task_rq) is the schedule's choice. */
const copyProcess = op<CloneArgs>("copy_process", {
  ways: () => Math.max(1, candidates().length),
  apply({ program, thread, payer }, _none, way) {
    const pool = processes();
    const child = candidates()[way];
    if (pool === undefined || child === undefined) return undefined;
    const parent = current();
    const { task, space } = child;
    const pid = pool.nextPid++;
    space.oomSkip = false;
    space.oomScoreAdj = parent.mm?.oomScoreAdj ?? 0;
    Object.assign(task, { pid, comm: program.comm, flags: 0, mm: thread ? parent.mm : space });
    task.memcg = parent.memcg;
    parent.memcg?.tasks.push(task);
    const cgroup = taskCgroup(parent);
    if (cgroup?.parent !== undefined) cgroup.tasks.push(task);
    Object.assign(child, { state: "running", parent, thread, program, exitCode: 0, signaled: false });
    child.stackMemcg = payer;
    return child;
  },
  describe: ({ program }) => `fork ${program.comm}`,
});

/** `kernel_clone()`: the pid of the child; undefined: EAGAIN (the pool is empty) or ENOMEM (its stack cannot be charged). */
export function* kernelClone(program: Program, thread = false): Resumable<number | undefined> {
  const payer = kmemTarget();
  if (payer !== undefined && !(yield* memcgChargeKernelStack(payer))) return undefined;
  const child: Process | undefined = yield copyProcess(Object.freeze({ program, thread, payer }));
  if (child === undefined && payer !== undefined) putTaskStack(payer, STACK_PAGES);
  return child?.task.pid;
}

function* memcgChargeKernelStack(memcg: MemCgroup): Resumable<boolean> {
  for (let i = 0; i < STACK_PAGES; i++) {
    if (!(yield* __memcgKmemChargePage(memcg, GFP_KERNEL))) {
      putTaskStack(memcg, i);
      return false;
    }
    countStack(memcg, 1);
  }
  return true;
}
