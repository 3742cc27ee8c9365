/** `unwedge explore INCIDENT`: searches the schedules of an incident's kernel. */
import { writeFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import type { Exploration } from "../../explore/incident.ts";
import { type Strategy, strategies } from "../../explore/incident-witness.ts";
import { MOST_MEMBERS } from "../../explore/team/team-memory.ts";
import type { Choices } from "../../incidents/prepared.ts";
import type { Row } from "../../report/comparison.ts";
import { shellWord } from "../../report/escape.ts";
import { explorationDocument, witnessDocument } from "../../report/exploration-json.ts";
import { errorCode } from "../error-code.ts";
import { exitCodeOfExploration, exitCodes } from "../exit-codes.ts";
import type { Job, JobError, Library, Saved } from "../explore/job.ts";
import { runJob } from "../explore/run-job.ts";
import { type CliError, message, usageError } from "../messages.ts";
import { didYouMean } from "../near.ts";
import { show, type Terminal, wantsColor } from "../terminal.ts";
import { packageVersion } from "../version.ts";

/** Options as the command line gives them. */
export interface ExploreFlags {
  readonly fix?: readonly string[];
  readonly revert?: readonly string[];
  readonly era?: string;
  readonly cgroup?: string;
  readonly nokmem?: boolean;
  readonly hack?: readonly string[];
  readonly param?: readonly string[];
  readonly strategy?: string;
  readonly seed?: string;
  readonly maxStates?: string;
  readonly maxPreemptions?: string;
  readonly exact?: boolean;
  readonly fair?: boolean;
  readonly unfair?: boolean;
  readonly allFindings?: boolean;
  readonly reduce?: boolean;
  readonly maxMemory?: string;
  readonly maxSeconds?: string;
  readonly jobs?: string;
  readonly checkInvariants?: boolean;
  /** Where the witness goes. */
  readonly output?: string;
  readonly json?: boolean;
  readonly compare?: string;
  /** Files: where a search that a bound stops is kept, and one to go on with. */
  readonly save?: string;
  readonly resume?: string;
  readonly color: "auto" | "always" | "never";
  readonly pager: boolean;
  readonly all?: boolean;
  readonly exitZero?: boolean;
}

/** Most memory for states unless told: half of the machine's, and not above this. */
const MOST_MIB = 4096;

/** Runs the command; resolves with the exit code. */
export async function runExplore(
  t: Terminal,
  incident: string | undefined,
  flags: ExploreFlags,
  library?: Library,
): Promise<number> {
  const job =
    flags.resume === undefined ? jobOf(named(incident), flags) : await resumedJob(incident, flags.resume, flags);
  refuseUnsavable(job, flags);
  if (flags.compare !== undefined) return compare(t, job, flags, library);
  const result = await runJob(t, job, library);
  if (result.kind === "refused") throw refusal(result.error);
  if (result.kind !== "explored") throw new Error("an exploration was asked for");
  const { exploration, seconds } = result;
  const stopped = t.interrupted.aborted;
  if (stopped) t.err(message("explore-interrupted"));
  const saved = tellSaved(t, flags.save, result.saved);
  if (flags.output !== undefined) writeWitness(t, flags.output, exploration);
  if (flags.json) {
    const document = explorationDocument(exploration, {
      version: packageVersion(),
      seconds,
      ...(saved !== undefined && { saved }),
    });
    await t.out(`${JSON.stringify(document, undefined, 2)}\n`);
  } else {
    const style = wantsColor(t, flags.color) ? (await import("../style.ts")).colored : undefined;
    const { explorationText } = await import("../../report/exploration.ts");
    const text = explorationText(exploration, {
      seconds,
      ...(style && { style }),
      ...(flags.all && { all: true }),
      ...(exploration.witness !== undefined &&
        flags.output !== undefined && { command: `unwedge replay ${shellWord(flags.output)}` }),
      ...(saved !== undefined && { goesOn: true, command: `unwedge explore --resume ${shellWord(saved)}` }),
    });
    await show(t, text, flags.pager);
  }
  if (stopped) return exitCodes.interrupted;
  return flags.exitZero ? exitCodes.ok : exitCodeOfExploration(exploration);
}

function named(incident: string | undefined): string {
  if (incident === undefined) throw usageError("explore-nothing");
  return incident;
}

/** Only a proof goes on, and only one at a time. */
function refuseUnsavable({ strategy }: Job & { readonly kind: "explore" }, flags: ExploreFlags): void {
  if (flags.save === undefined && flags.resume === undefined) return;
  if (flags.compare !== undefined) throw usageError("save-needs-prove", `--compare ${flags.compare}`);
  if (flags.maxPreemptions !== undefined) throw usageError("save-needs-prove", "--max-preemptions");
  if (strategy !== undefined && strategy !== "prove") throw usageError("save-needs-prove", `--strategy ${strategy}`);
}

/** The search of a file, with the bounds given now. */
async function resumedJob(
  incident: string | undefined,
  file: string,
  flags: ExploreFlags,
): Promise<Job & { readonly kind: "explore" }> {
  const given = [
    ...(incident === undefined ? [] : [incident]),
    ...decided
      .filter((name) => flags[name] !== undefined && flags[name] !== false)
      .map((name) => `--${name.replace("F", "-f")}`),
    ...(flags.checkInvariants ? ["--check-invariants"] : []),
    ...(flags.reduce === false ? ["--no-reduce"] : []),
  ];
  if (given.length > 0) throw usageError("resume-decides", given.join(" "));
  const loaded = (await import("../explore/keep-search.ts")).loadHeader(file);
  if ("why" in loaded) throw usageError("saved-search-unreadable", `${file}: ${loaded.why}`);
  const { head } = loaded;
  const now = jobOf(head.incident, flags);
  return {
    ...now,
    choices: head.choices,
    strategy: head.strategy ?? undefined,
    seed: head.seed ?? undefined,
    bounds: { ...now.bounds, ...head.bounds },
    resume: file,
    before: head.seconds,
  };
}

/** Options that a saved search has decided. */
const decided = [
  "fix",
  "revert",
  "era",
  "cgroup",
  "nokmem",
  "hack",
  "param",
  "strategy",
  "seed",
  "exact",
  "fair",
  "unfair",
  "allFindings",
] as const;

/** Says what became of `--save`; the file, when it was written. */
function tellSaved(t: Terminal, file: string | undefined, saved: Saved | undefined): string | undefined {
  if (file === undefined || saved === undefined) return undefined;
  if (saved.kind === "none") t.err(message("search-save-none", file));
  else if (saved.kind === "failed") t.err(message("output-unwritable", file, saved.why));
  else if (saved.proof) t.err(message("search-saved", file, bytesInWords(saved.bytes)));
  else t.err(message("search-saved-begin", file));
  return saved.kind === "written" ? file : undefined;
}

function bytesInWords(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${Math.round(bytes / 1e6)} MB`;
}

/** The line for a job that cannot be done. */
export function refusal(error: JobError): CliError {
  const near = error.given === undefined ? "" : didYouMean(error.given, error.known ?? []);
  return error.id === "incident-unknown"
    ? usageError("incident-unknown", error.message, near)
    : usageError(error.id, `${error.message}${near}`);
}

function writeWitness(t: Terminal, file: string, { witness }: Exploration): void {
  if (witness === undefined) {
    t.err(message("witness-none", file));
    return;
  }
  try {
    writeFileSync(file, `${JSON.stringify(witnessDocument(witness, packageVersion()), undefined, 2)}\n`);
  } catch (e) {
    throw usageError("output-unwritable", file, errorCode(e) ?? "unknown reason");
  }
  t.err(message("output-written", file));
}

function jobOf(incident: string, flags: ExploreFlags): Job & { readonly kind: "explore" } {
  const maxStates = wholeNumber("--max-states", flags.maxStates);
  const maxPreemptions = wholeNumber("--max-preemptions", flags.maxPreemptions);
  if (maxPreemptions !== undefined && flags.strategy !== undefined && flags.strategy !== "prove") {
    throw usageError("preemptions-need-prove", flags.strategy);
  }
  if (flags.allFindings === true && flags.strategy !== undefined && flags.strategy !== "prove") {
    throw usageError("all-findings-need-prove", flags.strategy);
  }
  const memory = wholeNumber("--max-memory", flags.maxMemory) ?? Math.min(MOST_MIB, totalmem() / 2 ** 21);
  return {
    kind: "explore",
    incident,
    choices: choicesOf(flags),
    strategy: strategyOf(flags.strategy) ?? (maxPreemptions === undefined ? undefined : "prove"),
    seed: wholeNumber("--seed", flags.seed),
    bounds: {
      memoryBytes: memory * 2 ** 20,
      ...(maxStates === undefined ? {} : { maxStates }),
      ...(maxPreemptions === undefined ? {} : { maxPreemptions }),
      ...(flags.exact === true ? { exact: true } : {}),
      ...(flags.fair === true ? { fair: true } : {}),
      ...(flags.unfair === true ? { unfair: true } : {}),
      ...(flags.allFindings === true ? { all: true } : {}),
      ...(flags.reduce === false ? { reduce: false } : {}),
    },
    maxSeconds: wholeNumber("--max-seconds", flags.maxSeconds),
    jobs: Math.min(MOST_MEMBERS, Math.max(1, wholeNumber("--jobs", flags.jobs) ?? availableParallelism())),
    ...(flags.save === undefined ? {} : { save: flags.save }),
  };
}

function strategyOf(given: string | undefined): Strategy | undefined {
  if (given === undefined) return undefined;
  const found = strategies.find((known) => known === given);
  if (found === undefined) throw usageError("strategy-unknown", given, didYouMean(given, strategies));
  return found;
}

/** A whole number of an option, refused in one line otherwise (@internal). */
export function wholeNumber(option: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  if (!/^\d{1,15}$/.test(given)) throw usageError("number-malformed", option, given);
  return Number(given);
}

/** `--fix all` is not a thing: fixes are compared. */
export function choicesOf(flags: ExploreFlags): Choices {
  const { cgroup, era, fix = [], revert = [], hack = [] } = flags;
  if (cgroup !== undefined && cgroup !== "v1" && cgroup !== "v2") throw usageError("cgroup-unknown", cgroup);
  if (fix.includes("all")) throw usageError("fix-all");
  if (flags.compare !== undefined && flags.compare !== "all") throw usageError("compare-all", flags.compare);
  const hacks = [...hack];
  const parameters: Record<string, number> = {};
  for (const given of flags.param ?? []) {
    const m = /^([^=]+)=(.*)$/.exec(given);
    const [, name, value] = m ?? [];
    if (name === undefined || value === undefined) throw usageError("param-malformed", given);
    if (name === "hack") hacks.push(value);
    else if (/^-?\d{1,9}$/.test(value)) parameters[name] = Number(value);
    else throw usageError("param-malformed", given);
  }
  return {
    ...(era === undefined ? {} : { era }),
    fixes: fix,
    reverted: revert,
    ...(cgroup === undefined ? {} : { cgroup }),
    ...(flags.nokmem ? { kmem: false } : {}),
    hacks: hacks.flatMap((names) => names.split(",")).filter((name) => name !== ""),
    parameters,
    ...(flags.checkInvariants ? { invariants: true } : {}),
  };
}

/** Every switch of the incident, one after the other. */
async function compare(
  t: Terminal,
  job: Job & { readonly kind: "explore" },
  flags: ExploreFlags,
  library: Library | undefined,
): Promise<number> {
  const { incident, choices } = job;
  const listed = await runJob(t, { kind: "switches", incident, choices }, library);
  if (listed.kind === "refused") throw refusal(listed.error);
  if (listed.kind !== "switches") throw new Error("a list of switches was asked for");
  const rows: Row[] = [];
  for (const { name, choices: switched } of listed.switches) {
    if (t.interrupted.aborted) break;
    const result = await runJob(t, { ...job, choices: switched }, library);
    if (result.kind === "refused") {
      // nothing to compare when the base itself is refused
      if (rows.length === 0) throw refusal(result.error);
      rows.push({ name, refused: result.error.message });
    } else if (result.kind === "explored") rows.push({ name, ...result });
  }
  if (t.interrupted.aborted) t.err(message("explore-interrupted"));
  const { compareDocument, compareText } = await import("../../report/comparison.ts");
  const { exploreCommand } = await import("../../report/exploration.ts");
  const compareCommand = (list: readonly Row[]): string => {
    const first = list.find((row) => "exploration" in row);
    return first === undefined || !("exploration" in first) ? "" : `${exploreCommand(first.exploration)} --compare all`;
  };
  if (flags.json) {
    await t.out(`${JSON.stringify(compareDocument(listed.incident, rows, packageVersion()), undefined, 2)}\n`);
  } else await show(t, compareText(rows, compareCommand(rows)), flags.pager);
  if (t.interrupted.aborted) return exitCodes.interrupted;
  if (flags.exitZero) return exitCodes.ok;
  const codes = rows.flatMap((row) => ("exploration" in row ? [exitCodeOfExploration(row.exploration)] : []));
  return codes.find((code) => code === exitCodes.found) ?? Math.max(...codes, exitCodes.ok);
}
