/**
 * Exhaustive depth-first search over states, kept whole or told apart by sums of 128 bits (`exact`).
 *
 * Finds every deadlock, dead subset, broken invariant and certain livelock that any schedule can reach, or says that
 * there is none. Strongly connected components are found on the way (Tarjan, "Depth-first search and linear graph
 * algorithms", 1972; iterative): states are numbered in the order of their discovery, so a state's number is its
 * depth-first index. A component that no step leaves and that is more than one state at rest is a place where the
 * program stays for ever, whatever the fairness; `bottom.ts` says whether that is a livelock, `fair-region.ts` whether a
 * component holds one that can be left. With `reduce`, some contexts are put off in states where the others suffice
 * (`StateSpace.enough`), unless that closes a cycle and so could leave them out for ever; where nobody is put off, steps that
 * lead to what is known need not be taken (`sleep-sets.ts`).
 *
 * Cost: one step, looked up or run (`state-space.ts`), and one look into the set of states per transition.
 */

import { SymmetryError } from "../resumable/errors.ts";
import type { Symmetry } from "../resumable/explorable.ts";
import { bottomFault } from "./bottom.ts";
import { type Fairness, fairRegion } from "./fair-region.ts";
import { brokenLaw, deadSubset, terminalFault, thrownFault } from "./faults.ts";
import { Findings, type Round } from "./findings.ts";
import { omissionProbability } from "./hashed-set.ts";
import { ByteList, IntList } from "./int-list.ts";
import { restoreLists, type SavedSearch, SavedSearchError } from "./saved-search.ts";
import { SearchLimits } from "./search-limits.ts";
import { SleepSets } from "./sleep-sets.ts";
import { type StateSpace, stateSpace } from "./state-space.ts";
import { checkedSymmetry, checkLaw } from "./symmetry.ts";
import type { Choice, Fault, Reducible, SearchCounts, SearchOptions, SearchOutcome, StopReason } from "./types.ts";

/** @since 0.2.0 */
export interface ProveOptions extends SearchOptions {
  readonly maxStates?: number;
  /** After so many states the search stops for `states`, too, where nobody is put off: a team goes on (`team/`). */
  readonly handOverAt?: number;
  /** Most memory for the visited states and the path. */
  readonly memoryBytes?: number;
  /**
   * Puts off contexts whose steps can wait, off by default: by their footprints where steps are learned (`footprints.ts`), by
   * `Reducible.privateStep` otherwise. States where nothing can step and ends that no step leaves are all found;
   * `brokenInvariant` turns it off. Where nobody is put off, all states are visited, but not by every step. Other `livelocks`
   * than endless ones turn both off.
   */
  readonly reduce?: boolean;
  /**
   * Which livelocks to find: those that nothing ends (`endless`, the default), also those that some step could end but that
   * a weakly fair scheduler need not (`fair`, see `fair-region.ts`), or every cycle without progress (`any`).
   */
  readonly livelocks?: Livelocks;
  /** States are always kept whole; otherwise those of programs with `parts` are told apart by sums of 128 bits. */
  readonly exact?: boolean;
  /**
   * States that are images of each other by the program's declared `symmetry` count as one (the default): counts, and the
   * texts of `deadlocks` and `ends`, are then of one state of each such set. Other `livelocks` than endless ones turn it off. A
   * declaration that the program is seen to contradict is thrown as a `SymmetryError`.
   */
  readonly symmetry?: boolean;
  /**
   * Given what {@link resume} needs when a bound or `shouldStop` ends the search, before `prove` returns. Not called when the
   * search has its answer, had no memory to begin with, uses the program's `symmetry`, or the program numbered a constant
   * (`Explorable.numbering`) in other calls than steps and their tests.
   */
  readonly save?: (saved: SavedSearch) => void;
  /**
   * Goes on with a search of the same program that was stopped, from the same present state, and takes the data over. `find`,
   * `reduce`, `livelocks` and `exact` are that search's; bounds and callbacks are given anew, and steps and states count from
   * its beginning. Throws a {@link SavedSearchError} when the program is in another state.
   */
  readonly resume?: SavedSearch;
}

/** @since 0.2.0 */
export type Livelocks = "endless" | Fairness;

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
  /** How many images of a state counted as one at most: the order of the group; 1 without symmetry. */
  readonly symmetry: number;
}

/** States between two whose images are asked for their laws as well. */
const CHECK_LAW_EVERY = 61;

const NONE = [-1, -1] as const;
const ON_PATH = 1;
/** Some step leads out of the state's component, or threw. */
const LEAVES = 2;
/** Some step leads back to the state itself. */
const LOOPS = 4;

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
  const search = new Search(program, optionsOf(program, options));
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
  /** Which livelocks with exits are looked for. */
  readonly #fairness: Fairness | undefined;
  readonly #symmetry: Symmetry | undefined;
  readonly #space: StateSpace;
  readonly #findings: Findings;
  readonly #limits: SearchLimits;
  readonly #maxStates: number;
  /**
   * States of components that are not complete yet, in the order they were found: their numbers, which therefore ascend, the
   * lowest place in this list known to be reachable within the component, and the flags above.
   */
  readonly #open = new IntList(1024);
  readonly #low = new IntList(1024);
  readonly #flags = new ByteList(1024);
  /**
   * The path: places in `#open`, where the choices of each begin and stand in `#choices` (context and way, two entries
   * each), and which contexts were taken in (-1: all). The present state of the space is the top of the path.
   */
  readonly #path = new IntList(256);
  readonly #from = new IntList(256);
  readonly #cursor = new IntList(256);
  readonly #taken = new IntList(256);
  readonly #sleep: SleepSets;
  /** Contexts may sleep in this search. */
  #sleeping = false;
  readonly #choices = new IntList(1024);
  #states = 0;
  /** Where to give up a search that was misled: not at once, as it goes on to learn. */
  #restartAt = Infinity;
  #depth = 0;
  #terminals = 0;
  #reduced = 0;
  /** The state that a bound kept from being looked at, and who stepped there; -1: none. */
  #pending: readonly [state: number, stepped: number] = NONE;
  /** Steps that were counted and then not taken, as the search was stopped. */
  #untaken = 0;
  readonly #counts = (): SearchCounts => ({
    states: this.#states,
    steps: this.#limits.steps,
    executions: undefined,
    depth: this.#depth,
    bytes: this.#space.bytes + this.#open.bytes + this.#low.bytes + this.#flags.bytes + this.#choices.bytes,
  });

  constructor(program: Reducible, options: ProveOptions) {
    this.initial = program.words.slice();
    this.#program = program;
    this.#options = options;
    const { livelocks = "endless" } = options;
    this.#fairness = livelocks === "endless" ? undefined : livelocks;
    this.#maxStates = options.maxStates ?? Infinity;
    const { memoryBytes = Infinity, exact = false, reduce = false } = options;
    // laws speak of all states, fairness of all runs, and a reduction leaves some out
    const mayReduce = reduce && this.#fairness === undefined && program.brokenInvariant === undefined;
    const maySymmetry = options.symmetry !== false && this.#fairness === undefined;
    this.#symmetry = maySymmetry ? checkedSymmetry(program) : undefined;
    this.#space = stateSpace(program, { memoryBytes, exact, reduce: mayReduce, symmetry: this.#symmetry });
    this.#sleep = new SleepSets(this.#space);
    this.#findings = new Findings(program, this.initial, options.find === "all");
    this.#limits = new SearchLimits(options);
  }

  run(): ProveOutcome {
    const { resume, save } = this.#options;
    let stopped = resume === undefined ? this.#search() : this.#goOn(resume);
    while (stopped === undefined && this.#space.settle()) stopped = this.#search();
    const outcome = this.#outcome(stopped);
    const mayGoOn = stopped !== undefined && stopped !== "finding" && this.#path.length > 0;
    if (save !== undefined && mayGoOn && this.#space.calls.complete && this.#symmetry === undefined) save(this.#save());
    return outcome;
  }

  #outcome(stopped: StopReason | undefined): ProveOutcome {
    const symmetry = 1 + (this.#symmetry?.elements.length ?? 0);
    return {
      ...this.#findings.outcome(stopped),
      ...this.#counts(),
      states: this.#states,
      executions: undefined,
      terminals: this.#terminals,
      reduced: this.#reduced,
      omission: this.#space.hashed ? omissionProbability(this.#states) * symmetry : 0,
      symmetry,
    };
  }

  #search(): StopReason | undefined {
    this.#clear();
    if (this.#space.begin() < 0) return "memory";
    // where contexts are put off, not all that follows a step is visited
    this.#sleeping =
      this.#options.reduce === true &&
      this.#fairness === undefined &&
      !this.#space.putsOff &&
      this.#symmetry === undefined;
    return this.#enter(0, undefined) ?? this.#walk();
  }

  #walk(): StopReason | undefined {
    const path = this.#path;
    const choices = this.#choices;
    let stopped: StopReason | undefined;
    while (stopped === undefined && path.length > 0 && this.#states < this.#restartAt) {
      const top = path.length - 1;
      const at = this.#cursor.top();
      if (at === choices.length) {
        stopped = this.#leave(path.top());
        continue;
      }
      stopped = this.#limits.step(this.#counts);
      if (stopped !== undefined) {
        this.#untaken = stopped === "aborted" ? 1 : 0;
        break;
      }
      this.#cursor.data[top] = at + 2;
      stopped = this.#take(path.top(), choices.at(at), choices.at(at + 1));
    }
    return stopped;
  }

  #clear(): void {
    for (const list of [this.#open, this.#low, this.#flags, this.#choices]) list.length = 0;
    for (const list of [this.#path, this.#from, this.#cursor, this.#taken]) list.length = 0;
    this.#sleep.clear();
    this.#restartAt = Infinity;
    this.#states = 0;
    this.#terminals = 0;
    this.#reduced = 0;
  }

  /** Takes one step from the present state, the top of the path, at `place` in `#open`. */
  #take(place: number, context: number, way: number): StopReason | undefined {
    const space = this.#space;
    let next: number;
    try {
      next = space.step(context, way);
    } catch (error) {
      if (error instanceof SymmetryError) throw error;
      this.#flags.data[place]! |= LEAVES;
      return this.#note(thrownFault(context, error));
    }
    if (next < 0) {
      // whoever goes on, with more memory, takes the step again
      space.back();
      this.#cursor.data[this.#cursor.length - 1]! -= 2;
      this.#untaken = 1;
      return "memory";
    }
    if (space.fresh) {
      space.enter();
      return this.#arrive(next, context);
    }
    const { leaf } = space;
    space.back();
    if (!this.#meet(place, next) && this.#sleeping) this.#sleep.done(context, leaf);
    return undefined;
  }

  #arrive(state: number, stepped: number): StopReason | undefined {
    const bound = this.#bound();
    this.#pending = bound === undefined ? NONE : [state, stepped];
    return bound ?? this.#enter(state, stepped);
  }

  /**
   * Whether there is no room for one more state. The space keeps its own share of the memory bound; the rest is looked at
   * now and then.
   */
  #bound(): StopReason | undefined {
    if (this.#states >= this.#maxStates) return "states";
    const { handOverAt = Infinity } = this.#options;
    if (this.#states >= handOverAt && !this.#space.putsOff && this.#symmetry === undefined) return "states";
    const { memoryBytes } = this.#options;
    if (memoryBytes === undefined || (this.#states & 1023) !== 0) return undefined;
    return this.#counts().bytes > memoryBytes ? "memory" : undefined;
  }

  /** A step from `place` led to a state that was known before; whether its component is not complete yet. */
  #meet(place: number, next: number): boolean {
    const flags = this.#flags.data;
    const met = this.#openPlace(next);
    if (met < 0) {
      flags[place]! |= LEAVES;
      return false;
    }
    if (met === place) flags[place]! |= LOOPS;
    if (met < this.#low.at(place)) this.#low.data[place] = met;
    // The cycle proviso: one state of every cycle lets everybody step.
    if ((flags[met]! & ON_PATH) !== 0 && this.#taken.top() !== -1) this.#expand();
    return true;
  }

  /** Where a state lies in `#open`; -1 when its component is complete. */
  #openPlace(state: number): number {
    const open = this.#open.data;
    let [from, end] = [0, this.#open.length];
    while (from < end) {
      const middle = (from + end) >>> 1;
      if (open[middle]! < state) from = middle + 1;
      else end = middle;
    }
    return from < this.#open.length && open[from] === state ? from : -1;
  }

  /** Adds the choices that the reduction left out at the state on top of the path. */
  #expand(): void {
    const taken = this.#taken.top();
    this.#taken.data[this.#taken.length - 1] = -1;
    this.#reduced--;
    this.#addChoices(~taken);
  }

  /** `mask`: a bit for each context to take in; -1: all. Whether somebody who could step was left out. */
  #addChoices(mask: number): boolean {
    const { ways } = this.#space;
    let leftOut = false;
    for (let c = 0; c < ways.length; c++) {
      if (mask !== -1 && (mask & (1 << c)) === 0) {
        if (ways[c]! > 0) leftOut = true;
        continue;
      }
      for (let way = 0; way < ways[c]!; way++) {
        this.#choices.push(c);
        this.#choices.push(way);
      }
    }
    return leftOut;
  }

  /** The present state is new and was reached by a step of `stepped`: looks at it and puts it on the path. */
  #enter(state: number, stepped: number | undefined): StopReason | undefined {
    this.#states++;
    const begin = this.#choices.length;
    const place = this.#open.length;
    const asleep = this.#sleeping ? this.#sleep.enter() : 0;
    this.#open.push(state);
    this.#low.push(place);
    this.#flags.push(ON_PATH);
    this.#path.push(place);
    this.#from.push(begin);
    this.#cursor.push(begin);
    if (this.#path.length - 1 > this.#depth) this.#depth = this.#path.length - 1;
    const enough = this.#options.reduce ? this.#space.enough() : -1;
    this.#taken.push(enough);
    if (enough !== -1) this.#reduced++;
    if (this.#space.misled && this.#restartAt === Infinity)
      this.#restartAt = this.#space.gaveUp ? this.#states : this.#states * 2 + 1000;
    const leftOut = this.#addChoices(enough === -1 ? ~asleep : enough);
    if (asleep !== 0 && leftOut) this.#flags.data[place]! |= LEAVES;
    const atRest = !leftOut && this.#choices.length === begin;
    const deadlock = atRest ? this.#terminal() : undefined;
    const law = this.#program.brokenInvariant === undefined ? undefined : this.#brokenLaw(stepped);
    const fault = deadlock ?? this.#dead(stepped);
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
    if (this.#symmetry !== undefined && this.#states % CHECK_LAW_EVERY === 0) checkLaw(this.#program, this.#symmetry);
    return brokenLaw(this.#program, stepped);
  }

  /**
   * A context that waits or has gone after its step may complete a dead subset; who is dead without it is met at the end of
   * the runs.
   */
  #dead(stepped: number | undefined): Fault | undefined {
    if (this.#program.deadSubset === undefined) return undefined;
    const { ways } = this.#space;
    if ((stepped !== undefined && ways[stepped]! > 0) || !this.#anyBlocked(ways)) return undefined;
    const contexts = this.#space.deadSubset();
    return contexts.length === 0 ? undefined : deadSubset(this.#program, contexts);
  }

  /** A quick look: in most states whoever may not rest can step. */
  #anyBlocked(ways: Int32Array): boolean {
    for (let c = 0; c < ways.length; c++) if (ways[c] === 0 && !this.#space.rests(c)) return true;
    return false;
  }

  /** All choices of the state on top of the path, at `place` in `#open`, are done. */
  #leave(place: number): StopReason | undefined {
    const low = this.#low.at(place);
    this.#flags.data[place]! &= ~ON_PATH;
    const stopped = low === place ? this.#closeComponent(place) : undefined;
    // whoever goes on, with more memory, judges the component again
    if (stopped === "memory") return stopped;
    this.#choices.length = this.#from.pop();
    this.#path.pop();
    this.#cursor.pop();
    this.#taken.pop();
    if (this.#sleeping) this.#sleep.leave();
    if (this.#path.length > 0) {
      const parent = this.#path.top();
      const { leaf } = this.#space;
      this.#space.back();
      if (low === place) {
        this.#flags.data[parent]! |= LEAVES;
        if (this.#sleeping) this.#sleep.done(this.#choices.at(this.#cursor.top() - 2), leaf);
      } else if (low < this.#low.at(parent)) this.#low.data[parent] = low;
    }
    return stopped;
  }

  /** The component of the present state, found first at `root` in `#open`, is now complete. */
  #closeComponent(root: number): StopReason | undefined {
    let leaves = false;
    for (let member = root; member < this.#open.length; member++)
      if ((this.#flags.at(member) & LEAVES) !== 0) leaves = true;
    const goesRound = this.#open.length > root + 1 || (this.#flags.at(root) & LOOPS) !== 0;
    const states =
      goesRound && this.#fairness !== undefined ? this.#open.data.slice(root, this.#open.length) : undefined;
    const atRest = this.#open.length === root + 1 && this.#from.top() === this.#choices.length;
    const stopped = atRest ? undefined : this.#judge(leaves, states);
    if (stopped === "memory") return stopped;
    this.#open.length = root;
    this.#low.length = root;
    this.#flags.length = root;
    return stopped;
  }

  #judge(leaves: boolean, states: Int32Array | undefined): StopReason | undefined {
    return (leaves ? undefined : this.#judgeEnd()) ?? (states && this.#lookForFair(states));
  }

  /** No step leads out of the component of the present state. */
  #judgeEnd(): StopReason | undefined {
    this.#space.show();
    const left = (this.#options.memoryBytes ?? Infinity) - this.#space.bytes;
    const present = this.#program.words.slice();
    const found = bottomFault(this.#program, left);
    this.#space.calls.judge(left, present);
    this.#space.forget();
    if (found === "memory") return "memory";
    return found && this.#note(found.fault, 1, { cycle: found.cycle });
  }

  /** Whether a fair run can stay in the component that begins in the present state. */
  #lookForFair(states: Int32Array): StopReason | undefined {
    const left = (this.#options.memoryBytes ?? Infinity) - this.#space.bytes;
    const found = fairRegion(this.#program, this.#space, states, this.#fairness ?? "fair", left);
    if (found === "memory" || found === undefined) return found;
    const { fault, cycle, stem, exits } = found;
    return this.#note(fault, 1, { cycle, stem, exits });
  }

  /** Notes a fault that the choices of the path lead to; `settled` top states have taken none yet. */
  #note(fault: Fault, settled = 0, round: Round = {}): StopReason | undefined {
    const path = (): Choice[] => {
      const taken: Choice[] = [];
      for (let i = 0; i < this.#path.length - settled; i++) {
        const at = this.#cursor.at(i) - 2;
        taken.push({ context: this.#choices.at(at), way: this.#choices.at(at + 1) });
      }
      return [...taken, ...(round.stem ?? [])];
    };
    const stop = this.#findings.add(fault, path, round);
    this.#space.forget();
    return stop ? "finding" : undefined;
  }

  /** The lists that are saved as they are. */
  get #lists(): readonly IntList[] {
    const path = [this.#path, this.#from, this.#cursor, this.#taken, this.#choices];
    return [this.#open, this.#low, ...path, ...this.#sleep.lists];
  }

  #save(): SavedSearch {
    const { find = "first", reduce = false, livelocks = "endless", exact = false } = this.#options;
    const { list, deadlocks, ends } = this.#findings;
    return {
      options: { find, reduce, livelocks, exact },
      initial: this.initial,
      calls: this.#space.calls.save(),
      states: this.#states,
      steps: this.#limits.steps - this.#untaken,
      depth: this.#depth,
      terminals: this.#terminals,
      reduced: this.#reduced,
      sleeping: this.#sleeping,
      restartAt: this.#restartAt === Infinity ? -1 : this.#restartAt,
      pending: this.#pending,
      lists: this.#lists.map((l) => l.save()),
      flags: this.#flags.save(),
      findings: list,
      deadlocks: [...deadlocks],
      ends: [...ends],
      space: this.#space.save(),
    };
  }

  /** Goes on where a search was stopped. */
  #goOn(saved: SavedSearch): StopReason | undefined {
    this.#states = saved.states;
    this.#limits.goOnFrom(saved.steps);
    this.#depth = saved.depth;
    this.#terminals = saved.terminals;
    this.#reduced = saved.reduced;
    this.#sleeping = saved.sleeping;
    this.#restartAt = saved.restartAt < 0 ? Infinity : saved.restartAt;
    restoreLists(this.#lists, saved.lists);
    this.#flags.restore(saved.flags);
    this.#findings.restore(saved);
    this.#space.calls.restore(saved.calls);
    this.#program.words.set(this.initial);
    this.#space.restore(saved.space);
    const [state, stepped] = saved.pending;
    return (state < 0 ? undefined : this.#arrive(state, stepped)) ?? this.#walk();
  }
}

/** The options of a search that goes on: what decides its course is as it was. */
function optionsOf(program: Reducible, options: ProveOptions): ProveOptions {
  const { resume } = options;
  if (resume === undefined) return options;
  const { initial } = resume;
  if (initial.length !== program.words.length || initial.some((word, i) => word !== program.words[i]))
    throw new SavedSearchError("the saved search began in another state than the program's present one");
  return { ...options, ...resume.options, symmetry: false };
}
