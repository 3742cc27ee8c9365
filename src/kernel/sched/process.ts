/** Tasks of a pool that are forked and exit: see fork.ts and exit.ts. */
import { bool, Entity, fields, int, type List, list, type Resumable, ref, value } from "../../resumable/index.ts";
import { cgroupOfMemcg } from "../cgroup/cgroup-types.ts";
import { memcgKmemUnchargePage } from "../mm/memcg-kmem.ts";
import type { MemCgroup } from "../mm/memcg-types.ts";
import type { MmStruct, Vma } from "../mm/mm-types.ts";
import { kernel } from "./current.ts";
import type { Task } from "./task.ts";

/** What a process runs: a function of user space, which returns its exit code, and what it is given. Frozen. */
export interface Program {
  readonly comm: string;
  readonly fn: (argument: never) => Resumable<number>;
  readonly argument: unknown;
}

/** A task of the pool, and what its parent learns of it. */
export class Process extends Entity {
  declare task: Task;
  declare state: "unused" | "running" | "zombie";
  declare parent: Task | undefined;
  /** A thread of its parent's process: nobody waits for its exit code. */
  declare thread: boolean;
  declare exitCode: number;
  /** Killed by SIGKILL. */
  declare signaled: boolean;
  declare program: Program;
  declare space: MmStruct;
  declare heap: Vma;
  /** Who pays for its kernel stack. */
  declare stackMemcg: MemCgroup | undefined;
  static {
    fields(
      Process,
      {
        task: ref,
        state: value,
        parent: ref,
        thread: bool,
        exitCode: int,
        signaled: bool,
        program: value,
        space: ref,
        heap: ref,
        stackMemcg: ref,
      },
      "process",
    );
  }
}

/** The pool, and the pids that are given out. */
export class Processes extends Entity {
  declare nextPid: number;
  declare all: List<Process>;
  static {
    fields(Processes, { nextPid: int, all: list("contexts") });
  }
}

/** `THREAD_SIZE` of x86-64 in pages. */
export const STACK_PAGES = 4;

export function processes(): Processes | undefined {
  return kernel().subsystems.get("processes") as Processes | undefined;
}
/** The process of a task of the pool. */
export function processOf(task: Task): Process | undefined {
  return [...(processes()?.all ?? [])].find((proc) => proc.task === task);
}

/** Part of the caller's step. */
export function countStack(memcg: MemCgroup, pages: number): void {
  const cgroup = cgroupOfMemcg(memcg);
  if (cgroup !== undefined) cgroup.kernelStack += pages;
}
/** The stack goes back. Part of the caller's step. */
export function putTaskStack(memcg: MemCgroup, pages: number): void {
  for (let i = 0; i < pages; i++) memcgKmemUnchargePage(memcg);
  countStack(memcg, -pages);
}
