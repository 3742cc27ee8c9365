/**
 * What a report says, in which order: shared by text and HTML.
 *
 * The order is that of a night on call: what to do now, who to look at, what to collect where the verdict is open,
 * known bug and fix; then the evidence (stacks, who else waits), then answers and what all of it rests on.
 */
import type { ContextRef, CoreEdgeView, Diagnosis, KnownBugMatch, StuckGroupView } from "../diagnose/types.ts";
import { groupContexts, stuckGroups } from "./groups.ts";
import { assumed, contextName, contextNames, count, eventSuffix, inputName, plural, waitedFor } from "./words.ts";

/** The parts of a report. */
export type SectionId =
  | "contexts"
  | "cycle"
  | "stuck"
  | "exits"
  | "bugs"
  | "now"
  | "answers"
  | "collect"
  | "assumptions"
  | "inputs";

/** Headings, the same in every format. */
export function sectionTitle(id: SectionId, d: Diagnosis): string {
  switch (id) {
    case "contexts":
      return d.core.length > 0 ? "Who waits for whom" : "Victim or holder, and what it waits for";
    case "cycle":
      return "Who to look at";
    case "stuck":
      return d.core.length > 0 ? "Stuck behind it" : "Who waits, by resource";
    case "exits":
      return "What would end it";
    case "bugs":
      return "Known bug";
    case "now":
      return "What to do now";
    case "answers":
      return "What maintainers will ask";
    case "collect":
      return "What to collect next";
    case "assumptions":
      return "What this rests on";
    case "inputs":
      return "Inputs";
  }
}

const STUCK: readonly SectionId[] = ["now", "cycle", "exits", "bugs", "contexts", "stuck", "collect", "answers"];
const OPEN: readonly SectionId[] = ["now", "cycle", "collect", "exits", "bugs", "contexts", "stuck", "answers"];
const ENDS: readonly SectionId[] = ["now", "cycle", "stuck", "exits", "bugs", "contexts", "collect", "answers"];

/** Nobody is stuck for ever: the report needs no stacks to say so. */
export function isHarmless(d: Diagnosis): boolean {
  return d.verdict === "none" || d.verdict === "slow";
}

/** The sections that have something to say, in order. */
export function sectionOrder(d: Diagnosis): readonly SectionId[] {
  const filled: Readonly<Record<SectionId, boolean>> = {
    contexts: d.details.length > 0 || d.core.length > 0,
    cycle: d.core.length > 0 || lookAt(d).length > 0,
    stuck: d.stuckBehind.length > 0 || loneWaits(d).length > 0,
    exits: d.exits.length > 0 || d.verdict === "livelock",
    bugs: d.knownBugs.length > 0,
    now: nowAdvice(d).length > 0,
    answers: openAnswers(d).length > 0,
    collect: d.missing.length > 0,
    assumptions: d.assumptions.length > 0,
    inputs: true,
  };
  const order = d.verdict === "unknown" ? OPEN : isHarmless(d) ? ENDS : STUCK;
  return [...order, "assumptions" as const, "inputs" as const].filter((id) => filled[id]);
}

/** Without a core: the contexts that others wait for, at most three, where more than one context is shown. */
export function lookAt(d: Diagnosis): string[] {
  if (d.core.length > 0 || isHarmless(d) || d.details.length < 2) return [];
  const waiters = new Map<string, number>();
  for (const group of d.stuckBehind)
    for (const ref of group.heldBy) waiters.set(ref.key, (waiters.get(ref.key) ?? 0) + group.count);
  return d.details
    .filter((view) => view.role === "holder")
    .sort((a, b) => (waiters.get(b.key) ?? 0) - (waiters.get(a.key) ?? 0))
    .slice(0, 3)
    .map((view) => {
      const n = waiters.get(view.key) ?? 0;
      const behind = n === 0 ? "others wait" : `${plural(n, "context")} may wait`;
      return `${contextName(view)}${assumed(view)}: HOLDER, ${behind} for it`;
    });
}

/** Harmless verdicts show no stacks: what contexts outside every group of waiters wait for, equal ones once. */
export function loneWaits(d: Diagnosis): string[] {
  if (!isHarmless(d)) return [];
  const grouped = stuckGroups(d);
  return groupContexts(d).flatMap(({ first, count: n }) => {
    if (first.wait === undefined || first.role === "bystander" || grouped.has(first.key)) return [];
    const who = n === 1 ? `${contextName(first)} waits` : `${contextName(first)} and ${count(n - 1)} more wait`;
    return [`${who} for ${waitedFor(first.wait.resource)}${eventSuffix(first.wait.resource, first.wait.event)}`];
  });
}

/** A known bug that is not sure to be this one gives no orders. */
function isSure(bug: KnownBugMatch, d: Diagnosis): boolean {
  return d.verdict !== "unknown" && bug.match >= 1 && bug.outsideEra !== true;
}

/** What to do now, once each, without the orders of bugs that may not be this one (they stand with the bug). */
export function nowAdvice(d: Diagnosis): string[] {
  const doubtful = new Set(d.knownBugs.filter((bug) => !isSure(bug, d)).map((bug) => bug.today));
  return [...new Set(d.advice)].filter((text) => !doubtful.has(text));
}

/** Answers that no other part of the report gives: role and wait of a context stand in its block. */
export function openAnswers(d: Diagnosis): Diagnosis["answers"] {
  return d.answers.filter((answer) => !/ the victim or the holder\?$/.test(answer.question));
}

/** `a waits for PG_locked of a page; only b can end that (likely)`. `more` counts waiters like the first. */
export function edgeSentence(edge: CoreEdgeView, more = ""): string {
  const any = edge.any ? "any one of several things, one of them " : "";
  const who = `${contextName(edge.waiter)}${assumed(edge.waiter)}${more}`;
  const ends = eventSuffix(edge.waitsFor, edge.event);
  return `${who} ${more === "" ? "waits" : "wait"} for ${any}${waitedFor(edge.waitsFor)}${ends}; ${holderSentence(edge)}`;
}

/** `only b can end that (likely)`. */
export function holderSentence(edge: CoreEdgeView): string {
  const means = `(${edge.confidence})`;
  const first = edge.heldBy[0];
  if (first === undefined) return `nobody is left who could end that ${means}`;
  const only = edge.any ? "" : "only ";
  if (edge.heldBy.length === 1 && first.key === edge.waiter.key) return `${only}it itself can end that ${means}`;
  return edge.heldBy.length === 1
    ? `${only}${contextName(first)}${assumed(first)} can end that ${means}`
    : `${only}one of ${contextNames(edge.heldBy)} can end that ${means}`;
}

/**
 * `held by a`; of several tasks that hold one of a class nobody knows which one holds this very one. `waiter`, a key:
 * the sentence is about this member of the group, who does not wait for itself where others hold one too.
 */
export function heldSentence(group: Pick<StuckGroupView, "heldBy">, waiter?: string): string {
  const shown = group.heldBy.filter((ref) => ref.kind !== "unknown" || ref.pid !== undefined);
  const others = shown.filter((ref) => ref.key !== waiter);
  const heldBy = others.length > 0 ? others : shown;
  const first = heldBy[0];
  if (first === undefined) return "its holder is not in this log";
  if (isUndecided({ heldBy }))
    return `several hold one of this class: ${contextNames(heldBy, heldBy.length === 3 ? 3 : 2)}; which, if any, is not decided`;
  const verb = heldBy.some(isTask) ? "held by" : "to be ended by";
  return heldBy.length === 1 ? `${verb} ${contextName(first)}` : `${verb} one of ${contextNames(heldBy)}`;
}

function isTask(ref: ContextRef): boolean {
  return ref.kind === "task" || ref.kind === "kworker";
}

/** Several could hold it, tasks among them. */
export function isUndecided(group: Pick<StuckGroupView, "heldBy">): boolean {
  return group.heldBy.length > 1 && group.heldBy.some(isTask);
}

/** `1,360 contexts wait for mmap_lock of a process; held by a`. */
export function stuckSentence(group: StuckGroupView): string {
  const who =
    group.count === 1 && group.contexts[0] !== undefined
      ? `${contextName(group.contexts[0])} waits`
      : `${plural(group.count, "context")} ${group.count === 1 ? "waits" : "wait"}`;
  return `${who} for ${waitedFor(group.waitsFor)}${eventSuffix(group.waitsFor, group.event)}; ${heldSentence(group)}`;
}

const OUTSIDE_ERA =
  "this kernel is outside the affected range: the shape is the same, so the fix is missing here or another path has the same problem";

/** Label and text pairs under a known bug's title. */
export function bugFacts(bug: KnownBugMatch, d: Diagnosis): readonly (readonly [string, string])[] {
  const today: readonly (readonly [string, string])[] =
    bug.outsideEra === true ? [["but", OUTSIDE_ERA]] : [[isSure(bug, d) ? "today" : "IF IT IS THIS BUG", bug.today]];
  return [
    ["fix", bug.fix ?? "none known"],
    ["affected", bug.affected],
    ...today,
    ...(bug.why.length > 0 ? [["because", bug.why.join("; ")] as const] : []),
    ...(bug.incident !== undefined ? [["incident", bug.incident] as const] : []),
  ];
}

/** `a (pid 3) alone: releasing it would free everything`. */
export function breakerSentence(d: Pick<Diagnosis, "breakers">): string | undefined {
  if (d.breakers.length === 0) return undefined;
  const each = d.breakers.length === 1 ? "this one, released, frees" : "any one of these, released, frees";
  return `${contextNames(d.breakers)}: ${each} everybody else`;
}

/** Most characters of a log line that a note quotes. */
const MAX_QUOTE = 120;

/** Notes below the inputs: what was not read, cut or understood. */
export function readingNotes(d: Diagnosis): string[] {
  const notes = d.inputs.flatMap((input, at) => (input.notes ?? []).map((note) => `${inputName(d, at)}: ${note}`));
  if (d.unparsed.count > 0) {
    const first = d.unparsed.first;
    const text =
      first === undefined
        ? ""
        : `; the first is line ${first.line}${inputSuffix(d, first.input)}: ${first.text.length > MAX_QUOTE ? `${first.text.slice(0, MAX_QUOTE)}...` : first.text}`;
    notes.push(`${plural(d.unparsed.count, "line")} not understood${text}`);
  } else notes.push("every line was understood");
  if (d.cutLines > 0) notes.push(`${plural(d.cutLines, "line")} longer than 64 KiB cut there`);
  if (d.unknownFrames.length > 0) {
    const shown = d.unknownFrames.slice(0, 5).map((frame) => `${frame.symbol} (${count(frame.count)})`);
    const more = d.unknownFrames.length - shown.length;
    notes.push(`functions no rule knows: ${shown.join(", ")}${more > 0 ? ` and ${count(more)} more` : ""}`);
  }
  if (d.unexplained.length > 0) notes.push(`blocked and unexplained: ${contextNames(d.unexplained, 6)}`);
  return notes;
}

function inputSuffix(d: Diagnosis, input: number): string {
  return d.inputs.length > 1 ? ` of ${inputName(d, input)}` : "";
}
