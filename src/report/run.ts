/** A run in virtual time as text and as `unwedge.run/1`, and several side by side. */
import type { RunResult } from "../simulate/run.ts";
import { Page } from "./page.ts";
import { count, plural } from "./words.ts";

/** A run, and what the caller's clock and memory say of it. */
export interface Ran {
  readonly result: RunResult;
  readonly title: string;
  readonly wallSeconds: number;
  readonly peakRssBytes: number;
}

/** A switch and the run with it, or why it cannot be set. */
export type RunRow = ({ readonly name: string } & Ran) | { readonly name: string; readonly refused: string };

/** The document of the contract. @since 0.3.0 */
export function runDocument({ result: r, wallSeconds, peakRssBytes }: Ran, version: string) {
  return {
    schema: "unwedge.run/1" as const,
    tool: { name: "unwedge", version },
    incident: r.incident,
    era: r.era,
    parameters: r.parameters,
    fixes: r.fixes,
    reverted: r.reverted,
    virtualSeconds: r.virtualSeconds,
    wallSeconds,
    peakRssBytes,
    outcome: r.outcome,
    cut: r.cut ?? null,
    metrics: r.metrics,
    series: r.series,
    hungTasks: r.hungTasks.length,
    hungTaskReports: r.hungTasks,
    steps: r.steps,
    cpuShare: r.utilisation,
    costs: r.costs,
    notes: r.notes,
    core: null,
  };
}

/** The answer for people. @since 0.3.0 */
export function runText(ran: Ran, width = 80): string {
  const { result: r, title } = ran;
  const page = new Page(width, (_role, text) => text, false);
  page.wrapped("verdict", `${r.incident}: ${outcomeWords(r)}`, "", "  ");
  page.wrapped("dim", `(${title}. Kernel ${r.era}${fixWords(r)}.)`, "", "  ");
  page.blank();
  page.line("heading", "MEASURED");
  const widest = Math.max(...Object.keys(r.metrics).map((name) => name.length));
  for (const [name, value] of Object.entries(r.metrics))
    page.line(undefined, `  ${name.padEnd(widest)}  ${figure(value)}`);
  hung(page, r);
  page.blank();
  page.line("heading", "WHAT IT HOLDS FOR");
  const sizes = Object.entries(r.parameters).map(([name, value]) => `${name}=${value}`);
  page.bullet(sizes.join(", "));
  for (const note of r.notes) page.bullet(note);
  page.bullet(
    `costs in nanoseconds, not measured here: ${r.costs.map((c) => `${c.what} ${c.nanoseconds}`).join(", ")}`,
  );
  page.bullet(
    `${plural(r.steps, "step")} in ${ran.wallSeconds.toFixed(1)} s, ${count(Math.round(ran.peakRssBytes / 2 ** 20))} MiB; CPUs busy ${(r.utilisation * 100).toFixed(1)} % of the time`,
  );
  return page.toString();
}

function hung(page: Page, { hungTasks }: RunResult): void {
  if (hungTasks.length === 0) return;
  page.blank();
  page.line("heading", "HUNG TASKS");
  for (const { comm, pid, blocked, at, stack } of hungTasks) {
    page.wrapped(undefined, `at ${Math.round(at)} s: ${comm}/${pid}, blocked for ${Math.round(blocked)} s`);
    page.wrapped("dim", stack.slice(0, 8).join(" < "), "    ");
  }
}

function outcomeWords(r: RunResult): string {
  const seconds = `${figure(r.virtualSeconds)} virtual seconds`;
  if (r.outcome === "deadlock") return `DEADLOCK after ${seconds}: nothing can happen any more`;
  if (r.cut !== undefined) return `cut short after ${seconds} (${r.cut})`;
  return `${seconds}`;
}

function fixWords({ fixes, reverted }: RunResult): string {
  return [...fixes.map((fix) => `, with ${fix}`), ...reverted.map((fix) => `, without ${fix}`)].join("");
}

/** Three digits that count, whole numbers whole. */
export function figure(value: number): string {
  if (Number.isInteger(value)) return count(value);
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** `unwedge.compare/1` of runs. @since 0.3.0 */
export function compareRunsDocument(incident: string, rows: readonly RunRow[], version: string) {
  return {
    schema: "unwedge.compare/1" as const,
    tool: { name: "unwedge", version },
    incident,
    rows: rows.flatMap((row) => ("result" in row ? [{ ...runDocument(row, version), switch: row.name }] : [])),
    refused: rows.flatMap((row) => ("refused" in row ? [{ switch: row.name, message: row.refused }] : [])),
  };
}

/** Figures that fit side by side; the document has all. */
const COLUMNS = 6;

/** One table: a line for each switch, and its figures below. @since 0.3.0 */
export function compareRunsText(rows: readonly RunRow[], width = 80): string {
  const ran = rows.flatMap((row) => ("result" in row ? [row] : []));
  const [first] = ran;
  const page = new Page(width, (_role, text) => text, false);
  if (first === undefined) return page.toString();
  const all = Object.keys(first.result.metrics);
  const names = all.slice(0, COLUMNS);
  const seconds = `${figure(first.result.virtualSeconds)} virtual seconds each`;
  page.wrapped("verdict", `${first.result.incident}: ${seconds}`, "", "  ");
  page.wrapped("dim", `(${first.title}. Kernel ${first.result.era}.)`, "", "  ");
  page.blank();
  for (const [i, name] of names.entries()) page.line("dim", `  [${i + 1}] ${name}`);
  if (all.length > names.length) page.line("dim", `  ${plural(all.length - names.length, "more figure")}: --json`);
  page.blank();
  page.line("heading", `    ${names.map((_, i) => `[${i + 1}]`.padStart(11)).join("")}`);
  for (const row of rows) {
    page.wrapped(undefined, row.name);
    if ("refused" in row) page.wrapped("dim", row.refused, "      ");
    else {
      const cells = names.map((name) => figure(row.result.metrics[name] ?? 0).padStart(11));
      page.line(undefined, `    ${cells.join("")}`);
    }
  }
  return page.toString();
}
