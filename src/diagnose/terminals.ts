/** Where the chains of waits end that are not dead: hardware, a server, a timer, a running task, or outside the log. */
import type { Analysis, ContextId, WaitCondition } from "../waits/types.ts";
import type { ImplicitNode, Model } from "./model.ts";

export interface Terminal {
  readonly role: ImplicitNode["role"] | "timed" | "running" | "dead";
  readonly name: string;
  /** Contexts whose chain ends here. */
  readonly count: number;
  /** Parties that wait for it directly or at the end of a chain, at most 20. */
  readonly parties: readonly number[];
}

/** Terminals of all blocked parties, the one with most contexts first. */
export function terminalsOf(model: Model, analysis: Analysis): Terminal[] {
  const dead = new Set<number>(analysis.dead);
  const memo = new Map<number, { role: Terminal["role"]; name: string }>();
  const out = new Map<string, { role: Terminal["role"]; name: string; count: number; parties: number[] }>();
  model.parties.forEach((p, i) => {
    if (!p.subject.blocked || p.subject.released || !p.want) return;
    const t = dead.has(i) ? ({ role: "dead", name: "the deadlock" } as const) : follow(i, model, memo);
    const key = `${t.role} ${t.name}`;
    const old = out.get(key) ?? { ...t, count: 0, parties: [] };
    old.count += p.subject.count;
    if (old.parties.length < 20) old.parties.push(i);
    out.set(key, old);
  });
  return [...out.values()].sort((a, b) => b.count - a.count);
}

function follow(start: number, model: Model, memo: Map<number, { role: Terminal["role"]; name: string }>) {
  const seen: number[] = [];
  let at = start;
  let result: { role: Terminal["role"]; name: string } | undefined;
  while (!result) {
    const known = memo.get(at);
    if (known) {
      result = known;
      break;
    }
    if (seen.includes(at)) {
      result = wayOut(seen.slice(seen.indexOf(at)), model);
      break;
    }
    seen.push(at);
    const next = step(at, model);
    if (typeof next === "number") at = next;
    else result = next;
  }
  for (const s of seen) memo.set(s, result);
  return result;
}

/** A circle that is no deadlock ends where one of its members has another way out. */
function wayOut(circle: readonly number[], model: Model): { role: Terminal["role"]; name: string } {
  for (const c of circle) {
    const wait = model.graph.contexts[c]?.wait;
    const implicit = wait && providersOf(wait, model).find((p) => p >= model.parties.length);
    if (implicit !== undefined) return nameOf(implicit, model);
  }
  return { role: "running", name: "waits that point at each other, not proven to be a circle" };
}

function step(at: number, model: Model): number | { role: Terminal["role"]; name: string } {
  const context = model.graph.contexts[at]!;
  if (!context.wait) return nameOf(at, model);
  const event = firstEvent(context.wait, model);
  if (event === undefined) return { role: "running", name: "nothing" };
  const e = model.graph.events[event]!;
  if (e.timer) return { role: "timed", name: "a timer" };
  const providers = e.providers.map((p) => p.context as number).filter((c) => c !== at);
  // Somebody in the log first: what only hardware could end is said when nobody is left.
  const implicit = providers.find((c) => c >= model.parties.length);
  const next = providers.find((c) => c < model.parties.length) ?? implicit;
  if (next === undefined) return { role: "unknown-holder", name: "nobody in this log" };
  return next;
}

function nameOf(at: number, model: Model): { role: Terminal["role"]; name: string } {
  const node = model.implicit[at - model.parties.length];
  if (node) return { role: node.role, name: node.name };
  return { role: "running", name: model.parties[at]?.subject.ref.comm ?? "a running task" };
}

function firstEvent(w: WaitCondition, model: Model): number | undefined {
  if (w.kind === "event") return w.event;
  for (const c of w.of) {
    const e = firstEvent(c, model);
    if (e !== undefined && (w.kind !== "any" || model.graph.events[e]!.providers.length > 0)) return e;
  }
  return undefined;
}

/** Contexts a condition mentions. */
export function providersOf(w: WaitCondition, model: Model): ContextId[] {
  if (w.kind === "event") return model.graph.events[w.event]!.providers.map((p) => p.context);
  return w.of.flatMap((c) => providersOf(c, model));
}
