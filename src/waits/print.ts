import type { Analysis, Context, ContextId, Provider, Resource, WaitCondition, WaitEvent, WaitGraph } from "./types.ts";

const resource = (r: Resource): string => (r.id === undefined ? r.class : `${r.class} ${r.id}`);

/** A condition as text, unfolded with a stack of its own since conditions may be nested deeper than calls can. */
function condition(root: WaitCondition): string {
  let text = "";
  const open: (WaitCondition | string)[] = [root];
  for (let top = open.pop(); top !== undefined; top = open.pop()) {
    if (typeof top === "string") text += top;
    else if (top.kind === "event") text += `e${top.event}`;
    else {
      text += top.kind === "atLeast" ? `atLeast ${top.k}(` : `${top.kind}(`;
      open.push(")");
      for (let i = top.of.length - 1; i >= 0; i--) open.push(top.of[i]!, ...(i > 0 ? [", "] : []));
    }
  }
  return text;
}

const name = (c: Context | undefined): string =>
  `${c?.kind ?? "?"}${c?.comm === undefined ? "" : ` ${c.comm}`}${c?.pid === undefined ? "" : `(${c.pid})`}`;

function contextLine(c: Context, id: number): string {
  const wait = c.wait ? `waits ${condition(c.wait)}` : "runs";
  return `c${id} ${name(c)} ${wait}${c.retries ? " retrying" : ""}`;
}

function eventLine(e: WaitEvent, id: number): string {
  const by = (p: Provider): string => `c${p.context}${p.confidence === "proven" ? "" : ` ${p.confidence}`}`;
  const providers = e.providers.length > 0 ? e.providers.map(by).join(", ") : "nobody";
  const known =
    e.providersKnown === undefined || e.providersKnown === "proven" ? "" : `, nobody else ${e.providersKnown}`;
  return `e${id} ${e.verb}(${resource(e.resource)}) by ${providers}${known}${e.timer ? `, timer ${e.timer.seconds}s` : ""}`;
}

/** A graph as compact text, one line per context and event: for snapshots and for looking at it. */
export function printGraph(graph: WaitGraph): string {
  return [...graph.contexts.map(contextLine), ...graph.events.map(eventLine)].map((line) => `${line}\n`).join("");
}

/** An analysis as compact text: for snapshots and for looking at it. */
export function printAnalysis(graph: WaitGraph, analysis: Analysis): string {
  const list = (ids: readonly ContextId[]): string => (ids.length > 0 ? ids.map((c) => `c${c}`).join(" ") : "-");
  const lines = [`dead ${list(analysis.dead)}`];
  for (const core of analysis.cores) {
    lines.push(`${core.verdict} ${core.kind} ${core.minimal} ${core.confidence}: ${list(core.contexts)}`);
    for (const edge of core.edges) {
      const event = graph.events[edge.event];
      const what = event ? `${event.verb}(${resource(event.resource)})` : "?";
      lines.push(`  c${edge.waiter} -${edge.any ? "any" : ""}-> ${what} by ${list(edge.providers)} ${edge.confidence}`);
    }
  }
  if (analysis.moreCores) lines.push("more cores not searched");
  for (const group of analysis.stuckBehind) lines.push(`stuck ${resource(group.resource)}: ${list(group.contexts)}`);
  if (analysis.dead.length > 0) lines.push(`breakers ${list(analysis.breakers)}`);
  for (const { context, event, seconds } of analysis.timed) lines.push(`timed c${context} e${event} ${seconds}s`);
  return lines.map((line) => `${line}\n`).join("");
}
