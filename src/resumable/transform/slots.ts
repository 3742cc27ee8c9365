/**
 * Which word of the frame holds which local (@internal). A local has the same word at every stop where it is alive, so that
 * what does not change is neither read nor written; locals that are never alive together share one.
 */
import type { Code, Label } from "./code.ts";
import { aliveAt, assignedBefore, type Names, neededAt } from "./liveness.ts";

/** What happens to the frame at a label where the function is entered or resumed. */
export interface Slots {
  /** Locals alive there, by word; undefined: a dead word, which is zero. */
  readonly words: readonly (string | undefined)[];
  /** Locals to read from the frame when it is entered there. */
  readonly read: readonly string[];
  /** Locals to write to the frame when it is left there. */
  readonly write: readonly string[];
}

export interface FramePlan {
  readonly slotOf: ReadonlyMap<string, number>;
  readonly at: ReadonlyMap<Label, Slots>;
}

/** Labels at which the function is entered or resumed, in source order. */
export function resumeLabels(code: Code): Label[] {
  return code.list.flatMap((step) =>
    step.kind === "label" && step.label.resumesLine !== undefined ? [step.label] : [],
  );
}

function assignSlots(
  names: readonly string[],
  parameters: readonly string[],
  together: readonly Names[],
): Map<string, number> {
  const slotOf = new Map(parameters.map((name, i) => [name, i]));
  for (const name of names) {
    if (slotOf.has(name)) continue;
    const taken = new Set<number>();
    for (const alive of together) {
      if (alive.has(name)) for (const other of alive) taken.add(slotOf.get(other) ?? -1);
    }
    let slot = 0;
    while (taken.has(slot)) slot++;
    slotOf.set(name, slot);
  }
  return slotOf;
}

/** Plans the frame of a function with these locals, its parameters first. */
export function planFrame(code: Code, names: readonly string[], parameters: readonly string[]): FramePlan {
  const locals: Names = new Set(names);
  const labels = resumeLabels(code);
  const alive = new Map(aliveAt(code, locals));
  const fresh: Names = new Set(names.filter((n) => !parameters.includes(n)));
  const assigned = assignedBefore(code, locals, fresh);
  const saved = (label: Label): Names =>
    new Set([...(alive.get(label) ?? [])].filter((n) => assigned.get(label)?.has(n)));
  const needed = neededAt(code, locals, saved);
  // a caller fills in all parameters, and nothing else
  alive.set(code.start, new Set(parameters));
  needed.set(code.start, new Set(parameters.filter((n) => needed.get(code.start)?.has(n))));
  const slotOf = assignSlots(
    names,
    parameters,
    labels.map((l) => alive.get(l) ?? new Set()),
  );
  const at = labels.map((label): [Label, Slots] => {
    const words: (string | undefined)[] = [];
    for (const name of alive.get(label) ?? []) words[slotOf.get(name) as number] = name;
    const inOrder = (set: Names): string[] => names.filter((n) => set.has(n));
    return [
      label,
      { words: Array.from(words), read: inOrder(needed.get(label) ?? new Set()), write: inOrder(saved(label)) },
    ];
  });
  return { slotOf, at: new Map(at) };
}
