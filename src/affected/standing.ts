/** Whether a kernel has a bug, by its release alone: before it came, with it, with its fix, or not to be told. */
import type { Lifetime } from "../diagnose/known-bugs/preconditions.ts";
import { fixes, mergedIn } from "../kernel/era.ts";
import { type KernelName, pointName } from "./kernel-name.ts";
import { endedBefore, type Mainline } from "./stable-series.ts";
import type { Machine } from "./types.ts";

/** Where a kernel stands towards a bug. */
export type Standing =
  | { readonly kind: "fixed" | "present" | "before"; readonly because: string }
  | { readonly kind: "unknown"; readonly because: string; readonly decidedBy: readonly string[] };

/** A release as it is written in the tables. */
interface Point extends Mainline {
  readonly patch: number | undefined;
  readonly unverified: boolean;
  readonly text: string;
}

/** A lifetime with the history of its fix looked up. @internal */
export interface Resolved extends Lifetime {
  /** The fix by its hash, or in words. */
  readonly name: string;
  /** The same inside a sentence about the bug. */
  readonly fixName: string;
  readonly mainline: Point | undefined;
  readonly stable: readonly Point[];
}

const POINT = /^(\d+)\.(\d+)(?:\.(\d+))?(\??)$/;

/** @internal */
export function pointOf(text: string): Point {
  const m = POINT.exec(text);
  if (m === null) throw new Error(`not a kernel release: ${text}`);
  return {
    major: Number(m[1]),
    minor: Number(m[2]),
    patch: m[3] === undefined ? undefined : Number(m[3]),
    unverified: m[4] === "?",
    text: text.replace("?", ""),
  };
}

/** Joins a lifetime with the history of kernel/era.ts. */
export function resolve(lifetime: Lifetime): Resolved {
  const merged = fixes.find((fix) => fix.id === lifetime.fix);
  if (lifetime.fix !== undefined && merged === undefined) throw new Error(`kernel/era.ts has no fix ${lifetime.fix}`);
  const points = [
    ...(merged === undefined ? [] : mergedIn(merged)),
    ...(lifetime.fixed === undefined ? [] : [lifetime.fixed]),
    ...(lifetime.backports ?? []),
  ].map(pointOf);
  const commit = lifetime.commit ?? merged?.commit;
  return {
    ...lifetime,
    ...(commit === undefined ? {} : { commit }),
    name: commit === undefined ? "its fix" : `commit ${commit}`,
    fixName: commit === undefined ? "its fix" : `its fix (commit ${commit})`,
    mainline: points.find((p) => p.patch === undefined),
    stable: points.filter((p) => p.patch !== undefined),
  };
}

const sameSeries = (a: Mainline, b: Mainline): boolean => a.major === b.major && a.minor === b.minor;
const atLeast = (a: Mainline, b: Mainline): boolean => a.major > b.major || (a.major === b.major && a.minor >= b.minor);
const unknown = (because: string, ...decidedBy: readonly string[]): Standing => ({
  kind: "unknown",
  because,
  decidedBy,
});

/** Where the machine's kernel stands. */
export function standingOf(lifetime: Lifetime, machine: Machine): Standing {
  const life = resolve(lifetime);
  const said = saidOf(life.commit, machine);
  if (said === "has") return { kind: "fixed", because: `${life.name} is in it (--has)` };
  if (machine.kernel === undefined) return unknown("the kernel's release is not given", "--release", "--log");
  const kernel = machine.kernel.value;
  const birth = birthOf(life, kernel, saidOf(life.culprit, machine));
  const fix: Standing =
    said === "lacks" ? { kind: "present", because: `${life.fixName} is not in it (--lacks)` } : fixOf(life, kernel);
  const plain = fix.kind === "fixed" || birth.kind === "present" ? fix : birth;
  return said === "lacks" ? plain : asBuilt(plain, life, machine, kernel);
}

function saidOf(commit: string | undefined, machine: Machine): "has" | "lacks" | undefined {
  if (commit === undefined) return undefined;
  const names = (list: readonly string[] | undefined): boolean =>
    list?.some((hash) => hash.startsWith(commit) || commit.startsWith(hash.slice(0, 12))) ?? false;
  return names(machine.has) ? "has" : names(machine.lacks) ? "lacks" : undefined;
}

/** Whether what brought the bug is in the kernel: `present`, `before` or unknown. */
function birthOf(life: Resolved, k: KernelName, culprit: "has" | "lacks" | undefined): Standing {
  if (culprit === "lacks")
    return { kind: "before", because: `commit ${life.culprit}, which brought it, is not in it (--lacks)` };
  if (life.since === undefined || culprit === "has") return { kind: "present", because: "" };
  const since = pointOf(life.since);
  if (atLeast(k, since)) return { kind: "present", because: "" };
  const own = (life.sinceBackports ?? []).map(pointOf).find((p) => sameSeries(p, k));
  const patch = k.rc === undefined ? k.patch : 0;
  if (own?.patch !== undefined) {
    if (patch === undefined) return hidden(k, `the bug came to ${k.major}.${k.minor} with ${own.text}`);
    if (patch >= own.patch) return { kind: "present", because: "" };
    return { kind: "before", because: `the bug came to this series with ${own.text}` };
  }
  if (life.culpritIsAFix === true && patch !== 0)
    return unknown(
      `the bug came with ${life.since}${life.culprit === undefined ? "" : ` (commit ${life.culprit})`} by a change that may have been backported to ${k.major}.${k.minor}`,
      ...hashOptions(life.culprit),
    );
  return { kind: "before", because: `the bug came with ${life.since}` };
}

/** Whether the fix is in the kernel: `fixed`, `present` (the bug) or unknown. */
function fixOf(life: Resolved, k: KernelName): Standing {
  const { mainline } = life;
  if (mainline === undefined) return neverFixed(life, k);
  if (atLeast(k, mainline)) {
    if (sameSeries(k, mainline) && (k.rc !== undefined || mainline.unverified))
      return unknown(`${life.fixName} came during ${mainline.text}`, ...hashOptions(life.commit));
    return { kind: "fixed", because: `${life.name} (v${mainline.text})` };
  }
  return stableFix(life, k, mainline);
}

function neverFixed(life: Resolved, k: KernelName): Standing {
  if (life.checkedTo === undefined || life.checkedTo === "")
    return unknown("which kernels have it is not recorded", ...hashOptions(life.commit));
  return atLeast(pointOf(life.checkedTo), k)
    ? { kind: "present", because: `no fix is known up to ${life.checkedTo}` }
    : unknown(`whether it was fixed after ${life.checkedTo} is not recorded`);
}

function stableFix(life: Resolved, k: KernelName, mainline: Point): Standing {
  const own = life.stable.find((p) => sameSeries(p, k));
  const listed = (texts: readonly string[] | undefined): Point | undefined =>
    texts?.map(pointOf).find((p) => sameSeries(p, k));
  const [seen, not] = [listed(life.seenIn), listed(life.notIn)];
  const patch = k.rc === undefined ? k.patch : 0;
  const first = own?.unverified ? seen : (own ?? seen);
  if (patch === undefined) {
    const at = first ?? own;
    if (at !== undefined)
      return hidden(k, `${life.fixName} is in ${k.major}.${k.minor} since ${at.text} at the latest`);
  } else {
    if (first?.patch !== undefined && patch >= first.patch)
      return { kind: "fixed", because: `${life.name} (in ${first.text})` };
    if (own !== undefined && !own.unverified)
      return { kind: "present", because: `${life.fixName} came with ${own.text}` };
    if (patch === 0) return { kind: "present", because: `${life.fixName} came with v${mainline.text}` };
    if (not?.patch !== undefined && patch <= not.patch)
      return { kind: "present", because: `${life.fixName} is not in ${not.text}` };
  }
  if (own === undefined && endedBefore(k, mainline))
    return { kind: "present", because: `the series ended before ${life.fixName} came with v${mainline.text}` };
  return unknown(notRecorded(life, k, own), ...hashOptions(life.commit));
}

function notRecorded(life: Resolved, k: KernelName, own: Point | undefined): string {
  return own?.unverified
    ? `${life.fixName} is said to be in ${own.text}, which was not verified`
    : `which releases of ${k.major}.${k.minor} have ${life.fixName} is not recorded`;
}

function hidden(k: KernelName, because: string): Standing {
  const whose = k.distribution === undefined ? "" : ` of ${k.distribution.name}`;
  return unknown(
    `${because}, and the name ${k.uname}${whose} hides the point release`,
    "--log",
    "--config",
    "--release BANNER",
  );
}

const hashOptions = (commit: string | undefined): readonly string[] =>
  commit === undefined ? [] : [`--has ${commit}`, `--lacks ${commit}`];

/** What a builder's patches make of an answer that follows from the number. */
function asBuilt(plain: Standing, life: Resolved, machine: Machine, k: KernelName): Standing {
  const { distribution } = k;
  if (distribution === undefined || machine.unpatched === true || plain.kind === "fixed" || plain.kind === "unknown")
    return plain;
  const { name, backports } = distribution;
  if (plain.kind === "before") {
    if (backports !== "features") return plain;
    return unknown(`${plain.because}, unless ${name} backported what brought it`, ...hashOptions(life.culprit));
  }
  // nothing to backport
  if (life.commit === undefined && life.mainline === undefined && backports !== "features") return plain;
  const base = `${pointName(k)} has it (${plain.because})`;
  return unknown(`${base}, unless ${name} backported ${life.name}`, ...hashOptions(life.commit), "--unpatched");
}
