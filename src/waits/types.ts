/**
 * The language every part of unwedge speaks: this context holds these things and waits for
 * that event, which only those contexts can raise.
 *
 * Ids are indices into the arrays of a {@link WaitGraph}, so that a million edges stay cheap.
 */

/** How sure a statement is; a verdict carries the weakest link of its core. */
export type Confidence = "proven" | "likely" | "possible";

/** What a context is. `external`: an administrator, a remote server; `unknown`: somebody the evidence does not show. */
export type ContextKind = "task" | "kworker" | "irq" | "device" | "bio" | "external" | "unknown";

declare const contextBrand: unique symbol;
declare const eventBrand: unique symbol;
/** Index into {@link WaitGraph.contexts}. */
export type ContextId = number & { readonly [contextBrand]: "ContextId" };
/** Index into {@link WaitGraph.events}. */
export type EventId = number & { readonly [eventBrand]: "EventId" };

/** A resource: the field's word for its class, and which instance where that is known (an address, inode, device, lock name). */
export interface Resource {
  readonly class: string;
  readonly id?: string;
}

/** A context of the graph. Without `wait` it can run. */
export interface Context {
  readonly kind: ContextKind;
  readonly pid?: number;
  readonly comm?: string;
  readonly cpu?: number;
  /** Line of the evidence (1-based) where the context is first shown. */
  readonly line?: number;
  readonly wait?: WaitCondition;
  /**
   * The context runs or wakes up and tests its condition again (retry loop, poll, spin). Its own steps and timers
   * release nothing: it still waits for `wait`. A dead set with such a member is a livelock.
   */
  readonly retries?: boolean;
}

/** Who can still raise an event. Its confidence is that of the claim "this context is one that can raise it". */
export interface Provider {
  readonly context: ContextId;
  readonly confidence: Confidence;
  /** The evidence of the claim, e.g. `frame finish_fault: page locked by the fault`. */
  readonly why?: readonly string[];
}

/** What ends a wait, e.g. `unlock(PG_locked P)`, `end_writeback(P)`, `exit(task)`. */
export interface WaitEvent {
  readonly resource: Resource;
  /** The verb: `unlock`, `end_writeback`, `updates_zero`, `element_freed`, `uncharge`, `exit`, `complete`, ... */
  readonly verb: string;
  /** Any one of these contexts, once it runs, may raise the event. None: nobody will ever raise it. */
  readonly providers: readonly Provider[];
  /** How sure it is that `providers` lists everybody who could raise the event; absent: `proven`. */
  readonly providersKnown?: Confidence;
  /** The event (also) happens by itself after this time, and its coming changes the waiter's condition. */
  readonly timer?: { readonly seconds: number };
}

/** AND / OR / k-of-n over events, nested at will. An empty `all` is true, an empty `any` is false. */
export type WaitCondition =
  | { readonly kind: "event"; readonly event: EventId }
  | { readonly kind: "all"; readonly of: readonly WaitCondition[] }
  | { readonly kind: "any"; readonly of: readonly WaitCondition[] }
  | { readonly kind: "atLeast"; readonly k: number; readonly of: readonly WaitCondition[] };

/** Contexts and events; ids are array indices. */
export interface WaitGraph {
  readonly contexts: readonly Context[];
  readonly events: readonly WaitEvent[];
}

/** One arrow of an explanation: `waiter` waits for `event`, which every one of `providers` (all dead too) would have to raise. */
export interface CoreEdge {
  readonly waiter: ContextId;
  readonly event: EventId;
  /** True when the waiter waits for any of several events and this is one of them. */
  readonly any: boolean;
  readonly providers: readonly ContextId[];
  /** That of the surest provider (a further, less sure one is dead as well), and of the list being complete. */
  readonly confidence: Confidence;
}

/** Contexts outside the core that wait, directly or not, for it; grouped by the resource they wait for. */
export interface StuckGroup {
  readonly resource: Resource;
  readonly contexts: readonly ContextId[];
}

/** One self-sustaining part of the dead set, explained. */
export interface Core {
  /** `cycle`: every wait has one way out; `knot`: an OR among them; `orphan`: an event that nobody can raise. */
  readonly kind: "cycle" | "knot" | "orphan";
  readonly contexts: readonly ContextId[];
  readonly edges: readonly CoreEdge[];
  /**
   * `exact`: no smaller core exists among the contexts that were searched together with this one (its strongly connected
   * part of the dead set, less the cores found there before); `greedy`: no member can be left out, but a smaller core may
   * exist elsewhere.
   */
  readonly minimal: "exact" | "greedy";
  /** `deadlock`, `livelock` when a member retries, `missed-wakeup` for an orphan. */
  readonly verdict: "deadlock" | "livelock" | "missed-wakeup";
  /** The weakest link of `edges`. */
  readonly confidence: Confidence;
}

/** The result of reducing and explaining a graph. */
export interface Analysis {
  /** The maximal set of contexts that can never proceed, ascending. */
  readonly dead: readonly ContextId[];
  /** Disjoint explanations, the one with most contexts behind it first; empty when `dead` is empty. */
  readonly cores: readonly Core[];
  /** Set when the search for further disjoint cores was cut short: some of `stuckBehind` may be dead on their own as well. */
  readonly moreCores?: true;
  readonly stuckBehind: readonly StuckGroup[];
  /** Every single context whose release would free all of `dead` (exact). */
  readonly breakers: readonly ContextId[];
  /** Waits that end only because a timer fires: slow, at this rate. */
  readonly timed: readonly { readonly context: ContextId; readonly event: EventId; readonly seconds: number }[];
}
