/**
 * Incidents against a clock.
 *
 * @packageDocumentation
 */
export { COSTS, type Cost, Costs } from "./costs.ts";
export { DEVICES, type DeviceSpeed } from "./devices.ts";
export { Engine, type EngineOptions, type RunEnd } from "./engine.ts";
export { type RunOptions, type RunOutcome, type RunResult, runIncident, type Series } from "./run.ts";
