/** Equal contexts are shown once: 1,440 tasks with the same stack and the same wait are one entry with a count. */
import type { ContextView, Diagnosis, StuckGroupView } from "../diagnose/types.ts";
import { foldCore } from "./fold.ts";
import { findRing } from "./ring.ts";

/** Contexts with one stack, one wait and one role; `first` stands for all. */
export interface ContextGroup {
  readonly first: ContextView;
  readonly members: readonly ContextView[];
  /** Contexts, folded ones counted. */
  readonly count: number;
}

/** A frame's symbol without offsets: two printings of one stack differ in nothing else. */
function symbolOf(text: string): string {
  return text.replace(/\+0x[0-9a-f]+(\/0x[0-9a-f]+)?/g, "");
}

function signature(view: ContextView): string {
  const wait = view.wait === undefined ? "" : JSON.stringify([view.wait.resource, view.wait.event, view.wait.mode]);
  const holds = view.holds.map((hold) => [hold.resource.class, hold.resource.id, hold.mode]);
  return JSON.stringify([view.role, wait, holds, view.frames.map((frame) => symbolOf(frame.text))]);
}

const ROLE_ORDER: readonly ContextView["role"][] = ["core", "holder", "running", "victim", "unexplained", "bystander"];

/** Core contexts one by one in the order of the ring, then holders, runners and victims, the largest group first. */
export function groupContexts(d: Diagnosis): ContextGroup[] {
  const coreOrder = new Map<string, number>();
  for (const edge of coreEdgesInOrder(d)) {
    for (const ref of [edge.waiter, ...edge.heldBy])
      if (!coreOrder.has(ref.key)) coreOrder.set(ref.key, coreOrder.size);
  }
  const { standsFor } = foldCore(d.core);
  const groups = new Map<string, ContextView[]>();
  for (const view of inOrder(d.details, coreOrder)) {
    const key = `${coreOrder.has(view.key) ? `core ${standsFor.get(view.key)?.key} ` : ""}${signature(view)}`;
    const list = groups.get(key);
    if (list === undefined) groups.set(key, [view]);
    else list.push(view);
  }
  const rank = (group: ContextGroup): number =>
    coreOrder.get(group.first.key) ?? coreOrder.size + ROLE_ORDER.indexOf(group.first.role);
  return [...groups.values()]
    .map((members) => ({
      first: members[0] as ContextView,
      members,
      count: members.reduce((sum, view) => sum + view.count, 0),
    }))
    .sort((a, b) => rank(a) - rank(b) || b.count - a.count);
}

/** Core contexts first, so that the one on the ring stands for its equals. */
function inOrder(details: readonly ContextView[], coreOrder: ReadonlyMap<string, number>): ContextView[] {
  const core = details.filter((view) => coreOrder.has(view.key));
  core.sort((a, b) => (coreOrder.get(a.key) ?? 0) - (coreOrder.get(b.key) ?? 0));
  return [...core, ...details.filter((view) => !coreOrder.has(view.key))];
}

/** Core edges in the order of the ring (where there is one), the others after it; equal waiters once, with every holder. */
export function coreEdgesInOrder(d: Diagnosis): Diagnosis["core"] {
  const { edges, original } = foldCore(d.core);
  const ring = findRing(edges);
  return (ring === undefined ? edges : [...ring.edges, ...ring.others]).map(original);
}

/** Holds that somebody here waits for, and the others; without any of the first kind the first three are told. */
export function splitHolds(
  d: Diagnosis,
  view: ContextView,
): { readonly told: ContextView["holds"]; readonly others: ContextView["holds"] } {
  const wanted = new Set([...d.core, ...d.stuckBehind].map((edge) => edge.waitsFor.class));
  const told = view.holds.filter((hold) => wanted.has(hold.resource.class));
  if (told.length === 0) return { told: view.holds.slice(0, 3), others: view.holds.slice(3) };
  return { told, others: view.holds.filter((hold) => !told.includes(hold)) };
}

/** The group of waiters each context is in, by key. */
export function stuckGroups(d: Diagnosis): ReadonlyMap<string, StuckGroupView> {
  return new Map(d.stuckBehind.flatMap((group) => group.contexts.map((ref) => [ref.key, group] as const)));
}
