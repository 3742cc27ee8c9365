import { describe, expect, test } from "vitest";
import { bottomFault } from "./bottom.ts";
import { prove } from "./prove.ts";
import { abba, randomToy, spinLivelock, Toy, type ToyOp } from "./toys.ts";
import type { Choice, Reducible } from "./types.ts";

const forEver: ToyOp = { op: "jump", to: 0 };
const spin: readonly ToyOp[] = [
  { op: "get", word: 0 },
  { op: "jumpIf", value: 0, to: 0 },
];
const judged = (program: Reducible) => {
  const found = bottomFault(program, Infinity);
  if (found === "memory") throw new Error("there is no bound");
  return found;
};
/** Runs a cycle; the contexts that stepped. */
function walk(program: Reducible, cycle: readonly Choice[]): number[] {
  for (const { context, way } of cycle) {
    if (program.ways(context) <= way) throw new Error(`${program.name(context)} cannot step`);
    program.step(context, way);
  }
  return [...new Set(cycle.map((choice) => choice.context))].sort();
}

describe("the component that a program never leaves", () => {
  test("everybody who can step in it steps in the cycle that is shown, which is as short as it can be", () => {
    const program = new Toy([{ ops: spin }, { ops: [forEver], idle: true }, { ops: spin }], 1);
    const found = judged(program);
    expect(found?.fault).toEqual({
      kind: "livelock",
      contexts: [0, 2],
      message: "can only go round for ever: task/0, task/2",
    });
    const words = program.words.slice();
    program.words.fill(0);
    expect(walk(program, found!.cycle)).toEqual([0, 1, 2]);
    expect(program.words).toEqual(new Int32Array(program.words.length));
    expect(words.length).toBe(7);
    expect(found!.cycle.length).toBe(5);
  });

  test("a cycle home takes the shortest way, also in a way that is not the first", () => {
    // from the second place, way 2 leads back and the others go further
    const ops: ToyOp[] = [
      { op: "choose", ways: 3 },
      { op: "jumpIf", value: 2, to: 0 },
      { op: "choose", ways: 2 },
      { op: "jump", to: 0 },
    ];
    const found = judged(new Toy([{ ops }], 1));
    const program = new Toy([{ ops }], 1);
    walk(program, found!.cycle);
    const middle = program.words.slice();
    // the register keeps the last choice: only the first choice made again gives the first state of a cycle
    expect(middle).toEqual(new Int32Array(3));
    expect(found!.cycle.map((choice) => choice.way)).toEqual([0, 0, 0, 0]);
  });

  test("contexts that are blocked in all of it are dead, those that others might let go on are not", () => {
    const waits = (word: number): ToyOp[] => [{ op: "wait", word, value: 1 }, forEver];
    const flips: ToyOp[] = [
      { op: "set", word: 1, value: 1 },
      { op: "set", word: 1, value: 0 },
      { op: "jump", to: 0 },
    ];
    const program = new Toy([{ ops: waits(0) }, { ops: flips, idle: true }, { ops: waits(1), idle: true }], 2);
    const found = judged(program);
    expect(found).toEqual({
      fault: { kind: "dead-subset", contexts: [0], message: "can never proceed again: task/0" },
      cycle: [],
    });
  });

  test("progress excuses those that step, not those that are dead", () => {
    const dead: ToyOp[] = [{ op: "wait", word: 0, value: 1 }];
    const moves = (tasks: readonly { readonly ops: readonly ToyOp[] }[]): Reducible =>
      Object.assign(new Toy(tasks, 1), { progressed: () => true });
    expect(judged(moves([{ ops: spin }]))).toBeUndefined();
    expect(judged(moves([{ ops: spin }, { ops: dead }]))?.fault).toMatchObject({ kind: "dead-subset", contexts: [1] });
    const still = Object.assign(new Toy([{ ops: spin }], 1), { progressed: () => false });
    expect(judged(still)?.fault.kind).toBe("livelock");
  });

  test("one step that makes progress is enough, wherever it is", () => {
    for (const at of [0, 1]) {
      const program: Toy & Reducible = new Toy([{ ops: spin }], 1);
      const step = program.step.bind(program);
      let last = -1;
      Object.assign(program, {
        step: (context: number, way: number) => {
          last = program.words[0]!;
          step(context, way);
        },
        progressed: () => last === at,
      });
      expect(judged(program)).toBeUndefined();
    }
  });

  test("services may go round, and so may they after all have finished", () => {
    expect(judged(new Toy([{ ops: [forEver], idle: true }, { ops: [] }], 1))).toBeUndefined();
    // a task that can finish somewhere in the component, or whose code ends, is not stuck
    const program = spinLivelock();
    Object.assign(program, { finished: (c: number) => c === 1 || program.words[0] === 1 });
    expect(judged(program)).toBeUndefined();
  });

  test("one look is enough where nobody is unfinished: nothing is run", () => {
    const program = new Toy([{ ops: [forEver], idle: true }], 1);
    Object.assign(program, {
      step: () => {
        throw new Error("was run");
      },
    });
    expect(judged(program)).toBeUndefined();
  });

  test("does not fit: memory", () => {
    const long = (): Toy =>
      new Toy([{ ops: [...Array.from({ length: 300 }, (): ToyOp => ({ op: "get", word: 0 })), forEver] }], 1);
    expect(bottomFault(long(), 10_000)).toBe("memory");
    const found = bottomFault(long(), 1_000_000);
    expect(found).toMatchObject({ fault: { kind: "livelock" } });
    expect(found !== "memory" && found?.cycle.length).toBe(301);
  });

  test("cycles of generated programs run, come back, and are fair", () => {
    let cycles = 0;
    for (let seed = 0; seed < 400; seed++) {
      const { finding } = prove(randomToy(seed));
      if (finding?.kind !== "livelock") continue;
      cycles++;
      const program = randomToy(seed);
      const run = (steps: readonly { readonly context: string; readonly way: number }[]): number[] =>
        walk(
          program,
          steps.map(({ context, way }) => ({ context: Number(context.split("/")[1]), way })),
        );
      run(finding.schedule);
      const before = program.words.slice();
      const ran = run(finding.cycle);
      expect(program.words).toEqual(before);
      for (let c = 0; c < program.contexts; c++) if (program.ways(c) > 0) expect(ran).toContain(c);
    }
    expect(cycles).toBeGreaterThan(5);
  });

  test("is not left where contexts wait for each other in it", () => {
    const program = new Toy([...abba().tasks, { ops: [forEver], idle: true }], 2);
    program.step(0, 0);
    program.step(1, 0);
    expect(judged(program)?.fault).toMatchObject({ kind: "dead-subset", contexts: [0, 1] });
  });
});
