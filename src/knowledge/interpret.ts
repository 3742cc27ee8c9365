/**
 * What one stack says: where the context waits, what it holds, what it is doing.
 *
 * The wait is read outward from the innermost frame: primitives first (`bit_wait_io`), then ever more specific
 * frames (`__wait_on_buffer`), until a frame that is no wait; that frame, the caller, may name the lock. Holds are
 * independent of each other: a frame and what it has called since.
 */
import type { Confidence } from "../waits/types.ts";
import { isEntryFrame } from "./frames/entry.ts";
import { preemptFrames, schedulerFrames, spinFrames } from "./frames/scheduler.ts";
import { indexRows, type RowIndex } from "./index-rows.ts";
import { type LockName, locksHeldOver, lockTakenIn } from "./lock-facts.ts";
import { inEra, type Release } from "./release.ts";
import { allRows } from "./rows.ts";
import type { CallerRow, Era, ProviderHint, Scope, Sleep, WaitRow } from "./types.ts";

/** Where and for what a context waits. */
export interface WaitMeaning {
  readonly class: string;
  readonly id?: string;
  /** Folder whose locks of this name are meant, where the name alone is not enough. */
  readonly realm?: string;
  readonly event: string;
  readonly mode?: "read" | "write";
  readonly scope: Scope;
  readonly sleep: Sleep;
  readonly seconds?: number;
  readonly any: boolean;
  readonly providers: readonly ProviderHint[];
  /** Index into the stack's `names` of the frame that says so. */
  readonly frame: number;
  /** First frame outside the wait: who called it. */
  readonly caller?: string;
  /** No table row: a general rule, or nothing at all (`class` is `unknown`). */
  readonly fallback: boolean;
  readonly source: string;
}

export interface HoldMeaning {
  readonly class: string;
  readonly id?: string;
  readonly realm?: string;
  readonly mode?: "read" | "write";
  readonly scope: Scope;
  readonly confidence: Confidence;
  readonly because: string;
  readonly frame: number;
  readonly source: string;
}

export interface StackMeaning {
  /** `idle`: a worker or user task in its normal sleep, nobody's problem. */
  readonly state: "waiting" | "running" | "spinning" | "idle" | "empty";
  readonly wait?: WaitMeaning;
  readonly holds: readonly HoldMeaning[];
  readonly doing: readonly string[];
  /** Frames no row knows, innermost first. */
  readonly unknown: readonly string[];
}

const EMPTY: StackMeaning = { state: "empty", holds: [], doing: [], unknown: [] };
const scheduler = new Set(schedulerFrames);
const preempt = new Set(preemptFrames);
const spin = new Set(spinFrames);

/** Classes a caller can refine: primitives that do not say which lock they are. */
const GENERIC = new Set([
  "mutex",
  "rwsem",
  "semaphore",
  "completion",
  "percpu_rwsem",
  "spinlock",
  "work_flush",
  "workqueue",
  "unknown",
  "bit_wait",
]);

/** General rules for functions without a row, most specific first. */
const PATTERNS: readonly {
  readonly re: RegExp;
  readonly class: string;
  readonly event: string;
  readonly sleep: Sleep;
}[] = [
  { re: /mutex_lock/, class: "mutex", event: "unlock", sleep: "uninterruptible" },
  { re: /rwsem|(^|_)down_(read|write)/, class: "rwsem", event: "unlock", sleep: "uninterruptible" },
  { re: /^_*down(_|$)/, class: "semaphore", event: "up", sleep: "uninterruptible" },
  { re: /wait_for_common|wait_for_completion/, class: "completion", event: "complete", sleep: "uninterruptible" },
  { re: /flush_work$|cancel_(delayed_)?work/, class: "work_flush", event: "complete", sleep: "uninterruptible" },
  { re: /(lock_page|folio_lock)/, class: "PG_locked", event: "unlock", sleep: "uninterruptible" },
  {
    re: /wait_(on_page_)?writeback|folio_wait_writeback/,
    class: "PG_writeback",
    event: "end_writeback",
    sleep: "uninterruptible",
  },
];

/** Everything the table says about stacks of one kernel release. */
export class Interpreter {
  readonly #index: RowIndex;
  readonly #release: Release | undefined;
  readonly #cache = new Map<string, StackMeaning>();

  constructor(release?: Release, rows = allRows) {
    this.#release = release;
    this.#index = indexRows(rows);
  }

  /** Meaning of a stack given as reliable, normalised symbols, innermost first. */
  interpret(names: readonly string[]): StackMeaning {
    if (names.length === 0) return EMPTY;
    const key = names.join(" ");
    let meaning = this.#cache.get(key);
    if (!meaning) {
      meaning = this.#read(names);
      if (this.#cache.size < 100_000) this.#cache.set(key, meaning);
    }
    return meaning;
  }

  /** Does any row know this function? */
  knows(name: string): boolean {
    const i = this.#index;
    return (
      scheduler.has(name) ||
      preempt.has(name) ||
      spin.has(name) ||
      i.neutral.has(name) ||
      i.wait.has(name) ||
      i.caller.has(name) ||
      i.hold.has(name) ||
      i.doing.has(name) ||
      isEntryFrame(name)
    );
  }

  #read(names: readonly string[]): StackMeaning {
    const rows = this.#holds(names);
    const doing = this.#doing(names);
    const unknown = names.filter((n) => !this.knows(n));
    const top = names.find((n) => !scheduler.has(n));
    const wait = this.#wait(names);
    const holds = [...rows, ...this.#factHolds(names, wait, rows)];
    if (top === undefined) return { state: "waiting", holds, doing, unknown };
    if (preempt.has(top)) return { state: "running", holds, doing, unknown };
    if (spin.has(top)) return { state: "spinning", ...(wait && { wait }), holds, doing, unknown };
    if (wait && wait.class === "idle") return { state: "idle", holds, doing, unknown };
    return { state: "waiting", ...(wait && { wait }), holds, doing, unknown };
  }

  #wait(names: readonly string[]): WaitMeaning | undefined {
    let row: WaitRow | undefined;
    let at = -1;
    let i = 0;
    let slept = false;
    for (; i < names.length; i++) {
      const name = names[i]!;
      if (scheduler.has(name)) {
        if (!row) {
          slept = true;
          continue;
        }
      }
      const next = this.#waitRow(name, names, i, row !== undefined);
      if (next) {
        // `rpc_wait_bit_killable < out_of_line_wait_on_bit`: a primitive further out does not undo what is known.
        if (!row || !isBare(next) || isBare(row)) {
          row = next;
          at = i;
        }
        continue;
      }
      if (this.#index.neutral.has(name) && !isEntryFrame(name)) continue;
      break;
    }
    const caller = names[i];
    if (row) return this.#refine(row, at, names, i, caller);
    return this.#fallback(names, i, slept);
  }

  #waitRow(name: string, names: readonly string[], at: number, matched: boolean): WaitRow | undefined {
    const rows = this.#index.wait.get(name);
    if (!rows) return undefined;
    let best: WaitRow | undefined;
    for (const r of rows) {
      if (r.direct && matched) continue;
      if (!this.#applies(r.era)) continue;
      if (r.callers && !some(names, at + 1, names.length, r.callers)) continue;
      if (r.callees && !some(names, 0, at, r.callees)) continue;
      // A row with conditions beats one without: it knows more of this stack.
      if (!best || specificity(r) > specificity(best)) best = r;
    }
    return best;
  }

  #refine(row: WaitRow, at: number, names: readonly string[], next: number, caller: string | undefined): WaitMeaning {
    const base: WaitMeaning = {
      class: row.class,
      ...(row.id !== undefined && { id: row.id }),
      event: row.event,
      ...(row.mode && { mode: row.mode }),
      scope: row.scope,
      sleep: row.sleep,
      ...(row.seconds !== undefined && { seconds: row.seconds }),
      any: row.any ?? false,
      providers: row.providers ?? ["holder"],
      frame: at,
      ...(caller !== undefined && { caller }),
      fallback: false,
      source: row.source,
    };
    if (!GENERIC.has(row.class) && !this.#index.caller.has(caller ?? "")) return base;
    const r = this.#callerRow(row.class, row.mode, names, next);
    if (!r) return withFacts(base, caller);
    return {
      ...base,
      class: r.class,
      ...(r.id !== undefined && { id: r.id }),
      event: r.event ?? base.event,
      ...(r.mode && { mode: r.mode }),
      scope: r.scope,
      providers: r.providers ?? base.providers,
      source: r.source,
    };
  }

  /** A reader's wait is not refined by a row about writers, nor the other way round. */
  #callerRow(
    cls: string,
    mode: "read" | "write" | undefined,
    names: readonly string[],
    at: number,
  ): CallerRow | undefined {
    const name = names[at];
    if (name === undefined) return undefined;
    let best: CallerRow | undefined;
    for (const r of this.#index.caller.get(name) ?? []) {
      if (!r.of.includes(cls) || !this.#applies(r.era)) continue;
      if (r.mode && mode && r.mode !== mode) continue;
      if (r.callers && !some(names, at + 1, names.length, r.callers)) continue;
      if (!best || callerRank(r, cls) > callerRank(best, cls)) best = r;
    }
    return best;
  }

  #fallback(names: readonly string[], at: number, slept: boolean): WaitMeaning | undefined {
    const name = names[at];
    if (name === undefined) return undefined;
    const p = PATTERNS.find((x) => x.re.test(name));
    const inlined = p ? undefined : this.#inlinedLock(names, at);
    if (inlined) return inlined;
    if (!p && !slept && this.#index.hold.has(name)) return undefined;
    const caller = names[at + 1];
    return {
      class: p?.class ?? "unknown",
      ...(p ? {} : { id: name }),
      event: p?.event ?? "wake",
      scope: "lock",
      sleep: p?.sleep ?? "uninterruptible",
      any: false,
      providers: ["holder"],
      frame: at,
      ...(caller !== undefined && { caller }),
      fallback: true,
      source: "general rule",
    };
  }

  /**
   * `/proc/PID/stack` leaves out functions of the scheduler's section, mutex and rwsem slow paths among them, and compilers
   * inline them: a stack that begins at a function known to take one lock waits for that lock.
   */
  #inlinedLock(names: readonly string[], at: number): WaitMeaning | undefined {
    for (const cls of ["mutex", "rwsem", "semaphore", "percpu_rwsem", "completion"]) {
      const r = this.#callerRow(cls, undefined, names, at);
      if (!r || r.of[0] !== cls) continue;
      const completion = cls === "completion";
      return {
        class: r.class,
        ...(r.id !== undefined && { id: r.id }),
        event: r.event ?? (completion ? "complete" : "unlock"),
        ...(r.mode && { mode: r.mode }),
        scope: r.scope,
        sleep: "uninterruptible",
        any: false,
        providers: r.providers ?? ["holder"],
        frame: at,
        ...(names[at + 1] !== undefined && { caller: names[at + 1]! }),
        fallback: true,
        source: r.source,
      };
    }
    return undefined;
  }

  #holds(names: readonly string[]): HoldMeaning[] {
    const out = new Map<string, HoldMeaning>();
    for (let i = names.length - 1; i >= 0; i--) {
      const rows = this.#index.hold.get(names[i]!);
      if (!rows) continue;
      for (const r of rows) {
        if (!this.#applies(r.era)) continue;
        if (r.callees && !some(names, 0, i, r.callees)) continue;
        if (r.notCallees && some(names, 0, i, r.notCallees)) continue;
        if (r.callers && !some(names, i + 1, names.length, r.callers)) continue;
        if (r.notCallers && some(names, i + 1, names.length, r.notCallers)) continue;
        const key = `${r.class} ${r.id ?? ""} ${r.mode ?? ""}`;
        const old = out.get(key);
        if (old && rank(old.confidence) >= rank(r.confidence)) continue;
        out.set(key, {
          class: r.class,
          ...(r.id !== undefined && { id: r.id }),
          ...(r.mode && { mode: r.mode }),
          scope: r.scope,
          confidence: r.confidence,
          because: r.because,
          frame: i,
          source: r.source,
        });
      }
    }
    return [...out.values()];
  }

  /** Locks that the functions on the stack hold by the facts derived from kernel sources, where no row says it better. */
  #factHolds(names: readonly string[], wait: WaitMeaning | undefined, rows: readonly HoldMeaning[]): HoldMeaning[] {
    const out = new Map<string, HoldMeaning>();
    const own = new Set(rows.map((h) => h.id ?? h.class));
    const caller = wait === undefined ? -1 : names.indexOf(wait.caller ?? "", wait.frame + 1);
    for (let i = Math.max(1, caller); i < names.length; i++) {
      const name = names[i]!;
      if (isEntryFrame(name)) continue;
      const held = locksHeldOver(name, names[i - 1], i === caller ? sleepOf(wait!) : undefined);
      for (const l of held) {
        const cls = classOf(l);
        // A row about this lock in this function has already said yes or no.
        const told = this.#index.hold.get(name)?.some((r) => r.id === l.id || r.class === cls);
        if (told || own.has(l.id) || own.has(cls)) continue;
        out.set(`${l.id} ${l.realm ?? ""}`, {
          class: cls,
          id: l.id,
          ...(l.realm !== undefined && { realm: l.realm }),
          ...(l.mode && { mode: l.mode }),
          scope: "request",
          confidence: "likely",
          because: `takes ${l.id} before this call, by its source`,
          frame: i,
          source: l.source,
        });
      }
    }
    return [...out.values()];
  }

  #doing(names: readonly string[]): string[] {
    const out = new Set<string>();
    names.forEach((name, i) => {
      for (const r of this.#index.doing.get(name) ?? []) {
        if (!this.#applies(r.era)) continue;
        if (r.callers && !some(names, i + 1, names.length, r.callers)) continue;
        out.add(r.activity);
      }
    });
    return [...out];
  }

  #applies(era: Era | undefined): boolean {
    return inEra(this.#release, era) !== false;
  }
}

/** Lock classes that have a word of their own. */
const OWN_CLASS = new Set(["cgroup_mutex", "cpu_hotplug_lock", "s_umount", "i_rwsem", "mmap_lock"]);

function classOf(l: LockName): string {
  return OWN_CLASS.has(l.id) ? l.id : l.kind;
}

function sleepOf(w: WaitMeaning): "m" | "r" | "w" | "s" | "sleep" {
  if (w.event !== "unlock" && w.event !== "up") return "sleep";
  if (w.mode !== undefined) return w.mode === "read" ? "r" : "w";
  return w.class === "semaphore" ? "s" : "m";
}

/** A nameless lock gets the name of the only lock of its kind that its caller takes. */
function withFacts(w: WaitMeaning, caller: string | undefined): WaitMeaning {
  if (caller === undefined || w.id !== undefined || !["mutex", "rwsem", "semaphore"].includes(w.class)) return w;
  const l = lockTakenIn(caller, w.class, w.mode);
  if (!l) return w;
  return {
    ...w,
    class: classOf(l),
    id: l.id,
    ...(l.realm !== undefined && { realm: l.realm }),
    scope: "request",
    source: l.source,
  };
}

function some(names: readonly string[], from: number, to: number, wanted: readonly string[]): boolean {
  for (let i = from; i < to; i++) if (wanted.includes(names[i]!)) return true;
  return false;
}

/** A primitive that says neither which lock nor what for. */
function isBare(r: WaitRow): boolean {
  return r.id === undefined && (GENERIC.has(r.class) || r.class === "timer" || r.class === "idle");
}

/** A row with conditions knows more; among equals, the one that names the primitive first is about it. */
function callerRank(r: CallerRow, cls: string): number {
  return (r.callers ? 100 : 0) - r.of.indexOf(cls);
}

function specificity(r: WaitRow): number {
  return (r.callers ? 2 : 0) + (r.callees ? 2 : 0) + (r.direct ? 1 : 0);
}

function rank(c: Confidence): number {
  return c === "proven" ? 2 : c === "likely" ? 1 : 0;
}
