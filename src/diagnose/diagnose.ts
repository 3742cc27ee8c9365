/** The main job, in its steps. */

import { collectEvidence, type EvidenceInput, textInput } from "../evidence/index.ts";
import type { Evidence, OomReport } from "../evidence/types.ts";
import { exploreCommand } from "../incidents/reproduce.ts";
import { Interpreter } from "../knowledge/interpret.ts";
import { pageApi, pageApiFromSymbols, parseRelease, type Release } from "../knowledge/release.ts";
import { answersOf } from "./answers.ts";
import { exitsOf } from "./exits.ts";
import { matchKnownBugs } from "./known-bugs/match.ts";
import { missingFacts } from "./missing.ts";
import { lastBoot } from "./one-host.ts";
import { progressOf } from "./progress.ts";
import { subjectsOf } from "./subjects.ts";
import { summaryOf } from "./summary.ts";
import type { Answer, Diagnosis, KnownBugMatch } from "./types.ts";
import { decide, type Finding } from "./verdict.ts";
import {
  breakerRefs,
  coreViews,
  countContexts,
  detailsOf,
  stuckGroups,
  unexplainedOf,
  unknownFramesOf,
} from "./view.ts";
import { listedHolders, type Party, type PendingEndIo, partiesOf, pendingEndIo } from "./wants.ts";

export interface DiagnoseOptions {
  /** `uname -r` of the host, where the log does not say it (or says it wrongly). */
  readonly release?: string;
}

/** A log as text, or a named input whose bytes arrive in chunks. */
export type DiagnoseInput = string | EvidenceInput;

/**
 * Reads logs of one incident of one host and says who waits for whom, and whether that is a deadlock.
 *
 * @example
 * const d = await diagnose(await readFile("kernel.log", "utf8"));
 * console.log(d.verdict, d.summary);
 * @since 0.1.0
 */
export async function diagnose(
  inputs: DiagnoseInput | readonly DiagnoseInput[],
  options: DiagnoseOptions = {},
): Promise<Diagnosis> {
  const all = (Array.isArray(inputs) ? inputs : [inputs]) as readonly DiagnoseInput[];
  const named = all.map((i, n) =>
    typeof i === "string" ? textInput(all.length === 1 ? "text" : `text ${n + 1}`, i) : i,
  );
  return diagnoseEvidence(await collectEvidence(named), options);
}

/**
 * Diagnoses evidence that has been read already.
 *
 * @since 0.1.0
 */
export function diagnoseEvidence(everything: Evidence, options: DiagnoseOptions = {}): Diagnosis {
  const { evidence, answer } = lastBoot(everything);
  const text = options.release ?? evidence.release;
  const release = text === undefined ? undefined : parseRelease(text);
  const interpreter = new Interpreter(release);
  const subjects = subjectsOf(evidence, interpreter);
  const parties = partiesOf(evidence, subjects);
  const progress = progressOf(evidence);
  const endIo = pendingEndIo(evidence);
  const world = {
    parties,
    victims: victimsOf(evidence, parties),
    listed: listedHolders(evidence, parties),
    ...(endIo && { pendingEndIo: endIo }),
  };
  const finding = decide(evidence, world, progress);
  const core = coreViews(finding);
  const groups = stuckGroups(finding);
  const bugs = matchKnownBugs(finding, evidence, release);
  const missing = missingFacts(finding, evidence, progress);
  return {
    inputs: evidence.inputs,
    kernel: kernelOf(evidence, text, release),
    verdict: finding.verdict,
    confidence: finding.confidence,
    summary: summaryOf(finding, core, groups, evidence),
    exits: exitsOf(finding, release),
    core,
    breakers: breakerRefs(finding),
    stuckBehind: groups,
    contexts: countContexts(parties),
    unexplained: unexplainedOf(parties),
    knownBugs: bugs,
    answers: [
      ...(answer ? [answer] : []),
      ...(endIo ? [endIoAnswer(endIo)] : []),
      ...answersOf(finding, evidence, progress, core, release),
    ],
    advice: [
      ...adviceOf(
        finding,
        bugs.map((b) => b.today),
      ),
      ...reproductionsOf(bugs, text),
    ],
    missing,
    assumptions: assumptionsOf(finding),
    terminals: finding.terminals.map(({ role, name, count }) => ({ role, name, count })),
    reasons: finding.reasons,
    details: detailsOf(finding, interpreter),
    unknownFrames: unknownFramesOf(parties),
    unparsed: evidence.unparsed,
    cutLines: evidence.cutLines,
  };
}

/** Parties that the OOM killer chose and that are still there: by pid, or by the title somebody gave a stack. */
function victimsOf(evidence: Evidence, parties: readonly Party[]): Set<number> {
  const killed = new Map<number, OomReport>();
  for (const o of evidence.ooms)
    if (o.pid !== undefined && (o.kind === "killed" || o.kind === "unable-to-reap")) killed.set(o.pid, o);
  const out = new Set<number>();
  parties.forEach((p, i) => {
    const { subject } = p;
    const kill = subject.ref.pid === undefined ? undefined : killed.get(subject.ref.pid);
    // One that was printed only before it was killed has exited since: it can free nothing more.
    const survives =
      kill !== undefined && !subject.released && (kill.input !== subject.now.input || subject.now.line > kill.line);
    if (survives || /\bvictim\b/i.test(subject.now.title ?? "")) out.add(i);
  });
  return out;
}

function kernelOf(evidence: Evidence, text: string | undefined, release: Release | undefined): Diagnosis["kernel"] {
  const symbols = new Set(evidence.tasks.slice(0, 5000).flatMap((t) => t.stack.names));
  const api = pageApiFromSymbols(symbols) ?? pageApi(release);
  return { ...(text !== undefined && { release: text }), ...(api && { pageApi: api }) };
}

/** A hint of a bug is no reason to look at it in the model. */
const SURE_MATCH = 0.5;

/** How to see a recognised bug happen, step by step, and which change ends it. */
function reproductionsOf(bugs: readonly KnownBugMatch[], release: string | undefined): string[] {
  const sure = bugs.filter((b) => b.match >= SURE_MATCH && b.incident !== undefined);
  const commands = new Set(sure.map((b) => exploreCommand(b.incident ?? "", release)));
  return [...commands].filter((c) => c !== undefined).map((c) => `to see it happen step by step: ${c}`);
}

/** What ends it, or what to do instead. */
function adviceOf(f: Finding, today: readonly string[]): string[] {
  const kill = killAdvice(f);
  const out = [...kill, ...today];
  if (f.verdict === "deadlock" && out.length === 0) {
    out.push(
      "nothing but a forced reboot ends an uninterruptible deadlock (reboot -ff, or echo b > /proc/sysrq-trigger: an ordinary reboot hangs as well); for a crash dump first, if /sys/kernel/kexec_crash_loaded is 1: echo c > /proc/sysrq-trigger",
    );
  }
  const group = f.core?.contexts.some((c) => f.model.parties[c]?.want?.class === "memcg_charge") ?? false;
  if (f.verdict === "livelock" && group && out.length === 0) {
    out.push(
      "raise the group's limit by a few percent to let the loop end (memory.max, or memory.limit_in_bytes in v1; the group is in /proc/PID/cgroup)",
    );
  }
  return [...new Set(out)];
}

/** A member that waits killably can be taken out of the circle. */
function killAdvice(f: Finding): string[] {
  if (f.verdict !== "deadlock" && f.verdict !== "livelock") return [];
  const killable = (f.core?.contexts ?? [])
    .flatMap((c) => f.model.parties[c] ?? [])
    .filter((p) => p.want?.sleep === "killable");
  return killable.map((p) => {
    const { pid, line } = p.subject.ref;
    const what = pid === undefined ? `kill the process whose stack is at line ${line} with SIGKILL` : `kill -9 ${pid}`;
    return `${what}: it waits killably, so a fatal signal ends the circle`;
  });
}

/** Only what the finding makes use of. */
function assumptionsOf(f: Finding): string[] {
  const out = [...f.assumptions];
  const claims = f.verdict === "deadlock" || f.verdict === "livelock" || f.verdict === "slow";
  const usesDevice = f.model.parties.some((p) => p.subject.blocked && p.want?.providers.includes("device"));
  if (claims && usesDevice) out.push("submitted bios complete: hardware is assumed to finish what it was given");
  if (f.core && !f.core.contexts.every((c) => f.model.parties[c]?.subject.persistence === "stuck")) {
    out.push("the stacks were taken from a host that hangs; one dump alone does not show how long a wait lasts");
  }
  return out;
}

function endIoAnswer(e: PendingEndIo): Answer {
  return {
    question: "Has the device done its part?",
    answer: `Yes, for ${e.count} writes: their ${e.fn} works are queued on ${e.queue} and wait for a worker; writeback ends only when they run.`,
    lines: [{ input: e.input, line: e.line }],
  };
}
