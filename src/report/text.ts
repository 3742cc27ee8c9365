/** The report for terminals and e-mail: 80 columns, ASCII, kernel-style stacks. */
import type { ContextView, Diagnosis, FrameView } from "../diagnose/types.ts";
import { ascii, shellWord } from "./escape.ts";
import { type FoldedCore, foldCore, moreLikeIt } from "./fold.ts";
import { type ContextGroup, coreEdgesInOrder, groupContexts, splitHolds } from "./groups.ts";
import { findRing, type Ring } from "./ring.ts";
import {
  breakerSentence,
  bugFacts,
  edgeSentence,
  holderSentence,
  readingNotes,
  type SectionId,
  sectionOrder,
  sectionTitle,
  stuckSentence,
} from "./sections.ts";
import * as words from "./words.ts";
import { wrap, wrapCommand } from "./wrap.ts";

/** What a piece of text is; a `style` function may colour it. The text says the same without. */
export type TextRole = "verdict" | "heading" | "name" | "says" | "command" | "dim";

/** Options of {@link toText}. */
export interface TextOptions {
  readonly width?: number;
  /** Wraps text in escape sequences; must not change what is printed otherwise. */
  readonly style?: (role: TextRole, text: string) => string;
  /** Every context, group and frame, however many. */
  readonly all?: boolean;
  /** The command that gives this report again; built from the inputs' names when absent. */
  readonly command?: string;
}

const MAX_GROUPS = 12;
const MAX_MEMBERS = 6;

/**
 * The whole report, ending in a newline. First line: the verdict; last line: the command that gives it again.
 *
 * @example
 * process.stdout.write(toText(diagnosis));
 */
export function toText(d: Diagnosis, options: TextOptions = {}): string {
  const page = new Page(options.width ?? 80, options.style ?? ((_role, text) => text), options.all ?? false);
  page.wrapped("verdict", `${words.verdictWords(d.verdict, d.confidence)}: ${words.headline(d.summary)}`, "", "  ");
  page.wrapped("dim", caption(d), "", "  ");
  for (const id of sectionOrder(d)) {
    page.blank();
    page.line("heading", sectionTitle(id, d).toUpperCase());
    SECTIONS[id](page, d);
  }
  page.blank();
  page.wrapped("dim", "To get this report again (add --html FILE for the one with the picture):", "");
  page.command(options.command ?? defaultCommand(d), "  ");
  return page.toString();
}

/** `unwedge diagnose a.log b.log`, quoted for a shell. */
export function defaultCommand(d: Diagnosis): string {
  return ["unwedge diagnose", ...d.inputs.map((input) => shellWord(input.name))].join(" ");
}

function caption(d: Diagnosis): string {
  const kernel = d.kernel.release === undefined ? "kernel release not in the log" : `kernel ${d.kernel.release}`;
  return `(${kernel}; ${words.plural(d.contexts, "blocked context")}; this verdict means: ${words.VERDICT_MEANING[d.verdict]})`;
}

class Page {
  readonly #out: string[] = [];
  readonly width: number;
  readonly all: boolean;
  readonly #style: (role: TextRole, text: string) => string;

  constructor(width: number, style: (role: TextRole, text: string) => string, all: boolean) {
    this.width = width;
    this.all = all;
    this.#style = style;
  }
  /** The first `n`, or all when asked for. */
  first<T>(items: readonly T[], n: number): readonly T[] {
    return this.all ? items : items.slice(0, n);
  }
  blank(): void {
    this.#out.push("");
  }
  /** One line that is known to fit. */
  line(role: TextRole | undefined, text: string): void {
    const safe = ascii(text).trimEnd();
    this.#out.push(role === undefined ? safe : this.#style(role, safe));
  }
  wrapped(role: TextRole | undefined, text: string, first = "  ", rest: string = first): void {
    for (const line of wrap(ascii(text), this.width, first, rest)) this.line(role, line);
  }
  bullet(text: string, indent = "  "): void {
    this.wrapped(undefined, text, `${indent}* `, `${indent}  `);
  }
  command(text: string, indent = "        "): void {
    for (const line of wrapCommand(ascii(text), this.width, indent)) this.line("command", line);
  }
  toString(): string {
    return `${this.#out.join("\n")}\n`;
  }
}

const SECTIONS: Readonly<Record<SectionId, (page: Page, d: Diagnosis) => void>> = {
  contexts,
  cycle,
  stuck(page, d) {
    const groups = page.first(d.stuckBehind, MAX_GROUPS);
    for (const group of groups) page.bullet(stuckSentence(group));
    const rest = d.stuckBehind.slice(groups.length);
    if (rest.length > 0) {
      page.bullet(
        `${words.plural(
          rest.reduce((sum, group) => sum + group.count, 0),
          "context",
        )} more in ${words.plural(rest.length, "group")}`,
      );
    }
  },
  exits(page, d) {
    if (d.exits.length === 0) page.bullet("nothing that is known: endless");
    for (const exit of d.exits) page.bullet(exit);
  },
  bugs(page, d) {
    for (const bug of d.knownBugs) {
      page.wrapped("name", `${bug.title}  [${bug.id}, match ${Math.round(bug.match * 100)}%]`, "  ", "    ");
      for (const [label, text] of bugFacts(bug))
        page.wrapped(undefined, text, `    ${`${label}:`.padEnd(11)}`, " ".repeat(15));
    }
  },
  now(page, d) {
    for (const advice of d.advice) page.bullet(advice);
  },
  answers(page, d) {
    for (const answer of d.answers) {
      page.wrapped("name", answer.question, "  ", "    ");
      page.wrapped(undefined, answer.answer + linesSuffix(d, answer.lines), "    ");
    }
  },
  collect(page, d) {
    for (const missing of d.missing) {
      page.bullet(missing.fact);
      page.command(missing.command);
    }
  },
  assumptions(page, d) {
    for (const assumption of d.assumptions) page.bullet(assumption);
  },
  inputs(page, d) {
    for (const input of d.inputs) {
      const size = `${words.plural(input.lines, "line")}, ${words.plural(input.bytes, "byte")}`;
      const packed = input.compression === undefined ? "" : `, ${input.compression}`;
      page.bullet(`${input.name}: ${input.formats.join(", ") || input.format}, ${size}${packed}`);
    }
    for (const note of readingNotes(d)) page.bullet(note);
  },
};

function linesSuffix(d: Diagnosis, lines: readonly { readonly input: number; readonly line: number }[]): string {
  if (lines.length === 0) return "";
  const shown = lines.slice(0, 4).map((at) => words.lineName(d, at.input, at.line));
  return ` (${shown.join(", ")}${lines.length > shown.length ? ", ..." : ""})`;
}

function contexts(page: Page, d: Diagnosis): void {
  const groups = groupContexts(d).filter((group) => group.first.role !== "bystander");
  const inCore = new Set(d.core.flatMap((edge) => [edge.waiter.key, ...edge.heldBy.map((ref) => ref.key)]));
  // With a core only its members and other holders are worth a stack here; the rest is counted under "stuck behind".
  const matters = groups.filter(
    ({ first }) => page.all || d.core.length === 0 || inCore.has(first.key) || first.role === "holder",
  );
  const shown = page.first(matters, MAX_GROUPS);
  const drawn = new Set(shown.flatMap((group) => group.members.map((view) => view.key)));
  for (const edge of coreEdgesInOrder(d)) {
    if (!drawn.has(edge.waiter.key)) page.wrapped(undefined, `${edgeSentence(edge)}.`, "  ");
  }
  shown.forEach((group, index) => {
    if (index > 0) page.blank();
    context(page, d, group);
  });
  const left = groups.length - shown.length;
  if (d.core.length === 0 && left > 0)
    page.wrapped("dim", `... and ${words.plural(left, "other stack")}: see --all or --html`, "  ");
}

function context(page: Page, d: Diagnosis, group: ContextGroup): void {
  const view = group.first;
  const many = group.count > 1 ? ` and ${words.count(group.count - 1)} more with this stack` : "";
  page.wrapped("name", `${words.contextName(view)}${many}`, "  ", "    ");
  const edges = d.core.filter((edge) => edge.waiter.key === view.key);
  page.wrapped(undefined, words.roleSentence(view, d.verdict), "    ", "      ");
  if (view.wait !== undefined) page.wrapped(undefined, words.waitSentence(view.wait), "    ", "      ");
  for (const edge of edges) {
    page.wrapped(undefined, holderSentence(edge) + linesSuffix(d, edge.lines), "    ", "      ");
  }
  const holds = splitHolds(d, view);
  for (const hold of page.all ? view.holds : holds.told) {
    const mode = hold.mode === undefined ? "" : `, for ${hold.mode}`;
    page.wrapped(
      undefined,
      `holds ${words.resourceName(hold.resource)}${mode} (${hold.confidence}): ${hold.because}`,
      "    ",
      "      ",
    );
  }
  if (!page.all && holds.others.length > 0) {
    const names = holds.others.map((hold) => words.resourceName(hold.resource));
    page.wrapped("dim", `also holds ${names.join(", ")}`, "    ", "      ");
  }
  if (view.wait === undefined && view.doing.length > 0)
    page.wrapped(undefined, `is busy with: ${words.doingWords(view.doing)}`, "    ", "      ");
  for (const edge of edges) for (const why of page.first(edge.why, 4)) page.wrapped("dim", why, "      - ", "        ");
  const known = facts(d, view);
  if (known !== "") page.wrapped("dim", known, "    ", "      ");
  stack(page, view);
  const others = group.members.slice(1, 1 + MAX_MEMBERS);
  if (others.length > 0)
    page.wrapped("dim", `same stack: ${words.contextNames(others, MAX_MEMBERS)}`, "    ", "      ");
}

function facts(d: Diagnosis, view: ContextView): string {
  const parts: string[] = [];
  if (view.state !== undefined) parts.push(`state ${view.state}`);
  if (view.cpu !== undefined) parts.push(`CPU ${view.cpu}`);
  if (view.blockedSeconds !== undefined) parts.push(`blocked for more than ${words.count(view.blockedSeconds)} s`);
  if (view.workqueue !== undefined) parts.push(`workqueue ${view.workqueue}`);
  if (view.line !== undefined) parts.push(words.lineName(d, view.input, view.line));
  return parts.join(", ");
}

/** Frames that say something, the innermost two and the outermost; runs of the others become one line. */
function stack(page: Page, view: ContextView): void {
  const frames = view.frames;
  if (frames.length === 0) return;
  const keep = frames.map(
    (frame, at) => page.all || frame.says !== undefined || at < 2 || at === frames.length - 1 || frames.length <= 6,
  );
  const digits = Math.max(4, ...frames.map((frame) => String(frame.line ?? "").length));
  page.line(
    "dim",
    `    ${"line".padStart(digits)}  frame`.padEnd(SAYS_COLUMN) +
      (frames.some((frame) => frame.says !== undefined) ? "   meaning" : ""),
  );
  let skipped = 0;
  const flush = (): void => {
    if (skipped > 0) page.line("dim", `${" ".repeat(digits + 6)}... ${words.plural(skipped, "frame")}`);
    skipped = 0;
  };
  frames.forEach((frame, at) => {
    if (keep[at] !== true) {
      skipped++;
      return;
    }
    flush();
    frameLine(page, frame, digits);
  });
  flush();
}

const SAYS_COLUMN = 43;

/** Frame on the left, its meaning in a column of its own; a long frame pushes the meaning to the next line. */
function frameLine(page: Page, frame: FrameView, digits: number): void {
  const margin = `    ${String(frame.line ?? "").padStart(digits)}  `;
  const text = ascii(frame.text);
  const hang = " ".repeat(margin.length + 2);
  if (frame.says === undefined) {
    page.wrapped(undefined, text, margin, hang);
    return;
  }
  const column = Math.min(SAYS_COLUMN, Math.floor(page.width * 0.6));
  const says = wrap(ascii(frame.says), page.width, `${" ".repeat(column)}<- `, " ".repeat(column + 3));
  if (margin.length + text.length < column)
    page.line(undefined, `${margin}${text}`.padEnd(column) + (says.shift() ?? "").slice(column));
  else page.wrapped(undefined, text, margin, hang);
  for (const line of says) page.line("says", line);
}

function cycle(page: Page, d: Diagnosis): void {
  const folded = foldCore(d.core);
  const ring = findRing(folded.edges);
  if (ring !== undefined) drawRing(page, ring, folded);
  const others = ring === undefined ? folded.edges : ring.others;
  if (ring !== undefined && others.length > 0) page.line(undefined, "  and also:");
  for (const edge of page.first(others, MAX_GROUPS)) {
    page.bullet(edgeSentence(folded.original(edge), moreLikeIt(folded, edge.waiter.key)));
  }
  if (!page.all && others.length > MAX_GROUPS) page.bullet(`${words.plural(others.length - MAX_GROUPS, "more wait")}`);
  const breaker = breakerSentence(d);
  if (breaker !== undefined) page.wrapped(undefined, breaker, "  ", "    ");
}

/** The ring as a column of contexts with what stands between them, and the way back on the left. */
function drawRing(page: Page, ring: Ring, folded: FoldedCore): void {
  const at = (mark: string, text: string): void => {
    for (const line of wrap(ascii(text), page.width, `  ${mark}`, "  |      ")) page.line(undefined, line);
  };
  ring.edges.forEach((edge, index) => {
    at(index === 0 ? "+--> " : "|    ", words.contextName(edge.waiter) + moreLikeIt(folded, edge.waiter.key));
    at("|      | ", `waits for ${edge.any ? "any of several, one of them " : ""}${words.resourceName(edge.waitsFor)}`);
    at("|      | ", `which ends with ${edge.event} by (${edge.confidence}):`);
    if (index < ring.edges.length - 1) page.line(undefined, "  |      v");
  });
  page.line(undefined, "  |      |");
  page.line(undefined, "  +------+");
}
