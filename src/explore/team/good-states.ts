/** Which states are known to come to an end (@internal): a state at rest, or one that was judged; by each member its own. */
import { MEMBER_BITS, MOST_MEMBERS, type TeamMemory } from "./team-memory.ts";

export const memberOf = (state: number): number => state & (MOST_MEMBERS - 1);

export class GoodStates {
  readonly #bits: Uint8Array[];

  constructor(memory: TeamMemory) {
    this.#bits = memory.good.map((buffer) => new Uint8Array(buffer));
  }

  has(state: number): boolean {
    const own = state >>> MEMBER_BITS;
    return (this.#bits[memberOf(state)]![own >>> 3]! & (1 << (own & 7))) !== 0;
  }

  /** Only its own member may say so while members search. */
  add(state: number): void {
    const own = state >>> MEMBER_BITS;
    this.#bits[memberOf(state)]![own >>> 3]! |= 1 << (own & 7);
  }
}
