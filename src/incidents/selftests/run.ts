/**
 * Runs the kernel's cgroup self-tests on the executable kernel: one machine, one case, one schedule.
 *
 * Sizes are scaled by one rule: a megabyte of the test is `mib` pages (256 would be life-size). Percentages stay as they are. What
 * does not scale makes the tests stricter: a charge takes batches of 32 pages, reclaim takes 32 pages at a time, so that at 32
 * pages each is a megabyte of the test, where it is an eighth of one on Linux.
 */
import { bootBlock } from "../../kernel/block/blk-core.ts";
import { bootCgroups } from "../../kernel/cgroup/cgroup-types.ts";
import { era } from "../../kernel/era.ts";
import { bootWriteback, createInode, createSuperBlock } from "../../kernel/fs/boot-writeback.ts";
import { writeVirtual } from "../../kernel/fs/virtual-files.ts";
import { bootMm } from "../../kernel/mm/mm.ts";
import { createMm } from "../../kernel/mm/mmap.ts";
import { oomReaper } from "../../kernel/mm/oom-kill.ts";
import { makeSparse } from "../../kernel/mm/readahead.ts";
import { bootProcesses } from "../../kernel/sched/exit.ts";
import { Kernel } from "../../kernel/sched/kernel.ts";
import { runKernel } from "../../kernel/sched/run.ts";
import { create, Entity, fields, type Resumable, value } from "../../resumable/index.ts";
import { type Bench, OpenFile } from "./cgroup-util.ts";

/** A case: an empty text when it passes. */
export type SelftestCase = (bench: Bench) => Resumable<string>;

export interface SelftestOptions {
  readonly release: string;
  /** Pages that stand for a megabyte. */
  readonly mib?: number;
  /** Megabytes of the machine. */
  readonly memory?: number;
  readonly cpus?: number;
  /** Directories that can be there at once, and processes. */
  readonly directories?: number;
  readonly processes?: number;
  /** Draw the schedule by this seed instead of taking turns. */
  readonly seed?: number;
  /** More of the machine, before it starts. */
  readonly boot?: (kernel: Kernel) => void;
}

export interface SelftestResult {
  /** Empty: passed. `skip: ...`, or what was not as it should be. */
  readonly said: string;
  readonly steps: number;
  /** Virtual time that the test's sleeps took. */
  readonly milliseconds: number;
  readonly kernel: Kernel;
}

/** What the test says in the end. */
class Verdict extends Entity {
  declare said: string | undefined;
  static {
    fields(Verdict, { said: value });
  }
}

function* main(bench: Bench, run: SelftestCase, verdict: Verdict): Resumable {
  yield* writeVirtual(`${bench.root}/cgroup.subtree_control`, "+memory");
  verdict.said = yield* run(bench);
}

const FILES = 2;

/** Boots a machine with cgroup v2 and runs a case on it. */
export function runSelftest(run: SelftestCase, options: SelftestOptions): SelftestResult {
  const { release, mib = 16, memory = 400, cpus = 2, directories = 10, processes = 8 } = options;
  const pages = memory * mib;
  const kernel = new Kernel({
    era: era(release),
    cpus,
    cgroup: "v2",
    kmem: true,
    hacks: [],
    capacities: {
      pages,
      contexts: processes + 16,
      bios: 8,
      inodes: FILES,
      memcgs: directories + 1,
      vmas: processes + 1,
    },
  });
  bootMm(kernel, {});
  bootCgroups(kernel, directories, ["/sys/fs/cgroup"]);
  const [queue] = bootBlock(kernel).queues;
  if (queue === undefined) throw new Error("no disk");
  const sb = createSuperBlock(kernel, bootWriteback(kernel, queue, { periodic: false }), "ext4");
  const files = Array.from({ length: FILES }, () => create(OpenFile, { inode: createInode(sb, 0) }));
  for (const { inode } of files) makeSparse(kernel, inode);
  bootProcesses(kernel, processes, pages);
  kernel.spawn({ comm: "oom_reaper", kind: "kthread", idle: true, stackWords: 256 }, oomReaper);
  const bench: Bench = Object.freeze({ root: "/sys/fs/cgroup", mib, files: Object.freeze(files), cpus });
  const verdict = create(Verdict);
  options.boot?.(kernel);
  const task = { comm: "test_memcontrol", mm: createMm(), stackWords: 1024 };
  const { context } = kernel.spawn(task, main, [bench, run, verdict]);
  const result = runKernel(kernel, {
    most: 200_000_000,
    until: () => kernel.machine.finished(context),
    ...(options.seed === undefined ? {} : { seed: options.seed }),
  });
  kernel.world.activate();
  const { steps, milliseconds } = result;
  return { said: verdict.said ?? `the run ended ${result.end}`, steps, milliseconds, kernel };
}
