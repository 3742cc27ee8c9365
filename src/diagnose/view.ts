/** From a finding to the view object's parts: named contexts, edges with their evidence lines, groups, details. */
import type { Interpreter } from "../knowledge/interpret.ts";
import { weakest } from "../waits/index.ts";
import type { ContextId, CoreEdge, EventId, Resource } from "../waits/types.ts";
import type { Join } from "./joins.ts";
import { type Model, resourceOf } from "./model.ts";
import type { ContextRef, ContextView, CoreEdgeView, FrameView, StuckGroupView } from "./types.ts";
import type { Finding } from "./verdict.ts";
import type { Have, Party } from "./wants.ts";

/** Contexts listed in a group; the count is always exact. */
const LISTED = 1000;

/** The name of a node: a party's, or that of somebody no stack shows. */
export function refOf(model: Model, id: number): ContextRef {
  const party = model.parties[id];
  if (party) return party.subject.ref;
  const node = model.implicit[id - model.parties.length];
  return {
    key: `implicit:${node ? `${node.role}:${node.name}` : id}`,
    kind: node?.kind ?? "unknown",
    ...(node && { comm: node.comm ?? node.name }),
    ...(node?.pid !== undefined && { pid: node.pid }),
  };
}

/** The core's edges, in the order of the cycle. */
export function coreViews(f: Finding): CoreEdgeView[] {
  if (!f.core) return [];
  const inCore = new Set<ContextId>(f.core.contexts);
  return f.core.edges.map((e) => edgeView(f, e, inCore));
}

function edgeView(f: Finding, e: CoreEdge, inCore: ReadonlySet<ContextId>): CoreEdgeView {
  const { model } = f;
  const party = model.parties[e.waiter];
  const want = party?.want;
  const event = model.graph.events[e.event]!;
  const joins = (model.joins.get(e.event) ?? []).filter((j) => inCore.has(j.subject as ContextId));
  const why = [...(want ? [want.because] : []), ...joins.map((j) => j.have.because)];
  return {
    waiter: refOf(model, e.waiter),
    waitsFor: event.resource,
    event: event.verb,
    any: e.any || (want?.any ?? false),
    heldBy: e.providers.map((p) => refOf(model, p)),
    why: [...new Set(why)],
    lines: linesOf(party, joins, model),
    confidence: weakest([e.confidence, f.confidence]),
  };
}

function linesOf(party: Party | undefined, joins: readonly Join[], model: Model): { input: number; line: number }[] {
  const out: { input: number; line: number }[] = [];
  if (party?.want?.line !== undefined) out.push({ input: party.subject.now.input, line: party.want.line });
  for (const j of joins) {
    const holder = model.parties[j.subject];
    if (holder && j.have.line !== undefined) out.push({ input: holder.subject.now.input, line: j.have.line });
  }
  return out;
}

/** Everyone who waits outside the core, grouped by what they wait for; the largest group first. */
export function stuckGroups(f: Finding): StuckGroupView[] {
  const inCore = new Set<number>(f.core?.contexts ?? []);
  const groups = new Map<
    string,
    { resource: Resource; event: string; members: number[]; count: number; event0?: EventId; why: string }
  >();
  f.model.parties.forEach((p, i) => {
    if (inCore.has(i) || !p.want || !isWaiter(p)) return;
    const resource = resourceOf(p.want);
    const key = `${resource.class}/${resource.id ?? ""}/${p.want.event}`;
    const g = groups.get(key) ?? { resource, event: p.want.event, members: [], count: 0, why: p.want.because };
    if (g.members.length < LISTED) g.members.push(i);
    g.count += p.subject.count;
    groups.set(key, g);
  });
  return [...groups.values()]
    .sort((a, b) => b.count - a.count || (a.resource.class < b.resource.class ? -1 : 1))
    .map((g) => ({
      waitsFor: g.resource,
      event: g.event,
      contexts: g.members.map((m) => refOf(f.model, m)),
      count: g.count,
      heldBy: holdersOfGroup(f, g.members),
      why: [g.why],
    }));
}

function isWaiter(p: Party): boolean {
  return p.subject.blocked && p.subject.meaning.state !== "idle";
}

function holdersOfGroup(f: Finding, members: readonly number[]): ContextRef[] {
  const seen = new Map<string, ContextRef>();
  for (const m of members.slice(0, 50)) {
    const wait = f.model.graph.contexts[m]?.wait;
    if (!wait) continue;
    const events = wait.kind === "event" ? [wait.event] : wait.of.flatMap((c) => (c.kind === "event" ? [c.event] : []));
    for (const e of events)
      for (const p of f.model.graph.events[e]!.providers) {
        const ref = refOf(f.model, p.context);
        if (p.context !== m) seen.set(ref.key, ref);
      }
    if (seen.size >= 8) break;
  }
  return [...seen.values()].slice(0, 8);
}

/**
 * Contexts whose release surely frees everybody. One of several candidates for a wait ("one of these has locked the page")
 * is not: it may be the wrong one.
 */
export function breakerRefs(f: Finding): ContextRef[] {
  if (!f.core) return [];
  const { edges } = f.core;
  const sure = f.analysis.breakers.filter((b) => {
    const needed = edges.filter((e) => e.providers.includes(b));
    return needed.length === 0 || needed.some((e) => e.any || e.providers.length === 1);
  });
  return sure.map((b) => refOf(f.model, b));
}

/** Holds that every context of its kind has and that matter only when somebody waits for them. */
const EVERYDAY = new Set([
  "work_flush",
  "workqueue",
  "queue_freeze",
  "sb_writers",
  "kernfs_active",
  "inode_sync",
  "vma_lock",
  "idle",
]);

/** What a context holds, without what nobody in this log could be waiting for. */
export function tellingHolds(p: Party, wanted: ReadonlySet<string>): readonly Have[] {
  return p.haves.filter((h) => wanted.has(h.class) || !(EVERYDAY.has(h.class) || h.id === "f_pos_lock"));
}

/** Classes that somebody blocked waits for. */
export function wantedClasses(parties: readonly Party[]): Set<string> {
  return new Set(parties.flatMap((p) => (p.want && p.subject.blocked ? [p.want.class] : [])));
}

/** Details of every context that waits, holds what others wait for, or is in the core. */
export function detailsOf(f: Finding, interpreter: Interpreter, limit = 2000): ContextView[] {
  const inCore = new Set<number>(f.core?.contexts ?? []);
  const holders = new Set<number>();
  f.model.parties.forEach((p, i) => {
    if (!p.want || !isWaiter(p)) return;
    const wait = f.model.graph.contexts[i]?.wait;
    if (wait?.kind === "event") for (const q of f.model.graph.events[wait.event]!.providers) holders.add(q.context);
  });
  const chosen = f.model.parties
    .map((p, i) => ({ p, i }))
    .filter(({ p, i }) => inCore.has(i) || holders.has(i) || isWaiter(p))
    .sort(
      (a, b) =>
        Number(inCore.has(b.i)) - Number(inCore.has(a.i)) ||
        Number(holders.has(b.i)) - Number(holders.has(a.i)) ||
        a.i - b.i,
    )
    .slice(0, limit);
  const wanted = wantedClasses(f.model.parties);
  return chosen.map(({ p, i }) =>
    detail(p, tellingHolds(p, wanted), inCore.has(i) ? "core" : roleOf(p, holders.has(i)), interpreter),
  );
}

function roleOf(p: Party, holder: boolean): ContextView["role"] {
  if (holder) return p.want ? "holder" : "running";
  if (!p.want) return p.subject.meaning.state === "running" ? "running" : "bystander";
  return p.want.class === "unknown" ? "unexplained" : "victim";
}

function detail(p: Party, haves: readonly Have[], role: ContextView["role"], interpreter: Interpreter): ContextView {
  const s = p.subject;
  const wq = s.now.workqueue;
  return {
    ...s.ref,
    ...(s.now.state !== undefined && { state: s.now.state }),
    ...(s.blockedSeconds !== undefined && { blockedSeconds: s.blockedSeconds }),
    ...(wq && { workqueue: [wq.name, wq.work, wq.description && `(${wq.description})`].filter(Boolean).join(" ") }),
    ...(p.want && {
      wait: {
        resource: resourceOf(p.want),
        event: p.want.event,
        ...(p.want.mode && { mode: p.want.mode }),
        sleep: p.want.sleep,
        any: p.want.any,
        because: p.want.because,
        ...(p.want.line !== undefined && { line: p.want.line }),
      },
    }),
    holds: haves.map((h) => ({
      resource: { class: h.class, ...(h.id !== undefined && { id: h.id }) },
      ...(h.mode && { mode: h.mode }),
      confidence: h.confidence,
      because: h.because,
      ...(h.line !== undefined && { line: h.line }),
    })),
    doing: s.meaning.doing,
    frames: framesOf(p, haves, interpreter),
    role,
    count: s.count,
  };
}

function framesOf(p: Party, haves: readonly Have[], interpreter: Interpreter): FrameView[] {
  const { now } = p.subject;
  const says = new Map<number, string>();
  for (const h of haves) if (h.frame >= 0) says.set(h.frame, `holds ${h.class}${h.id ? ` ${h.id}` : ""}`);
  if (p.want && p.want.frame >= 0)
    says.set(p.want.frame, `waits for ${p.want.class}${p.want.id ? ` ${p.want.id}` : ""}`);
  let reliable = -1;
  return now.stack.frames.map((f, i) => {
    const isReliable = (!f.unreliable || p.subject.unreliable === true) && f.symbol !== "";
    if (isReliable) reliable++;
    const offset =
      f.offset !== undefined
        ? `+0x${f.offset.toString(16)}${f.size !== undefined ? `/0x${f.size.toString(16)}` : ""}`
        : "";
    const text = `${f.unreliable ? "? " : ""}${f.printed ?? f.symbol}${offset}${f.module ? ` [${f.module}]` : ""}`;
    const line = now.frameLines?.[i];
    const say = isReliable
      ? (says.get(reliable) ?? (interpreter.knows(f.symbol) ? undefined : "not in the table"))
      : undefined;
    return { text, ...(line !== undefined && { line }), ...(say !== undefined && { says: say }) };
  });
}

/** Frames no row knows, over the blocked contexts, most frequent first. */
export function unknownFramesOf(parties: readonly Party[]): { symbol: string; module?: string; count: number }[] {
  const counts = new Map<string, { symbol: string; module?: string; count: number }>();
  for (const p of parties) {
    if (!p.subject.blocked) continue;
    const unknown = new Set(p.subject.meaning.unknown);
    const seen = new Set<string>();
    for (const f of p.subject.now.stack.frames) {
      if (f.unreliable || !unknown.has(f.symbol) || seen.has(f.symbol)) continue;
      seen.add(f.symbol);
      const old = counts.get(f.symbol) ?? {
        symbol: f.symbol,
        ...(f.module !== undefined && { module: f.module }),
        count: 0,
      };
      counts.set(f.symbol, { ...old, count: old.count + p.subject.count });
    }
  }
  return [...counts.values()].sort((a, b) => b.count - a.count || (a.symbol < b.symbol ? -1 : 1));
}

/** Tasks of the contract's count: D, running in reclaim, or of unstated state. */
export function countContexts(parties: readonly Party[]): number {
  let n = 0;
  for (const p of parties) if (counts(p)) n += p.subject.count;
  return n;
}

function counts(p: Party): boolean {
  return (
    p.subject.records.some((r) => r.state === "D" || r.blockedSeconds !== undefined || r.state === undefined) ||
    p.subject.blocked
  );
}

/** Counted contexts of which nobody can say what they wait for. */
export function unexplainedOf(parties: readonly Party[]): ContextRef[] {
  return parties.filter((p) => counts(p) && !isExplained(p)).map((p) => p.subject.ref);
}

function isExplained(p: Party): boolean {
  if (p.want) return p.want.class !== "unknown";
  return (
    p.subject.meaning.state === "running" ||
    p.subject.meaning.state === "idle" ||
    p.subject.meaning.state === "spinning"
  );
}
