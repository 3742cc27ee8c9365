import { describe, expect, test } from "vitest";
import { contextSwitches, contextsByName, describeChoices, parseSchedule, replay, scheduleStep } from "./schedule.ts";
import { abba, Toy } from "./toys.ts";
import type { ScheduleStep } from "./types.ts";

const good: readonly ScheduleStep[] = [
  { context: "fault", way: 0, position: "0:lock 0" },
  { context: "flusher", way: 0, position: "0:lock 1" },
];
const chooses = (): Toy =>
  new Toy(
    [
      {
        ops: [
          { op: "choose", ways: 3 },
          { op: "put", word: 0 },
        ],
      },
    ],
    1,
  );
const throwing = (thrown: unknown): Toy =>
  Object.assign(abba(), {
    step: () => {
      throw thrown;
    },
  });

describe("choices with their names", () => {
  test("say where each began, and leave the program at the end", () => {
    const program = abba();
    expect(scheduleStep(program, 1, 0)).toEqual(good[1]);
    const choices = good.map((_, context) => ({ context, way: 0 }));
    expect(describeChoices(program, choices)).toEqual(good);
    expect([program.words[0], program.words[2]]).toEqual([1, 1]);
    expect(describeChoices(chooses(), [{ context: 0, way: 2 }])).toEqual([
      { context: "task/0", way: 2, position: "0:choose 3" },
    ]);
  });

  test("end with the one that throws an error; anything else is passed on", () => {
    const choices = [0, 0].map((context) => ({ context, way: 0 }));
    expect(describeChoices(throwing(new Error("boom")), choices)).toEqual([good[0]]);
    expect(() => describeChoices(throwing("no error"), choices)).toThrow("no error");
  });
});

test("a switch is a step of another context than the one before", () => {
  const switches = (contexts: string): number => contextSwitches([...contexts].map((context) => ({ context })));
  expect(["", "a", "aa", "ab", "aab", "aba", "abab"].map(switches)).toEqual([0, 0, 0, 1, 1, 2, 3]);
});

test("of two contexts of one name the first is meant", () => {
  const program = new Toy(
    [
      { name: "x", ops: [] },
      { name: "y", ops: [] },
      { name: "x", ops: [] },
    ],
    1,
  );
  expect([...contextsByName(program)].sort()).toEqual([
    ["x", 0],
    ["y", 1],
  ]);
});

describe("replay", () => {
  test("tells each step before it is taken, with its number", () => {
    const program = abba();
    const told: unknown[] = [];
    replay(program, good, (step, context, index) => void told.push([step, context, index, program.words[0]]));
    expect(told).toEqual([
      [good[0], 0, 0, 0],
      [good[1], 1, 1, 1],
    ]);
  });

  test("of nothing ends where it is", () => {
    expect(replay(abba(), [])).toEqual({ ok: true, steps: 0, error: undefined });
    expect(replay(abba(), good)).toEqual({ ok: true, steps: 2, error: undefined });
  });

  test.each([
    [-1, false],
    [0, true],
    [2, true],
    [3, false],
    [0.5, false],
    [Number.NaN, false],
  ])("way %s of three fits: %s", (way, fits) => {
    const step = { context: "task/0", way, position: "0:choose 3" };
    const result = replay(chooses(), [step]);
    expect(result).toMatchObject(
      fits
        ? { ok: true }
        : { ok: false, at: 0, expected: `task/0 to step in way ${way} of 0:choose 3`, found: "3 ways" },
    );
  });

  test("refuses what differs, in the words of its message", () => {
    const result = replay(abba(), [{ ...good[0]!, position: "1:lock 1" }]);
    expect(result).toEqual({
      ok: false,
      at: 0,
      expected: "fault at 1:lock 1",
      found: "fault at 0:lock 0",
      message: "step 1 of 1: expected fault at 1:lock 1, found fault at 0:lock 0",
    });
    expect(replay(abba(), [{ ...good[0]!, context: "kswapd" }])).toMatchObject({
      expected: "context kswapd",
      found: "no context of that name",
    });
  });

  test("an error ends a schedule rightly only at its last step", () => {
    const error = new Error("boom");
    expect(replay(throwing(error), [good[0]!])).toEqual({ ok: true, steps: 1, error });
    expect(replay(throwing(error), good)).toMatchObject({
      ok: false,
      at: 0,
      expected: "fault to step from 0:lock 0",
      found: "boom",
    });
    expect(() => replay(throwing("no error"), [good[0]!])).toThrow("no error");
  });
});

describe("a schedule from JSON", () => {
  test("has three members a step and nothing else", () => {
    expect(parseSchedule(good.map((step) => ({ ...step, more: 1 })))).toEqual(good);
    expect(parseSchedule([])).toEqual([]);
    expect(parseSchedule([{ ...good[0], way: 7 }])).toEqual([{ ...good[0], way: 7 }]);
  });

  test.each([
    "text",
    undefined,
    { length: 0 },
    ["step"],
    [undefined],
    [{ ...good[0], context: 1 }],
    [{ ...good[0], position: 1 }],
    [{ ...good[0], position: undefined }],
    [{ ...good[0], way: "0" }],
    [{ ...good[0], way: Number.POSITIVE_INFINITY }],
    [good[0], null],
  ])("%j is none", (value) => {
    expect(parseSchedule(value)).toBeUndefined();
  });
});
