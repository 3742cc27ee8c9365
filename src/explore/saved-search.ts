/**
 * What a proof that was stopped needs to go on (see `ProveOptions.save`): plain data, so that anybody can store it.
 *
 * Everything that decides how the search goes on is in it: the path with its choices and components, the visited states,
 * the steps learned with the numbers they gave to parts, places and leaves, and the footprints as they were gathered, since
 * what a proof left out must be held against those it was left out by. What only spares looking something up twice is made
 * again. So a search that goes on takes the steps it would have taken. Large tables are not copied: what is saved shares the
 * memory of the search that stopped, and the search that goes on takes it over.
 */
import { IntList } from "./int-list.ts";
import type { SavedCalls } from "./novel-calls.ts";
import type { Finding } from "./types.ts";

/** Rows of different lengths, one after the other. */
export type SavedRows = { readonly lengths: Int32Array; readonly entries: Int32Array };

/** Visited states as sums: by segment, its entries without the free ones (used up by the search that goes on). */
export type SavedSums = { readonly size: number; readonly masks: Int32Array; readonly segments: Int32Array[] };

/** Visited states as they are: by level, the rows in use (used up likewise), and room for how many words and slots. */
export type SavedStates = {
  readonly rows: Int32Array[];
  readonly words: readonly number[];
  readonly slots: readonly number[];
};

export type SavedTree = { readonly nodes: Int32Array; readonly edges: Int32Array; readonly count: number };

/** Steps learned by heart: what `LearnedProgram` calls by the same names. */
export type SavedLearned = {
  readonly untilCheck: number;
  readonly deathRoot: number;
  readonly slots: Int32Array;
  readonly sum: Int32Array;
  readonly places: Int32Array;
  readonly testers: Int32Array;
  readonly tests: SavedTree;
  readonly steps: SavedTree;
  readonly deaths: SavedTree;
  readonly lists: readonly Int32Array[];
  readonly rests: Uint8Array;
  readonly leafProgress: Uint8Array;
  /** By part of more than one word. */
  readonly contents: readonly (SavedRows | null)[];
  /** By place: the values of its context's own parts. By stand: its context and the value of that one's first own part. */
  readonly placeValues: SavedRows;
  readonly stands: Int32Array;
  readonly stepRoots: SavedRows;
  readonly leafReads: SavedRows;
  readonly standReads: SavedRows;
  readonly deadSubsets: SavedRows;
};

export type SavedFootprints = {
  /** `misled`, `gaveUp`, `unsettled`, `wandered`. */
  readonly flags: readonly boolean[];
  /** `asked`, `able`, `putOff`, `width`, `leaves`, `testNews`, and how many places were gathered. */
  readonly counts: readonly number[];
  readonly readers: Int32Array;
  readonly writers: Int32Array;
  readonly bitOf: Int32Array;
  readonly future: Int32Array;
};

export type SavedSpace = {
  /** By context, for the present state. */
  readonly ways: Int32Array;
  readonly lists: readonly Int32Array[];
  readonly sums: SavedSums | null;
  readonly states: SavedStates | null;
  /** Absent where steps are run. */
  readonly learned: SavedLearned | null;
  readonly footprints: SavedFootprints | null;
};

/**
 * A proof that was stopped; plain data of numbers, texts, arrays, `Int32Array` and `Uint8Array`. Use it once: give a copy
 * (`structuredClone`) to whoever is to go on first of two.
 *
 * @since 0.2.0
 */
export interface SavedSearch {
  /** The choices that the search was begun with and keeps. */
  readonly options: {
    readonly find: "first" | "all";
    readonly reduce: boolean;
    readonly livelocks: "endless" | "fair" | "any";
    readonly exact: boolean;
  };
  /** The words of the first state. */
  readonly initial: Int32Array;
  /** How the program came to number its constants. */
  readonly calls: SavedCalls;
  readonly states: number;
  readonly steps: number;
  readonly depth: number;
  readonly terminals: number;
  readonly reduced: number;
  readonly sleeping: boolean;
  /** -1: does not. */
  readonly restartAt: number;
  /** A new state that was not looked at yet, and who stepped there; -1: none. */
  readonly pending: readonly [state: number, stepped: number];
  readonly lists: readonly Int32Array[];
  readonly flags: Uint8Array;
  readonly findings: readonly Finding[];
  readonly deadlocks: readonly string[];
  readonly ends: readonly string[];
  readonly space: SavedSpace;
}

/** A saved search is of another program, or of another state of it. @since 0.2.0 */
export class SavedSearchError extends RangeError {
  override readonly name = "SavedSearchError";
}

export function saveRows(rows: Iterable<Iterable<number>>): SavedRows {
  const lengths = new IntList(64);
  const entries = new IntList(256);
  for (const row of rows) {
    const from = entries.length;
    for (const entry of row) entries.push(entry);
    lengths.push(entries.length - from);
  }
  return { lengths: lengths.save(), entries: entries.save() };
}

/** Copies of the rows. */
export function* savedRows({ lengths, entries }: SavedRows): Generator<Int32Array> {
  let from = 0;
  for (const length of lengths) {
    yield entries.slice(from, from + length);
    from += length;
  }
}

/** Gives lists their entries back, in the order in which they were saved. */
export function restoreLists(lists: readonly IntList[], saved: readonly Int32Array[]): void {
  lists.forEach((list, i) => {
    list.restore(saved[i]!);
  });
}

/** Takes a table out of what is saved, so that it is freed once it has been taken over. */
export function take(saved: Int32Array[], index: number): Int32Array {
  const table = saved[index]!;
  saved[index] = new Int32Array(0);
  return table;
}
