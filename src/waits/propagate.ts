/**
 * Releasing, and taking back a release (@internal).
 *
 * The counters of a net run down as inputs fire; a node fires when its counter reaches 0. `trail` is both the work queue
 * and the log that `undo` replays backwards, so trying "what if this context ran" costs only what it releases.
 */
import { extractor, type Net } from "./net.ts";

/** Subtracted from a node that is made to fire, so that its own inputs can no longer make it fire a second time. */
const FORCED = 2 ** 30;

export interface State {
  readonly net: Net;
  /** What each node still needs; 0 or less: fired. */
  readonly need: Int32Array;
  /** Nodes that fired, in order. */
  readonly trail: Int32Array;
  fired: number;
  /** How many of them have been passed on to what they feed: all, unless a release was stopped. */
  passed: number;
  /** Contexts that have not fired. */
  blocked: number;
}

/** Passes on what fired; false when it came to a context in `stop` first. */
function propagate(state: State, stop?: Uint8Array): boolean {
  const { net, need, trail } = state;
  const { feedStart, feeds, contexts } = net;
  let { fired, passed, blocked } = state;
  let stopped = false;
  for (; passed < fired; passed++) {
    const v = trail[passed]!;
    if (v < contexts) {
      if (stop !== undefined && stop[v] === 1) {
        stopped = true;
        break;
      }
      blocked--;
    }
    const end = feedStart[v + 1]!;
    for (let i = feedStart[v]!; i < end; i++) {
      const w = feeds[i]!;
      if (--need[w]! === 0) trail[fired++] = w;
    }
  }
  state.fired = fired;
  state.passed = passed;
  state.blocked = blocked;
  return !stopped;
}

/** Runs everything that can run. */
export function settle(net: Net): State {
  const size = net.kind.length;
  const state: State = {
    net,
    need: net.need.slice(),
    trail: new Int32Array(size),
    fired: 0,
    passed: 0,
    blocked: net.contexts,
  };
  for (let v = 0; v < size; v++) if (net.need[v]! <= 0) state.trail[state.fired++] = v;
  propagate(state);
  return state;
}

/**
 * Makes one node fire (a context runs, an event happens) and everything that follows from it. With `stop` it gives up and
 * answers false when a context marked there would run: then nothing but `undo` may follow.
 */
export function release(state: State, node: number, stop?: Uint8Array): boolean {
  if (state.need[node]! <= 0) return true;
  state.need[node]! -= FORCED;
  state.trail[state.fired++] = node;
  return propagate(state, stop);
}

/** Takes back everything that fired since `state.fired` was `mark`. */
export function undo(state: State, mark: number): void {
  const { net, need, trail } = state;
  while (state.fired > mark) {
    const v = trail[--state.fired]!;
    if (need[v]! < -FORCED / 2) need[v]! += FORCED;
    if (state.fired >= state.passed) continue;
    if (v < net.contexts) state.blocked++;
    for (let i = net.feedStart[v]!; i < net.feedStart[v + 1]!; i++) need[net.feeds[i]!]!++;
  }
  state.passed = mark;
}

/** Contexts that have not fired, ascending. */
export function blockedContexts(state: State): number[] {
  const found: number[] = [];
  for (let c = 0; c < state.net.contexts; c++) if (state.need[c]! > 0) found.push(c);
  return found;
}

/** What is left of a net once the state's releases are taken out of it: all of it blocked. */
export function remainder(state: State): Net {
  return extractor(state.net)(state.need, blockedContexts(state), "members");
}
