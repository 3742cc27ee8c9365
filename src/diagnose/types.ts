/** The view object: everything the reports print. The JSON contract (`report/json.ts`) is cut from it. */
import type { InputInfo } from "../evidence/types.ts";
import type { Sleep } from "../knowledge/types.ts";
import type { Confidence, ContextKind, Resource } from "../waits/types.ts";

export type Verdict = "deadlock" | "livelock" | "slow" | "lost-io" | "missed-wakeup" | "none" | "unknown";

/** A context as named in reports. `key` is unique within one diagnosis and stable for the same input. */
export interface ContextRef {
  readonly key: string;
  readonly kind: ContextKind;
  readonly pid?: number;
  readonly comm?: string;
  readonly cpu?: number;
  /** Index into `inputs`, and 1-based line there. */
  readonly input?: number;
  readonly line?: number;
}

export interface FrameView {
  /** As the kernel prints it: `folio_wait_bit_common+0x124/0x2d0`, `? ` kept. */
  readonly text: string;
  readonly line?: number;
  /** What the table says of this frame here, e.g. `waits for PG_writeback`, `holds PG_locked`. */
  readonly says?: string;
}

export interface HoldView {
  readonly resource: Resource;
  readonly mode?: "read" | "write";
  readonly confidence: Confidence;
  readonly because: string;
  readonly line?: number;
}

export interface WaitView {
  readonly resource: Resource;
  readonly event: string;
  readonly mode?: "read" | "write";
  readonly sleep: Sleep;
  /** Any one of several things would end it. */
  readonly any: boolean;
  /** The frame that says so. */
  readonly because: string;
  readonly line?: number;
}

/** Everything known of one context. */
export interface ContextView extends ContextRef {
  readonly state?: string;
  readonly blockedSeconds?: number;
  readonly workqueue?: string;
  readonly wait?: WaitView;
  readonly holds: readonly HoldView[];
  readonly doing: readonly string[];
  readonly frames: readonly FrameView[];
  /** `holder`: others wait for it and it runs or waits outside them; `victim`: waits, nobody known waits for it; ... */
  readonly role: "core" | "holder" | "victim" | "running" | "unexplained" | "bystander";
  /** Equal contexts folded into this one (very large inputs); 1 otherwise. */
  readonly count: number;
}

export interface CoreEdgeView {
  readonly waiter: ContextRef;
  readonly waitsFor: Resource;
  readonly event: string;
  readonly any: boolean;
  readonly heldBy: readonly ContextRef[];
  /** Evidence, most telling first: `frame mpage_prepare_extent_to_map (line 12): ...`. */
  readonly why: readonly string[];
  readonly lines: readonly { readonly input: number; readonly line: number }[];
  readonly confidence: Confidence;
}

export interface StuckGroupView {
  readonly waitsFor: Resource;
  readonly event: string;
  /** At most 1,000; `count` is exact. */
  readonly contexts: readonly ContextRef[];
  readonly count: number;
  /** Who would end the wait, where known; part of the sentence a reader wants first. */
  readonly heldBy: readonly ContextRef[];
  readonly why: readonly string[];
}

export interface KnownBugMatch {
  readonly id: string;
  readonly title: string;
  readonly fix?: string;
  readonly affected: string;
  readonly today: string;
  /** 0..1 */
  readonly match: number;
  /** The kernel of this log is not one that the bug is known to affect. */
  readonly outsideEra?: boolean;
  readonly incident?: string;
  readonly why: readonly string[];
}

/** A question maintainers ask, answered from the log: `Who holds the jbd2 handle?`. */
export interface Answer {
  readonly question: string;
  readonly answer: string;
  readonly lines: readonly { readonly input: number; readonly line: number }[];
}

/** A fact that is missing for a surer verdict, and the command that collects it. */
export interface Missing {
  readonly fact: string;
  readonly command: string;
}

export interface Diagnosis {
  readonly inputs: readonly InputInfo[];
  readonly kernel: { readonly release?: string; readonly pageApi?: "folio" | "page" };
  readonly verdict: Verdict;
  readonly confidence: Confidence;
  readonly summary: string;
  /** What would end a livelock, with its time bound where known. */
  readonly exits: readonly string[];
  readonly core: readonly CoreEdgeView[];
  /** Contexts whose release alone would free everything. */
  readonly breakers: readonly ContextRef[];
  readonly stuckBehind: readonly StuckGroupView[];
  /** Number of contexts (contract: D, R-in-reclaim or unstated state). */
  readonly contexts: number;
  readonly unexplained: readonly ContextRef[];
  readonly knownBugs: readonly KnownBugMatch[];
  readonly answers: readonly Answer[];
  /** What to do now. */
  readonly advice: readonly string[];
  /** What to collect next. */
  readonly missing: readonly Missing[];
  readonly assumptions: readonly string[];
  /** Where chains of waits end that are not dead, the one with most contexts first. */
  readonly terminals?: readonly { readonly role: string; readonly name: string; readonly count: number }[];
  /** Why this verdict, where no core says it. */
  readonly reasons?: readonly string[];
  /** Every context that waits or matters, for the pictures and the HTML report. */
  readonly details: readonly ContextView[];
  /** Frames that no table row knows, with how many contexts show them, most first. */
  readonly unknownFrames: readonly { readonly symbol: string; readonly module?: string; readonly count: number }[];
  readonly unparsed: {
    readonly count: number;
    readonly first?: { readonly input: number; readonly line: number; readonly text: string };
  };
  readonly cutLines: number;
}
