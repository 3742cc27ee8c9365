import { describe, expect, test } from "vitest";
import { stateText, terminalFault } from "./faults.ts";
import { hunt } from "./hunt.ts";
import { naive } from "./naive.ts";
import { provePreemptions } from "./preemptions.ts";
import { replay } from "./schedule.ts";
import { abba, philosophers, randomToy, Toy, type ToyTask } from "./toys.ts";

const sorted = (set: Iterable<string>) => [...set].sort();

describe("provePreemptions against the naive oracle", () => {
  test.each([undefined, 7])("300 generated programs to the end, turns of %s steps", (turnSteps) => {
    let faults = 0;
    for (let seed = 0; seed < 300; seed++) {
      const options = { deadSubset: seed % 3 === 0 };
      const oracle = naive(randomToy(seed, options));
      const found = provePreemptions(randomToy(seed, options), {
        find: "all",
        ...(turnSteps === undefined ? {} : { turnSteps }),
      });
      const where = `seed ${seed}`;
      expect([found.complete, found.preemptions], where).toEqual([true, Infinity]);
      expect([found.states, found.steps], where).toEqual([oracle.states, oracle.steps]);
      expect(found.terminals, where).toBe(oracle.deadlocks.size + oracle.ends.size);
      expect(sorted(found.deadlocks), where).toEqual(sorted(oracle.deadlocks));
      expect(sorted(found.ends), where).toEqual(sorted(oracle.ends));
      const broken = found.findings.filter((f) => f.kind === "invariant").map((f) => f.message);
      expect(sorted(new Set(broken)), where).toEqual(sorted(oracle.broken));
      for (const { schedule } of found.findings) {
        faults++;
        const again = replay(randomToy(seed, options), schedule);
        expect(again.ok || again.at === schedule.length - 1, where).toBe(true);
      }
    }
    expect(faults).toBeGreaterThan(50);
  });
});

/** Texts of all states at rest that schedules with at most so many preemptions lead to; whether some step threw. */
function within(program: Toy, most: number): { readonly stuck: Set<string>; readonly ends: Set<string> } {
  const seen = new Set<string>();
  const stuck = new Set<string>();
  const ends = new Set<string>();
  const go = (last: number, left: number): void => {
    const key = `${program.words.join()} ${last} ${left}`;
    if (seen.has(key)) return;
    seen.add(key);
    const words = program.words.slice();
    let rest = true;
    for (let c = 0; c < program.contexts; c++) {
      program.words.set(words);
      const cost = last >= 0 && last !== c && program.ways(last) > 0 ? 1 : 0;
      const ways = program.ways(c);
      if (ways > 0) rest = false;
      for (let way = 0; way < ways && cost <= left; way++) {
        program.words.set(words);
        try {
          program.step(c, way);
        } catch {
          continue;
        }
        go(c, left - cost);
      }
    }
    program.words.set(words);
    if (rest) (terminalFault(program) === undefined ? ends : stuck).add(stateText(words));
  };
  go(-1, most);
  return { stuck, ends };
}

test("a bound on preemptions leaves out exactly the schedules with more", () => {
  let partial = 0;
  for (let seed = 0; seed < 100; seed++) {
    const program = randomToy(seed);
    for (const maxPreemptions of [0, 1, 2]) {
      const found = provePreemptions(program, { find: "all", maxPreemptions });
      const oracle = within(randomToy(seed), maxPreemptions);
      const where = `seed ${seed}, ${maxPreemptions} preemptions`;
      expect(sorted(found.deadlocks), where).toEqual(sorted(oracle.stuck));
      expect(sorted(found.ends), where).toEqual(sorted(oracle.ends));
      expect(found.preemptions, where).toBe(found.complete ? Infinity : maxPreemptions);
      if (!found.complete) {
        expect(found.stopped, where).toBe("preemptions");
        partial++;
      }
    }
  }
  expect(partial).toBeGreaterThan(20);
});

test("the ABBA deadlock needs one preemption, and is met before any schedule with two", () => {
  expect(provePreemptions(abba(), { maxPreemptions: 0 })).toMatchObject({ finding: undefined, preemptions: 0 });
  expect(provePreemptions(abba())).toMatchObject({ finding: { kind: "deadlock" }, preemptions: 0 });
});

describe("bounds", () => {
  test.each([
    ["states", { maxStates: 10 }],
    ["steps", { maxSteps: 10 }],
    ["memory", { memoryBytes: 40_000 }],
    ["aborted", { pollEvery: 1, shouldStop: () => true }],
  ])("%s", (stopped, options) => {
    const program = philosophers(6);
    const before = program.words.slice();
    const found = provePreemptions(program, { find: "all", ...options });
    expect(found).toMatchObject({ stopped, complete: false });
    expect(found.preemptions).toBeLessThan(1);
    expect(program.words).toEqual(before);
  });
});

test("a hunt that meets nothing soon looks in the order of preemptions", () => {
  const found = hunt(philosophers(7));
  expect(found.finding).toMatchObject({ kind: "deadlock" });
  expect(found.steps).toBeLessThan(70_000);
  expect(replay(philosophers(7), found.finding!.schedule)).toMatchObject({ ok: true });
});

test("a hunt that has looked elsewhere in vain goes on where it was", () => {
  // Too many states to see them all elsewhere, few orders that matter.
  const alone = (c: number): ToyTask => ({ ops: [0, 1, 2].map((n) => ({ op: "set", word: 2 + c, value: n })) });
  const together: ToyTask = {
    ops: [
      { op: "lock", mutex: 0 },
      { op: "add", word: 1, value: 1 },
      { op: "unlock", mutex: 0 },
    ],
  };
  const tasks = [...Array.from({ length: 4 }, () => together), ...Array.from({ length: 8 }, (_, c) => alone(c))];
  const all = hunt(new Toy(tasks, 10), { find: "all" });
  const first = hunt(new Toy(tasks, 10));
  expect(all).toMatchObject({ complete: true, finding: undefined });
  expect(first).toMatchObject({ complete: true, finding: undefined });
  expect(first.steps).toBeGreaterThan(all.steps + 60_000);
  expect(first.executions).toBeGreaterThan(all.executions);
});
