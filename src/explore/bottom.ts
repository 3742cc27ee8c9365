/**
 * Judges a component that no step leaves (@internal): does the program run for ever for a reason, or go round without
 * getting anywhere?
 *
 * The component is walked once more, breadth first and without reduction, from its first state. Contexts that are
 * neither finished nor idle in every one of its states can never finish. Those of them that still step make it a
 * livelock, unless a step makes progress; if only others step, they are dead while the others run. The cycle shown is
 * fair: everybody who can step in the component steps in it.
 */
import type { Explorable } from "../resumable/explorable.ts";
import { deadSubset, livelock, unfinished } from "./faults.ts";
import { IntList } from "./int-list.ts";
import { StateStore } from "./state-store.ts";
import type { Choice, Fault, Reducible } from "./types.ts";

export interface BottomFault {
  readonly fault: Fault;
  readonly cycle: readonly Choice[];
}

/** The component as rows of edges: those of state s are `starts[s]` to `starts[s + 1]`. */
interface Graph {
  readonly starts: IntList;
  readonly targets: IntList;
  readonly contexts: IntList;
  readonly ways: IntList;
}

/**
 * The fault of the component that the program stands in, if it is one; `memory` when it does not fit into
 * `memoryBytes`.
 */
export function bottomFault(program: Reducible, memoryBytes: number): BottomFault | "memory" | undefined {
  // Most components that never end are services ticking after everyone has finished: one look at one state tells.
  let stuck = unfinished(program);
  if (stuck.length === 0) return undefined;
  const { words } = program;
  const store = new StateStore(words.length, { memoryBytes });
  const graph: Graph = {
    starts: new IntList(),
    targets: new IntList(),
    contexts: new IntList(),
    ways: new IntList(),
  };
  const steppers = new Set<number>();
  let progressed = false;
  if (store.intern(words, program.dirty) < 0) return "memory";
  for (let state = 0; state < store.size; state++) {
    store.load(state, words);
    stuck = stuck.filter((c) => !program.finished(c) && !program.idle(c));
    if (stuck.length === 0) return undefined;
    graph.starts.push(graph.targets.length);
    for (let c = 0; c < program.contexts; c++) {
      const ways = program.ways(c);
      if (ways > 0) steppers.add(c);
      for (let way = 0; way < ways; way++) {
        program.step(c, way);
        if (program.progressed?.()) progressed = true;
        const target = store.intern(words, program.dirty);
        if (target < 0) return "memory";
        graph.targets.push(target);
        graph.contexts.push(c);
        graph.ways.push(way);
        store.load(state, words);
      }
    }
  }
  graph.starts.push(graph.targets.length);
  return judge(program, stuck, steppers, progressed, () => fairCycle(graph, steppers));
}

function judge(
  program: Explorable,
  stuck: readonly number[],
  steppers: ReadonlySet<number>,
  progressed: boolean,
  cycle: () => Choice[],
): BottomFault | undefined {
  if (!progressed && stuck.some((c) => steppers.has(c))) return { fault: livelock(program, stuck), cycle: cycle() };
  const dead = stuck.filter((c) => !steppers.has(c));
  return dead.length === 0 ? undefined : { fault: deadSubset(program, dead), cycle: [] };
}

/**
 * A way round from state 0 in which every stepper steps: the nearest step of one not seen yet, again and again, then
 * home.
 */
function fairCycle(graph: Graph, steppers: ReadonlySet<number>): Choice[] {
  const missing = new Set(steppers);
  const cycle: Choice[] = [];
  let state = 0;
  while (missing.size > 0 || state !== 0) {
    const wanted = (edge: number): boolean =>
      missing.size > 0 ? missing.has(graph.contexts.at(edge)) : graph.targets.at(edge) === 0;
    for (const edge of shortestWay(graph, state, wanted)) {
      cycle.push({ context: graph.contexts.at(edge), way: graph.ways.at(edge) });
      missing.delete(graph.contexts.at(edge));
      state = graph.targets.at(edge);
    }
  }
  return cycle;
}

/** The edges from `from` up to and including the nearest wanted one, which must exist. */
function shortestWay(graph: Graph, from: number, wanted: (edge: number) => boolean): number[] {
  const states = graph.starts.length - 1;
  const origin = new Int32Array(states).fill(-1);
  const arrival = new Int32Array(states);
  const queue = new IntList();
  queue.push(from);
  origin[from] = from;
  for (let head = 0; head < queue.length; head++) {
    const state = queue.at(head);
    const end = graph.starts.at(state + 1);
    for (let edge = graph.starts.at(state); edge < end; edge++) {
      if (wanted(edge)) {
        const way = [edge];
        for (let s = state; s !== from; s = origin[s]!) way.push(arrival[s]!);
        return way.reverse();
      }
      const target = graph.targets.at(edge);
      if (origin[target] !== -1) continue;
      origin[target] = state;
      arrival[target] = edge;
      queue.push(target);
    }
  }
  throw new Error("livelock cycle: a step of the component leads out of it");
}
