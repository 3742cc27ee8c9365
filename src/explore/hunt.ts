/**
 * Stateless search in the order of dynamic partial-order reduction, for a first bug.
 *
 * Flanagan, Godefroid, "Dynamic partial-order reduction for model checking software" (POPL 2005), with sleep sets
 * (Godefroid 1996) and the source sets of Abdulla, Aronis, Jonsson, Sagonas (POPL 2014): to turn round only the last
 * race, as the first paper does, is wrong beside sleep sets, which may have cut the run that shows the next one. Runs
 * one execution to its end, finds the races in it and turns each round, so that of all schedules that differ only in
 * the order of independent steps about one is run. Dependence is seen, not declared: the words that steps read and
 * write, the test for being able to run included.
 * - A context that is blocked has a race with the last step that wrote what its test reads: it is looked at in every
 *   state in which that can have changed, or deadlocks behind deadlocks would be missed. Without `tracksWays` any
 *   write counts.
 * - Where the context to run earlier could not run, everybody who could is tried (their conservative variant).
 * - A step with several ways is one decision: once a context is chosen, all its ways are.
 *
 * A search without states goes deep into the first schedule and turns its last races round first: where many contexts
 * meet in many words, a deadlock that needs one early switch is hundreds of thousands of executions away. So a hunt for
 * a first fault that has met none soon looks elsewhere before it goes on: a few random schedules, then states in the
 * order of preemptions (`preemptions.ts`).
 *
 * Covers deadlocks, dead subsets, ends and thrown errors of programs whose runs end. Laws that read several words may be
 * broken between steps that are never run in that order: use `prove` for those, and for livelocks.
 */
import { brokenLaw, canStep, deadContexts, terminalFault, thrownFault } from "./faults.ts";
import { Findings } from "./findings.ts";
import { provePreemptions } from "./preemptions.ts";
import { random } from "./random.ts";
import { SearchLimits } from "./search-limits.ts";
import { conflicts, Trace, type TraceEvent } from "./trace.ts";
import type { Fault, Reducible, SearchCounts, SearchOptions, SearchOutcome, StopReason } from "./types.ts";

/** @since 0.2.0 */
export interface HuntOptions extends SearchOptions {
  /** Longest execution; longer ones are cut and the search is not complete. 10,000 by default. */
  readonly maxDepth?: number;
  /** Most executions. */
  readonly maxExecutions?: number;
  /** Told every execution that came to its end (not those that threw, were cut, or were given up as repetitions). */
  readonly onExecution?: (events: readonly TraceEvent[]) => void;
}

/** @since 0.2.0 */
export interface HuntOutcome extends SearchOutcome {
  readonly states: undefined;
  readonly executions: number;
  /** Executions given up because everything that could go on was covered elsewhere. */
  readonly pruned: number;
}

/** A context not to be run again until something touches its words: all its continuations are covered. */
interface Sleeper {
  readonly context: number;
  readonly reads: ReadonlySet<number>;
  readonly writes: ReadonlySet<number>;
}

/** A state of the execution under way, before its event. */
interface Node {
  /** By context. */
  readonly ways: Int32Array;
  readonly sleep: Sleeper[];
  /** Contexts to run from here. */
  readonly wanted: Set<number>;
  readonly done: Set<number>;
  /** Words at this state, on every eighth node: the others are reached again by running from there. */
  readonly words: Int32Array | undefined;
  context: number;
  way: number;
  /** What the ways of `context` run so far have touched together. */
  reads: Set<number>;
  writes: Set<number>;
}

const CHECKPOINT_EVERY = 8;
/** Steps before a hunt for a first fault looks elsewhere; by then small programs are done. */
const ELSEWHERE_AFTER = 500;
/**
 * Steps of random schedules, their length, and steps in the order of preemptions. Measured on the incidents: random ones
 * meet the page lock deadlocks within some hundred steps, in the order of preemptions every incident that deadlocks does
 * within 20,000.
 */
const RANDOM_STEPS = 1_500;
const RANDOM_DEPTH = 500;
const PREEMPTION_STEPS = 60_000;
const TURN_STEPS = 200;

/**
 * Hunts from the program's present state and puts that state back at the end.
 *
 * @example
 * const { finding } = hunt(program, { maxExecutions: 1000 });
 * @since 0.2.0
 */
export function hunt(program: Reducible, options: HuntOptions = {}): HuntOutcome {
  const search = new Hunt(program, options);
  program.track(true);
  try {
    return search.run();
  } finally {
    program.track(false);
    program.words.set(search.initial);
  }
}

class Hunt {
  readonly initial: Int32Array;
  readonly #program: Reducible;
  readonly #options: HuntOptions;
  readonly #maxDepth: number;
  readonly #maxExecutions: number;
  readonly #findings: Findings;
  readonly #limits: SearchLimits;
  readonly #trace: Trace;
  readonly #nodes: Node[] = [];
  /** Whether the words are those of the last node. */
  #present = true;
  #executions = 0;
  #pruned = 0;
  #depth = 0;
  #cut: StopReason | undefined;
  /** When to look elsewhere. */
  #elsewhereAt: number;
  /** Every state was seen elsewhere. */
  #covered = false;
  readonly #counts = (): SearchCounts => ({
    states: undefined,
    steps: this.#limits.steps,
    executions: this.#executions,
    depth: this.#depth,
    bytes: Math.ceil(this.#nodes.length / CHECKPOINT_EVERY) * this.initial.byteLength,
  });

  constructor(program: Reducible, options: HuntOptions) {
    this.initial = program.words.slice();
    this.#program = program;
    this.#options = options;
    this.#maxDepth = options.maxDepth ?? 10_000;
    this.#maxExecutions = options.maxExecutions ?? Infinity;
    this.#findings = new Findings(program, this.initial, options.find === "all");
    this.#limits = new SearchLimits(options);
    this.#trace = new Trace(program.contexts);
    const first = options.find !== "all" && options.onExecution === undefined;
    this.#elsewhereAt = first ? ELSEWHERE_AFTER : Infinity;
  }

  run(): HuntOutcome {
    let stopped = this.#arrive([]);
    while (stopped === undefined && this.#nodes.length > 0 && !this.#covered) {
      if (this.#limits.steps >= this.#elsewhereAt) {
        stopped = this.#elsewhere();
        continue;
      }
      const node = this.#nodes.at(-1)!;
      if (!this.#choose(node)) this.#retreat();
      else if (this.#executions >= this.#maxExecutions) stopped = "executions";
      else stopped = this.#limits.step(this.#counts) ?? this.#advance(node);
    }
    return {
      ...this.#findings.outcome(stopped ?? (this.#covered ? undefined : this.#cut)),
      ...this.#counts(),
      states: undefined,
      executions: this.#executions,
      pruned: this.#pruned,
    };
  }

  /** Looks for a first fault in other orders. */
  #elsewhere(): StopReason | undefined {
    const program = this.#program;
    this.#elsewhereAt = Infinity;
    this.#present = false;
    program.track(false);
    program.words.set(this.initial);
    const drawn = random(program, {
      ...this.#part(RANDOM_STEPS),
      maxDepth: Math.min(this.#maxDepth, RANDOM_DEPTH),
      maxExecutions: this.#maxExecutions - this.#executions,
    });
    this.#executions += drawn.executions;
    let stopped = this.#take(drawn);
    if (stopped === undefined) {
      const ordered = provePreemptions(program, { ...this.#part(PREEMPTION_STEPS), turnSteps: TURN_STEPS });
      stopped = this.#take(ordered);
      this.#covered = ordered.complete;
    }
    program.track(true);
    return stopped;
  }

  /** Options of a search elsewhere, within what is left of this one's steps. */
  #part(steps: number): SearchOptions {
    const { shouldStop, onProgress, pollEvery, maxSteps = Infinity } = this.#options;
    const before = this.#limits.steps;
    const progress = (counts: SearchCounts): void => onProgress?.({ ...this.#counts(), steps: before + counts.steps });
    return {
      maxSteps: Math.max(0, Math.min(steps, maxSteps - before)),
      onProgress: progress,
      ...(shouldStop === undefined ? {} : { shouldStop }),
      ...(pollEvery === undefined ? {} : { pollEvery }),
    };
  }

  #take({ steps, depth, finding, stopped }: SearchOutcome): StopReason | undefined {
    this.#limits.steps += steps;
    if (depth > this.#depth) this.#depth = depth;
    if (finding !== undefined && this.#findings.adopt(finding)) return "finding";
    return stopped === "aborted" ? stopped : undefined;
  }

  /** Moves the node to its next untried way or context; false when there is none. */
  #choose(node: Node): boolean {
    if (node.context >= 0) {
      if (++node.way < node.ways[node.context]!) return true;
      node.done.add(node.context);
      node.sleep.push({ context: node.context, reads: node.reads, writes: node.writes });
      node.context = -1;
    }
    for (const context of node.wanted) {
      if (node.done.has(context) || asleep(node, context)) continue;
      node.context = context;
      node.way = 0;
      node.reads = new Set();
      node.writes = new Set();
      return true;
    }
    return false;
  }

  #retreat(): void {
    this.#nodes.pop();
    if (this.#nodes.length > 0) this.#trace.pop();
    this.#present = false;
  }

  /** Takes the node's choice. */
  #advance(node: Node): StopReason | undefined {
    const program = this.#program;
    this.#restore();
    const { context, way } = node;
    let error: unknown;
    let threw = false;
    try {
      program.step(context, way);
    } catch (caught) {
      threw = true;
      error = caught;
    }
    const reads = new Set(program.touched.reads);
    const writes = new Set(program.touched.writes);
    for (const position of this.#trace.races(context, reads, writes)) this.#turnRound(position, context, reads, writes);
    const event = this.#trace.push(context, way, reads, writes);
    for (const word of reads) node.reads.add(word);
    for (const word of writes) node.writes.add(word);
    if (this.#trace.events.length > this.#depth) this.#depth = this.#trace.events.length;
    if (threw) return this.#threw(node, thrownFault(context, error));
    const sleep = node.sleep.filter((s) => !conflicts(s.reads, s.writes, reads, writes));
    return this.#arrive(sleep, event);
  }

  /**
   * An error ends the program for everybody: nobody's later steps were seen, so all who could run here must be tried.
   */
  #threw(node: Node, fault: Fault): StopReason | undefined {
    for (let c = 0; c < node.ways.length; c++) if (node.ways[c]! > 0) node.wanted.add(c);
    this.#executions++;
    const stop = this.#note(fault);
    this.#trace.pop();
    this.#present = false;
    return stop;
  }

  /** The execution has come to a new state, by `event` unless it is the first. */
  #arrive(sleep: Sleeper[], event?: TraceEvent): StopReason | undefined {
    const program = this.#program;
    const ways = new Int32Array(program.contexts);
    for (let c = 0; c < ways.length; c++) {
      ways[c] = program.ways(c);
      if (ways[c] === 0 && event !== undefined && !program.finished(c)) this.#blocked(c, event);
    }
    const depth = this.#nodes.length;
    const words = depth % CHECKPOINT_EVERY === 0 ? program.words.slice() : undefined;
    const node: Node = {
      ways,
      sleep,
      wanted: new Set(),
      done: new Set(),
      words,
      context: -1,
      way: 0,
      reads: new Set(),
      writes: new Set(),
    };
    this.#nodes.push(node);
    this.#present = true;
    const fault = brokenLaw(program, event?.context) ?? deadContexts(program);
    if (!canStep(program)) return this.#end(fault);
    const stop = fault && this.#note(fault);
    if (stop !== undefined) return stop;
    if (depth >= this.#maxDepth) {
      this.#executions++;
      this.#cut = "depth";
      return undefined;
    }
    const first = this.#first(node, event?.context);
    if (first >= 0) node.wanted.add(first);
    else {
      this.#executions++;
      this.#pruned++;
    }
    return undefined;
  }

  #end(fault: Fault | undefined): StopReason | undefined {
    const deadlock = terminalFault(this.#program);
    this.#executions++;
    this.#options.onExecution?.(this.#trace.events);
    this.#findings.terminal(deadlock !== undefined);
    const law = fault?.kind === "invariant" ? fault : undefined;
    const dead = deadlock ?? (law === undefined ? fault : deadContexts(this.#program));
    return (law && this.#note(law)) ?? (dead && this.#note(dead));
  }

  #note(fault: Fault): StopReason | undefined {
    // Naming the schedule runs it again: with tracking on, that would only cost time.
    this.#program.track(false);
    const stop = this.#findings.add(fault, () => this.#trace.events);
    this.#program.track(true);
    return stop ? "finding" : undefined;
  }

  /**
   * Whom to run from a new state: the one that ran, for few context switches, else the first that is awake. -1: all
   * sleep.
   */
  #first(node: Node, ran: number | undefined): number {
    const awake = (c: number): boolean => node.ways[c]! > 0 && !asleep(node, c);
    if (ran !== undefined && awake(ran)) return ran;
    for (let c = 0; c < node.ways.length; c++) if (awake(c)) return c;
    return -1;
  }

  /** `context` is blocked after `event`; `ways` has just been asked, so what its test read is in `touched`. */
  #blocked(context: number, event: TraceEvent): void {
    const trace = this.#trace;
    if (!this.#program.tracksWays) {
      if (event.writes.size > 0 || event.context === context)
        for (const position of trace.writeRaces(context)) this.#turnRound(position, context, NOTHING, NOTHING);
      return;
    }
    // Unless the event changed the words or the context, the race was seen in the state before.
    if (event.context !== context && !conflicts(this.#program.touched.reads, NOTHING, NOTHING, event.writes)) return;
    const reads = new Set(this.#program.touched.reads);
    for (const position of trace.races(context, reads, NOTHING)) this.#turnRound(position, context, reads, NOTHING);
  }

  /**
   * Sees to it that from the state before the event at `position`, a run is tried in which `context` makes its access
   * first.
   */
  #turnRound(position: number, context: number, reads: ReadonlySet<number>, writes: ReadonlySet<number>): void {
    const node = this.#nodes[position]!;
    const begin = this.#trace.initials(position, context, reads, writes).filter((c) => node.ways[c]! > 0);
    if (begin.length === 0) {
      for (let c = 0; c < node.ways.length; c++) if (node.ways[c]! > 0) node.wanted.add(c);
    } else if (reads === NOTHING) {
      // What the access read is not known, so neither is who must come before it.
      for (const c of begin) node.wanted.add(c);
    } else if (!begin.some((c) => node.wanted.has(c) || asleep(node, c))) {
      node.wanted.add(begin.includes(context) ? context : begin[0]!);
    }
  }

  /** Puts the words of the last node back: the nearest kept words before it, and the events since. */
  #restore(): void {
    if (this.#present) {
      this.#present = false;
      return;
    }
    const program = this.#program;
    const last = this.#nodes.length - 1;
    let from = last - (last % CHECKPOINT_EVERY);
    program.words.set(this.#nodes[from]!.words!);
    if (from === last) return;
    program.track(false);
    for (; from < last; from++) program.step(this.#trace.events[from]!.context, this.#trace.events[from]!.way);
    program.track(true);
  }
}

const NOTHING: ReadonlySet<number> = new Set();

function asleep(node: Node, context: number): boolean {
  return node.sleep.some((s) => s.context === context);
}
