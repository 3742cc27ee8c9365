/**
 * Exhaustive depth-first search over states, kept whole or told apart by sums of 128 bits (`exact`).
 *
 * Finds every deadlock, dead subset, broken invariant and certain livelock that any schedule can reach, or says that
 * there is none. Strongly connected components are found on the way (Tarjan, "Depth-first search and linear graph
 * algorithms", 1972; iterative): states are numbered in the order of their discovery, so a state's number is its
 * depth-first index. A component that no step leaves and that is more than one state at rest is a place where the
 * program stays for ever, whatever the fairness; `bottom.ts` says whether that is a livelock. With `reduce`, a
 * context whose next step is private steps alone (an ample set of one context: Clarke, Grumberg, Peled, "Model
 * Checking", 1999, ch. 10), unless that could close a cycle and so leave the others out for ever.
 *
 * Cost: one step, looked up or run (`state-space.ts`), and one look into the set of states per transition. Not found: a loop that is fair but can
 * be left (starvation).
 */
import { bottomFault } from "./bottom.ts";
import { brokenLaw, deadSubset, terminalFault, thrownFault } from "./faults.ts";
import { Findings } from "./findings.ts";
import { omissionProbability } from "./hashed-set.ts";
import { ByteList, IntList } from "./int-list.ts";
import { SearchLimits } from "./search-limits.ts";
import { type StateSpace, stateSpace } from "./state-space.ts";
import type { Choice, Fault, Reducible, SearchCounts, SearchOptions, SearchOutcome, StopReason } from "./types.ts";

/** @since 0.2.0 */
export interface ProveOptions extends SearchOptions {
  readonly maxStates?: number;
  /** Most memory for the visited states and the path. */
  readonly memoryBytes?: number;
  /** Lets a context with a private next step run alone (see `Reducible.privateStep`). Off by default. */
  readonly reduce?: boolean;
  /** States are always kept whole; otherwise those of programs with `parts` are told apart by sums of 128 bits. */
  readonly exact?: boolean;
}

/** @since 0.2.0 */
export interface ProveOutcome extends SearchOutcome {
  readonly states: number;
  readonly executions: undefined;
  /** States where nothing can step, deadlocks included. */
  readonly terminals: number;
  /** States where `reduce` left other contexts out. */
  readonly reduced: number;
  /** States were told apart by sums of 128 bits: this is the probability that a state was missed for it. */
  readonly omission: number;
}

const ON_COMPONENT_STACK = 1;
const ON_PATH = 2;
/** Some step leads out of the state's component, or threw. */
const LEAVES = 4;

/**
 * Searches all schedules from the program's present state and puts that state back at the end.
 *
 * @example
 * const outcome = prove(program, { memoryBytes: 1e9 });
 * if (outcome.finding) console.log(outcome.finding.message);
 * else console.log(outcome.complete ? "none" : `bound reached: ${outcome.stopped}`);
 * @since 0.2.0
 */
export function prove(program: Reducible, options: ProveOptions = {}): ProveOutcome {
  const search = new Search(program, options);
  try {
    return search.run();
  } finally {
    program.words.set(search.initial);
  }
}

class Search {
  readonly initial: Int32Array;
  readonly #program: Reducible;
  readonly #options: ProveOptions;
  readonly #space: StateSpace;
  readonly #findings: Findings;
  readonly #limits: SearchLimits;
  readonly #maxStates: number;
  /** By state number: the smallest state number known to be reachable within the component; and the flags above. */
  readonly #low = new IntList(1024);
  readonly #flags = new ByteList(1024);
  /** States of components that are not complete yet. */
  readonly #component = new IntList(1024);
  /**
   * The path: states, and where the choices of each begin and stand in `#choices` (context and way, two entries
   * each). The present state of the space is the top of the path.
   */
  readonly #path = new IntList(256);
  readonly #from = new IntList(256);
  readonly #cursor = new IntList(256);
  readonly #alone = new IntList(256);
  readonly #choices = new IntList(1024);
  /** By context, of the state that was entered last. */
  readonly #ways: Int32Array;
  #depth = 0;
  #terminals = 0;
  #reduced = 0;
  readonly #counts = (): SearchCounts => ({
    states: this.#low.length,
    steps: this.#limits.steps,
    executions: undefined,
    depth: this.#depth,
    bytes: this.#space.bytes + this.#low.bytes + this.#flags.bytes + this.#component.bytes + this.#choices.bytes,
  });

  constructor(program: Reducible, options: ProveOptions) {
    this.initial = program.words.slice();
    this.#program = program;
    this.#options = options;
    this.#maxStates = options.maxStates ?? Infinity;
    this.#ways = new Int32Array(program.contexts);
    this.#space = stateSpace(program, options.memoryBytes ?? Infinity, options.exact ?? false);
    this.#findings = new Findings(program, this.initial, options.find === "all");
    this.#limits = new SearchLimits(options);
  }

  run(): ProveOutcome {
    const stopped = this.#search();
    return {
      ...this.#findings.outcome(stopped),
      ...this.#counts(),
      states: this.#low.length,
      executions: undefined,
      terminals: this.#terminals,
      reduced: this.#reduced,
      omission: this.#space.hashed ? omissionProbability(this.#low.length) : 0,
    };
  }

  #search(): StopReason | undefined {
    const path = this.#path;
    const choices = this.#choices;
    if (this.#space.begin() < 0) return "memory";
    let stopped = this.#enter(0, undefined);
    while (stopped === undefined && path.length > 0) {
      const top = path.length - 1;
      const at = this.#cursor.top();
      if (at === choices.length) {
        stopped = this.#leave(path.top());
        continue;
      }
      this.#cursor.data[top] = at + 2;
      stopped = this.#limits.step(this.#counts) ?? this.#take(path.top(), choices.at(at), choices.at(at + 1));
    }
    return stopped;
  }

  /** Takes one step from the present state, the top of the path. */
  #take(state: number, context: number, way: number): StopReason | undefined {
    const space = this.#space;
    let next: number;
    try {
      next = space.step(context, way);
    } catch (error) {
      this.#flags.data[state]! |= LEAVES;
      return this.#note(thrownFault(context, error));
    }
    if (next < 0) return "memory";
    if (space.fresh) return this.#bound(next) ?? this.#enter(next, context);
    space.back();
    this.#meet(state, next);
    return undefined;
  }

  /**
   * Whether there is no room for state number `next`. The space keeps its own share of the memory bound; the rest is
   * looked at now and then.
   */
  #bound(next: number): StopReason | undefined {
    if (next >= this.#maxStates) return "states";
    const { memoryBytes } = this.#options;
    if (memoryBytes === undefined || (next & 1023) !== 0) return undefined;
    return this.#counts().bytes > memoryBytes ? "memory" : undefined;
  }

  /** A step led to a state that was known before. */
  #meet(state: number, next: number): void {
    const flags = this.#flags.data;
    if ((flags[next]! & ON_COMPONENT_STACK) === 0) flags[state]! |= LEAVES;
    else if (next < this.#low.at(state)) this.#low.data[state] = next;
    // The cycle proviso: one state of every cycle lets everybody step.
    if ((flags[next]! & ON_PATH) !== 0 && this.#alone.top() >= 0) this.#expand();
  }

  /** Adds the choices that the reduction left out at the state on top of the path. */
  #expand(): void {
    const alone = this.#alone.top();
    this.#alone.data[this.#alone.length - 1] = -1;
    this.#reduced--;
    for (let c = 0; c < this.#program.contexts; c++) if (c !== alone) this.#addChoices(c);
  }

  #addChoices(context: number): void {
    const ways = this.#space.ways(context);
    this.#ways[context] = ways;
    for (let way = 0; way < ways; way++) {
      this.#choices.push(context);
      this.#choices.push(way);
    }
  }

  /** The present state is new and was reached by a step of `stepped`: looks at it and puts it on the path. */
  #enter(state: number, stepped: number | undefined): StopReason | undefined {
    const program = this.#program;
    const begin = this.#choices.length;
    this.#low.push(state);
    this.#flags.push(ON_COMPONENT_STACK | ON_PATH);
    this.#component.push(state);
    this.#path.push(state);
    this.#from.push(begin);
    this.#cursor.push(begin);
    if (this.#path.length - 1 > this.#depth) this.#depth = this.#path.length - 1;
    const alone = this.#options.reduce ? this.#privateContext() : -1;
    this.#alone.push(alone);
    if (alone >= 0) this.#reduced++;
    if (alone >= 0) this.#addChoices(alone);
    else for (let c = 0; c < program.contexts; c++) this.#addChoices(c);
    const atRest = this.#choices.length === begin;
    const deadlock = atRest ? this.#terminal() : undefined;
    const law = program.brokenInvariant === undefined ? undefined : this.#brokenLaw(stepped);
    // A context that waits or has gone may complete a dead subset; who is dead without it is met at the end of the runs.
    const mayBeDead = stepped === undefined || (alone >= 0 ? alone !== stepped : this.#ways[stepped] === 0);
    const fault = deadlock ?? (mayBeDead ? this.#dead(alone < 0 ? this.#ways : undefined) : undefined);
    return (law && this.#note(law, 1)) ?? (fault && this.#note(fault, 1));
  }

  /** Nothing can step in the present state. */
  #terminal(): Fault | undefined {
    this.#terminals++;
    this.#space.show();
    const deadlock = terminalFault(this.#program);
    this.#findings.terminal(deadlock !== undefined);
    return deadlock;
  }

  #brokenLaw(stepped: number | undefined): Fault | undefined {
    this.#space.show();
    return brokenLaw(this.#program, stepped);
  }

  #dead(ways: Int32Array | undefined): Fault | undefined {
    if (ways !== undefined && !this.#anyBlocked(ways)) return undefined;
    const contexts = this.#space.deadSubset(ways);
    return contexts.length === 0 ? undefined : deadSubset(this.#program, contexts);
  }

  /** A quick look: in most states whoever may not rest can step. */
  #anyBlocked(ways: Int32Array): boolean {
    for (let c = 0; c < ways.length; c++) if (ways[c] === 0 && !this.#space.rests(c)) return true;
    return false;
  }

  #privateContext(): number {
    const program = this.#program;
    if (program.privateStep === undefined) return -1;
    this.#space.show();
    for (let c = 0; c < program.contexts; c++) if (this.#space.ways(c) > 0 && program.privateStep(c)) return c;
    return -1;
  }

  /** All choices of the state on top of the path are done. */
  #leave(state: number): StopReason | undefined {
    const low = this.#low.at(state);
    const stopped = low === state ? this.#closeComponent(state) : undefined;
    this.#flags.data[state]! &= ~ON_PATH;
    this.#choices.length = this.#from.pop();
    this.#path.pop();
    this.#cursor.pop();
    this.#alone.pop();
    if (this.#path.length > 0) {
      const parent = this.#path.top();
      this.#space.back();
      if (low === state) this.#flags.data[parent]! |= LEAVES;
      else if (low < this.#low.at(parent)) this.#low.data[parent] = low;
    }
    return stopped;
  }

  /** `root` is the first state of a component that is now complete, and the present one. */
  #closeComponent(root: number): StopReason | undefined {
    let leaves = false;
    let states = 0;
    for (let member = -1; member !== root; states++) {
      member = this.#component.pop();
      this.#flags.data[member]! &= ~ON_COMPONENT_STACK;
      if ((this.#flags.at(member) & LEAVES) !== 0) leaves = true;
    }
    const atRest = states === 1 && this.#from.top() === this.#choices.length;
    if (leaves || atRest) return undefined;
    this.#space.show();
    const left = (this.#options.memoryBytes ?? Infinity) - this.#space.bytes;
    const found = bottomFault(this.#program, left);
    this.#space.forget();
    if (found === "memory") return "memory";
    return found && this.#note(found.fault, 1, found.cycle);
  }

  /** Notes a fault that the choices of the path lead to; `settled` top states have taken none yet. */
  #note(fault: Fault, settled = 0, cycle: readonly Choice[] = []): StopReason | undefined {
    const path = (): Choice[] => {
      const taken: Choice[] = [];
      for (let i = 0; i < this.#path.length - settled; i++) {
        const at = this.#cursor.at(i) - 2;
        taken.push({ context: this.#choices.at(at), way: this.#choices.at(at + 1) });
      }
      return taken;
    };
    const stop = this.#findings.add(fault, path, cycle);
    this.#space.forget();
    return stop ? "finding" : undefined;
  }
}
