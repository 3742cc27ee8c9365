/**
 * The registers of the stack machine (@internal): what compiled functions and entity accessors share.
 *
 * One world is active at a time in a thread; its heap is `$.h`. Everything that outlives a step is in that heap; the other
 * registers carry values within one step only.
 */
import type { Entity } from "./entity.ts";
import type { World } from "./heap.ts";

export interface Registers {
  /** Heap of the active world. */
  h: Int32Array;
  /** Which chunks of it were written; see {@link mark}. */
  dirty: Int32Array;
  /** Its entities by number, and its constants. */
  objects: readonly (Entity | undefined)[];
  constants: readonly unknown[];
  /** The active world. */
  world: World | undefined;
  /** Frame of the function that runs. */
  fp: number;
  /** First free word above it, valid at a suspension. */
  sp: number;
  /** Highest word that was written above the stack during this step, exclusive. */
  top: number;
  /** End of the running context's stack. */
  limit: number;
  /** The value that a suspended function is resumed with, or that a callee returned. */
  value: unknown;
  /** Address of the running context's words, where operations are announced. */
  announce: number;
  /** Number of the running context; -1 outside. */
  context: number;
  /** Accesses are recorded. */
  tracking: boolean;
}

export const $: Registers = {
  h: new Int32Array(0),
  dirty: new Int32Array(0),
  objects: [],
  constants: [],
  world: undefined,
  fp: 0,
  sp: 0,
  top: 0,
  limit: 0,
  value: undefined,
  announce: 0,
  context: -1,
  tracking: false,
};

/** Notes that the word at an address is written: a bit for each chunk of 16 words, 32 chunks a word. */
export function mark(address: number): void {
  $.dirty[address >> 9]! |= 1 << (address >> 4);
}

/** {@link mark} for the words from `from` up to, but not including, `end`. */
export function markRange(from: number, end: number): void {
  for (let chunk = from >> 4; chunk <= (end - 1) >> 4; chunk++) $.dirty[chunk >> 5]! |= 1 << chunk;
}
