import { expect, test } from "vitest";
import { spreads } from "./spread.ts";

test("least, middle and most of each counter, by name", () => {
  expect(spreads([{ b: 3, a: 1 }, { a: 9 }, { a: 2 }])).toEqual({
    a: { runs: 3, min: 1, median: 2, max: 9 },
    b: { runs: 1, min: 3, median: 3, max: 3 },
  });
});

test("the middle of two lies between them; numbers are not compared as texts", () => {
  expect(spreads([{ a: 10 }, { a: 9 }]).a).toEqual({ runs: 2, min: 9, median: 9.5, max: 10 });
});
