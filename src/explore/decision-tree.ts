/**
 * Functions of a row of numbers that look at few of them (@internal), learned from examples.
 *
 * An inner node names the slot to look at next, its edges lead on by the value found there, the last one to a leaf: a whole
 * number from 0. Which slot a node names must follow from the values on the way to it. Most nodes have one or two edges, which
 * lie in the node itself, beside the nodes that were made with it; all others lie in one hash table.
 */
import { ModelError } from "../resumable/errors.ts";
import { IntList } from "./int-list.ts";
import type { SavedTree } from "./saved-search.ts";

/** Words of a node: its slot, then value and target of the first two edges, then whether there are more. */
const NODE = 6;
const [FIRST, SECOND, MORE] = [1, 3, 5];
/** Words of an edge in the table: node, value, where it leads (a node, or minus the leaf minus 1; 0: nowhere). */
const EDGE = 4;

export class DecisionTree {
  /** The row that is looked at. */
  readonly #slots: Int32Array;
  /** Nodes are numbered from 1. */
  readonly #nodes = new IntList(64 * NODE);
  #edges: Int32Array = new Int32Array(EDGE * 256);
  #mask = 255;
  #count = 0;

  constructor(slots: Int32Array) {
    this.#slots = slots;
    this.#newNode(-1);
  }

  get bytes(): number {
    return this.#edges.byteLength + this.#nodes.bytes;
  }

  /** The leaf for the present row below the node `root`; -1 when it was not learned yet. */
  find(root: number): number {
    const slots = this.#slots;
    const nodes = this.#nodes.data;
    let node = root;
    for (;;) {
      const at = node * NODE;
      const value = slots[nodes[at]!]!;
      let to = nodes[at + 2]!;
      if (nodes[at + 1] !== value || to === 0) {
        to = nodes[at + 4]!;
        if (nodes[at + 3] !== value || to === 0) to = nodes[at + MORE] === 0 ? 0 : this.#further(node, value);
      }
      if (to <= 0) return -to - 1;
      node = to;
    }
  }

  /** Where the edge of `node` with `value` in the table leads; 0 when there is none. */
  #further(node: number, value: number): number {
    return this.#edges[this.#place(node, value) + 2]!;
  }

  /** Where the edge of `node` with `value` leads; 0 when there is none. */
  #target(node: number, value: number): number {
    const nodes = this.#nodes;
    for (const edge of [FIRST, SECOND]) {
      const to = nodes.at(node * NODE + edge + 1);
      if (to !== 0 && nodes.at(node * NODE + edge) === value) return to;
    }
    return this.#further(node, value);
  }

  #addEdge(node: number, value: number, to: number): void {
    const nodes = this.#nodes.data;
    for (const edge of [FIRST, SECOND]) {
      const at = node * NODE + edge;
      if (nodes[at + 1] !== 0) continue;
      nodes[at] = value;
      nodes[at + 1] = to;
      return;
    }
    nodes[node * NODE + MORE] = 1;
    const at = this.#place(node, value);
    this.#edges[at] = node;
    this.#edges[at + 1] = value;
    this.#edges[at + 2] = to;
    if (++this.#count * 2 > this.#mask) this.#grow();
  }

  /** Where the edge of `node` with `value` lies or would lie. */
  #place(node: number, value: number): number {
    let h = Math.imul(node, 0x9e3779b1) ^ Math.imul(value, 0x85ebca6b);
    h ^= h >>> 15;
    let at = (h & this.#mask) * EDGE;
    while (this.#edges[at] !== 0 && (this.#edges[at] !== node || this.#edges[at + 1] !== value))
      at = (at + EDGE) & (this.#mask * EDGE + EDGE - 1);
    return at;
  }

  /**
   * Learns that the present row, looked at in the order `tests` (not empty, each slot once), gives `leaf`. Returns the root,
   * a new one when `root` is 0. Throws when the order contradicts what was learned before.
   */
  learn(root: number, tests: IntList, leaf: number): number {
    const first = root === 0 ? this.#newNode(tests.at(0)) : root;
    let node = first;
    for (let i = 0; i < tests.length; i++) {
      if (this.#nodes.at(node * NODE) !== tests.at(i)) throw contradiction();
      const value = this.#slots[tests.at(i)]!;
      const last = i === tests.length - 1;
      const known = this.#target(node, value);
      if (known !== 0 && (last || known < 0)) throw contradiction();
      const next = known !== 0 ? known : last ? -leaf - 1 : this.#newNode(tests.at(i + 1));
      if (known === 0) this.#addEdge(node, value, next);
      node = next;
    }
    return first;
  }

  #newNode(slot: number): number {
    const node = this.#nodes.length / NODE;
    this.#nodes.push(slot);
    for (let i = 1; i < NODE; i++) this.#nodes.push(0);
    return node;
  }

  #grow(): void {
    const old = this.#edges;
    this.#edges = new Int32Array(old.length * 2);
    this.#mask = this.#mask * 2 + 1;
    for (let from = 0; from < old.length; from += EDGE) {
      if (old[from] === 0) continue;
      const at = this.#place(old[from]!, old[from + 1]!);
      for (let i = 0; i < 3; i++) this.#edges[at + i] = old[from + i]!;
    }
  }

  save(): SavedTree {
    return { nodes: this.#nodes.save(), edges: this.#edges, count: this.#count };
  }
  restore({ nodes, edges, count }: SavedTree): void {
    this.#nodes.restore(nodes);
    this.#edges = edges;
    this.#mask = edges.length / EDGE - 1;
    this.#count = count;
  }
}

/** What was learned before says otherwise. */
export function contradiction(): ModelError {
  return new ModelError("a step read the same values as before and then looked elsewhere: it depends on untold state");
}
