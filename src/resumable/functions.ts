/**
 * Resumable functions at run time (@internal): what the transform emits calls to.
 *
 * A frame is a run of words: `code << 10 | label`, the caller's frame, then the locals that are alive at that label.
 */
import { ModelError } from "./errors.ts";
import { decode, encode, UNDEFINED } from "./heap.ts";
import { opKinds } from "./ops.ts";
import { $ } from "./state.ts";

export const LABEL_BITS = 10;
export const LABEL_MASK = (1 << LABEL_BITS) - 1;
export const FRAME_HEADER = 2;

/** What the transform knows of a function. */
export interface CodeInfo {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly parameters: number;
  /** By label: the source line of the stop or call the function waits at; label 0: of the function. */
  readonly lines: readonly number[];
  /** By label: the locals in the frame's words; "" is a dead word. */
  readonly alive: readonly (readonly string[])[];
  /** Runs from the label in the frame's header to the next suspension, call or return; true at a suspension. */
  readonly run: (fp: number) => boolean;
}

export interface Code extends CodeInfo {
  readonly id: number;
}

const codes: Code[] = [];
/** Where a function keeps its code. */
const CODE: unique symbol = Symbol("code");
interface Coded {
  [CODE]?: Code;
}

/** Code by number. */
export function codeById(id: number): Code {
  return codes[id] as Code;
}

/** Code of a resumable function; undefined for any other value. */
export function codeOfFunction(fn: unknown): Code | undefined {
  return typeof fn === "function" ? (fn as Coded)[CODE] : undefined;
}

/** The names of all functions and operations, in the order of their numbers. */
export function kindsText(): string {
  return [...codes.map(({ name }) => name), ...opKinds.map(({ name }) => name)].join(" ");
}

/** Ties a function to its code; returns the function. */
export function define<F extends object>(fn: F, info: CodeInfo): F {
  const code = { ...info, id: codes.length };
  codes.push(code);
  (fn as Coded)[CODE] = code;
  return fn;
}

/** A compiled function was called like a plain one. */
export function direct(name: string): never {
  throw new ModelError(`${name} can stop in the middle: call it with yield*`);
}

/** Opens the frame of a callee at `at`; its first `given` arguments are in place. Returns false: not suspended. */
export function enter(fn: unknown, at: number, caller: number, given: number): boolean {
  const code = codeOfFunction(fn);
  if (code === undefined) throw new ModelError(`yield* needs a resumable function, not ${String(fn)}`);
  const end = at + FRAME_HEADER + Math.max(code.parameters, given);
  if (end > $.limit) throw new ModelError(`${code.name}: the stack is full`);
  const h = $.h;
  h[at] = code.id << LABEL_BITS;
  h[at + 1] = caller;
  for (let i = given; i < code.parameters; i++) h[at + FRAME_HEADER + i] = UNDEFINED;
  $.fp = at;
  if (end > $.top) $.top = end;
  return false;
}

/** Ends the function that runs. */
export function leave(fp: number, result: unknown): boolean {
  $.value = result;
  $.fp = $.h[fp + 1] as number;
  return $.fp === 0;
}

/** Suspends the function that runs, its values being saved up to `end`. */
export function suspend(end: number): boolean {
  if (end > $.limit) throw new ModelError("the stack is full");
  $.sp = end;
  if (end > $.top) $.top = end;
  return true;
}

/** The values of `for (const x of values)` when the loop's body can stop: an array that stays as it is. */
export function frozenArray(values: Iterable<unknown>): readonly unknown[] {
  return Array.isArray(values) && Object.isFrozen(values) ? values : Object.freeze([...values]);
}

export { $, decode, encode };
