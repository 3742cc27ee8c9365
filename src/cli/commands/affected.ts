/** `unwedge affected`: which known bugs and incidents can happen on a kernel. */
import { basename } from "node:path";
import {
  affected,
  type Fact,
  type KernelConfig,
  type LogFacts,
  type Machine,
  type MachineSources,
  machineOf,
  proveAnswers,
  readKernelConfig,
  readKernelName,
  readLogFacts,
  sortAnswers,
} from "../../affected/index.ts";
import { searchHere } from "../../affected/prove.ts";
import { FILESYSTEM_CONFIG } from "../../diagnose/known-bugs/preconditions.ts";
import { decompress } from "../../evidence/decompress.ts";
import { affectedDocument, affectedText, countsOf } from "../../report/affected.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Library } from "../explore/job.ts";
import { openInputs } from "../inputs.ts";
import { message, usageError } from "../messages.ts";
import { didYouMean } from "../near.ts";
import { show, type Terminal, wantsColor } from "../terminal.ts";
import { packageVersion } from "../version.ts";

/** Options as the command line gives them. */
export interface AffectedFlags {
  readonly release?: string;
  readonly config?: string;
  readonly log?: readonly string[];
  readonly cgroup?: string;
  readonly fs?: string;
  readonly swap?: string;
  readonly boot?: string;
  readonly unpatched?: boolean;
  readonly has?: readonly string[];
  readonly lacks?: readonly string[];
  readonly prove?: boolean;
  readonly json?: boolean;
  readonly color: "auto" | "always" | "never";
  readonly pager: boolean;
  readonly exitZero?: boolean;
}

/** Largest configuration that is read; real ones are below 400 KiB. */
const MOST_CONFIG_BYTES = 16 * 2 ** 20;
/** Filesystems that no bug of the table is about. */
const OTHER_FILESYSTEMS =
  "none tmpfs ramfs overlay squashfs iso9660 bcachefs zfs reiserfs hfsplus ntfs virtiofs 9p smb3 proc sysfs cgroup2".split(
    " ",
  );

/** Runs the command; resolves with the exit code. */
export async function runAffected(
  t: Terminal,
  flags: AffectedFlags,
  given?: Pick<Library, "incidents">,
): Promise<number> {
  const notes: string[] = [];
  const { machine, contradictions } = machineOf(await sourcesOf(t, flags, notes));
  notes.push(...contradictions);
  const { incidents } = given ?? (await import("../../incidents/index.ts"));
  let answers = affected(machine, incidents);
  if (flags.prove) {
    answers = sortAnswers(
      await proveAnswers(answers, incidents, machine, {
        // a pause, so that an interrupt is seen between two searches
        search: async (...asked) => {
          await new Promise<void>((resolve) => void setImmediate(resolve));
          return searchHere(...asked);
        },
        progress: (command) => t.progress?.(command),
        aborted: () => t.interrupted.aborted,
      }),
    );
    t.progress?.(undefined);
  }
  const stopped = t.interrupted.aborted;
  if (stopped) t.err(message("explore-interrupted"));
  const report = { machine, answers, notes, proven: flags.prove === true };
  if (flags.json) await t.out(`${JSON.stringify(affectedDocument(report, packageVersion()), undefined, 2)}\n`);
  else {
    const style = wantsColor(t, flags.color) ? (await import("../style.ts")).colored : undefined;
    await show(t, affectedText(report, style && { style }), flags.pager);
  }
  if (stopped) return exitCodes.interrupted;
  if (flags.exitZero) return exitCodes.ok;
  const counts = countsOf(answers);
  return counts.affected > 0 ? exitCodes.found : counts.unknown > 0 ? exitCodes.inconclusive : exitCodes.ok;
}

async function sourcesOf(t: Terminal, flags: AffectedFlags, notes: string[]): Promise<MachineSources> {
  const logs = flags.log ?? [];
  if (flags.release === undefined && flags.config === undefined && logs.length === 0)
    throw usageError("affected-nothing");
  if ([flags.config, ...logs].filter((name) => name === "-").length > 1) throw usageError("input-stdin-twice");
  const kernel = kernelOf(flags.release);
  const said = statedOf(flags);
  const config = flags.config === undefined ? undefined : await configOf(t, flags.config, notes);
  const read: LogFacts[] = [];
  for (const name of logs) read.push(await logOf(t, name, notes));
  return { ...said, ...(kernel && { kernel }), ...(config && { config }), logs: read };
}

function kernelOf(release: string | undefined): Machine["kernel"] {
  if (release === undefined) return undefined;
  const named = readKernelName(release);
  if (!named.ok) throw usageError("release-malformed", release.slice(0, 200), named.hint);
  return { value: named.kernel, from: "--release" };
}

/** What options say outright. */
function statedOf(flags: AffectedFlags): MachineSources {
  const { cgroup, fs, swap, boot, unpatched, has, lacks } = flags;
  if (cgroup !== undefined && cgroup !== "v1" && cgroup !== "v2") throw usageError("cgroup-unknown", cgroup);
  if (swap !== undefined && swap !== "yes" && swap !== "no") throw usageError("swap-unknown", swap);
  for (const hash of [...(has ?? []), ...(lacks ?? [])])
    if (!/^[0-9a-f]{7,40}$/i.test(hash)) throw usageError("commit-malformed", hash);
  const both = has?.find((hash) => lacks?.some((other) => other.startsWith(hash) || hash.startsWith(other)));
  if (both !== undefined) throw usageError("commit-contradiction", both);
  const lower = (list: readonly string[]): readonly string[] => list.map((hash) => hash.toLowerCase());
  return {
    ...(cgroup === undefined ? {} : { cgroup: { value: cgroup, from: "--cgroup" } }),
    ...(fs === undefined ? {} : { filesystems: { value: filesystemsOf(fs), from: "--fs" } }),
    ...(swap === undefined ? {} : { swap: { value: swap === "yes", from: "--swap" } }),
    ...(boot === undefined ? {} : { boot: { value: boot, from: "--boot" } }),
    ...(unpatched ? { unpatched: true } : {}),
    ...(has === undefined ? {} : { has: lower(has) }),
    ...(lacks === undefined ? {} : { lacks: lower(lacks) }),
  };
}

/** A misspelt name would rule out every bug of the filesystem that was meant. */
function filesystemsOf(list: string): readonly string[] {
  const known = [...Object.keys(FILESYSTEM_CONFIG), ...OTHER_FILESYSTEMS];
  const names = list.split(/[\s,]+/).filter((name) => name !== "");
  const wrong = names.find((name) => !known.includes(name));
  if (wrong !== undefined) throw usageError("fs-unknown", wrong, didYouMean(wrong, known));
  if (names.length === 0) throw usageError("fs-unknown", list, "");
  return names.map((name) => (name === "smb3" ? "cifs" : name)).filter((name) => name !== "none");
}

async function configOf(t: Terminal, name: string, notes: string[]): Promise<Fact<KernelConfig>> {
  const [input] = openInputs(t, [name]);
  if (input === undefined) throw usageError("input-missing", name);
  const report = { compression: () => undefined, note: (text: string) => void notes.push(`${name}: ${text}`) };
  const limits = { maxBytes: MOST_CONFIG_BYTES, maxRatio: Number.POSITIVE_INFINITY, ratioFrom: 0 };
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of decompress(input.name, input.chunks, report, limits)) {
    bytes += chunk.length;
    if (bytes > MOST_CONFIG_BYTES) throw usageError("config-malformed", name);
    parts.push(Buffer.from(chunk));
  }
  const config = readKernelConfig(Buffer.concat(parts).toString("utf8"));
  if (config === undefined) throw usageError("config-malformed", name);
  const { count, first } = config.strange;
  if (count > 0) notes.push(`${name}: ${count} lines are no settings, the first is line ${first}`);
  return { value: config, from: basename(input.name) };
}

async function logOf(t: Terminal, name: string, notes: string[]): Promise<LogFacts> {
  const [input] = openInputs(t, [name]);
  if (input === undefined) throw usageError("input-missing", name);
  const facts = await readLogFacts(basename(input.name), input.chunks, (text) => void notes.push(text));
  const { lines, ...found } = facts;
  if (Object.keys(found).length === 0) throw usageError("log-silent", name, String(lines));
  return facts;
}
