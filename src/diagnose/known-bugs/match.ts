/** Matches findings against the table by the shape of the wait graph. */
import type { Evidence } from "../../evidence/types.ts";
import { inEra, type Release } from "../../knowledge/release.ts";
import type { KnownBugMatch } from "../types.ts";
import type { Finding } from "../verdict.ts";
import type { Party } from "../wants.ts";
import { knownBugs } from "./table.ts";
import type { EdgeShape, KnownBug } from "./types.ts";

/** Matches below this are no help to anybody. */
const WORTH_TELLING = 0.5;
/** The shape is there, but the cycle is not proven or a frame of the path is marked `?`. */
const HINT = 0.6;

/** Known bugs whose shape is in the finding, the best first. */
export function matchKnownBugs(
  f: Finding,
  evidence: Evidence,
  release: Release | undefined,
  table: readonly KnownBug[] = knownBugs,
): KnownBugMatch[] {
  if (evidence.tasks.length === 0) return [];
  const out: KnownBugMatch[] = [];
  for (const bug of table) {
    const m = matchOne(bug, f, release);
    if (m && m.match >= WORTH_TELLING) out.push(m);
  }
  return out.sort((a, b) => b.match - a.match || (a.id < b.id ? -1 : 1)).slice(0, 5);
}

function matchOne(bug: KnownBug, f: Finding, release: Release | undefined): KnownBugMatch | undefined {
  if (!bug.verdicts.includes(f.verdict)) return undefined;
  const core = new Set<Party>((f.core?.contexts ?? []).flatMap((c) => f.model.parties[c] ?? []));
  const present = f.model.parties.filter((p) => !p.subject.released);
  const waiters = present.filter((p) => p.want && (p.subject.blocked || p.want.sleep === "spin"));
  const others = (edge: EdgeShape): readonly Party[] => (edge.waitsFor.length === 0 ? present : waiters);
  const used = new Set<Party>();
  const why: string[] = [];
  let outside = 0;
  let unsure = false;
  for (const edge of bug.edges) {
    const inCore = [...core].find((p) => !used.has(p) && fits(edge, p));
    const party = inCore ?? others(edge).find((p) => !used.has(p) && fits(edge, p));
    if (!party) return undefined;
    if (!inCore && edge.where !== "any") outside++;
    if (edge.unsure && !fitsPath(edge, party.subject.now.stack.names)) unsure = true;
    used.add(party);
    why.push(whyFits(edge, party));
  }
  // A shape whose members do not close a proven cycle, or that stands on frames marked `?`, is a hint, not a match.
  const closed = outside === 0 && !unsure ? 1 : HINT;
  const outsideEra = inEra(release, bug.era) === false;
  return {
    id: bug.id,
    title: bug.title,
    ...(bug.fix !== undefined && { fix: bug.fix }),
    affected: bug.affected,
    today: bug.today,
    match: Number((closed * (outsideEra ? 0.5 : 1)).toFixed(2)),
    ...(outsideEra && { outsideEra }),
    ...(bug.incident !== undefined && { incident: bug.incident }),
    why,
  };
}

/** What was found of an edge: the hold where the shape asks for one, else the path that singles it out. */
function whyFits(edge: EdgeShape, party: Party): string {
  const who = party.subject.ref.comm ?? "a task";
  const place = fitting(edge, party);
  if (edge.waitsFor.length === 0) return whereIs(edge, party, who, place);
  const lock = party.want?.id ? ` ${party.want.id}` : "";
  const waits = `${who} waits for ${party.want?.class}${lock}`;
  const held = edge.holds?.filter((name) => hasHold(party, name)) ?? [];
  if (held.length > 0) return `${waits} holding ${held.join(" and ")}`;
  return place ? `${waits} in ${place}()` : waits;
}

/** A task in state D does not run, and a frame marked `?` may be left over from an earlier call. */
function whereIs(edge: EdgeShape, party: Party, who: string, place: string | undefined): string {
  const { state, stack } = party.subject.now;
  const at = place === undefined ? "the kernel" : `${place}()`;
  if (!fitsPath(edge, stack.names)) return `${who} may be in ${at}: the frame is marked ?`;
  return state === "D" ? `${who} sleeps in ${at}` : `${who} runs in ${at}`;
}

function fitting(edge: EdgeShape, party: Party): string | undefined {
  const names = namesOf(edge, party);
  return edge.path?.find((n) => names.includes(n));
}

function fits(edge: EdgeShape, p: Party): boolean {
  return fitsWant(edge, p) && fitsHolds(edge, p) && fitsPath(edge, namesOf(edge, p));
}

function fitsWant(edge: EdgeShape, p: Party): boolean {
  const { want } = p;
  // A running task has no wait, or one that is only the name of the function it runs in.
  if (edge.waitsFor.length === 0) return !want || want.class === "unknown";
  if (!want || !edge.waitsFor.includes(want.class)) return false;
  if (edge.id && !edge.id.includes(want.id ?? "")) return false;
  return !edge.mode || want.mode === edge.mode;
}

function hasHold(p: Party, name: string): boolean {
  return p.haves.some((h) => h.class === name || `${h.class}:${h.id ?? ""}` === name);
}

function fitsHolds(edge: EdgeShape, p: Party): boolean {
  if (edge.holds && !edge.holds.some((name) => hasHold(p, name))) return false;
  return !edge.notHolds?.some((name) => hasHold(p, name));
}

function namesOf(edge: EdgeShape, p: Party): readonly string[] {
  const { stack } = p.subject.now;
  return edge.unsure ? stack.frames.map((f) => f.symbol) : stack.names;
}

function fitsPath(edge: EdgeShape, names: readonly string[]): boolean {
  if (edge.path && !edge.path.some((n) => names.includes(n))) return false;
  if (edge.path2 && !edge.path2.some((n) => names.includes(n))) return false;
  return !edge.notPath?.some((n) => names.includes(n));
}
