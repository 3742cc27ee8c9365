/** The same loop twice: once with locals that die, once with the same locals kept alive to the end of each turn. */
import { bool, create, Entity, fields, Machine, op, type Resumable, World } from "../src/resumable/index.ts";

class Switch extends Entity {
  declare on: boolean;
  static {
    fields(Switch, { on: bool });
  }
}

/** A free choice of one of so many. */
const choose = op<number>("choose", { ways: (count) => count, apply: (_count, _argument, way) => way });

function* dying(light: Switch): Resumable {
  for (;;) {
    const first: number = yield choose(3);
    const second: number = yield choose(4);
    light.on = first + second > 3;
    yield;
    const third: number = yield choose(5);
    light.on = third > 2;
    yield;
  }
}

function* kept(light: Switch): Resumable {
  let [first, second, third] = [0, 0, 0];
  for (;;) {
    first = yield choose(3);
    second = yield choose(4);
    light.on = first + second > 3;
    yield;
    third = yield choose(5);
    light.on = third > 2;
    yield;
    if (first + second + third > 1000) return;
  }
}

/** A machine that runs one of them. */
export function build(which: "dying" | "kept"): Machine {
  const world = new World();
  const machine = new Machine(world);
  machine.spawn(which, which === "dying" ? dying : kept, [create(Switch)]);
  world.seal();
  return machine;
}
