/** Evidence + knowledge -> wait-for graph -> verdict. Start reading at `diagnoseEvidence`. */
export { diagnose, type DiagnoseInput, type DiagnoseOptions, diagnoseEvidence } from "./diagnose.ts";
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
