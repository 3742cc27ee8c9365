/**
 * Core members that nothing tells apart (same waits, held for by the same edges) are one in pictures and lists: three
 * page faults that each hold a page the flusher may want are `pmdfault0 and 2 more like it`.
 */
import type { ContextRef, CoreEdgeView } from "../diagnose/types.ts";

/** The core with one edge set per class of equal members. */
export interface FoldedCore {
  readonly edges: readonly CoreEdgeView[];
  /** The edge as the diagnosis has it, with every holder. */
  original(edge: CoreEdgeView): CoreEdgeView;
  /** Key of a member to the context that stands for its class. */
  readonly standsFor: ReadonlyMap<string, ContextRef>;
  /** Key of a standing context to its whole class, itself first. */
  readonly members: ReadonlyMap<string, readonly ContextRef[]>;
}

/** Folds; a core without equal members comes back as it was. Linear in the size of the core. */
export function foldCore(core: readonly CoreEdgeView[]): FoldedCore {
  const refs = new Map<string, ContextRef>();
  const facts = new Map<string, string[]>();
  const note = (ref: ContextRef, fact: string): void => {
    refs.set(ref.key, refs.get(ref.key) ?? ref);
    const list = facts.get(ref.key);
    if (list === undefined) facts.set(ref.key, [fact]);
    else list.push(fact);
  };
  // Who holds what: edges that wait for the same thing of the same contexts are one question.
  const questions = new Map<string, number>();
  for (const edge of core) {
    const question = JSON.stringify([edge.waitsFor, edge.event, edge.any, edge.heldBy.map((ref) => ref.key).sort()]);
    const id = questions.get(question) ?? questions.size;
    questions.set(question, id);
    note(edge.waiter, `waits ${id}`);
    for (const ref of edge.heldBy) note(ref, `ends ${id}`);
  }
  const classes = new Map<string, ContextRef[]>();
  for (const [key, ref] of refs) {
    const signature = JSON.stringify([ref.kind, [...new Set(facts.get(key))].sort()]);
    const list = classes.get(signature);
    if (list === undefined) classes.set(signature, [ref]);
    else list.push(ref);
  }
  const standsFor = new Map<string, ContextRef>();
  const members = new Map<string, readonly ContextRef[]>();
  for (const list of classes.values()) {
    const first = list[0] as ContextRef;
    members.set(first.key, list);
    for (const ref of list) standsFor.set(ref.key, first);
  }
  const originals = new Map<CoreEdgeView, CoreEdgeView>();
  for (const edge of core) {
    if (standsFor.get(edge.waiter.key)?.key !== edge.waiter.key) continue;
    const heldBy = edge.heldBy.filter((ref) => standsFor.get(ref.key)?.key === ref.key);
    originals.set({ ...edge, heldBy }, edge);
  }
  return { edges: [...originals.keys()], original: (edge) => originals.get(edge) ?? edge, standsFor, members };
}

/** ` and 2 more like it`, or nothing. */
export function moreLikeIt(folded: FoldedCore, key: string): string {
  const more = (folded.members.get(key)?.length ?? 1) - 1;
  return more > 0 ? ` and ${more} more like it` : "";
}
