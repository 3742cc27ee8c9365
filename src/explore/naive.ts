/**
 * The oracle: breadth-first search over complete states kept as text, and liveness by closures. Slow and plain on
 * purpose; it shares no code with the other searches, and they are trusted only while they agree with it.
 */
import type { Reducible } from "./types.ts";

/** @since 0.2.0 */
export interface NaiveOutcome {
  readonly states: number;
  readonly steps: number;
  readonly deadlocks: ReadonlySet<string>;
  readonly ends: ReadonlySet<string>;
  /** Messages of broken invariants and thrown errors. */
  readonly broken: ReadonlySet<string>;
  /** Dead subsets that the program itself told in states that are no deadlocks, as lists of contexts. */
  readonly deadSubsets: ReadonlySet<string>;
  /** Some state cannot reach rest, and a context there steps for ever and never finishes or idles. */
  readonly livelock: boolean;
  /**
   * Some state cannot reach rest nor a livelock, and a context there never steps again though neither finished nor
   * idle.
   */
  readonly deadWhileOthersRun: boolean;
  /**
   * Asked for only: a run can stay for ever in states that reach each other by steps without progress, every context stepping
   * there or unable to step in one of them, and one that never finishes or idles there steps.
   */
  readonly fairLivelock: boolean;
  /** False when `maxStates` was reached. */
  readonly complete: boolean;
}

interface Node {
  readonly words: Int32Array;
  readonly next: { readonly state: number; readonly context: number; readonly progress: boolean }[];
  readonly rest: boolean;
  /** By context: cannot be called stuck here; can step here. */
  readonly content: readonly boolean[];
  readonly able: readonly boolean[];
  threw: boolean;
}

/** Searches all states from the present one, and puts it back. @since 0.2.0 */
export function naive(program: Reducible, maxStates = 100_000, fair = false): NaiveOutcome {
  const initial = program.words.slice();
  const nodes: Node[] = [];
  const known = new Map<string, number>();
  const deadlocks = new Set<string>();
  const ends = new Set<string>();
  const broken = new Set<string>();
  const deadSubsets = new Set<string>();
  const all = Array.from({ length: program.contexts }, (_, c) => c);
  let steps = 0;
  let complete = true;

  const visit = (): number => {
    const key = program.words.join();
    const before = known.get(key);
    if (before !== undefined) return before;
    const able = all.map((c) => program.ways(c) > 0);
    const content = all.map((c) => program.finished(c) || program.idle(c));
    const rest = !able.includes(true);
    if (rest) (content.includes(false) ? deadlocks : ends).add(text(program.words));
    const law = program.brokenInvariant?.();
    if (law !== undefined) broken.add(law);
    const dead = program.deadSubset?.() ?? [];
    if (dead.length > 0 && !(rest && content.includes(false))) deadSubsets.add(dead.join());
    known.set(key, nodes.length);
    return nodes.push({ words: program.words.slice(), next: [], rest, content, able, threw: false }) - 1;
  };

  visit();
  for (let s = 0; s < nodes.length && complete; s++) {
    const node = nodes[s]!;
    for (const context of all) {
      program.words.set(node.words);
      const ways = program.ways(context);
      for (let way = 0; way < ways; way++) {
        program.words.set(node.words);
        steps++;
        try {
          program.step(context, way);
        } catch (error) {
          broken.add((error as Error).message);
          node.threw = true;
          continue;
        }
        const progress = program.progressed?.() ?? false;
        node.next.push({ state: visit(), context, progress });
      }
    }
    complete = nodes.length <= maxStates;
  }
  program.words.set(initial);
  const fairLivelock = fair && nodes.some((_, s) => staysFairly(nodes, all, s));
  const told = { states: nodes.length, steps, deadlocks, ends, broken, deadSubsets, complete };
  return { ...told, ...liveness(nodes, all), fairLivelock };
}

function text(words: Int32Array): string {
  return [...words].flatMap((value, at) => (value === 0 ? [] : [`${at}:${value}`])).join(" ");
}

/** The states that steps without progress lead to from a state, itself included. */
function ahead(nodes: readonly Node[], from: number): ReadonlySet<number> {
  const met = new Set([from]);
  for (const s of met) for (const { state, progress } of nodes[s]!.next) if (!progress) met.add(state);
  return met;
}

/** Whether a fair run can stay among the states that reach `start` and are reached from it. */
function staysFairly(nodes: readonly Node[], contexts: readonly number[], start: number): boolean {
  const region = new Set([...ahead(nodes, start)].filter((s) => ahead(nodes, s).has(start)));
  const steppers = new Set<number>();
  for (const s of region)
    for (const { state, context, progress } of nodes[s]!.next)
      if (!progress && region.has(state)) steppers.add(context);
  const states = [...region].map((s) => nodes[s]!);
  return (
    contexts.every((c) => steppers.has(c) || states.some(({ able }) => !able[c])) &&
    contexts.some((c) => steppers.has(c) && states.every(({ content }) => !content[c]))
  );
}

/** By state: whether a state with the property can be reached, itself included. Repeated until nothing changes. */
function canReach(nodes: readonly Node[], has: (node: Node, state: number) => boolean): boolean[] {
  const reach = nodes.map(has);
  for (let changed = true; changed; ) {
    changed = false;
    for (let s = nodes.length - 1; s >= 0; s--) {
      if (reach[s] || !nodes[s]!.next.some(({ state }) => reach[state])) continue;
      reach[s] = true;
      changed = true;
    }
  }
  return reach;
}

function liveness(nodes: readonly Node[], contexts: readonly number[]) {
  const canRest = canReach(nodes, (node) => node.rest || node.threw);
  const canProgress = canReach(nodes, (node) => node.next.some(({ progress }) => progress));
  const perContext = contexts.map((c) => {
    const canBeContent = canReach(nodes, (node) => node.content[c]!);
    const stepsAgain = canReach(nodes, (node) => node.able[c]!);
    const canStop = canReach(nodes, (_, s) => !stepsAgain[s]);
    return {
      spins: nodes.map((_, s) => !canRest[s] && !canProgress[s] && !canBeContent[s] && !canStop[s]),
      dead: nodes.map((_, s) => !canRest[s] && !canBeContent[s] && !stepsAgain[s]),
    };
  });
  const spins = nodes.map((_, s) => perContext.some((c) => c.spins[s]));
  const canSpin = canReach(nodes, (_, s) => spins[s]!);
  const deadWhileOthersRun = perContext.some(({ dead }) => dead.some((is, s) => is && !canSpin[s]));
  return { livelock: spins.includes(true), deadWhileOthersRun };
}
