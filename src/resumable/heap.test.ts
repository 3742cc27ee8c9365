import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decode, encode } from "./heap.ts";
import { bool, create, Entity, fields, ghost, int, type List, list, ref, value, World } from "./index.ts";
import { $ } from "./state.ts";

class Page extends Entity {
  declare index: number;
  declare locked: boolean;
  declare next: Page | undefined;
  declare note: unknown;
  declare seen: number;
  declare users: List<unknown>;
  static {
    fields(Page, { index: int, locked: bool, next: ref, note: value, seen: ghost, users: list(3) });
  }
}
class HugePage extends Page {
  declare order: number;
  declare parts: List<Page>;
  static {
    fields(HugePage, { order: int, parts: list("parts") }, "compound page");
  }
}
class Nothing extends Entity {}

describe("a word", () => {
  it("holds any value that cannot change, and equal values are equal words", () => {
    new World();
    const page = create(Page);
    const call = (): void => {};
    const symbol = Symbol("s");
    const values = [
      0,
      1,
      -1,
      2 ** 30 - 1,
      -(2 ** 30),
      2 ** 30,
      -(2 ** 30) - 1,
      2 ** 31,
      2 ** 53,
      0.5,
      -0,
      Number.NaN,
      Infinity,
    ];
    const others = [undefined, null, true, false, "", "0", "[2]", "[1;]", 10n, symbol, call, page];
    const frozen = [
      [],
      [1],
      [undefined],
      ["1"],
      { a: 1 },
      { a: 1, b: page },
      { b: page, a: 1 },
      [[1], Object.freeze({ a: 1 })],
      {},
    ].map((x) => {
      if (Array.isArray(x)) for (const part of x) Object.freeze(part);
      return Object.freeze(x);
    });
    const all = [...values, ...others, ...frozen];
    const words = all.map((x) => encode(x));
    expect(new Set(words).size).toBe(all.length);
    expect(words.map((w) => decode(w))).toEqual(all);
    expect(words.map((w, i) => Object.is(decode(w), all[i]))).toEqual(all.map(() => true));
    expect(all.map((x) => encode(x))).toEqual(words);
    expect(encode(Object.freeze([1]))).toBe(encode(Object.freeze([1])));
    expect(decode(encode(Object.freeze([1])))).toBe(frozen[1]);
    expect(encode(Object.freeze(Object.assign(Object.create(null), { a: 1 })))).toBe(encode(Object.freeze({ a: 1 })));
    expect(encode(Object.freeze(new Array(1)))).not.toBe(encode(Object.freeze([])));
  });

  it("holds nothing that can change", () => {
    new World();
    const refused: [unknown, string][] = [
      [[], "x is an array, which can change"],
      [{}, "x is an object, which can change"],
      [Object.freeze([[]]), "x is an array, which can change"],
      [Object.freeze({ a: {} }), "x is an object, which can change"],
      [Object.freeze(new Map()), "x is a Map, which can change"],
      [new Date(0), "x is a Date, which can change"],
    ];
    for (const [given, message] of refused) expect(() => encode(given, "x")).toThrow(message);
    expect(() => encode([])).toThrow(/^an array, which can change: what outlives a step must be/);
  });

  it("belongs to a world", () => {
    const one = new World();
    const inOne = encode("only here");
    const two = new World();
    expect([encode("first"), decode(inOne)]).toEqual([inOne, "first"]);
    one.activate();
    expect(decode(inOne)).toBe("only here");
    two.activate();
  });
});

describe("an entity", () => {
  it("starts with nothing, or with what it is given", () => {
    const world = new World({ parts: 2 });
    const page = create(Page);
    const next = create(Page, { index: 7, locked: true, next: page, note: "n", seen: 4, users: [1, "a"] as never });
    const huge = create(HugePage, { order: 2, index: 5, parts: [page] as never });
    expect([page.index, page.locked, page.next, page.note, page.seen, [...page.users]]).toEqual([
      0,
      false,
      undefined,
      undefined,
      0,
      [],
    ]);
    expect([next.index, next.locked, next.next, next.note, next.seen, [...next.users]]).toEqual([
      7,
      true,
      page,
      "n",
      4,
      [1, "a"],
    ]);
    expect([huge.order, huge.index, huge.locked, [...huge.parts], [...huge.users]]).toEqual([2, 5, false, [page], []]);
    expect([page, next, huge].map(String)).toEqual(["page 0", "page 1", "compound page 0"]);
    expect([page, next, huge].map((e) => e.$id)).toEqual([1, 2, 3]);
    expect(world.objects.slice(1)).toEqual([page, next, huge]);
  });

  it("keeps what it is assigned, in words that can be copied and put back", () => {
    const world = new World();
    const page = create(Page);
    world.seal();
    const before = world.words.slice();
    page.index = -(2 ** 31);
    page.locked = true;
    page.next = page;
    page.note = 0;
    page.users.push(page);
    page.seen++;
    expect([page.index, page.locked, page.next, page.note, page.users.at(0)]).toEqual([
      -(2 ** 31),
      true,
      page,
      0,
      page,
    ]);
    world.words.set(before);
    expect([page.index, page.locked, page.next, page.note, page.users.length]).toEqual([
      0,
      false,
      undefined,
      undefined,
      0,
    ]);
    expect(page.seen).toBe(1);
    page.note = undefined;
    page.next = undefined;
    expect(world.words).toEqual(before);
  });

  it("refuses what a field cannot hold", () => {
    new World();
    const stranger = create(Page);
    new World();
    const page = create(Page);
    expect(() => (page.index = 1.5)).toThrow("page 0.index cannot hold 1.5: it is a whole number of 32 bits");
    expect(() => (page.index = 2 ** 31)).toThrow("page 0.index cannot hold 2147483648");
    expect(() => (page.index = undefined as never)).toThrow("cannot hold undefined");
    expect(() => (page.next = stranger)).toThrow("page 0.next cannot hold page 0: it is no entity of this world");
    expect(() => (page.next = null as never)).toThrow("cannot hold null");
    expect(() => (page.note = [])).toThrow("note is an array, which can change");
    expect(() => page.users.push([])).toThrow("is an array, which can change");
    expect([page.index, page.next, page.note]).toEqual([0, undefined, undefined]);
  });

  it("needs a world with room, and declared fields", () => {
    const world = new World();
    expect(() => create(Nothing)).toThrow("Nothing declares no fields");
    expect(() => create(HugePage)).toThrow('HugePage.parts: this world has no capacity called "parts"');
    for (let i = 0; i < 2000; i++) create(Page, { index: i });
    world.seal();
    world.seal();
    expect([world.sealed, world.size, world.words.length]).toEqual([true, world.words.length, world.size]);
    expect((world.objects[1500] as Page).index).toBe(1499);
    expect(() => create(Page)).toThrow("a world cannot grow once it runs: take objects from a pool");
  });
});

describe("tracking", () => {
  it("notes the word of each field read or written, of a list the word of its length", () => {
    const world = new World();
    const page = create(Page, { users: ["a"] as never });
    const { $at } = page;
    const length = $at + 5;
    const touched = (act: () => unknown): [number[], number[]] => {
      world.reads.clear();
      world.writes.clear();
      $.tracking = true;
      act();
      $.tracking = false;
      return [[...world.reads].map((x) => x - $at), [...world.writes].map((x) => x - $at)];
    };
    expect(world.words[length]).toBe(1);
    expect(touched(() => page.index)).toEqual([[0], []]);
    expect(touched(() => (page.index = 1))).toEqual([[], [0]]);
    expect(touched(() => page.locked)).toEqual([[1], []]);
    expect(touched(() => (page.locked = true))).toEqual([[], [1]]);
    expect(touched(() => page.next)).toEqual([[2], []]);
    expect(touched(() => (page.next = page))).toEqual([[], [2]]);
    expect(touched(() => page.note)).toEqual([[3], []]);
    expect(touched(() => (page.note = "x"))).toEqual([[], [3]]);
    expect(touched(() => page.seen++)).toEqual([[], []]);
    const reads: (() => unknown)[] = [
      () => page.users.length,
      () => page.users.at(0),
      () => page.users.indexOf("a"),
      () => page.users.includes("a"),
      () => [...page.users],
      () => page.users.snapshot(),
    ];
    for (const read of reads) expect(touched(read)).toEqual([[5], []]);
    const writes: (() => unknown)[] = [
      () => page.users.push(1),
      () => page.users.unshift(2),
      () => page.users.pop(),
      () => page.users.shift(),
      () => page.users.removeAt(0),
      () => page.users.clear(),
    ];
    for (const write of writes) expect([write.toString(), touched(write)]).toEqual([write.toString(), [[5], [5]]]);
    page.users.push("z");
    expect(touched(() => page.users.remove("z"))).toEqual([[5], [5]]);
  });
});

describe("a list", () => {
  it("does what an array of bounded length does, and leaves unused words zero", () => {
    const item = fc.constantFrom<unknown>(1, "a", undefined, null, 0);
    const step = fc.oneof(
      fc.tuple(fc.constantFrom("push", "unshift", "remove", "indexOf", "includes"), item),
      fc.tuple(fc.constantFrom("removeAt", "at"), fc.integer({ min: -4, max: 4 })),
      fc.tuple(fc.constantFrom("shift", "pop", "clear"), fc.constant(undefined)),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const world = new World();
        const page = create(Page);
        const beside = create(Page, { index: 99 });
        const real = page.users;
        const model: unknown[] = [];
        for (const [name, given] of steps) {
          const call = (): unknown => (real as unknown as Record<string, (x: unknown) => unknown>)[name]?.(given);
          if ((name === "push" || name === "unshift") && model.length === 3) {
            expect(call).toThrow("page 0.users is full (capacity 3)");
            continue;
          }
          expect(call()).toEqual(onArray(model, name, given));
          expect([...real]).toEqual(model);
          expect([real.length, real.snapshot()]).toEqual([model.length, model]);
        }
        const words = world.words.slice(page.$at + 5, page.$at + 9);
        expect([...words.slice(1 + model.length)]).toEqual(
          model.length === 3 ? [] : new Array(3 - model.length).fill(0),
        );
        expect([beside.index, Object.isFrozen(real.snapshot())]).toEqual([99, true]);
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});

/** What the operation gives on an array. */
function onArray(model: unknown[], name: string, given: unknown): unknown {
  const removeAt = (place: number): unknown => (place < 0 ? undefined : model.splice(place, 1)[0]);
  switch (name) {
    case "push":
      model.push(given);
      return undefined;
    case "unshift":
      model.unshift(given);
      return undefined;
    case "remove": {
      const place = model.indexOf(given);
      removeAt(place);
      return place >= 0;
    }
    case "indexOf":
      return model.indexOf(given);
    case "includes":
      return model.includes(given);
    case "removeAt":
      return removeAt(given as number);
    case "at":
      return model.at(given as number);
    case "shift":
      return model.shift();
    case "pop":
      return model.pop();
    default:
      model.length = 0;
      return undefined;
  }
}
