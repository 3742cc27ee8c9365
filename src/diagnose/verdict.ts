/**
 * The verdict: what is dead for sure, what is dead under a hypothesis that the evidence supports, and where the other chains end.
 *
 * A false "deadlock" is the worst result. A cycle joined only by class (some page, some inode of one file system) counts
 * only when every member is known to stay where it is; a cycle of exact instances needs no clock.
 */
import type { Evidence } from "../evidence/types.ts";
import { analyze, weakest } from "../waits/index.ts";
import type { Analysis, Confidence, Core } from "../waits/types.ts";
import { type Hypothesis, type Model, modelOf } from "./model.ts";
import { openVerdict } from "./open-verdict.ts";
import type { Progress } from "./progress.ts";
import { type Terminal, terminalsOf } from "./terminals.ts";
import type { Verdict } from "./types.ts";
import type { Party, World } from "./wants.ts";

export interface Finding {
  readonly verdict: Verdict;
  readonly confidence: Confidence;
  /** The model and analysis the finding was made in. */
  readonly model: Model;
  readonly analysis: Analysis;
  readonly core?: Core;
  /** Assumptions that the finding needs. */
  readonly assumptions: readonly string[];
  /** A cycle that is there, but not sure enough to be called. */
  readonly suspect?: Core;
  readonly terminals: readonly Terminal[];
  /** Why this verdict, in one line each. */
  readonly reasons: readonly string[];
}

interface Trial {
  readonly hypothesis: Hypothesis;
  readonly assumptions: readonly string[];
  /** Highest confidence a finding of this trial can have. */
  readonly cap: Confidence;
}

const UNSUBMITTED =
  "the page that reclaim waits for is in the bio that the blocked writeback context has not submitted";
const STACKED = "what is waited for is in the hands of the blocked worker in this log, not of the hardware";

const ALONE = "no other task of the group frees memory meanwhile";

/** Deadlock, livelock, or where the chains end. */
export function decide(evidence: Evidence, world: World, progress: Progress): Finding {
  const strict = run(world, {});
  const trials: Trial[] = [
    { hypothesis: {}, assumptions: [], cap: "proven" },
    { hypothesis: { unsubmitted: true }, assumptions: [UNSUBMITTED], cap: "likely" },
    { hypothesis: { unsubmitted: true, stackedDevice: true }, assumptions: [STACKED], cap: "likely" },
    { hypothesis: { unsubmitted: true, reclaimAlone: true }, assumptions: [ALONE], cap: "likely" },
  ];
  let suspect: Core | undefined;
  for (const trial of trials) {
    const { model, analysis } = trial.assumptions.length === 0 ? strict : run(world, trial.hypothesis);
    for (const core of analysis.cores) {
      const confidence = weakest([core.confidence, trial.cap]);
      if (core.verdict !== "deadlock") continue;
      if (confidence !== "possible" && holdsUp(core, model, trial.hypothesis, evidence, progress)) {
        return found("deadlock", confidence, core, world, trial, strict, model);
      }
      suspect ??= core;
    }
  }
  const live = livelock(evidence, world, progress, strict);
  if (live) return live;
  return openVerdict(evidence, world.parties, progress, strict, suspect);
}

function run(world: World, hypothesis: Hypothesis): { model: Model; analysis: Analysis } {
  const model = modelOf(world, hypothesis);
  return { model, analysis: analyze(model.graph) };
}

/** Is the cycle more than a coincidence of one moment? */
function holdsUp(core: Core, model: Model, hypothesis: Hypothesis, evidence: Evidence, progress: Progress): boolean {
  const members = membersOf(core, model);
  if (members.length === 0 || members.some((p) => p.subject.released)) return false;
  if (core.edges.some((e) => isInterruptible(model.parties[e.waiter]))) return false;
  if (isExact(core, model)) return true;
  if (hypothesis.stackedDevice && members.length < 2) return false;
  if (evidence.troubles.some((t) => t.kind !== "recovered") && (hypothesis.unsubmitted || hypothesis.stackedDevice))
    return false;
  if (standsStill(progress) && members.some(isSettled)) return true;
  // Where it is not even known which of several candidates is the holder, somebody must say how long they have waited.
  if (isAmbiguous(core, model)) return members.every((p) => p.subject.persistence === "stuck");
  return members.every(isSettled);
}

function membersOf(core: Core, model: Model): Party[] {
  return core.contexts.map((c) => model.parties[c]).filter((p): p is Party => p !== undefined);
}

/** Several stacks hold something of the class that is waited for, and nothing tells which of them is meant. */
function isAmbiguous(core: Core, model: Model): boolean {
  return core.edges.some(
    (e) => (model.joins.get(e.event) ?? []).filter((j) => !j.exact && j.have.frame >= 0).length > 1,
  );
}

/** Known to stay where it is. */
function isSettled(p: Party): boolean {
  return p.subject.persistence === "stuck" || p.subject.persistence === "as-reported";
}

/** Counters say that nothing gets done: a wait seen only once is then no passing one. */
function standsStill(progress: Progress): boolean {
  return (
    progress.storage !== "advancing" &&
    progress.memory !== "advancing" &&
    (progress.storage === "still" || progress.memory === "still")
  );
}

/** A signal ends an interruptible sleep, and its state is no hang. */
function isInterruptible(p: Party | undefined): boolean {
  return p?.want?.sleep === "interruptible" && p.subject.now.state !== "D";
}

function isExact(core: Core, model: Model): boolean {
  const inCore = new Set<number>(core.contexts);
  return core.edges.every((e) =>
    (model.joins.get(e.event) ?? []).filter((j) => inCore.has(j.subject)).every((j) => j.exact),
  );
}

function found(
  verdict: "deadlock" | "livelock",
  confidence: Confidence,
  core: Core,
  world: World,
  trial: Trial,
  strict: { model: Model; analysis: Analysis },
  model: Model,
): Finding {
  // Who is stuck behind it: once the core is dead, the I/O it sits on is dead too.
  const wide = run(world, { ...trial.hypothesis, unsubmitted: true, unsubmittedForAll: true });
  const use = core.contexts.every((c) => wide.analysis.dead.includes(c)) ? wide.analysis : strict.analysis;
  return {
    verdict,
    confidence,
    model,
    analysis: use,
    core,
    assumptions: trial.assumptions,
    terminals: terminalsOf(strict.model, strict.analysis),
    reasons: [],
  };
}

const LIVELOCK: Trial = {
  hypothesis: { unsubmitted: true, reclaimAlone: true },
  assumptions: [ALONE],
  cap: "likely",
};

function livelock(
  evidence: Evidence,
  world: World,
  progress: Progress,
  strict: { model: Model; analysis: Analysis },
): Finding | undefined {
  if (progress.storage === "advancing") return undefined;
  const fruitless = evidence.scanControls.some(isFruitless);
  const trial: Trial = fruitless
    ? {
        hypothesis: { ...LIVELOCK.hypothesis, flusherNeedsJournal: true },
        assumptions: [...LIVELOCK.assumptions, "the flusher needs a jbd2 handle to clean the group's dirty pages"],
        cap: "likely",
      }
    : LIVELOCK;
  const { model, analysis } = run(world, trial.hypothesis);
  for (const core of analysis.cores) {
    if (core.verdict !== "livelock" || core.confidence === "possible") continue;
    const members = membersOf(core, model);
    const loopers = members.filter((p) => p.want?.retries);
    if (loopers.length === 0 || loopers.every((p) => p.haves.length === 0)) continue;
    if (members.some((p) => p.subject.released)) continue;
    const still = standsStill(progress) || progress.storage === "still";
    if (!members.every(isSettled) && !still && !fruitless) continue;
    if (progress.memory === "advancing" && !still) continue;
    const confidence = weakest([core.confidence, fruitless || still ? "likely" : "possible"]);
    return found("livelock", confidence, core, world, trial, strict, model);
  }
  return undefined;
}

/** A reclaim pass at the end of its rope: everything it took was dirty and not queued, nothing came free. */
export function isFruitless(s: { readonly values: Readonly<Record<string, number>> }): boolean {
  const of = (key: string): number | undefined => s.values[`nr.${key}`] ?? s.values[key];
  const taken = of("taken") ?? of("file_taken") ?? of("nr_scanned") ?? 0;
  const dirty = of("unqueued_dirty") ?? of("dirty") ?? 0;
  return of("nr_reclaimed") === 0 && taken > 0 && dirty >= taken * 0.9 && (of("priority") ?? 12) <= 3;
}
