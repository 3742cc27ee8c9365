/** `unwedge incidents`: what can be explored, with its switches and parameters. */
import { type AbstractIncident, type AnyIncident, type Incident, isAbstract } from "../../incidents/incident.ts";
import { wrap } from "../../report/wrap.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Library } from "../explore/job.ts";
import { show, type Terminal } from "../terminal.ts";
import { documentHead } from "../version.ts";

/** Runs the command. */
export async function runIncidents(
  t: Terminal,
  flags: { readonly json?: boolean; readonly pager: boolean },
  given?: Pick<Library, "incidents"> & { readonly abstractIncidents?: readonly AbstractIncident[] },
): Promise<number> {
  const { incidents, abstractIncidents = [] } = given ?? (await import("../../incidents/index.ts"));
  const all: readonly AnyIncident[] = [...incidents, ...abstractIncidents];
  if (flags.json) {
    const head = documentHead("unwedge.incidents/1");
    await t.out(`${JSON.stringify({ ...head, incidents: all.map(document) }, undefined, 2)}\n`);
    return exitCodes.ok;
  }
  const tail = "Explore one with `unwedge explore NAME`, all its fixes with `--compare all`.\n";
  await show(t, `${all.map(block).join("\n\n")}\n\n${tail}`, flags.pager);
  return exitCodes.ok;
}

/** What chooses a kernel is null or empty where there is none. */
function document(incident: AnyIncident) {
  const { id, title, source, parameters, fixedChoices } = incident;
  const kernel: Partial<Incident> = isAbstract(incident) ? {} : { ...incident, cgroup: incident.cgroup ?? "v1" };
  return {
    id,
    title,
    source: source ?? null,
    abstract: isAbstract(incident),
    era: kernel.era ?? null,
    reverted: kernel.reverted ?? [],
    cgroup: kernel.cgroup ?? null,
    parameters,
    fixes: kernel.fixes ?? [],
    hacks: kernel.hacks ?? {},
    fixedChoices,
  };
}

type Line = readonly [label: string, text: string];

function block(incident: AnyIncident): string {
  const { id, title, source, parameters } = incident;
  const named: readonly Line[] = [
    ["", title],
    ...(source === undefined ? [] : [["source:", source] as const]),
    ...(isAbstract(incident) ? [["kernel:", "none: an abstract model"] as const] : kernelLines(incident)),
    ...Object.entries(parameters).map(
      ([name, p]) => ["--param:", `${name}=${p.default} (${p.min} to ${p.max}): ${p.what}`] as const,
    ),
  ];
  const lines = named.flatMap(([label, text]) =>
    label === "" ? wrap(text, 80, "  ") : wrap(text, 80, `  ${label.padEnd(9)}`, " ".repeat(11)),
  );
  return [id, ...lines].join("\n");
}

function kernelLines({ era, reverted, cgroup = "v1", fixes, hacks = {} }: Incident): readonly Line[] {
  const without = reverted === undefined ? "" : ` without ${reverted.join(" and ")}`;
  return [
    ["kernel:", `${era}${without}, cgroup ${cgroup}`],
    ...(fixes.length === 0 ? [] : [["--fix:", fixes.join(", ")] as const]),
    ...Object.entries(hacks).map(([name, what]) => ["--hack:", `${name}: ${what}`] as const),
  ];
}
