import { describe, expect, test } from "vitest";
import {
  brokenLaw,
  canStep,
  deadContexts,
  deadSubset,
  livelock,
  stateText,
  terminalFault,
  thrownFault,
  unfinished,
} from "./faults.ts";
import { abba, Toy } from "./toys.ts";

/** Both mutexes are taken, each by one. */
function stuck(): Toy {
  const program = abba({ deadSubset: true });
  program.step(0, 0);
  program.step(1, 0);
  return program;
}

describe("what one state shows", () => {
  test("who can step", () => {
    expect([canStep(abba()), canStep(stuck())]).toEqual([true, false]);
    const last = new Toy([{ ops: [] }, { ops: [{ op: "set", word: 0, value: 1 }] }], 1);
    expect(canStep(last)).toBe(true);
    expect(canStep(new Toy([{ ops: [] }], 1))).toBe(false);
  });

  test("who may not stand still for ever", () => {
    const program = new Toy([{ ops: [] }, ...abba().tasks, { ops: [{ op: "jump", to: 0 }], idle: true }], 2);
    expect(unfinished(program)).toEqual([1, 2]);
  });

  test("a state at rest is a fault only of those who are stuck", () => {
    expect(terminalFault(stuck())).toEqual({
      kind: "deadlock",
      contexts: [0, 1],
      message: "nothing can step; stuck: fault, flusher",
    });
    expect(terminalFault(new Toy([{ ops: [] }], 1))).toBeUndefined();
  });

  test("a broken law is a fault of the one that stepped last", () => {
    const program = new Toy([{ ops: [] }], 1, { atMost: -1 });
    const told = { kind: "invariant", message: "word 0 is above -1" };
    expect(brokenLaw(program, 3)).toEqual({ ...told, contexts: [3] });
    expect(brokenLaw(program, 0)).toEqual({ ...told, contexts: [0] });
    expect(brokenLaw(program, undefined)).toEqual({ ...told, contexts: [] });
    expect(brokenLaw(new Toy([{ ops: [] }], 1, { atMost: 0 }), 0)).toBeUndefined();
    expect(brokenLaw(abba(), 0)).toBeUndefined();
  });

  test("dead contexts are asked of the program, with the ways it is given", () => {
    const fault = { kind: "dead-subset", contexts: [0, 1], message: "can never proceed again: fault, flusher" };
    expect(deadContexts(stuck())).toEqual(fault);
    expect(deadContexts(abba({ deadSubset: true }))).toBeUndefined();
    expect(deadContexts(abba())).toBeUndefined();
    const asked: unknown[] = [];
    const program = Object.assign(abba(), {
      deadSubset: (ways: unknown) => {
        asked.push(ways);
        return [1];
      },
    });
    expect(deadContexts(program, [1, 0])).toMatchObject({ contexts: [1] });
    expect(asked).toEqual([[1, 0]]);
  });

  test("a fault keeps its own list of contexts", () => {
    const contexts = [1];
    const fault = deadSubset(abba(), contexts);
    contexts.push(0);
    expect(fault).toEqual({ kind: "dead-subset", contexts: [1], message: "can never proceed again: flusher" });
    expect(livelock(abba(), [0, 1])).toEqual({
      kind: "livelock",
      contexts: [0, 1],
      message: "can only go round for ever: fault, flusher",
    });
  });

  test("what a step threw is a fault when it is an error", () => {
    expect(thrownFault(1, new RangeError("too far"))).toEqual({ kind: "invariant", contexts: [1], message: "too far" });
    expect(() => thrownFault(1, "no error")).toThrow("no error");
  });

  test("as text, without zeros, negative words too", () => {
    expect(stateText(Int32Array.of(0, 5, 0, -2))).toBe("1:5 3:-2");
    expect(stateText(new Int32Array(3))).toBe("");
  });
});
