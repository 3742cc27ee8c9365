export { type AnalyzeLimits, analyze } from "./analyze.ts";
export { CONFIDENCES, compareConfidence, strongest, weakest } from "./confidence.ts";
export {
  all,
  any,
  atLeast,
  type ConditionLike,
  type EventOptions,
  type GraphBuilder,
  graphBuilder,
  on,
  validateGraph,
} from "./graph-builder.ts";
export { printAnalysis, printGraph } from "./print.ts";
export { type Reduction, reduce } from "./reduce.ts";
export type {
  Analysis,
  Confidence,
  Context,
  ContextId,
  ContextKind,
  Core,
  CoreEdge,
  EventId,
  Provider,
  Resource,
  StuckGroup,
  WaitCondition,
  WaitEvent,
  WaitGraph,
} from "./types.ts";
