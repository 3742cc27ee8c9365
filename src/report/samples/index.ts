/** The hand-written diagnoses that the tests of all renderers share. */
import { abba } from "./abba.ts";
import type { Sample } from "./build.ts";
import { hostile } from "./hostile.ts";
import { livelock } from "./livelock.ts";
import { slow } from "./slow.ts";
import { victim } from "./victim.ts";

export const SAMPLES: readonly Sample[] = [abba, livelock, victim, slow, hostile];
export type { Sample } from "./build.ts";
