/**
 * unwedge as a library: reads kernel logs of a hung machine and says who waits for whom.
 *
 * No global state, no output of its own.
 *
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { diagnose, toText } from "unwedge";
 *
 * const d = await diagnose(await readFile("kernel.log", "utf8"));
 * if (d.verdict === "deadlock") console.log(toText(d));
 * ```
 * @packageDocumentation
 */
export { type DiagnoseInput, type DiagnoseOptions, diagnose, diagnoseEvidence } from "./diagnose/index.ts";
export type {
  Answer,
  ContextRef,
  ContextView,
  CoreEdgeView,
  Diagnosis,
  FrameView,
  HoldView,
  KnownBugMatch,
  Missing,
  StuckGroupView,
  Verdict,
  WaitView,
} from "./diagnose/types.ts";
export { collectEvidence, type EvidenceInput, EvidenceInputError, fileInput, textInput } from "./evidence/index.ts";
export type { Evidence, InputInfo } from "./evidence/types.ts";
export { toContract, toDot, toHtml, toMermaid, toSvg, toText } from "./report/index.ts";
export type { Confidence, ContextKind, Resource } from "./waits/types.ts";
