/** What `resumable.ts` measures: contexts that take and drop locks at some depth, among objects of six fields. */
import {
  bool,
  create,
  Entity,
  fields,
  int,
  Machine,
  op,
  type Resumable,
  ref,
  value,
  World,
} from "../src/resumable/index.ts";

class Lock extends Entity {
  declare held: boolean;
  declare count: number;
  declare owner: Lock | undefined;
  declare index: number;
  declare label: string;
  declare dirty: boolean;
  static {
    fields(Lock, { held: bool, count: int, owner: ref, index: int, label: value, dirty: bool });
  }
}

const acquire = op<Lock>("lock", {
  ways: (lock) => (lock.held ? 0 : 1),
  apply: (lock) => {
    lock.held = true;
  },
});

function* work(lock: Lock, other: Lock, depth: number): Resumable<number> {
  if (depth > 0) {
    const below = yield* work(lock, other, depth - 1);
    return below + 1;
  }
  for (let turn = 0; ; turn = (turn + 1) & 15) {
    yield acquire(lock);
    lock.held = false;
    other.count = (other.count + turn) & 7;
  }
}

/** Contexts at a depth, each with two locks of its own, among `objects` locks; every context is at its innermost stop. */
export function machineOf(contexts: number, depth: number, objects: number): Machine {
  const world = new World();
  const locks = Array.from({ length: objects }, (_, i) => create(Lock, { index: i, label: `lock ${i}` }));
  const machine = new Machine(world);
  for (let c = 0; c < contexts; c++) {
    const args = [locks[(2 * c) % objects], locks[(2 * c + 1) % objects], depth];
    machine.spawn(`task ${c}`, work, args, { stackWords: 128 });
  }
  world.seal();
  for (let c = 0; c < contexts; c++) machine.step(c, 0);
  return machine;
}
