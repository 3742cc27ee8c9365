/**
 * Symmetry of a learned program (@internal): sums and rows of all images of the present state, kept up to date step by step,
 * and the proof that images of learned steps are steps.
 *
 * A leaf says what a step does in all states that agree on what it looks at. When it is learned, the same step is taken in
 * every image of the state, and must change the images of what the leaf changes to the images of the same values. If it also
 * looks at the images of the same parts, that holds for all states with that leaf, not only for this one; all leaves that a
 * search meets are compared so. Where an image looks elsewhere (a loop over the columns that ends early does), one state says
 * nothing of the others, and look-ups are compared now and then instead. Tests and dead subsets are treated alike. That the image of a
 * leaf is a leaf is also what footprints need: whatever an image of a visited state could do was learned.
 */
import { SymmetryError } from "../resumable/errors.ts";
import type { Symmetry, SymmetryElement } from "../resumable/explorable.ts";
import { IntList } from "./int-list.ts";
import type { Learnable, LearnedProgram } from "./learned.ts";
import { isLess, SymmetryCheck, sameMembers } from "./symmetry.ts";

/** Look-ups between two that are compared with their images: where all leaves were proved, and where not. */
const CHECK_EVERY = 4093;
const CHECK_UNPROVED_EVERY = 251;
const LANES = 4;

export class LearnedSymmetry {
  readonly #program: Learnable;
  readonly #learned: LearnedProgram;
  readonly #elements: readonly SymmetryElement[];
  readonly #check: SymmetryCheck;
  /** By element and part: the part that it becomes. */
  readonly #parts: readonly Int32Array[];
  readonly #scratch: Int32Array;
  readonly #image: Int32Array;
  /** By element: the sum of the present state's image, four lanes, and the image as a row of part values. */
  readonly #sums: Int32Array;
  readonly #rows: readonly Int32Array[];
  readonly #least = new Int32Array(LANES);
  /** By leaf and element: what it adds to the sum of the image. */
  readonly #leafSums = new IntList(1024);
  /** Where the changes of a leaf's images begin: element, part, before, after; for whole states only. */
  readonly #leafFrom = new IntList(256);
  readonly #changes = new IntList(1024);
  readonly #exact: boolean;
  /** Images are looked at: what is learned there is compared already. */
  #busy = false;
  #untilCheck = CHECK_EVERY;
  #unproved = false;
  #refused: unknown;

  constructor(program: Learnable, learned: LearnedProgram, symmetry: Symmetry, exact: boolean) {
    this.#program = program;
    this.#learned = learned;
    this.#exact = exact;
    this.#elements = symmetry.elements;
    this.#check = new SymmetryCheck(program, symmetry);
    this.#scratch = new Int32Array(program.words.length);
    this.#image = new Int32Array(program.words.length);
    this.#parts = symmetry.elements.map((element) => partsOf(program, element));
    this.#sums = new Int32Array(symmetry.elements.length * LANES);
    this.#rows = symmetry.elements.map(() => new Int32Array(learned.slots.length));
    this.#leafFrom.push(0);
    learned.watch = {
      step: (context, way, leaf) => this.#guard(() => this.#newStep(context, way, leaf)),
      test: (context, ways, parts) => this.#guard(() => this.#newTest(context, ways, parts)),
      rests: (context, rests) => this.#guard(() => this.#newRest(context, rests)),
      dead: (contexts, parts) => this.#guard(() => this.#newDeath(contexts, parts)),
    };
  }

  get bytes(): number {
    return this.#leafSums.bytes + this.#changes.bytes;
  }

  /** The learned program stands in the first state. Throws what a comparison before has found. */
  begin(): void {
    if (this.#refused !== undefined) throw this.#refused;
    const { slots } = this.#learned;
    this.#sums.fill(0);
    for (let e = 0; e < this.#elements.length; e++) {
      for (let part = 0; part < slots.length; part++) {
        const [to, value] = [this.#parts[e]![part]!, this.#valueOf(e, part, slots[part]!)];
        this.#learned.addSum(this.#sums, e * LANES, to, value, 1);
        this.#rows[e]![to] = value;
      }
    }
  }

  /** The value that part `parts[e][part]` has in the image of a state where `part` has `value`. */
  #valueOf(e: number, part: number, value: number): number {
    const { starts } = this.#program.parts;
    const [from, end, to] = [starts[part]!, starts[part + 1]!, this.#parts[e]![part]!];
    this.#learned.fill(part, value, this.#scratch);
    this.#elements[e]!.image(this.#scratch, from, end, this.#image);
    return this.#learned.valueIn(to, this.#image);
  }

  #learnImages(): void {
    const leaf = this.#leafFrom.length - 1;
    const sums = new Int32Array(this.#elements.length * LANES);
    for (let e = 0; e < this.#elements.length; e++)
      this.#learned.eachChange(leaf, (part, before, after) => {
        const to = this.#parts[e]![part]!;
        const [from, now] = [this.#valueOf(e, part, before), this.#valueOf(e, part, after)];
        this.#learned.addSum(sums, e * LANES, to, from, -1);
        this.#learned.addSum(sums, e * LANES, to, now, 1);
        if (this.#exact) for (const entry of [e, to, from, now]) this.#changes.push(entry);
      });
    for (const sum of sums) this.#leafSums.push(sum);
    this.#leafFrom.push(this.#changes.length);
  }

  /** Takes a step as the learned program does, and returns its leaf. */
  step(context: number, way: number): number {
    const leaf = this.#take(context, way);
    if (--this.#untilCheck <= 0) this.#compareNow(context, way, leaf);
    this.#apply(leaf);
    return leaf;
  }

  #take(context: number, way: number): number {
    try {
      return this.#learned.step(context, way);
    } catch (error) {
      if (!(error instanceof SymmetryError)) this.#threw(context, way);
      throw error;
    }
  }

  #apply(leaf: number): void {
    while (this.#leafFrom.length <= leaf + 1) this.#learnImages();
    const sums = this.#sums;
    const of = this.#leafSums.data;
    for (let i = 0, at = leaf * sums.length; i < sums.length; i++, at++) sums[i]! += of[at]!;
    if (this.#exact) this.#write(leaf, 3);
  }

  /** Goes back over a step with this leaf. */
  undo(leaf: number): void {
    const sums = this.#sums;
    const of = this.#leafSums.data;
    for (let i = 0, at = leaf * sums.length; i < sums.length; i++, at++) sums[i]! -= of[at]!;
    if (this.#exact) this.#write(leaf, 2);
  }

  #write(leaf: number, which: number): void {
    const changes = this.#changes.data;
    for (let i = this.#leafFrom.at(leaf); i < this.#leafFrom.at(leaf + 1); i += 4)
      this.#rows[changes[i]!]![changes[i + 1]!] = changes[i + which]!;
  }

  /** The least of the sums of all images: the same for all of them. The first two lanes, by which sums are stored, decide last. */
  leastSum(): Int32Array {
    const sums = this.#sums;
    const least = this.#least;
    least.set(this.#learned.sum);
    for (let at = 0; at < sums.length; at += LANES) {
      let lane = LANES - 1;
      while (lane > 0 && sums[at + lane] === least[lane]) lane--;
      if (sums[at + lane]! < least[lane]!) for (let i = 0; i < LANES; i++) least[i] = sums[at + i]!;
    }
    return least;
  }

  /** The least of the rows of all images. */
  leastRow(): Int32Array {
    let least = this.#learned.slots;
    for (const row of this.#rows) if (isLess(row, least)) least = row;
    return least;
  }

  /** The step of a leaf was taken: now and then it is compared again. */
  #compareNow(context: number, way: number, leaf: number): void {
    this.#untilCheck = this.#unproved ? CHECK_UNPROVED_EVERY : CHECK_EVERY;
    this.#learned.undo(leaf);
    this.#guard(() => {
      this.#newStep(context, way, leaf);
      for (const element of this.#elements) this.#check.state(element);
      this.#learned.forget();
    });
    this.#learned.step(context, way);
  }

  /** A step from the present state threw: those from its images must, too. */
  #threw(context: number, way: number): void {
    this.#guard(() =>
      this.#atImages((element) => {
        const other = element.contexts[context]!;
        const position = this.#program.position(other);
        try {
          this.#learned.step(other, way);
        } catch {
          return;
        }
        this.#check.refuse(context, other, "both throw, or neither", position);
      }),
    );
  }

  /** Keeps what was found: who learned the leaf may take it for a fault of the step. */
  #guard(compare: () => void): void {
    if (this.#busy) return;
    this.#busy = true;
    try {
      compare();
    } catch (error) {
      if (error instanceof SymmetryError) this.#refused = error;
      throw error;
    } finally {
      this.#busy = false;
    }
  }

  /** Calls `look` with the learned program in each image of its present state, then puts that back. */
  #atImages(look: (element: SymmetryElement, e: number) => void): void {
    const learned = this.#learned;
    learned.materialize();
    const { words } = this.#program;
    const before = words.slice();
    try {
      this.#elements.forEach((element, e) => {
        element.image(before, 0, before.length, words);
        learned.load();
        look(element, e);
      });
    } finally {
      words.set(before);
      learned.load();
    }
  }

  #newStep(context: number, way: number, leaf: number): void {
    const learned = this.#learned;
    const ways = learned.ways(context);
    this.#atImages((element, e) => {
      const other = element.contexts[context]!;
      if (learned.ways(other) !== ways) this.#check.refuse(context, other, "one can step in as many ways as the other");
      const position = this.#program.position(other);
      let moved: number;
      try {
        moved = learned.step(other, way);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        this.#check.refuse(context, other, `both throw, or neither (${why})`, position);
      }
      learned.undo(moved);
      this.#compare(e, leaf, moved, position);
    });
  }

  #compare(e: number, leaf: number, moved: number, position: string): void {
    const learned = this.#learned;
    const context = learned.leafContext(leaf);
    const other = this.#elements[e]!.contexts[context]!;
    const expected = new Map<number, number>();
    learned.eachChange(leaf, (part, _, after) => {
      expected.set(this.#parts[e]![part]!, this.#valueOf(e, part, after));
    });
    const differs = (part: number): never =>
      this.#check.refuseWord(context, other, this.#program.parts.starts[part]!, position);
    learned.eachChange(moved, (part, _, after) => {
      if (expected.get(part) !== after) differs(part);
      expected.delete(part);
    });
    for (const part of expected.keys()) differs(part);
    if (learned.leafProgress(leaf) !== learned.leafProgress(moved))
      this.#check.refuse(context, other, "both get something done, or neither", position);
    this.#prove(e, learned.leafReads(leaf), learned.leafReads(moved));
  }

  /** Whether the images of the parts looked at are what the image looks at. */
  #prove(e: number, parts: ArrayLike<number>, moved: ArrayLike<number>): void {
    const images = Array.from(parts, (part) => this.#parts[e]![part]!);
    if (!sameMembers(images, Array.from(moved))) this.#unprove();
  }
  #unprove(): void {
    this.#unproved = true;
    if (this.#untilCheck > CHECK_UNPROVED_EVERY) this.#untilCheck = CHECK_UNPROVED_EVERY;
  }

  #newTest(context: number, ways: number, parts: ArrayLike<number>): void {
    const learned = this.#learned;
    this.#atImages((element, e) => {
      const other = element.contexts[context]!;
      if (learned.ways(other) !== ways) this.#check.refuse(context, other, "one can step in as many ways as the other");
      this.#prove(e, parts, learned.testReads(other));
    });
  }

  #newRest(context: number, rests: boolean): void {
    this.#atImages((element) => {
      const other = element.contexts[context]!;
      if (this.#learned.rests(other) !== rests)
        this.#check.refuse(context, other, "both have finished, or idle, or neither");
    });
  }

  #newDeath(contexts: readonly number[], parts: ArrayLike<number>): void {
    const learned = this.#learned;
    this.#atImages((element, e) => {
      const moved = contexts.map((c) => element.contexts[c]!);
      if (!sameMembers(learned.deadSubset(), moved))
        throw new SymmetryError("not symmetric: who is told to be in a dead subset");
      this.#prove(e, parts, learned.deathReads());
    });
  }
}

/** Where each part goes; parts move as a whole. */
function partsOf(program: Learnable, element: SymmetryElement): Int32Array {
  const { starts, own } = program.parts;
  const partAt = new Map<number, number>();
  const count = starts.length - 1;
  for (let part = 0; part < count; part++) partAt.set(starts[part]!, part);
  const images = Int32Array.from({ length: count }, (_, part) => {
    const to = partAt.get(element.places[starts[part]!]!);
    const size = starts[part + 1]! - starts[part]!;
    if (to === undefined || starts[to + 1]! - starts[to]! !== size)
      throw new SymmetryError(`not symmetric: part ${part} of the state does not become a part`);
    return to;
  });
  own.forEach((parts, c) => {
    const moved = own[element.contexts[c]!]!;
    if (parts.some((part, i) => images[part] !== moved[i]))
      throw new SymmetryError(`not symmetric: the own words of ${program.name(c)} do not become another's`);
  });
  return images;
}
