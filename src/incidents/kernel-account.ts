/**
 * What a state of a kernel says to a reader: its account, with every stuck context as the kernel would print it. Found by the
 * same analysis as the cores of a diagnosis.
 */
import { kernelName } from "../kernel/frame-names.ts";
import type { Kernel } from "../kernel/sched/kernel.ts";
import { isKernelFile, showContext, taskState } from "../kernel/sched/show-task.ts";
import { obstacleOf } from "../kernel/sched/stuck.ts";
import type { Task } from "../kernel/sched/task.ts";
import { waitGraph } from "../kernel/sched/wait-graph.ts";
import type { Context, ContextId, WaitGraph } from "../waits/types.ts";
import { type Account, accountFrom, type ContextName } from "./account.ts";

/** The account of the kernel's present state; `also` are contexts to show although the graph has nothing to say of them. */
export function accountOf(kernel: Kernel, also: readonly number[] = []): Account {
  kernel.world.activate();
  const graph = waitGraph(kernel);
  const { machine, tasks } = kernel;
  return accountFrom(
    graph,
    {
      name: (id) => contextName(kernel, graph, id),
      shown: (context) => {
        const task = tasks[context] as Task;
        return {
          state: taskState(kernel, task),
          position: machine.position(context),
          trace: showContext(kernel, task),
        };
      },
      spins: (context) => spins(kernel, tasks[context] as Task),
      canStep: () => tasks.some((task) => machine.ways(task.context) > 0),
    },
    also,
  );
}

function spins(kernel: Kernel, task: Task): boolean {
  const obstacle = obstacleOf(kernel, task);
  return obstacle?.kind === "wait" && obstacle.wait.state === "R";
}

function contextName(kernel: Kernel, graph: WaitGraph, id: ContextId): ContextName {
  const { kind } = graph.contexts[id] as Context;
  const task = kernel.tasks[id];
  if (task === undefined) return { key: `hardware/${id}`, kind, comm: "hardware" };
  return { key: kernel.machine.name(id), kind, pid: task.pid, comm: task.comm, cpu: task.cpu.number };
}

/** Functions of these folders are told by the operation itself. */
const PRIMITIVES = /(^|\/)src\/kernel\/(locking|sched)\//;

/** The function that a context is in: the innermost that the release prints and that is no locking primitive. */
export function kernelFunction(kernel: Kernel, context: number): string | undefined {
  const frames = kernel.machine.stack(context).filter((frame) => isKernelFile(frame.file));
  const printed = frames.filter((frame) => kernelName(frame.name, kernel.era) !== undefined);
  const caller = printed.find((frame) => !PRIMITIVES.test(frame.file)) ?? printed[0];
  return caller === undefined ? undefined : kernelName(caller.name, kernel.era);
}
