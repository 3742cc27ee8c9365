/**
 * The cases of the kernel's tools/testing/selftests/cgroup/test_kmem.c (6.12), as memcontrol.ts has those of test_memcontrol.c.
 * Numbers of dentries, threads and groups are scaled like sizes, by `mib` over 256.
 */
import { statNegative } from "../../kernel/fs/negative-dentry.ts";
import { current } from "../../kernel/sched/current.ts";
import { exitToUserMode, sleepFor } from "../../kernel/sched/entry.ts";
import { joinThreads } from "../../kernel/sched/exit.ts";
import { kernelClone } from "../../kernel/sched/fork.ts";
import type { Resumable } from "../../resumable/index.ts";
import {
  type Bench,
  type Child,
  cgCreate,
  cgDestroy,
  cgRead,
  cgReadKeyLong,
  cgReadLong,
  cgRun,
  cgWrite,
  mb,
  PAGE,
  self,
} from "./cgroup-util.ts";

const PASS = "";
/** `MEMCG_CHARGE_BATCH` pages of every CPU may be charged and unused. */
const maxVmstatError = (bench: Bench): number => PAGE * 32 * bench.cpus;

function scaled(bench: Bench, count: number): number {
  return Math.ceil((count * bench.mib) / 256);
}

/** Looks for names that do not exist. */
function* allocDcache({ bench, size }: Child): Resumable<number> {
  for (let i = 0; i < scaled(bench, size); i++) {
    if (!(yield* statNegative()) || !(yield* exitToUserMode())) return 1;
  }
  return 0;
}

/** 100000 negative dentries are more than 1M; half of them go when memory.high is 1M. */
export function* testKmemBasic(bench: Bench): Resumable<string> {
  const cg = `${bench.root}/kmem_basic_test`;
  if (!(yield* cgCreate(cg))) return "mkdir";
  if ((yield* cgRun(bench, cg, allocDcache, 100000)) !== 0) return "dentries";
  const slab0 = yield* cgReadKeyLong(cg, "memory.stat", "slab");
  if (slab0 < mb(bench, 1)) return `slab is ${slab0}`;
  yield* cgWrite(cg, "memory.high", mb(bench, 1));
  yield* sleepFor(1000);
  const slab1 = yield* cgReadKeyLong(cg, "memory.stat", "slab");
  const usage = yield* cgReadLong(cg, "memory.current");
  if (slab1 < 0 || usage < 0) return "memory.stat";
  if (slab1 >= slab0 / 2 || usage >= slab0 / 2) return `slab went from ${slab0} to ${slab1}, usage is ${usage}`;
  yield* cgDestroy(cg);
  return PASS;
}

function* dcacheThread(bench: Bench): Resumable<number> {
  for (let i = 0; i < scaled(bench, 100); i++) if (!(yield* statNegative())) return 1;
  return 0;
}
/** Twice as many threads as CPUs do that. */
function* allocKmemSmp({ bench }: Child): Resumable<number> {
  const program = Object.freeze({ comm: current().comm, fn: dcacheThread, argument: bench });
  for (let i = 0; i < 2 * bench.cpus; i++) if ((yield* kernelClone(program, true)) === undefined) return 1;
  yield* joinThreads(self());
  return 0;
}

interface Subgroups {
  readonly fn: Child["fn"];
  readonly size: number;
  readonly times: number;
}
/** Makes a group, runs something in it, removes it; so many times. */
function* cgRunInSubcgroups(bench: Bench, parent: string, { fn, size, times }: Subgroups): Resumable<boolean> {
  for (let i = 0; i < times; i++) {
    const child = `${parent}/child_${i}`;
    if (!(yield* cgCreate(child))) return false;
    const code = yield* cgRun(bench, child, fn, size);
    yield* cgDestroy(child);
    if (code !== 0) return false;
  }
  return true;
}

/** What removed groups had is still counted above them, and adds up: 100 groups, one after the other. */
export function* testKmemMemcgDeletion(bench: Bench): Resumable<string> {
  const parent = `${bench.root}/kmem_memcg_deletion_test`;
  if (!(yield* cgCreate(parent))) return "mkdir";
  if (!(yield* cgWrite(parent, "cgroup.subtree_control", "+memory"))) return "+memory";
  if (!(yield* cgRunInSubcgroups(bench, parent, Object.freeze({ fn: allocKmemSmp, size: 0, times: 100 }))))
    return "a group";
  const usage = yield* cgReadLong(parent, "memory.current");
  const anon = yield* cgReadKeyLong(parent, "memory.stat", "anon");
  const file = yield* cgReadKeyLong(parent, "memory.stat", "file");
  const kernel = yield* cgReadKeyLong(parent, "memory.stat", "kernel");
  const sock = yield* cgReadKeyLong(parent, "memory.stat", "sock");
  if (Math.min(usage, anon, file, kernel, sock) < 0) return "memory.stat";
  const sum = anon + file + kernel + sock;
  if (Math.abs(sum - usage) >= maxVmstatError(bench)) return `${usage} are charged, ${sum} are there`;
  yield* cgDestroy(parent);
  return PASS;
}

/** /proc/kpagecgroup can be read to its end. */
export function* testKmemProcKpagecgroup(): Resumable<string> {
  return (yield* cgRead("/proc", "kpagecgroup")) === undefined ? "it cannot be read" : PASS;
}

function* waitingThread(): Resumable<number> {
  yield* sleepFor(100_000);
  return 0;
}
/** The stacks of 1000 threads show in memory.stat: one page each at least. */
function* spawnThreads({ bench, cgroup, size }: Child): Resumable<number> {
  const program = Object.freeze({ comm: current().comm, fn: waitingThread, argument: undefined });
  const count = scaled(bench, size);
  for (let i = 0; i < count; i++) if ((yield* kernelClone(program, true)) === undefined) return 1;
  const stack = yield* cgReadKeyLong(cgroup, "memory.stat", "kernel_stack");
  return stack >= PAGE * count ? 0 : 1;
}
export function* testKmemKernelStacks(bench: Bench): Resumable<string> {
  const cg = `${bench.root}/kmem_kernel_stacks_test`;
  if (!(yield* cgCreate(cg))) return "mkdir";
  if ((yield* cgRun(bench, cg, spawnThreads, 1000)) !== 0) return "kernel_stack is too small";
  yield* cgDestroy(cg);
  return PASS;
}

/** No removed group lingers for its kernel memory: 30 groups. */
export function* testKmemDeadCgroups(bench: Bench): Resumable<string> {
  const parent = `${bench.root}/kmem_dead_cgroups_test`;
  if (!(yield* cgCreate(parent))) return "mkdir";
  if (!(yield* cgWrite(parent, "cgroup.subtree_control", "+memory"))) return "+memory";
  if (!(yield* cgRunInSubcgroups(bench, parent, Object.freeze({ fn: allocDcache, size: 100, times: 30 }))))
    return "a group";
  let dead = -1;
  for (let i = 0; i < 5 && dead !== 0; i++) {
    if (i > 0) yield* sleepFor(1000);
    dead = yield* cgReadKeyLong(parent, "cgroup.stat", "nr_dying_descendants");
  }
  if (dead !== 0) return `${dead} groups are dying`;
  yield* cgDestroy(parent);
  return PASS;
}
