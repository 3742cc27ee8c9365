/** What can be said of one state by looking at it (@internal): shared by the searches, not by the naive oracle. */
import type { Explorable } from "../resumable/explorable.ts";
import type { Fault } from "./types.ts";

/** Whether some context can step. */
export function canStep(program: Explorable): boolean {
  for (let c = 0; c < program.contexts; c++) if (program.ways(c) > 0) return true;
  return false;
}

/** The contexts for which standing still for ever is a fault: neither finished nor idle. */
export function unfinished(program: Explorable): number[] {
  const stuck: number[] = [];
  for (let c = 0; c < program.contexts; c++) if (!program.finished(c) && !program.idle(c)) stuck.push(c);
  return stuck;
}

function names(program: Explorable, contexts: readonly number[]): string {
  return contexts.map((c) => program.name(c)).join(", ");
}

/** The fault of a state where nothing can step, if it is one. */
export function terminalFault(program: Explorable): Fault | undefined {
  const contexts = unfinished(program);
  if (contexts.length === 0) return undefined;
  return { kind: "deadlock", contexts, message: `nothing can step; stuck: ${names(program, contexts)}` };
}

/** A law broken by the present state; `stepped` is the context that stepped last. */
export function brokenLaw(program: Explorable, stepped: number | undefined): Fault | undefined {
  const message = program.brokenInvariant?.();
  return message === undefined
    ? undefined
    : { kind: "invariant", contexts: stepped === undefined ? [] : [stepped], message };
}

/** Contexts that are dead already although others still run; `ways` as `deadSubset` takes them. */
export function deadContexts(program: Explorable, ways?: ArrayLike<number>): Fault | undefined {
  const contexts = program.deadSubset?.(ways) ?? [];
  return contexts.length === 0 ? undefined : deadSubset(program, contexts);
}

/** The fault of contexts that can never proceed again. */
export function deadSubset(program: Explorable, contexts: readonly number[]): Fault {
  return {
    kind: "dead-subset",
    contexts: [...contexts],
    message: `can never proceed again: ${names(program, contexts)}`,
  };
}

/** The fault of contexts that run for ever. */
export function livelock(program: Explorable, contexts: readonly number[]): Fault {
  return { kind: "livelock", contexts, message: `can only go round for ever: ${names(program, contexts)}` };
}

/** The fault of a step that threw; what was thrown must be an Error, anything else is passed on. */
export function thrownFault(stepped: number, error: unknown): Fault {
  if (!(error instanceof Error)) throw error;
  return { kind: "invariant", contexts: [stepped], message: error.message };
}

/**
 * A state as text: equal texts mean equal words. Zero words are left out, most words of a state are zero. @since
 * 0.2.0
 */
export function stateText(words: Int32Array): string {
  const parts: string[] = [];
  for (let i = 0; i < words.length; i++) if (words[i] !== 0) parts.push(`${i}:${words[i]}`);
  return parts.join(" ");
}
