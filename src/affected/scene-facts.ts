/** What an incident works with, read off the scene that it sets up: so every incident has preconditions by itself. */
import { incidentNeeds, type Need } from "../diagnose/known-bugs/preconditions.ts";
import type { Incident } from "../incidents/incident.ts";
import { prepare } from "../incidents/prepare.ts";
import type { SuperBlock } from "../kernel/fs/inode.ts";
import type { Mm } from "../kernel/mm/mm.ts";

/** What the scene of an incident shows. */
export interface SceneFacts {
  readonly filesystems: readonly string[];
  /** It has memory cgroups below the root. */
  readonly memcgs: boolean;
}

/** Sets the incident up as it is by default; undefined when that fails. */
export function sceneFacts(incident: Incident): SceneFacts | undefined {
  const result = prepare(incident);
  if (!result.ok) return undefined;
  const { subsystems } = result.prepared.kernel;
  const mounted = (subsystems.get("super blocks") ?? []) as readonly SuperBlock[];
  const mm = subsystems.get("mm") as Mm | undefined;
  return {
    filesystems: [...new Set(mounted.map((sb) => sb.fsType))],
    memcgs: mm?.memcgs.some((memcg) => memcg.parent !== undefined) ?? false,
  };
}

/** Preconditions of an incident that no known bug speaks for. */
export function needsOf(incident: Incident): readonly Need[] {
  const facts = sceneFacts(incident);
  const source = `the scene of the incident ${incident.id}`;
  return [
    ...(facts?.memcgs ? [{ kind: "memcg" as const, source }] : []),
    ...(facts?.filesystems ?? []).map((fs) => ({ kind: "fs" as const, anyOf: [fs], source })),
    ...(incidentNeeds[incident.id] ?? []),
  ];
}
