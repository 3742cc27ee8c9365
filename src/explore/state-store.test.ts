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
