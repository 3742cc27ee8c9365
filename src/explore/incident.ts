/**
 * Explores an incident: runs a search over the schedules of its kernel and says what came out, for people and programs.
 *
 * Without a strategy a few random schedules and a short hunt come first, because a deadlock that exists is usually met within a
 * few executions; only a search over all states can say that there is none, so it follows.
 */
import type { Account } from "../incidents/account.ts";
import type { Scope, Subject } from "../incidents/prepared.ts";
import { hunt } from "./hunt.ts";
import { type ExploredKernel, FIRST_SEED, type Outcome, type Strategy, type Witness } from "./incident-witness.ts";
import { judge, type TimelineStep } from "./judge.ts";
import { isLearnable } from "./learned.ts";
import { pct } from "./pct.ts";
import { provePreemptions } from "./preemptions.ts";
import { type ProveOptions, prove } from "./prove.ts";
import { random } from "./random.ts";
import type { SavedSearch } from "./saved-search.ts";
import { contextsByName, replay } from "./schedule.ts";
import { type Crew, proveTogether } from "./team/prove-together.ts";
import type { Finding, Reducible, SearchCounts, SearchOptions, SearchOutcome, StopReason } from "./types.ts";

/** How far a search may go; counted, never timed. */
export interface Bounds {
  readonly maxStates?: number;
  /** For `prove`: only schedules with at most so many preemptions, and no livelocks; never complete. */
  readonly maxPreemptions?: number;
  readonly memoryBytes?: number;
  /** For `prove`: keep states whole instead of telling them apart by sums of 128 bits. */
  readonly exact?: boolean;
  /** Finds livelocks too that some step could end, but that a weakly fair scheduler need not. */
  readonly fair?: boolean;
  /** Finds every cycle without progress, also those that only an unfair scheduler stays in. */
  readonly unfair?: boolean;
  /** A proof goes on after its first finding and counts what there is; nothing comes before it. */
  readonly all?: boolean;
  /** A proof puts off contexts whose steps can wait (the default); false: it visits every state. */
  readonly reduce?: boolean;
  readonly maxExecutions?: number;
  readonly maxSteps?: number;
  /** Longest execution of searches that run one after the other. */
  readonly maxDepth?: number;
}

/** @since 0.2.0 */
export interface ExploreOptions {
  /** A few random schedules, a short hunt, then a proof when absent. */
  readonly strategy?: Strategy;
  readonly bounds?: Bounds;
  /** For `pct` and `random`. */
  readonly seed?: number;
  readonly progress?: (phase: Strategy, counts: SearchCounts) => void;
  /** Asked now and then; true ends the search with what was found so far. */
  readonly aborted?: () => boolean;
  /** Steps between two calls of the callbacks. */
  readonly pollEvery?: number;
  /** Threads that help with a long proof, where it visits every state. */
  readonly crew?: Crew;
  /** Make the witness short; true when absent. */
  readonly shorten?: boolean;
  /**
   * Called before the end when a bound or `aborted` stopped the search before its proof had an answer, with that proof;
   * undefined: it had not come far enough to be worth keeping, begin again. Not of the other strategies, nor under
   * `maxPreemptions`. The crew does not help then, nor where a search goes on.
   */
  readonly save?: (proof: SavedSearch | undefined) => void;
  /**
   * Goes on with that proof, of the same choices, strategy, seed, `fair`, `exact` and `reduce`; the short searches before it are
   * done again. Throws a {@link SavedSearchError} when it is of another kernel.
   */
  readonly resume?: SavedSearch;
}

/** What came out; plain data. @since 0.2.0 */
export interface Exploration extends ExploredKernel {
  readonly title: string;
  /** The laws of the model were checked in every state. */
  readonly lawsChecked: boolean;
  /** What the choices would be if nothing was chosen. */
  readonly defaults: Pick<Exploration, "era" | "cgroup" | "parameters">;
  /** The strategy that was asked for. */
  readonly asked: Strategy | undefined;
  /** The one that gave the answer. */
  readonly strategy: Strategy;
  readonly seed: number | undefined;
  readonly outcome: Outcome;
  /** What the search says of the finding in one line. */
  readonly message: string | undefined;
  /** What would end a livelock. Empty: nothing that the model has, so it is endless there. */
  readonly exits: readonly string[];
  /** Every schedule was covered, for every kind of fault; only a proof can say so. */
  readonly complete: boolean;
  /** Why not. */
  readonly stopped: StopReason | undefined;
  /** The bound on preemptions that was asked for. */
  readonly maxPreemptions?: number;
  /** All schedules with at most so many preemptions were seen, livelocks aside. Only of a search that was bounded by them. */
  readonly preemptions?: number;
  readonly scope: Scope;
  readonly executions: number;
  readonly steps: number;
  /** Different states seen; undefined for searches that keep none. */
  readonly states: number | undefined;
  /** Executions that a reduction made unnecessary, or states at which it put some contexts off. */
  readonly pruned: number;
  readonly depth: number;
  readonly bytes: number;
  /** States were asked to be kept whole. */
  readonly exact: boolean;
  /** Livelocks that some step could end were looked for, too. */
  readonly fair: boolean;
  /** Every cycle without progress was looked for. */
  readonly unfair: boolean;
  /** All that was found where the search went on: different findings (at most 100), and states where nothing can step and somebody is stuck. */
  readonly all?: { readonly findings: number; readonly deadlocks: number };
  /** A proof was allowed to put contexts off. */
  readonly reduced: boolean;
  /** Probability that a state was taken for another and so missed; 0 where states are kept whole. */
  readonly omission: number;
  readonly witness: Witness | undefined;
  /** The steps of the witness with what a reader wants of each. */
  readonly timeline: readonly TimelineStep[];
  /** The state at its end. */
  readonly account: Account | undefined;
}

/**
 * A proof of so few states takes some ten milliseconds, and ends the matter where an incident is small: it comes second. Ten
 * times as many take little longer, as most of the time goes into steps that are met for the first time.
 */
const FEW_STATES = 5_000;
const MORE_STATES = 50_000;
/**
 * What comes before a proof when no strategy is given, about two seconds at most. Measured on the incidents: plain random
 * schedules meet memcg-writeback-abba and xfs-page-lock-order within some hundred steps, a sweep that wraps and
 * wb-switch-irq-nesting take PCT, some thousand steps.
 */
const QUICK: readonly (readonly [Strategy, Bounds])[] = [
  ["random", { maxSteps: 3_000, maxDepth: 500 }],
  ["prove", { maxStates: FEW_STATES }],
  ["pct", { maxSteps: 20_000, maxDepth: 500 }],
  ["prove", { maxStates: MORE_STATES }],
  ["hunt", { maxSteps: 20_000, maxDepth: 500 }],
  ["random", { maxSteps: 200_000, maxDepth: 500 }],
];
/** What is assumed where livelocks are looked for that some step could end. */
const WEAK =
  "weak: who can step from some point on all the time, steps; a livelock may have exits that luck would take";
/** States after which other threads help: a second or so, in which they could hardly have begun. */
const HAND_OVER = 300_000;
const NO_FAIRNESS = "none: a livelock may be a cycle that only an unfair scheduler stays in";
/** Runs of a random search that is asked for. */
const WALKS = 10_000;
/**
 * `bugDepth` of PCT. Several parties and interrupts take more changes of priority than textbook deadlocks: over eight
 * seeds, 8 meets wb-switch-irq-nesting and a sweep that wraps within 12,000 steps, 3 the first not always within 100,000.
 */
const PCT_DEPTH = 8;
/** States that may lie ahead of a run that does not end, for it to be called a livelock without a proof of all. */
const SUSPECT_STATES = 5_000;
/** Runs that are cut sooner are no suspects. */
const SUSPECT_DEPTH = 300;
/** Steps from which on learning them pays. */
const MANY_STEPS = 100_000;

/**
 * Explores a prepared incident and leaves its kernel in the first state.
 *
 * @example
 * const result = prepare(incident, { era: "4.20.0" });
 * if (result.ok) console.log(exploreIncident(result.prepared).outcome);
 * @since 0.2.0
 */
export function exploreIncident(prepared: Subject, given: ExploreOptions = {}): Exploration {
  const options = { ...given, bounds: { ...(prepared.incident.fair === true ? { fair: true } : {}), ...given.bounds } };
  const program = prepared.start();
  const first = program.words.slice();
  const total = new Totals();
  const [strategy, outcome] = search(program, options, total);
  const { finding } = outcome;
  const exits = finding === undefined ? [] : exitsOf(prepared, program, first, finding);
  const told = finding === undefined ? undefined : judge(prepared, finding, strategy, options.shorten ?? true);
  program.words.set(first);
  return {
    ...headOf(prepared),
    asked: options.strategy,
    strategy,
    seed: strategy === "pct" || strategy === "random" ? (options.seed ?? FIRST_SEED) : undefined,
    outcome: told?.outcome ?? "none",
    message: told?.message,
    exits,
    complete: strategy === "prove" && outcome.complete && options.bounds?.maxPreemptions === undefined,
    stopped: outcome.stopped,
    ...(options.bounds?.maxPreemptions === undefined ? {} : { maxPreemptions: options.bounds.maxPreemptions }),
    ...preemptionsOf(outcome),
    scope: { ...prepared.scope, ...fairnessOf(options.bounds) },
    executions: total.executions,
    steps: total.steps,
    states: outcome.states,
    pruned: prunedOf(outcome),
    depth: outcome.depth,
    bytes: outcome.bytes,
    exact: options.bounds?.exact ?? false,
    reduced: options.bounds?.reduce ?? true,
    fair: options.bounds?.fair ?? false,
    unfair: options.bounds?.unfair ?? false,
    ...(options.bounds?.all === true
      ? { all: { findings: outcome.findings.length, deadlocks: outcome.deadlocks.size } }
      : {}),
    omission: omissionOf(outcome),
    witness: told?.witness,
    timeline: told?.timeline ?? [],
    account: told?.account,
  };
}

/** The steps that would end a livelock, each with its bound where a clock would have one. */
function exitsOf(prepared: Subject, program: Reducible, first: Int32Array, finding: Finding): readonly string[] {
  if (finding.exits.length === 0) return [];
  const bounds = new Map<string, number>();
  const byName = contextsByName(program);
  program.words.set(first);
  replay(program, [...finding.schedule, ...finding.cycle], () => {
    for (const { context, position } of finding.exits) {
      const number = byName.get(context) as number;
      if (bounds.has(context) || program.position(number) !== position) continue;
      const seconds = prepared.boundOf?.(number);
      if (seconds !== undefined) bounds.set(context, seconds);
    }
  });
  program.words.set(first);
  return finding.exits.map(({ context, position }) => {
    const seconds = bounds.get(context);
    return `${context}: ${position}${seconds === undefined ? "" : `, after ${seconds} s at the latest`}`;
  });
}

/** Everything that says which kernel this was (@internal). */
export function headOf({ incident, choices, ofKernel, parameters }: Subject) {
  return {
    incident: incident.id,
    title: incident.title,
    era: ofKernel?.era,
    fixes: choices.fixes ?? [],
    reverted: choices.reverted ?? [],
    cgroup: ofKernel?.cgroup,
    kmem: ofKernel?.kmem,
    hacks: choices.hacks ?? [],
    parameters,
    lawsChecked: choices.invariants ?? false,
    defaults: {
      era: ofKernel?.defaults.era,
      cgroup: ofKernel?.defaults.cgroup,
      parameters: Object.fromEntries(Object.entries(incident.parameters).map(([name, p]) => [name, p.default])),
    },
  };
}

/** A short proof says nothing of schedules by preemptions; a middling one is no more than the last where that is bounded likewise. */
function pays({ maxPreemptions, maxStates = Infinity }: Bounds, most: Bounds): boolean {
  return maxPreemptions === undefined && (most.maxStates === FEW_STATES || maxStates > MORE_STATES);
}

/** A short proof, with all that was asked of a long one. */
function upTo(bounds: Bounds, { maxStates = Infinity }: Bounds): Bounds {
  return { ...bounds, maxStates: Math.min(bounds.maxStates ?? Infinity, maxStates) };
}
function stepsOf(bounds: Bounds, most: Bounds): Bounds {
  const { fair, unfair } = bounds;
  const asked = { ...(fair === undefined ? {} : { fair }), ...(unfair === undefined ? {} : { unfair }) };
  return { ...most, ...asked, maxSteps: Math.min(bounds.maxSteps ?? Infinity, most.maxSteps ?? Infinity) };
}

function fairnessOf({ fair, unfair }: Bounds = {}): Partial<Scope> {
  return unfair === true ? { fairness: NO_FAIRNESS } : fair === true ? { fairness: WEAK } : {};
}

function omissionOf(outcome: SearchOutcome & { readonly omission?: number }): number {
  return outcome.omission ?? 0;
}

/** What a search by preemptions covered; -1 is nothing, and a number that bounds nothing is not printed. */
function preemptionsOf(outcome: SearchOutcome & { readonly preemptions?: number }): { preemptions?: number } {
  const { preemptions } = outcome;
  return preemptions === undefined || preemptions < 0 || !Number.isFinite(preemptions) ? {} : { preemptions };
}

/** What the last search left out: executions, or states at which it put contexts off. */
function prunedOf(outcome: SearchOutcome & { readonly pruned?: number; readonly reduced?: number }): number {
  return (outcome.pruned ?? 0) + (outcome.reduced ?? 0);
}

/** Executions and steps of all searches of one exploration. */
class Totals {
  executions = 0;
  steps = 0;
  add(outcome: SearchOutcome): void {
    this.executions += outcome.executions ?? 0;
    this.steps += outcome.steps;
  }
}

/** Keeps the proof of an exploration for whoever goes on with it. */
class Keeper {
  /** To go on with; undefined once that was done. */
  resume: SavedSearch | undefined;
  #kept: SavedSearch | undefined;

  constructor(resume: SavedSearch | undefined) {
    this.resume = resume;
  }
  /** Of the proof that is run now. */
  options(last: boolean): Pick<ProveOptions, "save" | "resume"> {
    if (!last) return {};
    const { resume } = this;
    this.resume = undefined;
    const save = (proof: SavedSearch): void => {
      this.#kept = proof;
    };
    return resume === undefined ? { save } : { save, resume };
  }
  /** What to keep of a search that was stopped; `short`: its bounds cut what comes before the proof, too. */
  kept(short: boolean): SavedSearch | undefined {
    return short ? undefined : (this.#kept ?? this.resume);
  }
}

/** The search was stopped before a proof had its answer. */
function mayGoOn({ strategy, bounds = {} }: ExploreOptions, { finding, complete }: SearchOutcome): boolean {
  const proves = strategy === undefined || strategy === "prove";
  return proves && bounds.maxPreemptions === undefined && !complete && (finding === undefined || bounds.all === true);
}

/** Bounds so low that the short searches before a proof do not take their usual course. */
function cutsShort({ strategy, bounds = {} }: ExploreOptions): boolean {
  if (strategy !== undefined || bounds.all === true) return false;
  return (bounds.maxStates ?? Infinity) <= MORE_STATES || bounds.maxSteps !== undefined;
}

/** Which search to trust: the one asked for, or quick ones and, when they find nothing, a proof. */
function search(program: Reducible, options: ExploreOptions, total: Totals): readonly [Strategy, SearchOutcome] {
  const keeper = new Keeper(options.resume);
  const begins = options.resume === undefined;
  let short = begins && cutsShort(options);
  const one = (strategy: Strategy, bounds: Bounds, last = false): readonly [Strategy, SearchOutcome] => {
    const outcome = run(program, strategy, bounds, options, keeper.options(last));
    total.add(outcome);
    return [strategy, outcome];
  };
  const ending = (end: readonly [Strategy, SearchOutcome]): readonly [Strategy, SearchOutcome] => {
    if (mayGoOn(options, end[1])) options.save?.(keeper.kept(short));
    return end;
  };
  const { strategy, bounds = {} } = options;
  if (strategy !== undefined || bounds.all === true) return ending(one(strategy ?? "prove", bounds, true));
  const ended = ([by, { finding, stopped, complete }]: readonly [Strategy, SearchOutcome]): boolean =>
    finding !== undefined || stopped === "aborted" || (by === "prove" && complete);
  // what comes before a proof that goes on must be what came before it then
  const { maxStates: _, memoryBytes: __, ...unbounded } = bounds;
  const before: Bounds = begins ? bounds : unbounded;
  for (const [quick, most] of QUICK) {
    if (quick === "prove" && !pays(before, most)) continue;
    const tried = one(quick, quick === "prove" ? upTo(before, most) : stepsOf(bounds, most));
    if (ended(tried)) return ending(tried);
    if (begins && quick === "prove" && tried[1].stopped !== "states") short = true;
  }
  return ending(one("prove", bounds, true));
}

function livelocksOf({ fair, unfair }: Bounds): { readonly livelocks?: "any" | "fair" } {
  return unfair === true ? { livelocks: "any" } : fair === true ? { livelocks: "fair" } : {};
}

function run(
  program: Reducible,
  strategy: Strategy,
  bounds: Bounds,
  options: ExploreOptions,
  proof: Pick<ProveOptions, "save" | "resume">,
): SearchOutcome {
  const { aborted, pollEvery, progress, seed = FIRST_SEED } = options;
  const { maxDepth, maxExecutions, maxSteps } = bounds;
  const common: SearchOptions = {
    ...(bounds.all === true ? { find: "all" as const } : {}),
    ...(aborted === undefined ? {} : { shouldStop: aborted }),
    ...(progress === undefined ? {} : { onProgress: (counts: SearchCounts) => progress(strategy, counts) }),
    ...(maxSteps === undefined ? {} : { maxSteps }),
    ...(pollEvery === undefined ? {} : { pollEvery }),
  };
  const depth = maxDepth === undefined ? {} : { maxDepth };
  const walks = {
    seed,
    maxExecutions: maxExecutions ?? WALKS,
    learn: (maxSteps ?? Infinity) >= MANY_STEPS,
    suspectStates: (maxDepth ?? Infinity) < SUSPECT_DEPTH ? 0 : SUSPECT_STATES,
    ...livelocksOf(bounds),
  };
  switch (strategy) {
    case "hunt":
      return hunt(program, { ...common, ...depth, ...(maxExecutions === undefined ? {} : { maxExecutions }) });
    case "prove": {
      const { all = false, exact = false, maxStates, memoryBytes, maxPreemptions, reduce = true } = bounds;
      const room = {
        ...(maxStates === undefined ? {} : { maxStates }),
        ...(memoryBytes === undefined ? {} : { memoryBytes }),
      };
      if (maxPreemptions !== undefined) return provePreemptions(program, { ...common, ...room, maxPreemptions });
      const { crew } = options;
      const livelocks = livelocksOf(bounds);
      // a team keeps nothing to go on with
      const keeps = options.save !== undefined || options.resume !== undefined;
      const plain = !keeps && !exact && !all && livelocks.livelocks === undefined;
      const together = crew !== undefined && crew.members > 1 && plain && isLearnable(program);
      const alone = { ...common, ...room, ...proof, reduce, exact, ...livelocks };
      const outcome = prove(program, together ? { ...alone, handOverAt: HAND_OVER } : alone);
      const { states, stopped } = outcome;
      const handedOver = stopped === "states" && states >= HAND_OVER && states < (maxStates ?? Infinity);
      return together && handedOver ? proveTogether(program, crew, { ...common, ...room }) : outcome;
    }
    case "pct":
      return pct(program, { ...common, ...depth, ...walks, bugDepth: PCT_DEPTH });
    case "random":
      return random(program, { ...common, ...depth, ...walks });
  }
}
