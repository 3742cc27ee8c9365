import { describe, expect, test } from "vitest";
import { boundedOp, boundOf, HZ_10, HZ_50, ONE_JIFFY, sleepOf, sleepOp } from "./timeout.ts";

describe("sleeps and bounds", () => {
  sleepOp<number>("test: a sleep of so many jiffies", { sleep: (jiffies) => ({ jiffies: () => jiffies }) });
  boundedOp("test: ten times a tenth of a second", (hz) => 10 * Math.floor(hz / 10), {});

  test("usual lengths, in jiffies", () => {
    expect([HZ_10, HZ_50, ONE_JIFFY].map((sleep) => sleep.jiffies(250))).toEqual([25, 5, 1]);
  });
  test("a sleep ends after its jiffies, a bounded step after those of all its sleeps", () => {
    expect(sleepOf("test: a sleep of so many jiffies", 7, undefined)?.jiffies(100)).toBe(7);
    expect(boundOf("test: a sleep of so many jiffies", 50, undefined, 250)).toBe(0.2);
    expect(boundOf("test: ten times a tenth of a second", undefined, undefined, 250)).toBe(1);
    expect(boundOf("anything else", undefined, undefined, 250)).toBe(undefined);
  });
  test("names are given once", () => {
    expect(() => sleepOp("test: a sleep of so many jiffies", { sleep: () => HZ_10 })).toThrow("two sleeps");
    expect(() => boundedOp("test: ten times a tenth of a second", () => 1, {})).toThrow("two bounds");
  });
});
