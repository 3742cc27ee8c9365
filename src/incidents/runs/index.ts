/** The incidents that can be run against a clock, by id. */
import { dmCryptThrottleRun } from "./dm-crypt-throttle.ts";
import type { TimedIncident } from "./timed.ts";

export type { Gauge, TimedIncident } from "./timed.ts";

export const timedIncidents: readonly TimedIncident[] = [dmCryptThrottleRun];
