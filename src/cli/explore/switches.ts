/** What `--compare all` goes through: an incident with every single switch it has. */
import type { Incident } from "../../incidents/incident.ts";
import type { Choices } from "../../incidents/prepared.ts";
import { hasFix, parseEra } from "../../kernel/era.ts";
import type { Switch } from "./job.ts";

/** The switches on top of `base`; a fix is taken out where the era has it. */
export function switchesOf(
  incident: Incident,
  base: Choices,
): { readonly switches: readonly Switch[] } | { readonly error: string } {
  const parsed = parseEra(base.era ?? incident.era);
  if (!parsed.ok) return { error: parsed.error };
  const { fixes = [], reverted = [], hacks = [] } = base;
  // what the incident takes out by itself can be put back, whether or not it was named
  const takenOut = base.era === undefined ? (incident.reverted ?? []) : [];
  const named = reverted.filter((fix) => !takenOut.includes(fix));
  const free = incident.fixes.filter((fix) => !fixes.includes(fix) && !named.includes(fix));
  const switched = (fix: string): Switch =>
    hasFix(parsed.era, fix) && !takenOut.includes(fix)
      ? { name: `--revert ${fix}`, choices: { ...base, reverted: [...reverted, fix] } }
      : { name: `--fix ${fix}`, choices: { ...base, fixes: [...fixes, fix], reverted: named } };
  const cgroup = (base.cgroup ?? incident.cgroup ?? "v1") === "v1" ? "v2" : "v1";
  const known = Object.keys(incident.hacks ?? {}).filter((hack) => !hacks.includes(hack));
  const hacked: Choices = { ...base, hacks: [...hacks, ...known] };
  const hackName = `--hack ${known.join(",")}`;
  return {
    switches: [
      { name: "(as it is)", choices: base },
      ...free.map(switched),
      ...free.flatMap((fix) => {
        const companion = incident.companions?.[fix];
        if (companion === undefined || !free.includes(companion)) return [];
        const [one, two] = [switched(fix), switched(companion)];
        const both = [...(one.choices.fixes ?? []), companion];
        return [{ name: `${one.name} ${two.name}`, choices: { ...one.choices, fixes: both } }];
      }),
      ...(known.length === 0 ? [] : [{ name: hackName, choices: hacked }]),
      ...(known.length === 0
        ? []
        : free.map((fix) => {
            const { name, choices } = switched(fix);
            return { name: `${hackName} ${name}`, choices: { ...choices, hacks: hacked.hacks ?? [] } };
          })),
      ...(base.kmem === false ? [] : [{ name: "--nokmem", choices: { ...base, kmem: false } }]),
      { name: `--cgroup ${cgroup}`, choices: { ...base, cgroup } },
    ],
  };
}
