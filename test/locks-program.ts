import { bool, create, Entity, fields, int } from "../src/resumable/entity.ts";
import { World } from "../src/resumable/heap.ts";
import { Machine } from "../src/resumable/machine.ts";
import { op, type Resumable } from "../src/resumable/ops.ts";

class Lock extends Entity {
  declare held: boolean;
  declare count: number;
  static {
    fields(Lock, { held: bool, count: int });
  }
}
const acquire = op<Lock>("lock", {
  ways: (l) => (l.held ? 0 : 1),
  apply: (l) => {
    l.held = true;
  },
});
function* deep(a: Lock, b: Lock, depth: number): Resumable<number> {
  if (depth > 0) {
    const r = yield* deep(a, b, depth - 1);
    return r + 1;
  }
  for (let i = 0; i < 1000000000; i++) {
    yield acquire(a);
    a.held = false;
    b.count = (b.count + 1) & 7;
  }
  return 0;
}
export function* abba(a: Lock, b: Lock): Resumable {
  yield acquire(a);
  yield acquire(b);
  a.held = false;
  b.held = false;
}
export function build(depth: number, objects: number): Machine {
  const world = new World();
  const locks = Array.from({ length: objects }, () => create(Lock));
  const m = new Machine(world);
  m.spawn("one", deep, [locks[0], locks[1], depth]);
  m.spawn("ab", abba, [locks[2], locks[3]]);
  m.spawn("ba", abba, [locks[3], locks[2]]);
  world.seal();
  return m;
}
