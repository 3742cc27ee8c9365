/**
 * Functions of a row of numbers that look at few of them (@internal), learned from examples.
 *
 * An inner node names the slot to look at next, its edges lead on by the value found there, the last one to a leaf: a whole
 * number from 0. Which slot a node names must follow from the values on the way to it. Edges of all nodes lie in one hash
 * table: most nodes have one or two.
 */
import { ModelError } from "../resumable/errors.ts";
import { IntList } from "./int-list.ts";

/** Words of an edge: node, value, where it leads (a node, or minus the leaf minus 1). */
const EDGE = 4;

export class DecisionTree {
  /** The row that is looked at. */
  readonly #slots: Int32Array;
  /** By node; nodes are numbered from 1. */
  readonly #slotOf = new IntList(64);
  #edges = new Int32Array(EDGE * 256);
  #mask = 255;
  #count = 0;

  constructor(slots: Int32Array) {
    this.#slots = slots;
    this.#slotOf.push(-1);
  }

  get bytes(): number {
    return this.#edges.byteLength + this.#slotOf.bytes;
  }

  /** The leaf for the present row below the node `root`; -1 when it was not learned yet. */
  find(root: number): number {
    const slots = this.#slots;
    const slotOf = this.#slotOf.data;
    const edges = this.#edges;
    const mask = this.#mask;
    let node = root;
    for (;;) {
      const value = slots[slotOf[node]!]!;
      let h = Math.imul(node, 0x9e3779b1) ^ Math.imul(value, 0x85ebca6b);
      h ^= h >>> 15;
      let at = (h & mask) * EDGE;
      for (;;) {
        const from = edges[at]!;
        if (from === 0) return -1;
        if (from === node && edges[at + 1] === value) break;
        at = (at + EDGE) & (mask * EDGE + EDGE - 1);
      }
      const to = edges[at + 2]!;
      if (to < 0) return -to - 1;
      node = to;
    }
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
      if (this.#slotOf.at(node) !== tests.at(i)) throw contradiction();
      const at = this.#place(node, this.#slots[tests.at(i)]!);
      const last = i === tests.length - 1;
      const known = this.#edges[at] !== 0;
      if (known && (last || this.#edges[at + 2]! < 0)) throw contradiction();
      if (known) {
        node = this.#edges[at + 2]!;
        continue;
      }
      const next = last ? -leaf - 1 : this.#newNode(tests.at(i + 1));
      this.#edges[at] = node;
      this.#edges[at + 1] = this.#slots[tests.at(i)]!;
      this.#edges[at + 2] = next;
      if (++this.#count * 2 > this.#mask) this.#grow();
      node = next;
    }
    return first;
  }

  #newNode(slot: number): number {
    this.#slotOf.push(slot);
    return this.#slotOf.length - 1;
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
}

/** What was learned before says otherwise. */
export function contradiction(): ModelError {
  return new ModelError("a step read the same values as before and then looked elsewhere: it depends on untold state");
}
