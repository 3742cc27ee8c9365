/** Steps learned by heart on programs of the real machine, whose parts are more than a word. */
import { describe, expect, test } from "vitest";
import { testKernel } from "../kernel/sched/testing.ts";
import { kernelPrograms } from "./kernel-locks-program.ts";
import { isLearnable, type Learnable, LearnedProgram } from "./learned.ts";
import { prove } from "./prove.ts";
import { RandomNumbers } from "./random-numbers.ts";
import type { Reducible } from "./types.ts";

describe.each(Object.entries(kernelPrograms))("%s", (_, build) => {
  const program = (): Learnable => {
    const kernel = testKernel("6.1");
    build(kernel);
    const machine: Reducible = kernel.start();
    if (!isLearnable(machine)) throw new Error("the machine has no parts");
    return machine;
  };
  const contextsOf = (machine: Reducible): number[] => Array.from({ length: machine.contexts }, (_, c) => c);

  test("walks forth and back as the machine does, with the same answers", () => {
    const [mine, twin] = [program(), program()];
    const learned = new LearnedProgram(mine);
    const draw = new RandomNumbers(3);
    const initial = twin.words.slice();
    const firstSum = learned.sum.slice();
    const path: { leaf: number; words: Int32Array; sum: string }[] = [];
    const sums = new Map<string, string>();
    for (let i = 0; i < 120; i++) {
      const able = contextsOf(twin).filter((c) => twin.ways(c) > 0);
      expect(contextsOf(twin).map((c) => learned.ways(c))).toEqual(contextsOf(twin).map((c) => twin.ways(c)));
      expect(contextsOf(twin).map((c) => learned.rests(c))).toEqual(
        contextsOf(twin).map((c) => twin.finished(c) || twin.idle(c)),
      );
      expect([...learned.deadSubset()]).toEqual([...(twin.deadSubset?.() ?? [])]);
      const back = able.length === 0 || draw.below(4) === 0 ? path.pop() : undefined;
      if (back !== undefined) {
        learned.undo(back.leaf);
        twin.words.set(back.words);
        expect(learned.sum.join()).toBe(back.sum);
      } else if (able.length > 0) {
        const context = able[draw.below(able.length)]!;
        const before = { words: twin.words.slice(), sum: learned.sum.join() };
        twin.step(context, 0);
        path.push({ leaf: learned.step(context, 0), ...before });
      }
      if (draw.below(3) === 0) {
        mine.words.fill(77);
        learned.forget();
      }
      learned.materialize();
      expect(mine.words.join() === twin.words.join(), `step ${i}`).toBe(true);
      const text = twin.words.join();
      expect(sums.get(text) ?? learned.sum.join()).toBe(learned.sum.join());
      sums.set(text, learned.sum.join());
    }
    expect(new Set(sums.values()).size).toBe(sums.size);
    learned.rewind();
    expect(learned.sum).toEqual(firstSum);
    learned.materialize();
    expect(mine.words).toEqual(initial);
  });

  test("has learned all there is once every state was seen", () => {
    const machine = program();
    const learned = new LearnedProgram(machine);
    const walk = (rounds: number, seed: number): void => {
      const draw = new RandomNumbers(seed);
      for (let round = 0; round < rounds; round++) {
        learned.rewind();
        for (;;) {
          const able = contextsOf(machine).filter((c) => learned.ways(c) > 0);
          if (able.length === 0) break;
          learned.step(able[draw.below(able.length)]!, 0);
        }
      }
    };
    walk(300, 1);
    const { leaves, bytes } = learned;
    const { states, steps } = prove(program(), { find: "all" });
    expect(leaves).toBeGreaterThan(0);
    expect(leaves).toBeLessThan(steps);
    expect(states).toBeGreaterThan(5);
    walk(300, 2);
    expect(learned.leaves).toBe(leaves);
    expect(learned.bytes).toBe(bytes);
    expect(bytes).toBeGreaterThan(0);
  });

  test("by sums and whole there are the same states", () => {
    const [sums, exact] = [prove(program(), { find: "all" }), prove(program(), { find: "all", exact: true })];
    expect([sums.states, sums.steps, sums.depth]).toEqual([exact.states, exact.steps, exact.depth]);
    expect(sums.deadlocks).toEqual(exact.deadlocks);
    expect(sums.ends).toEqual(exact.ends);
  });
});
