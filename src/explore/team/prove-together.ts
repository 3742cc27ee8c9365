/**
 * The search of `prove` by several members in threads of their own, which share the states they have visited.
 *
 * Without reductions, the states, the steps and the states at rest of a whole search are the same for any number of members;
 * which of several faults is met first may differ. The caller starts the threads (`Crew`); each runs {@link searchAsMember}.
 */
import { omissionProbability } from "../hashed-set.ts";
import type { Learnable } from "../learned.ts";
import { type ProveOptions, type ProveOutcome, prove } from "../prove.ts";
import { describeChoices } from "../schedule.ts";
import type { Choice, Finding, StopReason } from "../types.ts";
import { type Doubt, type MemberOptions, type MemberReport, STOP_REASONS, searchAsMember } from "./member.ts";
import { remainingDoubts } from "./settle.ts";
import { SharedNumbers } from "./shared-numbers.ts";
import { countsOf, STOP, type TeamMemory, teamMemory } from "./team-memory.ts";

/** What the other members are told. @since 0.2.0 */
export interface Share {
  readonly memory: TeamMemory;
  readonly find: "first" | "all";
  /** Infinity: none. */
  readonly maxStates: number;
  readonly maxSteps: number;
  readonly lookEvery?: number | undefined;
}

/** Threads to search with. @since 0.2.0 */
export interface Crew {
  /** How many search, the caller's own thread among them; at most 8. */
  readonly members: number;
  /** Steps after which each member looks whether another one has nothing to do; 64 unless told. */
  readonly lookEvery?: number;
  /**
   * Has members 1 to `members` - 1 call `searchAsMember` on the same program in the same first state, at the same time as the
   * caller does as member 0; the function that is returned waits for their reports.
   */
  start(share: Share): () => readonly MemberReport[];
}

/** Memory for states where no bound is given. */
const ROOM = 2 ** 32;

/**
 * As `prove` without `reduce`, `exact` and other `livelocks` than endless ones, for a program whose steps can be learned.
 *
 * @since 0.2.0
 */
export function proveTogether(program: Learnable, crew: Crew, options: ProveOptions = {}): ProveOutcome {
  const { find = "first", maxStates = Infinity, maxSteps = Infinity, memoryBytes = ROOM } = options;
  const initial = program.words.slice();
  const memory = memoryFor(crew.members, memoryBytes);
  if (memory === undefined) return prove(program, { ...options, reduce: true });
  const { lookEvery } = crew;
  const share: Share = { memory, find, maxStates, maxSteps, lookEvery };
  const control = new Int32Array(memory.control);
  const counts = () => ({ ...countsOf(control, crew.members), executions: undefined, bytes: 0 });
  const poll = (): boolean => {
    options.onProgress?.(counts());
    return options.shouldStop?.() === true;
  };
  if (program.numbering !== undefined) new SharedNumbers(memory).found(program.numbering);
  const others = crew.start(share);
  const mine: MemberOptions = { find, maxStates, maxSteps, lookEvery, poll };
  const reports = [searchAsMember(program, memory, 0, mine), ...others()];
  program.words.set(initial);
  const stopped = STOP_REASONS[Atomics.load(control, STOP)];
  const doubts = stopped === undefined ? remainingDoubts(memory, reports) : [];
  const { found, short } = judge(program, doubts, options);
  program.words.set(initial);
  return outcome(reports, found, stopped ?? short ?? undefined, countsOf(control, crew.members), memory);
}

/** Undefined where the machine does not give so much at once, though a search may not need it all: then one searches alone. */
function memoryFor(members: number, bytes: number): TeamMemory | undefined {
  try {
    return teamMemory(members, bytes);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Looks for what goes on for ever where no end is in sight, with each such component as the first state. */
function judge(program: Learnable, doubts: readonly Doubt[], options: ProveOptions) {
  const initial = program.words.slice();
  const found: Finding[] = [];
  for (const { path } of doubts) {
    program.words.set(initial);
    const choices: Choice[] = [];
    for (let i = 0; i < path.length; i += 2) choices.push({ context: path[i]!, way: path[i + 1]! });
    const stem = describeChoices(program, choices);
    const { find = "first", memoryBytes } = options;
    const rest = prove(program, { find, symmetry: false, ...(memoryBytes === undefined ? {} : { memoryBytes }) });
    for (const finding of rest.findings) found.push({ ...finding, schedule: [...stem, ...finding.schedule] });
    if (find === "first" && found.length > 0) return { found, short: "finding" as const };
    if (!rest.complete && rest.stopped !== "finding") return { found, short: rest.stopped };
  }
  return { found, short: undefined };
}

function outcome(
  reports: readonly MemberReport[],
  late: readonly Finding[],
  stopped: StopReason | undefined,
  counts: { readonly states: number; readonly steps: number; readonly depth: number },
  memory: TeamMemory,
): ProveOutcome {
  const findings = new Map<string, Finding>();
  for (const finding of [...reports.flatMap((report) => report.findings), ...late]) {
    const key = `${finding.kind} ${finding.contexts.join()} ${finding.message}`;
    if (!findings.has(key)) findings.set(key, finding);
  }
  const list = [...findings.values()];
  const bytes = new Int32Array(memory.room).reduce((sum, room) => sum + room * 20, 0);
  return {
    ...counts,
    finding: list[0],
    findings: list,
    complete: stopped === undefined,
    stopped,
    deadlocks: new Set(reports.flatMap((report) => [...report.deadlocks])),
    ends: new Set(reports.flatMap((report) => [...report.ends])),
    executions: undefined,
    terminals: reports.reduce((sum, report) => sum + report.terminals, 0),
    reduced: 0,
    bytes: reports.reduce((sum, report) => sum + report.bytes, bytes),
    omission: omissionProbability(counts.states),
    // the threads know nothing of it
    symmetry: 1,
  };
}
