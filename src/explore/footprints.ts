/**
 * What each context may still touch, from the place where it stands on (@internal), and which contexts' steps suffice for it.
 *
 * Nobody declares it. The places of a context and the steps learned between them form a graph; what its steps read and write
 * from a place on is the place's *footprint*. In a state, a set of contexts suffices (a persistent set: Godefroid,
 * "Partial-Order Methods for the Verification of Concurrent Systems", 1996) when nobody else's footprint meets what the next
 * steps of its members touch, and a member that cannot step is joined by all whose footprint has what its test looks at.
 *
 * Footprints grow as steps are learned. They are gathered before a search begins, first from random walks; a place that was
 * not known then counts as touching everything. If a known place turns out to touch more than was gathered, answers given
 * before were wrong, and the search has to begin again ({@link Footprints.misled}). A search that ends without being misled
 * has seen every step that any context can take: suppose a run from a visited state takes a step that was never learned, and
 * take the shortest such run. If contexts of the state's sufficient set step in it, the first such step can be taken at once
 * and leaves a shorter run. If not, a step of the set can be put in front of it, as it meets nothing of the run: what the
 * unknown step has looked at when it leaves the known ways was learned, so it is part of the footprint. This can be repeated
 * until some state where all contexts are taken, which every cycle has, or until the set's contexts have nothing more to do.
 */
import { accessesMeet } from "./independence.ts";
import { IntList } from "./int-list.ts";
import type { LearnedProgram } from "./learned.ts";
import { RandomNumbers } from "./random-numbers.ts";
import type { SavedFootprints } from "./saved-search.ts";

const ALL = -1;
/** No class yet. */
const NONE = -2;
/** Random runs go on while they meet something new every so many steps, within bounds. */
const NEWS_EVERY = 500;
const LEAST_STEPS = 500;
const MOST_STEPS = 300_000;
const WALK_STEPS = 400;
/** After so many states it is decided whether asking goes on: if it puts off more than this share of those who can step. */
const TRIAL = 20_000;
const WORTH_ASKING = 0.3;

export class Footprints {
  /** An answer of {@link enough} may have been wrong. */
  misled = false;
  /** How often it was asked since {@link gather}, and how many contexts could step and how many of them were put off then. */
  #asked = 0;
  #able = 0;
  #putOff = 0;
  /** Nobody is put off any more: so that what was put off before need not be trusted, the search begins again then. */
  #gaveUp = false;
  /** A known place leads to one that was not known. */
  #unsettled = false;
  readonly #learned: LearnedProgram;
  #wandered = false;
  /** By part: contexts known to read and to write it, as bits. */
  readonly #readers: Int32Array;
  readonly #writers: Int32Array;
  /** By part: its bit in footprints; -1 while no two contexts can quarrel about it. */
  readonly #bitOf: Int32Array;
  /** 32-bit words of a set of reads, or of writes. */
  #width = 0;
  /** By place gathered: reads and writes from there on, two sets; and its class. */
  #future: Int32Array = new Int32Array(0);
  #futureClass = new Int32Array(0);
  /** By class of a footprint, and of what a step or a test touches: the sets. */
  #futureSets: Int32Array[] = [];
  #accessSets: Int32Array[] = [];
  #accessClasses = new Map<string, number>();
  /** By leaf and by stand: the class of what it touches; {@link NONE}: not made yet. */
  #leafClass = new IntList();
  #standClass = new IntList();
  /** By access class, the answers for all footprint classes: 0 not known yet, 1 no, 2 yes. */
  #meets: Uint8Array[] = [];
  #leaves = 0;
  #testNews = 0;
  /** By context, for the present state: whom its steps meet, as bits, if {@link #known} says so. */
  readonly #met: Int32Array;
  #known = 0;

  constructor(learned: LearnedProgram) {
    this.#learned = learned;
    this.#readers = new Int32Array(learned.slots.length);
    this.#writers = new Int32Array(learned.slots.length);
    this.#bitOf = new Int32Array(learned.slots.length);
    this.#met = new Int32Array(learned.contexts);
  }

  get gaveUp(): boolean {
    return this.#gaveUp;
  }

  /** Gathers the footprints of all that was learned. */
  gather(): void {
    this.misled = false;
    if (this.#gaveUp) return;
    if (!this.#wandered) wander(this.#learned);
    this.#wandered = true;
    this.#unsettled = false;
    this.#asked = 0;
    this.#able = 0;
    this.#putOff = 0;
    this.#leaves = this.#learned.leaves;
    this.#testNews = this.#learned.testNews;
    this.#countUsers();
    this.#spread();
    this.#classify(this.#learned.placeCount);
  }

  #eachAccess(leaf: number, read: (part: number) => void, write: (part: number) => void): void {
    for (const part of this.#learned.leafReads(leaf)) read(part);
    this.#learned.leafWrites(leaf, write);
  }

  #countUsers(): void {
    const learned = this.#learned;
    for (let leaf = 0; leaf < learned.leaves; leaf++) {
      const bit = 1 << learned.leafContext(leaf);
      this.#eachAccess(
        leaf,
        (part) => void (this.#readers[part]! |= bit),
        (part) => void (this.#writers[part]! |= bit),
      );
    }
    for (let place = 0; place < learned.placeCount; place++) {
      const bit = 1 << learned.placeContext(place);
      for (const part of learned.standReads(learned.standOf(place))) this.#readers[part]! |= bit;
    }
    let bits = 0;
    for (let part = 0; part < this.#bitOf.length; part++) this.#bitOf[part] = this.#quarrel(part) ? bits++ : -1;
    this.#width = (bits + 31) >>> 5;
  }

  /** Whether one context writes the part and another one touches it. */
  #quarrel(part: number): boolean {
    const writers = this.#writers[part]!;
    const all = writers | this.#readers[part]!;
    return writers !== 0 && (all & (all - 1)) !== 0;
  }

  #add(sets: Int32Array, at: number, part: number): void {
    const bit = this.#bitOf[part]!;
    if (bit >= 0) sets[at + (bit >>> 5)]! |= 1 << (bit & 31);
  }

  /** What leaf touches into the sets at `at`, its context's test included. */
  #addLeaf(sets: Int32Array, at: number, leaf: number): void {
    this.#eachAccess(
      leaf,
      (part) => this.#add(sets, at, part),
      (part) => this.#add(sets, at + this.#width, part),
    );
    this.#addTests(sets, at, this.#learned.standOf(this.#learned.leafBefore(leaf)));
  }
  #addTests(sets: Int32Array, at: number, stand: number): void {
    for (const part of this.#learned.standReads(stand)) this.#add(sets, at, part);
  }

  /**
   * Footprints of all places: what their own steps touch, and what the places touch to which those lead. Places with one stand
   * are about to do the same thing; what one of them touches next is counted for all, as it will turn up there, too.
   */
  #spread(): void {
    const learned = this.#learned;
    const size = this.#width * 2;
    const next = new Int32Array(learned.standCount * size);
    for (let stand = 0; stand < learned.standCount; stand++) this.#addTests(next, stand * size, stand);
    for (let leaf = 0; leaf < learned.leaves; leaf++)
      this.#addLeaf(next, learned.standOf(learned.leafBefore(leaf)) * size, leaf);
    const sets = new Int32Array(learned.placeCount * size);
    for (let place = 0; place < learned.placeCount; place++) {
      const from = learned.standOf(place) * size;
      sets.set(next.subarray(from, from + size), place * size);
    }
    for (let changed = true; changed; ) {
      changed = false;
      for (let leaf = learned.leaves - 1; leaf >= 0; leaf--) {
        const to = learned.leafBefore(leaf) * size;
        if (unite(sets, to, sets, learned.leafAfter(leaf) * size, size)) changed = true;
      }
    }
    this.#future = sets;
  }

  #classify(places: number): void {
    const size = this.#width * 2;
    const classes = new Map<string, number>();
    this.#futureSets = [];
    this.#futureClass = new Int32Array(places);
    for (let place = 0; place < places; place++) {
      const set = this.#future.subarray(place * size, (place + 1) * size);
      const key = set.join();
      let known = classes.get(key);
      if (known === undefined) {
        known = this.#futureSets.push(set) - 1;
        classes.set(key, known);
      }
      this.#futureClass[place] = known;
    }
    this.#accessSets = [];
    this.#accessClasses.clear();
    this.#meets = [];
    this.#leafClass = new IntList();
    this.#standClass = new IntList();
  }

  /**
   * Contexts whose steps suffice in the learned program's present state, as bits; -1: all. `ways` is what each can do in it.
   */
  enough(ways: Int32Array): number {
    if (this.#gaveUp) return ALL;
    this.#learnNews();
    let able = 0;
    for (let c = 0; c < ways.length; c++) if (ways[c]! > 0) able |= 1 << c;
    if ((able & (able - 1)) === 0) return ALL;
    this.#known = 0;
    let best = able;
    for (let c = 0; c < ways.length && (best & (best - 1)) !== 0; c++) {
      if ((able & (1 << c)) === 0) continue;
      const closed = this.#closure(1 << c, ways, best) & able;
      if (bits(closed) < bits(best)) best = closed;
    }
    this.#count(bits(able), bits(best));
    return best === able ? ALL : best;
  }

  /** Asking costs about as much as a step: it is given up where it seldom helps. */
  #count(able: number, taken: number): void {
    this.#asked++;
    this.#able += able;
    this.#putOff += able - taken;
    if (this.#asked !== TRIAL || this.#putOff >= this.#able * WORTH_ASKING) return;
    this.#gaveUp = true;
    this.misled = true;
  }

  /** The least set with these contexts that suffices; all when it would be no smaller than `limit`. */
  #closure(from: number, ways: Int32Array, limit: number): number {
    let set = from;
    for (let todo = from; todo !== 0; ) {
      const c = 31 - Math.clz32(todo & -todo);
      const met = this.#metBy(c, ways) & ~set;
      set |= met;
      todo = (todo & (todo - 1)) | met;
      if ((limit & ~set) === 0) return ALL;
    }
    return set;
  }

  /** Whose footprint meets what the context does next, or looks at while it cannot step; itself apart. */
  #metBy(context: number, ways: Int32Array): number {
    const bit = 1 << context;
    if ((this.#known & bit) !== 0) return this.#met[context]!;
    let met = 0;
    const count = ways[context]!;
    if (count === 0) met = this.#whoMeets(this.#classOfStand(this.#learned.standOf(this.#learned.places[context]!)));
    for (let way = 0; way < count; way++) {
      const leaf = this.#learned.peek(context, way);
      met |= leaf < 0 ? ALL : this.#whoMeets(this.#classOfLeaf(leaf));
    }
    this.#known |= bit;
    this.#met[context] = met & ~bit & ((1 << ways.length) - 1);
    return this.#met[context]!;
  }

  #whoMeets(access: number): number {
    const { places } = this.#learned;
    const known = this.#meets[access]!;
    let met = 0;
    for (let c = 0; c < places.length; c++) {
      const place = places[c]!;
      if (place >= this.#futureClass.length) {
        met |= 1 << c;
        continue;
      }
      const future = this.#futureClass[place]!;
      let answer = known[future]!;
      if (answer === 0) {
        answer = accessesMeet(this.#accessSets[access]!, this.#futureSets[future]!) ? 2 : 1;
        known[future] = answer;
      }
      if (answer === 2) met |= 1 << c;
    }
    return met;
  }

  #classOfLeaf(leaf: number): number {
    const known = noted(this.#leafClass, leaf);
    return known === NONE ? this.#note(this.#leafClass, leaf, (sets) => this.#addLeaf(sets, 0, leaf)) : known;
  }
  #classOfStand(stand: number): number {
    const known = noted(this.#standClass, stand);
    return known === NONE ? this.#note(this.#standClass, stand, (sets) => this.#addTests(sets, 0, stand)) : known;
  }

  /** Notes the class of what `fill` puts into empty sets. */
  #note(classes: IntList, index: number, fill: (sets: Int32Array) => void): number {
    const sets = new Int32Array(this.#width * 2);
    fill(sets);
    while (classes.length <= index) classes.push(NONE);
    classes.data[index] = this.#classOf(sets);
    return classes.at(index);
  }

  #classOf(sets: Int32Array): number {
    const key = sets.join();
    const known = this.#accessClasses.get(key);
    if (known !== undefined) return known;
    const number = this.#accessSets.push(sets) - 1;
    this.#accessClasses.set(key, number);
    this.#meets.push(new Uint8Array(this.#futureSets.length));
    return number;
  }

  /** To be called when a search has ended: whether it was misled after all. */
  settle(): boolean {
    if (this.#gaveUp) return this.misled;
    this.#learnNews();
    if (this.misled || !this.#unsettled) return this.misled;
    const gathered = this.#future;
    this.#spread();
    this.misled = !within(this.#future.subarray(0, gathered.length), gathered, 0);
    this.#future = gathered;
    return this.misled;
  }

  /** Looks at what was learned since the last look. */
  #learnNews(): void {
    const learned = this.#learned;
    for (; this.#leaves < learned.leaves; this.#leaves++) this.#newLeaf(this.#leaves);
    if (this.#testNews < learned.testNews) this.#newTests();
  }

  /** Whether the part was known to be touched so; notes it. */
  #knew(users: Int32Array, part: number, context: number): boolean {
    const bit = 1 << context;
    const knew = (users[part]! & bit) !== 0;
    const before = this.#quarrel(part);
    users[part]! |= bit;
    return knew || before || !this.#quarrel(part);
  }

  #newLeaf(leaf: number): void {
    const learned = this.#learned;
    const context = learned.leafContext(leaf);
    this.#eachAccess(
      leaf,
      (part) => {
        if (!this.#knew(this.#readers, part, context)) this.misled = true;
      },
      (part) => {
        if (!this.#knew(this.#writers, part, context)) this.misled = true;
      },
    );
    const before = learned.leafBefore(leaf);
    if (before >= this.#futureClass.length) return;
    const size = this.#width * 2;
    const sets = new Int32Array(size);
    this.#addLeaf(sets, 0, leaf);
    const after = learned.leafAfter(leaf);
    // what the new place touches is not known yet: to be looked at in the end
    if (after >= this.#futureClass.length) this.#unsettled = true;
    else unite(sets, 0, this.#future, after * size, size);
    if (!within(sets, this.#future, before * size)) this.misled = true;
  }

  /** Tests looked at other parts than before: their classes change, and places that were gathered may touch more. */
  #newTests(): void {
    const learned = this.#learned;
    const size = this.#width * 2;
    const stands = new Set<number>();
    for (; this.#testNews < learned.testNews; this.#testNews++) stands.add(learned.testNewsAt(this.#testNews));
    for (const stand of stands) if (stand < this.#standClass.length) this.#standClass.data[stand] = NONE;
    for (let leaf = 0; leaf < this.#leafClass.length; leaf++)
      if (stands.has(learned.standOf(learned.leafBefore(leaf)))) this.#leafClass.data[leaf] = NONE;
    for (let place = 0; place < learned.placeCount; place++) {
      const stand = learned.standOf(place);
      if (!stands.has(stand)) continue;
      for (const part of learned.standReads(stand))
        if (!this.#knew(this.#readers, part, learned.placeContext(place))) this.misled = true;
      if (place >= this.#futureClass.length) continue;
      const sets = new Int32Array(size);
      this.#addTests(sets, 0, stand);
      if (!within(sets, this.#future, place * size)) this.misled = true;
    }
  }

  /** What was gathered, and what happened since. Classes and their answers follow from that. */
  save(): SavedFootprints {
    const places = this.#futureClass.length;
    return {
      flags: [this.misled, this.#gaveUp, this.#unsettled, this.#wandered],
      counts: [this.#asked, this.#able, this.#putOff, this.#width, this.#leaves, this.#testNews, places],
      readers: this.#readers,
      writers: this.#writers,
      bitOf: this.#bitOf,
      future: this.#future,
    };
  }

  restore({ flags, counts, readers, writers, bitOf, future }: SavedFootprints): void {
    [this.misled, this.#gaveUp, this.#unsettled, this.#wandered] = flags as [boolean, boolean, boolean, boolean];
    const [asked, able, putOff, width, leaves, testNews, places] = counts;
    [this.#asked, this.#able, this.#putOff] = [asked!, able!, putOff!];
    [this.#width, this.#leaves, this.#testNews] = [width!, leaves!, testNews!];
    this.#readers.set(readers);
    this.#writers.set(writers);
    this.#bitOf.set(bitOf);
    this.#future = future;
    this.#classify(places!);
  }
}

function unite(into: Int32Array, to: number, from: Int32Array, at: number, size: number): boolean {
  let changed = false;
  for (let i = 0; i < size; i++) {
    const both = into[to + i]! | from[at + i]!;
    if (both === into[to + i]) continue;
    into[to + i] = both;
    changed = true;
  }
  return changed;
}

function within(part: Int32Array, whole: Int32Array, at: number): boolean {
  for (let i = 0; i < part.length; i++) if ((part[i]! & ~whole[at + i]!) !== 0) return false;
  return true;
}

function noted(classes: IntList, index: number): number {
  return index < classes.length ? classes.at(index) : NONE;
}

function bits(mask: number): number {
  let count = 0;
  for (let m = mask; m !== 0; m &= m - 1) count++;
  return count;
}

/** Random walks, so that most steps are known. */
function wander(learned: LearnedProgram): void {
  const draw = new RandomNumbers(1);
  let steps = 0;
  for (let goal = LEAST_STEPS; ; goal *= 2) {
    const known = learned.leaves;
    const from = steps;
    while (steps < goal) steps += wanderOnce(learned, draw) + 1;
    if ((learned.leaves - known) * NEWS_EVERY < steps - from || steps >= MOST_STEPS) break;
  }
  learned.rewind();
}

/** One random run; returns its steps. */
function wanderOnce(learned: LearnedProgram, draw: RandomNumbers): number {
  const able: number[] = [];
  learned.rewind();
  for (let steps = 0; steps < WALK_STEPS; steps++) {
    able.length = 0;
    for (let c = 0; c < learned.contexts; c++) if (learned.ways(c) > 0) able.push(c);
    if (able.length === 0) return steps;
    const context = able[draw.below(able.length)]!;
    try {
      learned.step(context, draw.below(learned.ways(context)));
    } catch {
      return steps;
    }
  }
  return WALK_STEPS;
}
