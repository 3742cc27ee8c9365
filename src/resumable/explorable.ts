/** A division of {@link Explorable.words}. @since 0.2.0 */
export interface Parts {
  /** Part p is the words from `starts[p]` up to, but not including, `starts[p + 1]`; the last entry is how many words there are. */
  readonly starts: Int32Array;
  /**
   * By context: the parts that only its own steps change, and that its steps read untold. The first alone decides `finished`,
   * `idle` and, with what is touched, `ways`. Who else reads one of them tells so.
   */
  readonly own: readonly (readonly number[])[];
}

/**
 * Numbers that words hold for values which have none of their own, such as strings, given in the order they are first met. Two
 * runs of one program in different threads give the same state the same words only if they give the same numbers.
 *
 * @since 0.2.0
 */
export interface Numbering {
  /** What the code of the program is; programs of equal text that have met equal values can share their numbers. */
  readonly program: string;
  /** By number: a text for the value; equal values have equal texts wherever the program runs. */
  readonly keys: readonly string[];
  /** From now on, `numberOf` says which number a value that is new here gets. */
  share(numberOf: (key: string) => number): void;
}

/**
 * A way in which contexts, and the objects they work on, change places without anybody noticing: a permutation of contexts
 * and words that carries steps over to steps. @since 0.2.0
 */
export interface SymmetryElement {
  /** By context: the one it becomes. */
  readonly contexts: ArrayLike<number>;
  /** By word: where it moves. Parts (see {@link Parts}) move as a whole, own ones to own ones. */
  readonly places: ArrayLike<number>;
  /** Writes the image of `words[from..end)`, whole parts or all words, into `to`, an array as long as the state. */
  image(words: Int32Array, from: number, end: number, to: Int32Array): void;
}

/** A group of them; checked by searches, not trusted. @since 0.2.0 */
export interface Symmetry {
  /** All elements but the identity. */
  readonly elements: readonly SymmetryElement[];
  /** What a word is, for reports: `page 2.locked`. */
  what(word: number): string;
}

/**
 * What a schedule explorer needs of a program: contexts that can each take a step, and a state that is nothing but words.
 *
 * All state that steps may read lives in {@link Explorable.words}. Equal words mean equal states, whatever the history;
 * putting words back puts the program back.
 *
 * @since 0.2.0
 */
export interface Explorable {
  /**
   * How the state divides into what steps read and write as a whole. With it, `touched` must hold every shared word that
   * decided what the last `step`, `ways` or `deadSubset` did, in the order of the first look, so that a search may learn
   * steps by heart: equal own parts and equal values of what is touched mean an equal step.
   */
  readonly parts?: Parts;
  /** Present where words hold numbers that depend on what was met first. */
  readonly numbering?: Numbering;
  /** States that are images of each other by this group may count as one. */
  readonly symmetry?: Symmetry | undefined;
  /** The state, canonical: dead locals and unused stack are zero. The array stays the same object for the program's life. */
  readonly words: Int32Array;
  /**
   * A bit for each chunk of 16 words (bit c % 32 of word c / 32), set when a step writes to it; whoever has looked at the
   * chunk clears it. What others than steps write to `words` is not in it. Absent: any word may have changed.
   */
  readonly dirty?: Int32Array;
  /** How many contexts there are; they are numbered from 0. */
  readonly contexts: number;
  /**
   * In how many ways a context can take its next step now: 0 when it is blocked, may not run, or has finished; more than 1
   * when the step contains a free choice (which request completes, which element is chosen).
   */
  ways(context: number): number;
  /**
   * Takes one step of `context` in the given way (0 <= way < ways(context)): the pending operation and everything up to the
   * next visible one, atomically. Throws {@link ModelError} when the program itself is at fault.
   */
  step(context: number, way: number): void;
  /** True when the context has run to its end. */
  finished(context: number): boolean;
  /**
   * True for a context whose being blocked for ever is no fault: interrupt handlers, devices and workers that wait for
   * work. A state where nothing can step is a deadlock only if some context is neither finished nor idle.
   */
  idle(context: number): boolean;
  /** Who the context is, e.g. `dd/12` or `irq/0`; stable over a run. */
  name(context: number): string;
  /** Where the context stands: function and step label of its innermost frame with its pending operation, e.g. `lockPage:1 lock PG_locked page 2`. */
  position(context: number): string;
  /**
   * Switches recording of the words that steps read and write on or off. Off at the start. `bare`: a step need not record
   * what its own test for being able to run reads.
   */
  track(on: boolean, bare?: boolean): void;
  /** Addresses (indices into `words`) of shared state that the last step read or wrote while tracking was on, its test for being able to run included. */
  readonly touched: { readonly reads: ReadonlySet<number>; readonly writes: ReadonlySet<number> };
  /** A law of the program that does not hold in the present state, in one line; undefined when all hold. */
  brokenInvariant?(): string | undefined;
  /**
   * The contexts that can never proceed again from the present state although others still run; empty when none. Must be
   * right whenever it is not empty. Asked where somebody neither finished nor idle cannot step. `ways`: what {@link ways} answers for every context in this state, if known.
   */
  deadSubset?(ways?: ArrayLike<number>): readonly number[];
}
