/**
 * Debian packages, downloaded by apt-get and unpacked into the cache. Nothing is installed: no file of the host changes,
 * no boot entry is made, and no rights of root are needed. apt-get checks the archive's signatures.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type Ended, runCommand } from "./command.ts";
import { LabError } from "./errors.ts";
import { findProgram } from "./programs.ts";

/** Where packages are kept and how to talk about it. */
export interface PackageOptions {
  readonly cacheFolder: string;
  readonly path: string;
  readonly interrupted: AbortSignal;
  say(line: string): void;
}

/** A package to unpack; `dependencies`: with every library that this host lacks. */
export interface Wanted {
  readonly name: string;
  readonly dependencies: boolean;
  /** The package is empty and names the real one: what its dependency is called. */
  readonly stands?: RegExp;
}

const readyFile = "unwedge.json";
const aptLimitSeconds = 600;

/** The folder a package is unpacked in, when an earlier call did that. */
export function unpackedBefore(cacheFolder: string, name: string): string | undefined {
  const folder = join(cacheFolder, name);
  return existsSync(join(folder, readyFile)) ? join(folder, "root") : undefined;
}

/** The names of the .deb files that an unpacked package came from. */
export function archivesOf(cacheFolder: string, name: string): readonly string[] {
  const text = readFileSync(join(cacheFolder, name, readyFile), "utf8");
  return (JSON.parse(text) as { archives: readonly string[] }).archives;
}

/** Unpacks a package, downloading it when the cache has none; resolves with the folder. */
export async function unpack(wanted: Wanted, o: PackageOptions): Promise<string> {
  const before = unpackedBefore(o.cacheFolder, wanted.name);
  if (before !== undefined) return before;
  for (const tool of ["apt-get", "apt-cache", "dpkg-deb"]) program(tool, o, `${wanted.name} is missing`);
  mkdirSync(o.cacheFolder, { recursive: true });
  // made aside and renamed: another call, or an interrupt, never leaves half a package
  const aside = mkdtempSync(join(o.cacheFolder, `.${wanted.name}-`));
  try {
    o.say(`downloading ${wanted.name} into ${o.cacheFolder} ...`);
    const archives = await download(wanted, aside, o);
    for (const name of archives) await unpackArchive(join(aside, "archives", name), join(aside, "root"), o);
    for (const rest of ["archives", "apt"]) rmSync(join(aside, rest), { recursive: true, force: true });
    writeFileSync(join(aside, readyFile), `${JSON.stringify({ archives })}\n`);
    moveInto(aside, join(o.cacheFolder, wanted.name));
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  return join(o.cacheFolder, wanted.name, "root");
}

function program(name: string, o: PackageOptions, because: string): string {
  const file = findProgram(name, o.path);
  if (file !== undefined) return file;
  const what = `${because} and there is no ${name} to get it with: use a Debian machine or container (amd64)`;
  throw new LabError("lab-unavailable", what);
}

function moveInto(aside: string, target: string): void {
  try {
    renameSync(aside, target);
  } catch (e) {
    // somebody else was as fast, and made the same
    if (!existsSync(join(target, readyFile))) throw e;
  }
}

async function unpackArchive(archive: string, into: string, o: PackageOptions): Promise<void> {
  mkdirSync(into, { recursive: true });
  const r = await runCommand(program("dpkg-deb", o, "a package is here"), ["-x", archive, into], {
    limitSeconds: 120,
    interrupted: o.interrupted,
  });
  if (r.code !== 0) throw new LabError("lab-unavailable", `dpkg-deb -x ${archive} failed: ${lastLine(r)}`);
}

/** First with the package lists the host has; when these are missing or old, with fresh ones of its own. */
async function download(wanted: Wanted, aside: string, o: PackageOptions): Promise<readonly string[]> {
  const archives = join(aside, "archives");
  mkdirSync(join(archives, "partial"), { recursive: true });
  const apt = join(aside, "apt");
  mkdirSync(join(apt, "lists/partial"), { recursive: true });
  const own = ["-o", `Dir::Cache=${apt}`, "-o", `Dir::Cache::archives=${archives}/`, "-o", "Debug::NoLocking=1"];
  const first = await fetchInto(wanted, archives, own, o);
  if (first.ok) return first.archives;
  const lists = [...own, "-o", `Dir::State::lists=${apt}/lists/`];
  o.say(`no luck with this host's package lists (${first.why}); getting fresh ones ...`);
  const update = await apted(["update", "-qq", ...lists], archives, o);
  const second = await fetchInto(wanted, archives, lists, o);
  if (second.ok) return second.archives;
  const why = update.code === 0 ? second.why : lastLine(update);
  throw new LabError(
    "lab-unavailable",
    `apt-get cannot fetch ${wanted.name}: ${why}; check the network and that /etc/apt names a Debian archive with main (amd64)`,
  );
}

type Fetched =
  | { readonly ok: true; readonly archives: readonly string[] }
  | { readonly ok: false; readonly why: string };

async function fetchInto(
  wanted: Wanted,
  archives: string,
  apt: readonly string[],
  o: PackageOptions,
): Promise<Fetched> {
  const name = wanted.stands === undefined ? wanted.name : await realName(wanted, archives, apt, o);
  if (name === undefined) return { ok: false, why: `apt knows no ${wanted.name}` };
  const r = wanted.dependencies
    ? await apted(["install", "--download-only", "--no-install-recommends", "-y", "-qq", ...apt, name], archives, o)
    : await apted(["download", "-qq", ...apt, name], archives, o);
  const debs = readdirSync(archives).filter((f) => f.endsWith(".deb"));
  if (r.code === 0 && debs.some((f) => f.startsWith(`${name}_`))) return { ok: true, archives: debs.sort() };
  return { ok: false, why: lastLine(r) };
}

async function realName(
  wanted: Wanted,
  cwd: string,
  apt: readonly string[],
  o: PackageOptions,
): Promise<string | undefined> {
  const limits = { cwd, limitSeconds: 120, interrupted: o.interrupted };
  const r = await runCommand(program("apt-cache", o, "a package is wanted"), ["depends", ...apt, wanted.name], limits);
  return dependencyIn(r.out, wanted.stands!);
}

/** The first dependency that `apt-cache depends` prints and that has this form. */
export function dependencyIn(text: string, form: RegExp): string | undefined {
  for (const [, name] of text.matchAll(/^\s*\|?Depends: (\S+)$/gm)) if (form.test(name!)) return name;
  return undefined;
}

const apted = (args: readonly string[], cwd: string, o: PackageOptions): Promise<Ended> =>
  runCommand(program("apt-get", o, "a package is wanted"), args, {
    cwd,
    env: { DEBIAN_FRONTEND: "noninteractive" },
    limitSeconds: aptLimitSeconds,
    interrupted: o.interrupted,
  });

/** What a failed program said last: apt's errors before its warnings. */
const lastLine = (r: Ended): string => {
  if (r.timedOut) return "it took too long";
  const lines = r.err.split("\n").filter((l) => l.trim() !== "");
  return (lines.findLast((l) => l.startsWith("E:")) ?? lines.at(-1) ?? `exit code ${r.code}`).trim();
};
