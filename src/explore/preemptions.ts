/**
 * Exhaustive search over exact states in the order of preemptions: first all schedules in which a context runs on until
 * it cannot, then those in which one is made to stop although it could go on, then two, and so on.
 *
 * Iterative context bounding (Musuvathi, Qadeer, "Iterative context bounding for systematic testing of multithreaded
 * programs", PLDI 2007), with states remembered: what a context does next in a state is the same however the state was
 * reached, so each pair of state and context is run once, at the fewest preemptions that lead to it. Most deadlocks
 * need one or two, and two preemptions are a small part of all schedules, so a first fault is met early, and what is
 * said about a large program is said for a scope that was really covered. Run to the end, it has seen what `prove` sees,
 * at about the same cost; it does not look for livelocks. Without private steps or any other reduction.
 */
import { brokenLaw, deadContexts, terminalFault, thrownFault } from "./faults.ts";
import { Findings } from "./findings.ts";
import { IntList } from "./int-list.ts";
import { SearchLimits } from "./search-limits.ts";
import { StateStore } from "./state-store.ts";
import type { Choice, Fault, Reducible, SearchCounts, SearchOptions, SearchOutcome, StopReason } from "./types.ts";

/** @since 0.2.0 */
export interface PreemptionOptions extends SearchOptions {
  /** Schedules with more are left out. All by default. */
  readonly maxPreemptions?: number;
  readonly maxStates?: number;
  /** Most memory for the visited states. */
  readonly memoryBytes?: number;
  /**
   * Steps after which schedules with one preemption more get a turn, up to three, before those with fewer are all done:
   * for a first fault, where most schedules without preemptions are alike. Nothing can be said of a number of
   * preemptions then. Strictly by preemptions by default.
   */
  readonly turnSteps?: number;
}

/** @since 0.2.0 */
export interface PreemptionOutcome extends SearchOutcome {
  readonly states: number;
  readonly executions: undefined;
  /** States where nothing can step, deadlocks included. */
  readonly terminals: number;
  /** All schedules with at most so many preemptions were seen; -1: not even all those without. Infinity: all there are. */
  readonly preemptions: number;
}

/**
 * Searches from the program's present state and puts that state back at the end.
 *
 * @example
 * const outcome = provePreemptions(program, { maxPreemptions: 2 });
 * if (outcome.finding) console.log(outcome.finding.message);
 * else console.log(`none with at most ${outcome.preemptions} preemptions`);
 * @since 0.2.0
 */
export function provePreemptions(program: Reducible, options: PreemptionOptions = {}): PreemptionOutcome {
  const search = new Search(program, options);
  try {
    return search.run();
  } finally {
    program.words.set(search.initial);
  }
}

/** How a state was first reached: from which state, by which context in which way. Three entries a state. */
const FROM = 3;
/** With `turnSteps`: preemptions beyond the fewest that are not all done. */
const MOST_AHEAD = 3;

class Search {
  readonly initial: Int32Array;
  readonly #program: Reducible;
  readonly #options: PreemptionOptions;
  readonly #store: StateStore;
  readonly #findings: Findings;
  readonly #limits: SearchLimits;
  readonly #from = new IntList(1024);
  /**
   * Per state, by context: its ways; whether it was run from there; 1 + the fewest preemptions at which that was planned.
   */
  readonly #ways = new ByteRows();
  readonly #ran = new ByteRows();
  readonly #planned = new ByteRows();
  /** By number of preemptions: pairs of state and context to run. */
  readonly #levels: IntList[] = [new IntList(1024)];
  /** The state that `words` hold; -1 when unknown. */
  #loaded = -1;
  #depth = 0;
  #preemptions = 0;
  #terminals = 0;
  readonly #counts = (): SearchCounts => ({
    states: this.#store.size,
    steps: this.#limits.steps,
    executions: undefined,
    depth: this.#depth,
    bytes: this.#bytes(),
  });

  constructor(program: Reducible, options: PreemptionOptions) {
    this.initial = program.words.slice();
    this.#program = program;
    this.#options = options;
    this.#store = new StateStore(program.words.length, { memoryBytes: options.memoryBytes ?? Infinity });
    this.#findings = new Findings(program, this.initial, options.find === "all");
    this.#limits = new SearchLimits(options);
  }

  #bytes(): number {
    const rows = this.#ways.bytes + this.#ran.bytes + this.#planned.bytes;
    return this.#store.bytes + rows + this.#from.bytes + this.#levels.reduce((sum, l) => sum + l.bytes, 0);
  }

  run(): PreemptionOutcome {
    const stopped = this.#search();
    return {
      ...this.#findings.outcome(stopped),
      ...this.#counts(),
      states: this.#store.size,
      executions: undefined,
      terminals: this.#terminals,
      preemptions: stopped === undefined ? Infinity : this.#unfinished(stopped) - 1,
    };
  }

  #search(): StopReason | undefined {
    const { turnSteps = Infinity } = this.#options;
    if (this.#store.intern(this.#program.words, this.#program.dirty) < 0) return "memory";
    let stopped = this.#enter(0, undefined);
    this.#continue(0, undefined);
    let nextTurn = turnSteps;
    while (stopped === undefined) {
      if (this.#levels[this.#preemptions]!.length === 0 || this.#limits.steps >= nextTurn) {
        const last = this.#preemptions;
        this.#preemptions = this.#turn(nextTurn);
        if (this.#preemptions < 0) return this.#least() === Infinity ? undefined : "preemptions";
        if (last !== this.#preemptions) nextTurn = this.#limits.steps + turnSteps;
      }
      stopped = this.#runNext();
    }
    return stopped;
  }

  /** The fewest preemptions at which something is left to do. */
  #least(): number {
    const least = this.#levels.findIndex((level) => level.length > 0);
    return least < 0 ? Infinity : least;
  }

  /** The same, of a search that was stopped: in the midst of a pair, or by the bound on preemptions between two. */
  #unfinished(stopped: StopReason): number {
    return stopped === "preemptions" ? this.#least() : Math.min(this.#least(), this.#preemptions);
  }

  /** The number of preemptions to go on with; -1: nothing is left within the bound. */
  #turn(nextTurn: number): number {
    const { maxPreemptions = Infinity } = this.#options;
    const least = this.#least();
    if (least === Infinity || least > maxPreemptions) return -1;
    const next = this.#preemptions + 1;
    const may = this.#limits.steps >= nextTurn && next <= Math.min(least + MOST_AHEAD, maxPreemptions);
    return may && (this.#levels[next]?.length ?? 0) > 0 ? next : least;
  }

  /** Runs one pair of state and context of the present number of preemptions. */
  #runNext(): StopReason | undefined {
    const level = this.#levels[this.#preemptions]!;
    const context = level.pop();
    const state = level.pop();
    const at = state * this.#program.contexts + context;
    if (this.#ran.data[at] !== 0) return undefined;
    this.#ran.data[at] = 1;
    let stopped: StopReason | undefined;
    for (let way = 0; way < this.#ways.data[at]! && stopped === undefined; way++)
      stopped = this.#step(state, context, way);
    return stopped;
  }

  #step(state: number, context: number, way: number): StopReason | undefined {
    const program = this.#program;
    const { words } = program;
    const stopped = this.#limits.step(this.#counts);
    if (stopped !== undefined) return stopped;
    if (this.#loaded !== state) this.#store.load(state, words);
    try {
      program.step(context, way);
    } catch (error) {
      this.#store.forget();
      this.#loaded = -1;
      return this.#note(thrownFault(context, error), state, { context, way });
    }
    const next = this.#store.intern(words, program.dirty);
    if (next < 0) return "memory";
    this.#loaded = next;
    let stop: StopReason | undefined;
    if (this.#store.fresh) {
      if (next >= (this.#options.maxStates ?? Infinity)) return "states";
      if ((next & 1023) === 0 && this.#bytes() > (this.#options.memoryBytes ?? Infinity)) return "memory";
      this.#from.push(state);
      this.#from.push(context);
      this.#from.push(way);
      stop = this.#enter(next, context);
    }
    this.#continue(next, context);
    return stop;
  }

  /** The present words are the new state `state`: looks at it. */
  #enter(state: number, stepped: number | undefined): StopReason | undefined {
    const program = this.#program;
    const { contexts } = program;
    this.#ways.grow((state + 1) * contexts);
    this.#ran.grow((state + 1) * contexts);
    this.#planned.grow((state + 1) * contexts);
    this.#loaded = state;
    let rest = true;
    for (let c = 0; c < contexts; c++) {
      const ways = program.ways(c);
      this.#ways.data[state * contexts + c] = ways;
      if (ways > 255) throw new RangeError(`${program.name(c)}: a step with ${ways} ways`);
      if (ways > 0) rest = false;
    }
    if (rest) this.#terminals++;
    const deadlock = rest ? terminalFault(program) : undefined;
    if (rest) this.#findings.terminal(deadlock !== undefined);
    const law = brokenLaw(program, stepped);
    const ways = this.#ways.data.subarray(state * contexts, (state + 1) * contexts);
    const fault = deadlock ?? deadContexts(program, ways);
    return (law && this.#note(law, state)) ?? (fault && this.#note(fault, state));
  }

  /** Plans who runs in `state`, which a step of `ran` has led to: that context first, the others at a price. */
  #continue(state: number, ran: number | undefined): void {
    const { contexts } = this.#program;
    const first = state * contexts;
    const free = ran === undefined || this.#ways.data[first + ran] === 0;
    for (let c = contexts - 1; c >= 0; c--) if (c !== ran) this.#plan(state, c, free ? 0 : 1);
    if (ran !== undefined) this.#plan(state, ran, 0);
  }

  /** Plans to run `context` in `state`, unless that was done, or planned at as few preemptions. */
  #plan(state: number, context: number, more: number): void {
    const at = state * this.#program.contexts + context;
    if (this.#ways.data[at] === 0 || this.#ran.data[at] !== 0) return;
    const preemptions = this.#preemptions + more;
    const mark = Math.min(preemptions + 1, 255);
    const planned = this.#planned.data[at]!;
    if (planned !== 0 && planned <= mark) return;
    this.#planned.data[at] = mark;
    if (this.#levels.length === preemptions) this.#levels.push(new IntList(1024));
    this.#levels[preemptions]!.push(state);
    this.#levels[preemptions]!.push(context);
  }

  /** Notes a fault of `state`, or of the step `last` from there. */
  #note(fault: Fault, state: number, last?: Choice): StopReason | undefined {
    const path = (): Choice[] => {
      const taken: Choice[] = last === undefined ? [] : [last];
      for (let s = state; s !== 0; ) {
        const at = (s - 1) * FROM;
        taken.push({ context: this.#from.at(at + 1), way: this.#from.at(at + 2) });
        s = this.#from.at(at);
      }
      if (taken.length > this.#depth) this.#depth = taken.length;
      return taken.reverse();
    };
    return this.#findings.add(fault, path) ? "finding" : undefined;
  }
}

/** Small numbers by index, zero at first. */
class ByteRows {
  data = new Uint8Array(8192);

  grow(length: number): void {
    if (length <= this.data.length) return;
    const grown = new Uint8Array(length * 2);
    grown.set(this.data);
    this.data = grown;
  }
  get bytes(): number {
    return this.data.byteLength;
  }
}
