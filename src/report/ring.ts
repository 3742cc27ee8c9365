/** The core as a ring: the shortest way round from the first waiter back to itself. */
import type { CoreEdgeView } from "../diagnose/types.ts";

/** `edges[i].waiter` waits for something that the waiter of `edges[i + 1]` (cyclically) would have to end. */
export interface Ring {
  readonly edges: readonly CoreEdgeView[];
  /** Core edges that are not on it: a knot, or a second way round. */
  readonly others: readonly CoreEdgeView[];
}

/** The first ring of the core in edge order, or undefined when nobody waits for himself (orphans, lost I/O). */
export function findRing(core: readonly CoreEdgeView[]): Ring | undefined {
  const out = new Map<string, CoreEdgeView[]>();
  for (const edge of core) {
    const list = out.get(edge.waiter.key);
    if (list === undefined) out.set(edge.waiter.key, [edge]);
    else list.push(edge);
  }
  for (const start of out.keys()) {
    const edges = shortestWayBack(start, out);
    if (edges !== undefined) return { edges, others: core.filter((edge) => !edges.includes(edge)) };
  }
  return undefined;
}

function shortestWayBack(start: string, out: ReadonlyMap<string, readonly CoreEdgeView[]>): CoreEdgeView[] | undefined {
  const cameBy = new Map<string, CoreEdgeView>();
  const queue = [start];
  for (let at = 0; at < queue.length; at++) {
    for (const edge of out.get(queue[at] ?? "") ?? []) {
      for (const holder of edge.heldBy) {
        if (cameBy.has(holder.key)) continue;
        cameBy.set(holder.key, edge);
        if (holder.key === start) return unwind(start, cameBy);
        queue.push(holder.key);
      }
    }
  }
  return undefined;
}

function unwind(start: string, cameBy: ReadonlyMap<string, CoreEdgeView>): CoreEdgeView[] {
  const edges: CoreEdgeView[] = [];
  let key = start;
  do {
    const edge = cameBy.get(key);
    if (edge === undefined) break;
    edges.unshift(edge);
    key = edge.waiter.key;
  } while (key !== start);
  return edges;
}
