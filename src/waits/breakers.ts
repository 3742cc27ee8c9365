import type { Net } from "./net.ts";
import { release, settle, undo } from "./propagate.ts";
import { stronglyConnected } from "./scc.ts";
import { eachFreeing } from "./ways-out.ts";

export interface Breakers {
  /** Ascending. */
  readonly breakers: readonly number[];
  /** Candidates whose release was tried out. */
  readonly trials: number;
}

/**
 * Contexts of a dead net whose release alone frees all of it; exact (@internal).
 *
 * Every breaker lies in every self-sustaining subset: when b outside S runs, S stays dead, so b does not free all. Hence
 * the candidates are the members of any one core, and with two disjoint cores there is no breaker.
 *
 * Let F(b) be what the release of b frees, b included. If x is in F(b), F(x) is a subset of F(b): so whoever a non-breaker
 * frees is no breaker, and whoever frees a breaker is one. Candidates are therefore tried with those who free others
 * first; one that is freed by a non-breaker need not be tried, a trial that frees a breaker can stop, and candidates that
 * free each other in a ring have the same fate. A cycle of any length costs one trial; the worst case is candidates x edges.
 */
export function breakersAmong(net: Net, candidates: readonly number[]): Breakers {
  const state = settle(net);
  const place = new Int32Array(net.contexts).fill(-1);
  candidates.forEach((c, i) => {
    place[c] = i;
  });
  const start = new Int32Array(candidates.length + 1);
  const targets: number[] = [];
  candidates.forEach((c, i) => {
    eachFreeing(net, state.need, c, (p) => {
      if (place[p]! >= 0) targets.push(place[p]!);
    });
    start[i + 1] = targets.length;
  });
  // Arrows lead from the freed to who frees it, and parts are numbered against the arrows: who frees others comes first.
  const { of, sizes } = stronglyConnected({ start, targets: new Int32Array(targets) });
  const oneOf: number[] = sizes.map(() => -1);
  candidates.forEach((c, i) => {
    oneOf[of[i]!] = c;
  });
  let trials = 0;
  const excluded = new Uint8Array(net.kind.length);
  const breaking = new Uint8Array(net.contexts);
  const fate = new Uint8Array(sizes.length);
  oneOf.forEach((c, part) => {
    if (excluded[c] === 1) return;
    trials++;
    if (!release(state, c, breaking) || state.blocked === 0) fate[part] = breaking[c] = 1;
    else for (let i = 0; i < state.fired; i++) excluded[state.trail[i]!] = 1;
    undo(state, 0);
  });
  return { breakers: candidates.filter((_, i) => fate[of[i]!] === 1).sort((a, b) => a - b), trials };
}
