/**
 * Programs on the machine whose contexts may change places, for the tests of declared symmetry (@internal): tasks that run a
 * string of operations over a hub that all share, a cell of their own and that of the next, and declarations that are wrong.
 */
import {
  bool,
  create,
  Entity,
  fields,
  int,
  type List,
  list,
  Machine,
  op,
  type Resumable,
  ref,
  value,
  World,
} from "../resumable/index.ts";
import { RandomNumbers } from "./random-numbers.ts";

export class Cell extends Entity {
  declare owner: Cell | undefined;
  declare count: number;
  static {
    fields(Cell, { owner: ref, count: int });
  }
}
export class Hub extends Entity {
  declare owner: Cell | undefined;
  declare last: Cell | undefined;
  declare pair: readonly Cell[] | undefined;
  declare open: boolean;
  declare queue: List<Cell>;
  static {
    fields(Hub, { owner: ref, last: ref, pair: value, open: bool, queue: list(6) });
  }
}

const lock = op<Cell | Hub, Cell>("lock", {
  ways: (of) => (of.owner === undefined ? 1 : 0),
  apply: (of, me) => {
    of.owner = me;
  },
});
const unlock = op<Cell | Hub, Cell>("unlock", {
  apply: (of, me) => {
    if (of.owner !== me) throw new Error("unlocked by another");
    of.owner = undefined;
  },
});
const tryLock = op<Cell | Hub, Cell>("tryLock", {
  apply: (of, me) => {
    if (of.owner === undefined) of.owner = me;
    return of.owner === me;
  },
});
const count = op<Cell>("count", {
  apply: (cell) => {
    cell.count = (cell.count + 1) % 3;
  },
});
const join = op<Hub, Cell>("join", {
  apply: (hub, me) => {
    if (hub.queue.length < 6) hub.queue.push(me);
  },
});
const myTurn = op<Hub, Cell>("myTurn", {
  ways: (hub, me) => (hub.queue.length === 0 || hub.queue.at(0) === me ? 1 : 0),
  apply: (hub) => hub.queue.shift() !== undefined,
});
const note = op<Hub, readonly Cell[]>("note", {
  apply: (hub, pair) => {
    hub.last = pair[0];
    hub.pair = pair;
  },
});
const notLast = op<Hub, Cell>("notLast", { ways: (hub, me) => (hub.last !== me ? 1 : 0) });
const choose = op<Hub>("choose", { ways: () => 2, apply: (_, __, way) => way });
const toggle = op<Hub>("toggle", {
  apply: (hub) => {
    hub.open = !hub.open;
  },
});
const opened = op<Hub>("opened", { ways: (hub) => (hub.open ? 1 : 0) });

function* under(of: Cell | Hub, me: Cell, inner: Cell): Resumable<number> {
  yield lock(of, me);
  const pair = Object.freeze([inner, me]);
  yield count(inner);
  yield unlock(of, me);
  return pair.indexOf(me);
}

function* worker(me: Cell, next: Cell, hub: Hub, code: string): Resumable {
  let skip = false;
  for (let at = 0; at < code.length; at++) {
    const what = code[at];
    if (skip) {
      skip = false;
      continue;
    }
    if (what === "h") yield lock(hub, me);
    else if (what === "H") yield unlock(hub, me);
    else if (what === "m") yield lock(me, me);
    else if (what === "M") yield unlock(me, me);
    else if (what === "n") yield lock(next, me);
    else if (what === "N") yield unlock(next, me);
    else if (what === "t") skip = yield tryLock(next, me);
    else if (what === "c") yield count(me);
    else if (what === "j") yield join(hub, me);
    else if (what === "q") skip = yield myTurn(hub, me);
    else if (what === "p") yield note(hub, Object.freeze([me, next]));
    else if (what === "w") yield notLast(hub, me);
    else if (what === "o") yield toggle(hub);
    else if (what === "O") yield opened(hub);
    else if (what === "u") yield* under(next, me, me);
    else if (what === "U") yield* under(hub, me, next);
    else if (what === "x") {
      const way: number = yield choose(hub);
      skip = way === 1;
    } else at = -1;
  }
}

/** The operations of a seed; `ring`: the next one's cell is named. */
function codeOf(draw: RandomNumbers, ring: boolean): string {
  const letters = ring ? "hHmMnNtcjqpwoOuUxnt" : "hHmMcjqwoOxhcj";
  let code = "";
  for (let i = 1 + draw.below(5); i > 0; i--) code += letters[draw.below(letters.length)];
  // some go round for ever, most tidy up what they took in order
  if (draw.below(8) === 0) return `${code}.`;
  const held = { h: "H", m: "M", n: "N" } as Record<string, string>;
  const open: string[] = [];
  for (const letter of code) {
    const end = held[letter];
    if (end !== undefined) open.unshift(end);
    if (open.includes(letter)) open.splice(open.indexOf(letter), 1);
  }
  return draw.below(4) === 0 ? code : code + open.join("");
}

function* ticker(hub: Hub): Resumable {
  for (;;) yield toggle(hub);
}

/** The program of a seed: two or three equal tasks over one hub, or three in a ring; sometimes a service that ticks. */
export function symmetricMachine(seed: number): Machine {
  const draw = new RandomNumbers(seed * 5 + 1);
  const ring = draw.below(2) === 0;
  const columns = ring ? 3 : 2 + draw.below(2);
  const code = codeOf(draw, ring);
  const world = new World();
  const machine = new Machine(world);
  const hub = create(Hub);
  const cells = Array.from({ length: columns }, () => create(Cell));
  const declared = cells.map((cell, i) => {
    const next = ring ? cells[(i + 1) % columns] : cell;
    return [machine.spawn(`worker ${i}`, worker, [cell, next, hub, code], { stackWords: 40 }), cell];
  });
  if (draw.below(4) === 0) machine.spawn("ticker", ticker, [hub], { idle: true, stackWords: 16 });
  machine.symmetric(declared, ring ? "rotated" : "permuted");
  world.seal();
  return machine;
}

function* walkAll(cells: readonly Cell[], me: Cell): Resumable {
  for (const cell of cells) yield lock(cell, me);
  for (const cell of cells) yield unlock(cell, me);
}
function* first(cells: readonly Cell[], me: Cell, mine: number): Resumable {
  yield lock(cells[mine] as Cell, me);
  yield unlock(cells[mine] as Cell, me);
}
function* counts(me: Cell, times: number): Resumable {
  for (let i = 0; i < times; i++) yield count(me);
}
const least = op<Hub, Cell>("least", {
  apply: (hub, me) => {
    if (hub.last === undefined || me.$number < hub.last.$number) hub.last = me;
  },
});
function* byNumber(hub: Hub, me: Cell): Resumable {
  yield least(hub, me);
}
/** The rare one: who counts his cell to two leaves his number, not himself. */
const numbered = op<Cell>("numbered", {
  apply: (me) => {
    me.count = me.count === 2 ? 10 + me.$number : me.count;
  },
});
function* rarely(me: Cell): Resumable {
  for (let i = 0; i < 2; i++) {
    yield count(me);
    yield numbered(me);
  }
}

/** Three cells and two tasks with a declaration that does not hold, by name. */
export const wrongMachines: Readonly<Record<string, () => Machine>> = {
  "pages walked in the order of their index": () => pair((me, cells) => [walkAll, [cells, me]]),
  "arguments that differ": () => pair((me, _, i) => [counts, [me, 1 + i]]),
  "a frozen array indexed by position": () => pair((me, cells, i) => [first, [cells, me, i]]),
  "a field that differs": () => pair((me) => [counts, [me, 1]], { count: 1 }),
  "the number of an object decides": () => pair((me, _, __, hub) => [byNumber, [hub, me]]),
  "the number of an object is kept in rare cases": () => pair((me) => [rarely, [me]]),
};

type Task = readonly [(...args: never[]) => unknown, readonly unknown[]];
function pair(task: (me: Cell, cells: readonly Cell[], i: number, hub: Hub) => Task, init: { count?: number } = {}) {
  const world = new World();
  const machine = new Machine(world);
  const hub = create(Hub);
  const cells = Object.freeze([create(Cell, init), create(Cell)]);
  const declared = cells.map((cell, i) => {
    const [fn, args] = task(cell, cells, i, hub);
    return [machine.spawn(`task ${i}`, fn, args), cell];
  });
  machine.symmetric(declared);
  world.seal();
  return machine;
}

/** So many equal tasks, each counting twice under the hub's lock. */
export function equalTasks(columns: number, how: "permuted" | "rotated" = "permuted"): Machine {
  const world = new World();
  const machine = new Machine(world);
  const hub = create(Hub);
  const declared = Array.from({ length: columns }, (_, i) => {
    const cell = create(Cell);
    return [machine.spawn(`worker ${i}`, worker, [cell, cell, hub, "chcHc"], { stackWords: 40 }), cell];
  });
  machine.symmetric(declared, how);
  world.seal();
  return machine;
}

/** Two tasks that note themselves in a hub; their cells have different counts, which `changes` them or not. */
export function labelled(labels: readonly string[], changes: boolean): Machine {
  const world = new World();
  const machine = new Machine(world);
  const hub = create(Hub);
  const declared = [4, 5].map((number, i) => {
    const cell = create(Cell, { count: number });
    return [machine.spawn(`worker ${i}`, worker, [cell, cell, hub, changes ? "hcH" : "hpH"], { stackWords: 40 }), cell];
  });
  machine.symmetric(declared, "permuted", labels);
  world.seal();
  return machine;
}
