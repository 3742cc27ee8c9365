import { describe, expect, test } from "vitest";
import { SymmetryError } from "../resumable/errors.ts";
import type { Explorable, Symmetry } from "../resumable/explorable.ts";
import { stateText } from "./faults.ts";
import { type NaiveOutcome, naive } from "./naive.ts";
import { type ProveOutcome, prove } from "./prove.ts";
import { replay } from "./schedule.ts";
import { symmetricMachine, wrongMachines } from "./symmetric-program.ts";
import { symmetricToy } from "./symmetric-toys.ts";
import type { Finding, Reducible } from "./types.ts";

type Symmetric = Explorable & { readonly symmetry: Symmetry };

/** The least text among the images of a state: equal for all of them. */
function orbitOf(program: Symmetric, words: Int32Array): string {
  const image = new Int32Array(words.length);
  const texts = program.symmetry.elements.map((element) => {
    element.image(words, 0, words.length, image);
    return stateText(image);
  });
  return [stateText(words), ...texts].sort()[0]!;
}

function wordsOf(text: string, length: number): Int32Array {
  const words = new Int32Array(length);
  for (const entry of text === "" ? [] : text.split(" ")) {
    const [at, value] = entry.split(":").map(Number);
    words[at!] = value!;
  }
  return words;
}

/** States by orbits, sorted. */
function orbits(program: Symmetric, texts: Iterable<string>): string[] {
  return [...new Set([...texts].map((text) => orbitOf(program, wordsOf(text, program.words.length))))].sort();
}

/** How many orbits there are, by a search of all states. */
function countOrbits(program: Symmetric): number {
  const first = program.words.slice();
  const known = new Set([first.join()]);
  const found = new Set<string>();
  for (const key of known) {
    const state = Int32Array.from(key.split(","), Number);
    found.add(orbitOf(program, state));
    for (let c = 0; c < program.contexts; c++) {
      program.words.set(state);
      for (let way = program.ways(c) - 1; way >= 0; way--) {
        program.words.set(state);
        try {
          program.step(c, way);
          known.add(program.words.join());
        } catch {
          // leads nowhere
        }
      }
    }
  }
  program.words.set(first);
  return found.size;
}

/** Errors name tasks and objects, which are as good as their images. */
const unnamed = (message: string): string => message.replace(/(mutex|worker) \d+/g, "$1");

function symmetric(program: Explorable): Symmetric {
  if (program.symmetry === undefined) throw new Error("nothing was declared");
  return program as Symmetric;
}

function expectShows(program: Reducible, finding: Finding, where: string): void {
  const result = replay(program, finding.schedule);
  expect(result, where).toMatchObject({ ok: true, steps: finding.schedule.length });
  const able = Array.from({ length: program.contexts }, (_, c) => program.ways(c) > 0);
  if (finding.kind === "deadlock") expect(able, where).not.toContain(true);
  if (finding.kind === "invariant" && result.ok && result.error !== undefined)
    expect(result.error.message, where).toBe(finding.message);
  if (finding.kind === "dead-subset") for (const c of finding.contexts) expect(program.ways(c), where).toBe(0);
  if (finding.kind !== "livelock") return;
  const before = stateText(program.words);
  expect(replay(program, finding.cycle), where).toMatchObject({ ok: true });
  expect(stateText(program.words), where).toBe(before);
}

interface Truth {
  /** To be searched itself: another world may number its constants otherwise, and so have other words. */
  readonly program: Symmetric;
  readonly oracle: NaiveOutcome;
  readonly orbits: number;
  readonly deadlocks: readonly string[];
  readonly ends: readonly string[];
}
/** Larger programs take the oracle too long; they are passed over. */
const MOST_STATES = 1_500;
const truths = new Map<string, Truth>();
/** What is so, found without symmetry. */
function truth(key: string, build: () => Symmetric): Truth {
  let known = truths.get(key);
  if (known === undefined) {
    const program = build();
    const oracle = naive(program, MOST_STATES);
    const [deadlocks, ends] = [orbits(program, oracle.deadlocks), orbits(program, oracle.ends)];
    known = { program, oracle, orbits: oracle.complete ? countOrbits(program) : 0, deadlocks, ends };
    truths.set(key, known);
  }
  return known;
}

class Seen {
  readonly counts = { programs: -300, deadlock: 0, livelock: 0, dead: 0, broken: 0, ends: 0, saved: 0, putOff: 0 };
  add({ oracle }: Truth, found: ProveOutcome): void {
    const { counts } = this;
    counts.programs++;
    counts.saved += oracle.states - found.states;
    counts.putOff += found.reduced;
    counts.deadlock += oracle.deadlocks.size > 0 ? 1 : 0;
    counts.livelock += oracle.livelock ? 1 : 0;
    counts.dead += oracle.deadWhileOthersRun ? 1 : 0;
    counts.broken += oracle.broken.size > 0 ? 1 : 0;
    counts.ends += oracle.ends.size > 0 ? 1 : 0;
  }
}

/** The outcome of a search of all states with symmetry is that of the naive one without. */
function expectAgrees(found: ProveOutcome, program: Symmetric, told: Truth, reduce: boolean, where: string): void {
  const { oracle } = told;
  const kinds = new Set(found.findings.map((f) => f.kind));
  expect(found.complete, where).toBe(true);
  expect(found.symmetry, where).toBe(1 + program.symmetry.elements.length);
  expect(orbits(program, found.deadlocks), where).toEqual(told.deadlocks);
  expect(orbits(program, found.ends), where).toEqual(told.ends);
  expect(kinds.has("livelock"), where).toBe(oracle.livelock);
  expect(kinds.has("deadlock"), where).toBe(oracle.deadlocks.size > 0);
  const broken = new Set(found.findings.filter((f) => f.kind === "invariant").map((f) => unnamed(f.message)));
  expect([...broken].sort(), where).toEqual([...new Set([...oracle.broken].map(unnamed))].sort());
  // reduced, the others may all have finished by the time the subset dies
  const dead = oracle.deadSubsets.size > 0 || oracle.deadWhileOthersRun;
  if (!reduce || program.deadSubset === undefined) expect(kinds.has("dead-subset"), where).toBe(dead);
  else if (dead) expect(kinds.has("dead-subset") || kinds.has("deadlock"), where).toBe(true);
  if (reduce) expect(found.states, where).toBeLessThanOrEqual(told.orbits);
  else expect(found.states, where).toBe(told.orbits);
}

type Options = { readonly reduce: boolean; readonly exact?: boolean };
const LEARNED: readonly (readonly [string, Options])[] = [
  ["steps learned, sums", { reduce: false }],
  ["steps learned, exact states", { reduce: false, exact: true }],
  ["steps learned, reduction", { reduce: true }],
  ["steps learned, reduction, exact states", { reduce: true, exact: true }],
];
const MODES: readonly (readonly [string, Options & { readonly parts: boolean }])[] = [
  ["steps run", { parts: false, reduce: false }],
  ["steps run, reduction", { parts: false, reduce: true }],
  ...LEARNED.map(([name, options]) => [name, { parts: true, ...options }] as const),
];

describe("prove with declared symmetry, against the naive oracle without", () => {
  const SEEDS = 320;

  test.each(MODES)(`${SEEDS} generated programs, %s`, (_, { parts, ...options }) => {
    const seen = new Seen();
    for (let seed = 0; seed < SEEDS; seed++) {
      const build = (divided: boolean) =>
        symmetricToy(seed, { deadSubset: seed % 3 === 0, law: seed % 7 === 1, parts: divided }).program;
      const told = truth(`toy ${seed}`, () => build(false));
      if (!told.oracle.complete) continue;
      const program = build(parts);
      const found = prove(program, { find: "all", ...options });
      expectAgrees(found, program, told, options.reduce, `seed ${seed}`);
      for (const finding of found.findings) expectShows(build(false), finding, `seed ${seed}`);
      seen.add(told, found);
    }
    for (const [what, times] of Object.entries(seen.counts))
      if (what !== "putOff" || options.reduce) expect(times, what).toBeGreaterThan(5);
  });

  test.each(LEARNED)("60 generated programs of the machine, %s", (_, options) => {
    const seen = new Seen();
    for (let seed = 0; seed < 60; seed++) {
      const told = truth(`machine ${seed}`, () => symmetric(symmetricMachine(seed)));
      const { program } = told;
      if (!told.oracle.complete) continue;
      const found = prove(program, { find: "all", ...options });
      expectAgrees(found, program, told, options.reduce, `seed ${seed}`);
      for (const finding of found.findings) expectShows(symmetricMachine(seed), finding, `seed ${seed}`);
      seen.add(told, found);
    }
    const { programs, deadlock, broken, ends, saved } = seen.counts;
    expect(programs).toBeGreaterThan(45 - 300);
    expect(Math.min(deadlock, broken, ends, saved)).toBeGreaterThan(2);
  });

  test.each([{ parts: false }, { parts: true }])("a column with an operation of its own is refused, %o", (options) => {
    for (let seed = 0; seed < 60; seed++) {
      const { program } = symmetricToy(seed, options, true);
      expect(() => prove(program, { find: "all" }), `seed ${seed}`).toThrow(SymmetryError);
      expect(() => prove(program, { find: "all", symmetry: false }), `seed ${seed}`).not.toThrow();
    }
  });

  test.each(Object.entries(wrongMachines))("refused: %s", (_, build) => {
    const message = /^not symmetric: /;
    expect(() => prove(build(), { find: "all" })).toThrow(message);
    expect(prove(build(), { find: "all", symmetry: false })).toMatchObject({ complete: true, symmetry: 1 });
  });
});
