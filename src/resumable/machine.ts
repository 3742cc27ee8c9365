/**
 * The machine that runs contexts: each has a stack of frames in the heap, and stops at its visible steps.
 *
 * Everything that changes is in the heap, so `words` is the whole state: copy it, hash it, put it back.
 */
import { ModelError } from "./errors.ts";
import type { Explorable, Numbering, Parts, Symmetry } from "./explorable.ts";
import { type Code, codeById, codeOfFunction, FRAME_HEADER, kindsText, LABEL_BITS, LABEL_MASK } from "./functions.ts";
import { decode, encode, UNDEFINED, type World } from "./heap.ts";
import { CONTEXT_WORDS, FP, OP, OP_ARGUMENT, OP_OBJECT, opKinds, SP } from "./ops.ts";
import { $, markRange } from "./state.ts";
import { checkColumns, type SymmetryDeclaration, type SymmetryMember, symmetryOf } from "./symmetry.ts";

/** A frame as a reader sees it, innermost first in {@link Machine.stack}. @since 0.2.0 */
export interface Frame {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  /** Number of the suspension point within the function, from 1; 0 before its first. */
  readonly label: number;
  /** Values alive at that point, by name. */
  readonly locals: Readonly<Record<string, unknown>>;
}

interface ContextInfo {
  readonly name: string;
  readonly base: number;
  readonly limit: number;
  readonly idle: boolean;
}

/** What the program around the contexts decides. @since 0.2.0 */
export interface MachineHooks {
  /** Whether a context may be scheduled at all now (it has a CPU, nothing runs on top of it); absent: always. */
  mayRun?(context: number): boolean;
  /** Called when a context is about to take a step. */
  before?(context: number): void;
  brokenInvariant?(): string | undefined;
  deadSubset?(ways?: ArrayLike<number>): readonly number[];
}

/** Words of a stack when {@link Machine.spawn} is not told. */
const STACK_WORDS = 384;

/**
 * Runs the contexts of a world, one step at a time, in any order.
 *
 * @example
 * const world = new World();
 * const lock = create(Lock);
 * const machine = new Machine(world);
 * machine.spawn("a", worker, [lock]);
 * world.seal();
 * while (machine.ways(0) > 0) machine.step(0, 0);
 * @since 0.2.0
 */
export class Machine implements Explorable {
  readonly world: World;
  private readonly list: ContextInfo[] = [];
  private readonly hooks: MachineHooks;
  /** What tests for being able to run read is in `touched`. */
  readonly tracksWays = true;
  /** A step or a test is under way. */
  private asking = false;
  /** What steps record does not include their tests. */
  private bare = false;
  private divided: Parts | undefined;
  private readonly declared: SymmetryDeclaration[] = [];
  private group: Symmetry | undefined;
  private readonly ownReads: Set<number>;
  private readonly noReads: Set<number> = new Unnoted();
  private gotDone = false;
  readonly brokenInvariant?: () => string | undefined;
  readonly deadSubset?: (ways?: ArrayLike<number>) => readonly number[];

  constructor(world: World, hooks: MachineHooks = {}) {
    this.world = world;
    this.ownReads = world.reads;
    this.hooks = hooks;
    const { brokenInvariant, deadSubset } = hooks;
    // absent where there is nothing to ask, so that a search need not put states together for it
    if (brokenInvariant !== undefined)
      this.brokenInvariant = () => {
        if ($.world !== this.world) this.world.activate();
        return brokenInvariant();
      };
    if (deadSubset !== undefined) this.deadSubset = (ways) => this.findDeadSubset(deadSubset, ways);
  }

  get words(): Int32Array {
    return this.world.words;
  }
  get dirty(): Int32Array {
    return this.world.dirty;
  }
  get contexts(): number {
    return this.list.length;
  }
  get touched(): { readonly reads: ReadonlySet<number>; readonly writes: ReadonlySet<number> } {
    return this.world;
  }

  get numbering(): Numbering {
    const { world } = this;
    return { program: kindsText(), keys: world.keys, share: (numberOf) => world.share(numberOf) };
  }

  /** Each context where it stands and its stack, each list, and every other word on its own. */
  get parts(): Parts {
    this.divided ??= divide(this.world, this.list);
    return this.divided;
  }

  /**
   * Makes a context that will run `fn(...args)`; its first step starts it. `idle`: a service, whose waiting for ever is no
   * fault. Only before the world is sealed. Returns its number.
   */
  spawn(
    name: string,
    fn: (...args: never[]) => unknown,
    args: readonly unknown[] = [],
    options: { readonly idle?: boolean; readonly stackWords?: number } = {},
  ): number {
    const code = codeOfFunction(fn);
    if (code === undefined) throw new ModelError(`${name}: not a resumable function (is its file compiled?)`);
    this.world.activate();
    const size = options.stackWords ?? STACK_WORDS;
    const base = this.world.allocate(CONTEXT_WORDS + size);
    const first = base + CONTEXT_WORDS;
    this.list.push({ name, base, limit: first + size, idle: options.idle ?? false });
    const h = this.world.words;
    h[base + FP] = first;
    h[base + SP] = first + FRAME_HEADER + code.parameters;
    h[base + OP_OBJECT] = UNDEFINED;
    h[base + OP_ARGUMENT] = UNDEFINED;
    h[first] = code.id << LABEL_BITS;
    for (let i = 0; i < code.parameters; i++) h[first + FRAME_HEADER + i] = encode(args[i]);
    return this.list.length - 1;
  }

  /**
   * Declares that the columns are interchangeable: each holds contexts (their numbers) and entities, the same in each row, and
   * nothing in the program depends on which column is which. "permuted": they may change places in any order; "rotated": they
   * may only be turned round, as in a ring. More than one declaration makes the product of them. A proof then takes states
   * that differ only in this for one, and refuses the declaration where the program contradicts it.
   *
   * A context must name whom it works on by entities (a whole number that stands for a context or object is not moved), and a
   * list or a frozen array keeps its order: `[a, b]` is not `[b, a]`. `labels`: fields of the entities that never change and
   * only say which one it is (a number, a name); they may differ, and stay where they are.
   *
   * @example
   * const workers = [0, 1, 2].map((i) => {
   *   const job = create(Job);
   *   return [machine.spawn(`worker ${i}`, work, [job, lock]), job];
   * });
   * machine.symmetric(workers);
   * @throws {SymmetryError} when rows are of different kinds, or the group has more than 24 elements
   * @since 0.2.0
   */
  symmetric(
    columns: readonly (readonly SymmetryMember[])[],
    how: "permuted" | "rotated" = "permuted",
    labels: readonly string[] = [],
  ): void {
    const declaration = { columns, how, labels };
    checkColumns(declaration, this.list);
    this.declared.push(declaration);
    const group = symmetryOf(this.world, this.list, this.declared);
    this.group = this.world.sealed ? group : undefined;
  }

  /** What {@link symmetric} has declared. */
  get symmetry(): Symmetry | undefined {
    if (this.declared.length === 0) return undefined;
    this.group ??= symmetryOf(this.world, this.list, this.declared);
    return this.group;
  }

  ways(context: number): number {
    if ($.world !== this.world) this.world.activate();
    // Asked by a test that is itself being tracked: what it reads belongs to that test.
    if (this.asking) {
      if ($.tracking) this.noteAsked(context);
      return this.waysOf(context);
    }
    if ($.tracking) this.forget();
    this.asking = true;
    try {
      return this.waysOf(context);
    } finally {
      this.asking = false;
    }
  }

  /** Whether the last step got something done (see `OpSpec.progress`). */
  progressed(): boolean {
    return this.gotDone;
  }

  private noteAsked(context: number): void {
    const { base } = this.list[context] as ContextInfo;
    this.world.reads.add(base + FP);
    this.world.reads.add(base + OP);
  }

  private waysOf(context: number): number {
    const h = $.h;
    const { base } = this.list[context] as ContextInfo;
    if (h[base + FP] === 0) return 0;
    if (this.hooks.mayRun !== undefined && !this.hooks.mayRun(context)) return 0;
    const { spec } = opKinds[h[base + OP] as number] as (typeof opKinds)[number];
    if (spec.ways === undefined) return 1;
    return spec.ways(decode(h[base + OP_OBJECT] as number), decode(h[base + OP_ARGUMENT] as number));
  }

  step(context: number, way: number): void {
    if ($.world !== this.world) this.world.activate();
    const info = this.list[context] as ContextInfo;
    if ($.tracking && this.bare) this.forget();
    else if ($.tracking) this.ways(context);
    const h = $.h;
    const { base } = info;
    this.asking = true;
    const { spec } = opKinds[h[base + OP] as number] as (typeof opKinds)[number];
    const object = decode(h[base + OP_OBJECT] as number);
    const argument = decode(h[base + OP_ARGUMENT] as number);
    h[base + OP] = 0;
    h[base + OP_OBJECT] = UNDEFINED;
    h[base + OP_ARGUMENT] = UNDEFINED;
    $.context = context;
    $.announce = base;
    $.limit = info.limit;
    // an error of the operation itself is told with the stack that waits for it
    $.fp = h[base + FP] as number;
    try {
      this.hooks.before?.(context);
      $.value = spec.apply === undefined ? undefined : spec.apply(object, argument, way);
      this.gotDone = spec.progress?.($.value) ?? false;
      this.run(base);
      if ($.tracking) this.noteStanding(base);
    } catch (error) {
      throw this.explain(context, error);
    } finally {
      $.context = -1;
      this.asking = false;
    }
  }

  /** A step moves its context on: who looks where it stands depends on that. */
  private noteStanding(base: number): void {
    this.world.writes.add(base + OP);
    if (this.words[base + FP] === 0) this.world.writes.add(base + FP);
  }

  private run(base: number): void {
    const h = $.h;
    $.fp = h[base + FP] as number;
    $.top = h[base + SP] as number;
    let lowest = $.fp;
    while (!codeById((h[$.fp] as number) >>> LABEL_BITS).run($.fp)) if ($.fp < lowest) lowest = $.fp;
    const end = $.fp === 0 ? base + CONTEXT_WORDS : $.sp;
    for (let i = end; i < $.top; i++) h[i] = 0;
    h[base + FP] = $.fp;
    h[base + SP] = end;
    markRange(base, base + CONTEXT_WORDS);
    markRange($.fp === 0 ? end : lowest, $.top);
  }

  /** An error with the model stack it happened in. */
  private explain(context: number, error: unknown): unknown {
    if (!(error instanceof Error)) return error;
    const frames: string[] = [];
    for (let fp = $.fp; fp !== 0; fp = $.h[fp + 1] as number) {
      const code = codeById(($.h[fp] as number) >>> LABEL_BITS);
      frames.push(`  ${code.name} (${code.file}:${this.lineOf(code, fp)})`);
      if (frames.length > 60) break;
    }
    const said = `${error.message}\n in ${this.name(context)}:\n${frames.join("\n")}`;
    return Object.assign(new ModelError(said), { cause: error });
  }

  private lineOf(code: Code, fp: number): number {
    return code.lines[($.h[fp] as number) & LABEL_MASK] ?? code.line;
  }

  /** The context's frames, innermost first; empty when it has finished. */
  stack(context: number): readonly Frame[] {
    if ($.world !== this.world) this.world.activate();
    const frames: Frame[] = [];
    const h = this.words;
    for (let fp = h[(this.list[context] as ContextInfo).base + FP] as number; fp !== 0; fp = h[fp + 1] as number) {
      const code = codeById((h[fp] as number) >>> LABEL_BITS);
      const label = (h[fp] as number) & LABEL_MASK;
      const words = code.alive[label] ?? [];
      const locals = words.flatMap((n, i) => (n === "" ? [] : [[n, decode(h[fp + FRAME_HEADER + i] as number)]]));
      frames.push({
        name: code.name,
        file: code.file,
        line: this.lineOf(code, fp),
        label,
        locals: Object.fromEntries(locals),
      });
    }
    return frames;
  }

  /** The operation a context is about to do. */
  pending(context: number): { readonly op: string; readonly object: unknown; readonly argument: unknown } {
    if ($.world !== this.world) this.world.activate();
    const { base } = this.list[context] as ContextInfo;
    const h = this.words;
    if ($.tracking) this.world.reads.add(base + OP);
    return {
      op: (opKinds[h[base + OP] as number] as (typeof opKinds)[number]).name,
      object: decode(h[base + OP_OBJECT] as number),
      argument: decode(h[base + OP_ARGUMENT] as number),
    };
  }

  finished(context: number): boolean {
    const at = (this.list[context] as ContextInfo).base + FP;
    if ($.tracking) this.world.reads.add(at);
    return this.words[at] === 0;
  }
  idle(context: number): boolean {
    const info = this.list[context] as ContextInfo;
    if (!info.idle) return false;
    if ($.tracking) this.world.reads.add(info.base + OP);
    return opKinds[this.words[info.base + OP] as number]?.spec.idle === true;
  }
  name(context: number): string {
    return (this.list[context] as ContextInfo).name;
  }

  position(context: number): string {
    const top = this.stack(context)[0];
    if (top === undefined) return "end";
    const { object, argument, op } = this.pending(context);
    const spec = opKinds.find((kind) => kind.name === op)?.spec;
    const what = spec?.describe?.(object, argument) ?? (object === undefined ? op : `${op} ${String(object)}`);
    return `${top.name}:${top.label} ${what}`;
  }

  track(on: boolean, bare = false): void {
    $.tracking = on;
    this.bare = bare;
    this.forget();
  }

  /** As {@link track}, for steps of which only the writes are wanted. */
  trackWrites(on: boolean): void {
    this.track(on, true);
    this.world.reads = on ? this.noReads : this.ownReads;
  }
  private forget(): void {
    this.world.reads.clear();
    this.world.writes.clear();
  }

  private findDeadSubset(hook: (ways?: ArrayLike<number>) => readonly number[], ways?: ArrayLike<number>) {
    if ($.world !== this.world) this.world.activate();
    if ($.tracking) this.forget();
    this.asking = true;
    try {
      return hook(ways);
    } finally {
      this.asking = false;
    }
  }
}

/** A set that stays empty. */
class Unnoted extends Set<number> {
  override add(): this {
    return this;
  }
}

function divide(world: World, contexts: readonly ContextInfo[]): Parts {
  const ranges = [
    ...world.lists,
    ...contexts.flatMap(({ base, limit }) => [
      [base, base + CONTEXT_WORDS] as const,
      [base + CONTEXT_WORDS, limit] as const,
    ]),
  ].sort((a, b) => a[0] - b[0]);
  const starts: number[] = [];
  const partAt = new Map<number, number>();
  let word = 0;
  for (const [from, end] of [...ranges, [world.size, world.size] as const]) {
    for (; word < from; word++) starts.push(word);
    partAt.set(from, starts.length);
    if (end > from) starts.push(from);
    word = end;
  }
  starts.push(world.size);
  const own = contexts.map(({ base }) => [partAt.get(base) as number, partAt.get(base + CONTEXT_WORDS) as number]);
  return { starts: Int32Array.from(starts), own };
}
