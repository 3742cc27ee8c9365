import type { Net } from "./net.ts";
import { blockedContexts, release, settle, undo } from "./propagate.ts";
import { eachFreeing } from "./ways-out.ts";

/** A minimal self-sustaining subset, as nodes of the net. */
export interface Minimal {
  readonly members: readonly number[];
  /** It is the only minimal one: nothing could be left out, so every self-sustaining subset is the whole. */
  readonly only: boolean;
  /** Releases that were tried in vain: nodes. */
  readonly cost: number;
}

/**
 * Leaves out members of a blocked net one at a time, the highest first, as long as something stays blocked (@internal).
 *
 * If releasing m frees everything, every self-sustaining subset contains m, now and after more members are left out; and
 * so does whoever frees m at once. If it does not, what stays blocked is self-sustaining without m, and we go on with
 * that. When every remaining member is needed, no smaller subset of them is self-sustaining. A trial ends as soon as it
 * frees somebody known to be needed, so that only the first such trial goes through everything.
 */
export function minimize(net: Net): Minimal {
  const state = settle(net);
  const needed = new Uint8Array(net.contexts);
  const open: number[] = [];
  const mark = (c: number): void => {
    if (needed[c] === 1) return;
    needed[c] = 1;
    open.push(c);
  };
  let only = true;
  let cost = 0;
  for (let m = net.contexts - 1; m >= 0; m--) {
    if (needed[m] === 1 || state.need[m]! <= 0) continue;
    const before = state.fired;
    if (release(state, m, needed) && state.blocked > 0) {
      only = false;
      continue;
    }
    cost += state.fired - before;
    undo(state, before);
    mark(m);
    for (let c = open.pop(); c !== undefined; c = open.pop()) eachFreeing(net, state.need, c, mark);
  }
  return { members: blockedContexts(state), only, cost };
}
