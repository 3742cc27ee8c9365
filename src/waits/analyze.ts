import { breakersAmong } from "./breakers.ts";
import { findCores, SEARCH_ALLOWANCE } from "./cores.ts";
import { compile, EVENT, extractor, type Net } from "./net.ts";
import { blockedContexts } from "./propagate.ts";
import { reduceNet } from "./reduce.ts";
import type { Analysis, ContextId, Core, Resource, StuckGroup, WaitGraph } from "./types.ts";

/** How much work an explanation may take; counted, not timed, so that the answer does not depend on the machine. */
export interface AnalyzeLimits {
  /**
   * Arrows that may be walked in search of shorter and further cores, and again to count who is behind which core (cores
   * beyond that count as having nobody behind them). The default is about a second's worth of each.
   */
  readonly arrows?: number;
}

/** Puts the core with most contexts waiting for it, directly or not, first; then the smaller, then the lower id. */
function byContextsBehind(
  net: Net,
  cores: readonly Core[],
  placeOf: ReadonlyMap<number, number>,
  allowance: number,
): Core[] {
  const seen = new Int32Array(net.kind.length).fill(-1);
  const eventNode = new Map<number, number>();
  for (let v = net.contexts; v < net.kind.length; v++) if (net.kind[v] === EVENT) eventNode.set(net.origin[v]!, v);
  let walked = 0;
  const behind = (core: Core, index: number): number => {
    if (walked > allowance) return 0;
    // Starting from the events, too, counts those who wait for the same event that nobody raises.
    const open: number[] = [];
    const visit = (v: number): void => {
      if (seen[v] === index) return;
      seen[v] = index;
      open.push(v);
    };
    for (const c of core.contexts) visit(placeOf.get(c)!);
    for (const e of core.edges) visit(eventNode.get(e.event)!);
    let count = -core.contexts.length;
    for (let v = open.pop(); v !== undefined; v = open.pop()) {
      if (v < net.contexts) count++;
      walked += net.feedStart[v + 1]! - net.feedStart[v]!;
      for (let i = net.feedStart[v]!; i < net.feedStart[v + 1]!; i++) visit(net.feeds[i]!);
    }
    return count;
  };
  const lowest = (core: Core): number => core.contexts.reduce((low: number, c) => Math.min(low, c), Infinity);
  return cores
    .map((core, i) => ({ core, behind: behind(core, i), low: lowest(core) }))
    .sort((a, b) => b.behind - a.behind || a.core.contexts.length - b.core.contexts.length || a.low - b.low)
    .map(({ core }) => core);
}

/** The event a context is listed under: the first of its condition that is unmet, in a part that is unmet. */
function firstUnmet(net: Net, context: number): number {
  let v = context;
  const open: number[] = [];
  while (net.kind[v] !== EVENT) {
    for (let i = net.inputStart[v + 1]! - 1; i >= net.inputStart[v]!; i--) open.push(net.inputs[i]!);
    v = open.pop()!; // an orphan without any event is always a core, so there is one
  }
  return net.origin[v]!;
}

function groupStuck(graph: WaitGraph, net: Net, cores: readonly Core[]): StuckGroup[] {
  const inCore = new Set<number>(cores.flatMap((core) => core.contexts));
  const groups: { readonly resource: Resource; readonly contexts: ContextId[] }[] = [];
  const byClass = new Map<string, Map<string | undefined, ContextId[]>>();
  for (let c = 0; c < net.contexts; c++) {
    const context = net.origin[c] as ContextId;
    if (inCore.has(context)) continue;
    const { resource } = graph.events[firstUnmet(net, c)]!;
    let byId = byClass.get(resource.class);
    if (byId === undefined) byClass.set(resource.class, (byId = new Map()));
    let contexts = byId.get(resource.id);
    if (contexts === undefined) {
      byId.set(resource.id, (contexts = []));
      groups.push({ resource, contexts });
    }
    contexts.push(context);
  }
  return groups.sort((a, b) => b.contexts.length - a.contexts.length || a.contexts[0]! - b.contexts[0]!);
}

/**
 * Finds what can never proceed and explains it: minimal cores, who is stuck behind them, which single context would free
 * everything, and which waits end only by a timer. Same graph, same answer; nothing in it depends on time or chance.
 *
 * @example
 * const { dead, cores, stuckBehind } = analyze(graph);
 */
export function analyze(graph: WaitGraph, { arrows = SEARCH_ALLOWANCE }: AnalyzeLimits = {}): Analysis {
  const whole = compile(graph);
  const { state, timed } = reduceNet(graph, whole);
  const dead = blockedContexts(state) as ContextId[];
  if (dead.length === 0) return { dead, cores: [], stuckBehind: [], breakers: [], timed };
  const net = extractor(whole)(state.need, dead, "members");
  const { cores, more } = findCores(graph, net, arrows);
  const placeOf = new Map<number, number>(dead.map((c, i) => [c, i]));
  const [core, another] = cores;
  const candidates = core === undefined || another ? [] : core.contexts.map((c) => placeOf.get(c)!);
  return {
    dead,
    cores: byContextsBehind(net, cores, placeOf, arrows),
    ...(more && { moreCores: true as const }),
    stuckBehind: groupStuck(graph, net, cores),
    breakers: breakersAmong(net, candidates).breakers.map((c) => dead[c]!),
    timed,
  };
}
