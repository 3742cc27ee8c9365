/**
 * Disjoint minimal explanations of a dead set (@internal).
 *
 * A set of contexts is self-sustaining when each member stays blocked though everybody outside runs; a core is a minimal
 * one. Facts used:
 * - A core is strongly connected by "waits for an event of": the part of it that waits for no other part is
 *   self-sustaining by itself. So cores are looked for inside strongly connected parts, each cut out as a net of its own.
 * - When every wait has one way out, self-sustaining sets are those that contain a cycle: a shortest cycle is a smallest
 *   core (`exact`). With an OR or several providers about, leaving out members one at a time finds a minimal core; it
 *   starts from a shortest cycle of single ways out where there is one. That is `greedy`, but for two cases that are
 *   known to be smallest: nothing could be left out of the whole part, or two members are left after all cores of one
 *   member were taken out.
 * - A context that waits for what nobody can raise is a core of its own (`orphan`). Of all that wait for the same such
 *   events one stands for the rest, or a thousand waiters of one lost wakeup would be a thousand findings.
 */
import { describeCore, explain } from "./explain.ts";
import { minimize } from "./minimize.ts";
import { type Extract, extractor, type Net, rows } from "./net.ts";
import { blockedContexts, release, remainder, settle } from "./propagate.ts";
import { stronglyConnected } from "./scc.ts";
import { shortestCycle } from "./shortest-cycle.ts";
import type { Core, WaitGraph } from "./types.ts";
import { findPins, selfBlocked } from "./ways-out.ts";

/** Work allowed on a search, in arrows: about a second. Counted, not timed, so that results do not depend on the machine. */
export const SEARCH_ALLOWANCE = 30_000_000;

export interface Cores {
  readonly cores: readonly Core[];
  /** The allowance ran out with contexts left that are dead on their own. */
  readonly more: boolean;
}

/** What looking at a region costs, about: passes over its arrows, and something for each, however small. */
const PASSES_PER_REGION = 8;
const COST_PER_REGION = 2_000;

/** What stays blocked of a net when the given contexts run. */
function without(net: Net, contexts: readonly number[]): Net {
  const state = settle(net);
  for (const c of contexts) release(state, c);
  return remainder(state);
}

/** Contexts of a net by strongly connected part, parts of one node left out (a context on a cycle has its event with it). */
function partsOf(net: Net): number[][] {
  const { of, sizes } = stronglyConnected(rows(net));
  const members = new Map<number, number[]>();
  for (let c = 0; c < net.contexts; c++) {
    const part = of[c]!;
    if (sizes[part]! < 2) continue;
    const list = members.get(part);
    if (list) list.push(c);
    else members.set(part, [c]);
  }
  return [...members.values()];
}

/** Finds disjoint cores of a net that is blocked as a whole. */
export function findCores(graph: WaitGraph, dead: Net, allowance: number): Cores {
  const cores: Core[] = [];
  let spent = 0;

  /** Reports the given members of a region as one core. */
  const report = (region: Net, extract: Extract, members: readonly number[], minimal: Core["minimal"]): void => {
    const core = remainder(settle(extract(region.need, members, "members")));
    cores.push(describeCore(graph, core, minimal, false));
  };
  /** One core of a strongly connected region without cores of one member. */
  const findOne = (region: Net, extract: Extract): readonly number[] => {
    const pins = findPins(region);
    const found = shortestCycle(pins, (allowance - spent) / 2);
    spent += found?.cost ?? 0;
    if (found === undefined) {
      const { members, only, cost } = minimize(region);
      spent += cost;
      report(region, extract, members, only || members.length === 2 ? "exact" : "greedy");
      return members;
    }
    const cycle = found.cycle.slice().sort((a, b) => a - b);
    if (pins.pure && found.shortest) {
      report(region, extract, cycle, "exact");
      return cycle;
    }
    const { members, cost } = minimize(extract(region.need, cycle, "members"));
    spent += cost;
    const kept = members.map((m) => cycle[m]!);
    report(region, extract, kept, kept.length === 2 ? "exact" : "greedy");
    return kept;
  };

  const orphans = findOrphans(graph, dead, cores);
  /** Regions to search, each blocked as a whole; those left over of a region that gave a core wait behind the others. */
  const regions = new Set([orphans.length > 0 ? without(dead, orphans) : dead]);
  for (const region of regions) {
    regions.delete(region);
    if (region.contexts === 0) continue;
    spent += region.inputs.length * PASSES_PER_REGION + COST_PER_REGION;
    if (spent > allowance && cores.length > 0) return { cores, more: true };
    const parts = partsOf(region);
    const extract = extractor(region);
    if (parts[0]!.length < region.contexts) {
      for (const members of parts) regions.add(remainder(settle(extract(region.need, members, "members"))));
      continue;
    }
    const alone = selfBlocked(region);
    for (const c of alone) report(region, extract, [c], "exact");
    regions.add(without(region, alone.length > 0 ? alone : findOne(region, extract)));
  }
  return { cores, more: false };
}

/** Reports contexts that stay blocked though every context runs, one for each set of lost events; returns all of them. */
function findOrphans(graph: WaitGraph, dead: Net, cores: Core[]): number[] {
  const { inputStart, need } = dead;
  // Where every node could fire if all its inputs did, everybody running would release everybody.
  if (!need.some((n, v) => n > inputStart[v + 1]! - inputStart[v]!)) return [];
  const everybody = Array.from({ length: dead.contexts }, (_, c) => c);
  const lost = settle(extractor(dead)(dead.need, everybody, "nobody"));
  const orphans = blockedContexts(lost);
  const net = remainder(lost);
  const extract = extractor(net);
  const seen = new Set<string>();
  explain(graph, net).forEach((edges, c) => {
    const retries = graph.contexts[net.origin[c]!]!.retries === true;
    const key = `${retries} ${edges.map((e) => e.event).join(" ")}`;
    if (edges.length > 0 && seen.has(key)) return;
    seen.add(key);
    cores.push(describeCore(graph, extract(net.need, [c], "members"), "exact", true));
  });
  return orphans;
}
