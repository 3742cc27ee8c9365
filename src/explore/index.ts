export type { Account, AccountContext, AccountEdge, AccountGroup, ContextName } from "../incidents/account.ts";
export { accountOf } from "../incidents/kernel-account.ts";
export type { Explorable } from "../resumable/explorable.ts";
export { stateText } from "./faults.ts";
export { type HuntOptions, type HuntOutcome, hunt } from "./hunt.ts";
export { type Bounds, type Exploration, type ExploreOptions, exploreIncident } from "./incident.ts";
export {
  choicesOf,
  type Outcome,
  type ParsedWitness,
  parseWitness,
  replayWitness,
  type Strategy,
  strategies,
  type Witness,
} from "./incident-witness.ts";
export type { TimelineStep } from "./judge.ts";
export { type NaiveOutcome, naive } from "./naive.ts";
export { type PctOptions, pct } from "./pct.ts";
export { type PreemptionOptions, type PreemptionOutcome, provePreemptions } from "./preemptions.ts";
export { type ProveOptions, type ProveOutcome, prove } from "./prove.ts";
export { random } from "./random.ts";
export { type Replayed, replayIncident } from "./replay-incident.ts";
export { type SavedSearch, SavedSearchError } from "./saved-search.ts";
export { contextSwitches, parseSchedule, type Replay, replay, scheduleStep } from "./schedule.ts";
export { StateStore, type StateStoreOptions } from "./state-store.ts";
export type { TraceEvent } from "./trace.ts";
export type {
  Choice,
  Fault,
  FaultKind,
  Finding,
  Reducible,
  Schedule,
  ScheduleStep,
  SearchCounts,
  SearchOptions,
  SearchOutcome,
  StopReason,
} from "./types.ts";
export type { WalkOptions, WalkOutcome } from "./walk.ts";
export {
  type Irreversible,
  irreversible,
  type ShortenOptions,
  type StillFails,
  sameFault,
  sameState,
  shorten,
} from "./witness.ts";
