/** `unwedge knowledge [FUNCTION]`: what the table says of a kernel function, each row with its source. */
import { allRows } from "../../knowledge/index.ts";
import type { KnowledgeRow } from "../../knowledge/types.ts";
import { exitCodes } from "../exit-codes.ts";
import { usageError } from "../messages.ts";
import { didYouMean } from "../near.ts";
import { show, type Terminal } from "../terminal.ts";
import { documentHead } from "../version.ts";

/** Runs the command. */
export async function runKnowledge(
  t: Terminal,
  fn: string | undefined,
  flags: { readonly json?: boolean; readonly pager: boolean },
): Promise<number> {
  const name = fn === undefined ? undefined : bare(fn);
  const rows = name === undefined ? allRows : allRows.filter((r) => r.fn.includes(name));
  if (name !== undefined && rows.length === 0)
    throw usageError("function-unknown", name, didYouMean(name, functions()));
  if (flags.json) await t.out(`${JSON.stringify({ ...documentHead("unwedge.knowledge/1"), rows }, undefined, 2)}\n`);
  else
    await show(
      t,
      name === undefined ? overview() : `${rows.map((r) => describe(name, r)).join("\n\n")}\n`,
      flags.pager,
    );
  return exitCodes.ok;
}

/** `shrink_folio_list.isra.0+0x940/0xb10 [mod]` as typed from a log. */
const bare = (text: string): string =>
  text
    .trim()
    .replace(/^\?\s*/, "")
    .replace(/\s*\[.*$/, "")
    .replace(/\+0x.*$/, "")
    .replace(/\.(isra|part|constprop|cold)\b.*$/, "");

const functions = (): Set<string> => new Set(allRows.flatMap((r) => r.fn));

function overview(): string {
  const kinds = new Map<string, number>();
  for (const r of allRows) kinds.set(r.kind, (kinds.get(r.kind) ?? 0) + 1);
  const classes = new Set(allRows.flatMap((r) => ("class" in r ? [r.class] : [])));
  const what = {
    wait: "waits",
    caller: "names of locks by their caller",
    hold: "holds",
    doing: "activities",
    neutral: "frames that say nothing",
  };
  const lines = Object.entries(what).map(([kind, words]) => `${String(kinds.get(kind) ?? 0).padStart(6)}  ${words}`);
  return [
    `${allRows.length} rows about ${functions().size} kernel functions:`,
    ...lines,
    "",
    `Resource classes: ${wrapped([...classes].sort().join(", "))}`,
    "",
    "unwedge knowledge FUNCTION prints the rows of one function with their sources.",
    "",
  ].join("\n");
}

function wrapped(text: string): string {
  return text.replace(/(.{1,60})(?: |$)/g, "\n  $1");
}

function describe(name: string, row: KnowledgeRow): string {
  const facts: (readonly [string, string | undefined])[] = [
    ["when", conditions(row)],
    ["kernels", era(row)],
    ["also", row.fn.filter((f) => f !== name).join(", ")],
    ["source", row.source],
  ];
  const lines = facts.filter(([, v]) => v !== undefined && v !== "").map(([k, v]) => `  ${`${k}:`.padEnd(9)}${v}`);
  return [`${name} ${says(row)}`, ...lines].join("\n");
}

function says(row: KnowledgeRow): string {
  switch (row.kind) {
    case "wait":
      return `waits for ${resource(row)}: ${row.event} (${[row.sleep, row.any ? "any one of several" : "", row.seconds === undefined ? "" : `${row.seconds} s`].filter(Boolean).join(", ")})`;
    case "caller":
      return `names the ${row.of.join(" or ")} below it: ${resource(row)}`;
    case "hold":
      return `holds ${resource(row)} (${row.confidence}): ${row.because}`;
    case "doing":
      return `is doing: ${row.activity}`;
    case "neutral":
      return "says nothing by itself";
  }
}

const resource = (r: {
  readonly class: string;
  readonly id?: string;
  readonly mode?: string;
  readonly scope: string;
}): string =>
  `${r.class}${r.id === undefined ? "" : ` ${r.id}`}${r.mode === undefined ? "" : ` for ${r.mode}`}${r.scope === "lock" ? "" : `, one per ${r.scope === "global" ? "kernel" : r.scope}`}`;

function conditions(row: KnowledgeRow): string | undefined {
  const list = (words: string, names: readonly string[] | undefined): string[] =>
    names === undefined ? [] : [`${words} ${names.join(" or ")}`];
  const parts = [
    ...("direct" in row && row.direct ? ["nothing but scheduler frames above it"] : []),
    ...("callers" in row ? list("called from", row.callers) : []),
    ...("notCallers" in row ? list("not called from", row.notCallers) : []),
    ...("callees" in row ? list("inside it", row.callees) : []),
    ...("notCallees" in row ? list("not inside it", row.notCallees) : []),
  ];
  return parts.length > 0 ? parts.join("; ") : undefined;
}

function era(row: KnowledgeRow): string | undefined {
  const e = "era" in row ? row.era : undefined;
  if (e === undefined) return undefined;
  return [e.since === undefined ? "" : `since ${e.since}`, e.before === undefined ? "" : `before ${e.before}`]
    .filter(Boolean)
    .join(", ");
}
