/** `unwedge incidents`: what can be explored, with its switches and parameters. */

import { wrap } from "../../report/wrap.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Library } from "../explore/job.ts";
import { show, type Terminal } from "../terminal.ts";
import { documentHead } from "../version.ts";

/** Runs the command. */
export async function runIncidents(
  t: Terminal,
  flags: { readonly json?: boolean; readonly pager: boolean },
  given?: Pick<Library, "incidents">,
): Promise<number> {
  const { incidents } = given ?? (await import("../../incidents/index.ts"));
  if (flags.json) {
    const list = incidents.map(
      ({ id, title, source, era, reverted, cgroup, parameters, fixes, hacks, fixedChoices }) => ({
        id,
        title,
        source: source ?? null,
        era,
        reverted: reverted ?? [],
        cgroup: cgroup ?? "v1",
        parameters,
        fixes,
        hacks: hacks ?? {},
        fixedChoices,
      }),
    );
    await t.out(`${JSON.stringify({ ...documentHead("unwedge.incidents/1"), incidents: list }, undefined, 2)}\n`);
    return exitCodes.ok;
  }
  const blocks = incidents.map((incident) => {
    const { id, title, source, era, reverted, cgroup, parameters, fixes, hacks } = incident;
    const named: readonly (readonly [string, string])[] = [
      ["", title],
      ...(source === undefined ? [] : [["source:", source] as const]),
      [
        "kernel:",
        `${era}${reverted === undefined ? "" : ` without ${reverted.join(" and ")}`}, cgroup ${cgroup ?? "v1"}`,
      ],
      ...(fixes.length === 0 ? [] : [["--fix:", fixes.join(", ")] as const]),
      ...Object.entries(hacks ?? {}).map(([name, what]) => ["--hack:", `${name}: ${what}`] as const),
      ...Object.entries(parameters).map(
        ([name, p]) => ["--param:", `${name}=${p.default} (${p.min} to ${p.max}): ${p.what}`] as const,
      ),
    ];
    const lines = named.flatMap(([label, text]) =>
      label === "" ? wrap(text, 80, "  ") : wrap(text, 80, `  ${label.padEnd(9)}`, " ".repeat(11)),
    );
    return [id, ...lines].join("\n");
  });
  const tail = "Explore one with `unwedge explore NAME`, all its fixes with `--compare all`.\n";
  await show(t, `${blocks.join("\n\n")}\n\n${tail}`, flags.pager);
  return exitCodes.ok;
}
