/** Evidence + knowledge -> wait-for graph -> verdict. Start reading at `diagnoseEvidence`. */
export { type DiagnoseInput, type DiagnoseOptions, diagnose, diagnoseEvidence } from "./diagnose.ts";
export { knownBugs } from "./known-bugs/table.ts";
export type { EdgeShape, KnownBug } from "./known-bugs/types.ts";
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
} from "./types.ts";
