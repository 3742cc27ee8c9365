/** `unwedge lab SCENARIO`: a real kernel in a virtual machine, driven into a state, and its log diagnosed. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { diagnoseEvidence } from "../../diagnose/index.ts";
import type { Diagnosis } from "../../diagnose/types.ts";
import { collectEvidence } from "../../evidence/index.ts";
import { LabError } from "../../lab/errors.ts";
import { cacheFolder, guestFolder, resultFolder } from "../../lab/folders.ts";
import { type Judged, labDocument, mostTelling, runDocument } from "../../lab/measured.ts";
import { type Run, runScenario } from "../../lab/run.ts";
import { type Settings, scenarios } from "../../lab/scenarios.ts";
import { settingsOf } from "../../lab/settings.ts";
import { labText, scenarioList } from "../../lab/text.ts";
import { findTools, type Tools } from "../../lab/tools.ts";
import { toContract, toText } from "../../report/index.ts";
import { errorCode } from "../error-code.ts";
import { exitCodeOf, exitCodes } from "../exit-codes.ts";
import { openInputs } from "../inputs.ts";
import { message, usageError } from "../messages.ts";
import { didYouMean } from "../near.ts";
import { colored } from "../style.ts";
import { show, type Terminal, wantsColor } from "../terminal.ts";
import { documentHead, packageVersion } from "../version.ts";

/** Options of the command as the command line gives them. */
export interface LabFlags {
  readonly cgroup?: string;
  readonly param?: readonly string[];
  readonly runs?: string;
  readonly trace: boolean;
  readonly kernelPackage?: string;
  readonly prepare?: boolean;
  readonly json?: boolean;
  readonly outDir?: string;
  readonly all?: boolean;
  readonly color: "auto" | "always" | "never";
  readonly pager: boolean;
  readonly exitZero?: boolean;
}

const mostRuns = 100;

/** Runs the command; resolves with the exit code. */
export async function runLab(terminal: Terminal, scenario: string | undefined, flags: LabFlags): Promise<number> {
  const { t, release } = stoppable(terminal);
  try {
    if (flags.prepare) return await prepare(t, flags);
    if (scenario === undefined) return await list(t, flags);
    return await runAll(t, scenario, flags);
  } catch (e) {
    if (!(e instanceof LabError)) throw e;
    if (e.id === "lab-interrupted") {
      t.err(message("lab-interrupted"));
      return exitCodes.interrupted;
    }
    throw usageError(e.id, e.message);
  } finally {
    release();
  }
}

/** A virtual machine and its disks must not outlive this process: other signals that ask to end count as an interrupt. */
function stoppable(t: Terminal): { readonly t: Terminal; release(): void } {
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  if (t.interrupted.aborted) abort();
  t.interrupted.addEventListener("abort", abort);
  const signals = ["SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, abort);
  return {
    t: { ...t, interrupted: stop.signal },
    release: () => {
      for (const signal of signals) process.off(signal, abort);
      t.interrupted.removeEventListener("abort", abort);
    },
  };
}

async function list(t: Terminal, flags: LabFlags): Promise<number> {
  const rows = scenarios.map(({ name, title, cgroups, parameters }) => ({ name, title, cgroups, parameters }));
  if (flags.json)
    await t.out(`${JSON.stringify({ ...documentHead("unwedge.lab-scenarios/1"), scenarios: rows }, undefined, 2)}\n`);
  else await show(t, scenarioList(), flags.pager);
  return exitCodes.ok;
}

const toolsOf = (t: Terminal, flags: LabFlags): Promise<Tools> =>
  findTools({
    cacheFolder: cacheFolder(t.env),
    path: t.env.PATH ?? "",
    interrupted: t.interrupted,
    guestFolder,
    say: (line) => t.err(message("lab-progress", line)),
    ...(flags.kernelPackage === undefined ? {} : { kernelPackage: flags.kernelPackage }),
  });

async function prepare(t: Terminal, flags: LabFlags): Promise<number> {
  const { qemu, kernel } = await toolsOf(t, flags);
  await t.out(`${kernel.packaged}\n${qemu.version}\nready in ${cacheFolder(t.env)}\n`);
  return exitCodes.ok;
}

async function runAll(t: Terminal, scenario: string, flags: LabFlags): Promise<number> {
  const settings = settingsOf(
    {
      scenario,
      cgroup: flags.cgroup,
      parameters: flags.param ?? [],
      // commander sets it true when --no-trace is not given
      traced: flags.trace ? undefined : false,
    },
    didYouMean,
  );
  const runs = runsOf(flags.runs);
  const folder = resultFolder(flags.outDir, `${settings.scenario.name}-${settings.cgroup}`);
  const tools = await toolsOf(t, flags);
  const judged: Judged[] = [];
  for (let i = 0; i < runs && !t.interrupted.aborted; i++)
    judged.push(await runOne(t, settings, tools, runs === 1 ? folder : join(folder, `run-${i + 1}`)));
  t.progress?.(undefined);
  return answer(t, settings, tools, judged, flags);
}

function runsOf(given: string | undefined): number {
  if (given === undefined) return 1;
  const runs = Number(given);
  if (!/^\d+$/.test(given) || runs < 1 || runs > mostRuns) throw usageError("lab-runs", given, String(mostRuns));
  return runs;
}

async function runOne(t: Terminal, settings: Settings, tools: Tools, folder: string): Promise<Judged> {
  makeFolder(folder);
  const run = await runScenario(settings, {
    tools,
    guestFolder,
    folder,
    interrupted: t.interrupted,
    path: t.env.PATH ?? "",
    say: (line) => t.err(message("lab-progress", line)),
    onLine: (line) => t.progress?.(`unwedge: guest at ${line.seconds.toFixed(1)} s: ${line.text}`),
  });
  // what was brought back is read although the user does not want to wait for more of it
  const unstopped = { ...t, interrupted: new AbortController().signal };
  const evidence = await collectEvidence(openInputs(unstopped, evidenceFiles(run)));
  const judged = { run, diagnosis: diagnoseEvidence(evidence, {}) };
  keepFindings(judged);
  return judged;
}

/** Of a run's files those that `diagnose` reads, the log first. */
const evidenceFiles = (run: Run): string[] =>
  ["kernel.log", "dstacks.txt", "diskstats.txt", "memcg.txt", "vmstat.txt", "meminfo.txt"]
    .filter((name) => run.files.includes(name))
    .map((name) => join(run.folder, name));

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (e) {
    throw usageError("output-unwritable", folder, errorCode(e) ?? "unknown reason");
  }
}

function keepFindings(judged: Judged): void {
  const { run, diagnosis } = judged;
  const put = (name: string, text: string): void => writeFileSync(join(run.folder, name), text);
  put("diagnosis.txt", toText(diagnosis, { all: true }));
  put("diagnosis.json", `${JSON.stringify(contract(diagnosis), undefined, 2)}\n`);
  put("run.json", `${JSON.stringify(runDocument(judged), undefined, 2)}\n`);
}

const contract = (d: Diagnosis) => toContract(d, { version: packageVersion() });

async function answer(
  t: Terminal,
  s: Settings,
  tools: Tools,
  judged: readonly Judged[],
  flags: LabFlags,
): Promise<number> {
  const shown = mostTelling(judged);
  const { diagnosis } = judged[shown]!;
  const lab = labDocument(s, tools, judged, shown);
  if (flags.json) await t.out(`${JSON.stringify({ ...contract(diagnosis), lab }, undefined, 2)}\n`);
  else {
    const style = wantsColor(t, flags.color) ? { style: colored } : {};
    await show(t, `${toText(diagnosis, { ...style, ...(flags.all && { all: true }) })}\n${labText(lab)}`, flags.pager);
  }
  if (t.interrupted.aborted) {
    t.err(message("lab-interrupted"));
    return exitCodes.interrupted;
  }
  return flags.exitZero ? exitCodes.ok : exitCodeOf(diagnosis.verdict);
}
