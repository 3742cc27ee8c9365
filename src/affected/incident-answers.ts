/**
 * Answers for the incidents of the model. Where known bugs name the incident, it is theirs: it can happen when one of them can.
 * Else the incident's own data speak: the release it is run on shows which of its fixes were missing, the release asked about
 * which of them are there now, its scene what it works with. What these do not settle the explorer does (`--prove`).
 */
import { incidentNeeds, preconditions } from "../diagnose/known-bugs/preconditions.ts";
import { knownBugs } from "../diagnose/known-bugs/table.ts";
import type { Incident } from "../incidents/incident.ts";
import { reproductionOf } from "../incidents/reproduce.ts";
import { fixes as allFixes, type Era, eraName, hasFix, mergedIn, parseEra, unverifiedFeatures } from "../kernel/era.ts";
import { combine } from "./combine.ts";
import { conditionOf } from "./conditions.ts";
import { eraFor, experiment, experimentsFor } from "./experiments.ts";
import { type KernelName, pointName } from "./kernel-name.ts";
import { needsOf } from "./scene-facts.ts";
import { type Standing, standingOf } from "./standing.ts";
import { type Answer, type Condition, type Machine, STATUSES } from "./types.ts";

/** One answer for each incident; `bugs` are the answers for the known bugs. */
export function incidentAnswers(
  machine: Machine,
  incidents: readonly Incident[],
  bugs: readonly Answer[],
): readonly Answer[] {
  return incidents.map((incident) => {
    const own = bugs.filter((bug) => bug.incident === incident.id);
    return own.length > 0
      ? withOwnNeeds(fromBugs(incident, machine, own), incident, machine)
      : fromItself(incident, machine);
  });
}

/** The gravest answer of the bugs that the incident shows. */
function fromBugs(incident: Incident, machine: Machine, bugs: readonly Answer[]): Answer {
  const arrived = bugs.filter((bug) => !before(bug, machine));
  const [gravest] = (arrived.length > 0 ? arrived : [...bugs]).sort(
    (a, b) => STATUSES.indexOf(a.status) - STATUSES.indexOf(b.status),
  );
  if (gravest === undefined) throw new Error("an answer of a bug was expected");
  const missing = gravest.status === "fixed" ? missingFixes(incident, machine) : [];
  const head = { ...headOf(incident), conditions: gravest.conditions, sources: sourcesOf(incident) };
  const commit = gravest.commit === undefined ? {} : { commit: gravest.commit };
  if (missing.length > 0) return { ...head, ...commit, ...needsExplorer(incident, machine, withoutFixes(missing)) };
  const { status, reason, decidedBy } = gravest;
  const others = bugs.length > 1 ? `${gravest.id}: ` : "";
  return { ...head, ...commit, status, reason: `${others}${reason}`, decidedBy, experiments: gravest.experiments };
}

/** The answer of its bugs, weighed against what the incident needs and they do not ask for. */
function withOwnNeeds(answer: Answer, incident: Incident, machine: Machine): Answer {
  const own = (incidentNeeds[incident.id] ?? []).map((need) => conditionOf(need, machine));
  const conditions = [...answer.conditions, ...own];
  if (answer.status !== "affected" && answer.status !== "unknown") return { ...answer, conditions };
  const missing = own.find((c) => c.holds === false);
  if (missing !== undefined) {
    const claim = { status: "unreachable", before: false, conditions: own, fixes: [] } as const;
    const experiments = experimentsFor(incident, machine, claim);
    return { ...answer, status: "unreachable", reason: missing.because, decidedBy: [], conditions, experiments };
  }
  const open = own.filter((c) => c.holds === undefined);
  if (open.length === 0) return { ...answer, conditions };
  const reason = `${answer.reason}; not known: ${open.map((c) => c.what).join(", ")}`;
  const decidedBy = [...new Set([...answer.decidedBy, ...open.flatMap((c) => c.decidedBy)])];
  return { ...answer, status: "unknown", reason, decidedBy, conditions, experiments: [] };
}

/** The kernel is older than the bug. */
function before(bug: Answer, machine: Machine): boolean {
  const known = preconditions[bug.id];
  return known !== undefined && standingOf(known.lifetime, machine).kind === "before";
}

function headOf(incident: Incident): Pick<Answer, "kind" | "id" | "title" | "incident"> {
  return { kind: "incident", id: incident.id, title: incident.title, incident: incident.id };
}

function sourcesOf(incident: Incident): readonly string[] {
  return [...(incident.source === undefined ? [] : [incident.source]), "kernel/era.ts: the histories of its fixes"];
}

function fromItself(incident: Incident, machine: Machine): Answer {
  const needs = needsOf(incident);
  const hacks = reproductionOf(incident.id)?.hacks ?? [];
  const conditions: Condition[] = needs.map((need) => conditionOf(need, machine));
  if (hacks.length > 0)
    conditions.push(
      conditionOf(
        {
          kind: "never",
          why: `it takes a change that no kernel has: ${hacks.map((h) => incident.hacks?.[h] ?? h).join("; ")}`,
          hacks,
          source: `the hacks of the incident ${incident.id}`,
        },
        machine,
      ),
    );
  const standing = byFixes(incident, machine);
  const head = { ...headOf(incident), conditions, sources: sourcesOf(incident) };
  const unmet = conditions.some((c) => c.holds === false);
  const closing = closingFix(incident);
  const guessed = standing?.kind === "fixed" && closing?.sure === false;
  if ((standing === undefined || guessed) && !unmet)
    return { ...head, ...needsExplorer(incident, machine, unclear(incident, machine)) };
  const combined = combine(
    standing === undefined || guessed ? { kind: "present", because: "" } : standing,
    conditions,
    machine,
  );
  const differs = combined.status === "affected" ? differsFromOwn(incident, machine) : undefined;
  if (differs !== undefined) return { ...head, ...needsExplorer(incident, machine, differs) };
  const commit = allFixes.find((fix) => fix.id === closing?.fix)?.commit;
  return {
    ...head,
    ...combined,
    ...(commit === undefined ? {} : { commit }),
    experiments: experimentsFor(incident, machine, {
      status: combined.status,
      before: false,
      conditions,
      fixes: closing === undefined ? [] : [closing.fix],
    }),
  };
}

/**
 * The fix that closes an incident: the one its reproduction takes out, or else, not surely, the only merged one that its own release
 * lacks.
 */
function closingFix(incident: Incident): { readonly fix: string; readonly sure: boolean } | undefined {
  const named = reproductionOf(incident.id)?.fix;
  if (named !== undefined) return { fix: named, sure: true };
  const own = parseEra(incident.era);
  if (!own.ok) return undefined;
  const [fix, ...more] = merged(incident).filter((one) => !hasFix(own.era, one));
  return fix === undefined || more.length > 0 ? undefined : { fix, sure: false };
}

/** Fixes of an incident that a kernel has. */
function merged(incident: Incident): readonly string[] {
  return incident.fixes.filter((id) => allFixes.some((fix) => fix.id === id && mergedIn(fix).length > 0));
}

/** Fixes that the incident's own release has and this one does not. @internal */
export function missingFixes(incident: Incident, machine: Machine): readonly string[] {
  const own = parseEra(incident.era);
  const here = eraFor(machine.kernel?.value);
  if (!own.ok || here === undefined) return [];
  return merged(incident).filter((fix) => hasFix(own.era, fix) && !hasFix(here, fix));
}

const withoutFixes = (missing: readonly string[]): string => `fixed as it was, but without ${missing.join(", ")}`;

/** Where the kernel stands by the incident's fixes; undefined: only the explorer can tell. */
function byFixes(incident: Incident, machine: Machine): Standing | undefined {
  const fix = allFixes.find((f) => f.id === closingFix(incident)?.fix);
  const proposals = merged(incident).length === 0;
  if (fix !== undefined && mergedIn(fix).length > 0)
    return standingOf({ fix: fix.id, source: "kernel/era.ts" }, machine);
  // never merged anywhere
  if (proposals) return standingOf({ checkedTo: "6.18", source: "kernel/era.ts" }, machine);
  return machine.kernel === undefined
    ? { kind: "unknown", because: "the kernel's release is not given", decidedBy: ["--release", "--log"] }
    : undefined;
}

/**
 * Why what was found in the incident's own release need not be in this one. A later release without the fix is taken to have it; an
 * older one may lack the mechanism.
 */
function differsFromOwn(incident: Incident, machine: Machine): string | undefined {
  const own = parseEra(incident.era);
  const here = eraFor(machine.kernel?.value);
  if (!own.ok) return undefined;
  if (here === undefined) return `the model has no ${nameOf(machine)}`;
  const wanted = incident.cgroup ?? "v1";
  if (machine.cgroup === undefined) return `it was run on cgroup ${wanted}, and the cgroup version is not known`;
  if (machine.cgroup.value !== wanted) return `it was run on cgroup ${wanted}, not ${machine.cgroup.value}`;
  if (machine.kmem?.value === false) return "it was run with kernel memory accounted";
  const older = here.major < own.era.major || (here.major === own.era.major && here.minor < own.era.minor);
  return older && !sameModel(own.era, here) ? `it was run on ${eraName(own.era)}, which is later` : undefined;
}

/** Every switch has the same value, and none of them rests on a guess. */
function sameModel(a: Era, b: Era): boolean {
  const names = Object.keys(a.features) as (keyof Era["features"])[];
  return names.every((name) => a.features[name] === b.features[name]) && unverifiedFeatures(b).length === 0;
}

function unclear(incident: Incident, machine: Machine): string {
  const here = eraFor(machine.kernel?.value);
  if (here === undefined) return `the model has no ${nameOf(machine)}`;
  const there = merged(incident).filter((fix) => hasFix(here, fix));
  return there.length === 0
    ? `none of its fixes is in ${here.release}`
    : `of its fixes ${there.join(", ")} ${there.length > 1 ? "are" : "is"} in ${here.release}; which ends it the explorer tells`;
}

const nameOf = (machine: Machine): string => {
  const k: KernelName | undefined = machine.kernel?.value;
  return k === undefined ? "release without a name" : pointName(k);
};

/** Unknown until it is explored as the machine is, beside the incident in its own release. */
function needsExplorer(
  incident: Incident,
  machine: Machine,
  reason: string,
): Pick<Answer, "status" | "reason" | "decidedBy" | "experiments"> {
  const here = eraFor(machine.kernel?.value);
  const cgroupOpen = machine.cgroup === undefined;
  const hacks = reproductionOf(incident.id)?.hacks ?? [];
  const [asked] =
    here === undefined
      ? []
      : experimentsFor(incident, machine, { status: "affected", before: false, conditions: [], fixes: [] });
  return {
    status: "unknown",
    reason,
    decidedBy: [...(cgroupOpen ? ["--cgroup"] : []), ...(asked === undefined ? [] : ["--prove"])],
    experiments:
      asked === undefined
        ? []
        : [
            experiment("proof", incident, asked.choices),
            experiment("witness", incident, hacks.length === 0 ? {} : { hacks }),
          ],
  };
}

/** Known bugs that no precondition speaks of; for the tests. @internal */
export const bugsWithoutPreconditions = (): readonly string[] =>
  knownBugs.filter((bug) => preconditions[bug.id] === undefined).map((bug) => bug.id);
