/**
 * What a report says, in which order: shared by text and HTML.
 *
 * The order is that in which people ask: is this task the victim or the holder, what exactly does it wait for, what
 * to collect next, known bug and fix, the cycle. Where a cycle was found it answers the first two questions by
 * itself and comes with them; where none was found, what to collect comes directly after them.
 */
import type { CoreEdgeView, Diagnosis, KnownBugMatch, StuckGroupView } from "../diagnose/types.ts";
import { contextName, contextNames, count, plural, resourceName } from "./words.ts";

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
      return d.verdict === "livelock" ? "The loop" : d.verdict === "deadlock" ? "The cycle" : "The core";
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

const WITH_CORE: readonly SectionId[] = [
  "contexts",
  "cycle",
  "stuck",
  "exits",
  "bugs",
  "now",
  "collect",
  "answers",
  "assumptions",
  "inputs",
];
const WITHOUT_CORE: readonly SectionId[] = [
  "contexts",
  "collect",
  "stuck",
  "exits",
  "bugs",
  "now",
  "answers",
  "assumptions",
  "inputs",
];

/** The sections that have something to say, in order. */
export function sectionOrder(d: Diagnosis): readonly SectionId[] {
  const filled: Readonly<Record<SectionId, boolean>> = {
    contexts: d.details.length > 0 || d.core.length > 0,
    cycle: d.core.length > 0,
    stuck: d.stuckBehind.length > 0,
    exits: d.exits.length > 0 || d.verdict === "livelock",
    bugs: d.knownBugs.length > 0,
    now: d.advice.length > 0,
    answers: d.answers.length > 0,
    collect: d.missing.length > 0,
    assumptions: d.assumptions.length > 0,
    inputs: true,
  };
  return (d.core.length > 0 ? WITH_CORE : WITHOUT_CORE).filter((id) => filled[id]);
}

/** `a waits for PG_locked of a page; only b can end that (unlock).` `more` counts waiters like the first. */
export function edgeSentence(edge: CoreEdgeView, more = ""): string {
  const any = edge.any ? "any one of several things, one of them " : "";
  return `${contextName(edge.waiter)}${more} ${more === "" ? "waits" : "wait"} for ${any}${resourceName(edge.waitsFor)}; ${holderSentence(edge)}`;
}

/** `only b can end that (unlock; likely)`. */
export function holderSentence(edge: CoreEdgeView): string {
  const means = `(${edge.event}; ${edge.confidence})`;
  if (edge.heldBy.length === 0) return `nobody is left who could end that ${means}`;
  const only = edge.any ? "" : "only ";
  return edge.heldBy.length === 1
    ? `${only}${contextNames(edge.heldBy)} can end that ${means}`
    : `${only}one of ${contextNames(edge.heldBy)} can end that ${means}`;
}

/** `1,360 tasks wait for mmap_lock of a process (unlock), held by a, b and 3 more`. */
export function stuckSentence(group: StuckGroupView): string {
  const who =
    group.count === 1 && group.contexts[0] !== undefined
      ? `${contextName(group.contexts[0])} waits`
      : `${plural(group.count, "context")} wait`;
  const held = group.heldBy.length > 0 ? `held by ${contextNames(group.heldBy)}` : "its holder is not in this log";
  return `${who} for ${resourceName(group.waitsFor)} (ends with ${group.event}); ${held}`;
}

/** Label and text pairs under a known bug's title. */
export function bugFacts(bug: KnownBugMatch): readonly (readonly [string, string])[] {
  return [
    ["fix", bug.fix ?? "none known"],
    ["affected", bug.affected],
    ["today", bug.today],
    ...(bug.why.length > 0 ? [["because", bug.why.join("; ")] as const] : []),
    ...(bug.incident !== undefined ? [["incident", bug.incident] as const] : []),
  ];
}

/** `a (pid 3) alone: releasing it would free everything`. */
export function breakerSentence(d: Diagnosis): string | undefined {
  if (d.breakers.length === 0) return undefined;
  const each = d.breakers.length === 1 ? "this one, released, frees" : "any one of these, released, frees";
  return `${contextNames(d.breakers)}: ${each} everybody else`;
}

/** Notes below the inputs: what was not read, cut or understood. */
export function readingNotes(d: Diagnosis): string[] {
  const notes = d.inputs.flatMap((input) => (input.notes ?? []).map((note) => `${input.name}: ${note}`));
  if (d.unparsed.count > 0) {
    const first = d.unparsed.first;
    const text =
      first === undefined ? "" : `; the first is line ${first.line}${inputSuffix(d, first.input)}: ${first.text}`;
    notes.push(`${plural(d.unparsed.count, "line")} not understood${text}`);
  } else notes.push("every line was understood");
  if (d.cutLines > 0) notes.push(`${plural(d.cutLines, "line")} longer than 64 KiB cut there`);
  if (d.unknownFrames.length > 0) {
    const shown = d.unknownFrames.slice(0, 5).map((frame) => `${frame.symbol} (${count(frame.count)})`);
    const more = d.unknownFrames.length - shown.length;
    notes.push(`frames no table row knows: ${shown.join(", ")}${more > 0 ? ` and ${count(more)} more` : ""}`);
  }
  if (d.unexplained.length > 0) notes.push(`blocked and unexplained: ${contextNames(d.unexplained, 6)}`);
  return notes;
}

function inputSuffix(d: Diagnosis, input: number): string {
  const name = d.inputs.length > 1 ? d.inputs[input]?.name : undefined;
  return name === undefined ? "" : ` of ${name}`;
}
