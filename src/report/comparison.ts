/** One incident under each of its switches, as a table and as `unwedge.compare/1`. */
import type { Exploration } from "../explore/incident.ts";
import { explorationDocument } from "./exploration-json.ts";
import type { ExplorationDocument } from "./exploration-schema.ts";
import { found, kernelWords, stopWords } from "./exploration-words.ts";
import { Page } from "./page.ts";
import { count, plural } from "./words.ts";

/** A switch and what came out with it, or why it cannot be set. */
export type Row =
  | { readonly name: string; readonly exploration: Exploration; readonly seconds: number }
  | { readonly name: string; readonly refused: string };

/** The document of `--compare all`. */
export interface CompareDocument {
  readonly schema: "unwedge.compare/1";
  readonly tool: { readonly name: "unwedge"; readonly version: string };
  readonly incident: string;
  /** `switch` is the option that was added to the first row's. */
  readonly rows: readonly (ExplorationDocument & { readonly switch: string })[];
  readonly refused: readonly { readonly switch: string; readonly message: string }[];
}

/** The document of the contract. @since 0.2.0 */
export function compareDocument(incident: string, rows: readonly Row[], version: string): CompareDocument {
  return {
    schema: "unwedge.compare/1",
    tool: { name: "unwedge", version },
    incident,
    rows: rows.flatMap((row) =>
      "exploration" in row
        ? [{ ...explorationDocument(row.exploration, { version, seconds: row.seconds }), switch: row.name }]
        : [],
    ),
    refused: rows.flatMap((row) => ("refused" in row ? [{ switch: row.name, message: row.refused }] : [])),
  };
}

/** The table; the last line is the command. @since 0.2.0 */
export function compareText(rows: readonly Row[], command: string, width = 80): string {
  const page = new Page(width, (_role, text) => text, false);
  const base = rows.find((row) => "exploration" in row);
  if (base !== undefined && "exploration" in base) {
    const { exploration } = base;
    page.wrapped("verdict", `${exploration.incident}: ${summary(rows)}`, "", "  ");
    page.wrapped("dim", `(${exploration.title.replace(/\.$/, "")}. ${kernelWords(exploration)})`, "", "  ");
  }
  page.blank();
  const column = Math.min(36, Math.max(...rows.map((row) => row.name.length)) + 2);
  for (const row of rows) {
    const [outcome, how] = "refused" in row ? ["-", row.refused] : [word(row.exploration), decided(row)];
    const name = row.name.length < column ? row.name.padEnd(column) : `${row.name} `;
    page.wrapped(undefined, how, `  ${name}${outcome.padEnd(12)} `, " ".repeat(column + 15));
  }
  page.blank();
  page.wrapped("dim", "To compare again:", "");
  page.pasted(command, "  ");
  return page.toString();
}

function word(e: Exploration): string {
  if (found(e)) return e.outcome.toUpperCase();
  return e.complete ? "none" : "undecided";
}

function decided({
  exploration: e,
  seconds,
}: Row & { readonly exploration: Exploration; readonly seconds: number }): string {
  const time = `${seconds.toFixed(seconds < 10 ? 2 : 0)} s`;
  if (found(e)) return `${plural(e.witness?.schedule.length ?? 0, "step")}, by ${e.strategy}, ${time}`;
  return e.complete ? `all ${count(e.states ?? 0)} states, ${time}` : `${stopWords(e)}, ${time}`;
}

function summary(rows: readonly Row[]): string {
  const explored = rows.flatMap((row) => ("exploration" in row ? [row.exploration] : []));
  const bad = explored.filter(found).length;
  const good = explored.filter((e) => !found(e) && e.complete).length;
  const open = explored.length - bad - good;
  return `${plural(explored.length, "variant")}: ${bad} with a finding, ${good} without any, ${open} undecided`;
}
