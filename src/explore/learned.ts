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
 * The values of a context's own parts together are its *place*; places are numbered over all contexts.
 *
 * Each state has a sum of 128 bits over its parts, kept up to date by the leaves; it is a function of the words alone.
 */

import { ModelError } from "../resumable/errors.ts";
import type { Parts } from "../resumable/explorable.ts";
import { contradiction, DecisionTree } from "./decision-tree.ts";
import { ByteList, IntList } from "./int-list.ts";
import { NovelCalls } from "./novel-calls.ts";
import { mixInto, PartContents } from "./part-contents.ts";
import { restoreLists, type SavedLearned, type SavedRows, savedRows, saveRows } from "./saved-search.ts";
import type { Reducible } from "./types.ts";

/** A program that says how its words divide. */
export type Learnable = Reducible & { readonly parts: Parts };

/** Whether steps of the program can be learned. */
export function isLearnable(program: Reducible): program is Learnable {
  return program.parts !== undefined && program.tracksWays === true;
}

/** Every so many look-ups are compared with a step that is run: a prime, so as not to meet loops at the same place always. */
const CHECK_EVERY = 4093;

/** Most contexts for which a mask of 32 bits says who is concerned. */
export const MASK_CONTEXTS = 31;

/** Whether a context may rest where it stands. */
const RESTS = 1;
const MUST_GO_ON = 2;

/** Who is told of what was learned, while the present state is still the one it was learned in; `parts`: what decided it. */
export interface Watch {
  step(context: number, way: number, leaf: number): void;
  test(context: number, ways: number, parts: Int32Array): void;
  rests(context: number, rests: boolean): void;
  dead(contexts: readonly number[], parts: Int32Array): void;
}

export class LearnedProgram {
  watch: Watch | undefined;
  /** The present state: a value for each part, the word itself where a part is one word. */
  readonly slots: Int32Array;
  /** The sum of the present state, four lanes. */
  readonly sum = new Int32Array(4);
  /** By context: the place where it stands in the present state. */
  readonly places: Int32Array;
  readonly #program: Learnable;
  readonly #parts: Parts;
  /** By word. */
  readonly #partOf: Int32Array;
  /** By part: the context whose own it is; -1 for shared ones. */
  readonly #ownerOf: Int32Array;
  /** By part that is more than one word. */
  readonly #contents: (PartContents | undefined)[];
  /** What `words` hold: values by part, and a copy. */
  readonly #held: Int32Array;
  readonly #heldWords: Int32Array;
  #heldKnown = false;
  readonly #first: Int32Array;
  readonly #firstSum = new Int32Array(4);
  readonly #firstPlaces: Int32Array;
  readonly #tests: DecisionTree;
  readonly #steps: DecisionTree;
  readonly #deaths: DecisionTree;
  readonly #deadSubsets: (readonly number[])[] = [];
  #deathRoot = 0;
  /** By context: the places by their values, and the stands by the value of the first own part. */
  readonly #placeNumbers: Map<string, number>[];
  readonly #standNumbers: Map<number, number>[];
  /** By place: its context, its stand, and the roots of its steps by way. */
  readonly #placeContext = new IntList(256);
  readonly #standOf = new IntList(256);
  readonly #stepRoots: number[][] = [];
  /** By stand (what decides whether a context may rest and, with shared parts, whether it can step). */
  readonly #testRoots = new IntList(64);
  readonly #rests = new ByteList(64);
  /** Where the changes of each leaf begin in `#changes` (three entries each: part, before, after), and its sums. */
  readonly #leafFrom = new IntList(256);
  readonly #changes = new IntList(1024);
  readonly #leafSums = new IntList(1024);
  /** By leaf: the context, the place before and after, and whether the step got something done. */
  readonly #leafContext = new IntList(256);
  readonly #leafBefore = new IntList(256);
  readonly #leafAfter = new IntList(256);
  readonly #leafProgress = new ByteList(256);
  /** By leaf: the shared parts (and others' own) that decided it. */
  readonly #leafReads: Int32Array[] = [];
  /** By stand: the parts that decided its tests so far. */
  readonly #standReads: Set<number>[] = [];
  /** By part: a bit for each context whose tests look at it; -1 when there are too many contexts for that. */
  readonly #testers: Int32Array;
  /** The stands whose tests turned out to look at another part, one entry for each such part. */
  readonly #testNews = new IntList(64);
  /** By leaf: whose tests can answer differently after it, and how many `#testNews` there were then. */
  readonly #leafMask = new IntList(256);
  readonly #leafMaskVersion = new IntList(256);
  #untilCheck = CHECK_EVERY;
  /** Parts touched by the step or test run last, in order, each once. */
  readonly #touched = new IntList(64);
  readonly #isTouched: Uint8Array;

  /** Calls by which the program met constants. */
  readonly calls: NovelCalls;

  /** Begins in the present state of the program. */
  constructor(program: Learnable) {
    this.#program = program;
    this.calls = new NovelCalls(program);
    this.#parts = program.parts;
    const { starts, own } = program.parts;
    const count = starts.length - 1;
    this.slots = new Int32Array(count);
    this.places = new Int32Array(own.length);
    this.#held = new Int32Array(count);
    this.#first = new Int32Array(count);
    this.#firstPlaces = new Int32Array(own.length);
    this.#heldWords = program.words.slice();
    this.#isTouched = new Uint8Array(count);
    this.#testers = new Int32Array(count).fill(own.length > MASK_CONTEXTS ? -1 : 0);
    this.#partOf = new Int32Array(program.words.length);
    this.#ownerOf = new Int32Array(count).fill(-1);
    own.forEach((parts, c) => {
      for (const part of parts) this.#ownerOf[part] = c;
    });
    this.#contents = new Array<PartContents | undefined>(count);
    for (let p = 0; p < count; p++) {
      this.#partOf.fill(p, starts[p]!, starts[p + 1]!);
      if (starts[p + 1]! - starts[p]! > 1) this.#contents[p] = new PartContents(p);
    }
    this.#tests = new DecisionTree(this.slots);
    this.#steps = new DecisionTree(this.slots);
    this.#deaths = new DecisionTree(this.slots);
    this.#placeNumbers = own.map(() => new Map<string, number>());
    this.#standNumbers = own.map(() => new Map<number, number>());
    this.#leafFrom.push(0);
    this.reset();
  }

  /** The state that `words` hold becomes the present one. */
  reset(): void {
    this.load();
    this.#first.set(this.slots);
    this.#firstSum.set(this.sum);
    this.#firstPlaces.set(this.places);
  }

  /** The same, for a while: {@link rewind} does not lead here. */
  load(): void {
    const { words } = this.#program;
    this.sum.fill(0);
    for (let p = 0; p < this.slots.length; p++) {
      this.slots[p] = this.valueIn(p, words);
      this.addSum(this.sum, 0, p, this.slots[p]!, 1);
    }
    for (let c = 0; c < this.places.length; c++) this.places[c] = this.#placeOf(c);
    this.#held.set(this.slots);
    this.#heldWords.set(words);
    this.#heldKnown = true;
  }

  /** Back to the state of the last {@link reset}. */
  rewind(): void {
    this.slots.set(this.#first);
    this.sum.set(this.#firstSum);
    this.places.set(this.#firstPlaces);
  }

  get contexts(): number {
    return this.places.length;
  }
  /** How many different steps were learned. */
  get leaves(): number {
    return this.#leafFrom.length - 1;
  }
  /** How many places are known. */
  get placeCount(): number {
    return this.#stepRoots.length;
  }
  /** How often a test turned out to look at another part. */
  get testNews(): number {
    return this.#testNews.length;
  }
  /** The stand of that test, by number of the news. */
  testNewsAt(news: number): number {
    return this.#testNews.at(news);
  }
  get bytes(): number {
    return this.#tests.bytes + this.#steps.bytes + this.#deaths.bytes + this.#changes.bytes + this.#leafSums.bytes;
  }

  /** The number of the place where a context stands by `slots`. */
  #placeOf(context: number): number {
    const own = this.#parts.own[context]!;
    const key = own.map((part) => this.slots[part]).join();
    const known = this.#placeNumbers[context]!.get(key);
    if (known !== undefined) return known;
    const place = this.#stepRoots.push([]) - 1;
    this.#placeNumbers[context]!.set(key, place);
    this.#placeContext.push(context);
    this.#standOf.push(this.#standAt(context, this.slots[own[0]!]!));
    return place;
  }

  #standAt(context: number, value: number): number {
    const known = this.#standNumbers[context]!.get(value);
    if (known !== undefined) return known;
    const stand = this.#testRoots.length;
    this.#standNumbers[context]!.set(value, stand);
    this.#testRoots.push(0);
    this.#rests.push(0);
    this.#standReads.push(new Set());
    return stand;
  }

  /** In how many ways a context can step in the present state. */
  ways(context: number): number {
    const stand = this.#standOf.data[this.places[context]!]!;
    const root = this.#testRoots.data[stand]!;
    const known = root < 0 ? -root - 1 : root === 0 ? -1 : this.#tests.find(root);
    return known >= 0 ? known : this.#learnTest(context, stand, root);
  }

  #learnTest(context: number, stand: number, root: number): number {
    this.materialize();
    this.#program.track(true);
    const ways = this.#program.ways(context);
    this.calls.ways(context, this.#heldWords);
    this.#gather(this.#parts.own[context]!.slice(0, 1), false);
    this.#program.track(false);
    this.#testRoots.data[stand] = this.#learn(this.#tests, root, ways);
    for (let i = 0; i < this.#touched.length; i++) this.#noteTester(this.#touched.at(i), context, stand);
    this.watch?.test(context, ways, this.#touched.data.slice(0, this.#touched.length));
    return ways;
  }

  #noteTester(part: number, context: number, stand: number): void {
    const reads = this.#standReads[stand]!;
    if (reads.has(part)) return;
    reads.add(part);
    this.#testNews.push(stand);
    this.#testers[part]! |= 1 << context;
  }

  /** Learns an example over the touched parts; none at all makes the answer the root itself. */
  #learn(tree: DecisionTree, root: number, leaf: number): number {
    if (this.#touched.length > 0 && root >= 0) return tree.learn(root, this.#touched, leaf);
    if (this.#touched.length > 0 || root !== 0) throw contradiction();
    return -leaf - 1;
  }

  /** The leaf of a step in the present state; -1 when it was not learned yet. */
  peek(context: number, way: number): number {
    const root = this.#stepRoots[this.places[context]!]![way] ?? 0;
    return root < 0 ? -root - 1 : root === 0 ? -1 : this.#steps.find(root);
  }

  /**
   * Takes a step and returns its leaf, for {@link undo}. Throws what the program throws; the present state then stays as it
   * is.
   */
  step(context: number, way: number): number {
    let leaf = this.peek(context, way);
    if (leaf < 0) leaf = this.#learnStep(context, way);
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
    this.places[this.#leafContext.data[leaf]!] = this.#leafAfter.data[leaf]!;
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
    this.places[this.#leafContext.data[leaf]!] = this.#leafBefore.data[leaf]!;
  }

  /** A bit for each context that may answer {@link ways} differently after this leaf; -1: everybody. */
  askAgain(leaf: number): number {
    if (this.#leafMaskVersion.data[leaf] === this.#testNews.length) return this.#leafMask.data[leaf]!;
    let mask = this.contexts > MASK_CONTEXTS ? -1 : 1 << this.#leafContext.at(leaf);
    for (let i = this.#leafFrom.at(leaf); i < this.#leafFrom.at(leaf + 1); i += 3)
      mask |= this.#testers[this.#changes.at(i)]!;
    this.#leafMask.data[leaf] = mask;
    this.#leafMaskVersion.data[leaf] = this.#testNews.length;
    return mask;
  }

  leafContext(leaf: number): number {
    return this.#leafContext.at(leaf);
  }
  /** The place from which a leaf leads, and the one to which. */
  leafBefore(leaf: number): number {
    return this.#leafBefore.at(leaf);
  }
  leafAfter(leaf: number): number {
    return this.#leafAfter.at(leaf);
  }
  /** The parts that decided a leaf, its own ones apart. */
  leafReads(leaf: number): Int32Array {
    return this.#leafReads[leaf]!;
  }
  /** Calls `each` with every part that a leaf changes. */
  leafWrites(leaf: number, each: (part: number) => void): void {
    for (let i = this.#leafFrom.at(leaf); i < this.#leafFrom.at(leaf + 1); i += 3) each(this.#changes.at(i));
  }
  /** Calls `each` with every part that a leaf changes, and its values before and after. */
  eachChange(leaf: number, each: (part: number, before: number, after: number) => void): void {
    for (let i = this.#leafFrom.at(leaf); i < this.#leafFrom.at(leaf + 1); i += 3)
      each(this.#changes.at(i), this.#changes.at(i + 1), this.#changes.at(i + 2));
  }
  /** The parts that a context's test, or `deadSubset`, looks at in the present state. */
  testReads(context: number): Int32Array {
    return this.#readsOf(this.#parts.own[context]!.slice(0, 1), () => this.#program.ways(context));
  }
  deathReads(): Int32Array {
    return this.#readsOf(NOBODY, () => this.#program.deadSubset?.());
  }
  #readsOf(known: readonly number[], ask: () => unknown): Int32Array {
    this.materialize();
    this.#program.track(true);
    ask();
    this.#gather(known, false);
    this.#program.track(false);
    return this.#touched.data.slice(0, this.#touched.length);
  }
  leafProgress(leaf: number): boolean {
    return this.#leafProgress.at(leaf) !== 0;
  }
  get standCount(): number {
    return this.#testRoots.length;
  }
  placeContext(place: number): number {
    return this.#placeContext.at(place);
  }
  /** The stand of a place, and the parts that decided the tests made there so far. */
  standOf(place: number): number {
    return this.#standOf.at(place);
  }
  standReads(stand: number): ReadonlySet<number> {
    return this.#standReads[stand]!;
  }

  /** Whether the context may stand still for ever here: it has finished, or idles. */
  rests(context: number): boolean {
    const stand = this.#standOf.data[this.places[context]!]!;
    const known = this.#rests.data[stand]!;
    if (known !== 0) return known === RESTS;
    this.materialize();
    const rests = this.#program.finished(context) || this.#program.idle(context);
    this.#rests.data[stand] = rests ? RESTS : MUST_GO_ON;
    this.watch?.rests(context, rests);
    return rests;
  }

  /** What the program answers for the present state. */
  deadSubset(): readonly number[] {
    const program = this.#program;
    if (program.deadSubset === undefined) return NOBODY;
    const root = this.#deathRoot;
    const known = root < 0 ? -root - 1 : root === 0 ? -1 : this.#deaths.find(root);
    if (known >= 0) return this.#deadSubsets[known]!;
    this.materialize();
    program.track(true);
    const dead = program.deadSubset();
    this.calls.deadSubset(this.#heldWords);
    this.#gather(NOBODY, false);
    program.track(false);
    this.#deathRoot = this.#learn(this.#deaths, root, this.#deadSubsets.length);
    this.#deadSubsets.push(dead);
    this.watch?.dead(dead, this.#touched.data.slice(0, this.#touched.length));
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
    this.fill(part, this.slots[part]!, words);
    for (let i = from; i < starts[part + 1]!; i++) this.#heldWords[i] = words[i]!;
    this.#held[part] = this.slots[part]!;
  }

  /** Writes a part with a value that it has had into `words`. */
  fill(part: number, value: number, words: Int32Array): void {
    const { starts } = this.#parts;
    const contents = this.#contents[part];
    if (contents === undefined) words[starts[part]!] = value;
    else contents.put(value, words, starts[part]!, starts[part + 1]!);
  }

  #valueOf(part: number): number {
    return this.valueIn(part, this.#program.words);
  }

  /** The value of a part in a state. */
  valueIn(part: number, words: Int32Array): number {
    const { starts } = this.#parts;
    const contents = this.#contents[part];
    return contents === undefined ? words[starts[part]!]! : contents.intern(words, starts[part]!, starts[part + 1]!);
  }

  /** Adds what a part with a value contributes to a sum, or takes it away. */
  addSum(into: Int32Array, at: number, part: number, value: number, sign: number): void {
    const contents = this.#contents[part];
    if (contents === undefined) mixInto(into, at, part, value, sign);
    else for (let lane = 0; lane < 4; lane++) into[at + lane]! += sign * contents.sumOf(value, lane);
  }

  /** Lists the touched parts without those that are known anyway: what was read, then what was written. */
  #gather(known: readonly number[], withWrites: boolean): void {
    const list = this.#touched;
    const is = this.#isTouched;
    list.length = 0;
    for (const part of known) is[part] = 1;
    const add = (part: number): void => {
      if (is[part] !== 0) return;
      is[part] = 1;
      list.push(part);
    };
    const { reads, writes } = this.#program.touched;
    for (const word of reads) add(this.#partOf[word]!);
    if (withWrites) for (const word of writes) add(this.#partOf[word]!);
    for (let i = 0; i < list.length; i++) is[list.at(i)] = 0;
    for (const part of known) is[part] = 0;
  }

  #learnStep(context: number, way: number): number {
    this.materialize();
    const place = this.places[context]!;
    this.#run(context, way);
    const progress = this.#program.progressed?.() === true;
    const roots = this.#stepRoots[place]!;
    while (roots.length <= way) roots.push(0);
    const leaf = this.leaves;
    roots[way] = this.#learn(this.#steps, roots[way]!, leaf);
    this.#leafReads.push(this.#touched.data.slice(0, this.#touched.length));
    this.#noteChanges(context);
    this.#leafContext.push(context);
    this.#leafBefore.push(place);
    this.#leafAfter.push(this.#placeAfter(context, leaf));
    this.#leafProgress.push(progress ? 1 : 0);
    this.#leafMask.push(0);
    this.#leafMaskVersion.push(-1);
    this.watch?.step(context, way, leaf);
    return leaf;
  }

  #placeAfter(context: number, leaf: number): number {
    const { slots } = this;
    const from = this.#leafFrom.at(leaf);
    const end = this.#leafFrom.at(leaf + 1);
    for (let i = from; i < end; i += 3) slots[this.#changes.at(i)] = this.#changes.at(i + 2);
    const place = this.#placeOf(context);
    for (let i = from; i < end; i += 3) slots[this.#changes.at(i)] = this.#changes.at(i + 1);
    return place;
  }

  /** Runs a step for real and gathers what it touches. */
  #run(context: number, way: number): void {
    const program = this.#program;
    // the test has said yes
    program.track(true, true);
    try {
      program.step(context, way);
      this.#gather(this.#parts.own[context]!, true);
    } catch (error) {
      this.forget();
      throw error;
    } finally {
      this.calls.step(context, way, this.#heldWords);
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
      this.addSum(sums, 0, part, before, -1);
      this.addSum(sums, 0, part, after, 1);
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
    for (const part of this.#parts.own[context]!) is[part] = 1;
    for (let i = 0; i < this.#touched.length; i++) is[this.#touched.at(i)] = 1;
    let last = -1;
    try {
      for (let i = 0; i < words.length; i++) {
        if (words[i] === before[i]) continue;
        const part = this.#partOf[i]!;
        if (part === last) continue;
        last = part;
        if (is[part] === 0) throw this.#untold(context, `word ${i} was written`);
        if (this.#ownerOf[part]! >= 0 && this.#ownerOf[part] !== context)
          throw this.#untold(context, `word ${i}, another context's own, was written`);
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

  /** The lists that are saved as they are. */
  get #lists(): readonly IntList[] {
    const places = [this.#placeContext, this.#standOf, this.#testRoots, this.#testNews];
    const leaves = [this.#leafFrom, this.#changes, this.#leafSums];
    return [...places, ...leaves, this.#leafContext, this.#leafBefore, this.#leafAfter];
  }

  /** All that was learned, and the present state. Large tables are not copied. */
  save(): SavedLearned {
    const placeValues = new Array<number[]>(this.placeCount);
    for (const known of this.#placeNumbers)
      for (const [key, place] of known) placeValues[place] = key.split(",").map(Number);
    const stands = new Int32Array(this.standCount * 2);
    this.#standNumbers.forEach((known, context) => {
      for (const [value, stand] of known) stands.set([context, value], stand * 2);
    });
    return {
      untilCheck: this.#untilCheck,
      deathRoot: this.#deathRoot,
      slots: this.slots,
      sum: this.sum,
      places: this.places,
      testers: this.#testers,
      tests: this.#tests.save(),
      steps: this.#steps.save(),
      deaths: this.#deaths.save(),
      lists: this.#lists.map((list) => list.save()),
      rests: this.#rests.save(),
      leafProgress: this.#leafProgress.save(),
      contents: Array.from(this.#contents, (contents) => contents?.save() ?? null),
      placeValues: saveRows(placeValues),
      stands,
      stepRoots: saveRows(this.#stepRoots),
      leafReads: saveRows(this.#leafReads),
      standReads: saveRows(this.#standReads),
      deadSubsets: saveRows(this.#deadSubsets),
    };
  }

  /** To be called before anything was learned, in the first state of the program that was saved. */
  restore(saved: SavedLearned): void {
    this.#untilCheck = saved.untilCheck;
    this.#deathRoot = saved.deathRoot;
    this.slots.set(saved.slots);
    this.sum.set(saved.sum);
    this.places.set(saved.places);
    this.#testers.set(saved.testers);
    this.#tests.restore(saved.tests);
    this.#steps.restore(saved.steps);
    this.#deaths.restore(saved.deaths);
    restoreLists(this.#lists, saved.lists);
    this.#rests.restore(saved.rests);
    this.#leafProgress.restore(saved.leafProgress);
    this.#contents.forEach((contents, part) => {
      contents?.restore(saved.contents[part]!);
    });
    refill(this.#stepRoots, saved.stepRoots, (row) => [...row]);
    refill(this.#leafReads, saved.leafReads, (row) => row);
    refill(this.#standReads, saved.standReads, (row) => new Set(row));
    refill(this.#deadSubsets, saved.deadSubsets, (row) => [...row]);
    let place = 0;
    for (const values of savedRows(saved.placeValues))
      this.#placeNumbers[this.#placeContext.at(place)]!.set(values.join(), place++);
    for (let stand = 0; stand < this.standCount; stand++)
      this.#standNumbers[saved.stands[stand * 2]!]!.set(saved.stands[stand * 2 + 1]!, stand);
    for (let leaf = 0; leaf < this.leaves; leaf++) {
      this.#leafMask.push(0);
      this.#leafMaskVersion.push(-1);
    }
    this.forget();
  }
}

function refill<T>(list: T[], saved: SavedRows, make: (row: Int32Array) => T): void {
  list.length = 0;
  for (const row of savedRows(saved)) list.push(make(row));
}

const NOBODY: readonly number[] = Object.freeze([]);
