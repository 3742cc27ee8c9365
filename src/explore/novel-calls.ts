/**
 * Calls by which a program came to number its constants (@internal).
 *
 * Words may hold numbers that the program gives out as it meets things (`Explorable.numbering`): a text, a function. Another
 * process meets them again in the order of its own calls, so words that were saved would mean something else there. Few calls
 * meet anything new; they are kept with the words they were made in, and made again before a saved search goes on.
 */
import { bottomFault } from "./bottom.ts";
import { SavedSearchError } from "./saved-search.ts";
import type { Reducible } from "./types.ts";

/** What was called. */
const STEP = 0;
const WAYS = 1;
const DEAD = 2;
const JUDGE = 3;

export type NovelCall = {
  readonly kind: number;
  /** Context and way; for a judgement the memory it had, -1: without bound. */
  readonly context: number;
  readonly way: number;
  readonly words: Int32Array;
};

export type SavedCalls = {
  /** What the code is, how many constants there were before, and what all of them are called after. */
  readonly program: string;
  readonly first: number;
  readonly constants: readonly string[];
  readonly calls: readonly NovelCall[];
};

export class NovelCalls {
  readonly #program: Reducible;
  /** What the program calls its constants: grows as they are met. */
  readonly #keys: readonly string[];
  readonly #first: number;
  /** Constants that are accounted for. */
  #count: number;
  readonly #calls: NovelCall[] = [];

  constructor(program: Reducible) {
    this.#program = program;
    this.#keys = program.numbering?.keys ?? [];
    this.#first = this.#keys.length;
    this.#count = this.#first;
  }

  step(context: number, way: number, before: Int32Array): void {
    this.#note(STEP, context, way, before);
  }
  ways(context: number, words: Int32Array): void {
    this.#note(WAYS, context, 0, words);
  }
  deadSubset(words: Int32Array): void {
    this.#note(DEAD, 0, 0, words);
  }
  judge(memoryBytes: number, words: Int32Array): void {
    this.#note(JUDGE, Number.isFinite(memoryBytes) ? memoryBytes : -1, 0, words);
  }

  /** A call was made in these words. */
  #note(kind: number, context: number, way: number, words: Int32Array): void {
    if (this.#keys.length === this.#count) return;
    this.#count = this.#keys.length;
    this.#calls.push({ kind, context, way, words: words.slice() });
  }

  /** Whether the calls noted account for all that the program met. */
  get complete(): boolean {
    return this.#keys.length === this.#count;
  }

  save(): SavedCalls {
    return { program: codeOf(this.#program), first: this.#first, constants: [...this.#keys], calls: this.#calls };
  }

  /** Makes the calls again, from a program that has met what it had before them; its words are anything then. */
  restore({ program: code, first, constants, calls }: SavedCalls): void {
    const program = this.#program;
    const keys = this.#keys;
    if (keys.length !== first || codeOf(program) !== code) throw otherProgram();
    for (const call of calls) {
      program.words.set(call.words);
      again(program, call);
      this.#count = keys.length;
      this.#calls.push(call);
    }
    if (keys.length !== constants.length || keys.some((key, i) => key !== constants[i])) throw otherProgram();
  }
}

function again(program: Reducible, { kind, context, way }: NovelCall): void {
  try {
    if (kind === STEP) program.step(context, way);
    else if (kind === WAYS) program.ways(context);
    else if (kind === DEAD) program.deadSubset?.();
    else bottomFault(program, context < 0 ? Infinity : context);
  } catch (error) {
    // it threw then, too
    if (!(error instanceof Error)) throw error;
  }
}

function codeOf(program: Reducible): string {
  return program.numbering?.program ?? "";
}

function otherProgram(): SavedSearchError {
  return new SavedSearchError("the saved search is of another program than this one, or of another course of it");
}
