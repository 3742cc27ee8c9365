/** Sentences about searches and what they hold for. */
import type { Exploration } from "../explore/incident.ts";
import type { Strategy } from "../explore/incident-witness.ts";
import { count, plural } from "./words.ts";

/** Something is wrong. */
export function found(e: Pick<Exploration, "outcome">): boolean {
  return e.outcome !== "none";
}

/** `Kernel 4.20.0 with nofs-pte, without prealloc-pte, cgroup v1, nokmem.` */
export function kernelWords(e: Exploration): string {
  if (e.era === undefined) return "An abstract model: no kernel is in it.";
  const parts = [
    `Kernel ${e.era}`,
    ...(e.fixes.length > 0 ? [`with ${e.fixes.join(" and ")}`] : []),
    ...(e.reverted.length > 0 ? [`with ${e.reverted.join(" and ")} reverted`] : []),
    `cgroup ${e.cgroup}`,
    ...(e.kmem !== false ? [] : ["kernel memory not accounted (nokmem)"]),
    ...(e.hacks.length > 0 ? [`with the hacks ${e.hacks.join(" and ")}, which no kernel has`] : []),
  ];
  return `${parts.join(", ")}.`;
}

const STRATEGY_WORDS: Readonly<Record<Strategy, string>> = {
  prove: "prove: every reachable state, depth first",
  hunt: "hunt: executions in partial-order-reduction order; it looks for deadlocks, and livelocks need prove",
  pct: "pct: random schedules with few changes of priority",
  random: "random: steps drawn evenly",
};

const PREEMPTION_WORDS =
  "prove: states in the order of preemptions (a context is made to stop although it could go on)";

const STOPS: Readonly<Record<string, string>> = {
  finding: "the search stopped at its first finding",
  states: "the bound on states was reached (--max-states)",
  steps: "the bound on steps was reached",
  executions: "the bound on executions was reached",
  depth: "executions longer than the bound were cut",
  memory: "the memory bound was reached (--max-memory)",
  preemptions: "schedules with more preemptions were not looked at",
  aborted: "the search was stopped (--max-seconds, or an interrupt)",
};

/** Why a search is not complete. */
export function stopWords(e: Pick<Exploration, "stopped" | "strategy" | "preemptions">): string {
  if (e.preemptions !== undefined) {
    const most = e.preemptions === 0 ? "without preemptions" : `with at most ${plural(e.preemptions, "preemption")}`;
    return `only all schedules ${most} were seen, and livelocks were not looked for`;
  }
  if (e.stopped !== undefined) return STOPS[e.stopped] ?? `a bound on ${e.stopped} was reached`;
  return `${e.strategy} does not see everything, and only prove can say that there is nothing`;
}

function prunedWords({ pruned, strategy }: Exploration): string {
  return strategy === "prove"
    ? `at ${count(pruned)} some contexts were put off`
    : `${count(pruned)} executions left out`;
}

/** What the search did. */
export function searchLines(e: Exploration, seconds: number | undefined): string[] {
  const seed = e.seed === undefined ? "" : `, seed ${e.seed}`;
  const quick = e.strategy === "prove" && e.executions > 0;
  const did = [
    ...(e.states === undefined ? [] : [plural(e.states, "state")]),
    ...(e.executions === 0 || quick ? [] : [plural(e.executions, "execution")]),
    `${plural(e.steps, "step")}${quick ? " in all" : ""}`,
    ...(e.pruned === 0 ? [] : [prunedWords(e)]),
    ...(e.depth === 0 ? [] : [`the longest path ${plural(e.depth, "step")}`]),
    ...(seconds === undefined ? [] : [`${seconds.toFixed(seconds < 10 ? 2 : 0)} s`]),
    ...(e.bytes < 1e6 ? [] : [`${count(Math.round(e.bytes / 1e6))} MB`]),
  ];
  const [findings, states] = [
    plural(e.all?.findings ?? 0, "different finding"),
    plural(e.all?.deadlocks ?? 0, "state"),
  ];
  const end = found(e) && e.all === undefined ? "it stopped at its first finding" : `not complete: ${stopWords(e)}`;
  return [
    e.maxPreemptions === undefined ? `${STRATEGY_WORDS[e.strategy]}${seed}` : PREEMPTION_WORDS,
    did.join(", "),
    ...(quick
      ? [`${plural(e.executions, "execution")} before it, at random and in partial-order order, found nothing`]
      : []),
    ...(e.omission === 0 || found(e)
      ? []
      : [`states told apart by 128-bit sums; chance that one was missed: ${e.omission.toExponential(0)}`]),
    ...(e.all === undefined ? [] : [`it went on after the first: ${findings}, ${states} where nothing can step`]),
    e.complete ? "complete within the scope below" : end,
  ];
}

function lawWords(e: Exploration): string {
  return e.lawsChecked
    ? "the laws of the model (conservation, page states, lists, locks) were checked in every state"
    : "laws of the model were not checked (--check-invariants)";
}

/** The scope of the answer. */
export function scopeLines(e: Exploration): string[] {
  const { scope, parameters } = e;
  const values = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
  return [
    [
      plural(scope.tasks, "task"),
      plural(scope.pages, "page"),
      ...(scope.cpus === 0 ? [] : [plural(scope.cpus, "CPU")]),
      `at most ${plural(scope.requests, "request")} in flight`,
    ].join(", "),
    ...(values.length > 0 ? [`parameters: ${values.join(", ")}`] : []),
    `timers are ${scope.timers}: each may fire at any time${scope.fixedChoices.length > 0 ? ", but for what the incident decides" : ""}; memory is ${scope.memoryModel}ly consistent`,
    ...(e.era === undefined ? [] : [lawWords(e)]),
    `fairness: ${scope.fairness}`,
    ...(scope.fixedChoices.length > 0
      ? [`decided by the incident, not explored: ${scope.fixedChoices.join("; ")}`]
      : []),
  ];
}
