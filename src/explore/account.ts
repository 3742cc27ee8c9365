/**
 * What a state of a kernel says to a reader: who waits for whom, which circle of waits is the reason, and every stuck
 * context as the kernel would print it. Found by the same analysis as the cores of a diagnosis, and in the same shape.
 */

import type { Kernel } from "../kernel/sched/kernel.ts";
import { showContext, taskState } from "../kernel/sched/show-task.ts";
import { obstacleOf } from "../kernel/sched/stuck.ts";
import type { Task } from "../kernel/sched/task.ts";
import { waitGraph } from "../kernel/sched/wait-graph.ts";
import {
  type Analysis,
  analyze,
  type Confidence,
  type Context,
  type ContextId,
  type ContextKind,
  type CoreEdge,
  type Resource,
  type WaitEvent,
  type WaitGraph,
} from "../waits/index.ts";

/** A context by name, as the contexts of a diagnosis; `key` is unique within one account. @since 0.2.0 */
export interface ContextName {
  readonly key: string;
  readonly kind: ContextKind;
  readonly pid?: number;
  readonly comm?: string;
  readonly cpu?: number;
}

/** `waiter` waits for what only `heldBy` can end; the shape of a core edge of a diagnosis. @since 0.2.0 */
export interface AccountEdge {
  readonly waiter: ContextName;
  readonly waitsFor: Resource;
  readonly event: string;
  readonly any: boolean;
  readonly heldBy: readonly ContextName[];
  readonly why: readonly string[];
  readonly lines: readonly [];
  readonly confidence: Confidence;
}

/** Contexts outside the core that wait for it. @since 0.2.0 */
export interface AccountGroup {
  readonly waitsFor: Resource;
  readonly event: string;
  readonly contexts: readonly ContextName[];
  readonly count: number;
  readonly heldBy: readonly ContextName[];
  readonly why: readonly string[];
}

/** A stuck context with its stack in the kernel's form. @since 0.2.0 */
export interface AccountContext extends ContextName {
  readonly state: string;
  readonly role: "core" | "behind";
  /** Where it stands in the model, as schedules have it. */
  readonly position: string;
  /** Lines as `sched_show_task()` prints them. */
  readonly trace: readonly string[];
}

/** @since 0.2.0 */
export interface Account {
  /** `circle`: a circle of waits; `nobody`: an event that nobody can raise any more; `none`: nobody is stuck for ever. */
  readonly kind: "circle" | "nobody" | "none";
  readonly core: readonly AccountEdge[];
  /** Every single context whose release would free all. */
  readonly breakers: readonly ContextName[];
  readonly stuckBehind: readonly AccountGroup[];
  readonly contexts: readonly AccountContext[];
  /** A member of the core burns a CPU. */
  readonly spins: boolean;
}

/** The account of the kernel's present state; `also` are contexts to show although the graph has nothing to say of them. */
export function accountOf(kernel: Kernel, also: readonly number[] = []): Account {
  kernel.world.activate();
  const graph = waitGraph(kernel);
  const analysis = whoIsDead(kernel, graph, also);
  const name = (id: ContextId): ContextName => contextName(kernel, graph, id);
  const core = analysis.cores[0];
  const edges = (core?.edges ?? []).map((edge) => edgeOf(kernel, graph, edge, name));
  // contexts that go round for ever wait for nothing: no graph has them, they are the core themselves
  const members = new Set<number>(core?.contexts ?? also);
  const behind = [...new Set([...analysis.dead, ...also])].filter((c) => !members.has(c)).sort((a, b) => a - b);
  const show = (role: "core" | "behind") => (c: number) => shown(kernel, c, role, name(c as ContextId));
  return {
    kind: core === undefined ? "none" : core.kind === "orphan" ? "nobody" : "circle",
    core: edges,
    breakers: analysis.breakers.map(name),
    stuckBehind: analysis.stuckBehind.map((group) => groupOf(graph, group.resource, group.contexts, name)),
    contexts: [...[...members].map(show("core")), ...behind.map(show("behind"))],
    spins: [...members].some((c) => spins(kernel, kernel.tasks[c] as Task)),
  };
}

/**
 * Where nothing at all can step, a context without a wait (a worker without work) raises nothing any more either: it is then
 * no provider, although the graph, which knows nothing of the whole state, has it as one that can run.
 */
function whoIsDead(kernel: Kernel, graph: WaitGraph, stuck: readonly number[]): Analysis {
  const analysis = analyze(graph);
  if (analysis.dead.length > 0 || stuck.length === 0 || canStep(kernel)) return analysis;
  const events = graph.events.map((event) => ({
    ...event,
    providers: event.providers.filter((p) => graph.contexts[p.context]?.wait !== undefined),
  }));
  return analyze({ ...graph, events });
}

function canStep({ machine, tasks }: Kernel): boolean {
  return tasks.some((task) => machine.ways(task.context) > 0);
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

function edgeOf(kernel: Kernel, graph: WaitGraph, edge: CoreEdge, name: (id: ContextId) => ContextName): AccountEdge {
  const event = graph.events[edge.event] as WaitEvent;
  const told = event.providers.flatMap((p) => p.why ?? []);
  return {
    waiter: name(edge.waiter),
    waitsFor: event.resource,
    event: event.verb,
    any: edge.any,
    heldBy: edge.providers.map(name),
    why: [...told, `${kernel.machine.name(edge.waiter)} stands at ${kernel.machine.position(edge.waiter)}`],
    lines: [],
    confidence: edge.confidence,
  };
}

function groupOf(
  graph: WaitGraph,
  waitsFor: Resource,
  contexts: readonly ContextId[],
  name: (id: ContextId) => ContextName,
): AccountGroup {
  const event = graph.events.find(
    (e) => e.resource.class === waitsFor.class && e.resource.id === waitsFor.id,
  ) as WaitEvent;
  return {
    waitsFor,
    event: event.verb,
    contexts: contexts.map(name),
    count: contexts.length,
    heldBy: event.providers.map((p) => name(p.context)),
    why: [],
  };
}

function shown(kernel: Kernel, context: number, role: "core" | "behind", named: ContextName): AccountContext {
  const task = kernel.tasks[context] as Task;
  return {
    ...named,
    state: taskState(kernel, task),
    role,
    position: kernel.machine.position(context),
    trace: showContext(kernel, task),
  };
}
