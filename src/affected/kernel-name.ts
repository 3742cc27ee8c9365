/**
 * The name of a kernel: `uname -r`, `uname -a`, or the banner in a log. Says which point release it is as far as the text
 * shows it, and who may have changed it: a distribution's kernel carries fixes that its number does not tell.
 */
import { parseRelease } from "../knowledge/release.ts";
import { type Distribution, distributionOf } from "./distributions.ts";

/** A kernel as it names itself. @since 0.3.0 */
export interface KernelName {
  /** `uname -r`. */
  readonly uname: string;
  readonly major: number;
  readonly minor: number;
  /** Third number of the stable release it is made from; undefined where the name hides it. */
  readonly patch?: number;
  /** Release candidate. */
  readonly rc?: number;
  /** Whose kernel it is; undefined: the name has no local part. */
  readonly distribution?: Distribution;
  /** Where the point release was read, when it is not the third number of `uname`. */
  readonly pointFrom?: string;
}

/** A kernel name, or why the text is none, with what to write instead. */
export type KernelNameResult =
  | { readonly ok: true; readonly kernel: KernelName }
  | { readonly ok: false; readonly hint: string };

/** `6.1.0-17-amd64` as the first thing that looks like a release. */
const TOKEN = /(?:^|\s)v?(\d{1,3}\.\d{1,4}(?:\.\d{1,5})?(?:[-+.~_][\w.+~-]*)?)(?=\s|$)/;
const NUMBERS = /\d{1,3}\.\d{1,4}(?:\.\d{1,5})?/;
/** Longest text looked at; a banner is printed with at most 512 bytes. */
const MOST = 1024;

/**
 * Reads `6.1.192`, `5.10.0-28-amd64`, `6.1.0-17-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.1.69-1 (2023-12-30)`, `Linux version
 * 5.15.0-91-generic (buildd@...) ... (Ubuntu 5.15.0-91.101-generic 5.15.131)`.
 *
 * @example readKernelName("6.1.0-17-amd64 #1 SMP Debian 6.1.69-1") // kernel.patch: 69
 * @since 0.3.0
 */
export function readKernelName(text: string): KernelNameResult {
  const line = text.slice(0, MOST).trim();
  const token = TOKEN.exec(line)?.[1];
  const release = token === undefined ? undefined : parseRelease(token);
  if (release === undefined) return { ok: false, hint: hintFor(line) };
  if (!plausible(release.major, release.minor)) return { ok: false, hint: "Linux releases run from 2.6 on" };
  const { major, minor, rc } = release;
  const uname = release.text.replace(/^v/, "");
  const { distribution, banner } = distributionOf(uname, line) ?? {};
  const told = banner === undefined ? undefined : bannerPoint(banner, line, major, minor);
  const own = rc === undefined ? release.patch : undefined;
  const patch = told ?? (distribution?.showsPoint === false ? undefined : (own ?? 0));
  return {
    ok: true,
    kernel: {
      uname,
      major,
      minor,
      ...(patch === undefined || rc !== undefined ? {} : { patch }),
      ...(rc === undefined ? {} : { rc }),
      ...(distribution === undefined ? {} : { distribution }),
      ...(told === undefined ? {} : { pointFrom: `${distribution?.name}'s banner` }),
    },
  };
}

function plausible(major: number, minor: number): boolean {
  return major > 2 ? major < 100 : major === 2 && minor >= 6;
}

/**
 * The stable release that the banner names, when it is of the same series. The last counts: the compiler's version, which stands
 * earlier, looks the same (`gcc-12 (Debian 12.2.0-14+deb12u1) ... Debian 6.1.192-2`).
 */
function bannerPoint(banner: RegExp, line: string, major: number, minor: number): number | undefined {
  const named = [...line.matchAll(new RegExp(banner.source, "g"))].at(-1);
  if (named === undefined) return undefined;
  const [, a, b, c] = named;
  return Number(a) === major && Number(b) === minor ? Number(c) : undefined;
}

function hintFor(line: string): string {
  const near = NUMBERS.exec(line)?.[0];
  return near === undefined
    ? "write it as uname -r prints it, e.g. 6.1.192 or 6.1.0-17-amd64, or give the whole banner of the log"
    : `did you mean ${near}?`;
}

/** `5.10.x`, `6.1.192`, `5.17-rc6`. */
export function pointName(k: KernelName): string {
  if (k.rc !== undefined) return `${k.major}.${k.minor}-rc${k.rc}`;
  return `${k.major}.${k.minor}.${k.patch ?? "x"}`;
}
