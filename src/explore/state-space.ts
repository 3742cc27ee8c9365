/**
 * A program as a graph of numbered states that is walked one step forth and back (@internal): what `prove` searches.
 *
 * Two kinds: with steps learned by heart where the program says how its state divides, with steps that are run where not.
 */
import type { Symmetry } from "../resumable/explorable.ts";
import { Footprints } from "./footprints.ts";
import { HashedSet } from "./hashed-set.ts";
import { Independence } from "./independence.ts";
import { IntList } from "./int-list.ts";
import { isLearnable, type Learnable, LearnedProgram, MASK_CONTEXTS } from "./learned.ts";
import { LearnedSymmetry } from "./learned-symmetry.ts";
import { NovelCalls } from "./novel-calls.ts";
import { restoreLists, type SavedSpace } from "./saved-search.ts";
import { StateStore } from "./state-store.ts";
import { OrbitStore } from "./symmetry.ts";
import type { Reducible } from "./types.ts";

export interface StateSpace {
  /** Whether the last {@link step} led to a state for the first time. */
  readonly fresh: boolean;
  /** Memory held, in bytes. */
  readonly bytes: number;
  /** States are told apart by sums of 128 bits. */
  readonly hashed: boolean;
  /** By context: in how many ways it can step in the present state, once that was entered. */
  readonly ways: Int32Array;
  /** Numbers the first state and enters it; -1 when there is no memory for it. */
  begin(): number;
  /**
   * Steps and returns the number of the state this leads to; -1 when it is new and memory is used up. Throws what the program
   * throws; then nothing has happened.
   */
  step(context: number, way: number): number;
  /** Finds out {@link ways} after a step that led to a state from which others are to follow. */
  enter(): void;
  /** Back to the state before the last step that was not gone back over yet. */
  back(): void;
  /**
   * Contexts whose steps suffice in the present state, as bits; -1: all. What is left out can be done later and changes
   * nothing by it; whoever closes a cycle must take in all.
   */
  enough(): number;
  /** What the last step was, for {@link commutes}; -1 where that is not known. */
  readonly leaf: number;
  /** Whether another context's step commutes with the last one. */
  commutes(leaf: number): boolean;
  /** Since {@link begin} something turned out that makes answers of {@link enough} wrong: begin again. */
  readonly misled: boolean;
  /** {@link enough} puts nobody off any more, as that helps too little. */
  readonly gaveUp: boolean;
  /** {@link enough} may put contexts off. */
  readonly putsOff: boolean;
  /** The same, for good: asked when the search has ended. */
  settle(): boolean;
  /** Whether the last step got something done. */
  progressed(): boolean;
  /** Whether a context has finished or idles. */
  rests(context: number): boolean;
  /** The contexts that can never go on, asked where somebody waits. */
  deadSubset(): readonly number[];
  /** Puts the present state into the program's words. */
  show(): void;
  /** Must be called when somebody else has changed the words. */
  forget(): void;
  /** Must be told of whom else the program was called by. */
  readonly calls: NovelCalls;
  /** Everything in it, the present state included; it is of no use any more then. */
  save(): SavedSpace;
  /** Takes that over, instead of {@link begin}; the program must be in the state it was in when the saved space was made. */
  restore(saved: SavedSpace): void;
}

export interface SpaceOptions {
  readonly memoryBytes: number;
  /** States are never told apart by sums. */
  readonly exact: boolean;
  /** {@link StateSpace.enough} leaves contexts out where it can. */
  readonly reduce: boolean;
  /** States that are images of each other have one number. */
  readonly symmetry: Symmetry | undefined;
}

/** The kind that suits the program. */
export function stateSpace(program: Reducible, options: SpaceOptions): StateSpace {
  return isLearnable(program) ? new LearnedSpace(program, options) : new PlainSpace(program, options);
}

/** Steps are run, and states kept whole. */
class PlainSpace implements StateSpace {
  readonly hashed = false;
  readonly misled = false;
  readonly gaveUp = false;
  readonly leaf = -1;
  readonly ways: Int32Array;
  readonly calls: NovelCalls;
  readonly #program: Reducible;
  readonly #store: StateStore;
  /** What numbers states; the store then only leads back to those on the path. */
  readonly #orbits: OrbitStore | undefined;
  readonly #reduce: boolean;
  /** The way from the first state to the present one. */
  readonly #path = new IntList(256);
  /** By state on the path: whether it was entered, and then the ways it had. */
  readonly #entered = new IntList(256);
  readonly #ways = new IntList(256);
  /** The state that `words` hold; -1 when unknown. */
  #loaded = -1;

  constructor(program: Reducible, options: SpaceOptions) {
    this.calls = new NovelCalls(program);
    this.#program = program;
    this.#reduce = options.reduce;
    this.ways = new Int32Array(program.contexts);
    this.#store = new StateStore(program.words.length, { memoryBytes: options.memoryBytes });
    const { symmetry, memoryBytes } = options;
    this.#orbits = symmetry === undefined ? undefined : new OrbitStore(program, symmetry, memoryBytes);
  }

  get putsOff(): boolean {
    return this.#reduce && this.#program.privateStep !== undefined;
  }
  get fresh(): boolean {
    return (this.#orbits ?? this.#store).fresh;
  }
  get bytes(): number {
    return this.#store.bytes + (this.#orbits?.bytes ?? 0);
  }

  begin(): number {
    const state = this.#arrive();
    this.enter();
    return state;
  }

  step(context: number, way: number): number {
    this.show();
    this.#orbits?.watch(this.#program.words, context, way);
    try {
      this.#program.step(context, way);
    } catch (error) {
      this.forget();
      throw error;
    }
    return this.#arrive();
  }

  #arrive(): number {
    const { words, dirty } = this.#program;
    const state = this.#store.intern(words, dirty);
    this.#path.push(state);
    this.#loaded = state;
    this.#entered.push(0);
    return this.#orbits === undefined || state < 0 ? state : this.#orbits.intern(words);
  }

  enter(): void {
    this.show();
    this.#entered.data[this.#entered.length - 1] = 1;
    for (let c = 0; c < this.ways.length; c++) {
      this.#ways.push(this.ways[c]!);
      this.ways[c] = this.#program.ways(c);
    }
  }

  back(): void {
    this.#path.pop();
    if (this.#entered.pop() === 0) return;
    for (let c = this.ways.length - 1; c >= 0; c--) this.ways[c] = this.#ways.pop();
  }

  /** A context whose next step is private steps alone (an ample set of one: Clarke, Grumberg, Peled, "Model Checking", 1999). */
  enough(): number {
    const program = this.#program;
    if (!this.#reduce || program.privateStep === undefined || program.contexts > MASK_CONTEXTS) return -1;
    this.show();
    for (let c = 0; c < program.contexts; c++) if (this.ways[c]! > 0 && program.privateStep(c)) return 1 << c;
    return -1;
  }

  commutes(): boolean {
    return false;
  }

  settle(): boolean {
    return false;
  }

  progressed(): boolean {
    return this.#program.progressed?.() === true;
  }

  rests(context: number): boolean {
    this.show();
    return this.#program.finished(context) || this.#program.idle(context);
  }

  deadSubset(): readonly number[] {
    this.show();
    return this.#program.deadSubset?.(this.ways) ?? [];
  }

  show(): void {
    const state = this.#path.top();
    if (this.#loaded !== state) this.#store.load(state, this.#program.words);
    this.#loaded = state;
  }

  forget(): void {
    this.#store.forget();
    this.#loaded = -1;
  }

  get #lists(): readonly IntList[] {
    return [this.#path, this.#entered, this.#ways];
  }
  save(): SavedSpace {
    const lists = this.#lists.map((list) => list.save());
    return { ways: this.ways, lists, sums: null, states: this.#store.save(), learned: null, footprints: null };
  }
  restore(saved: SavedSpace): void {
    this.ways.set(saved.ways);
    restoreLists(this.#lists, saved.lists);
    this.#store.restore(saved.states!);
    this.#loaded = -1;
  }
}

/** A set of sums that numbers them. */
export type SumSet = Pick<HashedSet, "intern" | "fresh" | "bytes">;

/** Steps are looked up; states are kept as sums, or whole as rows of part numbers. */
export class LearnedSpace implements StateSpace {
  fresh = false;
  readonly hashed: boolean;
  readonly ways: Int32Array;
  readonly #learned: LearnedProgram;
  readonly #footprints: Footprints | undefined;
  readonly #independence: Independence;
  readonly #symmetry: LearnedSymmetry | undefined;
  readonly #memoryBytes: number;
  /** States that others share; those of this space alone are new with each {@link begin}. */
  readonly #shared: SumSet | undefined;
  #sums: SumSet | undefined;
  #store: StateStore | undefined;
  /** Leaves of the steps taken. */
  readonly #path = new IntList(256);
  /** By step taken: where its changes of `ways` begin in `#changes` (two entries each: context, ways before). */
  readonly #changesFrom = new IntList(256);
  readonly #changes = new IntList(256);

  constructor(program: Learnable, { memoryBytes, exact, reduce, symmetry }: SpaceOptions, shared?: SumSet) {
    this.#shared = shared;
    this.#learned = new LearnedProgram(program);
    this.#symmetry = symmetry && new LearnedSymmetry(program, this.#learned, symmetry, exact);
    this.ways = new Int32Array(program.contexts);
    this.hashed = !exact;
    const mayReduce = reduce && program.contexts <= MASK_CONTEXTS;
    this.#footprints = mayReduce ? new Footprints(this.#learned) : undefined;
    this.#independence = new Independence(this.#learned);
    this.#memoryBytes = memoryBytes;
  }

  get calls(): NovelCalls {
    return this.#learned.calls;
  }
  get bytes(): number {
    return (this.#sums?.bytes ?? this.#store?.bytes ?? 0) + this.#learned.bytes + (this.#symmetry?.bytes ?? 0);
  }
  get misled(): boolean {
    return this.#footprints?.misled === true;
  }
  get gaveUp(): boolean {
    return this.#footprints?.gaveUp === true;
  }

  get putsOff(): boolean {
    return this.#footprints !== undefined && !this.#footprints.gaveUp;
  }

  begin(): number {
    this.#makeSet();
    this.#path.length = 0;
    this.#changesFrom.length = 0;
    this.#changes.length = 0;
    this.#footprints?.gather();
    this.#learned.rewind();
    this.#symmetry?.begin();
    for (let c = 0; c < this.ways.length; c++) this.ways[c] = this.#learned.ways(c);
    return this.#arrive();
  }

  #makeSet(): void {
    const memoryBytes = this.#memoryBytes;
    if (this.hashed) this.#sums = this.#shared ?? new HashedSet(memoryBytes);
    else this.#store = new StateStore(this.#learned.slots.length, { memoryBytes });
  }

  step(context: number, way: number): number {
    const leaf = this.#symmetry === undefined ? this.#learned.step(context, way) : this.#symmetry.step(context, way);
    this.#path.push(leaf);
    this.#changesFrom.push(this.#changes.length);
    return this.#arrive();
  }

  #arrive(): number {
    if (this.#sums !== undefined) {
      const state = this.#sums.intern(this.#symmetry?.leastSum() ?? this.#learned.sum);
      this.fresh = this.#sums.fresh;
      return state;
    }
    const state = this.#store!.intern(this.#symmetry?.leastRow() ?? this.#learned.slots);
    this.fresh = this.#store!.fresh;
    return state;
  }

  enter(): void {
    const { ways } = this;
    const mask = this.#learned.askAgain(this.#path.top());
    for (let c = 0; c < ways.length; c++) {
      if ((mask & (1 << c)) === 0) continue;
      const now = this.#learned.ways(c);
      if (now === ways[c]) continue;
      this.#changes.push(c);
      this.#changes.push(ways[c]!);
      ways[c] = now;
    }
  }

  back(): void {
    const leaf = this.#path.pop();
    this.#learned.undo(leaf);
    this.#symmetry?.undo(leaf);
    const from = this.#changesFrom.pop();
    for (let i = this.#changes.length - 2; i >= from; i -= 2) this.ways[this.#changes.at(i)] = this.#changes.at(i + 1);
    this.#changes.length = from;
  }

  enough(): number {
    return this.#footprints === undefined ? -1 : this.#footprints.enough(this.ways);
  }

  get leaf(): number {
    return this.#path.top();
  }
  commutes(leaf: number): boolean {
    return this.#independence.commute(leaf, this.#path.top());
  }

  settle(): boolean {
    return this.#footprints?.settle() === true;
  }

  progressed(): boolean {
    return this.#learned.leafProgress(this.#path.top());
  }

  rests(context: number): boolean {
    return this.#learned.rests(context);
  }

  deadSubset(): readonly number[] {
    return this.#learned.deadSubset();
  }

  show(): void {
    this.#learned.materialize();
  }

  forget(): void {
    this.#learned.forget();
  }

  get #lists(): readonly IntList[] {
    return [this.#path, this.#changesFrom, this.#changes];
  }
  save(): SavedSpace {
    return {
      ways: this.ways,
      lists: this.#lists.map((list) => list.save()),
      sums: this.#sums instanceof HashedSet ? this.#sums.save() : null,
      states: this.#store?.save() ?? null,
      learned: this.#learned.save(),
      footprints: this.#footprints?.save() ?? null,
    };
  }
  restore(saved: SavedSpace): void {
    this.ways.set(saved.ways);
    restoreLists(this.#lists, saved.lists);
    this.#learned.restore(saved.learned!);
    this.#makeSet();
    if (saved.sums !== null && this.#sums instanceof HashedSet) this.#sums.restore(saved.sums);
    if (saved.states !== null) this.#store?.restore(saved.states);
    if (saved.footprints !== null) this.#footprints?.restore(saved.footprints);
  }
}
