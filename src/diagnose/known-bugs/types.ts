/** A known bug is recognised by the shape of its wait graph: who waits for what while holding what. */
import type { Era } from "../../knowledge/types.ts";
import type { Verdict } from "../types.ts";

/** One arrow of the shape. All conditions that are given must hold for one and the same waiter. */
export interface EdgeShape {
  /** Classes of what the waiter waits for; empty: it waits for nothing, it runs. */
  readonly waitsFor: readonly string[];
  /** The lock's own name, where the class alone is too wide. */
  readonly id?: readonly string[];
  /** Mode in which it wants the lock. */
  readonly mode?: "read" | "write";
  /** What the waiter must hold at least one of: a class, or `class:name`. */
  readonly holds?: readonly string[];
  /** What the waiter must not hold: a class, or `class:name`. */
  readonly notHolds?: readonly string[];
  /** Functions of which at least one stands in the waiter's stack: the path, not the text of one log. */
  readonly path?: readonly string[];
  /** Functions, one of which must stand in the stack too (a second part of the path). */
  readonly path2?: readonly string[];
  /** Functions that must not stand in the waiter's stack. */
  readonly notPath?: readonly string[];
  /** Frames marked `?` count as path: the task runs, and what the kernel printed of its stack is not sure. */
  readonly unsure?: boolean;
  /** `core`: a member of the cycle; `any`: any waiter of the log. Default `core`. */
  readonly where?: "core" | "any";
}

/** A row of the table. */
export interface KnownBug {
  readonly id: string;
  readonly title: string;
  /** `commit 63f3655f9501 ("mm, memcg: fix reclaim deadlock with writeback") (v5.0)`; absent when not fixed. */
  readonly fix?: string;
  /** Versions in words, e.g. `4.8 to 4.20 (fixed in 5.0)`. */
  readonly affected: string;
  /** Point-release range in which the bug exists; a known release outside halves the match. */
  readonly era?: Era;
  /** What to do today: `ends it: ...` on the stuck machine, `avoids it: ...` until the fix is there. */
  readonly today: string;
  readonly incident?: string;
  /** Verdicts of findings this can explain. */
  readonly verdicts: readonly Verdict[];
  /** Every edge must be matched, each by another waiter. */
  readonly edges: readonly EdgeShape[];
  readonly source: string;
}
