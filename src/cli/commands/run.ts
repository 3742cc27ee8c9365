/** `unwedge run INCIDENT`: runs an incident in virtual time and prints what was measured. */
import type { Choices } from "../../incidents/prepared.ts";
import { compareRunsDocument, compareRunsText, type RunRow, runDocument, runText } from "../../report/run.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Job, Library } from "../explore/job.ts";
import { runJob } from "../explore/run-job.ts";
import { message, usageError } from "../messages.ts";
import { show, type Terminal } from "../terminal.ts";
import { packageVersion } from "../version.ts";
import { choicesOf, type ExploreFlags, refusal, wholeNumber } from "./explore.ts";

/** Options as the command line gives them. */
export interface RunFlags
  extends Pick<
    ExploreFlags,
    "fix" | "revert" | "era" | "cgroup" | "nokmem" | "hack" | "param" | "compare" | "json" | "pager" | "exitZero"
  > {
  readonly seconds?: string;
  readonly scale?: string;
  readonly device?: string;
  readonly hz?: string;
  readonly seed?: string;
}

/** Some minutes' worth: a run that spins is cut short rather than waited for. */
const MOST_STEPS = 20_000_000;

type RunJob = Job & { readonly kind: "run" };

/** Runs the command; resolves with the exit code. */
export async function runRun(t: Terminal, incident: string, flags: RunFlags, library?: Library): Promise<number> {
  const job = jobOf(incident, flags);
  if (flags.compare !== undefined) return compare(t, job, flags, library);
  const ran = await runJob(t, job, library);
  if (ran.kind === "refused") throw refusal(ran.error);
  if (ran.kind !== "ran") throw new Error("a run was asked for");
  if (t.interrupted.aborted) t.err(message("explore-interrupted"));
  if (flags.json) await t.out(`${JSON.stringify(runDocument(ran, packageVersion()), undefined, 2)}\n`);
  else await show(t, runText(ran), flags.pager);
  return codeOf([ran], t, flags);
}

function jobOf(incident: string, flags: RunFlags): RunJob {
  const { scale = "full" } = flags;
  if (scale !== "full" && scale !== "small") throw usageError("scale-unknown", scale);
  const seconds = wholeNumber("--seconds", flags.seconds);
  const hz = wholeNumber("--hz", flags.hz);
  const seed = wholeNumber("--seed", flags.seed);
  if (hz === 0) throw usageError("number-malformed", "--hz", "0");
  return {
    kind: "run",
    incident,
    choices: choicesOf({ color: "auto", ...flags }),
    options: {
      scale,
      maxSteps: MOST_STEPS,
      ...(seconds === undefined ? {} : { seconds }),
      ...(hz === undefined ? {} : { hz }),
      ...(seed === undefined ? {} : { seed }),
      ...(flags.device === undefined ? {} : { device: flags.device }),
    },
  };
}

/** The incident as it is, and with each of its fixes. */
async function compare(t: Terminal, job: RunJob, flags: RunFlags, library: Library | undefined): Promise<number> {
  const { incident, choices } = job;
  const listed = await runJob(t, { kind: "switches", incident, choices }, library);
  if (listed.kind === "refused") throw refusal(listed.error);
  if (listed.kind !== "switches") throw new Error("a list of switches was asked for");
  const rows: RunRow[] = [];
  for (const { name, choices: switched } of listed.switches.filter((one) => isFix(one.choices, choices))) {
    if (t.interrupted.aborted) break;
    const ran = await runJob(t, { ...job, choices: switched }, library);
    if (ran.kind === "refused") {
      if (rows.length === 0) throw refusal(ran.error);
      rows.push({ name, refused: ran.error.message });
    } else if (ran.kind === "ran") rows.push({ name, ...ran });
  }
  if (t.interrupted.aborted) t.err(message("explore-interrupted"));
  if (flags.json) {
    await t.out(`${JSON.stringify(compareRunsDocument(listed.incident, rows, packageVersion()), undefined, 2)}\n`);
  } else await show(t, compareRunsText(rows), flags.pager);
  return codeOf(
    rows.flatMap((row) => ("result" in row ? [row] : [])),
    t,
    flags,
  );
}

/** Of the switches that a search compares, those that change no more than fixes. */
function isFix(one: Choices, base: Choices): boolean {
  return one.cgroup === base.cgroup && one.kmem === base.kmem && (one.hacks ?? []).join() === (base.hacks ?? []).join();
}

function codeOf(ran: readonly (RunRow & { readonly result: unknown })[] | readonly object[], t: Terminal, f: RunFlags) {
  if (t.interrupted.aborted) return exitCodes.interrupted;
  if (f.exitZero) return exitCodes.ok;
  const results = (ran as readonly { readonly result: { readonly outcome: string; readonly cut: unknown } }[]).map(
    (one) => one.result,
  );
  if (results.some((r) => r.outcome === "deadlock" || r.outcome === "livelock")) return exitCodes.found;
  return results.some((r) => r.cut !== undefined) ? exitCodes.inconclusive : exitCodes.ok;
}
