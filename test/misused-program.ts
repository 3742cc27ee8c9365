/** Programs that ask for what the machine refuses, and ones that fail at a known line. */
import { create, Entity, fields, int, Machine, op, type Resumable, value, World } from "../src/resumable/index.ts";

export class Box extends Entity {
  declare count: number;
  declare held: unknown;
  static {
    fields(Box, { count: int, held: value });
  }
}
const see = op<unknown>("see", {});

export function* keepsArray(): Resumable {
  const pages = [1, 2];
  yield;
  pages.push(3);
}
export function* passesMap(): Resumable {
  yield* keepsArray2(new Map());
}
export function* keepsArray2(_given: unknown): Resumable {
  yield;
}
export function* keepsOperand(): Resumable<number> {
  return [1].length + [[1], yield][0].length;
}
export function* announcesArray(): Resumable {
  yield see([]);
}
export function* deep(depth: number): Resumable {
  yield* deep(depth + 1);
}
export function* wide(): Resumable {
  const [a, b, c, d, e, f] = [1, 2, 3, 4, 5, 6];
  yield;
  yield see(a + b + c + d + e + f);
}
export function* throws(box: Box): Resumable {
  yield;
  box.count = 1;
  throw new RangeError("too much");
}
export function* callsThrows(box: Box): Resumable {
  box.count = 5;
  yield* throws(box);
}
export function* callsPlain(): Resumable {
  yield* (Math.max as unknown as () => Resumable)();
}
export function callsDirectly(): unknown {
  return throws(create(Box)).next();
}

/** A machine with one context that runs `fn(...args)`. */
export function running(fn: (...args: never[]) => unknown, args: readonly unknown[] = [], stackWords = 40): Machine {
  const machine = new Machine(new World());
  machine.spawn("t", fn, args, { stackWords });
  machine.world.seal();
  return machine;
}
