/**
 * Which contexts and entities of a machine may change places (@internal): the group of their permutations, and what each does
 * to a state.
 *
 * Members stand in columns; an element of the group moves the members of a column to those of another, row by row. The image
 * of a state has each word of an object at the object's new place, and in it, wherever a moved object is named (a reference,
 * a value, a frozen array or record, a local, an operation under way), the one that it became. Whole numbers stay.
 */
import { type Entity, layoutOf } from "./entity.ts";
import { SymmetryError } from "./errors.ts";
import type { Symmetry, SymmetryElement } from "./explorable.ts";
import { codeById, FRAME_HEADER, LABEL_BITS, LABEL_MASK } from "./functions.ts";
import { decode, encode, type World } from "./heap.ts";
import { CONTEXT_WORDS, FP, OP_ARGUMENT, OP_OBJECT, SP } from "./ops.ts";

/** A context by its number, or an entity. @since 0.2.0 */
export type SymmetryMember = number | Entity;

/** What is declared at once. */
export interface SymmetryDeclaration {
  readonly columns: readonly (readonly SymmetryMember[])[];
  readonly how: "permuted" | "rotated";
  /** Fields of the entities in columns that only say which one it is: they stay where they are. */
  readonly labels: readonly string[];
}

/** What is asked of a context. */
export interface ContextPlace {
  readonly name: string;
  readonly base: number;
  readonly limit: number;
  readonly idle: boolean;
}

/** Most elements of a group: each costs a sum kept along, and an image of every learned step. */
export const MOST_ELEMENTS = 24;

/** What a word of the state holds. */
const NUMBER = 0;
const REFERENCE = 1;
const VALUE = 2;
/** An address in the stack of its context. */
const ADDRESS = 3;
const STACK = 4;
/** The same in all states: stays. */
const LABEL = 5;

/** Contexts by number, then entities by number: what each becomes. */
type Permutation = readonly number[];

/** Throws when the members of two columns cannot stand for each other, or a member has no one place. */
export function checkColumns({ columns }: SymmetryDeclaration, contexts: readonly ContextPlace[]): void {
  const first = columns[0];
  if (columns.length < 2 || first === undefined || first.length === 0)
    refuse("there must be two columns at least, and someone in each");
  const met = new Set<SymmetryMember>();
  for (const column of columns) {
    if (column.length !== first.length) refuse("all columns must have as many members");
    column.forEach((member, row) => {
      if (met.has(member)) refuse(`${nameOf(member, contexts)} is named twice`);
      met.add(member);
      checkPair(first[row] as SymmetryMember, member, contexts);
    });
  }
}

function refuse(why: string): never {
  throw new SymmetryError(`not symmetric: ${why}`);
}

function nameOf(member: SymmetryMember, contexts: readonly ContextPlace[]): string {
  return typeof member === "number" ? (contexts[member]?.name ?? `context ${member}`) : String(member);
}

function checkPair(a: SymmetryMember, b: SymmetryMember, contexts: readonly ContextPlace[]): void {
  const pair = `${nameOf(a, contexts)} and ${nameOf(b, contexts)}`;
  if (typeof a === "number" || typeof b === "number") {
    const [from, to] = [contexts[a as number], contexts[b as number]];
    if (from === undefined || to === undefined) refuse(`${pair} are not both contexts`);
    if (from.limit - from.base !== to.limit - to.base) refuse(`the stacks of ${pair} differ in size`);
    if (from.idle !== to.idle) refuse(`only one of ${pair} is a service`);
    return;
  }
  if (a.constructor !== b.constructor) refuse(`${pair} are not of one class`);
  for (const { name, words } of layoutOf(a).lists)
    if (layoutOf(b).lists.find((list) => list.name === name)?.words !== words)
      refuse(`the lists ${name} of ${pair} differ in capacity`);
}

/** The group that the declarations make, all elements but the identity. */
export function symmetryOf(
  world: World,
  contexts: readonly ContextPlace[],
  declarations: readonly SymmetryDeclaration[],
): Symmetry {
  const size = contexts.length + world.objects.length;
  const generators = declarations.flatMap((declaration) => generatorsOf(declaration, contexts.length, size));
  const layout = new Layout(world, contexts, declarations);
  return {
    elements: groupOf(generators, size).map((permutation) => new Element(world, contexts, layout, permutation)),
    what: (word) => layout.names(word),
  };
}

function generatorsOf({ columns, how }: SymmetryDeclaration, contexts: number, size: number): number[][] {
  const last = columns.length - 1;
  const turned = columns.map((_, column) => (column === last ? 0 : column + 1));
  const swapped = columns.map((_, column) => (column < 2 ? 1 - column : column));
  return (how === "rotated" ? [turned] : [turned, swapped]).map((to) => {
    const permutation = Array.from({ length: size }, (_, i) => i);
    const at = (member: SymmetryMember): number => (typeof member === "number" ? member : contexts + member.$id);
    columns.forEach((column, c) => {
      column.forEach((member, row) => {
        permutation[at(member)] = at((columns[to[c] as number] as readonly SymmetryMember[])[row] as SymmetryMember);
      });
    });
    return permutation;
  });
}

/** All products of the generators, the identity apart. */
function groupOf(generators: readonly Permutation[], size: number): Permutation[] {
  const identity = Array.from({ length: size }, (_, i) => i);
  const group: Permutation[] = [identity];
  const met = new Set([identity.join()]);
  for (const element of group) {
    for (const generator of generators) {
      const product = element.map((to) => generator[to] as number);
      if (met.has(product.join())) continue;
      met.add(product.join());
      if (group.push(product) > MOST_ELEMENTS)
        refuse(
          `there are more than ${MOST_ELEMENTS} ways to change places; declare no more than four columns, ` +
            'say "rotated" where turning them round is enough, or declare fewer sets of columns',
        );
    }
  }
  return group.slice(1);
}

/** What each word is, and how a report calls it. */
class Layout {
  readonly kinds: Uint8Array;
  /** Words when this was made: what labels hold. */
  readonly first: Int32Array;
  readonly #contexts: readonly ContextPlace[];
  readonly #world: World;

  constructor(world: World, contexts: readonly ContextPlace[], declarations: readonly SymmetryDeclaration[]) {
    this.first = world.words.slice();
    this.#world = world;
    this.#contexts = contexts;
    this.kinds = new Uint8Array(world.size);
    for (const object of world.objects) {
      if (object === undefined) continue;
      const { fields, lists } = layoutOf(object);
      for (const { kind, at } of fields)
        this.kinds[at] = kind === "ref" ? REFERENCE : kind === "value" ? VALUE : NUMBER;
      for (const { at, words } of lists) this.kinds.fill(VALUE, at + 1, at + words);
    }
    for (const { columns, labels } of declarations)
      for (const member of columns.flat())
        if (typeof member !== "number")
          for (const { name, at } of layoutOf(member).fields) if (labels.includes(name)) this.kinds[at] = LABEL;
    for (const { base, limit } of contexts) {
      for (const at of [FP, SP]) this.kinds[base + at] = ADDRESS;
      for (const at of [OP_OBJECT, OP_ARGUMENT]) this.kinds[base + at] = VALUE;
      this.kinds.fill(STACK, base + CONTEXT_WORDS, limit);
    }
  }

  names(word: number): string {
    const context = this.#contexts.find(({ base, limit }) => word >= base && word < limit);
    if (context !== undefined)
      return `${context.name}'s ${word < context.base + CONTEXT_WORDS ? "next operation" : "stack"}`;
    for (const object of this.#world.objects) {
      if (object === undefined) continue;
      const { fields, lists } = layoutOf(object);
      const known =
        fields.find(({ at }) => at === word) ?? lists.find(({ at, words }) => word >= at && word < at + words);
      if (known !== undefined) return `${object}.${known.name}`;
    }
    return `word ${word}`;
  }
}

class Element implements SymmetryElement {
  readonly contexts: Int32Array;
  readonly places: Int32Array;
  readonly #world: World;
  readonly #layout: Layout;
  readonly #kinds: Uint8Array;
  /** By entity: the one it becomes. */
  readonly #objects: Int32Array;
  /** By constant that was met: the one it becomes. */
  readonly #constants: number[] = [];

  constructor(world: World, contexts: readonly ContextPlace[], layout: Layout, permutation: Permutation) {
    this.#world = world;
    this.#layout = layout;
    this.#kinds = layout.kinds;
    this.contexts = Int32Array.from(permutation.slice(0, contexts.length));
    this.#objects = Int32Array.from(permutation.slice(contexts.length), (to) => to - contexts.length);
    this.places = Int32Array.from({ length: world.size }, (_, word) => word);
    const move = (from: number, to: number, words: number): void => {
      for (let i = 0; i < words; i++) this.places[from + i] = to + i;
    };
    contexts.forEach(({ base, limit }, c) => {
      move(base, (contexts[this.contexts[c] as number] as ContextPlace).base, limit - base);
    });
    world.objects.forEach((object, id) => {
      const image = world.objects[this.#objects[id] as number];
      if (object === undefined || image === undefined) return;
      const [from, to] = [layoutOf(object), layoutOf(image)];
      from.fields.forEach(({ at }, i) => {
        move(at, (to.fields[i] as { at: number }).at, 1);
      });
      from.lists.forEach(({ at, words }, i) => {
        move(at, (to.lists[i] as { at: number }).at, words);
      });
    });
  }

  image(words: Int32Array, from: number, end: number, to: Int32Array): void {
    this.#world.activate();
    for (let at = from; at < end; at++) {
      if (this.#kinds[at] === STACK) {
        const limit = this.#endOfStack(at, end);
        this.#stack(words, at, limit, to);
        at = limit - 1;
      } else to[this.places[at] as number] = this.#word(this.#kinds[at] as number, at, words[at] as number);
    }
  }

  #endOfStack(at: number, end: number): number {
    let limit = at;
    while (limit < end && this.#kinds[limit] === STACK) limit++;
    return limit;
  }

  #word(kind: number, at: number, word: number): number {
    if (kind === REFERENCE) return this.#objects[word] as number;
    if (kind === VALUE) return this.#value(word);
    // the stack has moved as far as the word that names an address in it
    if (kind === ADDRESS) return word === 0 ? 0 : word - at + (this.places[at] as number);
    return kind === LABEL ? this.#label(at, word) : word;
  }

  #label(at: number, word: number): number {
    const { first } = this.#layout;
    if (word !== first[at]) throw new SymmetryError(`not symmetric: ${this.#layout.names(at)} is no label, it changes`);
    return first[this.places[at] as number] as number;
  }

  #value(word: number): number {
    if ((word & 1) === 0) return word;
    if ((word & 2) === 0) return ((this.#objects[word >>> 2] as number) << 2) | 1;
    const known = this.#constants[word >>> 2];
    if (known !== undefined) return known;
    const image = encode(this.#constant(decode(word)));
    this.#constants[word >>> 2] = image;
    return image;
  }

  /** A constant with all entities in it moved. */
  #constant(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return value;
    const id = (value as Partial<Entity>).$id;
    if (id !== undefined) return this.#world.objects[this.#objects[id] as number];
    if (Array.isArray(value)) return Object.freeze(value.map((item) => this.#constant(item)));
    return Object.freeze(Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#constant(item)])));
  }

  /** Frames follow each other from the start of the stack; each but the first names the one below as its caller. */
  #stack(words: Int32Array, from: number, limit: number, to: Int32Array): void {
    const away = (this.places[from] as number) - from;
    to.fill(0, from + away, limit + away);
    let frame = from;
    let caller = 0;
    do {
      const header = words[frame] as number;
      const locals = codeById(header >>> LABEL_BITS).alive[header & LABEL_MASK]?.length ?? 0;
      const end = Math.min(frame + FRAME_HEADER + locals, limit);
      to[frame + away] = header;
      to[frame + 1 + away] = caller === 0 ? 0 : caller + away;
      for (let at = frame + FRAME_HEADER; at < end; at++) to[at + away] = this.#value(words[at] as number);
      caller = frame;
      frame = end;
    } while (frame + 1 < limit && words[frame + 1] === caller);
  }
}
