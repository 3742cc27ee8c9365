/**
 * Promise: a compiled generator function does what the generator does, step for step, effect for effect, wherever its state
 * has been in between.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { create, Entity, fields, int, Machine, op, value, World } from "../src/resumable/index.ts";
import { evaluate, evaluateCompiled } from "./compile-text.ts";
import { MOST_CHOICES, randomGenerators } from "./random-generators.ts";

/** Enough for any program that shows anything. */
const MOST_STEPS = 150;

/** What one step shows: its effects, and what was emitted at its end (undefined: the program's end or a plain step). */
type Shown = readonly unknown[];

interface Cell {
  a: unknown;
  b: unknown;
  c: unknown;
}

class CellEntity extends Entity {
  declare a: unknown;
  declare b: unknown;
  declare c: unknown;
  static {
    fields(CellEntity, { a: value, b: value, c: value });
  }
}
class Tape extends Entity {
  declare place: number;
  static {
    fields(Tape, { place: int });
  }
}

function cut(x: unknown): unknown {
  if (typeof x === "string") return x.slice(-6);
  return typeof x === "number" ? x % 1000 : x;
}
const answer = (place: number): unknown => [0, 1, "a", undefined, true, 2, null, 7][(place * 5) % 8];

/** What programs may use besides `emit` and `cell`. */
function library(note: (x: unknown) => void): object {
  return {
    cut,
    note: (x: unknown) => {
      note(x);
      return x;
    },
    pick: (cell: Cell) => {
      note("pick");
      return cell;
    },
    tools: {
      add(...all: unknown[]) {
        note(all.length);
        return all.reduce((x, y) => cut(`${String(x)}${String(y)}`));
      },
    },
    Box: class {
      value: unknown;
      constructor(given: unknown) {
        note("box");
        this.value = given;
      }
    },
    list3: (x: unknown, y: unknown, z: unknown) => Object.freeze([x, y, z]),
    record: (p: unknown, q: unknown) => Object.freeze({ p, q }),
  };
}

const bytes = (words: Int32Array): Uint8Array => new Uint8Array(words.buffer, words.byteOffset, words.byteLength);

const RESULT = "result";

/** The generators as they are, run by a small driver. */
function runPlain(text: string): Shown[] {
  const shown: Shown[] = [];
  let now: unknown[] = [];
  const cell: Cell = { a: undefined, b: undefined, c: undefined };
  const emit = (x: unknown): { emitted: unknown } => ({ emitted: x });
  const given = { ...library((x) => now.push(x)), cell, emit };
  const { f0 } = evaluate(text, given, ["f0"]) as { f0: (...args: unknown[]) => Generator };
  const running = f0(2, 1, 2);
  let place = 0;
  let sent: unknown;
  while (shown.length < MOST_STEPS) {
    const { done, value: out } = running.next(sent);
    if (done) {
      shown.push([...now, RESULT, out]);
      return shown;
    }
    shown.push(now);
    now = [];
    sent = undefined;
    if (out !== undefined) {
      now.push("emitted", (out as { emitted: unknown }).emitted);
      sent = answer(place++);
    }
  }
  return shown;
}

/** The same text compiled, on the machine. */
function compiled(text: string): { readonly machine: Machine; readonly now: unknown[] } {
  const now: unknown[] = [];
  const world = new World();
  const tape = create(Tape);
  const emitting = op<unknown>("emit", {
    apply(x) {
      now.push("emitted", x);
      return answer(tape.place++);
    },
  });
  const given = { ...library((x) => now.push(x)), cell: create(CellEntity), emit: emitting };
  const main = `${text}\nfunction* main() { finish(yield* f0(2, 1, 2)); }`;
  const finish = (x: unknown): number => now.push(RESULT, x);
  const { main: body } = evaluateCompiled(main, { ...given, finish }, ["main"]) as { main: () => Generator };
  const machine = new Machine(world);
  machine.spawn("twin", body, [], { stackWords: 2000 });
  world.seal();
  return { machine, now };
}

it("twins show the same, also when the state is put back in any order", () => {
  const programs = fc.array(fc.nat({ max: 1 << 20 }), { minLength: 20, maxLength: MOST_CHOICES, size: "max" });
  let stepsRun = 0;
  fc.assert(
    fc.property(programs, fc.array(fc.nat(), { minLength: 8, maxLength: 8 }), (choices, jumps) => {
      const text = randomGenerators(choices);
      const expected = runPlain(text);
      const { machine, now } = compiled(text);
      const states = [machine.words.slice()];
      const step = (): unknown[] => {
        now.length = 0;
        machine.step(0, 0);
        stepsRun++;
        return now.slice();
      };
      for (const shown of expected) {
        expect(step()).toEqual(shown);
        const state = machine.words.slice();
        states.push(state);
        machine.words.fill(-1);
        machine.words.set(state);
      }
      if (expected.length < MOST_STEPS) expect(machine.finished(0)).toBe(true);
      for (const jump of jumps) {
        const place = jump % expected.length;
        machine.words.set(states[place] as Int32Array);
        expect(step()).toEqual(expected[place]);
        expect(Buffer.compare(bytes(machine.words), bytes(states[place + 1] as Int32Array))).toBe(0);
      }
    }),
    { numRuns: 300, seed: 20261121 },
  );
  expect(stepsRun).toBeGreaterThan(4000);
}, 60_000);
