/** Collects what a search found (@internal). */
import type { Explorable } from "../resumable/explorable.ts";
import { stateText } from "./faults.ts";
import type { SavedSearch } from "./saved-search.ts";
import { describeChoices } from "./schedule.ts";
import type { Choice, Fault, Finding, StopReason } from "./types.ts";

/** More different findings than anyone reads; the sets of states stay exact. */
const MOST_FINDINGS = 100;

/** How a run goes round: after a stem, a cycle, and ways out of it, each from the end of the stem. */
export interface Round {
  readonly stem?: readonly Choice[];
  readonly cycle?: readonly Choice[];
  readonly exits?: readonly (readonly Choice[])[];
}

export class Findings {
  readonly list: Finding[] = [];
  readonly deadlocks = new Set<string>();
  readonly ends = new Set<string>();
  readonly #known = new Set<string>();
  readonly #program: Explorable;
  readonly #initial: Int32Array;
  readonly #all: boolean;

  /** `initial` are the words that every schedule starts from. */
  constructor(program: Explorable, initial: Int32Array, all: boolean) {
    this.#program = program;
    this.#initial = initial;
    this.#all = all;
  }

  /**
   * Notes a fault; true when the search should stop. `path`, the stem included, is asked only for faults of a new kind. Leaves the words
   * as they were.
   */
  add(fault: Fault, path: () => readonly Choice[], { cycle = [], exits = [] }: Round = {}): boolean {
    const key = keyOf(fault);
    if (this.#known.has(key) || this.list.length >= MOST_FINDINGS) return !this.#all;
    this.#known.add(key);
    const { words } = this.#program;
    const present = words.slice();
    words.set(this.#initial);
    const stem = path();
    const steps = describeChoices(this.#program, [...stem, ...cycle]);
    const leaving = exits.flatMap((way) => {
      words.set(this.#initial);
      return describeChoices(this.#program, [...stem, ...way]).slice(-1);
    });
    words.set(present);
    const [schedule, round] = [steps.slice(0, stem.length), steps.slice(stem.length)];
    this.list.push({ ...fault, schedule, cycle: round, exits: leaving });
    return !this.#all;
  }

  /** Takes over what another search of the same program found; true when the search should stop. */
  adopt(found: Finding): boolean {
    this.list.push(found);
    return !this.#all;
  }

  /** Notes a state where nothing can step. */
  terminal(stuck: boolean): void {
    if (this.#all) (stuck ? this.deadlocks : this.ends).add(stateText(this.#program.words));
  }

  /** The part of an outcome that every search shares. */
  outcome(stopped: StopReason | undefined) {
    return {
      finding: this.list[0],
      findings: this.list,
      complete: stopped === undefined,
      stopped,
      deadlocks: this.deadlocks as ReadonlySet<string>,
      ends: this.ends as ReadonlySet<string>,
    };
  }

  /** Takes over what was found before the search was stopped. */
  restore({ findings, deadlocks, ends }: Pick<SavedSearch, "findings" | "deadlocks" | "ends">): void {
    for (const finding of findings) {
      this.list.push(finding);
      this.#known.add(keyOf(finding));
    }
    for (const text of deadlocks) this.deadlocks.add(text);
    for (const text of ends) this.ends.add(text);
  }
}

function keyOf(fault: Fault): string {
  return `${fault.kind} ${fault.contexts.join()} ${fault.message}`;
}
