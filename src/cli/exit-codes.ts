/** Exit codes are a public promise; scripts rely on them. */
import type { Verdict } from "../diagnose/types.ts";
import type { Exploration } from "../explore/incident.ts";

/** What each exit code says. */
export const exitCodes = {
  /** Nothing wrong found: `none`, `slow`. */
  ok: 0,
  /** A deadlock, livelock, lost I/O or missed wakeup was found. */
  found: 1,
  /** Bad usage or input. */
  usage: 2,
  /** `unknown`, or nothing recognisable in the input. */
  inconclusive: 3,
  /** SIGINT, as shells report it. */
  interrupted: 130,
} as const;

const byVerdict: Readonly<Record<Verdict, number>> = {
  none: exitCodes.ok,
  slow: exitCodes.ok,
  deadlock: exitCodes.found,
  livelock: exitCodes.found,
  "lost-io": exitCodes.found,
  "missed-wakeup": exitCodes.found,
  unknown: exitCodes.inconclusive,
};

/** The exit code of `diagnose` for a verdict. */
export function exitCodeOf(verdict: Verdict): number {
  return byVerdict[verdict];
}

/** The exit code of `explore` and `replay`; a replay is complete in itself. */
export function exitCodeOfExploration(e: Pick<Exploration, "outcome" | "complete">): number {
  if (e.outcome !== "none") return exitCodes.found;
  return e.complete ? exitCodes.ok : exitCodes.inconclusive;
}
