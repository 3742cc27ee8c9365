import { describe, expect, test } from "vitest";
import { pct } from "./pct.ts";
import { random } from "./random.ts";
import { RandomNumbers } from "./random-numbers.ts";
import { Toy, type ToyOp } from "./toys.ts";
import type { Choice, Reducible } from "./types.ts";

const forEver: ToyOp = { op: "jump", to: 0 };

/** Who steps in which way, run by run. */
function watch(program: Toy): { readonly program: Reducible; readonly runs: Choice[][] } {
  const runs: Choice[][] = [[]];
  const step = program.step.bind(program);
  const watched = Object.assign(program, {
    step: (context: number, way: number) => {
      if (program.words.every((word) => word === 0) && runs.at(-1)!.length > 0) runs.push([]);
      runs.at(-1)!.push({ context, way });
      step(context, way);
    },
  });
  return { program: watched, runs };
}
const lines = (runs: readonly Choice[][]): string[] => runs.map((run) => run.map((choice) => choice.context).join(""));
/** Tasks that each set a word of their own `length` times. */
const setters = (count: number, length: number): Toy =>
  new Toy(
    Array.from({ length: count }, (_, c) => ({
      ops: Array.from({ length }, (): ToyOp => ({ op: "set", word: c, value: 1 })),
    })),
    count,
  );

/** The scheduler of the paper written down plainly, with the same draws; `patience` not reached. */
function expected(
  seed: number,
  contexts: number,
  length: number,
  depth: number,
  within: number | undefined,
  runs: number,
) {
  const random = new RandomNumbers(seed);
  let longest = 1;
  return Array.from({ length: runs }, () => {
    const priority = Array.from({ length: contexts }, (_, c) => c + 1);
    for (let c = contexts - 1; c > 0; c--) {
      const other = random.below(c + 1);
      [priority[c], priority[other]] = [priority[other]!, priority[c]!];
    }
    const changes = new Set(
      Array.from({ length: depth - 1 }, () => random.below(Math.max(1, Math.min(within ?? longest, 10_000)))),
    );
    const left = new Array<number>(contexts).fill(length);
    let bottom = 0;
    let line = "";
    for (let step = 0; step < contexts * length; step++) {
      longest = Math.max(longest, step + 1);
      const best = (): number => {
        const able = left.flatMap((n, c) => (n > 0 ? [c] : []));
        return able.reduce((a, b) => (priority[b]! > priority[a]! ? b : a));
      };
      if (changes.has(step)) priority[best()] = --bottom;
      const ran = best();
      left[ran]!--;
      line += ran;
    }
    return line;
  });
}

describe("pct", () => {
  test.each([
    [1, 3, undefined],
    [2, 3, undefined],
    [5, 1, undefined],
    [6, 6, 12],
    [7, 4, 5],
    [8, 2, 0],
    [9, 3, 1e9],
  ])("seed %s, depth %s, changes within %s: runs as the paper has them", (seed, bugDepth, changeWithin) => {
    const { program, runs } = watch(setters(4, 5));
    const options = { seed, bugDepth, maxExecutions: 20, ...(changeWithin === undefined ? {} : { changeWithin }) };
    pct(program, { find: "all", ...options });
    expect(lines(runs)).toEqual(expected(seed, 4, 5, bugDepth, changeWithin, 20));
  });

  test("seed 1 and depth 3 unless told otherwise", () => {
    const { program, runs } = watch(setters(3, 4));
    pct(program, { find: "all", maxExecutions: 10 });
    expect(lines(runs)).toEqual(expected(1, 3, 4, 3, undefined, 10));
  });

  test("changes of priority fall among the first steps that a run may have", () => {
    // with runs of at most two steps, a change within more would mostly never come
    const { program, runs } = watch(setters(2, 50));
    pct(program, { find: "all", maxExecutions: 40, maxDepth: 2, changeWithin: 1000, bugDepth: 2 });
    expect(lines(runs).filter((line) => line === "01" || line === "10").length).toBeGreaterThan(5);
  });

  test("who ran a hundred steps in a row, or as many as told, lets the others run", () => {
    const loops = (): Toy => new Toy([{ ops: [forEver] }, { ops: [forEver] }], 1);
    const line = (patience?: number): string => {
      const order: number[] = [];
      const program = loops();
      const step = program.step.bind(program);
      Object.assign(program, {
        step: (c: number, way: number) => {
          order.push(c);
          step(c, way);
        },
      });
      pct(program, {
        bugDepth: 1,
        maxExecutions: 1,
        maxDepth: 350,
        find: "all",
        ...(patience === undefined ? {} : { patience }),
      });
      return order.join("").replace(/(.)\1*/g, (run) => `${run[0]}x${run.length} `);
    };
    expect(line()).toMatch(/^(0x100 1x100 0x100 1x50|1x100 0x100 1x100 0x50) $/);
    expect(line(3)).toMatch(/^((0x3 1x3 )+0x2|(1x3 0x3 )+1x2) $/);
    expect(line(1000)).toMatch(/^[01]x350 $/);
  });

  test("who is alone goes on although tired, and counts anew when it was not", () => {
    const { program } = watch(new Toy([{ ops: [forEver] }], 1));
    expect(pct(program, { bugDepth: 1, maxExecutions: 1, maxDepth: 30, patience: 2, find: "all" }).depth).toBe(30);
  });

  test.each([
    ["pct", pct],
    ["random", random],
  ])("%s draws ways evenly, and none where there is but one", (_, search) => {
    const ops: ToyOp[] = [{ op: "choose", ways: 3 }];
    const { program, runs } = watch(new Toy([{ ops }], 1));
    search(program, { find: "all", maxExecutions: 300, seed: 5 });
    const drawn = [0, 1, 2].map((way) => runs.flat().filter((choice) => choice.way === way).length);
    expect(drawn.reduce((a, b) => a + b)).toBe(300);
    expect(Math.min(...drawn)).toBeGreaterThan(70);
    expect(search(program, { find: "all", maxExecutions: 30 })).toEqual(
      search(program, { find: "all", maxExecutions: 30, seed: 1 }),
    );
  });

  test("a random walk draws its contexts evenly, with the numbers of its seed", () => {
    const { program, runs } = watch(setters(3, 2));
    random(program, { find: "all", maxExecutions: 50, seed: 3 });
    const numbers = new RandomNumbers(3);
    const plain = Array.from({ length: 50 }, () => {
      const left = [2, 2, 2];
      let line = "";
      for (let step = 0; step < 6; step++) {
        const able = left.flatMap((n, c) => (n > 0 ? [c] : []));
        const ran = able[numbers.below(able.length)]!;
        left[ran]!--;
        line += ran;
      }
      return line;
    });
    expect(lines(runs)).toEqual(plain);
  });
});
