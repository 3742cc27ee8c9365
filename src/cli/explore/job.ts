/** One search or replay as plain data in and out, so that it can be done in another thread. */
import type { Bounds, Exploration } from "../../explore/incident.ts";
import type { Strategy, Witness } from "../../explore/incident-witness.ts";
import type { Crew } from "../../explore/team/prove-together.ts";
import type { SearchCounts } from "../../explore/types.ts";
import { type AnyIncident, type Incident, isAbstract } from "../../incidents/incident.ts";
import type { PrepareResult } from "../../incidents/prepare.ts";
import type { ChoiceError, Choices, Subject } from "../../incidents/prepared.ts";
import type { RunOptions, RunResult } from "../../simulate/run.ts";

/** @internal */
export type ExploreJob = Job & { readonly kind: "explore" };

/** What is to be done. */
export type Job =
  | {
      readonly kind: "explore";
      /** Id of an incident, or a user's own file. */
      readonly incident: string;
      readonly choices: Choices;
      readonly strategy: Strategy | undefined;
      readonly seed: number | undefined;
      readonly bounds: Bounds;
      readonly maxSeconds: number | undefined;
      /** Threads to prove with. */
      readonly jobs: number;
      /** Files: where a search that a bound stops is kept, and one to go on with. */
      readonly save?: string;
      readonly resume?: string;
      /** Seconds that this one has searched before. */
      readonly before?: number;
    }
  | { readonly kind: "replay"; readonly witness: Witness }
  | {
      readonly kind: "run";
      readonly incident: string;
      readonly choices: Choices;
      readonly options: RunOptions;
    }
  /** Which switches there are to compare. */
  | { readonly kind: "switches"; readonly incident: string; readonly choices: Choices };

/** A switch to compare: what it is called, and the choices with it. */
export interface Switch {
  readonly name: string;
  readonly choices: Choices;
}

export type JobResult =
  | { readonly kind: "explored"; readonly exploration: Exploration; readonly seconds: number; readonly saved?: Saved }
  | { readonly kind: "switches"; readonly incident: string; readonly switches: readonly Switch[] }
  | {
      readonly kind: "ran";
      readonly result: RunResult;
      readonly title: string;
      readonly wallSeconds: number;
      readonly peakRssBytes: number;
    }
  | { readonly kind: "refused"; readonly error: JobError };

/** What became of {@link Job} `save`; `none`: the search has its answer. */
export type Saved =
  | { readonly kind: "none" }
  | { readonly kind: "written"; readonly bytes: number; readonly proof: boolean }
  | { readonly kind: "failed"; readonly why: string };

/** Why a job cannot be done: the user's choice, file or witness is at fault. */
export interface JobError extends ChoiceError {
  readonly id: "incident-unknown" | "choice-refused" | "incident-file" | "witness-mismatch" | "saved-search-unreadable";
}

/** How far a search is, at most some times a second. */
export interface JobProgress {
  readonly phase: Strategy;
  readonly counts: SearchCounts;
  readonly seconds: number;
  /** New states a second, of late; undefined where there are none, or too few to tell. */
  readonly perSecond?: number | undefined;
}

/** How far a run is. */
export interface RunProgress {
  /** Virtual seconds. */
  readonly virtual: number;
  readonly steps: number;
  readonly seconds: number;
}

export interface JobHooks {
  readonly stop: () => boolean;
  readonly progress: (progress: JobProgress | RunProgress) => void;
  /** The most memory that the process has had, in bytes. */
  readonly peakRss?: () => number;
  /** Milliseconds of some clock. */
  readonly now: () => number;
  /** Other threads that search for the same job. */
  readonly crew?: (job: ExploreJob) => Crew;
}

/** Incidents and how they are prepared, of a test; all others come from the catalogue. */
export interface Library {
  readonly incidents: readonly Incident[];
  prepare(incident: Incident, choices: Choices): PrepareResult;
}

/** Milliseconds between two progress reports. */
const PROGRESS_MS = 250;

/** Does a job. Expected failures are values; a throw is a bug. */
export async function performJob(job: Job, hooks: JobHooks, library?: Library): Promise<JobResult> {
  const name = job.kind === "replay" ? (job.witness.file ?? job.witness.incident) : job.incident;
  const found = await incidentOf(name, library);
  if ("error" in found) return { kind: "refused", error: found.error };
  const { incident } = found;
  if (job.kind === "switches") {
    if (isAbstract(incident)) {
      const message = `${incident.id} is an abstract model: it has no switches to compare, only --param`;
      return refused({ id: "choice-refused", message });
    }
    const { switchesOf } = await import("./switches.ts");
    const made = switchesOf(incident, job.choices);
    if ("error" in made) return refused({ id: "choice-refused", message: made.error });
    return { kind: "switches", incident: incident.id, switches: made.switches };
  }
  if (job.kind === "run") return ran(incident, job, hooks);
  const { choicesOf } = await import("../../explore/incident-witness.ts");
  const choices = job.kind === "replay" ? choicesOf(job.witness) : job.choices;
  const wrong = unknownFix(incident, choices);
  if (wrong !== undefined) return refused(wrong);
  const prepared = await prepareSafely(library, incident, choices);
  if ("error" in prepared) return refused({ id: "choice-refused", ...prepared.error });
  return job.kind === "replay"
    ? replayed(prepared, job.witness, found.file, hooks)
    : explored(prepared, job, found.file, hooks);
}

async function ran(incident: AnyIncident, job: Job & { readonly kind: "run" }, hooks: JobHooks): Promise<JobResult> {
  const { timedIncidents } = await import("../../incidents/runs/index.ts");
  const timed = timedIncidents.find((one) => one.incident.id === incident.id);
  if (timed === undefined) {
    const can = timedIncidents.map((one) => one.incident.id).join(", ");
    return refused({ id: "choice-refused", message: `${incident.id} has no run against a clock; these have: ${can}` });
  }
  const wrong = unknownFix(timed.incident, job.choices);
  if (wrong !== undefined) return refused(wrong);
  const { runIncident } = await import("../../simulate/run.ts");
  const begin = hooks.now();
  let told = begin;
  const outcome = runIncident(timed, job.choices, {
    ...job.options,
    shouldStop: hooks.stop,
    onProgress(virtual, steps) {
      if (hooks.now() < told + PROGRESS_MS) return;
      told = hooks.now();
      hooks.progress({ virtual, steps, seconds: (hooks.now() - begin) / 1000 });
    },
  });
  if (!outcome.ok) return refused({ id: "choice-refused", ...outcome.error });
  const wallSeconds = (hooks.now() - begin) / 1000;
  const { title } = timed.incident;
  return { kind: "ran", result: outcome.result, title, wallSeconds, peakRssBytes: hooks.peakRss?.() ?? 0 };
}

const refused = (error: JobError): JobResult => ({ kind: "refused", error });

async function explored(
  prepared: Subject,
  job: Job & { kind: "explore" },
  file: string | undefined,
  hooks: JobHooks,
): Promise<JobResult> {
  const { exploreIncident } = await import("../../explore/incident.ts");
  const { maxSeconds, strategy, seed, bounds, resume, before = 0 } = job;
  const { keeping, loadSearch } = await import("./keep-search.ts");
  const loaded = resume === undefined ? undefined : loadSearch(resume, file);
  if (loaded !== undefined && "why" in loaded) return unusable(resume ?? "", loaded.why);
  const alone = job.jobs < 2 || job.save !== undefined || resume !== undefined;
  const keep = keeping(job, file, () => before + seconds());
  const begin = hooks.now();
  const seconds = (): number => (hooks.now() - begin) / 1000;
  const rate = stateRate();
  let told = 0;
  const search = (): Exploration =>
    exploreIncident(prepared, {
      bounds,
      ...(loaded?.search === undefined ? {} : { resume: loaded.search }),
      ...(keep === undefined ? {} : { save: keep.save }),
      ...(strategy === undefined ? {} : { strategy }),
      ...(seed === undefined ? {} : { seed }),
      ...(hooks.crew === undefined || alone ? {} : { crew: hooks.crew(job) }),
      pollEvery: 512,
      aborted: () => hooks.stop() || (maxSeconds !== undefined && seconds() > maxSeconds),
      progress(phase, counts) {
        if (hooks.now() < told + PROGRESS_MS) return;
        told = hooks.now();
        hooks.progress({ phase, counts, seconds: before + seconds(), perSecond: rate(phase, counts, hooks.now()) });
      },
    });
  const { SavedSearchError } = await import("../../explore/saved-search.ts");
  try {
    const exploration = inFile(search(), file);
    const saved = keep?.saved();
    return { kind: "explored", exploration, seconds: before + seconds(), ...(saved && { saved }) };
  } catch (error) {
    if (error instanceof SavedSearchError) return unusable(resume ?? "", error.message);
    throw error;
  }
}

const unusable = (file: string, why: string): JobResult =>
  refused({ id: "saved-search-unreadable", message: `${file}: ${why}` });

async function replayed(
  prepared: Subject,
  witness: Witness,
  file: string | undefined,
  hooks: JobHooks,
): Promise<JobResult> {
  const { replayIncident } = await import("../../explore/replay-incident.ts");
  const begin = hooks.now();
  const run = replayIncident(prepared, witness);
  if (!run.ok) return refused({ id: "witness-mismatch", message: run.message });
  return { kind: "explored", exploration: inFile(run.exploration, file), seconds: (hooks.now() - begin) / 1000 };
}

/** Milliseconds over which a rate is taken. */
const RATE_MS = 10_000;

/** New states a second since some ten seconds ago; undefined in the first second of a search, and when one begins again. */
export function stateRate(): (phase: Strategy, counts: SearchCounts, now: number) => number | undefined {
  let from: { readonly phase: Strategy; readonly states: number; readonly now: number }[] = [];
  return (phase, { states }, now) => {
    if (states === undefined) return undefined;
    const last = from.at(-1);
    if (last === undefined || last.phase !== phase || last.states > states) from = [];
    from.push({ phase, states, now });
    while (from.length > 2 && from[1]!.now < now - RATE_MS) from.shift();
    const first = from[0]!;
    return now - first.now < 1000 ? undefined : ((states - first.states) * 1000) / (now - first.now);
  };
}

/** Results of a user's own incident name its file, so that their commands and witnesses find it again. */
function inFile(e: Exploration, file: string | undefined): Exploration {
  if (file === undefined) return e;
  return { ...e, file, witness: e.witness === undefined ? undefined : { ...e.witness, file } };
}

/** The program of a job, for a thread that helps: whether it can be made was found out by the first one. */
export async function programOf({ incident: name, choices }: ExploreJob): Promise<Subject> {
  const found = await incidentOf(name, undefined);
  if ("error" in found) throw new Error(found.error.message);
  const prepared = await prepareSafely(undefined, found.incident, choices);
  if ("error" in prepared) throw new Error(prepared.error.message);
  return prepared;
}

/** A name with a slash or the ending of a program is a file. */
export function isFileName(name: string): boolean {
  return name.includes("/") || /\.[cm]?[jt]s$/.test(name);
}

type FoundIncident =
  | { readonly incident: AnyIncident; readonly file: string | undefined }
  | { readonly error: JobError };

async function incidentOf(name: string, library: Library | undefined): Promise<FoundIncident> {
  if (isFileName(name)) {
    const { loadUserIncident } = await import("./user-incident.ts");
    const loaded = await loadUserIncident(name);
    if ("error" in loaded) return { error: { id: "incident-file", message: loaded.error } };
    return { incident: loaded.incident, file: name };
  }
  const { catalogue, loadIncident } = await import("../../incidents/catalogue.ts");
  const incident = library?.incidents.find(({ id }) => id === name) ?? (await loadIncident(name));
  if (incident !== undefined) return { incident, file: undefined };
  const known = library?.incidents.map(({ id }) => id) ?? Object.keys(catalogue);
  return { error: { id: "incident-unknown", message: name, given: name, known } };
}

/** Fixes are names first: a misspelt one gets a suggestion before anything is said of its era. */
function unknownFix(incident: AnyIncident, choices: Choices): JobError | undefined {
  if (isAbstract(incident)) return undefined;
  const wrong = [...(choices.fixes ?? []), ...(choices.reverted ?? [])].find((fix) => !incident.fixes.includes(fix));
  if (wrong === undefined) return undefined;
  const has = incident.fixes.length === 0 ? "none" : incident.fixes.join(", ");
  const message = `${incident.id} has no fix "${wrong}"; it has ${has}`;
  return { id: "choice-refused", message, given: wrong, known: incident.fixes };
}

/** What a set-up throws is a size that cannot be built. */
async function prepareSafely(
  library: Library | undefined,
  incident: AnyIncident,
  choices: Choices,
): Promise<Subject | { readonly error: ChoiceError }> {
  try {
    const result = isAbstract(incident)
      ? (await import("../../incidents/prepare-abstract.ts")).prepareAbstract(incident, choices)
      : (library ?? (await import("../../incidents/prepare.ts"))).prepare(incident, choices);
    return result.ok ? result.prepared : { error: result.error };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { error: { message: `${incident.id} cannot be set up like this: ${error.message.split("\n")[0]}` } };
  }
}
