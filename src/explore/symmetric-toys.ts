/**
 * Toy programs whose tasks come in columns that may change places (@internal): equal tasks over shared words and words of their
 * own, and rings, drawn from a seed. For the tests of this folder.
 */
import type { Symmetry, SymmetryElement } from "../resumable/explorable.ts";
import { RandomNumbers } from "./random-numbers.ts";
import { randomToy, Toy, type ToyOp, type ToyOptions, type ToyTask } from "./toys.ts";

/** Words of a {@link randomToy} that are named by operations of its first task: two mutexes, two words, one of its own. */
const BASE_WORDS = 5;
const SHARED = 0;
const OWN = 1;
const NEXT = 2;

export interface SymmetricToy {
  readonly program: Toy & { readonly symmetry: Symmetry };
  readonly ring: boolean;
  readonly columns: number;
}

/**
 * The program of a seed: two to four columns of one or two tasks, sometimes with one more task that stands alone. `wrong`: a
 * column has one operation that the others have not.
 */
export function symmetricToy(
  seed: number,
  options: ToyOptions & { readonly law?: boolean } = {},
  wrong = false,
): SymmetricToy {
  const draw = new RandomNumbers(seed * 7 + 3);
  const columns = 2 + draw.below(2);
  const ring = columns === 3 && draw.below(2) === 0;
  const rows = columns === 2 && draw.below(2) === 0 ? 2 : 1;
  const base = randomToy(seed, { maxOps: rows * columns > 2 ? 4 : 6 }).tasks;
  const roles = Array.from({ length: BASE_WORDS }, (_, word) => {
    if (word === BASE_WORDS - 1) return OWN;
    return [SHARED, SHARED, OWN, ring ? NEXT : SHARED][draw.below(4)]!;
  });
  const wordOf = (word: number, column: number): number => {
    const role = roles[Math.min(word, BASE_WORDS - 1)]!;
    const at = Math.min(word, BASE_WORDS - 1);
    if (role === SHARED) return at;
    return BASE_WORDS * (1 + ((column + (role === NEXT ? 1 : 0)) % columns)) + at;
  };
  const tasks: ToyTask[] = [];
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const { ops, idle } = base[row % base.length]!;
      const own = ops.map((op) => renamed(op, (word) => wordOf(word, column)));
      if (wrong && row === 0 && column === 0) own.unshift({ op: "add", word: wordOf(4, column), value: 2 });
      tasks.push({ ops: own, name: `${row}.${column}`, ...(idle === undefined ? {} : { idle }) });
    }
  // one apart, over shared words and a set of its own
  const apart = columns === 2 && base.length > 2 && draw.below(2) === 0;
  if (apart)
    tasks.push({ ...base[2]!, ops: base[2]!.ops.map((op) => renamed(op, (w) => apartWord(w, roles, columns))) });
  // a service that ticks, so that nothing ever is at rest
  if (draw.below(4) === 0) tasks.push({ name: "clock", ops: [{ op: "jump", to: 0 }], idle: true });
  const words = BASE_WORDS * (columns + 2);
  const program = new Toy(tasks, words, options);
  const symmetry = toySymmetry(program, ring, columns, rows);
  if (options.law === true) Object.assign(program, { brokenInvariant: () => lawOf(program) });
  return { program: Object.assign(program, { symmetry }), ring, columns };
}

/** Owners of mutexes are numbers of tasks, which no law may compare. */
function lawOf(program: Toy): string | undefined {
  const mutexes = mutexesOf(program);
  const base = program.tasks.length * 2;
  for (let at = base; at < program.words.length; at++)
    if (program.words[at]! > 2 && !mutexes.has(at)) return "a word is above 2";
  return undefined;
}

function mutexesOf({ tasks }: Toy): ReadonlySet<number> {
  const mutexes = new Set<number>();
  for (const { ops } of tasks) for (const op of ops) if ("mutex" in op) mutexes.add(op.mutex + tasks.length * 2);
  return mutexes;
}

function apartWord(word: number, roles: readonly number[], columns: number): number {
  const at = Math.min(word, BASE_WORDS - 1);
  return roles[at] === SHARED ? at : BASE_WORDS * (columns + 1) + at;
}

function renamed(op: ToyOp, to: (word: number) => number): ToyOp {
  const copy: Record<string, unknown> = { ...op };
  for (const key of ["word", "mutex", "other"]) if (key in copy) copy[key] = to(copy[key] as number);
  return copy as unknown as ToyOp;
}

function orders(columns: number, ring: boolean): number[][] {
  if (ring)
    return Array.from({ length: columns }, (_, turn) =>
      Array.from({ length: columns }, (_, c) => (c + turn) % columns),
    );
  let all: number[][] = [[]];
  for (let c = 0; c < columns; c++)
    all = all.flatMap((order) => order.concat(c).map((_, at) => [...order.slice(0, at), c, ...order.slice(at)]));
  return all;
}

/** The group over words of a toy: places and registers, then the words; mutexes hold their owner's number + 1. */
function toySymmetry(program: Toy, ring: boolean, columns: number, rows: number): Symmetry {
  const contexts = program.tasks.length;
  const mutexes = mutexesOf(program);
  const elements = orders(columns, ring)
    .filter((order) => order.some((to, c) => to !== c))
    .map((order): SymmetryElement => {
      const task = (c: number): number => (c < rows * columns ? c - (c % columns) + order[c % columns]! : c);
      const places = Int32Array.from(program.words, (_, word) => {
        if (word < contexts * 2) return task(word >> 1) * 2 + (word & 1);
        const at = word - contexts * 2;
        const column = Math.floor(at / BASE_WORDS) - 1;
        if (column < 0 || column >= columns) return word;
        return contexts * 2 + (1 + order[column]!) * BASE_WORDS + (at % BASE_WORDS);
      });
      return {
        contexts: program.tasks.map((_, c) => task(c)),
        places,
        image(words, from, end, to) {
          for (let at = from; at < end; at++)
            to[places[at]!] = mutexes.has(at) && words[at]! > 0 ? task(words[at]! - 1) + 1 : words[at]!;
        },
      };
    });
  return { elements, what: (word) => `word ${word}` };
}
