import { describe, expect, test } from "vitest";
import { pct } from "./pct.ts";
import { random } from "./random.ts";
import { RandomNumbers } from "./random-numbers.ts";
import { Toy, type ToyOp, type ToyTask } from "./toys.ts";
import type { Choice, Reducible } from "./types.ts";

const forEver: ToyOp = { op: "jump", to: 0 };
const set = (word: number, value = 1): ToyOp => ({ op: "set", word, value });

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

interface Plan {
  readonly seed: number;
  readonly bugDepth: number;
  readonly changeWithin?: number;
  readonly patience?: number;
  readonly maxDepth?: number;
}

/** The scheduler of the paper written down plainly, with the same draws. */
function expected(make: () => Toy, plan: Plan, runs: number): string[] {
  const { patience = 100, maxDepth = 10_000 } = plan;
  const random = new RandomNumbers(plan.seed);
  let longest = 1;
  return Array.from({ length: runs }, () => {
    const program = make();
    const { contexts } = program;
    const priority = Array.from({ length: contexts }, (_, c) => c + 1);
    for (let c = contexts - 1; c > 0; c--) {
      const other = random.below(c + 1);
      [priority[c], priority[other]] = [priority[other]!, priority[c]!];
    }
    const within = Math.max(1, Math.min(plan.changeWithin ?? longest, maxDepth));
    const changes = new Set(Array.from({ length: plan.bugDepth - 1 }, () => random.below(within)));
    const highest = (): number =>
      priority.reduce((best, p, c) => (program.ways(c) > 0 && (best < 0 || p > priority[best]!) ? c : best), -1);
    let bottom = 0;
    const line: number[] = [];
    while (highest() >= 0 && line.length < maxDepth) {
      longest = Math.max(longest, line.length + 1);
      const best = highest();
      const inRow = line.length - 1 - line.findLastIndex((c) => c !== best);
      // whoever was let run although tired, as nobody else could, begins anew
      const tired = inRow > 0 && inRow % patience === 0;
      if (changes.has(line.length) || tired) priority[best] = --bottom;
      const ran = highest();
      const ways = program.ways(ran);
      program.step(ran, ways === 1 ? 0 : random.below(ways));
      line.push(ran);
    }
    return line.join("");
  });
}

describe("pct", () => {
  const detour: ToyTask = {
    ops: [{ op: "choose", ways: 3 }, { op: "jumpIf", value: 1, to: 9 }, ...[1, 2, 3, 4].map((n) => set(3, n))],
  };
  const waits: ToyTask = { idle: true, ops: [{ op: "wait", word: 3, value: 2 }, set(2)] };
  const mixed = (): Toy => new Toy([detour, { ops: [set(0), set(0, 2)] }, waits, detour], 4);

  test.each<[() => Toy, Plan]>([
    [() => setters(4, 5), { seed: 1, bugDepth: 3 }],
    [() => setters(4, 5), { seed: 5, bugDepth: 1 }],
    [() => setters(4, 5), { seed: 6, bugDepth: 6, changeWithin: 12 }],
    [() => setters(4, 5), { seed: 8, bugDepth: 2, changeWithin: 0 }],
    [() => setters(4, 5), { seed: 9, bugDepth: 3, changeWithin: 1e9 }],
    [() => setters(3, 6), { seed: 2, bugDepth: 2, patience: 2 }],
    [() => setters(3, 9), { seed: 3, bugDepth: 3, patience: 4 }],
    [() => setters(2, 30), { seed: 3, bugDepth: 2, patience: 3, maxDepth: 31 }],
    [mixed, { seed: 4, bugDepth: 3 }],
    [mixed, { seed: 10, bugDepth: 4, patience: 3 }],
    [mixed, { seed: 11, bugDepth: 2, maxDepth: 7 }],
  ])("runs as the paper has them: %s, %o", (make, plan) => {
    const { program, runs } = watch(make());
    pct(program, { find: "all", maxExecutions: 25, ...plan });
    expect(lines(runs)).toEqual(expected(make, plan, 25));
  });

  test("seed 1 and depth 3 unless told otherwise", () => {
    const { program, runs } = watch(setters(3, 4));
    pct(program, { find: "all", maxExecutions: 10 });
    expect(lines(runs)).toEqual(expected(() => setters(3, 4), { seed: 1, bugDepth: 3 }, 10));
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
