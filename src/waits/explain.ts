/** From a self-sustaining set to the arrows that keep it dead (@internal). */
import { compareConfidence, strongest, weakest } from "./confidence.ts";
import { EVENT, type Net } from "./net.ts";
import type { Confidence, ContextId, Core, CoreEdge, EventId, WaitGraph } from "./types.ts";

/**
 * The arrows of every context of a net that is blocked as a whole: enough unmet events to keep each condition unmet, and
 * of equally good choices the surest, then the first. `any` when more than one event is needed at some gate on the way:
 * so a context has either one arrow, or several that are all `any`.
 */
export function explain(graph: WaitGraph, net: Net): CoreEdge[][] {
  const { contexts, inputs, inputStart, kind, need, origin } = net;
  const sure: Confidence[] = [];
  const raisers: ContextId[][] = [];
  for (let v = contexts; v < kind.length; v++) {
    if (kind[v] !== EVENT) continue;
    const { providers, providersKnown = "proven" } = graph.events[origin[v]!]!;
    // A further candidate that is less sure does not weaken the claim: it is dead as well.
    sure[v] = weakest([providersKnown, strongest(providers.map((p) => p.confidence))]);
    raisers[v] = [...new Set(providers.map((p) => p.context))];
  }
  /** The unmet inputs that keep a gate or context unmet: one of an AND, all of an OR. */
  const chosen = (v: number): number[] => {
    const unmet = Array.from(inputs.subarray(inputStart[v], inputStart[v + 1]));
    const enough = unmet.length - need[v]! + 1;
    if (enough >= unmet.length) return unmet;
    const surest = unmet
      .map((u, i) => ({ u, i, s: sure[u]! }))
      .sort((a, b) => compareConfidence(b.s, a.s) || a.i - b.i);
    const picked = surest.slice(0, Math.max(0, enough));
    return picked.sort((a, b) => a.i - b.i).map(({ u }) => u);
  };
  for (let v = kind.length - 1; v >= 0; v--) if (kind[v] !== EVENT) sure[v] = weakest(chosen(v).map((u) => sure[u]!));

  const edgesOf = (c: number): CoreEdge[] => {
    const found = new Map<number, CoreEdge>();
    const open = [{ v: c, any: false }];
    for (let top = open.pop(); top !== undefined; top = open.pop()) {
      const { v, any } = top;
      if (kind[v] !== EVENT) {
        const parts = chosen(v);
        for (const u of parts.reverse()) open.push({ v: u, any: any || parts.length > 1 });
        continue;
      }
      found.set(v, {
        waiter: origin[c] as ContextId,
        event: origin[v] as EventId,
        any,
        providers: raisers[v]!,
        confidence: sure[v]!,
      });
    }
    return [...found.values()];
  };
  return Array.from({ length: contexts }, (_, c) => edgesOf(c));
}

/** Follows a cycle from its lowest member; `undefined` when the arrows are not one cycle of single ways out. */
function cycleOrder(edges: readonly (readonly CoreEdge[])[]): CoreEdge[] | undefined {
  const next = new Map<ContextId, CoreEdge>();
  for (const own of edges) {
    const edge = own[0]!; // several arrows of one context are all marked `any`
    if (edge.any || edge.providers.length !== 1) return undefined;
    next.set(edge.waiter, edge);
  }
  const ordered: CoreEdge[] = [];
  let edge = edges[0]![0]!;
  do {
    ordered.push(edge);
    edge = next.get(edge.providers[0]!)!;
  } while (ordered.length < edges.length);
  return ordered;
}

/** Describes a core whose net (everybody outside released) is blocked as a whole. */
export function describeCore(graph: WaitGraph, net: Net, minimal: Core["minimal"], orphan: boolean): Core {
  const edges = explain(graph, net);
  const cycle = orphan ? undefined : cycleOrder(edges);
  const flat = cycle ?? edges.flat();
  const contexts = Array.from(net.origin.subarray(0, net.contexts)) as ContextId[];
  const retries = contexts.some((c) => graph.contexts[c]!.retries === true);
  return {
    kind: orphan ? "orphan" : cycle ? "cycle" : "knot",
    contexts: cycle ? cycle.map((e) => e.waiter) : contexts,
    edges: flat,
    minimal,
    verdict: retries ? "livelock" : orphan ? "missed-wakeup" : "deadlock",
    confidence: weakest(flat.map((e) => e.confidence)),
  };
}
