import { compile } from "./net.ts";
import type {
  Confidence,
  Context,
  ContextId,
  EventId,
  Provider,
  Resource,
  WaitCondition,
  WaitEvent,
  WaitGraph,
} from "./types.ts";

/** A condition, or an event that stands for the condition "this event". */
export type ConditionLike = WaitCondition | EventId;

/** What may be said of an event besides its resource and verb. */
export interface EventOptions {
  /** Who can raise it; more may be added later with `provide`. */
  readonly by?: readonly (ContextId | Provider)[];
  readonly providersKnown?: Confidence;
  readonly timerSeconds?: number;
}

/** Collects contexts, events and waits; ids are handed out in order of arrival. */
export interface GraphBuilder {
  /** Adds a context that can run until `wait` says otherwise. */
  context(context: Omit<Context, "wait" | "retries">): ContextId;
  event(resource: Resource, verb: string, options?: EventOptions): EventId;
  /** One more context that can raise the event. */
  provide(event: EventId, context: ContextId, confidence?: Confidence, why?: readonly string[]): void;
  /** Says what the context waits for; once per context. */
  wait(context: ContextId, condition: ConditionLike, options?: { readonly retries?: boolean }): void;
  /** The graph so far, checked; throws when an id points nowhere. */
  build(): WaitGraph;
}

const condition = (like: ConditionLike): WaitCondition =>
  typeof like === "number" ? { kind: "event", event: like } : like;

/** Waits for one event. */
export const on = (event: EventId): WaitCondition => condition(event);
/** Waits until every part holds. */
export const all = (...of: readonly ConditionLike[]): WaitCondition => ({ kind: "all", of: of.map(condition) });
/** Waits until one part holds. */
export const any = (...of: readonly ConditionLike[]): WaitCondition => ({ kind: "any", of: of.map(condition) });
/** Waits until `k` parts hold. */
export const atLeast = (k: number, ...of: readonly ConditionLike[]): WaitCondition => ({
  kind: "atLeast",
  k,
  of: of.map(condition),
});

/**
 * Makes wait graphs by hand.
 *
 * @example
 * const g = graphBuilder();
 * const flusher = g.context({ kind: "kworker", comm: "flush-8:0" });
 * const fault = g.context({ kind: "task", comm: "writer" });
 * g.wait(flusher, g.event({ class: "PG_locked" }, "unlock", { by: [fault] }));
 * g.wait(fault, g.event({ class: "PG_writeback" }, "end_writeback", { by: [flusher] }));
 * analyze(g.build()).cores[0]?.kind; // "cycle"
 */
export function graphBuilder(): GraphBuilder {
  const contexts: Context[] = [];
  const events: (Omit<WaitEvent, "providers"> & { readonly providers: Provider[] })[] = [];
  const known = <T>(list: readonly T[], id: number, what: string): T => {
    const found = list[id];
    if (found === undefined) throw new Error(`wait graph: there is no ${what} ${id}`);
    return found;
  };
  return {
    context(context) {
      return (contexts.push(context) - 1) as ContextId;
    },
    event(resource, verb, { by = [], providersKnown, timerSeconds } = {}) {
      const providers = by.map((p): Provider => (typeof p === "number" ? { context: p, confidence: "proven" } : p));
      events.push({
        resource,
        verb,
        providers,
        ...(providersKnown !== undefined && { providersKnown }),
        ...(timerSeconds !== undefined && { timer: { seconds: timerSeconds } }),
      });
      return (events.length - 1) as EventId;
    },
    provide(event, context, confidence = "proven", why) {
      known(events, event, "event").providers.push({ context, confidence, ...(why && { why }) });
    },
    wait(context, like, { retries } = {}) {
      const before = known(contexts, context, "context");
      if (before.wait) throw new Error(`wait graph: context ${context} waits already`);
      contexts[context] = { ...before, wait: condition(like), ...(retries !== undefined && { retries }) };
    },
    build() {
      const graph: WaitGraph = {
        contexts: contexts.slice(),
        events: events.map((e) => ({ ...e, providers: e.providers.slice() })),
      };
      compile(graph);
      return graph;
    },
  };
}

/** Throws when an id of the graph points nowhere, a `k` is no integer or a timer no time: such a graph is a bug of its maker. */
export function validateGraph(graph: WaitGraph): void {
  compile(graph);
}
