import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { describe, expect, it } from "vitest";
import { build as buildLocals } from "../../test/locals-program.ts";
import { build } from "../../test/locks-program.ts";
import * as misused from "../../test/misused-program.ts";
import { bool, create, Entity, fields, int, Machine, ModelError, op, World } from "./index.ts";
import { FP, OP } from "./ops.ts";
import { transformModule } from "./transform/transform.ts";

describe("the machine", () => {
  it("runs compiled functions to a deadlock and prints where they stand", () => {
    const m = build(2, 4);
    expect([m.contexts, m.ways(1), m.position(1)]).toEqual([3, 1, "abba:0 step"]);
    for (const context of [1, 2, 1, 2]) m.step(context, 0);
    expect([1, 2].map((c) => [m.name(c), m.ways(c), m.position(c)])).toEqual([
      ["ab", 0, "abba:2 lock lock 3"],
      ["ba", 0, "abba:2 lock lock 2"],
    ]);
    m.step(0, 0);
    expect(m.stack(0).map((f) => `${f.name}:${f.label} ${f.file}:${f.line}`)).toEqual([
      "deep:2 test/locks-program.ts:25",
      "deep:1 test/locks-program.ts:21",
      "deep:1 test/locks-program.ts:21",
    ]);
    expect(m.stack(0).map((f) => Object.keys(f.locals))).toEqual([["a", "b", "i"], [], []]);
    expect(m.stack(0)[0]?.locals.i).toBe(0);
    expect([m.finished(1), m.idle(1)]).toEqual([false, false]);
  });

  it("ends: no stack, no ways, all words of the stack zero", () => {
    const m = misused.running(misused.wide);
    const before = m.words.slice();
    expect(before.some((word) => word !== 0)).toBe(true);
    m.step(0, 0);
    expect(Object.values(m.stack(0)[0]?.locals ?? {})).toEqual([1, 2, 3, 4, 5, 6]);
    m.step(0, 0);
    expect(m.stack(0)[0]?.locals).toEqual({});
    m.step(0, 0);
    expect([m.finished(0), m.stack(0), m.ways(0), m.position(0)]).toEqual([true, [], 0, "end"]);
    // context words: no frame, stack end, no operation, undefined, undefined
    expect([...m.words].filter((word) => word !== 0)).toEqual([6, 3, 3]);
  });

  it("equal situations are equal words, whatever happened before", () => {
    const m = build(0, 4);
    m.step(0, 0);
    const b = m.stack(0)[0]?.locals.b as { count: number };
    const seen = new Set<string>();
    for (let i = 0; i < 40; i++) {
      seen.add([...m.words].map((w, at) => `${at}:${w}`).join());
      m.step(0, 0);
      b.count = 0;
    }
    // only the counter of the loop differs
    expect(seen.size).toBe(40);
    expect(new Set([...seen].map((s) => s.split(",").length)).size).toBe(1);
  });

  it("clears dead locals: a loop has as many states as its choices make, not as its history makes", () => {
    const count = (which: "dying" | "kept"): number => {
      const m = buildLocals(which);
      const seen = new Set<string>([m.words.join()]);
      const todo = [m.words.slice()];
      for (let state = todo.pop(); state !== undefined; state = todo.pop()) {
        m.words.set(state);
        for (let way = m.ways(0) - 1; way >= 0; way--) {
          m.words.set(state);
          m.step(0, way);
          const key = m.words.join();
          if (seen.has(key)) continue;
          seen.add(key);
          todo.push(m.words.slice());
        }
      }
      return seen.size;
    };
    // start; first choice with the light off or on; second: three values of the first, light off or on; a plain step and the
    // third choice: light off or on; the last plain step: light off or on
    expect(count("dying")).toBe(1 + 2 + 6 + 2 + 2 + 2);
    expect(count("kept")).toBeGreaterThan(5 * count("dying"));
  });

  it("tracks what a step reads and writes, its test for being able to run included", () => {
    const m = build(0, 4);
    const lock = (n: number): number => (m.world.objects[n + 1] as { $at: number }).$at;
    const standing = m.parts.starts[m.parts.own[1]?.[0] ?? 0] ?? 0;
    m.step(1, 0);
    m.track(true);
    expect(m.ways(1)).toBe(1);
    expect([[...m.touched.reads], [...m.touched.writes]]).toEqual([[lock(2)], []]);
    m.step(1, 0);
    // whoever asks where the context stands depends on its step
    expect([[...m.touched.reads], [...m.touched.writes]]).toEqual([[lock(2)], [lock(2), standing + OP]]);
    m.step(1, 0);
    expect([[...m.touched.reads], [...m.touched.writes]]).toEqual([
      [lock(3)],
      [lock(3), lock(2), standing + OP, standing + FP],
    ]);
    m.track(true);
    expect([m.finished(1), m.pending(1).op]).toEqual([true, "step"]);
    expect([...m.touched.reads]).toEqual([standing + FP, standing + OP]);
    m.track(false);
    m.step(0, 0);
    expect([m.touched.reads.size, m.touched.writes.size]).toEqual([0, 0]);
  });

  it("asks its hooks", () => {
    const world = new World();
    const door = create(Door);
    const asked: string[] = [];
    const machine = new Machine(world, {
      mayRun: (context) => context === 0,
      before: (context) => asked.push(`before ${context}`),
      brokenInvariant: () => "broken",
      deadSubset: () => [1],
    });
    for (const name of ["a", "b"]) machine.spawn(name, misused.wide, [], { idle: name === "b" });
    world.seal();
    expect([machine.ways(0), machine.ways(1), machine.brokenInvariant?.(), machine.deadSubset?.()]).toEqual([
      1,
      0,
      "broken",
      [1],
    ]);
    machine.step(0, 0);
    expect(asked).toEqual(["before 0"]);
    expect([door.open, new Machine(world).brokenInvariant?.(), new Machine(world).deadSubset?.()]).toEqual([
      false,
      undefined,
      undefined,
    ]);
  });

  it("runs several worlds side by side", () => {
    const [one, two] = [build(1, 4), build(1, 4)];
    for (let i = 0; i < 5; i++) {
      one.step(0, 0);
      two.step(0, 0);
      two.step(0, 0);
    }
    expect(one.stack(0)[0]?.locals.i).toBe(4);
    expect(two.stack(0)[0]?.locals.i).toBe(9);
    expect(one.pending(0)).toMatchObject({ op: "lock" });
    expect(two.position(1)).toBe("abba:0 step");
  });
});

class Door extends Entity {
  declare open: boolean;
  declare knocks: number;
  static {
    fields(Door, { open: bool, knocks: int });
  }
}
op("unused", {});

/** Line of a text in the misused programs. */
const lineOf = (text: string): number => {
  const source = readFileSync("test/misused-program.ts", "utf8");
  return source.slice(0, source.indexOf(text)).split("\n").length;
};
const failure = (run: () => unknown): Error => {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  throw new Error("did not fail");
};
const toEnd = (m: Machine): void => {
  while (!m.finished(0)) m.step(0, 0);
};

const { keepsArray, passesMap, keepsOperand, announcesArray, deep, callsPlain } = misused;
const programs = { keepsArray, passesMap, keepsOperand, announcesArray, deep, callsPlain };

describe("what a program may not do is said with its stack:", () => {
  it.each([
    ["keepsArray", [], "pages is an array, which can change", "  yield;\n  pages"],
    ["passesMap", [], "argument 1 is a Map, which can change", "yield* keepsArray2(new Map())"],
    ["keepsOperand", [], "half-evaluated value is an array, which can change", "return [1].length"],
    ["announcesArray", [], "the object of see is an array, which can change", "yield see([])"],
    ["deep", [0], "deep: the stack is full", "yield* deep(depth + 1)"],
    ["callsPlain", [], "yield* needs a resumable function, not function max", "yield* (Math.max"],
  ] as const)("%s", (name, args, message, place) => {
    const error = failure(() => toEnd(misused.running(programs[name], args)));
    expect(error).toBeInstanceOf(ModelError);
    expect(error.message).toContain(message);
    expect(error.message).toContain(`\n in t:\n  ${name} (test/misused-program.ts:${lineOf(place)})`);
  });

  it("a stack with too few words for the locals", () => {
    expect(failure(() => toEnd(misused.running(misused.wide, [], 6))).message).toContain("the stack is full");
  });

  it("an error of the program keeps its cause, whose stack has the source's line", () => {
    const world = new World();
    const machine = new Machine(world);
    machine.spawn("t", misused.callsThrows as never, [create(misused.Box)]);
    world.seal();
    machine.step(0, 0);
    const error = failure(() => machine.step(0, 0));
    expect(error.message).toBe(
      `too much\n in t:\n  throws (test/misused-program.ts:${lineOf("yield;\n  box")})\n` +
        `  callsThrows (test/misused-program.ts:${lineOf("yield* throws(")})`,
    );
    expect(error.cause).toBeInstanceOf(RangeError);
    expect((error.cause as Error).stack).toContain(`${process.cwd()}/test/misused-program.ts:${lineOf("throw new")}:9`);
  });

  it("calls without yield*, plain functions as contexts, contexts and entities after the world is sealed", () => {
    const m = build(0, 4);
    expect(() => misused.callsDirectly()).toThrow("a world cannot grow once it runs");
    new World();
    expect(() => misused.callsDirectly()).toThrow("throws can stop in the middle: call it with yield*");
    expect(() => m.spawn("x", () => 1)).toThrow("x: not a resumable function (is its file compiled?)");
    expect(() => m.spawn("x", misused.wide)).toThrow("a world cannot grow once it runs");
  });
});

describe("source maps", () => {
  it("lead from every statement and stop to its line and column", () => {
    const file = "test/locks-program.ts";
    const source = readFileSync(file, "utf8");
    const { code, map } = transformModule(source, { file, runtime: "r", typescript: true });
    const found = new SourceMap(map as never);
    const origin = (text: string): string => {
      const lines = code.split("\n");
      const line = lines.findIndex((l) => l.includes(text));
      const entry = found.findEntry(line, (lines[line] as string).indexOf(text)) as {
        originalSource: string;
        originalLine: number;
        originalColumn: number;
      };
      const original = source.split("\n")[entry.originalLine] as string;
      return `${entry.originalSource} ${original.slice(entry.originalColumn).split(/[;{]/)[0]}`;
    };
    expect(origin("return $enter")).toBe(`${file} yield* deep(a, b, depth - 1)`);
    expect(origin("return $leave($fp, r + 1)")).toBe(`${file} return r + 1`);
    expect(origin("acquire(a)")).toBe(`${file} acquire(a)`);
    expect(origin("i < 1000000000")).toBe(`${file} i < 1000000000`);
    expect(origin("b.count =")).toBe(`${file} b.count = (b.count + 1) & 7`);
    expect(origin("i++")).toBe(`${file} i++) `);
    expect(origin("i = 0")).toBe(`${file} i = 0`);
  });
});
