/**
 * How long a stable series was continued, as far as it decides whether a fix can have reached it. Sources: the Releases page of
 * kernel.org (longterm series); "for regular releases, updates are made only until the next one is out" (the same page, and
 * opennet.ru of June 2020 on the longterm series 4.19 and 5.4).
 */

/** Longterm series with a known mainline number; all others ended when the next release was out. */
const LONGTERM = new Set([
  "2.6.32",
  "3.0",
  "3.2",
  "3.4",
  "3.10",
  "3.12",
  "3.14",
  "3.16",
  "3.18",
  "4.1",
  "4.4",
  "4.9",
  "4.14",
  "4.19",
  "5.4",
  "5.10",
  "5.15",
  "6.1",
  "6.6",
  "6.12",
  "6.18",
]);

/** Last release of each major number, so that releases can be counted. */
const LAST_MINOR = new Map([
  [3, 19],
  [4, 20],
  [5, 19],
  [6, 19],
]);
/** A fix is merged at most one release before the one that names it, and a series lives on some weeks into the next. */
const LIVES_ON = 3;

/** Two numbers of a mainline release. */
export interface Mainline {
  readonly major: number;
  readonly minor: number;
}

/** Releases from `a` to `b`; undefined when they cannot be counted. */
function distance(a: Mainline, b: Mainline): number | undefined {
  let n = b.minor;
  for (let major = b.major - 1; major >= a.major; major--) {
    const last = LAST_MINOR.get(major);
    if (last === undefined) return undefined;
    n += last + 1;
  }
  return n - a.minor;
}

/** Whether a series ended before a fix that first came with `fixedIn` was written. */
export function endedBefore(series: Mainline, fixedIn: Mainline): boolean {
  if (LONGTERM.has(`${series.major}.${series.minor}`)) return false;
  const n = distance(series, fixedIn);
  return n !== undefined && n >= LIVES_ON;
}
