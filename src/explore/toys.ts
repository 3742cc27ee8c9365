/**
 * Toy programs for the tests of this folder (@internal): tasks of a few operations over shared words, written by hand
 * or drawn from a seed. Small on purpose, so that naive searches can see all of them.
 */
import type { Parts } from "../resumable/explorable.ts";
import { RandomNumbers } from "./random-numbers.ts";
import type { Reducible } from "./types.ts";

/** One operation of a task. `word` and `mutex` number shared words; mutexes and words share the numbering. */
export type ToyOp =
  | { readonly op: "lock" | "unlock"; readonly mutex: number }
  /** Sets the task's register to 1 when it got the mutex, else to 0. */
  | { readonly op: "trylock"; readonly mutex: number }
  | { readonly op: "set"; readonly word: number; readonly value: number }
  | { readonly op: "add"; readonly word: number; readonly value: number }
  /** Reads a word into the register. */
  | { readonly op: "get"; readonly word: number }
  /** Writes the register to a word. */
  | { readonly op: "put"; readonly word: number }
  /** Blocks until the word has the value. */
  | { readonly op: "wait"; readonly word: number; readonly value: number }
  /** Blocks until one of two words has the value; looks at the second only if the first does not. */
  | { readonly op: "waitAny"; readonly word: number; readonly other: number; readonly value: number }
  /** A free choice: the register becomes the way, 0 to `ways` - 1. */
  | { readonly op: "choose"; readonly ways: number }
  /** Jumps when the register has the value; a step of its own. */
  | { readonly op: "jumpIf"; readonly value: number; readonly to: number }
  | { readonly op: "jump"; readonly to: number }
  /** Takes one from the register and jumps unless it was 0. */
  | { readonly op: "countdown"; readonly to: number }
  | { readonly op: "fail"; readonly message: string };

export interface ToyTask {
  readonly name?: string;
  readonly ops: readonly ToyOp[];
  /** A service: waiting for ever is no fault. */
  readonly idle?: boolean;
}

export interface ToyOptions {
  /** Tell dead subsets of mutex owners and waiters (right because only owners unlock). */
  readonly deadSubset?: boolean;
  /** Hide what enabledness tests read, as programs without `tracksWays` do. */
  readonly opaqueWays?: boolean;
  /** At most this value in each shared word is a law. */
  readonly atMost?: number;
  /** Say how the words divide, so that steps can be learned. */
  readonly parts?: boolean;
}

/** Two words a task: where it stands, and its register. Then the shared words; a mutex holds its owner's number + 1. */
export class Toy implements Reducible {
  readonly words: Int32Array;
  readonly contexts: number;
  readonly tracksWays: boolean;
  readonly parts?: Parts;
  readonly tasks: readonly ToyTask[];
  readonly touched = { reads: new Set<number>(), writes: new Set<number>() };
  readonly deadSubset?: () => readonly number[];
  readonly brokenInvariant?: () => string | undefined;
  #tracking = false;
  readonly #base: number;
  /** By shared word: the tasks whose code names it. */
  readonly #users: Set<number>[];

  constructor(tasks: readonly ToyTask[], sharedWords: number, options: ToyOptions = {}) {
    this.tasks = tasks;
    this.contexts = tasks.length;
    this.#base = tasks.length * 2;
    this.words = new Int32Array(this.#base + sharedWords);
    this.tracksWays = !options.opaqueWays;
    this.#users = Array.from({ length: sharedWords }, () => new Set<number>());
    tasks.forEach((task, c) => {
      for (const op of task.ops) for (const word of named(op)) this.#users[word]!.add(c);
    });
    if (options.parts)
      this.parts = {
        starts: Int32Array.from({ length: this.words.length + 1 }, (_, word) => word),
        own: tasks.map((_, c) => [c * 2, c * 2 + 1]),
      };
    if (options.deadSubset) this.deadSubset = () => this.#ownersInCircle();
    const { atMost } = options;
    if (atMost !== undefined)
      this.brokenInvariant = () => {
        const at = this.words.subarray(this.#base).findIndex((value) => value > atMost);
        return at < 0 ? undefined : `word ${at} is above ${atMost}`;
      };
  }

  #op(context: number): ToyOp | undefined {
    return this.tasks[context]!.ops[this.words[context * 2]!];
  }

  #read(word: number): number {
    if (this.#tracking) this.touched.reads.add(this.#base + word);
    return this.words[this.#base + word]!;
  }

  #write(word: number, value: number): void {
    if (this.#tracking) this.touched.writes.add(this.#base + word);
    this.words[this.#base + word] = value;
  }

  #forget(): void {
    this.touched.reads.clear();
    this.touched.writes.clear();
  }

  ways(context: number): number {
    const tracking = this.#tracking;
    if (tracking && this.tracksWays) this.#forget();
    // what an opaque test reads is told to nobody
    this.#tracking &&= this.tracksWays;
    const ways = this.#ways(context);
    this.#tracking = tracking;
    return ways;
  }

  #ways(context: number): number {
    const op = this.#op(context);
    if (op === undefined) return 0;
    if (op.op === "lock") return this.#read(op.mutex) === 0 ? 1 : 0;
    if (op.op === "wait") return this.#read(op.word) === op.value ? 1 : 0;
    if (op.op === "waitAny") return this.#read(op.word) === op.value || this.#read(op.other) === op.value ? 1 : 0;
    return op.op === "choose" ? op.ways : 1;
  }

  step(context: number, way: number): void {
    this.#forget();
    if (this.#ways(context) <= way) throw new Error(`toy: ${this.name(context)} stepped while blocked`);
    const op = this.#op(context)!;
    const at = context * 2;
    let next = this.words[at]! + 1;
    switch (op.op) {
      case "lock":
        this.#write(op.mutex, context + 1);
        break;
      case "unlock":
        if (this.#read(op.mutex) !== context + 1) throw new Error(`unlock of mutex ${op.mutex} that is not held`);
        this.#write(op.mutex, 0);
        break;
      case "trylock": {
        const free = this.#read(op.mutex) === 0;
        if (free) this.#write(op.mutex, context + 1);
        this.words[at + 1] = free ? 1 : 0;
        break;
      }
      case "set":
        this.#write(op.word, op.value);
        break;
      case "add":
        // Wraps, so that a loop does not make the state space infinite.
        this.#write(op.word, (this.#read(op.word) + op.value) & 3);
        break;
      case "get":
        this.words[at + 1] = this.#read(op.word);
        break;
      case "put":
        this.#write(op.word, this.words[at + 1]!);
        break;
      case "choose":
        this.words[at + 1] = way;
        break;
      case "jumpIf":
        if (this.words[at + 1] === op.value) next = op.to;
        break;
      case "jump":
        next = op.to;
        break;
      case "countdown":
        if (this.words[at + 1]! > 0) {
          this.words[at + 1]!--;
          next = op.to;
        }
        break;
      case "fail":
        throw new Error(op.message);
      default:
    }
    this.words[at] = next;
    // A dead local is zero: a finished task's register decides nothing.
    if (next >= this.tasks[context]!.ops.length) this.words[at + 1] = 0;
  }

  finished(context: number): boolean {
    return this.#op(context) === undefined;
  }
  idle(context: number): boolean {
    return this.tasks[context]!.idle === true;
  }
  name(context: number): string {
    return this.tasks[context]!.name ?? `task/${context}`;
  }
  position(context: number): string {
    const op = this.#op(context);
    if (op === undefined) return "end";
    const { op: verb, ...rest } = op;
    return [`${this.words[context * 2]}:${verb}`, ...Object.values(rest)].join(" ");
  }
  track(on: boolean): void {
    this.#tracking = on;
    this.#forget();
  }

  privateStep(context: number): boolean {
    const op = this.#op(context);
    // A step that throws ends the program for everybody.
    if (op?.op === "unlock" && this.words[this.#base + op.mutex] !== context + 1) return false;
    return op !== undefined && op.op !== "fail" && named(op).every((word) => this.#users[word]!.size === 1);
  }

  #ownersInCircle(): readonly number[] {
    if (this.#tracking) this.#forget();
    const waitsFor = this.tasks.map((_, c) => {
      const op = this.#op(c);
      if (this.#tracking) this.touched.reads.add(c * 2);
      return op?.op === "lock" ? this.#read(op.mutex) - 1 : -1;
    });
    const dead = waitsFor.map((_, c) => {
      let owner = c;
      for (let i = 0; i < waitsFor.length && owner >= 0; i++) owner = waitsFor[owner]!;
      return owner >= 0;
    });
    // services may wait for each other for ever
    if (!dead.some((is, c) => is && !this.idle(c))) return [];
    return dead.flatMap((is, c) => (is ? [c] : []));
  }
}

function named(op: ToyOp): number[] {
  const { mutex, word, other } = op as { mutex?: number; word?: number; other?: number };
  return [mutex, word, other].filter((w) => w !== undefined);
}

const lock = (mutex: number): ToyOp => ({ op: "lock", mutex });
const unlock = (mutex: number): ToyOp => ({ op: "unlock", mutex });

/** Two tasks that take two mutexes in opposite order. */
export function abba(options: ToyOptions = {}): Toy {
  return new Toy(
    [
      { name: "fault", ops: [lock(0), lock(1), unlock(1), unlock(0)] },
      { name: "flusher", ops: [lock(1), lock(0), unlock(0), unlock(1)] },
    ],
    2,
    options,
  );
}

/** Dining philosophers; `polite` ones try for the second fork and give up the first when they do not get it. */
export function philosophers(count: number, polite = false, options: ToyOptions = {}): Toy {
  const tasks = Array.from({ length: count }, (_, c): ToyTask => {
    const [left, right] = [c, (c + 1) % count];
    const eat = [unlock(right), unlock(left)];
    if (!polite) return { name: `philosopher/${c}`, ops: [lock(left), lock(right), ...eat] };
    const ops: ToyOp[] = [lock(left), { op: "trylock", mutex: right }, { op: "jumpIf", value: 1, to: 5 }, unlock(left)];
    return { name: `philosopher/${c}`, ops: [...ops, { op: "jump", to: 0 }, ...eat] };
  });
  return new Toy(tasks, count, options);
}

/** A task that spins until a flag is set which nobody sets, beside one that finishes. */
export function spinLivelock(): Toy {
  const spin: ToyOp[] = [
    { op: "get", word: 0 },
    { op: "jumpIf", value: 0, to: 0 },
  ];
  const ops: ToyOp[] = [
    { op: "add", word: 1, value: 1 },
    { op: "add", word: 1, value: 1 },
  ];
  return new Toy(
    [
      { name: "spinner", ops: spin },
      { name: "bystander", ops },
    ],
    2,
  );
}

export interface RandomToyOptions extends ToyOptions {
  /** Loops without a bound, and services. */
  readonly loops?: boolean;
  readonly maxTasks?: number;
  readonly maxOps?: number;
}

/**
 * The program of a seed: 2 to 4 tasks of 1 to 6 operations over 2 mutexes and 2 words; the same seed, the same
 * program.
 */
export function randomToy(seed: number, options: RandomToyOptions = {}): Toy {
  const { loops = true, maxTasks = 4, maxOps = 6 } = options;
  const random = new RandomNumbers(seed);
  const tasks = Array.from({ length: 2 + random.below(maxTasks - 1) }, (_, c): ToyTask => {
    const ops: ToyOp[] = [];
    const length = 1 + random.below(maxOps);
    const held: number[] = [];
    for (let i = 0; i < length; i++) ops.push(randomOp(random, i, length, held, loops, 4 + c));
    // Most tasks tidy up, so that not every program is one big deadlock.
    if (random.below(4) > 0) for (const mutex of held.reverse()) ops.push(unlock(mutex));
    return { ops, idle: loops && random.below(8) === 0 };
  });
  return new Toy(tasks, 8, options);
}

function randomOp(
  random: RandomNumbers,
  at: number,
  length: number,
  held: number[],
  loops: boolean,
  own: number,
): ToyOp {
  const mutex = random.below(2);
  const word = 2 + random.below(2);
  const value = random.below(2);
  const forward = at + 1 + random.below(length - at);
  switch (random.below(loops ? 16 : 14)) {
    case 0:
    case 1:
      held.push(mutex);
      return lock(mutex);
    case 2: {
      const last = held.pop();
      return last === undefined ? { op: "add", word: own, value: 1 } : unlock(last);
    }
    case 3:
      return { op: "trylock", mutex };
    case 4:
    case 5:
      return { op: "set", word, value };
    case 6:
      return { op: "get", word };
    case 7:
      return { op: "put", word };
    case 8:
      return { op: "wait", word, value };
    case 9:
      return { op: "waitAny", word: 2, other: 3, value };
    case 10:
      return { op: "choose", ways: 2 + random.below(2) };
    case 11:
    case 12:
      return { op: "jumpIf", value, to: forward };
    case 13:
      return random.below(3) === 0
        ? { op: "fail", message: `task failed at ${at}` }
        : { op: "add", word: own, value: 1 };
    case 14:
      return { op: "jumpIf", value, to: random.below(at + 1) };
    default:
      return random.below(2) === 0
        ? { op: "jump", to: random.below(at + 1) }
        : { op: "countdown", to: random.below(at + 1) };
  }
}
