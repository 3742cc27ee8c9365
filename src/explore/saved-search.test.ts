import { describe, expect, test } from "vitest";
import { incidents } from "../incidents/index.ts";
import { prepare } from "../incidents/prepare.ts";
import { type ProveOptions, type ProveOutcome, prove } from "./prove.ts";
import { RandomNumbers } from "./random-numbers.ts";
import type { SavedSearch } from "./saved-search.ts";
import { equalTasks } from "./symmetric-program.ts";
import { abba, philosophers, randomToy, spinLivelock, Toy, type ToyOp } from "./toys.ts";
import type { Reducible } from "./types.ts";

/** Everything but what is held in memory: lists have grown anew after a stop. */
function told(outcome: ProveOutcome) {
  const { bytes: _, ...rest } = outcome;
  return { ...rest, deadlocks: [...outcome.deadlocks], ends: [...outcome.ends] };
}

type Stop = Pick<ProveOptions, "maxStates" | "maxSteps" | "memoryBytes" | "shouldStop" | "pollEvery">;

/** Searches up to a stop, and from there on to the next one in a new program each time, until there is an answer. */
function inPieces(make: () => Reducible, options: ProveOptions, stops: Iterable<Stop>): [ProveOutcome, number] {
  let resume: SavedSearch | undefined;
  let pieces = 0;
  const next = (stop: Stop): ProveOutcome => {
    const from = resume;
    resume = undefined;
    const save = (saved: SavedSearch): void => {
      resume = structuredClone(saved);
    };
    return prove(make(), { ...options, ...stop, save, ...(from === undefined ? {} : { resume: from }) });
  };
  for (const stop of stops) {
    const outcome = next(stop);
    // no memory even to begin
    if (outcome.states === 0) continue;
    if (resume === undefined) return [outcome, pieces];
    pieces++;
  }
  const { maxStates, maxSteps, memoryBytes, shouldStop, pollEvery, ...rest } = options;
  return [prove(make(), { ...rest, ...(resume === undefined ? {} : { resume }) }), pieces];
}

/** Stops after so many polls. */
function aborting(steps: number): Stop {
  let left = steps;
  return { pollEvery: 1, shouldStop: () => left-- === 0 };
}

const kinds: readonly [string, ProveOptions][] = [
  ["as it is", {}],
  ["reduced", { reduce: true }],
  ["exact and reduced", { exact: true, reduce: true }],
  ["with fair livelocks", { livelocks: "fair" }],
  ["to the first finding", { find: "first", reduce: true }],
];

describe.each([
  ["steps learned", true],
  ["steps run", false],
] as const)("a search that was stopped and goes on is one that was not, %s", (_, parts) => {
  test.each(kinds)("%s, at a hundred programs of a seed", (__, options) => {
    const draw = new RandomNumbers(7);
    let stopped = 0;
    for (let seed = 1; seed <= 100; seed++) {
      const make = (): Toy => randomToy(seed, { parts });
      const all: ProveOptions = { find: "all", ...options };
      const whole = prove(make(), all);
      const steps = 1 + draw.below(whole.steps + 1);
      const states = 1 + draw.below(whole.states + 1);
      for (const stops of [
        [{ maxSteps: steps }],
        [{ maxStates: states }],
        [aborting(draw.below(whole.steps + 1)), aborting(draw.below(whole.steps + 1)), { maxSteps: steps }],
      ]) {
        const [outcome, pieces] = inPieces(make, all, stops);
        expect(told(outcome), `seed ${seed}`).toEqual(told(whole));
        stopped += pieces;
      }
    }
    expect(stopped).toBeGreaterThan(150);
  });

  test("with a law, so that contexts sleep instead of being put off", () => {
    const draw = new RandomNumbers(8);
    let slept = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const make = (): Toy => randomToy(seed, { parts, atMost: 1000 });
      const whole = prove(make(), { find: "all", reduce: true });
      slept += prove(make(), { find: "all" }).steps - whole.steps;
      const stops = [draw, draw, draw].map((d) => ({ maxSteps: d.below(whole.steps + 1) }));
      const [outcome] = inPieces(make, { find: "all", reduce: true }, stops);
      expect(told(outcome), `seed ${seed}`).toEqual(told(whole));
    }
    expect(slept > 0).toBe(parts);
  });

  test("at every single step of small programs", () => {
    for (const make of [
      () => abba({ parts }),
      () => philosophers(3, true),
      spinLivelock,
      () => randomToy(5, { parts }),
    ]) {
      const whole = prove(make(), { find: "all" });
      const steps = Array.from({ length: whole.steps }, (__, i) => ({ maxSteps: i }));
      const [outcome, pieces] = inPieces(make, { find: "all" }, steps);
      expect(told(outcome)).toEqual(told(whole));
      expect(pieces).toBe(whole.steps);
    }
  });

  test("where memory is used up, again and again", () => {
    const set = (word: number, value: number): ToyOp => ({ op: "set", word, value });
    const tasks = Array.from({ length: 3 }, (__, c) => ({
      ops: Array.from({ length: 15 }, (___, n) => set(c, n + 1)),
    }));
    for (const exact of [false, true]) {
      const make = (): Toy => new Toy(tasks, 3, { parts });
      const whole = prove(make(), { exact });
      expect(whole.states).toBe(16 ** 3);
      const stops = Array.from({ length: 30 }, (__, i) => ({ memoryBytes: 20_000 * 1.1 ** i }));
      const [outcome, pieces] = inPieces(make, { exact }, stops);
      expect(told(outcome)).toEqual(told(whole));
      expect(pieces).toBeGreaterThan(3);
    }
  });

  test("where a component did not fit into memory that is judged", () => {
    // nobody ever ends: one component of all states that something leads to
    const round: ToyOp[] = [
      ...Array.from({ length: 12 }, (): ToyOp => ({ op: "set", word: 0, value: 1 })),
      { op: "jump", to: 0 },
    ];
    const make = (): Toy => new Toy([{ ops: round }, { ops: round }, { ops: round }], 1, { parts });
    for (const livelocks of ["endless", "fair"] as const) {
      const whole = prove(make(), { livelocks });
      expect(whole.finding?.kind).toBe("livelock");
      const stops = Array.from({ length: 80 }, (__, i) => ({ memoryBytes: 20_000 * 1.05 ** i }));
      const [outcome, pieces] = inPieces(make, { livelocks }, stops);
      expect(told(outcome)).toEqual(told(whole));
      expect(pieces).toBeGreaterThan(3);
    }
  });
});

describe("a search whose reduction was misled", () => {
  // one choice in 600 takes the locks the other way round; see footprints.test.ts
  const lock = (mutex: number): ToyOp => ({ op: "lock", mutex });
  const unlock = (mutex: number): ToyOp => ({ op: "unlock", mutex });
  const rare: ToyOp[] = [
    { op: "choose", ways: 5000 },
    { op: "jumpIf", value: 4711, to: 4 },
    { op: "add", word: 2, value: 1 },
    { op: "jump", to: 8 },
    lock(1),
    lock(0),
    unlock(0),
    unlock(1),
  ];
  const make = (): Toy =>
    new Toy([{ ops: rare }, { ops: [lock(0), lock(1), unlock(1), unlock(0)] }], 3, { parts: true });

  test("goes on before, within and after the search that is begun again", () => {
    const options: ProveOptions = { find: "all", reduce: true };
    const whole = prove(make(), options);
    // steps of the misled search count, its states do not
    const misled = whole.steps - prove(make(), { find: "all" }).steps;
    expect(whole.steps).toBeGreaterThan(whole.states + 1000);
    for (const share of [0.01, 0.3, 0.45, 0.5, 0.55, 0.8, 0.99]) {
      const [outcome, pieces] = inPieces(make, options, [{ maxSteps: Math.floor(whole.steps * share) }]);
      expect(pieces, String(misled)).toBe(1);
      expect(told(outcome)).toEqual(told(whole));
    }
  });
});

describe("on an incident", () => {
  const make = (id: string, parameters: Record<string, number>, fixes: readonly string[]): Reducible => {
    const incident = incidents.find((one) => one.id === id);
    if (incident === undefined) throw new Error(`no incident ${id}`);
    const result = prepare(incident, { fixes, parameters });
    if (!result.ok) throw new Error(result.error.message);
    return result.prepared.kernel.start();
  };
  test.each([
    ["memcg-writeback-abba", { faulters: 1, writers: 0, room: 0 }, ["prealloc-pte"], {}],
    ["memcg-writeback-abba", { faulters: 1, writers: 0, room: 0 }, ["prealloc-pte"], { exact: true }],
    ["memcg-writeback-abba", { faulters: 1, writers: 0, room: 0 }, ["prealloc-pte"], { livelocks: "fair" }],
    ["memcg-writeback-abba", { faulters: 1, writers: 0, room: 0 }, [], {}],
    ["nbd-server-memcg", {}, [], {}],
  ] as const)("%s %o %o %o", (id, parameters, fixes, more) => {
    const program = (): Reducible => make(id, parameters, fixes);
    const options: ProveOptions = { reduce: true, maxStates: 20_000, ...more };
    const whole = prove(program(), options);
    const stops = [3, 500, 2_000, 9_000].filter((n) => n < whole.states).map((maxStates) => ({ maxStates }));
    const [outcome, pieces] = inPieces(program, options, [...stops, { maxStates: 20_000 }]);
    expect(pieces).toBeGreaterThan(0);
    expect(told(outcome)).toEqual(told(whole));
  });
});

describe("what is saved", () => {
  const saved = (options: ProveOptions = {}): SavedSearch[] => {
    const all: SavedSearch[] = [];
    prove(philosophers(4), { ...options, save: (search) => void all.push(structuredClone(search)) });
    return all;
  };
  test("nothing of a search that has its answer", () => {
    expect(saved({ find: "all" })).toEqual([]);
    expect(saved()).toEqual([]);
  });
  test("nothing of a search that takes images of a state for one", () => {
    const searched: boolean[] = [];
    for (const symmetry of [true, false]) {
      const all: SavedSearch[] = [];
      const whole = prove(equalTasks(3), { find: "all", symmetry });
      const save = (search: SavedSearch): void => void all.push(structuredClone(search));
      expect(prove(equalTasks(3), { find: "all", symmetry, maxStates: 5, save }).stopped).toBe("states");
      searched.push(all.length > 0);
      for (const resume of all) expect(told(prove(equalTasks(3), { resume }))).toEqual(told(whole));
    }
    expect(searched).toEqual([false, true]);
  });
  test("is refused in another state, and decides its own course", () => {
    const [search] = saved({ find: "all", exact: true, maxStates: 20 });
    expect(() => prove(philosophers(5), { resume: search! })).toThrow(RangeError);
    const moved = philosophers(4);
    moved.step(0, 0);
    expect(() => prove(moved, { resume: search! })).toThrow("in another state");
    const outcome = prove(philosophers(4), { find: "first", resume: search! });
    expect(told(outcome)).toEqual(told(prove(philosophers(4), { find: "all" })));
  });
  test("is plain data, the visited states packed", () => {
    const all: SavedSearch[] = [];
    prove(abba({ parts: true }), { maxStates: 5, find: "all", save: (one) => void all.push(one) });
    const [search] = all;
    const held = (search?.space.sums?.segments ?? []).reduce((sum, { length }) => sum + length, 0);
    expect(held).toBe(search!.space.sums!.size * 5);
    expect(structuredClone(search)).toEqual(search);
  });
});
