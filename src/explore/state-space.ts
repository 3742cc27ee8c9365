/**
 * A program as a graph of numbered states that is walked one step forth and back (@internal): what `prove` searches.
 *
 * Two kinds: with steps learned by heart where the program says how its state divides, with steps that are run where not.
 */
import { HashedSet } from "./hashed-set.ts";
import { IntList } from "./int-list.ts";
import { isLearnable, type Learnable, LearnedProgram } from "./learned.ts";
import { StateStore } from "./state-store.ts";
import type { Reducible } from "./types.ts";

export interface StateSpace {
  /** Whether the last {@link step} led to a state for the first time. */
  readonly fresh: boolean;
  /** Memory held, in bytes. */
  readonly bytes: number;
  /** States are told apart by sums of 128 bits. */
  readonly hashed: boolean;
  /** Numbers the first state; -1 when there is no memory for it. */
  begin(): number;
  /** In how many ways a context can step in the present state. */
  ways(context: number): number;
  /**
   * Steps, and returns the number of the state this leads to; -1 when it is new and memory is used up. Throws what the
   * program throws; then nothing has happened.
   */
  step(context: number, way: number): number;
  /** Back to the state before the last step that was not gone back over yet. */
  back(): void;
  /** Whether a context has finished or idles. */
  rests(context: number): boolean;
  /** `ways`: as `Explorable.deadSubset` takes them. */
  deadSubset(ways: Int32Array | undefined): readonly number[];
  /** Puts the present state into the program's words. */
  show(): void;
  /** Must be called when somebody else has changed the words. */
  forget(): void;
}

/** The kind that suits the program; `exact`: states are never told apart by sums. */
export function stateSpace(program: Reducible, memoryBytes: number, exact: boolean): StateSpace {
  return isLearnable(program) ? new LearnedSpace(program, memoryBytes, exact) : new PlainSpace(program, memoryBytes);
}

/** Steps are run, and states kept whole. */
class PlainSpace implements StateSpace {
  readonly hashed = false;
  readonly #program: Reducible;
  readonly #store: StateStore;
  /** The way from the first state to the present one. */
  readonly #path = new IntList(256);
  /** The state that `words` hold; -1 when unknown. */
  #loaded = -1;

  constructor(program: Reducible, memoryBytes: number) {
    this.#program = program;
    this.#store = new StateStore(program.words.length, { memoryBytes });
  }

  get fresh(): boolean {
    return this.#store.fresh;
  }
  get bytes(): number {
    return this.#store.bytes;
  }

  begin(): number {
    return this.#arrive();
  }

  ways(context: number): number {
    this.show();
    return this.#program.ways(context);
  }

  step(context: number, way: number): number {
    this.show();
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
    return state;
  }

  back(): void {
    this.#path.pop();
  }

  rests(context: number): boolean {
    this.show();
    return this.#program.finished(context) || this.#program.idle(context);
  }

  deadSubset(ways: Int32Array | undefined): readonly number[] {
    this.show();
    return this.#program.deadSubset?.(ways) ?? [];
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
}

/** Steps are looked up; states are kept as sums, or whole as rows of part numbers. */
class LearnedSpace implements StateSpace {
  fresh = false;
  readonly hashed: boolean;
  readonly #learned: LearnedProgram;
  readonly #sums: HashedSet | undefined;
  readonly #store: StateStore | undefined;
  /** Leaves of the steps taken. */
  readonly #path = new IntList(256);

  constructor(program: Learnable, memoryBytes: number, exact: boolean) {
    this.#learned = new LearnedProgram(program);
    this.hashed = !exact;
    if (exact) this.#store = new StateStore(this.#learned.slots.length, { memoryBytes });
    else this.#sums = new HashedSet(memoryBytes);
  }

  get bytes(): number {
    return (this.#sums?.bytes ?? this.#store!.bytes) + this.#learned.bytes;
  }

  begin(): number {
    return this.#arrive();
  }

  ways(context: number): number {
    return this.#learned.ways(context);
  }

  step(context: number, way: number): number {
    this.#path.push(this.#learned.step(context, way));
    return this.#arrive();
  }

  #arrive(): number {
    if (this.#sums !== undefined) {
      const state = this.#sums.intern(this.#learned.sum);
      this.fresh = this.#sums.fresh;
      return state;
    }
    const state = this.#store!.intern(this.#learned.slots);
    this.fresh = this.#store!.fresh;
    return state;
  }

  back(): void {
    this.#learned.undo(this.#path.pop());
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
}
