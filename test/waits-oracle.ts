/**
 * What the analysis must say, found by trying every subset of contexts: nothing here is shared with src/waits but the types.
 */
import type { ContextId, EventId, WaitCondition, WaitGraph } from "../src/waits/types.ts";

function holds(condition: WaitCondition, raised: (event: EventId) => boolean): boolean {
  if (condition.kind === "event") return raised(condition.event);
  const met = condition.of.filter((part) => holds(part, raised)).length;
  if (condition.kind === "all") return met === condition.of.length;
  return met >= (condition.kind === "any" ? 1 : condition.k);
}

/** Whether every member of the set stays blocked although everybody outside runs; sets are bit masks. */
export function selfSustaining(graph: WaitGraph, set: number, maxTimer = Infinity): boolean {
  const raised = (id: EventId): boolean => {
    const event = graph.events[id]!;
    if (event.timer && event.timer.seconds <= maxTimer) return true;
    return event.providers.some((p) => ((set >> p.context) & 1) === 0);
  };
  return graph.contexts.every((c, i) => ((set >> i) & 1) === 0 || (c.wait !== undefined && !holds(c.wait, raised)));
}

/** Every self-sustaining set but the empty one, as bit masks. */
export function selfSustainingSets(graph: WaitGraph, maxTimer?: number): number[] {
  const found: number[] = [];
  for (let set = 1; set < 1 << graph.contexts.length; set++) if (selfSustaining(graph, set, maxTimer)) found.push(set);
  return found;
}

export const union = (sets: readonly number[]): number => sets.reduce((a, b) => a | b, 0);
export const members = (set: number): ContextId[] =>
  Array.from({ length: 32 }, (_, i) => i as ContextId).filter((i) => ((set >>> i) & 1) === 1);
export const mask = (contexts: readonly ContextId[]): number => contexts.reduce((set, c) => set | (1 << c), 0);
export const sizeOf = (set: number): number => members(set).length;

/** Sets without a smaller one inside. */
export const minimalOf = (sets: readonly number[]): number[] =>
  sets.filter((s) => !sets.some((t) => t !== s && (t & s) === t));

/** Contexts that lie in every self-sustaining set: with one of them running nothing is dead any more. */
export const breakersOf = (sets: readonly number[], contexts: number): ContextId[] =>
  sets.length === 0 ? [] : members(((1 << contexts) - 1) & sets.reduce((a, b) => a & b));
