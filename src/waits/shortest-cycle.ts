/**
 * A shortest cycle of a directed graph (@internal).
 *
 * One breadth-first search per node inside its strongly connected part, cut off at the best length so far; after its turn
 * a node is taken out, and with it every node that is then on no cycle because an arrow in or out is missing, which makes
 * the common single long cycle linear. The worst case is nodes x arrows, so the search stops when its allowance of
 * arrows is used up; the first cycle is always found.
 */
import type { Rows } from "./net.ts";
import { stronglyConnected } from "./scc.ts";

export interface Found {
  /** Nodes in cycle order. */
  readonly cycle: readonly number[];
  /** False when the allowance ran out before every shorter cycle was excluded. */
  readonly shortest: boolean;
  /** Arrows walked. */
  readonly cost: number;
}

/** The arrows backwards. */
function reversed({ start, targets }: Rows): Rows {
  const n = start.length - 1;
  const back = new Int32Array(n + 1);
  for (const w of targets) back[w + 1]!++;
  for (let v = 0; v < n; v++) back[v + 1]! += back[v]!;
  const next = back.slice();
  const sources = new Int32Array(targets.length);
  for (let v = 0; v < n; v++) for (let i = start[v]!; i < start[v + 1]!; i++) sources[next[targets[i]!]!++] = v;
  return { start: back, targets: sources };
}

/** Takes nodes out of the graph, and with them all that can be on no cycle any more. */
function pruner(
  forward: Rows,
  backward: Rows,
  part: Int32Array,
): { readonly gone: Uint8Array; take(node: number): void } {
  const n = part.length;
  const gone = new Uint8Array(n);
  const degree = ({ start, targets }: Rows, v: number): number => {
    let d = 0;
    for (let i = start[v]!; i < start[v + 1]!; i++) if (part[targets[i]!] === part[v]) d++;
    return d;
  };
  const out = Int32Array.from(part, (_, v) => degree(forward, v));
  const into = Int32Array.from(part, (_, v) => degree(backward, v));
  const take = (node: number): void => {
    const open = [node];
    gone[node] = 1;
    const cut = ({ start, targets }: Rows, v: number, left: Int32Array): void => {
      for (let i = start[v]!; i < start[v + 1]!; i++) {
        const w = targets[i]!;
        if (part[w] === part[v] && --left[w]! === 0 && gone[w] === 0) {
          gone[w] = 1;
          open.push(w);
        }
      }
    };
    for (let v = open.pop(); v !== undefined; v = open.pop()) {
      cut(forward, v, into);
      cut(backward, v, out);
    }
  };
  for (let v = 0; v < n; v++) if (gone[v] === 0 && (out[v] === 0 || into[v] === 0)) take(v);
  return { gone, take };
}

/** Finds a shortest cycle, the one through the lowest node among equals; `undefined` when there is none. */
export function shortestCycle(graph: Rows, allowance: number): Found | undefined {
  const { start, targets } = graph;
  const n = start.length - 1;
  const part = stronglyConnected(graph).of;
  const { gone, take } = pruner(graph, reversed(graph), part);
  const from = new Int32Array(n); // 1 + the node before on the shortest way from the source
  const far = new Int32Array(n);
  const queue = new Int32Array(n);
  let cycle: number[] | undefined;
  let cost = 0;

  /** Searches a way from the source back to it that is shorter than `cycle`. */
  const search = (source: number): void => {
    let size = 1;
    queue[0] = source;
    far[source] = 0;
    let end = -1;
    for (let head = 0; head < size && end < 0; head++) {
      const v = queue[head]!;
      if (cycle !== undefined && far[v]! + 1 >= cycle.length) break;
      for (let i = start[v]!; i < start[v + 1]!; i++) {
        const w = targets[i]!;
        cost++;
        if (w === source) {
          end = v;
          break;
        }
        if (gone[w] === 1 || part[w] !== part[source] || from[w] !== 0) continue;
        from[w] = v + 1;
        far[w] = far[v]! + 1;
        queue[size++] = w;
      }
    }
    if (end >= 0) {
      cycle = [source];
      for (let v = end; v !== source; v = from[v]! - 1) cycle.push(v);
      cycle.reverse();
    }
    for (let i = 0; i < size; i++) from[queue[i]!] = 0;
  };

  for (let source = 0; source < n && cycle?.length !== 1; source++) {
    if (gone[source] === 1) continue;
    if (cycle !== undefined && cost > allowance) return { cycle, shortest: false, cost };
    search(source);
    take(source);
  }
  return cycle && { cycle, shortest: true, cost };
}
