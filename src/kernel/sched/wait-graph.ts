/** The present state as a wait-for graph, for the analysis and the reports of `waits/`. */
import type { Context, ContextId, ContextKind, EventId, WaitEvent, WaitGraph } from "../../waits/index.ts";
import type { Kernel } from "./kernel.ts";
import { type Obstacle, obstacleOf } from "./stuck.ts";
import type { Task } from "./task.ts";

const KINDS: Readonly<Record<Task["kind"], ContextKind>> = {
  task: "task",
  kthread: "task",
  kworker: "kworker",
  hardirq: "irq",
  softirq: "irq",
};

/** Contexts are the kernel's tasks, by number; one more stands for hardware that works, where something waits for it. */
export function waitGraph(kernel: Kernel): WaitGraph {
  const events: WaitEvent[] = [];
  const hardware = kernel.tasks.length as ContextId;
  const contexts: Context[] = kernel.tasks.map((task) => {
    const obstacle = obstacleOf(kernel, task);
    const base = { kind: KINDS[task.kind], pid: task.pid, comm: task.comm, cpu: task.cpu.number };
    if (obstacle === undefined) return base;
    const event = events.length as EventId;
    events.push(eventOf(kernel, task, obstacle, hardware));
    return { ...base, wait: { kind: "event", event } };
  });
  return { contexts: [...contexts, { kind: "device", comm: "hardware" }], events };
}

function eventOf(kernel: Kernel, task: Task, obstacle: Obstacle, hardware: ContextId): WaitEvent {
  if (obstacle.kind === "cpu") {
    return {
      resource: { class: "cpu", id: String(task.cpu.number) },
      verb: "leave",
      providers: obstacle.by.map((by) => ({
        context: by.context as ContextId,
        confidence: "proven",
        why: [`${by} occupies CPU ${task.cpu.number}`],
      })),
      providersKnown: "proven",
    };
  }
  const { wait } = obstacle;
  return {
    resource: wait.resource,
    verb: wait.verb,
    // a task that has ended provides nothing any more
    providers: wait.providers
      .filter((by) => by === "hardware" || !kernel.machine.finished(by.context))
      .map((by) => ({ context: by === "hardware" ? hardware : (by.context as ContextId), confidence: "proven" })),
    providersKnown: "proven",
  };
}
