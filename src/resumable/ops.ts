/**
 * Operations: what a context announces at a `yield` and does when it is next scheduled.
 *
 * An operation is a guarded atomic command. `ways` says in how many ways it can happen now (0: blocked), `apply` does it.
 * `yield op(object, argument)` suspends before the operation; the value of the `yield` is what `apply` returned.
 */
import { encode, UNDEFINED } from "./heap.ts";
import { $ } from "./state.ts";

/** What an operation does. A is the object it works on, B a further argument; both are kept in the state. @since 0.2.0 */
export interface OpSpec<A, B> {
  /** In how many ways the operation can happen now; absent: always in one. */
  ways?(object: A, argument: B): number;
  /** Does it; `way` is below `ways`. Its result is the value of the `yield`. */
  apply?(object: A, argument: B, way: number): unknown;
  /** Waiting here for ever is no fault (a worker or handler without work). */
  readonly idle?: boolean;
  /** Whether the operation, with this result, got something done that nobody would call spinning; absent: no. */
  progress?(result: unknown): boolean;
  /** How the operation reads in a witness; the name and the object by default. */
  describe?(object: A, argument: B): string;
}

/** @internal */
export interface OpKind {
  readonly name: string;
  readonly spec: OpSpec<unknown, unknown>;
}

/** Words of a context before its stack: frame, stack end, operation, its object, its argument. @internal */
export const FP = 0;
export const SP = 1;
export const OP = 2;
export const OP_OBJECT = 3;
export const OP_ARGUMENT = 4;
export const CONTEXT_WORDS = 5;

/** All kinds; 0 is a plain step. @internal */
export const opKinds: OpKind[] = [{ name: "step", spec: {} }];

/** What `yield` takes: an announced operation, or nothing for a plain step. @since 0.2.0 */
export type Step = undefined;

/** A resumable function: it stops at each `yield`; the value of a `yield` is what its operation returned. @since 0.2.0 */
// biome-ignore lint/suspicious/noExplicitAny: every operation returns its own type, which TypeScript cannot tie to its yield
export type Resumable<T = void> = Generator<Step, T, any>;

/**
 * Declares a kind of operation. Calling the result inside `yield` announces one.
 *
 * @since 0.2.0
 */
export function op<A = undefined, B = undefined>(name: string, spec: OpSpec<A, B>): (object: A, argument?: B) => Step {
  const kind = opKinds.length;
  const [objectName, argumentName] = [`the object of ${name}`, `the argument of ${name}`];
  opKinds.push({ name, spec: spec as OpSpec<unknown, unknown> });
  return (object, argument) => {
    const base = $.announce;
    $.h[base + OP] = kind;
    $.h[base + OP_OBJECT] = object === undefined ? UNDEFINED : encode(object, objectName);
    $.h[base + OP_ARGUMENT] = argument === undefined ? UNDEFINED : encode(argument, argumentName);
    return undefined;
  };
}
