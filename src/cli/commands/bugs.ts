/** `unwedge bugs [ID]`: the known deadlocks, livelocks and stalls that a diagnosis is compared with. */
import { knownBugs } from "../../diagnose/index.ts";
import { exitCodes } from "../exit-codes.ts";
import { usageError } from "../messages.ts";
import { didYouMean } from "../near.ts";
import { show, type Terminal } from "../terminal.ts";
import { documentHead } from "../version.ts";

/** Runs the command. */
export async function runBugs(
  t: Terminal,
  id: string | undefined,
  flags: { readonly json?: boolean; readonly pager: boolean },
): Promise<number> {
  const bugs = id === undefined ? knownBugs : knownBugs.filter((b) => b.id === id);
  if (id !== undefined && bugs.length === 0)
    throw usageError(
      "bug-unknown",
      id,
      didYouMean(
        id,
        knownBugs.map((b) => b.id),
      ),
    );
  const list = bugs.map(({ id, title, fix, affected, today, incident }) => ({
    id,
    title,
    fix: fix ?? null,
    affected,
    today,
    incident: incident ?? null,
  }));
  if (flags.json) {
    await t.out(`${JSON.stringify({ ...documentHead("unwedge.bugs/1"), bugs: list }, undefined, 2)}\n`);
    return exitCodes.ok;
  }
  const blocks = list.map((b) =>
    [
      b.id,
      `  ${b.title}`,
      `  affected: ${b.affected}`,
      `  fix:      ${b.fix ?? "none known"}`,
      `  today:    ${b.today}`,
      ...(b.incident === null ? [] : [`  incident: ${b.incident}`]),
    ]
      .map((l) => fold(l))
      .join("\n"),
  );
  await show(t, `${blocks.join("\n\n")}\n`, flags.pager);
  return exitCodes.ok;
}

/** Folds a line at 80 columns, under its own text. */
function fold(line: string): string {
  const indent = /^(?: {2}\w+: +| *)/.exec(line)?.[0].length ?? 0;
  const words = line.slice(indent).split(" ");
  const lines = [line.slice(0, indent)];
  for (const w of words) {
    const last = lines[lines.length - 1]!;
    if (last.length + w.length + 1 > 80 && last.trim() !== "" && last.length > indent)
      lines.push(" ".repeat(indent) + w);
    else lines[lines.length - 1] = last.length <= indent ? last + w : `${last} ${w}`;
  }
  return lines.join("\n");
}
