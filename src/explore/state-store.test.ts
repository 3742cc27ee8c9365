import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RandomNumbers } from "./random-numbers.ts";
import { StateStore } from "./state-store.ts";

describe("StateStore", () => {
  const layouts = [
    { chunkWords: 2, fanOut: 2 },
    { chunkWords: 16, fanOut: 8 },
    { chunkWords: 3, fanOut: 5 },
  ];

  test("numbers states as a map of their texts would, and loads each back", () => {
    const edits = fc.array(fc.record({ at: fc.nat(), value: fc.integer({ min: -3, max: 3 }), back: fc.nat(9) }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 150 }), edits, fc.constantFrom(...layouts), (length, list, layout) => {
        const store = new StateStore(length, layout);
        const words = new Int32Array(length);
        const texts: string[] = [];
        for (const { at, value, back } of list) {
          words[at % length] = value;
          const expected = texts.indexOf(words.join());
          const id = store.intern(words);
          expect(store.fresh).toBe(expected < 0);
          expect(id).toBe(expected < 0 ? texts.push(words.join()) - 1 : expected);
          if (back > 6) {
            if (back === 9) {
              words.fill(77);
              store.forget();
            }
            const chosen = at % texts.length;
            store.load(chosen, words);
            expect(words.join()).toBe(texts[chosen]);
          }
        }
        expect(store.size).toBe(texts.length);
      }),
    );
  });

  test("keeps many states apart while its tables grow", () => {
    const random = new RandomNumbers(1);
    const store = new StateStore(100);
    const words = new Int32Array(100);
    const known = new Map<string, number>();
    for (let i = 0; i < 8_000; i++) {
      words[random.below(100)] = random.below(3);
      const text = words.join();
      if (!known.has(text)) known.set(text, known.size);
      expect(store.intern(words)).toBe(known.get(text));
    }
    expect(store.size).toBe(known.size);
    const all = [...known.keys()];
    for (let i = 0; i < 2000; i++) {
      const id = random.below(all.length);
      store.load(id, words);
      expect(words.join()).toBe(all[id]);
    }
  });

  test("stops at its memory bound and stays readable", () => {
    const store = new StateStore(64, { memoryBytes: 60_000 });
    const words = new Int32Array(64);
    let n = 0;
    for (;;) {
      words[n % 64] = n;
      if (store.intern(words) < 0) break;
      n++;
    }
    expect(n).toBe(store.size);
    expect(n).toBeGreaterThan(100);
    expect(store.bytes).toBeLessThanOrEqual(60_000);
    store.load(0, words);
    expect(words.every((value) => value === 0)).toBe(true);
    expect(store.intern(words)).toBe(0);
  });

  test("looks only at chunks that are marked dirty, and clears the marks", () => {
    const store = new StateStore(1100);
    const words = new Int32Array(1100);
    const dirty = new Int32Array(3);
    const mark = (word: number): void => {
      dirty[word >> 9]! |= 1 << (word >> 4);
    };
    dirty.fill(-1);
    expect(store.intern(words, dirty)).toBe(0);
    expect([...dirty]).toEqual([0, 0, 0]);
    // a change that nobody marked is not seen
    words[20] = 1;
    expect([store.intern(words, dirty), store.fresh]).toEqual([0, false]);
    mark(20);
    expect([store.intern(words, dirty), store.fresh]).toEqual([1, true]);
    expect([...dirty]).toEqual([0, 0, 0]);
    for (const [at, word] of [0, 15, 16, 511, 512, 527, 1023, 1024, 1099].entries()) {
      words[word] = 7;
      mark(word);
      expect(store.intern(words, dirty)).toBe(at + 2);
    }
    expect(store.size).toBe(11);
    expect([...dirty]).toEqual([0, 0, 0]);
    // a mark where nothing has changed, and bits behind the last chunk
    dirty.fill(-1);
    expect([store.intern(words, dirty), store.fresh]).toEqual([10, false]);
    expect([...dirty]).toEqual([0, 0, 0]);
    store.load(1, words);
    expect([...words.keys()].filter((at) => words[at] !== 0)).toEqual([20]);
    expect([store.intern(words, dirty), store.fresh]).toEqual([1, false]);
  });

  test("looks at all where it does not know what the words held, or where chunks are not those of the marks", () => {
    const [wide, narrow] = [new StateStore(40), new StateStore(40, { chunkWords: 8 })];
    for (const store of [wide, narrow]) {
      const words = new Int32Array(40);
      const dirty = new Int32Array(1);
      expect(store.intern(words, dirty)).toBe(0);
      words[39] = 1;
      dirty[0] = 1;
      if (store === wide) store.forget();
      expect(store.intern(words, dirty)).toBe(1);
      expect([...dirty]).toEqual([0]);
    }
  });

  test("with marks or without, states have the same numbers", () => {
    for (const length of [1, 16, 17, 520, 600]) {
      const random = new RandomNumbers(length);
      const [marked, plain] = [new StateStore(length), new StateStore(length)];
      const words = new Int32Array(length);
      const dirty = new Int32Array(Math.ceil(length / 512));
      for (let i = 0; i < 400; i++) {
        for (let n = random.below(4); n >= 0; n--) {
          const word = random.below(length);
          words[word] = random.below(2);
          dirty[word >> 9]! |= 1 << (word >> 4);
        }
        const number = plain.intern(words);
        expect([marked.intern(words, dirty), marked.fresh]).toEqual([number, plain.fresh]);
        if (random.below(4) > 0) continue;
        const id = random.below(plain.size);
        plain.load(id, words);
        const there = words.slice();
        words.set(there);
        marked.forget();
        marked.load(id, words);
        expect(words).toEqual(there);
      }
      expect([marked.size, marked.bytes]).toEqual([plain.size, plain.bytes]);
    }
  });

  test("loading writes only what differs from what it knows the words to hold", () => {
    const store = new StateStore(64);
    const words = new Int32Array(64);
    store.intern(words);
    words[40] = 5;
    store.intern(words);
    words[0] = 9;
    store.load(0, words);
    expect([words[0], words[40]]).toEqual([9, 0]);
    store.load(0, words);
    expect(words[0]).toBe(9);
    store.forget();
    store.load(0, words);
    expect(words[0]).toBe(0);
  });

  test("full, it takes up again what it knows, with marks or without", () => {
    for (const marks of [true, false]) {
      const dirty = marks ? new Int32Array(1).fill(-1) : undefined;
      const store = new StateStore(64, { memoryBytes: 40_000 });
      const words = new Int32Array(64);
      let n = 0;
      for (; ; n++) {
        words[n % 64] = n;
        dirty?.fill(-1);
        if (store.intern(words, dirty) < 0) break;
      }
      expect(store.fresh).toBe(false);
      const full = store.size;
      // nothing is marked now, but what the store has kept is not what the words hold
      expect(store.intern(words, dirty)).toBe(-1);
      store.load(3, words);
      expect([...words.slice(0, 6)]).toEqual([0, 1, 2, 3, 0, 0]);
      expect([store.intern(words, dirty), store.size]).toEqual([3, full]);
    }
  });

  test("memory held counts every table", () => {
    const small = new StateStore(10).bytes;
    expect(small).toBeGreaterThan(0);
    expect(new StateStore(1000).bytes).toBeGreaterThan(small);
  });
});

describe("RandomNumbers", () => {
  test("the same seed gives the same numbers, others give others", () => {
    const draw = (seed: number) => {
      const random = new RandomNumbers(seed);
      return Array.from({ length: 6 }, () => random.below(1000));
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    expect(draw(7)).toMatchInlineSnapshot(`
      [
        603,
        892,
        120,
        890,
        55,
        466,
      ]
    `);
  });
});
