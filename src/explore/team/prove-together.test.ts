import { describe, expect, test } from "vitest";
import { prove } from "../prove.ts";
import { randomToy } from "../toys.ts";
import { type Crew, proveTogether } from "./prove-together.ts";

const alone: Crew = { members: 1, start: () => () => [] };

describe("a team of one", () => {
  test("that the machine has no memory for: searches as prove does", () => {
    const program = () => randomToy(5, { parts: true });
    const team = proveTogether(program() as never, alone, { find: "all", memoryBytes: 1e16 });
    expect(team).toMatchObject({ states: prove(program(), { find: "all", reduce: true }).states, complete: true });
  });

  test("600 generated programs: the same as alone", () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 600; seed++) {
      const program = () => randomToy(seed, { parts: true, deadSubset: seed % 3 === 0 });
      const one = prove(program(), { find: "all" });
      const team = proveTogether(program() as never, alone, { find: "all", memoryBytes: 1e6 });
      const same = { bytes: 0 };
      expect({ ...team, ...same }, `seed ${seed}`).toEqual({ ...one, ...same });
      for (const { kind } of one.findings) seen.add(kind);
    }
    expect(seen.size).toBe(4);
  });
});
