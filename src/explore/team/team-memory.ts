/** The memory that the members of a team share (@internal), and the words in it that they talk by. */

export const SEGMENTS = 64;
/** Words of an entry of a segment. */
export const ENTRY = 5;
export const FIRST_ENTRIES = 64;
/** Bits of a state's number that name the member who met it first. */
export const MEMBER_BITS = 3;
/** Most members of a team. */
export const MOST_MEMBERS = 1 << MEMBER_BITS;

/** Words of {@link TeamMemory.control}. */
export const STOP = 0;
/** A value of it: a member cannot go on. */
export const FAILED = 255;
/** How many members have nothing to do. */
export const IDLE = 1;
/** How many choices were given away. */
export const GIFTS = 2;
/** The search has ended. */
export const DONE = 3;
/** From here, by member: whether it waits for work, and then what became of that. */
export const WANTS = 8;
export const [BUSY, WAITING, SERVED, FILLED] = [0, 1, 2, 3] as const;
/** From here, by member: states, steps, the longest path. */
export const COUNTS = WANTS + MOST_MEMBERS;
export const COUNT_WORDS = 4;
const CONTROL_WORDS = COUNTS + MOST_MEMBERS * COUNT_WORDS;

/** Choices that a gift may lie behind. */
export const LONGEST_PREFIX = 1 << 15;
/** Most gifts of one search. */
export const MOST_GIFTS = 1 << 20;

/** Room for the texts of numbered values. */
const NAME_BYTES = 1 << 26;

/** Plain shared buffers, so that it can be handed to another thread. */
export interface TeamMemory {
  readonly members: number;
  readonly segments: readonly SharedArrayBuffer[];
  readonly locks: SharedArrayBuffer;
  readonly used: SharedArrayBuffer;
  readonly room: SharedArrayBuffer;
  /** By member: a bit for each of its states that can come to an end. */
  readonly good: readonly SharedArrayBuffer[];
  readonly control: SharedArrayBuffer;
  /** By member: a gift for it, see `gifts.ts`. */
  readonly letters: readonly SharedArrayBuffer[];
  /** By gift: the number + 1 of the state that it led to; {@link NOWHERE} when the step threw; 0 when not known yet. */
  readonly results: SharedArrayBuffer;
  /** See `shared-numbers.ts`. */
  readonly names: SharedArrayBuffer;
  readonly nameTexts: SharedArrayBuffer;
}

export const NOWHERE = -1;

/** Has all members stop, as one of them cannot go on. */
export function stopTeam(memory: TeamMemory): void {
  const control = new Int32Array(memory.control);
  Atomics.compareExchange(control, STOP, 0, FAILED);
  for (let member = 0; member < memory.members; member++) Atomics.notify(control, WANTS + member);
}

/** Asks for memory for the states of a team; much of it is only taken when used. */
export function teamMemory(members: number, bytes: number): TeamMemory {
  const entries = Math.max(FIRST_ENTRIES, Math.floor(bytes / SEGMENTS / ENTRY / 4));
  const each = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);
  return {
    members,
    segments: each(SEGMENTS, () => new SharedArrayBuffer(entries * ENTRY * 4)),
    locks: new SharedArrayBuffer(SEGMENTS * 4),
    used: new SharedArrayBuffer(SEGMENTS * 4),
    room: new SharedArrayBuffer(SEGMENTS * 4),
    good: each(members, () => new SharedArrayBuffer(Math.ceil((entries * SEGMENTS) / 8))),
    control: new SharedArrayBuffer(CONTROL_WORDS * 4),
    letters: each(members, () => new SharedArrayBuffer((LONGEST_PREFIX * 2 + 2) * 4)),
    results: new SharedArrayBuffer(MOST_GIFTS * 4),
    names: new SharedArrayBuffer(16),
    nameTexts: new SharedArrayBuffer(NAME_BYTES),
  };
}

/** The counts of all members. */
export function countsOf(control: Int32Array, members: number): { states: number; steps: number; depth: number } {
  let [states, steps, depth] = [0, 0, 0];
  for (let member = 0; member < members; member++) {
    const at = COUNTS + member * COUNT_WORDS;
    states += control[at]!;
    steps += control[at + 1]! + control[at + 2]! * 2 ** 31;
    depth = Math.max(depth, control[at + 3]!);
  }
  return { states, steps, depth };
}
