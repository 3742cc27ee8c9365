/**
 * Looks for a fair way to get nowhere (@internal): a set of states, each of which can reach each other one by steps that get
 * nothing done, in which a run can stay for ever although the scheduler is weakly fair: every context steps there, or cannot
 * step in one of the states. (Weak fairness: who can step from some point on all the time, steps. Emerson and Lei,
 * "Modalities for model checking", 1987.) The largest such sets decide: what a part of one can do, the whole can.
 *
 * The states of one component are walked again, depth first; its edges are kept, so it costs 16 bytes a step.
 */
import { livelock } from "./faults.ts";
import { ByteList, IntList } from "./int-list.ts";
import type { StateSpace } from "./state-space.ts";
import type { Choice, Fault, Reducible } from "./types.ts";

/** What is asked of a run that gets nowhere: that a weakly fair scheduler may take it, or nothing at all. @since 0.2.0 */
export type Fairness = "fair" | "any";

export interface FairRegion {
  readonly fault: Fault;
  /** From the component's first state to the region. */
  readonly stem: readonly Choice[];
  readonly cycle: readonly Choice[];
  /**
   * By context that can end it: a shortest way from the end of the stem to such a step, which leads out of the region or gets
   * something done.
   */
  readonly exits: readonly (readonly Choice[])[];
}

const ABLE = 1;
const RESTS = 2;

/** The states of a component by their numbers, ascending, and the steps among them. */
class Component {
  readonly states: Int32Array;
  readonly contexts: number;
  /** By state and context: {@link ABLE}, {@link RESTS}. */
  readonly looks: Uint8Array;
  readonly from = new IntList();
  /** -1: out of the component. */
  readonly to = new IntList();
  readonly context = new IntList();
  readonly way = new IntList();
  readonly progress = new ByteList();

  constructor(states: Int32Array, contexts: number) {
    this.states = states;
    this.contexts = contexts;
    this.looks = new Uint8Array(states.length * contexts);
  }

  get bytes(): number {
    return this.looks.byteLength + this.from.bytes * 4 + this.progress.bytes;
  }

  indexOf(state: number): number {
    const { states } = this;
    let [low, high] = [0, states.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (states[middle]! < state) low = middle + 1;
      else high = middle;
    }
    return states[low] === state ? low : -1;
  }

  addEdge(from: number, to: number, context: number, way: number, progress: boolean): void {
    this.from.push(from);
    this.to.push(to);
    this.context.push(context);
    this.way.push(way);
    this.progress.push(progress ? 1 : 0);
  }
}

/**
 * The fair livelock of the component whose states are `states` (numbers in `space`, ascending), if there is one. The space
 * stands in the first of them, before and after. `memory` when it does not fit into `memoryBytes`.
 */
export function fairRegion(
  program: Reducible,
  space: StateSpace,
  states: Int32Array,
  fairness: Fairness,
  memoryBytes: number,
): FairRegion | "memory" | undefined {
  const component = walk(space, states, memoryBytes);
  if (component === undefined) return "memory";
  const edges = byState(component);
  const regionOf = regions(component, edges);
  const region = fairOne(component, regionOf, fairness);
  return region === undefined ? undefined : describe(program, component, edges, { regionOf, region, fairness });
}

function walk(space: StateSpace, states: Int32Array, memoryBytes: number): Component | undefined {
  const { ways } = space;
  const component = new Component(states, ways.length);
  const seen = new Uint8Array(states.length);
  // by state on the way: its index, and the next context and way to take
  const path = new IntList();
  const cursor = new IntList();
  const enter = (index: number): void => {
    seen[index] = 1;
    path.push(index);
    cursor.push(0);
    cursor.push(0);
    for (let c = 0; c < ways.length; c++)
      component.looks[index * ways.length + c] = (ways[c]! > 0 ? ABLE : 0) | (space.rests(c) ? RESTS : 0);
  };
  enter(0);
  let fits = true;
  while (path.length > 0) {
    const way = cursor.pop();
    const context = cursor.pop();
    if (context === ways.length || !fits) {
      path.pop();
      if (path.length > 0) space.back();
      continue;
    }
    const next = way + 1 < ways[context]!;
    cursor.push(next ? context : context + 1);
    cursor.push(next ? way + 1 : 0);
    if (way >= ways[context]!) continue;
    const from = path.top();
    const to = tryStep(space, component, context, way);
    if (to === undefined) component.addEdge(from, -1, context, way, false);
    else {
      component.addEdge(from, to, context, way, space.progressed());
      if (to < 0 || seen[to] !== 0) space.back();
      else {
        space.enter();
        enter(to);
      }
    }
    fits = component.bytes <= memoryBytes;
  }
  return fits ? component : undefined;
}

/** Where a step leads within the component, -1 out of it; undefined when it throws. */
function tryStep(space: StateSpace, component: Component, context: number, way: number): number | undefined {
  try {
    return component.indexOf(space.step(context, way));
  } catch {
    return undefined;
  }
}

/** Edges by the state they leave. */
interface Edges {
  readonly starts: Int32Array;
  readonly list: Int32Array;
}

function byState({ states, from }: Component): Edges {
  const starts = new Int32Array(states.length + 1);
  for (let e = 0; e < from.length; e++) starts[from.at(e) + 1]!++;
  for (let s = 0; s < states.length; s++) starts[s + 1]! += starts[s]!;
  const next = starts.slice();
  const list = new Int32Array(from.length);
  for (let e = 0; e < from.length; e++) list[next[from.at(e)]!++] = e;
  return { starts, list };
}

/** Whether an edge stays in the component and gets nothing done. */
function idles(component: Component, edge: number): boolean {
  return component.to.at(edge) >= 0 && component.progress.at(edge) === 0;
}

/** By state: the number of its strongly connected set by edges that get nothing done (Tarjan, iterative). */
function regions(component: Component, { starts, list }: Edges): Int32Array {
  const count = component.states.length;
  const regionOf = new Int32Array(count).fill(-1);
  const index = new Int32Array(count).fill(-1);
  const low = new Int32Array(count);
  const stack = new IntList();
  const path = new IntList();
  const cursor = new IntList();
  let [met, found] = [0, 0];
  const enter = (state: number): void => {
    index[state] = met;
    low[state] = met++;
    stack.push(state);
    path.push(state);
    cursor.push(starts[state]!);
  };
  for (let first = 0; first < count; first++) {
    if (index[first] !== -1) continue;
    enter(first);
    while (path.length > 0) {
      const state = path.top();
      const at = cursor.top();
      if (at < starts[state + 1]!) {
        cursor.data[cursor.length - 1] = at + 1;
        const edge = list[at]!;
        if (!idles(component, edge)) continue;
        const to = component.to.at(edge);
        if (index[to] === -1) enter(to);
        else if (regionOf[to] === -1 && index[to]! < low[state]!) low[state] = index[to]!;
        continue;
      }
      path.pop();
      cursor.pop();
      if (path.length > 0 && low[state]! < low[path.top()]!) low[path.top()] = low[state]!;
      if (low[state] !== index[state]) continue;
      for (let member = -1; member !== state; ) {
        member = stack.pop();
        regionOf[member] = found;
      }
      found++;
    }
  }
  return regionOf;
}

/** What contexts do in a region, as counts by region and context. */
const STEPS = 1;
const BLOCKED = 2;
const RESTED = 4;

/** The lowest region in which a fair run can stay, while somebody who never rests there steps; -1 when there is none. */
function fairOne(component: Component, regionOf: Int32Array, fairness: Fairness): number | undefined {
  const { contexts } = component;
  const count = regionOf.reduce((most, region) => Math.max(most, region), -1) + 1;
  const does = new Uint8Array(count * contexts);
  for (let s = 0; s < regionOf.length; s++) {
    for (let c = 0; c < contexts; c++) {
      const look = component.looks[s * contexts + c]!;
      does[regionOf[s]! * contexts + c]! |= ((look & ABLE) === 0 ? BLOCKED : 0) | ((look & RESTS) === 0 ? 0 : RESTED);
    }
  }
  for (let e = 0; e < component.from.length; e++) {
    if (!idles(component, e)) continue;
    const region = regionOf[component.from.at(e)]!;
    if (regionOf[component.to.at(e)] === region) does[region * contexts + component.context.at(e)]! |= STEPS;
  }
  for (let region = 0; region < count; region++) {
    const all = does.subarray(region * contexts, (region + 1) * contexts);
    const fair = fairness === "any" || all.every((d) => (d & (STEPS | BLOCKED)) !== 0);
    if (fair && all.some((d) => (d & (STEPS | RESTED)) === STEPS)) return region;
  }
  return undefined;
}

interface Found {
  readonly regionOf: Int32Array;
  readonly region: number;
  readonly fairness: Fairness;
}

function describe(
  program: Reducible,
  component: Component,
  edges: Edges,
  { regionOf, region, fairness }: Found,
): FairRegion {
  const { contexts, looks } = component;
  const stuck: number[] = [];
  for (let c = 0; c < contexts; c++) {
    let rests = false;
    for (let s = 0; s < regionOf.length; s++)
      if (regionOf[s] === region && (looks[s * contexts + c]! & RESTS) !== 0) rests = true;
    if (!rests) stuck.push(c);
  }
  const inside = (edge: number): boolean =>
    idles(component, edge) &&
    regionOf[component.from.at(edge)] === region &&
    regionOf[component.to.at(edge)] === region;
  const stem =
    regionOf[0] === region
      ? []
      : way(
          component,
          edges,
          0,
          (e) => component.to.at(e) >= 0,
          (s) => regionOf[s] === region,
        );
  const home = stem.length === 0 ? 0 : component.to.at(stem.at(-1)!);
  const choices = (path: readonly number[]): Choice[] => path.map((e) => choice(component, e));
  const exits = exitsOf(component, edges, home, inside).map(choices);
  const fault = livelock(program, stuck);
  return {
    fault: exits.length === 0 ? fault : { ...fault, message: fault.message.replace("can only", "can") },
    stem: choices(stem),
    cycle: fairCycle(component, edges, home, inside, fairness),
    exits,
  };
}

/** By context that has a step out: a shortest way there from `home` inside the region. */
function exitsOf(
  component: Component,
  { starts, list }: Edges,
  home: number,
  inside: (edge: number) => boolean,
): number[][] {
  const arrival = new Map<number, number>([[home, -1]]);
  const queue = [home];
  const exits = new Map<number, number[]>();
  for (let head = 0; head < queue.length; head++) {
    const state = queue[head]!;
    for (let i = starts[state]!; i < starts[state + 1]!; i++) {
      const edge = list[i]!;
      if (!inside(edge)) {
        const path = [edge];
        for (let e = arrival.get(state)!; e !== -1; e = arrival.get(component.from.at(e))!) path.push(e);
        const context = component.context.at(edge);
        if (!exits.has(context)) exits.set(context, path.reverse());
        continue;
      }
      const to = component.to.at(edge);
      if (arrival.has(to)) continue;
      arrival.set(to, edge);
      queue.push(to);
    }
  }
  return [...exits.values()];
}

function choice(component: Component, edge: number): Choice {
  return { context: component.context.at(edge), way: component.way.at(edge) };
}

/** A way round from a state of the region on which every context steps or cannot step somewhere. */
function fairCycle(
  component: Component,
  edges: Edges,
  home: number,
  inside: (edge: number) => boolean,
  fairness: Fairness,
): readonly Choice[] {
  const { looks } = component;
  const contexts = fairness === "any" ? 0 : component.contexts;
  const cycle: number[] = [];
  let state = home;
  const go = (path: readonly number[]): void => {
    cycle.push(...path);
    if (path.length > 0) state = component.to.at(path.at(-1)!);
  };
  for (let c = 0; c < contexts; c++) {
    const stepped = cycle.some((e) => component.context.at(e) === c);
    const blocked = (s: number): boolean => (looks[s * contexts + c]! & ABLE) === 0;
    if (stepped || blocked(state) || cycle.some((e) => blocked(component.from.at(e)))) continue;
    go(way(component, edges, state, inside, blocked, c));
  }
  if (cycle.length === 0) go([edges.list.subarray(edges.starts[state], edges.starts[state + 1]).find(inside)!]);
  if (state !== home) go(way(component, edges, state, inside, (s) => s === home));
  return cycle.map((e) => choice(component, e));
}

/** Shortest list of usable edges from a state to a wanted one, or up to and including a step of `context`. */
function way(
  component: Component,
  { starts, list }: Edges,
  from: number,
  usable: (edge: number) => boolean,
  wanted: (state: number) => boolean,
  context = -1,
): number[] {
  const arrival = new Map<number, number>([[from, -1]]);
  const queue = [from];
  const back = (last: number): number[] => {
    const edges: number[] = [];
    for (let e = last; e !== -1; e = arrival.get(component.from.at(e))!) edges.push(e);
    return edges.reverse();
  };
  for (let head = 0; head < queue.length; head++) {
    const state = queue[head]!;
    for (let i = starts[state]!; i < starts[state + 1]!; i++) {
      const edge = list[i]!;
      if (!usable(edge)) continue;
      const to = component.to.at(edge);
      if (component.context.at(edge) === context || wanted(to)) return back(edge);
      if (arrival.has(to)) continue;
      arrival.set(to, edge);
      queue.push(to);
    }
  }
  throw new Error("fair region: a state of it cannot be reached");
}
