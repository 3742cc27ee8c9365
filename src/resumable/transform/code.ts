/**
 * A function as a list of instructions between labels (@internal): what `lower.ts` makes, `liveness.ts` asks about and
 * `emit.ts` writes. Expressions in it contain no stop.
 */
import type { types as t } from "@babel/core";

/** A place to jump to or to resume at; numbered when the function is written. */
export interface Label {
  /** Line of the stop or call behind which it stands; undefined for a place that is only jumped to. */
  readonly resumesLine: number | undefined;
}

/** Where a stop or call goes on. */
export interface Stopping {
  readonly resume: Label;
  readonly node: t.Node;
}

/** A place to jump to. */
export const newLabel = (): Label => ({ resumesLine: undefined });

export type Instruction =
  | { readonly kind: "label"; readonly label: Label }
  /** A statement without a stop; jumps out of it are in {@link Code.jumps}. */
  | { readonly kind: "plain"; readonly node: t.Statement }
  | { readonly kind: "goto"; readonly target: Label }
  /** Jumps when the test's truth is `when`. */
  | { readonly kind: "branch"; readonly test: t.Expression; readonly when: boolean; readonly target: Label }
  | ({ readonly kind: "stop"; readonly value: t.Expression | undefined } & Stopping)
  | ({ readonly kind: "call"; readonly callee: t.Expression; readonly args: readonly t.Expression[] } & Stopping)
  | { readonly kind: "return"; readonly value: t.Expression | undefined; readonly node: t.Node };

export interface Code {
  readonly start: Label;
  readonly list: readonly Instruction[];
  /** Jumps out of plain statements. */
  readonly jumps: ReadonlyMap<t.Node, Label>;
  /** Locals made for half-evaluated values. */
  readonly temporaries: ReadonlyMap<string, string>;
}
