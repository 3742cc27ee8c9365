/** The report for terminals and e-mail: 80 columns, ASCII, kernel-style stacks. */
import type { ContextView, Diagnosis, FrameView } from "../diagnose/types.ts";
import { drawCore } from "./core-text.ts";
import { ascii, shellWord } from "./escape.ts";
import { type ContextGroup, coreEdgesInOrder, groupContexts, splitHolds, stuckGroups } from "./groups.ts";
import { Page, type TextRole } from "./page.ts";
import {
  bugFacts,
  edgeSentence,
  heldSentence,
  holderSentence,
  isHarmless,
  loneWaits,
  lookAt,
  nowAdvice,
  openAnswers,
  readingNotes,
  type SectionId,
  sectionOrder,
  sectionTitle,
  stuckSentence,
} from "./sections.ts";
import * as words from "./words.ts";
import { wrap } from "./wrap.ts";

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
/** Most lines of a list in a report that says nothing is wrong. */
const MAX_HARMLESS = 6;
const MAX_MEMBERS = 6;
/** Most different stacks of holders and runners, and of those who only wait. */
const MAX_HOLDERS = 6;
const MAX_VICTIMS = 3;
/** What `says` of a frame reads where no rule knows it: of use only to who looks at every frame. */
const NOT_KNOWN = "not in the table";

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
  const plan = planOf(page, d);
  for (const id of sectionOrder(d)) {
    if (id === "contexts" && !plan.contexts) continue;
    if (id === "stuck" && plan.stuck.length === 0) continue;
    page.blank();
    page.line("heading", sectionTitle(id, d).toUpperCase());
    SECTIONS[id](page, d, plan);
  }
  page.blank();
  page.wrapped("dim", "To get this report again (add --html FILE for the one with the picture):", "");
  page.pasted(options.command ?? defaultCommand(d), "  ");
  return page.toString();
}

/** `unwedge diagnose a.log b.log`, quoted for a shell. */
export function defaultCommand(d: Diagnosis): string {
  return ["unwedge diagnose", ...d.inputs.map((input) => shellWord(input.name))].join(" ");
}

function caption(d: Diagnosis): string {
  const kernel = d.kernel.release === undefined ? "kernel release not in the log" : `kernel ${d.kernel.release}`;
  const facts = `${kernel}; ${words.plural(d.contexts, "blocked context")}`;
  if (d.verdict === "unknown" && d.missing.length > 0) return `(${facts}; what is missing is listed below)`;
  return `(${facts}; this verdict means: ${words.VERDICT_MEANING[d.verdict]})`;
}

/** What is told once is not told again: which stacks are shown, and which waits no shown stack tells. */
interface Plan {
  readonly contexts: boolean;
  readonly shown: readonly ContextGroup[];
  /** Core edges whose waiter has no stack. */
  readonly bare: Diagnosis["core"];
  /** Different stacks that are not shown. */
  readonly left: number;
  readonly stuck: readonly string[];
  readonly stuckIn: ReturnType<typeof stuckGroups>;
}

function planOf(page: Page, d: Diagnosis): Plan {
  const quiet = isHarmless(d) && !page.all;
  const groups = groupContexts(d).filter((group) => group.first.role !== "bystander");
  const shown = quiet ? [] : shownGroups(page, d, groups);
  const drawn = new Set(shown.flatMap((group) => group.members.map((view) => view.key)));
  const bare = quiet ? [] : coreEdgesInOrder(d).filter((edge) => !drawn.has(edge.waiter.key));
  const told = (group: Diagnosis["stuckBehind"][number]): boolean =>
    group.contexts.length >= group.count && group.contexts.every((ref) => drawn.has(ref.key));
  return {
    contexts: shown.length > 0 || bare.length > 0,
    shown,
    bare,
    left: quiet ? 0 : groups.length - shown.length,
    stuck: stuckList(page, d, quiet, (group) => !told(group)),
    stuckIn: stuckGroups(d),
  };
}

/** With a core its members and other holders; without one holders, and the first few of those who only wait. */
function shownGroups(page: Page, d: Diagnosis, groups: readonly ContextGroup[]): readonly ContextGroup[] {
  if (page.all) return groups;
  const inCore = new Set(d.core.flatMap((edge) => [edge.waiter.key, ...edge.heldBy.map((ref) => ref.key)]));
  const core = groups.filter(({ first }) => inCore.has(first.key));
  const others = groups.filter(({ first }) => !inCore.has(first.key));
  const holders = others.filter(
    ({ first }) =>
      first.role === "holder" || (d.core.length === 0 && (first.role === "running" || first.role === "core")),
  );
  const waiters = d.core.length > 0 ? [] : others.filter((group) => !holders.includes(group));
  return [...core.slice(0, MAX_GROUPS), ...holders.slice(0, MAX_HOLDERS), ...waiters.slice(0, MAX_VICTIMS)];
}

function stuckList(
  page: Page,
  d: Diagnosis,
  quiet: boolean,
  untold: (group: Diagnosis["stuckBehind"][number]) => boolean,
): string[] {
  const groups = d.stuckBehind.filter(untold);
  const lines = [...groups.map(stuckSentence), ...(quiet ? loneWaits(d) : [])];
  const most = quiet ? MAX_HARMLESS : MAX_GROUPS;
  if (page.all || lines.length <= most) return lines;
  const rest = groups.slice(most).reduce((sum, group) => sum + group.count, 0);
  const more = `${words.plural(lines.length - most, "more group")}${rest > 0 ? ` of ${words.plural(rest, "context")}` : ""}`;
  return [...lines.slice(0, most), `${more}: see --all`];
}

const SECTIONS: Readonly<Record<SectionId, (page: Page, d: Diagnosis, plan: Plan) => void>> = {
  contexts,
  cycle,
  stuck(page, _d, plan) {
    for (const line of plan.stuck) page.bullet(line);
  },
  exits(page, d) {
    if (d.exits.length === 0) page.bullet("nothing that is known: endless");
    for (const exit of d.exits) page.bullet(exit);
  },
  bugs(page, d) {
    for (const bug of d.knownBugs) {
      page.wrapped("name", `${bug.title}  [${bug.id}, match ${Math.round(bug.match * 100)}%]`, "  ", "    ");
      for (const [label, text] of bugFacts(bug, d))
        page.wrapped(undefined, text, `    ${`${label}:`.padEnd(10)} `, " ".repeat(15));
    }
  },
  now(page, d) {
    for (const advice of nowAdvice(d)) page.bullet(advice);
  },
  answers(page, d) {
    for (const answer of page.all ? d.answers : openAnswers(d)) {
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
    const notes = readingNotes(d);
    // One input that was read whole needs one line.
    const whole = d.inputs.length === 1 && notes.length === 1 && d.unparsed.count === 0 ? `; ${notes[0]}` : "";
    for (const [at, input] of d.inputs.entries()) {
      const size = `${words.plural(input.lines, "line")}, ${words.plural(input.bytes, "byte")}`;
      const packed = input.compression === undefined ? "" : `, ${input.compression}`;
      page.bullet(`${words.inputLegend(d, at)}: ${input.formats.join(", ") || input.format}, ${size}${packed}${whole}`);
    }
    if (whole === "") for (const note of notes) page.bullet(note);
  },
};

function linesSuffix(d: Diagnosis, lines: readonly { readonly input: number; readonly line: number }[]): string {
  if (lines.length === 0) return "";
  const shown = lines.slice(0, 4).map((at) => words.lineName(d, at.input, at.line));
  return ` (${shown.join(", ")}${lines.length > shown.length ? ", ..." : ""})`;
}

function contexts(page: Page, d: Diagnosis, { shown, bare, left, stuckIn }: Plan): void {
  let first = true;
  const apart = (): void => {
    if (!first) page.blank();
    first = false;
  };
  for (const edge of bare) {
    apart();
    page.wrapped(undefined, `${edgeSentence(edge)}${linesSuffix(d, edge.lines)}`, "  ", "    ");
    for (const why of page.first(edge.why, 3)) page.wrapped("dim", why, "      - ", "        ");
  }
  for (const group of shown) {
    apart();
    context(page, d, group, stuckIn);
  }
  // Behind a core the others are counted under "stuck behind it".
  if (d.core.length > 0 || left === 0) return;
  page.blank();
  page.wrapped("dim", `... and ${words.plural(left, "other stack")}: shown with --all, and by --html FILE`, "  ");
}

function context(page: Page, d: Diagnosis, group: ContextGroup, stuckIn: Plan["stuckIn"]): void {
  const view = group.first;
  const many = group.count > 1 ? ` and ${words.count(group.count - 1)} more with this stack` : "";
  const known = facts(d, view);
  const name = `${words.contextName(view)}${words.assumed(view)}${many}`;
  page.wrapped("name", known === "" ? name : `${name}: ${known}`, "  ", "    ");
  const edges = d.core.filter((edge) => edge.waiter.key === view.key);
  page.wrapped(undefined, words.roleSentence(view, d.verdict), "    ", "      ");
  const behind = edges.length === 0 ? stuckIn.get(view.key) : undefined;
  const held = behind === undefined ? "" : `; ${heldSentence(behind, view.key)}`;
  if (view.wait !== undefined) page.wrapped(undefined, words.waitSentence(view.wait) + held, "    ", "      ");
  for (const edge of edges) {
    page.wrapped(undefined, holderSentence(edge) + linesSuffix(d, edge.lines), "    ", "      ");
  }
  const holds = splitHolds(d, view);
  // The role of a waiter names what it holds, and the stack says where.
  const named = view.role === "victim" && view.frames.length > 0;
  for (const hold of page.all ? view.holds : named ? [] : holds.told) {
    const mode = hold.mode === undefined ? "" : `, for ${hold.mode}`;
    page.wrapped(
      undefined,
      `holds ${words.resourceName(hold.resource)}${mode} (${hold.confidence}): ${hold.because}`,
      "    ",
      "      ",
    );
  }
  if (!page.all && !named && holds.others.length > 0) {
    const names = holds.others.map((hold) => words.resourceName(hold.resource));
    page.wrapped("dim", `also holds ${names.join(", ")}`, "    ", "      ");
  }
  if (view.wait === undefined && view.doing.length > 0)
    page.wrapped(undefined, `is busy with: ${words.doingWords(view.doing)}`, "    ", "      ");
  for (const edge of edges) for (const why of page.first(edge.why, 3)) page.wrapped("dim", why, "      - ", "        ");
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
  // The name of a bare stack has its line.
  const bare = view.comm === undefined && view.pid === undefined;
  if (view.line !== undefined && !bare) parts.push(words.lineName(d, view.input, view.line));
  else if (view.input !== undefined && d.inputs.length > 1) parts.push(`in ${words.inputName(d, view.input)}`);
  return parts.join(", ");
}

/** Frames that say something; runs of the others become one line. Short stacks, and the ends of silent ones, are kept. */
function stack(page: Page, view: ContextView): void {
  const frames = view.frames.map((frame) =>
    page.all || frame.says !== NOT_KNOWN
      ? frame
      : { text: frame.text, ...(frame.line !== undefined && { line: frame.line }) },
  );
  if (frames.length === 0) return;
  const silent = frames.every((frame) => frame.says === undefined);
  const wanted = (at: number): boolean =>
    page.all ||
    frames.length <= 6 ||
    frames[at]?.says !== undefined ||
    (silent && (at < 5 || at === frames.length - 1));
  // "... 1 frame" would take the line of the frame itself.
  const beside = (at: number): boolean => at < 0 || at >= frames.length || wanted(at);
  const keep = frames.map(
    (frame, at) => wanted(at) || (!frame.text.startsWith("?") && beside(at - 1) && beside(at + 1)),
  );
  const digits = Math.max(4, ...frames.map((frame) => String(frame.line ?? "").length));
  if (page.all) {
    const meaning = frames.some((frame) => frame.says !== undefined) ? "   meaning" : "";
    page.line("dim", `    ${"line".padStart(digits)}  frame`.padEnd(SAYS_COLUMN) + meaning);
  }
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
  const short = `${margin}${text}  <- ${ascii(frame.says)}`;
  if (margin.length + text.length >= column && short.length <= page.width) {
    page.line(undefined, short);
    return;
  }
  if (margin.length + text.length < column)
    page.line(undefined, `${margin}${text}`.padEnd(column) + (says.shift() ?? "").slice(column));
  else page.wrapped(undefined, text, margin, hang);
  for (const line of says) page.line("says", line);
}

function cycle(page: Page, d: Diagnosis): void {
  for (const line of lookAt(d)) page.bullet(line);
  if (d.core.length > 0) drawCore(page, d);
}
