/**
 * A wait graph as flat arrays (@internal).
 *
 * Contexts, events and the inner gates of conditions are nodes of one threshold circuit: a node fires when `need` of its
 * inputs have fired. A context's inputs are its condition, an event's are its providers (`need` 1), a gate's are its
 * parts (`need` k). Timers are left to the reduction, which fires those events by hand.
 *
 * Invariants: contexts are nodes 0..contexts-1; a gate belongs to one context and has a higher number than the node it is
 * an input of, so descending order visits parts before wholes; inputs are in the order of the condition.
 * Nothing here recurses: conditions are unfolded through a queue, so their depth is no limit.
 */
import type { WaitCondition, WaitGraph } from "./types.ts";

export const CONTEXT = 0;
export const EVENT = 1;
export const GATE = 2;

export interface Net {
  readonly contexts: number;
  readonly kind: Uint8Array;
  /** The id in the wait graph of a context or event; -1 for gates. */
  readonly origin: Int32Array;
  /** How many inputs must still fire; 0 or less: fires by itself. */
  readonly need: Int32Array;
  readonly inputStart: Int32Array;
  readonly inputs: Int32Array;
  /** The transpose: which nodes a node is an input of. */
  readonly feedStart: Int32Array;
  readonly feeds: Int32Array;
}

/** The part of a net that lists rows of inputs: enough for walks that only go from waiter to provider. */
export interface Rows {
  readonly start: Int32Array;
  readonly targets: Int32Array;
}

function bug(what: string): never {
  throw new Error(`wait graph: ${what}`);
}

function inRange(id: number, size: number): boolean {
  return Number.isInteger(id) && id >= 0 && id < size;
}

/** How many parts of a condition must hold; one more than there are when it can never hold. */
function threshold(gate: Exclude<WaitCondition, { kind: "event" }>): number {
  if (gate.kind === "all") return gate.of.length;
  if (gate.kind === "any") return 1;
  if (!Number.isInteger(gate.k)) bug(`atLeast ${gate.k} is not a whole number`);
  return Math.min(gate.k, gate.of.length + 1);
}

/** Numbers collected one by one: plain arrays of millions cost the garbage collector seconds. */
interface IntList {
  data: Int32Array;
  length: number;
}

function intList(capacity: number): IntList {
  return { data: new Int32Array(capacity), length: 0 };
}

function add(list: IntList, value: number): void {
  if (list.length === list.data.length) {
    const grown = new Int32Array(list.length * 2 + 8);
    grown.set(list.data);
    list.data = grown;
  }
  list.data[list.length++] = value;
}

/** Nodes under construction, one after the other, each with its inputs. */
interface Draft {
  readonly origin: IntList;
  readonly need: IntList;
  /** Where the inputs of each node end. */
  readonly ends: IntList;
  readonly inputs: IntList;
}

function draft(capacity: number): Draft {
  return { origin: intList(capacity), need: intList(capacity), ends: intList(capacity), inputs: intList(capacity) };
}

function addNode(to: Draft, origin: number, need: number): void {
  add(to.origin, origin);
  add(to.need, need);
  add(to.ends, to.inputs.length);
}

/** Turns a draft into a net by adding the transpose of its inputs (a counting sort). */
function finish(contexts: number, kind: Uint8Array, { origin, need, ends, inputs }: Draft): Net {
  const size = kind.length;
  const arcs = inputs.length;
  const flat = inputs.data.slice(0, arcs);
  const inputStart = new Int32Array(size + 1);
  inputStart.set(ends.data.subarray(0, size), 1);
  const feedStart = new Int32Array(size + 1);
  for (let i = 0; i < arcs; i++) feedStart[flat[i]! + 1]!++;
  for (let v = 0; v < size; v++) feedStart[v + 1]! += feedStart[v]!;
  const next = feedStart.slice();
  const feeds = new Int32Array(arcs);
  for (let v = 0; v < size; v++) {
    const end = inputStart[v + 1]!;
    for (let i = inputStart[v]!; i < end; i++) feeds[next[flat[i]!]!++] = v;
  }
  return {
    contexts,
    kind,
    origin: origin.data.slice(0, size),
    need: need.data.slice(0, size),
    inputStart,
    inputs: flat,
    feedStart,
    feeds,
  };
}

/** Compiles a graph and checks its ids on the way; throws on a graph that points nowhere. Linear. */
export function compile(graph: WaitGraph): Net {
  const contexts = graph.contexts.length;
  const events = graph.events.length;
  const firstGate = contexts + events;
  const gates: Exclude<WaitCondition, { kind: "event" }>[] = [];
  const net = draft(firstGate);

  const addInput = (part: WaitCondition, of: string, id: number): void => {
    if (part.kind !== "event") add(net.inputs, firstGate + gates.push(part) - 1);
    else if (inRange(part.event, events)) add(net.inputs, contexts + part.event);
    else bug(`${of} ${id} waits for event ${part.event}, there are ${events}`);
  };

  for (let c = 0; c < contexts; c++) {
    const wait = graph.contexts[c]!.wait;
    if (wait === undefined) {
      addNode(net, c, 0);
    } else if (wait.kind === "event") {
      addInput(wait, "context", c);
      addNode(net, c, 1);
    } else {
      for (const part of wait.of) addInput(part, "context", c);
      addNode(net, c, threshold(wait));
    }
  }
  for (let e = 0; e < events; e++) {
    const { providers, timer } = graph.events[e]!;
    if (timer !== undefined && !(timer.seconds >= 0 && timer.seconds < Infinity))
      bug(`event ${e} has a timer of ${timer.seconds} s`);
    for (const { context } of providers) {
      if (!inRange(context, contexts)) bug(`event ${e} is raised by context ${context}, there are ${contexts}`);
      add(net.inputs, context);
    }
    addNode(net, e, 1);
  }
  for (let g = 0; g < gates.length; g++) {
    const gate = gates[g]!;
    for (const part of gate.of) addInput(part, "gate", g);
    addNode(net, -1, threshold(gate));
  }

  const kind = new Uint8Array(net.origin.length).fill(GATE).fill(EVENT, 0, firstGate).fill(CONTEXT, 0, contexts);
  return finish(contexts, kind, net);
}

/** The inputs of a net as rows. */
export function rows(net: Net): Rows {
  return { start: net.inputStart, targets: net.inputs };
}

/** Cuts a small net out of a large one: `need` is the large net's state, `members` the contexts to keep, ascending. */
export type Extract = (need: Int32Array, members: readonly number[], providers: "members" | "nobody") => Net;

/**
 * Makes the function that cuts parts out of `net`. In a part every context that is left out counts as released, so an
 * event with a provider outside is raised; with `nobody` the members count as released too, which leaves what no
 * context at all can raise. Costs what the part costs, however large the net is.
 */
export function extractor(net: Net): Extract {
  const { kind, inputs, inputStart } = net;
  const local = new Int32Array(kind.length).fill(-1);
  return (need, members, providers) => {
    const nodes = intList(members.length);
    for (const v of members) add(nodes, v);
    for (let i = 0; i < nodes.length; i++) local[nodes.data[i]!] = i;
    const part = draft(nodes.length);
    const raisedInside = (event: number): boolean => {
      for (let i = inputStart[event]!; i < inputStart[event + 1]!; i++) {
        if (providers === "nobody" || local[inputs[i]!]! < 0) return false;
      }
      return true;
    };
    for (let i = 0; i < nodes.length; i++) {
      const v = nodes.data[i]!;
      let needed = need[v]!;
      if (kind[v] === EVENT && !raisedInside(v)) {
        needed = 0;
      } else {
        for (let j = inputStart[v]!; j < inputStart[v + 1]!; j++) {
          const u = inputs[j]!;
          if (need[u]! <= 0) continue; // fired: `need[v]` has counted it
          if (local[u]! < 0) {
            local[u] = nodes.length;
            add(nodes, u);
          }
          add(part.inputs, local[u]!);
        }
      }
      addNode(part, net.origin[v]!, needed);
    }
    const partKind = new Uint8Array(nodes.length);
    for (let i = 0; i < nodes.length; i++) {
      partKind[i] = kind[nodes.data[i]!]!;
      local[nodes.data[i]!] = -1;
    }
    return finish(members.length, partKind, part);
  };
}
