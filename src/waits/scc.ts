import type { Rows } from "./net.ts";

/** Strongly connected parts: `of[v]` is the part of node v; parts are numbered so that an arrow never leads to a higher one. */
export interface Parts {
  readonly of: Int32Array;
  readonly sizes: readonly number[];
}

/**
 * Tarjan's algorithm ("Depth-first search and linear graph algorithms", 1972) with its call stack kept in an array, since
 * a chain of a million waiters would overflow the real one. Linear.
 *
 * @internal
 */
export function stronglyConnected({ start, targets }: Rows): Parts {
  const n = start.length - 1;
  const of = new Int32Array(n).fill(-1);
  const order = new Int32Array(n); // 0: not seen; else 1 + time of discovery
  const low = new Int32Array(n);
  const cursor = start.slice(0, n);
  const open = new Int32Array(n); // nodes whose part is not known yet
  const path = new Int32Array(n); // the walk from the root to here
  const sizes: number[] = [];
  let seen = 0;
  let opened = 0;
  for (let root = 0; root < n; root++) {
    if (order[root] !== 0) continue;
    let depth = 0;
    path[0] = root;
    while (depth >= 0) {
      const v = path[depth]!;
      if (order[v] === 0) {
        order[v] = low[v] = ++seen;
        open[opened++] = v;
      }
      if (cursor[v]! < start[v + 1]!) {
        const w = targets[cursor[v]!++]!;
        if (order[w] === 0) path[++depth] = w;
        else if (of[w]! < 0) low[v] = Math.min(low[v]!, order[w]!);
        continue;
      }
      depth--;
      if (depth >= 0) low[path[depth]!] = Math.min(low[path[depth]!]!, low[v]!);
      if (low[v] !== order[v]) continue;
      let size = 0;
      let w: number;
      do {
        w = open[--opened]!;
        of[w] = sizes.length;
        size++;
      } while (w !== v);
      sizes.push(size);
    }
  }
  return { of, sizes };
}
