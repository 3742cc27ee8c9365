import { describe, expect, test } from "vitest";
import { Findings } from "./findings.ts";
import { abba } from "./toys.ts";
import type { Choice, Fault } from "./types.ts";

const path: readonly Choice[] = [
  { context: 0, way: 0 },
  { context: 1, way: 0 },
];
const fault = (message: string, contexts: readonly number[] = [0]): Fault => ({ kind: "invariant", contexts, message });

function collect(all: boolean) {
  const program = abba();
  const initial = program.words.slice();
  program.step(1, 0);
  return { program, findings: new Findings(program, initial, all) };
}

describe("findings", () => {
  test("name their steps from the initial state and leave the words as they were", () => {
    const { program, findings } = collect(true);
    const present = program.words.slice();
    const away = { context: 0, way: 0 };
    const round = { cycle: [away], exits: [[away]] };
    expect(findings.add(fault("one"), () => path, round)).toBe(false);
    expect(program.words).toEqual(present);
    expect(findings.list).toEqual([
      {
        ...fault("one"),
        schedule: [
          { context: "fault", way: 0, position: "0:lock 0" },
          { context: "flusher", way: 0, position: "0:lock 1" },
        ],
        cycle: [{ context: "fault", way: 0, position: "1:lock 1" }],
        exits: [{ context: "fault", way: 0, position: "1:lock 1" }],
      },
    ]);
  });

  test("the first ends the search unless all are wanted", () => {
    expect(collect(false).findings.add(fault("one"), () => [])).toBe(true);
    expect(collect(true).findings.add(fault("one"), () => [])).toBe(false);
  });

  test("differ by kind, contexts or message; the path of one that is known is not asked for", () => {
    const { findings } = collect(true);
    let asked = 0;
    const tell = (f: Fault) =>
      findings.add(f, () => {
        asked++;
        return [];
      });
    for (let again = 0; again < 2; again++) {
      tell(fault("one"));
      tell(fault("two"));
      tell(fault("one", [1]));
      tell({ ...fault("one"), kind: "deadlock" });
    }
    expect([findings.list.length, asked]).toEqual([4, 4]);
  });

  test("are a hundred at most", () => {
    const { findings } = collect(true);
    for (let i = 0; i < 150; i++) expect(findings.add(fault(`number ${i}`), () => [])).toBe(false);
    expect(findings.list.map((f) => f.message)).toEqual(Array.from({ length: 100 }, (_, i) => `number ${i}`));
  });

  test("of another search are taken over as they are", () => {
    const found = { ...fault("one"), schedule: [], cycle: [], exits: [] };
    const [first, all] = [collect(false).findings, collect(true).findings];
    expect([first.adopt(found), all.adopt(found)]).toEqual([true, false]);
    expect(first.outcome("finding").finding).toBe(found);
  });

  test("states at rest are kept only when all is wanted", () => {
    for (const all of [true, false]) {
      const { findings, program } = collect(all);
      findings.terminal(true);
      program.words[0] = 3;
      findings.terminal(false);
      const { deadlocks, ends } = findings.outcome(undefined);
      expect([[...deadlocks], [...ends]]).toEqual(all ? [["2:1 5:2"], ["0:3 2:1 5:2"]] : [[], []]);
    }
  });

  test("an outcome is complete when nothing stopped the search", () => {
    const { findings } = collect(false);
    expect(findings.outcome(undefined)).toMatchObject({ complete: true, stopped: undefined, finding: undefined });
    expect(findings.outcome("steps")).toMatchObject({ complete: false, stopped: "steps", findings: [] });
  });
});
