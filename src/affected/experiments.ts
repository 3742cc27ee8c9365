/**
 * The explorations that back an answer: each precondition that the model can switch is flipped, the rest stays as the machine has
 * it. "Cannot happen" is a proof with the switch as it is here beside a witness with it flipped; "happens" is a witness.
 */
import type { Incident } from "../incidents/incident.ts";
import type { Choices } from "../incidents/prepared.ts";
import { reproductionOf } from "../incidents/reproduce.ts";
import { type Era, hasFix, parseEra } from "../kernel/era.ts";
import type { KernelName } from "./kernel-name.ts";
import type { Condition, Experiment, Machine, Status } from "./types.ts";

/** What is to be backed. */
export interface Claim {
  readonly status: Status;
  /** Unreachable because the kernel is older than the bug. */
  readonly before: boolean;
  readonly conditions: readonly Condition[];
  /** Fixes of kernel/era.ts that close it. */
  readonly fixes: readonly string[];
}

/** The model's release nearest to a machine's kernel: its own point release, `.0` where that is hidden. */
export function eraFor(kernel: KernelName | undefined): Era | undefined {
  if (kernel === undefined) return undefined;
  const parsed = parseEra(`${kernel.major}.${kernel.minor}.${kernel.patch ?? 0}`);
  return parsed.ok ? parsed.era : undefined;
}

/** The explorations that back a claim; none where the model has no switch for it. */
export function experimentsFor(incident: Incident, machine: Machine, claim: Claim): readonly Experiment[] {
  // a search finds nothing in what is only slow
  if (incident.slow === true) return [];
  const era = eraFor(machine.kernel?.value);
  const hacks = reproductionOf(incident.id)?.hacks ?? [];
  const base: Choices = {
    // an incident that takes fixes out of its own release does not where the release is named
    ...(era === undefined || (era.release === incident.era && incident.reverted === undefined)
      ? {}
      : { era: era.release }),
    ...(hacks.length === 0 ? {} : { hacks }),
  };
  switch (claim.status) {
    case "affected":
      return [experiment("witness", incident, asHere(base, incident, machine))];
    case "fixed":
      return fixed(incident, base, era, claim.fixes);
    case "unreachable":
      return unreachable(incident, base, claim);
    case "unknown":
      return [];
  }
}

/** The hierarchy and the accounting that the machine has. */
function asHere(base: Choices, incident: Incident, { cgroup, kmem }: Machine): Choices {
  return {
    ...base,
    ...(cgroup === undefined || cgroup.value === (incident.cgroup ?? "v1") ? {} : { cgroup: cgroup.value }),
    ...(kmem?.value === false ? { kmem: false } : {}),
  };
}

/** With the fix taken out the bug is back. */
function fixed(
  incident: Incident,
  base: Choices,
  era: Era | undefined,
  fixes: readonly string[],
): readonly Experiment[] {
  if (era === undefined) return [];
  const reverted = fixes.filter((fix) => incident.fixes.includes(fix) && hasFix(era, fix));
  if (reverted.length === 0) return [];
  return [experiment("proof", incident, base), experiment("witness", incident, { ...base, reverted })];
}

function unreachable(incident: Incident, base: Choices, claim: Claim): readonly Experiment[] {
  const pair = (off: Choices, on: Choices): readonly Experiment[] => [
    experiment("proof", incident, off),
    experiment("witness", incident, on),
  ];
  if (claim.before) {
    const { era: _, ...own } = base;
    return base.era === undefined ? [] : pair(base, own);
  }
  const { hacks: _, ...bare } = base;
  for (const { holds, need } of claim.conditions) {
    if (holds !== false) continue;
    if (need.kind === "cgroup") return pair({ ...base, cgroup: need.version === "v1" ? "v2" : "v1" }, base);
    if (need.kind === "kmem") return pair({ ...base, kmem: false }, base);
    if (need.kind === "swap" && need.off !== undefined) return pair({ ...base, parameters: need.off }, base);
    if (need.kind === "never") return pair(bare, { ...base, hacks: need.hacks });
  }
  return [];
}

/** An exploration with the command that runs it. */
export function experiment(role: Experiment["role"], incident: Incident, choices: Choices): Experiment {
  return { role, incident: incident.id, choices, command: commandOf(incident.id, choices) };
}

/** As it is typed. */
export function commandOf(incident: string, choices: Choices): string {
  const { era, fixes = [], reverted = [], cgroup, kmem, hacks = [], parameters = {} } = choices;
  return [
    `unwedge explore ${incident}`,
    ...(era === undefined ? [] : [`--era ${era}`]),
    ...fixes.map((fix) => `--fix ${fix}`),
    ...reverted.map((fix) => `--revert ${fix}`),
    ...(cgroup === undefined ? [] : [`--cgroup ${cgroup}`]),
    ...(kmem === false ? ["--nokmem"] : []),
    ...(hacks.length === 0 ? [] : [`--hack ${hacks.join(",")}`]),
    ...Object.entries(parameters).map(([name, value]) => `--param ${name}=${value}`),
  ].join(" ");
}
