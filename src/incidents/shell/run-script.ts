/** Boots a machine and runs a shell script on it, along one schedule. */
import { bootBlock } from "../../kernel/block/blk-core.ts";
import { bootCgroups } from "../../kernel/cgroup/cgroup-types.ts";
import { era } from "../../kernel/era.ts";
import { bootWriteback, createInode, createSuperBlock } from "../../kernel/fs/boot-writeback.ts";
import { bootMm } from "../../kernel/mm/mm.ts";
import { createMm } from "../../kernel/mm/mmap.ts";
import { bootProcesses } from "../../kernel/sched/exit.ts";
import { Kernel } from "../../kernel/sched/kernel.ts";
import { type RunResult, runKernel } from "../../kernel/sched/run.ts";
import { create } from "../../resumable/index.ts";
import { NamedFile } from "./commands.ts";
import { Shell, scriptMain, type Terminal } from "./shell.ts";
import { parseScript } from "./syntax.ts";

export interface ScriptOptions {
  readonly release: string;
  readonly cgroup?: "v1" | "v2";
  /** Where the hierarchy of the memory controller is mounted besides its usual place. */
  readonly mount?: string;
  readonly hacks?: readonly string[];
  /** Pages that stand for a megabyte in the arguments of dd; 1. 256 would be life-size. */
  readonly mib?: number;
  /** Pages of the machine. */
  readonly pages?: number;
  readonly cpus?: number;
  /** CPU that gets the interrupts of the disk. */
  readonly irqCpu?: number;
  /** Draws the schedule; without one, everybody takes turns. */
  readonly seed?: number;
  /** With a seed: how much slower the disk is than a CPU; see RunOptions. */
  readonly interruptEvery?: number;
  /** Steps at most. */
  readonly most?: number;
  /** Ends the run. */
  readonly until?: (kernel: Kernel) => boolean;
}

export interface ScriptResult extends RunResult {
  readonly kernel: Kernel;
  /** What the script printed. */
  readonly output: string;
}

const PROCESSES = 8;
const DIRECTORIES = 4;
const NAMED_FILES = 2;

/** Runs a script until nobody can step, somebody never will again, or the bound. Throws on what is no script. @since 0.3.0 */
export function runScript(text: string, options: ScriptOptions): ScriptResult {
  const parsed = parseScript(text);
  if (!parsed.ok) throw new Error(`line ${parsed.line}: ${parsed.error}`);
  const { kernel, terminal } = boot(options);
  const shellTask = kernel.spawn({ comm: "bash", mm: createMm(), stackWords: 1024, cpu: 1 }, scriptMain, [
    parsed.script,
  ]);
  kernel.canSynchronizeRcu(shellTask);
  const shells = Array.from({ length: kernel.tasks.length }, () =>
    create(Shell, { variables: Object.freeze({}), directory: "/" }),
  );
  kernel.subsystems.set("terminal", { ...terminal, shells });
  const { seed, most = 1_000_000, until } = options;
  const result = runKernel(kernel, {
    most,
    slice: seed === undefined ? 16 : 1,
    lookForDeadEvery: 64,
    ...(seed === undefined ? {} : { seed, interruptEvery: options.interruptEvery ?? 512 }),
    ...(until === undefined ? {} : { until: () => until(kernel) }),
  });
  kernel.world.activate();
  return { ...result, kernel, output: terminal.lines.join("") };
}

function boot(options: ScriptOptions): { readonly kernel: Kernel; readonly terminal: Terminal } {
  const { release, cgroup = "v1", mount, hacks = [], mib = 1, pages = 320, cpus = 2, irqCpu = 0 } = options;
  const contexts = PROCESSES + 24;
  const kernel = new Kernel({
    era: era(release),
    cpus,
    cgroup,
    kmem: true,
    hacks,
    capacities: { pages, contexts, bios: 64, inodes: NAMED_FILES, memcgs: DIRECTORIES + 1, vmas: PROCESSES + 1 },
  });
  bootMm(kernel, { moveCharge: cgroup === "v1" });
  bootCgroups(kernel, DIRECTORIES, mount === undefined ? [] : [mount]);
  const [queue] = bootBlock(kernel, [{ irqCpu, depth: 1 }]).queues;
  if (queue === undefined) throw new Error("no disk");
  const sb = createSuperBlock(kernel, bootWriteback(kernel, queue), "ext4");
  const files = Array.from({ length: NAMED_FILES }, () => create(NamedFile, { path: "", inode: createInode(sb, 0) }));
  kernel.subsystems.set("named files", Object.freeze(files));
  kernel.subsystems.set("pages per megabyte", mib);
  for (const proc of bootProcesses(kernel, PROCESSES, 1).all) kernel.canSynchronizeRcu(proc.task);
  return { kernel, terminal: { shells: [], lines: [] } };
}
