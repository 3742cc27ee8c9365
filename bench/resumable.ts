/**
 * What a step, and a state, of resumable tasks costs: resume at depth 0, 4 and 12 beside nested generators (`yield*`) and
 * beside frames that are JavaScript objects; then resume + copy + hash + restore at depth 12 with 50 objects and 4 contexts.
 * Prints a table, with `--json` one JSON document. All in one run.
 */
import { machineOf } from "./resumable-program.ts";

const DEPTHS = [0, 4, 12];
const CONTEXTS = 4;
const OBJECTS = 50;

interface PlainLock {
  held: boolean;
  count: number;
  owner: PlainLock | undefined;
  index: number;
  label: string;
  dirty: boolean;
}
const plainLocks = (count: number): PlainLock[] =>
  Array.from({ length: count }, (_, i) => ({
    held: false,
    count: 0,
    owner: undefined,
    index: i,
    label: `lock ${i}`,
    dirty: false,
  }));

// Nested generators: the same program, with the operation as an object that the driver applies.

interface Operation {
  readonly lock: PlainLock;
}
function* work(lock: PlainLock, other: PlainLock, depth: number): Generator<Operation, number, undefined> {
  if (depth > 0) {
    const below: number = yield* work(lock, other, depth - 1);
    return below + 1;
  }
  for (let turn = 0; ; turn = (turn + 1) & 15) {
    yield { lock };
    lock.held = false;
    other.count = (other.count + turn) & 7;
  }
}
function generatorStepper(depth: number): () => void {
  const [lock, other] = plainLocks(2) as [PlainLock, PlainLock];
  const running = work(lock, other, depth);
  let pending: Operation | undefined;
  const step = (): void => {
    if (pending !== undefined && !pending.lock.held) pending.lock.held = true;
    pending = running.next().value as Operation;
  };
  step();
  return step;
}

// Frames as objects: what the compiler would emit if frames were records on an array, written by hand.

interface Frame {
  label: number;
  readonly lock: PlainLock;
  readonly other: PlainLock;
  readonly depth: number;
  turn: number;
}
interface ObjectTask {
  stack: Frame[];
  pending: PlainLock | undefined;
}
function runFrames(task: ObjectTask): void {
  for (;;) {
    const f = task.stack.at(-1) as Frame;
    if (f.label === 1) {
      f.lock.held = false;
      f.other.count = (f.other.count + f.turn) & 7;
      f.turn = (f.turn + 1) & 15;
    } else if (f.depth > 0) {
      f.label = 2;
      task.stack.push({ label: 0, lock: f.lock, other: f.other, depth: f.depth - 1, turn: 0 });
      continue;
    }
    f.label = 1;
    task.pending = f.lock;
    return;
  }
}
function objectTasks(contexts: number, depth: number, objects: number): { locks: PlainLock[]; tasks: ObjectTask[] } {
  const locks = plainLocks(objects);
  const tasks = Array.from({ length: contexts }, (_, c): ObjectTask => {
    const [lock, other] = [locks[2 * c] as PlainLock, locks[2 * c + 1] as PlainLock];
    return { stack: [{ label: 0, lock, other, depth, turn: 0 }], pending: undefined };
  });
  for (const task of tasks) runFrames(task);
  return { locks, tasks };
}
function stepFrames(task: ObjectTask): void {
  if (task.pending !== undefined && !task.pending.held) task.pending.held = true;
  task.pending = undefined;
  runFrames(task);
}

// Measuring

/** Nanoseconds a call: the best of many short rounds, so that what else runs on the machine is left out. */
function nanoseconds(calls: number, call: (i: number) => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 60; round++) {
    const start = performance.now();
    for (let i = 0; i < calls; i++) call(i);
    best = Math.min(best, ((performance.now() - start) / calls) * 1e6);
  }
  return best;
}

/** 128 bits in four lanes, which a processor works on side by side. */
function hashWords(words: Int32Array): number {
  let [a, b, c, d] = [0, 1, 2, 3];
  const whole = words.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    a = Math.imul(a ^ (words[i] as number), 0x9e3779b1);
    b = Math.imul(b ^ (words[i + 1] as number), 0x85ebca6b);
    c = Math.imul(c ^ (words[i + 2] as number), 0xc2b2ae35);
    d = Math.imul(d ^ (words[i + 3] as number), 0x27d4eb2f);
    a ^= a >>> 15;
    b ^= b >>> 13;
    c ^= c >>> 16;
    d ^= d >>> 14;
  }
  for (let i = whole; i < words.length; i++) a = Math.imul(a ^ (words[i] as number), 0x9e3779b1);
  return a ^ b ^ c ^ d;
}

function hashObjects(locks: readonly PlainLock[], tasks: readonly ObjectTask[]): number {
  let hash = 0;
  const mix = (x: number): void => {
    hash = Math.imul(hash ^ x, 0x9e3779b1);
    hash ^= hash >>> 15;
  };
  for (const lock of locks) {
    mix(lock.held ? 1 : 0);
    mix(lock.count);
    mix(lock.owner?.index ?? -1);
    mix(lock.dirty ? 1 : 0);
  }
  for (const task of tasks) {
    mix(task.pending?.index ?? -1);
    for (const f of task.stack) {
      mix(f.label);
      mix(f.lock.index);
      mix(f.other.index);
      mix(f.depth);
      mix(f.turn);
    }
  }
  return hash;
}

const blackHole = { hash: 0 };

/** Resume, copy, hash and restore, with the state in words. */
function wordsState(): { readonly ns: number; readonly words: number } {
  const machine = machineOf(CONTEXTS, 12, OBJECTS);
  const { words } = machine;
  const copy = new Int32Array(words.length);
  const ns = nanoseconds(5000, (i) => {
    machine.step(i & 3, 0);
    copy.set(words);
    blackHole.hash ^= hashWords(copy);
    words.set(copy);
  });
  return { ns, words: words.length };
}

/** The same with frames and objects that are copied one by one. */
function objectsState(): number {
  const { locks, tasks } = objectTasks(CONTEXTS, 12, OBJECTS);
  return nanoseconds(1000, (i) => {
    stepFrames(tasks[i & 3] as ObjectTask);
    const lockCopies = locks.map((lock) => ({ ...lock }));
    const taskCopies = tasks.map((task) => ({ ...task, stack: task.stack.map((f) => ({ ...f })) }));
    blackHole.hash ^= hashObjects(lockCopies, taskCopies);
    lockCopies.forEach((lock, l) => {
      Object.assign(locks[l] as PlainLock, lock);
    });
    taskCopies.forEach((task, t) => {
      Object.assign(tasks[t] as ObjectTask, task);
    });
  });
}

const resume = DEPTHS.map((depth) => {
  const machine = machineOf(1, depth, 2);
  const { tasks } = objectTasks(1, depth, 2);
  const step = generatorStepper(depth);
  return {
    depth,
    wordsNs: Math.round(nanoseconds(50_000, () => machine.step(0, 0))),
    objectsNs: Math.round(nanoseconds(50_000, () => stepFrames(tasks[0] as ObjectTask))),
    generatorsNs: Math.round(nanoseconds(50_000, step)),
  };
});
const inWords = wordsState();
const state = {
  contexts: CONTEXTS,
  objects: OBJECTS,
  depth: 12,
  words: inWords.words,
  wordsNs: Math.round(inWords.ns),
  objectsNs: Math.round(objectsState()),
};

if (process.argv.includes("--json")) {
  console.log(JSON.stringify({ benchmark: "resumable", node: process.version, resume, state }, undefined, 2));
} else {
  console.log("resume, ns          words  objects  generators");
  for (const r of resume) {
    const cells = [r.wordsNs, r.objectsNs, r.generatorsNs].map((x, i) => String(x).padStart([7, 9, 12][i] as number));
    console.log(`depth ${String(r.depth).padEnd(11)}${cells.join("")}`);
  }
  const cells = [state.wordsNs, state.objectsNs].map((x, i) => String(x).padStart([7, 9][i] as number));
  console.log(`state, ns        ${cells.join("")}  (${state.words} words: resume, copy, hash, restore)`);
}
