/**
 * A world: the one array of words that holds all state of a program, and the objects that are views of it.
 *
 * Words hold tagged values: bit 0 clear: a whole number of 31 bits; low bits 01: an entity; low bits 11: a constant
 * (undefined, null, booleans, strings, other numbers, functions, frozen arrays and records), interned by content. So two
 * states are equal exactly when their words are, and copying the words copies the state.
 */

import type { Entity } from "./entity.ts";
import { ModelError } from "./errors.ts";
import { $ } from "./state.ts";

const FIRST_HEAP = 1 << 12;
/** Word 0 is nobody's, so that address 0 can mean "none". */
const FIRST_WORD = 1;

/** Tagged word of `undefined`: constant 0. */
export const UNDEFINED = 3;

/** All state of a program: make its entities and contexts, then {@link World.seal} it. The last one made is active. @since 0.2.0 */
export class World {
  /** All state. Grows while the world is built; the same array from {@link seal} on. */
  words: Int32Array = new Int32Array(FIRST_HEAP);
  /** A bit for each chunk of 16 words, set by steps that write to it; cleared by whoever has looked. */
  dirty: Int32Array = new Int32Array(0);
  /** Entities by number; number 0 is nobody. */
  readonly objects: (Entity | undefined)[] = [undefined];
  /** Capacities of lists and pools that are declared by name, e.g. `pages`. */
  readonly capacities: Readonly<Record<string, number>>;
  /** Statistics: kept beside the state, not part of its identity. */
  readonly ghosts: number[] = [];
  /** Where lists lie: first word and end, in ascending order. */
  readonly lists: (readonly [number, number])[] = [];
  /** What was read while accesses were recorded. */
  reads: Set<number> = new Set<number>();
  readonly writes = new Set<number>();
  private next = FIRST_WORD;
  private readonly classes = new Map<unknown, number>();
  private isSealed = false;
  private readonly constants: unknown[] = [undefined, null, false, true];
  /** By number of a constant: a text that is the same wherever the program runs. */
  readonly keys: string[] = this.constants.map(String);
  private readonly byValue = new Map<unknown, number>(this.constants.map((value, index) => [value, index]));
  private readonly byContent = new Map<string, number>();
  private numberOf: ((key: string) => number) | undefined;
  /** Numbers of those among the constants. */
  private readonly met = new WeakMap<object, number>();

  constructor(capacities: Readonly<Record<string, number>> = {}) {
    this.capacities = capacities;
    this.activate();
  }

  /** Makes this the world that entity fields and running functions mean. */
  activate(): void {
    $.world = this;
    $.h = this.words;
    $.dirty = this.dirty;
    $.objects = this.objects;
    $.constants = this.constants;
  }

  /** Takes `count` words, zeroed; only before {@link seal}. Returns the address of the first. */
  allocate(count: number): number {
    if (this.isSealed) throw new ModelError("a world cannot grow once it runs: take objects from a pool");
    const at = this.next;
    this.next += count;
    if (this.next > this.words.length) {
      const bigger = new Int32Array(Math.max(this.next, this.words.length * 2));
      bigger.set(this.words);
      this.words = bigger;
    }
    if ($.world === this) $.h = this.words;
    return at;
  }

  /** Ends the building: from here on the state has a fixed length. */
  seal(): void {
    if (this.isSealed) return;
    this.isSealed = true;
    this.words = this.words.slice(0, this.next);
    this.dirty = new Int32Array((this.next >> 9) + 1).fill(-1);
    if ($.world === this) this.activate();
  }

  get sealed(): boolean {
    return this.isSealed;
  }

  /** Counts one more entity of a class; returns how many there were. */
  count(cls: unknown): number {
    const known = this.classes.get(cls) ?? 0;
    this.classes.set(cls, known + 1);
    return known;
  }

  /** How many words the state has. */
  get size(): number {
    return this.next;
  }

  /** The number of a constant. Throws when the value is neither a primitive, a function nor immutable; `what` says what it is. */
  intern(value: unknown, what?: string): number {
    if (typeof value === "object" && value !== null) return this.met.get(value) ?? this.internContent(value, what);
    const known = this.byValue.get(value);
    if (known !== undefined) return known;
    const index = this.add(value, keyOf(value));
    this.byValue.set(value, index);
    return index;
  }

  /** From now on, `numberOf` says which number a new constant gets. */
  share(numberOf: (key: string) => number): void {
    this.numberOf = numberOf;
  }

  private add(value: unknown, key: string): number {
    const index = this.numberOf === undefined ? this.constants.length : this.numberOf(key);
    if (index in this.constants) {
      throw new ModelError(
        `${describe(value)} reads like another one: threads that search together cannot tell them apart`,
      );
    }
    this.constants[index] = value;
    this.keys[index] = key;
    return index;
  }

  /** The constant with this number. */
  constant(index: number): unknown {
    return this.constants[index];
  }

  /** Frozen arrays and records are the same constant when their contents are. */
  private internContent(value: object, what: string | undefined): number {
    const prototype: unknown = Object.getPrototypeOf(value);
    const plain = Array.isArray(value) || prototype === Object.prototype || prototype === null;
    if (!plain || !Object.isFrozen(value)) {
      throw new ModelError(
        `${what === undefined ? "" : `${what} is `}${describe(value)}, which can change: ` +
          "what outlives a step must be a primitive, an entity, or a frozen array or record",
      );
    }
    const key = contentKey(value, what);
    const known = this.byContent.get(key);
    if (known !== undefined) return known;
    const index = this.add(value, key);
    this.byContent.set(key, index);
    this.met.set(value, index);
    return index;
  }
}

/** Functions are told apart by their text: those of one program that are kept in its state are few, and named. */
function keyOf(value: unknown): string {
  return typeof value === "function" ? `function ${value.name} ${value}` : `${typeof value} ${String(value)}`;
}

function contentKey(value: object, what: string | undefined): string {
  let key = "";
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) key += i in value ? `${encode(value[i], what)},` : ",";
    return `[${key}]`;
  }
  for (const [name, part] of Object.entries(value)) key += `${JSON.stringify(name)}:${encode(part, what)},`;
  return `{${key}}`;
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  if (typeof value !== "object" || value === null) return `a ${typeof value}`;
  const name = value.constructor?.name;
  return name === undefined || name === "Object" ? "an object" : `a ${name}`;
}

function activeWorld(): World {
  if ($.world === undefined) throw new ModelError("no world is active");
  return $.world;
}

/**
 * The tagged word of a value. Throws when the value may not outlive a step; `what` says what it is, e.g. a local's name.
 */
export function encode(value: unknown, what?: string): number {
  if (typeof value === "number") {
    if (value === (value << 1) >> 1 && !Object.is(value, -0)) return value << 1;
  } else if (typeof value === "object" && value !== null) {
    const id = (value as Partial<Entity>).$id;
    if (id !== undefined) return (id << 2) | 1;
  }
  return (activeWorld().intern(value, what) << 2) | 3;
}

/** The value of a tagged word. */
export function decode(word: number): unknown {
  if ((word & 1) === 0) return word >> 1;
  return (word & 2) === 0 ? $.objects[word >>> 2] : $.constants[word >>> 2];
}
