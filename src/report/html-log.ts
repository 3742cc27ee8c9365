/** The log's own text in the page: which lines are shown, and what each shown line links back to. */
import type { Diagnosis } from "../diagnose/types.ts";
import { markup, markupLine } from "./escape.ts";
import type { ContextGroup } from "./groups.ts";
import { count, plural } from "./words.ts";

/** The text of one input, in the order of {@link Diagnosis.inputs}; a bare string is named as the input is. */
export type Source = string | { readonly name: string; readonly text: string };

/** Which lines are in the page, and where their anchors lead. */
export interface LogView {
  /** `L0-40` when the line is shown. */
  anchor(input: number | undefined, line: number | undefined): string | undefined;
  readonly html: string;
  readonly any: boolean;
}

/** Lines shown around an interesting one when not everything fits. */
const AROUND = 30;
const MAX_LINE = 2000;
const CHUNK = 200;

interface Mark {
  readonly target: string;
  /** The line says something: header of a stack, frame with a meaning, evidence of the core. */
  readonly strong: boolean;
}

/** Builds the log pane; `maxLines` bounds all sources together. */
export function logView(
  d: Diagnosis,
  groups: readonly ContextGroup[],
  sources: readonly Source[],
  maxLines: number,
): LogView {
  const texts = sources.map((source) => (typeof source === "string" ? source : source.text).split(/\r\n|\n/));
  const shown = chooseLines(d, groups, texts, maxLines);
  const isShown = (input: number, line: number): boolean => {
    const set = shown[input];
    return set === "all" ? line >= 1 && line <= (texts[input]?.length ?? 0) : set?.has(line) === true;
  };
  const marks = collectMarks(d, groups, isShown);
  return {
    anchor: (input = 0, line = 0) => (isShown(input, line) ? `L${input}-${line}` : undefined),
    html: sources
      .map((source, input) =>
        sourceHtml(
          typeof source === "string" ? (d.inputs[input]?.name ?? "") : source.name,
          input,
          texts[input] ?? [],
          shown[input] ?? "all",
          marks,
        ),
      )
      .join("\n"),
    any: sources.length > 0,
  };
}

function collectMarks(
  d: Diagnosis,
  groups: readonly ContextGroup[],
  isShown: (input: number, line: number) => boolean,
): Map<string, Mark> {
  const marks = new Map<string, Mark>();
  const put = (input: number | undefined, line: number | undefined, target: string, strong: boolean): void => {
    if (line === undefined || !isShown(input ?? 0, line)) return;
    const key = `${input ?? 0}-${line}`;
    const known = marks.get(key);
    // The first target stays: a bare stack's header is its first frame, and that frame must be reachable.
    marks.set(key, { target: known?.target ?? target, strong: strong || known?.strong === true });
  };
  groups.forEach((group, at) => {
    for (const view of group.members) {
      for (const [k, frame] of view.frames.entries()) {
        const target = k < group.first.frames.length ? `c${at}-f${k}` : `c${at}`;
        put(view.input, frame.line, target, frame.says !== undefined);
      }
      put(view.input, view.line, `c${at}`, true);
    }
  });
  for (const edge of d.core) {
    const at = groups.findIndex((group) => group.first.key === edge.waiter.key);
    // Evidence outside the stacks (a counter, a `struct scan_control`) leads to the core.
    for (const { input, line } of edge.lines) put(input, line, at < 0 ? "cycle" : `c${at}`, true);
  }
  return marks;
}

type Shown = "all" | ReadonlySet<number>;

function chooseLines(
  d: Diagnosis,
  groups: readonly ContextGroup[],
  texts: readonly (readonly string[])[],
  maxLines: number,
): Shown[] {
  if (texts.reduce((sum, lines) => sum + lines.length, 0) <= maxLines) return texts.map(() => "all");
  const sets = texts.map(() => new Set<number>());
  let left = maxLines;
  const take = (input: number, from: number, to: number): void => {
    const set = sets[input];
    const end = Math.min(to, texts[input]?.length ?? 0);
    for (let line = Math.max(1, from); set !== undefined && line <= end && left > 0; line++) {
      if (set.has(line)) continue;
      set.add(line);
      left--;
    }
  };
  for (const edge of d.core) for (const { input, line } of edge.lines) take(input, line - AROUND, line + AROUND);
  for (const { first } of groups) {
    const lines = [first.line, ...first.frames.map((frame) => frame.line)].filter((line) => line !== undefined);
    if (lines.length > 0) take(first.input ?? 0, Math.min(...lines) - AROUND, Math.max(...lines) + AROUND);
  }
  for (const answer of d.answers) for (const { input, line } of answer.lines) take(input, line - AROUND, line + AROUND);
  if (d.unparsed.first !== undefined)
    take(d.unparsed.first.input, d.unparsed.first.line - 3, d.unparsed.first.line + 3);
  texts.forEach((lines, input) => {
    take(input, 1, 50);
    take(input, lines.length - 50, lines.length);
  });
  for (const group of groups)
    for (const view of group.members)
      if (view.line !== undefined) take(view.input ?? 0, view.line, view.line + view.frames.length + 1);
  return sets;
}

function sourceHtml(
  name: string,
  input: number,
  lines: readonly string[],
  shown: Shown,
  marks: ReadonlyMap<string, Mark>,
): string {
  const out: string[] = [];
  let chunk: string[] = [];
  const flush = (): void => {
    if (chunk.length > 0) out.push(`<span class="chunk">${chunk.join("")}</span>`);
    chunk = [];
  };
  let skipped = 0;
  const cut = (): void => {
    if (skipped > 0) chunk.push(`<span class="cut">${plural(skipped, "line")} not shown</span>`);
    skipped = 0;
  };
  lines.forEach((text, at) => {
    if (shown !== "all" && !shown.has(at + 1)) {
      skipped++;
      return;
    }
    cut();
    chunk.push(lineHtml(text, input, at + 1, marks.get(`${input}-${at + 1}`)));
    if (chunk.length >= CHUNK) flush();
  });
  cut();
  flush();
  const kept = shown === "all" ? lines.length : shown.size;
  const note =
    kept < lines.length
      ? `<p>${count(kept)} of ${plural(lines.length, "line")} shown: those around the findings.</p>`
      : "";
  return `<h3>${markup(name)}</h3>${note}<pre class="log">${out.join("")}</pre>`;
}

function lineHtml(text: string, input: number, line: number, mark: Mark | undefined): string {
  const body =
    text.length > MAX_LINE
      ? `${markupLine(text.slice(0, MAX_LINE))} [${count(text.length - MAX_LINE)} characters cut]`
      : markupLine(text);
  const number =
    mark === undefined ? `<span class="n">${line}</span>` : `<a class="n" href="#${mark.target}">${line}</a>`;
  return `<span class="l${mark?.strong === true ? " m" : ""}" id="L${input}-${line}">${number}${body}\n</span>`;
}
