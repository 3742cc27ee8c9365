/** A circle of waits in one sentence. */
import type { Resource } from "../waits/types.ts";
import type { CoreEdgeView } from "./types.ts";
import { contextWords, list, resourceWords } from "./words.ts";

/** Who waits for whom in a circle; `behind` more contexts wait besides. `nameOf` names what they wait for. */
export function deadlockSentence(
  core: readonly CoreEdgeView[],
  behind: number,
  nameOf: (resource: Resource) => string = resourceWords,
): string {
  const first = core[0];
  const tail = behind > 0 ? `; ${plural(behind, "more context")} ${behind === 1 ? "waits" : "wait"} besides` : "";
  if (first && core.length === 1 && first.heldBy.some((h) => h.key === first.waiter.key)) {
    return `${contextWords(first.waiter)} waits for ${nameOf(first.waitsFor)}, which only it can end itself${tail}.`;
  }
  const sides = sidesOf(core);
  if (sides.length === 2) return `${twoSides(sides[0]!, sides[1]!, nameOf)}${tail}.`;
  const members = [...new Set(core.map((e) => contextWords(e.waiter)))];
  return `${list(members, 6)} wait for each other in a circle${tail}.`;
}

/** Members of the core by what they wait for, the smallest side first. */
function sidesOf(core: readonly CoreEdgeView[]): (readonly CoreEdgeView[])[] {
  const sides = new Map<string, CoreEdgeView[]>();
  for (const e of core) {
    const key = `${e.waitsFor.class} ${e.waitsFor.id ?? ""}`;
    const side = sides.get(key);
    if (side) side.push(e);
    else sides.set(key, [e]);
  }
  return [...sides.values()].sort((a, b) => a.length - b.length);
}

function twoSides(
  a: readonly CoreEdgeView[],
  b: readonly CoreEdgeView[],
  nameOf: (resource: Resource) => string,
): string {
  const [who, others] = [a, b].map((side) => [...new Set(side.map((e) => contextWords(e.waiter)))]);
  const verb = who!.length === 1 ? "waits" : "wait";
  const holder = others!.length === 1 ? list(others!) : `one of ${list(others!)}`;
  const back = others!.length === 1 ? "which waits" : "which wait";
  return `${list(who!)} ${verb} for ${nameOf(a[0]!.waitsFor)} held by ${holder}, ${back} for ${nameOf(b[0]!.waitsFor)} that only ${list(who!)} can end`;
}

/** `1 context`, `2 contexts`. */
export function plural(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}
