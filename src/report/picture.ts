/**
 * The wait-for graph as a picture of few nodes, shared by DOT, Mermaid and SVG: core contexts and the resources
 * between them as nodes, everybody else in groups with a count. A thousand equal waiters are one node.
 */
import type { ContextRef, ContextView, CoreEdgeView, Diagnosis, StuckGroupView } from "../diagnose/types.ts";
import type { Confidence, Resource } from "../waits/types.ts";
import { type FoldedCore, foldCore } from "./fold.ts";
import { findRing } from "./ring.ts";
import { isUndecided } from "./sections.ts";
import { assumed, contextName, count, eventWords, plural, waitedFor } from "./words.ts";

/** `context`, `resource`; `group`: waiters with a count; `missing`: the holder that no evidence shows. */
export type NodeKind = "context" | "resource" | "group" | "missing";

export interface PictureNode {
  readonly id: string;
  readonly kind: NodeKind;
  /** Part of the core: drawn heavier and said so in words. */
  readonly core: boolean;
  /** First line large, the others small. Not escaped. */
  readonly lines: readonly string[];
  /** {@link ContextRef.key} of the context shown, or of the first of a group. */
  readonly contextKey?: string;
}

export interface PictureEdge {
  readonly from: string;
  readonly to: string;
  readonly says: "waits for" | "held by" | "may be held by" | "ended by";
  readonly confidence: Confidence;
  readonly core: boolean;
  /** Layout only: the arrow points from the right (or below) to the left (above), so that a ring closes without a long way round. */
  readonly backwards: boolean;
}

export interface Picture {
  readonly nodes: readonly PictureNode[];
  readonly edges: readonly PictureEdge[];
}

const MAX_GROUPS = 12;
const MAX_HOLDERS = 4;

class Builder {
  readonly nodes: PictureNode[] = [];
  readonly edges: PictureEdge[] = [];
  readonly #ids = new Map<string, string>();
  readonly #views: ReadonlyMap<string, ContextView>;
  #folded: FoldedCore | undefined;

  constructor(d: Diagnosis) {
    this.#views = new Map(d.details.map((view) => [view.key, view]));
  }
  /** Adds the node once; the same name gives the same id. */
  node(name: string, node: Omit<PictureNode, "id">): string {
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    const id = `n${this.nodes.length}`;
    this.#ids.set(name, id);
    this.nodes.push({ id, ...node });
    return id;
  }
  has(name: string): boolean {
    return this.#ids.has(name);
  }
  hasContext(ref: ContextRef): boolean {
    return this.has(`context ${this.#folded?.standsFor.get(ref.key)?.key ?? ref.key}`);
  }
  /** Some edge says what the context waits for. */
  waits(ref: ContextRef): boolean {
    const id = this.#ids.get(`context ${this.#folded?.standsFor.get(ref.key)?.key ?? ref.key}`);
    return this.edges.some((edge) => edge.from === id);
  }
  /** Without an instance two mentions are one thing only if the same contexts hold them. */
  resourceKey(resource: Resource, heldBy: readonly ContextRef[]): string {
    const holders = new Set(heldBy.map((ref) => this.#folded?.standsFor.get(ref.key)?.key ?? ref.key));
    return JSON.stringify(["resource", resource.class, resource.id ?? [...holders].sort()]);
  }
  fold(folded: FoldedCore): void {
    this.#folded = folded;
  }
  context(member: ContextRef, core: boolean): string {
    const ref = this.#folded?.standsFor.get(member.key) ?? member;
    const others = this.#folded?.members.get(ref.key)?.slice(1) ?? [];
    return this.node(`context ${ref.key}`, {
      kind: "context",
      core,
      lines: contextLines(ref, this.#views.get(ref.key), others),
      contextKey: ref.key,
    });
  }
  edge(
    from: string,
    to: string,
    says: PictureEdge["says"],
    confidence: Confidence,
    core: boolean,
    backwards = false,
  ): void {
    if (this.edges.some((edge) => edge.from === from && edge.to === to)) return;
    this.edges.push({ from, to, says, confidence, core, backwards });
  }
}

function contextLines(ref: ContextRef, view: ContextView | undefined, others: readonly ContextRef[]): string[] {
  const { pid, ...anonymous } = ref;
  // The pid stands in the second line where there is a name for the first.
  const name = ref.comm === undefined ? contextName(ref) : contextName(anonymous);
  const facts: string[] = [];
  if (pid !== undefined && ref.comm !== undefined) facts.push(`pid ${pid}`);
  if (view?.state !== undefined) facts.push(`state ${view.state}`);
  if (ref.comm !== undefined && ref.line !== undefined) facts.push(`line ${ref.line}`);
  const lines = [others.length > 0 ? `${name} and ${count(others.length)} more` : name];
  if (facts.length > 0) lines.push(facts.join(", "));
  const doing = view?.workqueue ?? view?.doing[view.doing.length - 1];
  if (doing !== undefined) lines.push(doing);
  const guessed = assumed(ref);
  if (guessed !== "") lines.push(guessed.trim().slice(1, -1));
  return lines;
}

function resourceLines(resource: Resource, event: string, any: boolean): string[] {
  // A node names the thing, its second line how the wait for it ends.
  return [
    waitedFor(resource).replace(/ to be stopped$/, ""),
    any ? `any of several: ${eventWords(event)}` : eventWords(event),
  ];
}

/** Builds the picture. Deterministic; at most a few dozen nodes whatever the input. */
export function picture(d: Diagnosis): Picture {
  const build = new Builder(d);
  addCore(build, d);
  addGroups(build, d);
  addLoneWaiters(build, d);
  return { nodes: build.nodes, edges: build.edges };
}

function addCore(build: Builder, d: Diagnosis): void {
  const folded = foldCore(d.core);
  const ring = findRing(folded.edges);
  build.fold(folded);
  const ringEdges = ring?.edges ?? [];
  // The second half of a ring is laid out against its arrows: context and resource after the far end point back.
  ringEdges.forEach((edge, index) => {
    const next = ringEdges[(index + 1) % ringEdges.length] as CoreEdgeView;
    const half = ringEdges.length;
    addCoreEdge(build, edge, (position) => 2 * index + position >= half, next.waiter.key);
  });
  for (const edge of ring?.others ?? folded.edges) addCoreEdge(build, edge, () => false);
}

function addCoreEdge(
  build: Builder,
  edge: CoreEdgeView,
  backwards: (position: 0 | 1) => boolean,
  ringNext?: string,
): void {
  const waiter = build.context(edge.waiter, true);
  const key = build.resourceKey(edge.waitsFor, edge.heldBy);
  const resource = build.node(key, {
    kind: "resource",
    core: true,
    lines: resourceLines(edge.waitsFor, edge.event, edge.any),
  });
  build.edge(waiter, resource, "waits for", edge.confidence, true, backwards(0));
  for (const holder of edge.heldBy.slice(0, MAX_HOLDERS)) {
    const onRing = ringNext === undefined || holder.key === ringNext;
    build.edge(resource, build.context(holder, true), "held by", edge.confidence, true, onRing && backwards(1));
  }
  if (edge.heldBy.length > MAX_HOLDERS) {
    const more = build.node(`more ${key}`, {
      kind: "group",
      core: true,
      lines: [`${count(edge.heldBy.length - MAX_HOLDERS)} more holders`],
    });
    build.edge(resource, more, "held by", edge.confidence, true);
  }
  if (edge.heldBy.length === 0) {
    const nobody = build.node(`nobody ${key}`, {
      kind: "missing",
      core: true,
      lines: ["nobody", "is left to end this"],
    });
    build.edge(resource, nobody, "ended by", edge.confidence, true);
  }
}

function addGroups(build: Builder, d: Diagnosis): void {
  const groups = [...d.stuckBehind].sort((a, b) => b.count - a.count);
  for (const group of groups.slice(0, MAX_GROUPS)) addGroup(build, d, group);
  const rest = groups.slice(MAX_GROUPS);
  if (rest.length === 0) return;
  const tasks = rest.reduce((sum, group) => sum + group.count, 0);
  build.node("more groups", {
    kind: "group",
    core: false,
    lines: [plural(tasks, "more waiter"), `in ${plural(rest.length, "group")}`],
  });
}

function addGroup(build: Builder, d: Diagnosis, group: StuckGroupView): void {
  const single = group.count === 1 ? group.contexts[0] : undefined;
  const first = group.contexts[0];
  const named = build.resourceKey(group.waitsFor, group.heldBy);
  const shared = build.has(named) || d.core.length === 0;
  const from =
    single !== undefined
      ? build.context(single, false)
      : build.node(`group ${named} ${group.event} ${first?.key ?? ""}`, {
          kind: "group",
          core: false,
          lines: [
            plural(group.count, "waiter"),
            ...(first === undefined ? [] : [sampleNames(group.contexts)]),
            ...(shared ? [] : [`for ${waitedFor(group.waitsFor)}`]),
          ],
          ...(first === undefined ? {} : { contextKey: first.key }),
        });
  if (shared || group.heldBy.length === 0) {
    const known = build.has(named);
    const resource = build.node(named, {
      kind: "resource",
      core: false,
      lines: resourceLines(group.waitsFor, group.event, false),
    });
    build.edge(from, resource, "waits for", "likely", false);
    if (!known) addHolders(build, resource, group);
    return;
  }
  // The single waiter's node does not name the resource; its group's does.
  if (single !== undefined) {
    const resource = build.node(named, {
      kind: "resource",
      core: false,
      lines: resourceLines(group.waitsFor, group.event, false),
    });
    build.edge(from, resource, "waits for", "likely", false);
    addHolders(build, resource, group);
    return;
  }
  addHolders(build, from, group);
}

function sampleNames(refs: readonly ContextRef[]): string {
  const comms = [...new Set(refs.map((ref) => ref.comm).filter((comm) => comm !== undefined))];
  const shown = comms.slice(0, 2).join(", ");
  return comms.length > 2 ? `${shown}, ...` : shown === "" ? "bare stacks" : shown;
}

/** Holders that are in the picture already get an arrow each; of the others two at most, or one node for all. */
function addHolders(build: Builder, from: string, group: StuckGroupView): void {
  if (group.heldBy.length === 0) {
    build.edge(from, missingHolder(build), "held by", "possible", false);
    return;
  }
  const says = isUndecided(group) ? "may be held by" : "held by";
  const sure = isUndecided(group) ? "possible" : "likely";
  const drawn = group.heldBy.filter((ref) => build.hasContext(ref)).slice(0, MAX_HOLDERS);
  for (const holder of drawn) build.edge(from, build.context(holder, false), says, sure, false);
  const others = group.heldBy.filter((ref) => !build.hasContext(ref));
  if (others.length <= 2) {
    for (const holder of others) build.edge(from, build.context(holder, false), says, sure, false);
    return;
  }
  const name = `holders ${others.map((ref) => ref.key).join(" ")}`;
  const lines = [`${count(others.length)} ${drawn.length > 0 ? "more " : ""}holders`, sampleNames(others)];
  const node = build.node(name, { kind: "group", core: false, lines, contextKey: others[0]?.key ?? "" });
  build.edge(from, node, says, sure, false);
}

function missingHolder(build: Builder): string {
  return build.node("missing", { kind: "missing", core: false, lines: ["?", "not in this log"] });
}

/** What contexts wait for that no edge has said yet: holders on the way, and, without a core, every known waiter. */
function addLoneWaiters(build: Builder, d: Diagnosis): void {
  const grouped = new Set(d.stuckBehind.flatMap((group) => group.contexts.map((ref) => ref.key)));
  const waiting = d.details.filter((view) => {
    if (view.wait === undefined || view.role === "bystander" || grouped.has(view.key)) return false;
    return build.hasContext(view) ? !build.waits(view) : d.core.length === 0;
  });
  for (const view of waiting.slice(0, MAX_GROUPS)) addLoneWaiter(build, view);
  if (waiting.length > MAX_GROUPS) {
    build.node("more waiters", {
      kind: "group",
      core: false,
      lines: [plural(waiting.length - MAX_GROUPS, "more waiter")],
    });
  }
}

function addLoneWaiter(build: Builder, view: ContextView): void {
  const { wait } = view;
  if (wait === undefined) return;
  const lines = resourceLines(wait.resource, wait.event, wait.any);
  const resource = build.node(`lone ${view.key}`, { kind: "resource", core: false, lines });
  build.edge(build.context(view, false), resource, "waits for", "likely", false);
  if (wait.sleep !== "timed") {
    build.edge(resource, missingHolder(build), "held by", "possible", false);
    return;
  }
  const timer = build.node("timer", { kind: "context", core: false, lines: ["a timer", "ends it by itself"] });
  build.edge(resource, timer, "ended by", "proven", false);
}
