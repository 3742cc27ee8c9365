/**
 * The report as one self-contained page: no network, no fonts, one script that is only convenience. All log text is
 * escaped; the content security policy allows exactly this page's style and script, by hash.
 */
import { createHash } from "node:crypto";
import type { ContextView, CoreEdgeView, Diagnosis, FrameView, StuckGroupView } from "../diagnose/types.ts";
import { markup } from "./escape.ts";
import { foldCore, moreLikeIt } from "./fold.ts";
import { type ContextGroup, coreEdgesInOrder, groupContexts, splitHolds, stuckGroups } from "./groups.ts";
import { type LogView, logView, type Source } from "./html-log.ts";
import { HTML_SCRIPT } from "./html-script.ts";
import { HTML_STYLE } from "./html-style.ts";
import {
  breakerSentence,
  bugFacts,
  edgeSentence,
  heldSentence,
  holderSentence,
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
import { toSvg } from "./svg.ts";
import { defaultCommand } from "./text.ts";
import * as words from "./words.ts";

/** Options of {@link toHtml}. */
export interface HtmlOptions {
  /** The log's text, in the order of the diagnosis' inputs; without it the page has no log pane. */
  readonly sources?: readonly Source[];
  /** Most log lines in the page, all sources together. Default 20,000. */
  readonly maxLogLines?: number;
  readonly version?: string;
  /** The command that gives this report again; built from the inputs' names when absent. */
  readonly command?: string;
}

/** Most entries in the list of contexts (each stands for all contexts with its stack). */
const MAX_ENTRIES = 400;
const MAX_MEMBERS = 1000;

interface Page {
  readonly d: Diagnosis;
  readonly groups: readonly ContextGroup[];
  /** Groups beyond {@link MAX_ENTRIES}. */
  readonly left: number;
  readonly log: LogView;
  /** Index of the group that shows a context. */
  readonly groupOf: ReadonlyMap<string, number>;
  /** The group of waiters a context is in. */
  readonly stuckIn: ReadonlyMap<string, StuckGroupView>;
}

/** The whole page. */
export async function toHtml(d: Diagnosis, options: HtmlOptions = {}): Promise<string> {
  const everyGroup = groupContexts(d);
  const groups = everyGroup.slice(0, MAX_ENTRIES);
  const log = logView(d, groups, options.sources ?? [], options.maxLogLines ?? 20_000);
  const groupOf = new Map(groups.flatMap((group, at) => group.members.map((view) => [view.key, at] as const)));
  const page: Page = { d, groups, left: everyGroup.length - groups.length, log, groupOf, stuckIn: stuckGroups(d) };
  const svg = await toSvg(d, {
    standalone: false,
    direction: "TB",
    link: (key) => (groupOf.has(key) ? `#c${groupOf.get(key)}` : undefined),
  });
  const style = `${HTML_STYLE}\n${figureStyle(svg)}`;
  const order = sectionOrder(d);
  const sections = order.map(
    (id) => `<section id="${id}"><h2>${markup(sectionTitle(id, d))}</h2>\n${SECTIONS[id](page)}\n</section>`,
  );
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '${hash(style)}'; script-src '${hash(HTML_SCRIPT)}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${markup(`${words.VERDICT_WORDS[d.verdict]}: ${words.headline(d.summary)}`)}</title>
<style>${style}</style>
</head>
<body class="v-${d.verdict}">
<div class="panes ${log.any ? "two" : "one"}">
<main id="report" tabindex="-1">
${verdictHtml(page, options.version)}
<nav aria-label="Sections">${order.map((id) => `<a href="#${id}">${markup(sectionTitle(id, d))}</a>`).join(" ")}${log.any ? ' <a href="#log">The log</a>' : ""}</nav>
${figureHtml(d, svg)}
${sections.join("\n")}
<footer><p>To get this report again:</p><pre class="cmd">${markup(options.command ?? defaultCommand(d))}</pre></footer>
</main>
${log.any ? `<aside id="log" tabindex="0" aria-label="The log"><h2>The log</h2><p>A marked line number leads to what it means.</p>${log.html}</aside>` : ""}
</div>
${HELP}
<script>${HTML_SCRIPT}</script>
</body>
</html>
`;
}

function hash(text: string): string {
  return `sha256-${createHash("sha256").update(text, "utf8").digest("base64")}`;
}

/** A wide picture scrolls rather than shrinking until nobody can read it. */
function figureStyle(svg: string): string {
  const width = Number(/ width="(\d+)"/.exec(svg)?.[1] ?? 0);
  return `figure svg{min-width:${Math.round(width * 0.6)}px}`;
}

const HELP = `<dialog id="help" aria-label="Keys"><h2>Keys</h2><table>
<tr><td><kbd>/</kbd></td><td>search the contexts</td></tr>
<tr><td><kbd>j</kbd> <kbd>k</kbd></td><td>next, previous context</td></tr>
<tr><td><kbd>Enter</kbd></td><td>from the search: to the first match</td></tr>
<tr><td><kbd>Esc</kbd></td><td>clear the search, close this</td></tr>
<tr><td><kbd>?</kbd></td><td>these keys</td></tr>
</table></dialog>`;

function verdictHtml({ d }: Page, version: string | undefined): string {
  const sure = d.verdict === "unknown" || d.verdict === "none" ? "" : ` <span>${markup(d.confidence)}</span>`;
  const meta = [
    d.kernel.release === undefined ? "kernel release not in the log" : `kernel ${d.kernel.release}`,
    words.plural(d.contexts, "blocked context"),
    d.inputs.map((_input, at) => words.inputName(d, at)).join(", "),
    `unwedge${version === undefined ? "" : ` ${version}`}`,
  ];
  return `<header class="verdict"><p class="badge">${words.VERDICT_WORDS[d.verdict]}${sure}</p>
<h1>${markup(words.headline(d.summary))}</h1>
<p class="means">This verdict means: ${markup(words.VERDICT_MEANING[d.verdict])}.</p>
<p class="meta">${meta.map(markup).join(" &middot; ")}</p></header>`;
}

function figureHtml(d: Diagnosis, svg: string): string {
  if (d.core.length === 0 && d.stuckBehind.length === 0 && d.details.every((view) => view.wait === undefined))
    return "";
  const core = d.core.length > 0 ? "Heavy outline: the core. " : "";
  return `<figure id="graph">${svg}<figcaption>${core}Boxes are contexts, rounded ones resources, stacked ones groups of waiters; dashed: a guess, or not in this log.</figcaption></figure>`;
}

/** `line 40`, a link when that line is in the page. */
function lineLink({ d, log }: Page, input: number | undefined, line: number): string {
  const name = markup(words.lineName(d, input, line));
  const anchor = log.anchor(input, line);
  return anchor === undefined ? name : `<a href="#${anchor}">${name}</a>`;
}

function lineLinks(page: Page, lines: readonly { readonly input: number; readonly line: number }[]): string {
  if (lines.length === 0) return "";
  const shown = lines.slice(0, 12).map((at) => lineLink(page, at.input, at.line));
  return ` (${shown.join(", ")}${lines.length > shown.length ? ", &hellip;" : ""})`;
}

function list(items: readonly string[]): string {
  return `<ul>${items.map((item) => `<li>${item}</li>`).join("")}</ul>`;
}

const SECTIONS: Readonly<Record<SectionId, (page: Page) => string>> = {
  contexts: contextsHtml,
  cycle(page) {
    const folded = foldCore(page.d.core);
    const edges = coreEdgesInOrder(page.d).map((edge) => edgeHtml(page, edge, moreLikeIt(folded, edge.waiter.key)));
    const breaker = breakerSentence(page.d);
    if (edges.length === 0) return list(lookAt(page.d).map(markup));
    return `<ol class="cycle">${edges.join("")}</ol>${breaker === undefined ? "" : `<p>${markup(breaker)}.</p>`}`;
  },
  stuck(page) {
    return list([
      ...page.d.stuckBehind.slice(0, 100).map((group) => {
        const at = page.groupOf.get(group.contexts[0]?.key ?? "");
        const show = at === undefined ? "" : ` <a href="#c${at}">show</a>`;
        return `${markup(stuckSentence(group))}${show}${group.why.map((why) => `<p class="why">${markup(why)}</p>`).join("")}`;
      }),
      ...loneWaits(page.d).slice(0, 100).map(markup),
    ]);
  },
  exits({ d }) {
    return list(d.exits.length === 0 ? ["nothing that is known: endless"] : d.exits.map(markup));
  },
  bugs({ d }) {
    return d.knownBugs
      .map((bug) => {
        const facts = bugFacts(bug, d).map(([label, text]) => `<dt>${markup(label)}</dt><dd>${markup(text)}</dd>`);
        const title = `${markup(bug.title)} <span class="chip">match ${Math.round(bug.match * 100)}%</span>`;
        return `<div class="bug"><h3>${title}</h3><dl>${facts.join("")}</dl></div>`;
      })
      .join("");
  },
  now: ({ d }) => list(nowAdvice(d).map(markup)),
  answers(page) {
    const each = openAnswers(page.d).map(
      (answer) =>
        `<dt>${markup(answer.question)}</dt><dd>${markup(answer.answer)}${lineLinks(page, answer.lines)}</dd>`,
    );
    return `<dl>${each.join("")}</dl>`;
  },
  collect: ({ d }) =>
    d.missing
      .map((missing) => `<p>${markup(missing.fact)}</p><pre class="cmd">${markup(missing.command)}</pre>`)
      .join(""),
  assumptions: ({ d }) => list(d.assumptions.map(markup)),
  inputs({ d }) {
    const inputs = d.inputs.map(
      (input, at) =>
        `<code title="${markup(input.name)}">${markup(words.inputLegend(d, at))}</code>: ${markup(input.formats.join(", ") || input.format)}, ${words.plural(input.lines, "line")}, ${words.plural(input.bytes, "byte")}`,
    );
    return list([...inputs, ...readingNotes(d).map(markup)]);
  },
};

function edgeHtml(page: Page, edge: CoreEdgeView, more: string): string {
  const why = edge.why.map((text) => `<p class="why">${markup(text)}</p>`).join("");
  return `<li><p>${markup(edgeSentence(edge, more))}.${lineLinks(page, edge.lines)}</p>${why}</li>`;
}

function contextsHtml(page: Page): string {
  const search = `<div class="find"><input id="search" type="search" placeholder="Filter: comm, pid, function" aria-label="Filter the contexts" autocomplete="off" spellcheck="false"><span id="shown" aria-live="polite"></span><span><kbd>/</kbd> search <kbd>j</kbd> <kbd>k</kbd> step <kbd>?</kbd> keys</span></div>`;
  const left = page.left > 0 ? `<p>${words.plural(page.left, "further stack")} not shown.</p>` : "";
  return search + page.groups.map((group, at) => contextHtml(page, group, at)).join("\n") + left;
}

function contextHtml(page: Page, group: ContextGroup, at: number): string {
  const view = group.first;
  const many = group.count > 1 ? ` and ${words.count(group.count - 1)} more with this stack` : "";
  const wait = view.wait === undefined ? "" : `<p class="wait">${markup(words.waitSentence(view.wait))}</p>`;
  const ends = page.d.core
    .filter((edge) => edge.waiter.key === view.key)
    .map((edge) => `<p>${markup(holderSentence(edge))}</p>`);
  const stuckIn = page.stuckIn.get(view.key);
  if (ends.length === 0 && stuckIn !== undefined) ends.push(`<p>${markup(heldSentence(stuckIn, view.key))}</p>`);
  const { told, others } = splitHolds(page.d, view);
  const holds = told.map((hold) => {
    const mode = hold.mode === undefined ? "" : `, for ${hold.mode}`;
    const where = hold.line === undefined ? "" : lineLinks(page, [{ input: view.input ?? 0, line: hold.line }]);
    return `<p>holds ${markup(words.resourceName(hold.resource) + mode)} (${markup(hold.confidence)}): ${markup(hold.because)}${where}</p>`;
  });
  const role = page.d.core.some((edge) => edge.waiter.key === view.key) || view.role === "core" ? "core" : view.role;
  return `<article class="ctx ${role}" id="c${at}" tabindex="-1"><header><h3>${markup(words.contextName(view) + words.assumed(view) + many)}</h3><span class="chip">${markup(words.roleSentence(view, page.d.verdict))}</span></header>
<p class="facts">${factsHtml(page, view)}</p>${wait}${ends.join("")}${holds.join("")}${alsoHolds(others)}${stackHtml(page, view, at)}${membersHtml(page, group)}</article>`;
}

function alsoHolds(others: ContextView["holds"]): string {
  if (others.length === 0) return "";
  const items = others.map(
    (hold) => `<li>${markup(`${words.resourceName(hold.resource)} (${hold.confidence}): ${hold.because}`)}</li>`,
  );
  return `<details><summary>also holds ${markup(others.map((hold) => words.resourceName(hold.resource)).join(", "))}</summary><ul>${items.join("")}</ul></details>`;
}

function factsHtml(page: Page, view: ContextView): string {
  const parts: string[] = [];
  if (view.state !== undefined) parts.push(markup(`state ${view.state}`));
  if (view.cpu !== undefined) parts.push(`CPU ${view.cpu}`);
  if (view.blockedSeconds !== undefined) parts.push(`blocked for more than ${words.count(view.blockedSeconds)} s`);
  if (view.workqueue !== undefined) parts.push(markup(`workqueue ${view.workqueue}`));
  if (view.doing.length > 0) parts.push(markup(words.doingWords(view.doing)));
  if (view.line !== undefined) parts.push(lineLink(page, view.input, view.line));
  return parts.join(" &middot; ");
}

function stackHtml(page: Page, view: ContextView, at: number): string {
  if (view.frames.length === 0) return "";
  const rows = view.frames.map((frame, k) => frameHtml(page, view, frame, `c${at}-f${k}`));
  return `<table class="stack"><colgroup><col class="n"><col><col class="s"></colgroup><tbody>${rows.join("")}</tbody></table>`;
}

function frameHtml(page: Page, view: ContextView, frame: FrameView, id: string): string {
  const anchor = page.log.anchor(view.input, frame.line);
  const link = (text: string): string => (anchor === undefined ? text : `<a href="#${anchor}">${text}</a>`);
  const kind = frame.says !== undefined ? ' class="says"' : frame.text.startsWith("?") ? ' class="guess"' : "";
  const number = frame.line === undefined ? "" : link(String(frame.line));
  const text = link(markup(frame.text));
  const rest =
    frame.says === undefined
      ? `<td class="f" colspan="2">${text}</td>`
      : `<td class="f">${text}</td><td class="s">${markup(frame.says)}</td>`;
  return `<tr id="${id}"${kind}><td class="n">${number}</td>${rest}</tr>`;
}

function membersHtml(page: Page, group: ContextGroup): string {
  const others = group.members.slice(1);
  if (others.length === 0) return "";
  const items = others.slice(0, MAX_MEMBERS).map((view) => {
    const line = view.line === undefined ? "" : ` ${lineLink(page, view.input, view.line)}`;
    return `<li>${markup(words.contextName(view))}${line}</li>`;
  });
  const more = others.length > MAX_MEMBERS ? `<li>and ${words.count(others.length - MAX_MEMBERS)} more</li>` : "";
  return `<details><summary>${words.count(others.length)} more with this stack</summary><ul class="members">${items.join("")}${more}</ul></details>`;
}
