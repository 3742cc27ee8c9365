import { describe, expect, test } from "vitest";
import { EventQueue } from "./event-queue.ts";

/** Whole numbers below a bound, drawn from a seed. */
function drawing(seed: number): (bound: number) => number {
  let x = seed;
  return (bound) => {
    x = (Math.imul(x, 1103515245) + 12345) & 0x7fffffff;
    return (x >>> 8) % bound;
  };
}

describe("an event queue", () => {
  test("gives events in the order of time, and of pushing where times are equal", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const below = drawing(seed);
      const queue = new EventQueue();
      const expected: { time: number; payload: number }[] = [];
      const got: number[] = [];
      for (let i = 0; i < 300; i++) {
        if (below(3) > 0) {
          const time = below(20);
          queue.push(time, i);
          expected.push({ time, payload: i });
        } else if (queue.length > 0) {
          const best = expected.reduce((a, b) => (b.time < a.time ? b : a));
          expect(queue.next).toBe(best.time);
          expected.splice(expected.indexOf(best), 1);
          got.push(queue.pop());
          expect(got.at(-1)).toBe(best.payload);
        }
      }
      expect(queue.length).toBe(expected.length);
    }
  });

  test("is at no time when it is empty", () => {
    expect(new EventQueue().next).toBe(Number.POSITIVE_INFINITY);
  });
});
