/**
 * One member's share of a search by several (@internal): `prove` without reductions, over states that are numbered together.
 *
 * Each state is gone on from by the member that met it first, depth first, and its components are found as by `prove`, as far as
 * this member's own states go. A livelock is a component that nothing leaves, and may lie with several members. So a state is
 * called *good* when it comes to rest or is judged, or a step leads from it to a good one. A component of which that is not known
 * when it is complete here, as its steps lead to others' states, is kept as a *doubt*; when all is visited, `settle.ts` finds out
 * which doubts remain.
 */
import { bottomFault } from "../bottom.ts";
import { brokenLaw, deadSubset, terminalFault, thrownFault } from "../faults.ts";
import { Findings, type Round } from "../findings.ts";
import { ByteList, IntList } from "../int-list.ts";
import type { Learnable } from "../learned.ts";
import { LearnedSpace } from "../state-space.ts";
import type { Choice, Fault, Finding, StopReason } from "../types.ts";
import { type Gift, Gifts } from "./gifts.ts";
import { GoodStates, memberOf } from "./good-states.ts";
import { SharedNumbers } from "./shared-numbers.ts";
import { SharedSet } from "./shared-set.ts";
import { COUNT_WORDS, COUNTS, countsOf, STOP, type TeamMemory } from "./team-memory.ts";

/** A complete component of which it is not known whether it comes to an end. */
export interface Doubt {
  /** Its states. */
  readonly states: Int32Array;
  /** States that its steps lead to; below 0: gifts, by minus their number minus 1. */
  readonly targets: Int32Array;
  /** Choices that lead to it: contexts and ways in turn. */
  readonly path: Int32Array;
}

/** What a member has to say when it is done: plain data. */
export interface MemberReport {
  readonly findings: readonly Finding[];
  readonly deadlocks: ReadonlySet<string>;
  readonly ends: ReadonlySet<string>;
  readonly doubts: readonly Doubt[];
  readonly terminals: number;
  /** What its learned steps and its path take. */
  readonly bytes: number;
}

/** Why a search stops, as a number that members share: 0 is none. */
export const STOP_REASONS: readonly (StopReason | undefined)[] = [
  undefined,
  "finding",
  "states",
  "steps",
  "memory",
  "aborted",
];

export interface MemberOptions {
  readonly find: "first" | "all";
  readonly maxStates: number;
  readonly maxSteps: number;
  /** Steps between two looks at the others; 64 unless told. */
  readonly lookEvery?: number | undefined;
  /** Called every so many steps, and while there is nothing to do; true asks everybody to stop. */
  readonly poll?: (() => boolean) | undefined;
}

const ON_PATH = 1;
const GOOD = 2;
const LOOPS = 4;
/** A choice that was given away. */
const GIVEN = -1;
/** Steps between two looks at the others, and such looks between two counts. */
const LOOK_EVERY = 64;
const COUNT_EVERY = 32;

/** Searches as member `me` of the team until nothing is left; the program is in its first state, and is left anywhere. */
export function searchAsMember(
  program: Learnable,
  memory: TeamMemory,
  me: number,
  options: MemberOptions,
): MemberReport {
  if (me > 0 && program.numbering !== undefined) new SharedNumbers(memory).join(program.numbering);
  return new Member(program, memory, me, options).run();
}

class Member {
  readonly #program: Learnable;
  readonly #me: number;
  readonly #options: MemberOptions;
  readonly #initial: Int32Array;
  readonly #set: SharedSet;
  readonly #space: LearnedSpace;
  readonly #gifts: Gifts;
  readonly #good: GoodStates;
  readonly #findings: Findings;
  readonly #control: Int32Array;
  readonly #members: number;
  /** As in `prove.ts`. */
  readonly #open = new IntList(1024);
  readonly #low = new IntList(1024);
  readonly #flags = new ByteList(1024);
  readonly #path = new IntList(256);
  readonly #from = new IntList(256);
  readonly #cursor = new IntList(256);
  readonly #choices = new IntList(1024);
  /** Choices from the first state to where the path begins. */
  #prefix: readonly Choice[] = [];
  /** Steps to states of which nothing good is known: places in `#open` and targets, in the order of places. */
  readonly #targets = new IntList(64);
  /** Choices given away: places in `#open` and gifts. */
  #given: { readonly place: number; readonly gift: number }[] = [];
  readonly #doubts: Doubt[] = [];
  #terminals = 0;
  #steps = 0;
  #depth = 0;
  #untilLook = 1;
  #untilCount = COUNT_EVERY;

  constructor(program: Learnable, memory: TeamMemory, me: number, options: MemberOptions) {
    this.#program = program;
    this.#me = me;
    this.#options = options;
    this.#initial = program.words.slice();
    this.#set = new SharedSet(memory, me);
    this.#space = new LearnedSpace(
      program,
      { memoryBytes: Infinity, exact: false, reduce: false, symmetry: undefined },
      this.#set,
    );
    this.#gifts = new Gifts(memory, me);
    this.#good = new GoodStates(memory);
    this.#findings = new Findings(program, this.#initial, options.find === "all");
    this.#control = new Int32Array(memory.control);
    this.#members = memory.members;
  }

  run(): MemberReport {
    // whoever comes first searches from the first state
    const first = this.#space.begin();
    if (first < 0) this.#stop("memory");
    else if (this.#space.fresh) this.#search(first, undefined);
    for (let gift = this.#wait(); gift !== undefined; gift = this.#wait()) this.#accept(gift);
    const { list, deadlocks, ends } = this.#findings;
    const bytes = this.#space.bytes - this.#set.bytes + this.#open.bytes + this.#low.bytes + this.#choices.bytes;
    return { findings: list, deadlocks, ends, doubts: this.#doubts, terminals: this.#terminals, bytes };
  }

  #wait(): Gift | undefined {
    this.#count();
    return this.#gifts.wait(() => this.#poll());
  }

  /** Takes a choice that another member gave away, and searches what it leads to. */
  #accept({ number, choices }: Gift): void {
    const space = this.#space;
    space.begin();
    for (const { context, way } of choices.slice(0, -1)) {
      space.step(context, way);
      space.enter();
    }
    this.#prefix = choices;
    const { context, way } = choices.at(-1) as Choice;
    this.#steps++;
    let state: number;
    try {
      state = space.step(context, way);
    } catch (error) {
      this.#gifts.answer(number, undefined);
      this.#note(thrownFault(context, error), choices);
      return;
    }
    if (state < 0) {
      this.#stop("memory");
      return;
    }
    this.#gifts.answer(number, state);
    if (!space.fresh) return;
    space.enter();
    this.#search(state, context);
  }

  /** Searches from the present state, a new one. */
  #search(first: number, stepped: number | undefined): void {
    for (const list of [this.#open, this.#low, this.#flags, this.#targets, this.#choices]) list.length = 0;
    for (const list of [this.#path, this.#from, this.#cursor]) list.length = 0;
    this.#given = [];
    this.#enter(first, stepped);
    while (this.#path.length > 0) {
      if (--this.#untilLook === 0 && this.#look()) return;
      const at = this.#cursor.top();
      if (at === this.#choices.length) {
        this.#leave(this.#path.top());
        continue;
      }
      this.#cursor.data[this.#cursor.length - 1] = at + 2;
      const context = this.#choices.at(at);
      if (context !== GIVEN) this.#take(this.#path.top(), context, this.#choices.at(at + 1));
    }
  }

  /** Looks after the others; whether to stop. */
  #look(): boolean {
    this.#untilLook = this.#options.lookEvery ?? LOOK_EVERY;
    if (Atomics.load(this.#control, STOP) !== 0) return true;
    if (this.#gifts.wanted) this.#give();
    if (--this.#untilCount > 0) return false;
    this.#untilCount = COUNT_EVERY;
    this.#count();
    this.#poll();
    return Atomics.load(this.#control, STOP) !== 0;
  }

  #poll(): void {
    if (this.#options.poll?.() === true) this.#stop("aborted");
  }

  /** Has all members stop, this one before its next step. */
  #stop(reason: StopReason): void {
    Atomics.compareExchange(this.#control, STOP, 0, STOP_REASONS.indexOf(reason));
    this.#untilLook = 1;
  }

  /** Writes down how far this member is, and stops all at a bound. */
  #count(): void {
    const at = COUNTS + this.#me * COUNT_WORDS;
    this.#control[at] = this.#set.size;
    // up to 2^53, in two words
    this.#control[at + 1] = this.#steps % 2 ** 31;
    this.#control[at + 2] = Math.floor(this.#steps / 2 ** 31);
    this.#control[at + 3] = this.#depth;
    const { maxStates, maxSteps } = this.#options;
    if (maxStates === Infinity && maxSteps === Infinity) return;
    const { states, steps } = countsOf(this.#control, this.#members);
    if (states > maxStates) this.#stop("states");
    else if (steps > maxSteps) this.#stop("steps");
  }

  #take(place: number, context: number, way: number): void {
    const space = this.#space;
    this.#steps++;
    let next: number;
    try {
      next = space.step(context, way);
    } catch (error) {
      this.#setGood(place);
      this.#note(thrownFault(context, error), this.#pathChoices(0));
      return;
    }
    if (next < 0) {
      this.#stop("memory");
      return;
    }
    if (space.fresh) {
      space.enter();
      this.#enter(next, context);
      return;
    }
    space.back();
    this.#meet(place, next);
  }

  #setGood(place: number): void {
    if ((this.#flags.at(place) & GOOD) !== 0) return;
    this.#flags.data[place]! |= GOOD;
    this.#good.add(this.#open.at(place));
  }

  /** A step from `place` led to a state that was known before. */
  #meet(place: number, next: number): void {
    if (this.#good.has(next)) this.#setGood(place);
    const met = memberOf(next) === this.#me ? this.#openPlace(next) : -1;
    if (met < 0) {
      if ((this.#flags.at(place) & GOOD) === 0) this.#doubt(place, next);
      return;
    }
    if (met === place) this.#flags.data[place]! |= LOOPS;
    if (met < this.#low.at(place)) this.#low.data[place] = met;
  }

  #doubt(place: number, target: number): void {
    this.#targets.push(place);
    this.#targets.push(target);
  }

  #openPlace(state: number): number {
    const open = this.#open.data;
    let [from, end] = [0, this.#open.length];
    while (from < end) {
      const middle = (from + end) >>> 1;
      if (open[middle]! < state) from = middle + 1;
      else end = middle;
    }
    return from < this.#open.length && open[from] === state ? from : -1;
  }

  #enter(state: number, stepped: number | undefined): void {
    const begin = this.#choices.length;
    const place = this.#open.length;
    this.#open.push(state);
    this.#low.push(place);
    this.#flags.push(ON_PATH);
    this.#path.push(place);
    this.#from.push(begin);
    this.#cursor.push(begin);
    const depth = this.#prefix.length + this.#path.length - 1;
    if (depth > this.#depth) this.#depth = depth;
    const { ways } = this.#space;
    for (let c = 0; c < ways.length; c++) {
      for (let way = 0; way < ways[c]!; way++) {
        this.#choices.push(c);
        this.#choices.push(way);
      }
    }
    const fault = this.#choices.length === begin ? this.#terminal(place) : this.#dead(stepped);
    const law = this.#brokenLaw(stepped);
    if (law !== undefined) this.#note(law, this.#pathChoices(1));
    if (fault !== undefined) this.#note(fault, this.#pathChoices(1));
  }

  /** Nothing can step in the present state. */
  #terminal(place: number): Fault | undefined {
    this.#terminals++;
    this.#setGood(place);
    this.#space.show();
    const deadlock = terminalFault(this.#program);
    this.#findings.terminal(deadlock !== undefined);
    return deadlock;
  }

  #brokenLaw(stepped: number | undefined): Fault | undefined {
    if (this.#program.brokenInvariant === undefined) return undefined;
    this.#space.show();
    return brokenLaw(this.#program, stepped);
  }

  /** As in `prove.ts`. */
  #dead(stepped: number | undefined): Fault | undefined {
    if (this.#program.deadSubset === undefined) return undefined;
    const { ways } = this.#space;
    if (stepped !== undefined && ways[stepped]! > 0) return undefined;
    if (ways.every((count, c) => count > 0 || this.#space.rests(c))) return undefined;
    const contexts = this.#space.deadSubset();
    return contexts.length === 0 ? undefined : deadSubset(this.#program, contexts);
  }

  #leave(place: number): void {
    const low = this.#low.at(place);
    const state = this.#open.at(place);
    this.#flags.data[place]! &= ~ON_PATH;
    if (low === place) this.#closeComponent(place);
    this.#choices.length = this.#from.pop();
    this.#path.pop();
    this.#cursor.pop();
    if (this.#path.length === 0) return;
    const parent = this.#path.top();
    this.#space.back();
    if (this.#good.has(state)) this.#setGood(parent);
    else if (low === place) this.#doubt(parent, state);
    if (low < this.#low.at(parent)) this.#low.data[parent] = low;
  }

  /** The component of the present state, found first at `root` in `#open`, is complete as far as this member goes. */
  #closeComponent(root: number): void {
    let flags = 0;
    for (let place = root; place < this.#open.length; place++) flags |= this.#flags.at(place);
    if ((flags & GOOD) === 0) this.#closeDoubtful(root, flags);
    else {
      for (let place = root; place < this.#open.length; place++) this.#good.add(this.#open.at(place));
      this.#dropTargets(root);
    }
    for (const list of [this.#open, this.#low, this.#flags]) list.length = root;
  }

  #dropTargets(root: number): void {
    const targets = this.#targets;
    while (targets.length > 0 && targets.at(targets.length - 2) >= root) targets.length -= 2;
    if (this.#given.length > 0) this.#given = this.#given.filter(({ place }) => place < root);
  }

  #closeDoubtful(root: number, flags: number): void {
    const targets = this.#targetsFrom(root);
    this.#dropTargets(root);
    const good = targets.some((target) => this.#ends(target)) || this.#allRest();
    const single = this.#open.length === root + 1 && (flags & LOOPS) === 0;
    if (!good && targets.length === 0 && !single) this.#judgeEnd();
    const states = this.#open.data.slice(root, this.#open.length);
    if (good || targets.length === 0) for (const state of states) this.#good.add(state);
    else this.#doubts.push({ states, targets: Int32Array.from(targets), path: flat(this.#pathChoices(1)) });
  }

  /** Where steps from `root` on lead, gifts included. */
  #targetsFrom(root: number): number[] {
    const found = new Set<number>();
    const targets = this.#targets;
    for (let at = targets.length - 2; at >= 0 && targets.at(at) >= root; at -= 2) found.add(targets.at(at + 1));
    for (const { place, gift } of this.#given) if (place >= root) found.add(-gift - 1);
    return [...found];
  }

  #ends(target: number): boolean {
    if (target >= 0) return this.#good.has(target);
    const state = this.#gifts.resultOf(-target - 1);
    return state !== undefined && (state < 0 || this.#good.has(state));
  }

  #allRest(): boolean {
    const { ways } = this.#space;
    for (let c = 0; c < ways.length; c++) if (!this.#space.rests(c)) return false;
    return true;
  }

  /** No step leads out of the component of the present state. */
  #judgeEnd(): void {
    this.#space.show();
    const found = bottomFault(this.#program, Infinity);
    this.#space.forget();
    if (found === "memory" || found === undefined) return;
    this.#note(found.fault, this.#pathChoices(1), { cycle: found.cycle });
  }

  /** The choices to the state on top of the path; `settled` top states have taken none yet. */
  #pathChoices(settled: number): Choice[] {
    const taken: Choice[] = [...this.#prefix];
    for (let i = 0; i < this.#path.length - settled; i++) taken.push(this.#lastTaken(i));
    return taken;
  }

  #lastTaken(level: number): Choice {
    const at = this.#cursor.at(level) - 2;
    return { context: this.#choices.at(at), way: this.#choices.at(at + 1) };
  }

  #note(fault: Fault, path: readonly Choice[], round: Round = {}): void {
    const stop = this.#findings.add(fault, () => path, round);
    this.#space.forget();
    if (stop) this.#stop("finding");
  }

  /** Gives the choice away that lies highest up on the path: there is most behind it. */
  #give(): void {
    for (let level = 0; level < this.#path.length; level++) {
      const end = level + 1 < this.#path.length ? this.#from.at(level + 1) : this.#choices.length;
      let at = end - 2;
      while (at >= this.#cursor.at(level) && this.#choices.at(at) === GIVEN) at -= 2;
      if (at < this.#cursor.at(level)) continue;
      const length = this.#prefix.length + level + 1;
      const gift = this.#gifts.give(length, (into, from) => {
        const choice = { context: this.#choices.at(at), way: this.#choices.at(at + 1) };
        const before = Array.from({ length: level }, (_, i) => this.#lastTaken(i));
        into.set(flat([...this.#prefix, ...before, choice]), from);
      });
      if (gift < 0) return;
      this.#choices.data[at] = GIVEN;
      if ((this.#flags.at(this.#path.at(level)) & GOOD) === 0) this.#given.push({ place: this.#path.at(level), gift });
      return;
    }
  }
}

function flat(choices: readonly Choice[]): Int32Array {
  return Int32Array.from(choices.flatMap(({ context, way }) => [context, way]));
}
