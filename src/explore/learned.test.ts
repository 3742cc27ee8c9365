import { describe, expect, test } from "vitest";
import { DecisionTree } from "./decision-tree.ts";
import { stateText } from "./faults.ts";
import { HashedSet, omissionProbability } from "./hashed-set.ts";
import { IntList } from "./int-list.ts";
import { isLearnable, type Learnable, LearnedProgram } from "./learned.ts";
import { PartContents } from "./part-contents.ts";
import { pct } from "./pct.ts";
import { prove } from "./prove.ts";
import { random } from "./random.ts";
import { RandomNumbers } from "./random-numbers.ts";
import { abba, philosophers, randomToy, Toy } from "./toys.ts";

const listOf = (...numbers: number[]): IntList => {
  const list = new IntList();
  for (const n of numbers) list.push(n);
  return list;
};

function learnable(program: Toy): Learnable & Toy {
  if (!isLearnable(program)) throw new Error("the toy has no parts");
  return program;
}

describe("a learned program", () => {
  test("walks as the program does, forth and back, and learns each step once", () => {
    for (let seed = 0; seed < 60; seed++) {
      const program = learnable(randomToy(seed, { parts: true }));
      const twin = randomToy(seed);
      const learned = new LearnedProgram(program);
      const draw = new RandomNumbers(seed + 1);
      const path: { leaf: number; words: Int32Array; sum: string }[] = [];
      for (let i = 0; i < 300; i++) {
        const able = twin.tasks.flatMap((_, c) => (twin.ways(c) > 0 ? [c] : []));
        for (let c = 0; c < twin.contexts; c++) expect(learned.ways(c)).toBe(twin.ways(c));
        const back = path.pop();
        if (back !== undefined && (able.length === 0 || draw.below(3) === 0)) {
          learned.undo(back.leaf);
          twin.words.set(back.words);
          expect(learned.sum.join()).toBe(back.sum);
        } else if (able.length > 0) {
          if (back !== undefined) path.push(back);
          const context = able[draw.below(able.length)]!;
          const way = draw.below(twin.ways(context));
          const before = { words: twin.words.slice(), sum: learned.sum.join() };
          let thrown: unknown;
          try {
            twin.step(context, way);
          } catch (error) {
            thrown = error;
            twin.words.set(before.words);
          }
          if (thrown !== undefined) expect(() => learned.step(context, way)).toThrow((thrown as Error).message);
          else path.push({ leaf: learned.step(context, way), ...before });
        }
        learned.materialize();
        expect(stateText(program.words)).toBe(stateText(twin.words));
      }
    }
  });

  test("has the same sum for the same words, whatever the way there", () => {
    const sums = new Map<string, string>();
    for (let seed = 0; seed < 20; seed++) {
      const program = learnable(withParts(philosophers(4, true)));
      const learned = new LearnedProgram(program);
      const draw = new RandomNumbers(seed + 1);
      for (let i = 0; i < 100; i++) {
        const able = program.tasks.flatMap((_, c) => (learned.ways(c) > 0 ? [c] : []));
        if (able.length === 0) break;
        learned.step(able[draw.below(able.length)]!, 0);
        learned.materialize();
        const text = stateText(program.words);
        expect(sums.get(text) ?? learned.sum.join()).toBe(learned.sum.join());
        sums.set(text, learned.sum.join());
      }
    }
    expect(new Set(sums.values()).size).toBe(sums.size);
    expect(sums.size).toBeGreaterThan(50);
  });

  test("a step that writes what it does not tell is a fault", () => {
    const program = learnable(withParts(abba()));
    const step = program.step.bind(program);
    Object.assign(program, {
      step: (c: number, way: number) => {
        step(c, way);
        program.words[5] = 1;
      },
    });
    expect(prove(program).finding).toMatchObject({
      kind: "invariant",
      message: expect.stringContaining("fault depends on state that is not told: word 5 was written"),
    });
  });

  test("a step that reads what it does not tell is found", () => {
    // a task of many rounds whose steps look at a clock outside of the state
    const rounds = withParts(
      new Toy(
        [
          {
            ops: [
              { op: "add", word: 0, value: 1 },
              { op: "jump", to: 0 },
            ],
          },
        ],
        1,
      ),
    );
    const step = rounds.step.bind(rounds);
    let clock = 0;
    Object.assign(rounds, {
      step: (c: number, way: number) => {
        step(c, way);
        if (++clock > 9) rounds.words[2] = 0;
      },
    });
    const learned = new LearnedProgram(learnable(rounds));
    expect(() => {
      for (let i = 0; i < 50_000; i++) learned.step(0, 0);
    }).toThrow("depends on state that is not told");
  });

  test("random schedules are the same, learned or run", () => {
    for (let seed = 0; seed < 100; seed++) {
      const options = { find: "all", seed, maxExecutions: 20, maxDepth: 60, learn: true } as const;
      const toy = { deadSubset: seed % 2 === 0, ...(seed % 3 === 0 ? { atMost: 2 } : {}) };
      for (const search of [random, pct])
        expect(search(randomToy(seed, { ...toy, parts: true }), options)).toEqual(
          search(randomToy(seed, toy), options),
        );
    }
  });

  test("laws are asked in every state", () => {
    const program = randomToy(0, { parts: true });
    let asked = 0;
    Object.assign(program, { brokenInvariant: () => void asked++ });
    expect(prove(program, { find: "all" }).states).toBe(asked);
  });
});

function partsOf(program: Toy) {
  return {
    starts: Int32Array.from({ length: program.words.length + 1 }, (_, word) => word),
    own: program.tasks.map((_, c) => [c * 2, c * 2 + 1]),
  };
}
function withParts(program: Toy): Toy {
  return Object.assign(program, { parts: partsOf(program) });
}

describe("a decision tree", () => {
  test("finds what it learned, among thousands", () => {
    const slots = new Int32Array(4);
    const tree = new DecisionTree(slots);
    const draw = new RandomNumbers(3);
    // looks at slot 0, then at slot 1 or 2 by whether it is odd
    const tests = (): IntList => ((slots[0]! & 1) === 1 ? listOf(0, 1) : listOf(0, 2, 3));
    const known = new Map<string, number>();
    let root = 0;
    for (let i = 0; i < 20_000; i++) {
      for (let s = 0; s < 4; s++) slots[s] = draw.below(s === 0 ? 40 : 9) - 2;
      const list = tests();
      const key = Array.from({ length: list.length }, (_, k) => slots[list.at(k)]).join();
      expect(root === 0 ? -1 : tree.find(root)).toBe(known.get(key) ?? -1);
      if (known.has(key)) continue;
      root = tree.learn(root, list, known.size);
      known.set(key, known.size);
    }
    expect(known.size).toBeGreaterThan(1000);
  });

  test("refuses what contradicts it", () => {
    const slots = new Int32Array(3);
    const tree = new DecisionTree(slots);
    const root = tree.learn(0, listOf(0, 1), 7);
    expect(() => tree.learn(root, listOf(0, 2), 8)).toThrow("depends on untold state");
    expect(() => tree.learn(root, listOf(0, 1), 8)).toThrow("depends on untold state");
    expect(() => tree.learn(root, listOf(0, 1, 2), 8)).toThrow("depends on untold state");
    slots[1] = 5;
    expect(() => tree.learn(root, listOf(1, 0), 8)).toThrow("depends on untold state");
    tree.learn(root, listOf(0, 1, 2), 9);
    expect(tree.find(root)).toBe(9);
  });
});

describe("contents of a part", () => {
  test("are numbered by their words and put back whole", () => {
    const contents = new PartContents(3);
    const words = Int32Array.of(9, 1, 2, 0, 0, 9);
    expect(contents.intern(words, 1, 5)).toBe(0);
    words[3] = 7;
    expect(contents.intern(words, 1, 5)).toBe(1);
    words[3] = 0;
    expect([contents.intern(words, 1, 5), contents.size]).toEqual([0, 2]);
    words.fill(8, 1, 5);
    contents.put(0, words, 1, 5);
    expect([...words]).toEqual([9, 1, 2, 0, 0, 9]);
    expect(new PartContents(4).intern(words, 1, 5)).toBe(0);
    expect(contents.sumOf(0, 0)).not.toBe(contents.sumOf(1, 0));
  });
});

describe("a set of sums", () => {
  test("numbers sums in the order they come, and keeps to its bound", () => {
    const set = new HashedSet(200_000);
    const sum = new Int32Array(4);
    const numbers = new Map<string, number>();
    const draw = new RandomNumbers(11);
    let refused = 0;
    for (let i = 0; i < 30_000; i++) {
      for (let lane = 0; lane < 4; lane++) sum[lane] = draw.below(lane === 0 ? 9000 : 2);
      const known = numbers.get(sum.join());
      const number = set.intern(sum);
      if (number < 0) {
        expect(known).toBeUndefined();
        refused++;
        continue;
      }
      expect([number, set.fresh]).toEqual([known ?? numbers.size, known === undefined]);
      numbers.set(sum.join(), number);
    }
    expect(refused).toBeGreaterThan(0);
    expect(set.size).toBe(numbers.size);
    expect(set.bytes).toBeLessThanOrEqual(200_000);
  });

  test("tells how likely it is that a state was missed", () => {
    expect(omissionProbability(1)).toBe(0);
    expect(omissionProbability(2)).toBeCloseTo(2 ** -128);
    expect(omissionProbability(1e8)).toBeLessThan(1e-22);
  });
});
