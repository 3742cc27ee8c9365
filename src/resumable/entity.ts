/**
 * Entities: objects with declared fields, whose values live in the heap of their world.
 *
 * ```ts
 * class Page extends Entity {
 *   declare index: number;
 *   declare locked: boolean;
 *   declare mapping: AddressSpace | undefined;
 *   static {
 *     fields(Page, { index: int, locked: bool, mapping: ref });
 *   }
 * }
 * const page = create(Page, { index: 3 });
 * ```
 * Reading `page.locked` reads a word; assigning writes one. Two worlds never share an entity.
 */
import { ModelError } from "./errors.ts";
import { decode, encode, UNDEFINED, type World } from "./heap.ts";
import { List } from "./list.ts";
import { $, mark } from "./state.ts";

/** How a field is kept. @since 0.2.0 */
export type FieldKind =
  | { readonly kind: "int" | "bool" | "ref" | "value" | "ghost" }
  | { readonly kind: "list"; readonly capacity: number | string };

/** A whole number of 32 bits. @since 0.2.0 */
export const int: FieldKind = { kind: "int" };
/** True or false. @since 0.2.0 */
export const bool: FieldKind = { kind: "bool" };
/** Another entity of the same world, or undefined. @since 0.2.0 */
export const ref: FieldKind = { kind: "ref" };
/** Any immutable value: a primitive, an entity, a function, a frozen array or record. @since 0.2.0 */
export const value: FieldKind = { kind: "value" };
/** A statistic: a number that no branch may read, kept out of the state. @since 0.2.0 */
export const ghost: FieldKind = { kind: "ghost" };
/** An ordered list with room for so many values; a name means a capacity of the world. @since 0.2.0 */
export function list(capacity: number | string): FieldKind {
  return { kind: "list", capacity };
}

type Layout = readonly { readonly name: string; readonly field: FieldKind; readonly offset: number }[];
const layouts = new WeakMap<object, { readonly name: string; readonly layout: Layout; readonly size: number }>();

/** Base of everything that lives in a world. @since 0.2.0 */
export abstract class Entity {
  /** Number within the world, from 1. */
  readonly $id: number = 0;
  /** Address of the first field. */
  readonly $at: number = 0;
  /** Lists by field, ghosts by offset. */
  readonly $lists: Record<string, List<unknown>> = {};

  /** Class and number, e.g. `page 3`; the number counts entities of this class from 0. */
  toString(): string {
    return `${className(this)} ${this.$number}`;
  }
  /** Number among the entities of the same class, from 0. */
  readonly $number: number = 0;
}

/** Where an entity's fields and lists lie; lists with their length word (@internal). */
export function layoutOf(entity: Entity): {
  readonly fields: readonly { readonly name: string; readonly kind: string; readonly at: number }[];
  readonly lists: readonly { readonly name: string; readonly at: number; readonly words: number }[];
} {
  const fields = layouts.get(entity.constructor)?.layout.filter(({ field }) => field.kind !== "list") ?? [];
  return {
    fields: fields.map(({ name, field, offset }) => ({ name, kind: field.kind, at: entity.$at + offset })),
    lists: Object.entries(entity.$lists).map(([name, list]) => ({ name, ...list.range })),
  };
}

function className(entity: Entity): string {
  return layouts.get(entity.constructor)?.name ?? entity.constructor.name;
}

// biome-ignore lint/suspicious/noExplicitAny: a class constructor of any entity
type EntityClass<T extends Entity> = abstract new (...args: any[]) => T;

/** The fields of T that an initialiser may give. @since 0.2.0 */
export type Init<T extends Entity> = Partial<Omit<T, keyof Entity>>;

function noteRead(address: number): void {
  $.world?.reads.add(address);
}
function noteWrite(address: number): void {
  $.world?.writes.add(address);
}

function refuseNumber(entity: Entity, name: string, to: unknown): never {
  throw new ModelError(`${entity}.${name} cannot hold ${String(to)}: it is a whole number of 32 bits`);
}
function refuseEntity(entity: Entity, name: string, to: unknown): never {
  throw new ModelError(`${entity}.${name} cannot hold ${String(to)}: it is no entity of this world`);
}

/** What reads and writes a field; tracked accesses are noted by the address of their word. */
function accessor(field: FieldKind, name: string, offset: number): PropertyDescriptor {
  switch (field.kind) {
    case "int":
      return {
        get(this: Entity) {
          if ($.tracking) noteRead(this.$at + offset);
          return $.h[this.$at + offset];
        },
        set(this: Entity, to: number) {
          if ((to | 0) !== to) refuseNumber(this, name, to);
          if ($.tracking) noteWrite(this.$at + offset);
          mark(this.$at + offset);
          $.h[this.$at + offset] = to;
        },
      };
    case "bool":
      return {
        get(this: Entity) {
          if ($.tracking) noteRead(this.$at + offset);
          return $.h[this.$at + offset] !== 0;
        },
        set(this: Entity, to: boolean) {
          if ($.tracking) noteWrite(this.$at + offset);
          mark(this.$at + offset);
          $.h[this.$at + offset] = to ? 1 : 0;
        },
      };
    case "ref":
      return {
        get(this: Entity) {
          if ($.tracking) noteRead(this.$at + offset);
          return $.objects[$.h[this.$at + offset] as number];
        },
        set(this: Entity, to: Entity | undefined) {
          const id = to?.$id ?? 0;
          if ($.objects[id] !== to) refuseEntity(this, name, to);
          if ($.tracking) noteWrite(this.$at + offset);
          mark(this.$at + offset);
          $.h[this.$at + offset] = id;
        },
      };
    case "value":
      return {
        get(this: Entity) {
          if ($.tracking) noteRead(this.$at + offset);
          return decode($.h[this.$at + offset] as number);
        },
        set(this: Entity, to: unknown) {
          const word = encode(to, name);
          if ($.tracking) noteWrite(this.$at + offset);
          mark(this.$at + offset);
          $.h[this.$at + offset] = word;
        },
      };
    case "ghost":
      return {
        get(this: Entity) {
          return ($.world as World).ghosts[this.$at + offset] ?? 0;
        },
        set(this: Entity, to: number) {
          ($.world as World).ghosts[this.$at + offset] = to;
        },
      };
    case "list":
      return {
        get(this: Entity) {
          return this.$lists[name];
        },
      };
  }
}

/**
 * Declares the fields of an entity class; call it once, in the class's static block. `name` is what the class is called in
 * reports (its own name in lower case by default).
 *
 * @since 0.2.0
 */
export function fields<T extends Entity>(
  cls: EntityClass<T>,
  kinds: { readonly [K in Exclude<keyof T, keyof Entity>]?: FieldKind },
  name: string = cls.name.toLowerCase(),
): void {
  const base = layouts.get(Object.getPrototypeOf(cls) as object);
  const layout = [...(base?.layout ?? [])];
  let size = base?.size ?? 0;
  for (const [fieldName, field] of Object.entries(kinds) as [string, FieldKind][]) {
    layout.push({ name: fieldName, field, offset: size });
    Object.defineProperty(cls.prototype, fieldName, accessor(field, fieldName, size));
    size += field.kind === "list" ? 0 : 1;
  }
  layouts.set(cls, { name, layout, size });
}

function capacityOf(world: World, capacity: number | string, what: string): number {
  if (typeof capacity === "number") return capacity;
  const known = world.capacities[capacity];
  if (known === undefined) throw new ModelError(`${what}: this world has no capacity called "${capacity}"`);
  return known;
}

/**
 * Makes an entity in the active world, before it is sealed. Fields not given are 0, false, undefined and empty.
 *
 * @since 0.2.0
 */
export function create<T extends Entity>(cls: new () => T, init: Init<T> = {}): T {
  const world = $.world;
  if (world === undefined) throw new ModelError(`${cls.name}: no world is active`);
  const known = layouts.get(cls);
  if (known === undefined) throw new ModelError(`${cls.name} declares no fields`);
  const entity = new cls();
  const $at = world.allocate(known.size);
  Object.assign(entity, { $id: world.objects.length, $at, $number: world.count(cls) });
  for (const { name, field, offset } of known.layout) {
    if (field.kind === "value") world.words[$at + offset] = UNDEFINED;
    if (field.kind !== "list") continue;
    const capacity = capacityOf(world, field.capacity, `${cls.name}.${name}`);
    const from = world.allocate(1 + capacity);
    world.lists.push([from, from + 1 + capacity]);
    entity.$lists[name] = new List(from, capacity, `${entity}.${name}`);
  }
  world.objects.push(entity);
  for (const [name, given] of Object.entries(init)) {
    if (entity.$lists[name] === undefined) (entity as unknown as Record<string, unknown>)[name] = given;
    else for (const item of given as Iterable<unknown>) entity.$lists[name].push(item);
  }
  return entity;
}
