/**
 * States that are images of each other count as one (@internal): what a program declares of it (`Explorable.symmetry`) is
 * checked here, never trusted.
 *
 * Why it may be done: let every element of the group carry steps over to steps. Then the states ahead of an image are the
 * images of the states ahead, so a search that goes on from one state of each set of images (an *orbit*) meets an image of
 * every state there is, and deadlocks, errors, laws and dead subsets with them. Its own path is made of real steps all the
 * time: only the set of visited states holds one member for all, so schedules need no translation. (Clarke, Enders, Filkorn,
 * Jha, "Exploiting symmetry in temporal logic model checking", 1996; Ip and Dill, "Better verification through symmetry", 1996.)
 *
 * Livelocks that nothing ends: if a state leads to b, and b to an image h(a) of a, then h(a) leads to h(h(a)) and so on until
 * a, as the group is finite. So what lies in one component of the graph of orbits lies in one component of the whole graph,
 * once reached from each other; a component of orbits that no step leaves is made of such components, and `bottom.ts` walks
 * one of them without symmetry. Fair runs and runs without progress are not looked for in this way: the search turns symmetry
 * off for them.
 *
 * Together with footprints: what suffices in a state suffices, moved, in its images, so the search is one over the whole
 * graph in which each state of an orbit takes in the moved set of the one visited. A cycle there is a round in the graph of
 * orbits, and that closes on the path somewhere, where everybody is taken in (Emerson, Jha, Peled, "Combining partial order and
 * symmetry reductions", 1997). Footprints must then know what an image would do: `learned-symmetry.ts` learns it.
 */
import { SymmetryError } from "../resumable/errors.ts";
import type { Symmetry, SymmetryElement } from "../resumable/explorable.ts";
import { RandomNumbers } from "./random-numbers.ts";
import { StateStore } from "./state-store.ts";
import type { Reducible } from "./types.ts";

/** Random steps that are compared with those of an image before a search, and where a run of them is cut. */
const WALK_STEPS = 1_000;
const WALK_DEPTH = 300;

/** What a step did. */
interface Result {
  readonly thrown: boolean;
  readonly words: Int32Array;
  readonly progress: boolean;
}

/** Compares what a program does in a state with what it does in an image of it. All leave the words as they are. */
export class SymmetryCheck {
  readonly #program: Reducible;
  readonly #symmetry: Symmetry;
  readonly #image: Int32Array;

  constructor(program: Reducible, symmetry: Symmetry) {
    this.#program = program;
    this.#symmetry = symmetry;
    this.#image = new Int32Array(program.words.length);
  }

  /** The present state must be its own image. */
  first(): void {
    const { words } = this.#program;
    for (const element of this.#symmetry.elements) {
      const at = firstDifference(this.#imageOf(element, words), words);
      if (at >= 0) {
        const from = Array.from(element.places).indexOf(at);
        const { what } = this.#symmetry;
        throw new SymmetryError(
          `not symmetric: ${what(at)} is not in the first state what ${what(from)} would be in its place`,
        );
      }
    }
  }

  #imageOf(element: SymmetryElement, words: Int32Array): Int32Array {
    element.image(words, 0, words.length, this.#image);
    return this.#image;
  }

  /** A bounded random run from the present state, each state and step of it compared with those of an image. */
  walk(): void {
    const { words, contexts } = this.#program;
    const { elements } = this.#symmetry;
    const draw = new RandomNumbers(1);
    const first = words.slice();
    let depth = 0;
    for (let steps = 0; steps < WALK_STEPS; steps++) {
      const element = elements[draw.below(elements.length)]!;
      this.state(element);
      const able: number[] = [];
      for (let c = 0; c < contexts; c++) if (this.#program.ways(c) > 0) able.push(c);
      if (able.length === 0 && depth === 0) return;
      if (able.length > 0 && depth++ < WALK_DEPTH) {
        const context = able[draw.below(able.length)]!;
        if (this.step(element, context, draw.below(this.#program.ways(context)))) continue;
      }
      words.set(first);
      depth = 0;
    }
    words.set(first);
  }

  /** What can be said of the present state without a step. */
  state(element: SymmetryElement): void {
    const program = this.#program;
    const here = this.#look();
    const before = program.words.slice();
    program.words.set(this.#imageOf(element, before));
    const there = this.#look();
    program.words.set(before);
    for (let c = 0; c < program.contexts; c++) {
      const other = element.contexts[c]!;
      if (here.ways[c] !== there.ways[other]) this.refuse(c, other, "one can step in as many ways as the other");
      if (here.rests[c] !== there.rests[other]) this.refuse(c, other, "both have finished, or idle, or neither");
    }
    if (here.lawful !== there.lawful) throw new SymmetryError(`not symmetric: a law (${here.law ?? there.law})`);
    const dead = here.dead.map((c) => element.contexts[c]!);
    if (!sameMembers(dead, there.dead)) throw new SymmetryError("not symmetric: who is told to be in a dead subset");
  }

  #look() {
    const program = this.#program;
    const all = Array.from({ length: program.contexts }, (_, c) => c);
    const ways = all.map((c) => program.ways(c));
    const rests = all.map((c) => program.finished(c) || program.idle(c));
    const law = program.brokenInvariant?.();
    const waits = all.some((c) => ways[c] === 0 && !rests[c]);
    const dead = waits ? (program.deadSubset?.(ways) ?? []) : [];
    return { ways, rests, law, lawful: law === undefined, dead };
  }

  /** Takes a step, compared with its image; false when it throws (the state is not what it was then). */
  step(element: SymmetryElement, context: number, way: number): boolean {
    const { words } = this.#program;
    const position = this.#program.position(context);
    const before = words.slice();
    const own = this.#run(context, way);
    words.set(this.#imageOf(element, before));
    const other = element.contexts[context]!;
    const moved = this.#run(other, way);
    words.set(own.words);
    if (own.thrown !== moved.thrown) this.refuse(context, other, "both throw, or neither", position);
    if (own.thrown) return false;
    const at = firstDifference(this.#imageOf(element, own.words), moved.words);
    if (at >= 0) this.refuseWord(context, other, at, position);
    if (own.progress !== moved.progress) this.refuse(context, other, "both get something done, or neither", position);
    return true;
  }

  #run(context: number, way: number): Result {
    const program = this.#program;
    let thrown = false;
    try {
      program.step(context, way);
    } catch {
      thrown = true;
    }
    return { thrown, words: program.words.slice(), progress: program.progressed?.() === true };
  }

  refuse(context: number, other: number, what: string, position = this.#program.position(context)): never {
    const { name } = this.#program;
    const names = [context, other].map((c) => name.call(this.#program, c));
    throw new SymmetryError(`not symmetric: ${names[0]} at ${position} and ${names[1]} in its place: not ${what}`);
  }

  refuseWord(context: number, other: number, word: number, position?: string): never {
    const what = `one leaves in ${this.#symmetry.what(word)} what the other would`;
    return this.refuse(context, other, what, position);
  }
}

function firstDifference(a: Int32Array, b: Int32Array): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return i;
  return -1;
}

/** Whether two lists have the same members in any order. */
export function sameMembers(a: readonly number[], b: readonly number[]): boolean {
  const sorted = (list: readonly number[]) => [...list].sort((x, y) => x - y);
  return sorted(a).join() === sorted(b).join();
}

/** A law asked in the present state must be broken in all images or in none. */
export function checkLaw(program: Reducible, symmetry: Symmetry): void {
  const check = new SymmetryCheck(program, symmetry);
  for (const element of symmetry.elements) check.state(element);
}

/** The declared group where a search may use it, once the first state and a random walk have been compared. */
export function checkedSymmetry(program: Reducible): Symmetry | undefined {
  const { symmetry } = program;
  if (symmetry === undefined || symmetry.elements.length === 0) return undefined;
  const check = new SymmetryCheck(program, symmetry);
  check.first();
  check.walk();
  return symmetry;
}

/** Steps of programs without parts between two that are compared with their images. */
const CHECK_EVERY = 61;

/** Numbers orbits of whole states, for programs whose steps are run. */
export class OrbitStore {
  fresh = false;
  readonly #symmetry: Symmetry;
  readonly #store: StateStore;
  readonly #check: SymmetryCheck;
  readonly #least: Int32Array;
  readonly #image: Int32Array;
  #untilCheck = CHECK_EVERY;

  constructor(program: Reducible, symmetry: Symmetry, memoryBytes: number) {
    this.#symmetry = symmetry;
    this.#store = new StateStore(program.words.length, { memoryBytes });
    this.#check = new SymmetryCheck(program, symmetry);
    this.#least = new Int32Array(program.words.length);
    this.#image = new Int32Array(program.words.length);
  }

  get bytes(): number {
    return this.#store.bytes;
  }

  /** The number of the orbit that a state is in; -1 when it is new and memory is used up. */
  intern(words: Int32Array): number {
    this.#least.set(words);
    for (const element of this.#symmetry.elements) {
      element.image(words, 0, words.length, this.#image);
      if (isLess(this.#image, this.#least)) this.#least.set(this.#image);
    }
    const orbit = this.#store.intern(this.#least);
    this.fresh = this.#store.fresh;
    return orbit;
  }

  /** To be called before each step: now and then its images are run, too. */
  watch(words: Int32Array, context: number, way: number): void {
    if (--this.#untilCheck > 0) return;
    this.#untilCheck = CHECK_EVERY;
    const before = words.slice();
    for (const element of this.#symmetry.elements) {
      this.#check.state(element);
      this.#check.step(element, context, way);
      words.set(before);
    }
  }
}

/** Whether a row comes before another one of the same length. */
export function isLess(a: Int32Array, b: Int32Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! < b[i]!;
  return false;
}
