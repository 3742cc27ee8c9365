/**
 * Kernel releases as `uname -r` prints them, and what a release (or the symbols seen) says about the era.
 *
 * A distribution's number tells where its tree started, not what was backported: 3.10.0-1160.el7 carries changes of
 * much later kernels. Test what a line or a symbol looks like first; ask the release only when that is not enough.
 */

import type { Era } from "./types.ts";

/** A parsed `uname -r`; `text` is the whole string as printed. */
export interface Release {
  readonly major: number;
  readonly minor: number;
  /** Third number; absent for `5.17-rc6` style names and for `-rc` builds printed as `5.17.0-rc6`, where it says nothing. */
  readonly patch?: number;
  /** Release candidate number of `X.Y.0-rcN`. */
  readonly rc?: number;
  readonly text: string;
}

const RELEASE = /^v?(\d{1,3})\.(\d{1,4})(?:\.(\d{1,5}))?([^\s]*)$/;
const RC = /^[-.~]?rc(\d{1,3})(?!\d)/;

/** Parses `6.1.0-56-cloud-amd64`, `5.17.0-rc6-dgc+`, `4.4.0-146-generic`, `3.10.0-1160.el7`; undefined for anything else. */
export function parseRelease(text: string): Release | undefined {
  const trimmed = text.trim();
  if (trimmed.length > 256) return undefined;
  const m = RELEASE.exec(trimmed);
  if (m === null) return undefined;
  const rest = m[4] ?? "";
  // What follows the numbers starts with a separator in every name built by scripts/setlocalversion or a distribution.
  if (rest !== "" && !/^[-+.~_]/.test(rest)) return undefined;
  const rc = RC.exec(rest);
  const patch = m[3] === undefined || rc !== null ? undefined : Number(m[3]);
  return {
    major: Number(m[1]),
    minor: Number(m[2]),
    ...(patch === undefined ? {} : { patch }),
    ...(rc === null ? {} : { rc: Number(rc[1]) }),
    text: trimmed,
  };
}

/** Negative when `a` is older than `b`; a release candidate is older than its release. Local versions do not count. */
export function compareReleases(a: Release, b: Release): number {
  return a.major - b.major || a.minor - b.minor || candidate(a) - candidate(b) || (a.patch ?? 0) - (b.patch ?? 0);
}

function candidate(r: Release): number {
  return r.rc ?? Number.POSITIVE_INFINITY;
}

/**
 * Whether the release lies in the era (`since` inclusive, `before` exclusive, as `major.minor`). Undefined when the
 * release is unknown and the era has a bound. Candidates count as their release: the merge window is over at -rc1.
 */
export function inEra(release: Release | undefined, era: Era | undefined): boolean | undefined {
  if (era === undefined || (era.since === undefined && era.before === undefined)) return true;
  if (release === undefined) return undefined;
  if (era.since !== undefined && atLeast(release, era.since) === false) return false;
  return !(era.before !== undefined && atLeast(release, era.before) === true);
}

function atLeast(release: Release, bound: string): boolean {
  const b = parseRelease(bound);
  if (b === undefined) throw new Error(`not a kernel version: ${bound}`);
  return release.major > b.major || (release.major === b.major && release.minor >= b.minor);
}

/** How the kernel names pages in its functions. */
export type PageApi = "page" | "folio";

/**
 * Folio names exist since 5.16 (mm/filemap.c:folio_unlock and its family); page names went away one by one after that, so
 * a later release may still print both.
 */
export function pageApi(release: Release | undefined): PageApi | undefined {
  const since = inEra(release, { since: "5.16" });
  return since === undefined ? undefined : since ? "folio" : "page";
}

/**
 * Functions of the wait and lock path that exist in one world only. `unlock_page`, `end_page_writeback` and
 * `wait_on_page_writeback` prove nothing: they stayed as wrappers (mm/folio-compat.c).
 */
const FOLIO_ONLY: ReadonlySet<string> = new Set([
  "__folio_lock",
  "__folio_lock_killable",
  "__folio_lock_or_retry",
  "folio_wait_bit",
  "folio_wait_bit_common",
  "folio_wait_bit_killable",
  "folio_wait_writeback",
  "folio_wait_stable",
  "folio_wake_bit",
  "folio_end_writeback",
  "folio_unlock",
  "__filemap_get_folio",
  "filemap_add_folio",
  "__filemap_add_folio",
  "shrink_folio_list",
]);
const PAGE_ONLY: ReadonlySet<string> = new Set([
  "__lock_page",
  "__lock_page_killable",
  "__lock_page_or_retry",
  "wait_on_page_bit",
  "wait_on_page_bit_common",
  "wait_on_page_bit_killable",
  "wake_up_page_bit",
  "__add_to_page_cache_locked",
  "add_to_page_cache_locked",
]);

/** Page or folio world, from function names seen in stacks; undefined when they do not tell or contradict. */
export function pageApiFromSymbols(names: Iterable<string>): PageApi | undefined {
  let folio = false;
  let page = false;
  for (const name of names) {
    if (FOLIO_ONLY.has(name)) folio = true;
    else if (PAGE_ONLY.has(name)) page = true;
  }
  return folio === page ? undefined : folio ? "folio" : "page";
}
