/** The report of an exploration: what was found and how it comes about, or what was covered; 80 columns, ASCII. */
import { deadlockSentence } from "../diagnose/deadlock-sentence.ts";
import type { Exploration } from "../explore/incident.ts";
import { FIRST_SEED } from "../explore/incident-witness.ts";
import type { TimelineStep } from "../explore/judge.ts";
import { drawCore } from "./core-text.ts";
import { shellWord } from "./escape.ts";
import { found, kernelWords, scopeLines, searchLines, stopWords } from "./exploration-words.ts";
import { Page, type TextRole } from "./page.ts";
import { edgeSentence, stuckSentence } from "./sections.ts";
import { count, plural, waitedFor } from "./words.ts";

/** Options of {@link explorationText}. */
export interface ExplorationTextOptions {
  readonly width?: number;
  readonly style?: (role: TextRole, text: string) => string;
  /** Every step and every stack, however many. */
  readonly all?: boolean;
  /** Seconds that the search took, by the caller's clock. */
  readonly seconds?: number;
  /** The command that gives the finding again; built from the choices when absent. */
  readonly command?: string;
  /** The schedule was given, not searched for. */
  readonly replayed?: boolean;
  /** {@link command} goes on with this search. */
  readonly goesOn?: boolean;
}

/** Most stacks, and most steps of the timeline at each end. */
const MAX_STACKS = 6;
const MAX_STEPS = 60;

/**
 * The whole report, ending in a newline. First line: what came out; last line: the command that gives it again.
 *
 * @since 0.2.0
 */
export function explorationText(e: Exploration, options: ExplorationTextOptions = {}): string {
  const page = new Page(options.width ?? 80, options.style ?? ((_role, text) => text), options.all ?? false);
  const section = (title: string): void => {
    page.blank();
    page.line("heading", title);
  };
  page.wrapped("verdict", headline(e), "", "  ");
  page.wrapped("dim", `(${e.title.replace(/\.$/, "")}. ${kernelWords(e)})`, "", "  ");
  if (found(e)) {
    const { account } = e;
    if (account !== undefined && account.core.length > 0) {
      section("WHO WAITS FOR WHOM");
      drawCore(page, account);
      for (const edge of page.all ? account.core : []) page.bullet(edgeSentence(edge));
    }
    if (account !== undefined && account.stuckBehind.length > 0) {
      section("STUCK BEHIND IT");
      for (const group of account.stuckBehind) page.bullet(stuckSentence(group));
    }
    if (e.outcome === "livelock") exits(page, e, section);
    section("HOW IT COMES ABOUT");
    timeline(page, e);
    stacks(page, e, section);
  }
  section(options.replayed ? "WHAT THIS HOLDS FOR" : "WHAT WAS COVERED");
  if (!options.replayed) for (const line of searchLines(e, options.seconds)) page.bullet(line);
  for (const line of scopeLines(e)) page.bullet(line);
  page.blank();
  page.wrapped("dim", again(e, options), "");
  page.pasted(options.command ?? exploreCommand(e, found(e)), "  ");
  return page.toString();
}

function again(e: Exploration, options: ExplorationTextOptions): string {
  if (options.goesOn) return "To go on with this search:";
  return found(e) ? "To see this schedule again:" : "To search again:";
}

/** The first line. */
function headline(e: Exploration): string {
  const core = e.account?.core ?? [];
  const behind = (e.account?.stuckBehind ?? []).reduce((n, group) => n + group.count, 0);
  switch (e.outcome) {
    case "deadlock":
      if (core.length === 0) return `DEADLOCK: ${e.message ?? "contexts wait for ever"}.`;
      return e.account?.kind === "nobody"
        ? `DEADLOCK: ${core.map((edge) => edgeSentence(edge)).join("; ")}.`
        : `DEADLOCK: ${deadlockSentence(core, behind, waitedFor)}`;
    case "lockup":
      return `LOCKUP: a CPU spins for what nobody can end: ${core.map((edge) => edgeSentence(edge)).join("; ")}.`;
    case "livelock":
      return `LIVELOCK: ${e.message ?? "contexts run for ever"}; ${e.exits.length === 0 ? "no schedule of this scope leads out of it" : "a fair scheduler need not lead out of it"}.`;
    case "invariant":
      return `BROKEN INVARIANT: ${(e.message ?? "a law of the model does not hold").split("\n")[0]}`;
    case "none":
      return e.complete
        ? `NOTHING WRONG FOUND: no schedule of ${e.incident} ends in a deadlock or livelock${e.lawsChecked ? " or breaks a law" : ""}; ${statesSeen(e)}.`
        : `CANNOT TELL: nothing wrong found in ${e.incident} so far, but ${stopWords(e)}.`;
  }
}

/** How many states said so; with contexts put off, they stand for all. */
function statesSeen(e: Exploration): string {
  const states = count(e.states ?? 0);
  return e.pruned > 0 ? `${states} states stand for all` : `all ${states} states were seen`;
}

function exits(page: Page, e: Exploration, section: (title: string) => void): void {
  section("WHAT WOULD END IT");
  if (e.exits.length === 0) page.bullet("nothing that happens within this scope: endless there");
  for (const exit of e.exits) page.bullet(exit);
}

/** Steps grouped by who takes them; the one after which nothing helps any more is marked. */
function timeline(page: Page, e: Exploration): void {
  const { witness } = e;
  if (witness === undefined) return;
  const short = witness.shortened ? ", made as short as possible" : "";
  const made = `${plural(witness.schedule.length, "step")}, ${plural(witness.contextSwitches, "context switch", "context switches")}`;
  page.wrapped("dim", `${made}${short}`, "  ");
  const steps = e.timeline;
  const ends = witness.schedule.length;
  const left = page.all ? 0 : Math.max(0, steps.length - 2 * MAX_STEPS);
  let who: string | undefined;
  steps.forEach((step, at) => {
    if (left > 0 && at >= MAX_STEPS && at < MAX_STEPS + left) {
      if (at === MAX_STEPS) page.line("dim", `         ... ${plural(left, "step")} (--all shows them)`);
      who = undefined;
      return;
    }
    if (at === ends) page.line("dim", "  and then round and round:");
    if (step.context !== who || at === ends) page.line("name", `  ${step.context}`);
    who = step.context;
    stepLine(page, step, at + 1);
    if (witness.irreversibleAfter === at + 1) page.line("says", "         ^ from here on nothing can prevent it");
  });
}

const WITHIN_COLUMN = 46;

function stepLine(page: Page, step: TimelineStep, number: number): void {
  const line = `    ${String(number).padStart(4)} ${step.what}`;
  const said = step.within === undefined || step.what.split(" ").includes(step.within);
  const within = said ? "" : `in ${step.within}`;
  if (line.length < WITHIN_COLUMN && WITHIN_COLUMN + within.length <= page.width) {
    page.line(undefined, `${line.padEnd(WITHIN_COLUMN)}${within}`);
  } else page.wrapped(undefined, `${step.what} ${within}`, line.slice(0, 9), " ".repeat(11));
}

/** Members of the core first; who is stuck behind it only where there is room. */
function stacks(page: Page, e: Exploration, section: (title: string) => void): void {
  const contexts = e.account?.contexts ?? [];
  const core = contexts.filter((context) => context.role === "core");
  const wanted = core.length > 0 ? core : contexts;
  const shown = page.all ? contexts : wanted.slice(0, MAX_STACKS);
  if (shown.length === 0) return;
  section(e.era === undefined ? "WHERE THEY STAND" : "STACKS, AS THE KERNEL WOULD PRINT THEM");
  shown.forEach((context, i) => {
    if (i > 0) page.blank();
    for (const line of context.trace) page.line(undefined, line);
  });
  const left = contexts.length - shown.length;
  if (left > 0) page.wrapped("dim", `... and ${plural(left, "more context")}: see --all`, "  ");
}

/** `unwedge explore INCIDENT ...` with every choice that is not the default. */
export function exploreCommand(e: Exploration, replay = false): string {
  const words = [
    `unwedge explore ${shellWord(e.file ?? e.incident)}`,
    ...(e.era === undefined || e.era === e.defaults.era ? [] : [`--era ${shellWord(e.era)}`]),
    ...e.fixes.map((fix) => `--fix ${shellWord(fix)}`),
    ...e.reverted.map((fix) => `--revert ${shellWord(fix)}`),
    ...(e.cgroup === e.defaults.cgroup ? [] : [`--cgroup ${e.cgroup}`]),
    ...(e.kmem !== false ? [] : ["--nokmem"]),
    ...(e.hacks.length > 0 ? [`--hack ${e.hacks.join(",")}`] : []),
    ...Object.entries(e.parameters)
      .filter(([name, value]) => e.defaults.parameters[name] !== value)
      .map(([name, value]) => `--param ${name}=${value}`),
    ...(e.lawsChecked ? ["--check-invariants"] : []),
    ...(e.asked === undefined ? [] : [`--strategy ${e.asked}`]),
    ...(e.maxPreemptions === undefined ? [] : [`--max-preemptions ${e.maxPreemptions}`]),
    ...(e.exact ? ["--exact"] : []),
    ...(e.fair ? ["--fair"] : []),
    ...(e.unfair ? ["--unfair"] : []),
    ...(e.all === undefined ? [] : ["--all-findings"]),
    ...(e.reduced ? [] : ["--no-reduce"]),
    ...(e.seed === undefined || e.seed === FIRST_SEED ? [] : [`--seed ${e.seed}`]),
  ];
  const command = words.join(" ");
  return replay ? `${command} -o witness.json; unwedge replay witness.json` : command;
}
