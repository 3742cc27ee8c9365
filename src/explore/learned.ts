/**
 * A program whose steps are learned by heart (@internal): each step is run once for every view it can have of the state,
 * and from then on looked up.
 *
 * A step depends on its context's own words and on the shared words that it reads, in an order that what it has read so far
 * decides. So the steps of a context form a tree: an inner node says which part of the state is read next, its edges the
 * values met there, and a leaf what the step changes. States are rows of part numbers ({@link LearnedProgram.slots}); the
 * words themselves are only put together when a step has to be run, or somebody wants to look. The same is done for the
 * tests of who can step, and for `deadSubset`. (Next-state caching over the variables that a transition depends on: Blom,
 * van de Pol, Weber, "LTSmin: distributed and symbolic reachability", 2010.)
 *
 * Trust: a step that writes what it did not tell throws. One that reads what it did not tell is found where it matters:
 * every {@link CHECK_EVERY}th look-up is run as well and compared.
 *
 * Each state has a sum of 128 bits over its parts, kept up to date by the leaves; it is a function of the words alone.
 */

import { ModelError } from "../resumable/errors.ts";
import type { Parts } from "../resumable/explorable.ts";
import { DecisionTree } from "./decision-tree.ts";
import { IntList } from "./int-list.ts";
import { mixInto, PartContents } from "./part-contents.ts";
import type { Reducible } from "./types.ts";

/** A program that says how its words divide. */
export type Learnable = Reducible & { readonly parts: Parts };

/** Whether steps of the program can be learned. */
export function isLearnable(program: Reducible): program is Learnable {
  return program.parts !== undefined && program.tracksWays === true;
}

/** Every so many look-ups are compared with a step that is run: a prime, so as not to meet loops at the same place always. */
const CHECK_EVERY = 4093;

/** Whether a context may rest where it stands. */
const RESTS = 1;
const MUST_GO_ON = 2;

export class LearnedProgram {
  /** The present state: a value for each part, the word itself where a part is one word. */
  readonly slots: Int32Array;
  /** The sum of the present state, four lanes. */
  readonly sum = new Int32Array(4);
  readonly #program: Learnable;
  readonly #parts: Parts;
  /** By word. */
  readonly #partOf: Int32Array;
  /** By part that is more than one word. */
  readonly #contents: (PartContents | undefined)[];
  /** What `words` hold: values by part, and a copy. */
  readonly #held: Int32Array;
  readonly #heldWords: Int32Array;
  #heldKnown = false;
  readonly #first: Int32Array;
  readonly #firstSum = new Int32Array(4);
  readonly #tests: DecisionTree;
  readonly #steps: DecisionTree;
  readonly #deaths: DecisionTree;
  readonly #deadSubsets: (readonly number[])[] = [];
  /** By context and way: the root of its steps. */
  readonly #stepRoots: number[][];
  readonly #testRoots: number[];
  #deathRoot = 0;
  /** By context and value of the part where it stands. */
  readonly #rests: Uint8Array[];
  /** Where the changes of each leaf begin in `#changes` (three entries each: part, before, after), and its sums. */
  readonly #leafFrom = new IntList(256);
  readonly #changes = new IntList(1024);
  readonly #leafSums = new IntList(1024);
  #untilCheck = CHECK_EVERY;
  /** Parts touched by the step or test run last, in order, each once. */
  readonly #touched = new IntList(64);
  readonly #isTouched: Uint8Array;

  /** Begins in the present state of the program. */
  constructor(program: Learnable) {
    this.#program = program;
    this.#parts = program.parts;
    const { starts, own } = program.parts;
    const count = starts.length - 1;
    this.slots = new Int32Array(count);
    this.#held = new Int32Array(count);
    this.#first = new Int32Array(count);
    this.#heldWords = program.words.slice();
    this.#isTouched = new Uint8Array(count);
    this.#partOf = new Int32Array(program.words.length);
    this.#contents = new Array<PartContents | undefined>(count);
    for (let p = 0; p < count; p++) {
      this.#partOf.fill(p, starts[p]!, starts[p + 1]!);
      if (starts[p + 1]! - starts[p]! > 1) this.#contents[p] = new PartContents(p);
    }
    this.#tests = new DecisionTree(this.slots);
    this.#steps = new DecisionTree(this.slots);
    this.#deaths = new DecisionTree(this.slots);
    this.#stepRoots = own.map(() => []);
    this.#testRoots = own.map(() => 0);
    this.#rests = own.map(() => new Uint8Array(16));
    this.#leafFrom.push(0);
    this.reset();
  }

  /** The state that `words` hold becomes the present one. */
  reset(): void {
    const { words } = this.#program;
    this.sum.fill(0);
    for (let p = 0; p < this.slots.length; p++) {
      this.slots[p] = this.#valueOf(p);
      this.#addSum(this.sum, 0, p, this.slots[p]!, 1);
    }
    this.#held.set(this.slots);
    this.#heldWords.set(words);
    this.#heldKnown = true;
    this.#first.set(this.slots);
    this.#firstSum.set(this.sum);
  }

  /** Back to the state of the last {@link reset}. */
  rewind(): void {
    this.slots.set(this.#first);
    this.sum.set(this.#firstSum);
  }

  /** How many different steps were learned. */
  get leaves(): number {
    return this.#leafFrom.length - 1;
  }
  get bytes(): number {
    return this.#tests.bytes + this.#steps.bytes + this.#deaths.bytes + this.#changes.bytes + this.#leafSums.bytes;
  }

  /** In how many ways a context can step in the present state. */
  ways(context: number): number {
    const root = this.#testRoots[context]!;
    if (root !== 0) {
      const known = this.#tests.find(root);
      if (known >= 0) return known;
    }
    this.materialize();
    this.#program.track(true);
    const ways = this.#program.ways(context);
    this.#gather(context, false);
    this.#program.track(false);
    this.#testRoots[context] = this.#tests.learn(root, this.#touched, ways);
    return ways;
  }

  /**
   * Takes a step and returns its leaf, for {@link undo}. Throws what the program throws; the present state then stays as it
   * is.
   */
  step(context: number, way: number): number {
    const roots = this.#stepRoots[context]!;
    const root = roots[way] ?? 0;
    let leaf = root === 0 ? -1 : this.#steps.find(root);
    if (leaf < 0) leaf = this.#learnStep(context, way, root);
    else if (--this.#untilCheck === 0) this.#check(context, way, leaf);
    this.#apply(leaf);
    return leaf;
  }

  #apply(leaf: number): void {
    const { slots, sum } = this;
    const changes = this.#changes.data;
    const end = this.#leafFrom.data[leaf + 1]!;
    for (let i = this.#leafFrom.data[leaf]!; i < end; i += 3) slots[changes[i]!] = changes[i + 2]!;
    const sums = this.#leafSums.data;
    const at = leaf * 4;
    sum[0]! += sums[at]!;
    sum[1]! += sums[at + 1]!;
    sum[2]! += sums[at + 2]!;
    sum[3]! += sums[at + 3]!;
  }

  /** Goes back over the step with this leaf, which must have led to the present state. */
  undo(leaf: number): void {
    const { slots, sum } = this;
    const changes = this.#changes.data;
    const end = this.#leafFrom.data[leaf + 1]!;
    for (let i = this.#leafFrom.data[leaf]!; i < end; i += 3) slots[changes[i]!] = changes[i + 1]!;
    const sums = this.#leafSums.data;
    const at = leaf * 4;
    sum[0]! -= sums[at]!;
    sum[1]! -= sums[at + 1]!;
    sum[2]! -= sums[at + 2]!;
    sum[3]! -= sums[at + 3]!;
  }

  /** Whether the context may stand still for ever here: it has finished, or idles. */
  rests(context: number): boolean {
    const value = this.slots[this.#parts.own[context]![0]!]!;
    let known = this.#rests[context]!;
    if (value >= 0 && value < known.length && known[value] !== 0) return known[value] === RESTS;
    this.materialize();
    const rests = this.#program.finished(context) || this.#program.idle(context);
    if (value < 0 || value > 1 << 20) return rests;
    if (value >= known.length) {
      const grown = new Uint8Array(Math.max(value + 1, known.length * 2));
      grown.set(known);
      known = grown;
      this.#rests[context] = known;
    }
    known[value] = rests ? RESTS : MUST_GO_ON;
    return rests;
  }

  /** What the program answers for the present state. */
  deadSubset(): readonly number[] {
    const program = this.#program;
    if (program.deadSubset === undefined) return NOBODY;
    if (this.#deathRoot !== 0) {
      const known = this.#deaths.find(this.#deathRoot);
      if (known >= 0) return this.#deadSubsets[known]!;
    }
    this.materialize();
    program.track(true);
    const dead = program.deadSubset();
    this.#gather(-1, false);
    program.track(false);
    this.#deathRoot = this.#deaths.learn(this.#deathRoot, this.#touched, this.#deadSubsets.length);
    this.#deadSubsets.push(dead);
    return dead;
  }

  /** Puts the present state into the program's words. */
  materialize(): void {
    const { slots } = this;
    const held = this.#held;
    const all = !this.#heldKnown;
    for (let p = 0; p < slots.length; p++) if (all || held[p] !== slots[p]) this.#put(p);
    this.#heldKnown = true;
  }

  /** Must be called when somebody else has changed the words. */
  forget(): void {
    this.#heldKnown = false;
  }

  #put(part: number): void {
    const { words } = this.#program;
    const { starts } = this.#parts;
    const from = starts[part]!;
    const contents = this.#contents[part];
    if (contents === undefined) words[from] = this.slots[part]!;
    else contents.put(this.slots[part]!, words, from, starts[part + 1]!);
    for (let i = from; i < starts[part + 1]!; i++) this.#heldWords[i] = words[i]!;
    this.#held[part] = this.slots[part]!;
  }

  /** The value of a part in the program's words. */
  #valueOf(part: number): number {
    const { words } = this.#program;
    const { starts } = this.#parts;
    const contents = this.#contents[part];
    return contents === undefined ? words[starts[part]!]! : contents.intern(words, starts[part]!, starts[part + 1]!);
  }

  #addSum(into: Int32Array, at: number, part: number, value: number, sign: number): void {
    const contents = this.#contents[part];
    if (contents === undefined) mixInto(into, at, part, value, sign);
    else for (let lane = 0; lane < 4; lane++) into[at + lane]! += sign * contents.sumOf(value, lane);
  }

  /** Lists the touched parts: the context's own first, then what was read, then what was written. */
  #gather(context: number, withStack: boolean): void {
    const list = this.#touched;
    const is = this.#isTouched;
    list.length = 0;
    const add = (part: number): void => {
      if (is[part] !== 0) return;
      is[part] = 1;
      list.push(part);
    };
    if (context >= 0) {
      const own = this.#parts.own[context]!;
      if (withStack) for (const part of own) add(part);
      else add(own[0]!);
    }
    const { reads, writes } = this.#program.touched;
    for (const word of reads) add(this.#partOf[word]!);
    if (withStack) for (const word of writes) add(this.#partOf[word]!);
    if (list.length === 0) add(0);
    for (let i = 0; i < list.length; i++) is[list.at(i)] = 0;
  }

  #learnStep(context: number, way: number, root: number): number {
    this.materialize();
    this.#run(context, way);
    const roots = this.#stepRoots[context]!;
    while (roots.length <= way) roots.push(0);
    const leaf = this.leaves;
    roots[way] = this.#steps.learn(root, this.#touched, leaf);
    this.#noteChanges(context);
    return leaf;
  }

  /** Runs a step for real and gathers what it touches. */
  #run(context: number, way: number): void {
    const program = this.#program;
    // the test has said yes
    program.track(true, true);
    try {
      program.step(context, way);
      this.#gather(context, true);
    } catch (error) {
      this.forget();
      throw error;
    } finally {
      program.track(false);
    }
  }

  /** The words hold the state after a step from the present one: makes a leaf of the difference. */
  #noteChanges(context: number): void {
    const { words } = this.#program;
    const sums = new Int32Array(4);
    this.#eachChanged(context, (part) => {
      const before = this.slots[part]!;
      const after = this.#valueOf(part);
      this.#changes.push(part);
      this.#changes.push(before);
      this.#changes.push(after);
      this.#addSum(sums, 0, part, before, -1);
      this.#addSum(sums, 0, part, after, 1);
      this.#held[part] = after;
    });
    this.#heldWords.set(words);
    for (const sum of sums) this.#leafSums.push(sum);
    this.#leafFrom.push(this.#changes.length);
  }

  #eachChanged(context: number, each: (part: number) => void): void {
    const { words } = this.#program;
    const before = this.#heldWords;
    const is = this.#isTouched;
    for (let i = 0; i < this.#touched.length; i++) is[this.#touched.at(i)] = 1;
    let last = -1;
    try {
      for (let i = 0; i < words.length; i++) {
        if (words[i] === before[i]) continue;
        const part = this.#partOf[i]!;
        if (part === last) continue;
        last = part;
        if (is[part] === 0) throw this.#untold(context, `word ${i} was written`);
        each(part);
      }
    } finally {
      is.fill(0);
    }
  }

  /** Runs a step whose leaf is known and compares. */
  #check(context: number, way: number, leaf: number): void {
    this.#untilCheck = CHECK_EVERY;
    this.materialize();
    this.#run(context, way);
    const told = new Map<number, number>();
    for (let i = this.#leafFrom.at(leaf); i < this.#leafFrom.at(leaf + 1); i += 3)
      told.set(this.#changes.at(i), this.#changes.at(i + 2));
    this.#eachChanged(context, (part) => {
      if (told.get(part) !== this.#valueOf(part)) throw this.#untold(context, "it did something else before");
      told.delete(part);
    });
    if (told.size > 0) throw this.#untold(context, "it did something else before");
    this.forget();
  }

  #untold(context: number, what: string): ModelError {
    return new ModelError(
      `${this.#program.name(context)} depends on state that is not told: ${what}, but ` +
        "`touched` does not say so; every shared value must be kept in an entity",
    );
  }
}

const NOBODY: readonly number[] = Object.freeze([]);
