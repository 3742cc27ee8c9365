/**
 * From parties to a wait-for graph.
 *
 * The graph is built under a {@link Hypothesis}: by default every alternative that the evidence does not exclude can still
 * end a wait, so that what is dead then is dead for sure. A hypothesis removes one kind of alternative; what is dead only
 * under it is reported with less confidence, and only with further evidence.
 */
import type { ProviderHint } from "../knowledge/types.ts";
import type {
  Confidence,
  Context,
  ContextId,
  ContextKind,
  EventId,
  Provider,
  Resource,
  WaitCondition,
  WaitEvent,
  WaitGraph,
} from "../waits/types.ts";
import { type HoldIndex, holdersOf, indexHolds, type Join, queuedWriters } from "./joins.ts";
import type { Party, Want, World } from "./wants.ts";

export interface Hypothesis {
  /** PG_writeback that reclaim waits for belongs to the unsubmitted bio of a blocked context, not to the device. */
  readonly unsubmitted?: boolean;
  /** The same for every PG_writeback waiter (to see who is stuck behind a deadlock already found). */
  readonly unsubmittedForAll?: boolean;
  /** What hardware would end is first in the hands of a worker in the evidence: a stacked device, a completion work item. */
  readonly stackedDevice?: boolean;
  /** Nobody outside the evidence frees memory in the reclaimed group. */
  readonly reclaimAlone?: boolean;
  /** The flusher, though not in the evidence, needs the journal that an open handle holds up. */
  readonly flusherNeedsJournal?: boolean;
}

/** A node that no stack shows. */
export interface ImplicitNode {
  readonly kind: ContextKind;
  readonly role:
    | "hardware"
    | "unknown-holder"
    | "server"
    | "admin"
    | "flusher"
    | "jbd2"
    | "worker"
    | "victim"
    | "group"
    | "kthread";
  readonly name: string;
  readonly pid?: number;
  readonly comm?: string;
}

export interface Model {
  readonly graph: WaitGraph;
  readonly parties: readonly Party[];
  /** Nodes after the parties. */
  readonly implicit: readonly ImplicitNode[];
  /** The joins behind each event's providers. */
  readonly joins: ReadonlyMap<EventId, readonly Join[]>;
}

/** Waits that need every holder to let go, not any one. */
function needsAll(w: Want): boolean {
  if (w.class === "jbd2_handle" || w.class === "queue_freeze" || w.class === "srcu" || w.class === "rcu_grace_period")
    return true;
  if (w.class === "btrfs_transaction" && w.event !== "commit") return true;
  return w.mode === "write";
}

const ROLES: Readonly<Record<ProviderHint, ImplicitNode>> = {
  holder: { kind: "unknown", role: "unknown-holder", name: "a holder that is not in this log" },
  device: { kind: "device", role: "hardware", name: "the block device" },
  flusher: { kind: "unknown", role: "flusher", name: "the writeback worker" },
  jbd2: { kind: "unknown", role: "jbd2", name: "the journal's commit thread" },
  worker: { kind: "unknown", role: "worker", name: "the worker that runs the work item" },
  server: { kind: "external", role: "server", name: "the server" },
  admin: { kind: "external", role: "admin", name: "an administrator" },
  timer: { kind: "external", role: "admin", name: "a timer" },
  victim: { kind: "unknown", role: "victim", name: "the OOM victim" },
  anyone: { kind: "unknown", role: "group", name: "other tasks that free memory" },
  kthread: { kind: "unknown", role: "kthread", name: "the kernel thread" },
};

class Builder {
  readonly contexts: Context[] = [];
  readonly events: WaitEvent[] = [];
  readonly implicit: ImplicitNode[] = [];
  readonly joins = new Map<EventId, readonly Join[]>();
  readonly #shared = new Map<string, EventId>();
  readonly #roles = new Map<string, ContextId>();

  constructor(
    readonly world: World,
    readonly index: HoldIndex,
    readonly hypothesis: Hypothesis,
  ) {}

  get parties(): readonly Party[] {
    return this.world.parties;
  }

  build(): Model {
    for (const p of this.parties) {
      const { ref } = p.subject;
      this.contexts.push({
        kind: ref.kind,
        ...(ref.pid !== undefined && { pid: ref.pid }),
        ...(ref.comm !== undefined && { comm: ref.comm }),
        ...(ref.line !== undefined && { line: ref.line }),
      });
    }
    this.parties.forEach((p, i) => {
      const wait = p.want && !p.subject.released && !p.subject.unreliable ? this.#condition(p.want, i) : undefined;
      if (wait) this.contexts[i] = { ...this.contexts[i]!, wait, ...(p.want!.retries && { retries: true }) };
    });
    return {
      graph: { contexts: this.contexts, events: this.events },
      parties: this.parties,
      implicit: this.implicit,
      joins: this.joins,
    };
  }

  #role(hint: ProviderHint): ContextId {
    const node = ROLES[hint];
    const known = this.#roles.get(node.name);
    if (known !== undefined) return known;
    const id = this.contexts.length as ContextId;
    this.#roles.set(node.name, id);
    this.contexts.push({ kind: node.kind, comm: node.name });
    this.implicit.push(node);
    if (hint === "flusher" && this.hypothesis.flusherNeedsJournal)
      this.contexts[id] = { ...this.contexts[id]!, wait: this.#journalWait() };
    return id;
  }

  /** A holder that a lock list names and no stack shows: it may well run. */
  #listed(address: string): ContextId | undefined {
    const holder = this.world.listed.get(address);
    if (!holder || this.index.byAddress.has(address)) return undefined;
    const name = `${holder.comm} (${holder.pid})`;
    const known = this.#roles.get(name);
    if (known !== undefined) return known;
    const id = this.contexts.length as ContextId;
    this.#roles.set(name, id);
    this.contexts.push({ kind: "task", pid: holder.pid, comm: holder.comm, line: holder.line });
    this.implicit.push({ kind: "task", role: "unknown-holder", name, pid: holder.pid, comm: holder.comm });
    return id;
  }

  #listedEvent(want: Want, resource: Resource, holder: ContextId): EventId {
    return this.#cached(`listed ${want.address} ${holder}`, () => {
      const id = this.events.length as EventId;
      this.events.push({
        resource,
        verb: want.event,
        providers: [
          {
            context: holder,
            confidence: "proven",
            why: ["lockdep lists the lock as held; the stack is not in this log"],
          },
        ],
      });
      return id;
    });
  }

  /** The flusher needs a handle; the transaction it would join is locked and waits for every open one. */
  #journalWait(): WaitCondition {
    const open = this.index.byClass.get("jbd2_handle") ?? [];
    const of = open.map((have): WaitCondition => {
      const join: Join = { subject: have.subject, have, confidence: "likely", self: false, exact: false };
      return { kind: "event", event: this.#event({ class: "jbd2_handle" }, "updates_zero", [join], []) };
    });
    return { kind: "all", of };
  }

  #event(
    resource: Resource,
    verb: string,
    joins: readonly Join[],
    hints: readonly ProviderHint[],
    seconds?: number,
  ): EventId {
    const providers: Provider[] = joins.map((j) => ({
      context: j.subject as ContextId,
      confidence: j.confidence,
      why: [j.have.because],
    }));
    for (const h of hints) providers.push({ context: this.#role(h), confidence: "likely" });
    const id = this.events.length as EventId;
    this.events.push({ resource, verb, providers, ...(seconds !== undefined && { timer: { seconds } }) });
    this.joins.set(id, joins);
    return id;
  }

  #condition(want: Want, waiter: number): WaitCondition {
    if (want.any && want.retries && (want.class === "memcg_charge" || want.class === "reclaim"))
      return this.#reclaim(want, waiter);
    const listed = want.address === undefined ? undefined : this.#listed(want.address);
    const joins = listed === undefined ? this.#joinsOf(want, waiter) : [];
    const resource = resourceOf(want);
    if (listed !== undefined) return { kind: "event", event: this.#listedEvent(want, resource, listed) };
    const timer = want.sleep === "timed" ? (want.seconds ?? 1) : undefined;
    const sure = joins.filter((j) => !isWeak(j));
    if (needsAll(want) && sure.length > 1) {
      const others = sure.filter((j) => !j.self);
      const of = others.map((j): WaitCondition => ({ kind: "event", event: this.#one(want, resource, j, timer) }));
      return { kind: "all", of };
    }
    return { kind: "event", event: this.#sharedEvent(want, waiter, resource, joins, timer) };
  }

  #one(want: Want, resource: Resource, j: Join, timer: number | undefined): EventId {
    const key = `one ${want.class} ${want.id ?? ""} ${want.event} ${j.subject} ${j.confidence}`;
    let id = this.#shared.get(key);
    if (id === undefined) this.#shared.set(key, (id = this.#event(resource, want.event, [j], [], timer)));
    return id;
  }

  #joinsOf(want: Want, waiter: number): Join[] {
    const joins = holdersOf(want, waiter, this.parties, this.index);
    if (want.providers.includes("victim")) joins.push(...this.#victimJoins(waiter));
    if (joins.some((j) => j.have.mode !== "read" || !j.self)) return joins;
    const writers = queuedWriters(want, waiter, this.parties, this.index);
    return [
      ...joins,
      ...writers.map((w): Join => {
        const have = {
          subject: w,
          class: want.class,
          scope: want.scope,
          confidence: "likely" as Confidence,
          because: "a writer is queued before this reader",
          frame: -1,
        };
        return {
          subject: w,
          have,
          confidence: "likely",
          self: false,
          exact: want.address !== undefined || want.scope === "global",
        };
      }),
    ];
  }

  #victimJoins(waiter: number): Join[] {
    return [...this.world.victims]
      .filter((v) => v !== waiter)
      .map((v): Join => ({ subject: v, have: victimHave(v), confidence: "likely", self: false, exact: true }));
  }

  #sharedEvent(
    want: Want,
    waiter: number,
    resource: Resource,
    joins: readonly Join[],
    timer: number | undefined,
  ): EventId {
    const hints = this.#hints(want, joins, waiter);
    const key = `${resource.class} ${resource.id ?? ""} ${want.event} ${timer ?? ""} ${hints.join()} ${joins.map((j) => `${j.subject}${j.confidence[0]}`).join()}`;
    let id = this.#shared.get(key);
    if (id === undefined) this.#shared.set(key, (id = this.#event(resource, want.event, joins, hints, timer)));
    return id;
  }

  /** Providers that no stack shows: always for `device`, `server`, ...; for holders only when none is known. */
  #hints(want: Want, joins: readonly Join[], waiter: number): ProviderHint[] {
    const out: ProviderHint[] = [];
    for (const h of want.providers) {
      if (h === "holder") continue;
      // A freeze or thaw that is in the log is the event itself, not an administrator's to come.
      if (h === "admin" && want.class === "sb_freeze" && !joins.every(isWeak)) continue;
      if (h === "device" && want.class === "PG_writeback" && this.world.pendingEndIo) out.push("worker");
      else if (h === "device") {
        if (!this.#deviceExcluded(want, joins, waiter)) out.push(h);
      } else if (h === "server" || h === "admin" || h === "timer" || h === "anyone") {
        if (!joins.some((j) => j.self && j.exact) && !this.#alone(want, joins)) out.push(h);
      } else if (joins.every(isWeak)) out.push(h);
    }
    // Nobody known, or a holder that is only possible: that leaves room for the real one.
    if (out.length === 0 && joins.every(isWeak)) out.push("holder");
    return [...new Set(out)];
  }

  /** A group at its limit waits for its OOM victim, and nobody else frees memory there. */
  #alone(want: Want, joins: readonly Join[]): boolean {
    return (this.hypothesis.reclaimAlone ?? false) && want.class === "memcg_oom" && joins.length > 0;
  }

  #deviceExcluded(want: Want, joins: readonly Join[], waiter: number): boolean {
    if (joins.length === 0) return false;
    const h = this.hypothesis;
    if (joins.every((j) => j.subject === waiter)) return false;
    if (want.class === "PG_writeback")
      return (h.unsubmittedForAll ?? false) || ((h.unsubmitted ?? false) && want.inReclaim);
    return h.stackedDevice ?? false;
  }

  /** Any of: the flusher cleans pages, the device ends writeback, the victim dies, somebody frees memory. */
  #reclaim(want: Want, waiter: number): WaitCondition {
    const flushers = (this.index.byClass.get("writeback_work") ?? []).filter((h) => h.subject !== waiter);
    const resource = resourceOf(want);
    const of: WaitCondition[] = [];
    const clean = this.#cached(`clean ${want.class}`, () =>
      this.#event(
        resource,
        "pages_cleaned",
        flushers.map(
          (have): Join => ({ subject: have.subject, have, confidence: "likely", self: false, exact: false }),
        ),
        flushers.length ? [] : ["flusher"],
      ),
    );
    of.push({ kind: "event", event: clean });
    const dying = this.#victimJoins(waiter);
    if (dying.length > 0) {
      const exit = this.#cached(`exit ${dying.map((j) => j.subject).join()}`, () =>
        this.#event({ class: "oom_victim" }, "exit", dying, []),
      );
      of.push({ kind: "event", event: exit });
    }
    if (!this.hypothesis.reclaimAlone)
      of.push({
        kind: "event",
        event: this.#cached(`others ${want.class}`, () => this.#event(resource, want.event, [], ["device", "anyone"])),
      });
    return { kind: "any", of };
  }

  #cached(key: string, make: () => EventId): EventId {
    let id = this.#shared.get(key);
    if (id === undefined) this.#shared.set(key, (id = make()));
    return id;
  }
}

function isWeak(j: Join): boolean {
  return j.confidence === "possible";
}

function victimHave(subject: number) {
  return {
    subject,
    class: "oom_victim",
    scope: "task" as const,
    confidence: "likely" as Confidence,
    because: "the OOM killer chose it",
    frame: -1,
  };
}

/** The resource of a want, in the report's words. */
export function resourceOf(w: Want): Resource {
  return { class: w.class, ...(w.id !== undefined && { id: w.id }) };
}

/** Builds the graph of the world under a hypothesis. */
export function modelOf(world: World, hypothesis: Hypothesis = {}): Model {
  return new Builder(world, indexHolds(world.parties), hypothesis).build();
}
