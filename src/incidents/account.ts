/**
 * What a state says to a reader: who waits for whom, which circle of waits is the reason, and every stuck context. In the shape
 * of the cores of a diagnosis.
 */
import {
  type Analysis,
  analyze,
  type Confidence,
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

/** Who knows the program of a wait graph (@internal). */
export interface Teller {
  name(context: ContextId): ContextName;
  /** Where a context of the program stands. */
  shown(context: number): Pick<AccountContext, "state" | "position" | "trace">;
  /** It burns a CPU. */
  spins(context: number): boolean;
  /** Somebody can step. */
  canStep(): boolean;
}

/** The account of a wait graph; `also` are contexts to show although the graph has nothing to say of them (@internal). */
export function accountFrom(graph: WaitGraph, teller: Teller, also: readonly number[]): Account {
  const analysis = whoIsDead(graph, teller, also);
  const name = (id: ContextId): ContextName => teller.name(id);
  const core = analysis.cores[0];
  // contexts that go round for ever wait for nothing: no graph has them, they are the core themselves
  const members = new Set<number>(core?.contexts ?? also);
  const behind = [...new Set([...analysis.dead, ...also])].filter((c) => !members.has(c)).sort((a, b) => a - b);
  const show = (role: "core" | "behind") => (c: number) => ({
    ...name(c as ContextId),
    role,
    ...teller.shown(c),
  });
  return {
    kind: core === undefined ? "none" : core.kind === "orphan" ? "nobody" : "circle",
    core: (core?.edges ?? []).map((edge) => edgeOf(graph, edge, teller)),
    breakers: analysis.breakers.map(name),
    stuckBehind: analysis.stuckBehind.map((group) => groupOf(graph, group.resource, group.contexts, name)),
    contexts: [...[...members].map(show("core")), ...behind.map(show("behind"))],
    spins: [...members].some((c) => teller.spins(c)),
  };
}

/**
 * Where nothing at all can step, a context without a wait (a worker without work) raises nothing any more either: it is then
 * no provider, although the graph, which knows nothing of the whole state, has it as one that can run.
 */
function whoIsDead(graph: WaitGraph, teller: Teller, stuck: readonly number[]): Analysis {
  const analysis = analyze(graph);
  if (analysis.dead.length > 0 || stuck.length === 0 || teller.canStep()) return analysis;
  const events = graph.events.map((event) => ({
    ...event,
    providers: event.providers.filter((p) => graph.contexts[p.context]?.wait !== undefined),
  }));
  return analyze({ ...graph, events });
}

function edgeOf(graph: WaitGraph, edge: CoreEdge, teller: Teller): AccountEdge {
  const event = graph.events[edge.event] as WaitEvent;
  const told = event.providers.flatMap((p) => p.why ?? []);
  const waiter = teller.name(edge.waiter);
  return {
    waiter,
    waitsFor: event.resource,
    event: event.verb,
    any: edge.any,
    heldBy: edge.providers.map((id) => teller.name(id)),
    why: [...told, `${waiter.key} stands at ${teller.shown(edge.waiter).position}`],
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
