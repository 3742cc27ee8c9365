/**
 * Graph reduction: whoever can run is released, then whoever that satisfies, until nothing changes; what is left is the
 * maximal set that can never proceed (R. C. Holt, "Some deadlock properties of computer systems", 1972, with general
 * conditions instead of units of a resource). Counters make it linear in edges.
 *
 * A context with `retries` counts as waiting like any other: that it takes steps releases nothing. Without `wait` a
 * context can run, retrying or not; an endless loop without exit is `any()`.
 */
import { compile, type Net } from "./net.ts";
import { blockedContexts, release, type State, settle } from "./propagate.ts";
import type { Analysis, ContextId, EventId, WaitGraph } from "./types.ts";

/** What a graph reduces to. */
export type Reduction = Pick<Analysis, "dead" | "timed">;

/** Reduces a compiled graph; also says what only a timer releases. @internal */
export function reduceNet(graph: WaitGraph, net: Net): { readonly state: State; readonly timed: Analysis["timed"] } {
  const state = settle(net);
  const timers: { readonly event: number; readonly seconds: number }[] = [];
  graph.events.forEach(({ timer }, event) => {
    if (timer) timers.push({ event, seconds: timer.seconds });
  });
  timers.sort((a, b) => a.seconds - b.seconds || a.event - b.event);
  // Timers are let go one by one, the shortest first: the one that a context comes free with is the one it waited out.
  const timed: Analysis["timed"][number][] = [];
  for (const { event, seconds } of timers) {
    const before = state.fired;
    release(state, net.contexts + event);
    for (let i = before; i < state.fired; i++) {
      const node = state.trail[i]!;
      if (node < net.contexts) timed.push({ context: node as ContextId, event: event as EventId, seconds });
    }
  }
  timed.sort((a, b) => a.context - b.context);
  return { state, timed };
}

/** Finds the maximal set of contexts that can never proceed, and the waits that end only because a timer fires. Linear. */
export function reduce(graph: WaitGraph): Reduction {
  const { state, timed } = reduceNet(graph, compile(graph));
  return { dead: blockedContexts(state) as ContextId[], timed };
}
