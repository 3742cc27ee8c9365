/** The public shapes of `explore --json` and of witness files: types, check and JSON Schema come from here. */
import { z } from "zod";
import { contextRefSchema, coreEdgeSchema, resourceRefSchema } from "./schema.ts";

const names = z.array(z.string());
const parameters = z.record(z.string(), z.int());
const outcome = z.enum(["deadlock", "livelock", "lockup", "invariant", "none"]);
const strategy = z.enum(["prove", "hunt", "pct", "random"]);
const tool = z.looseObject({ name: z.literal("unwedge"), version: z.string().min(1) });
const count = z.int().nonnegative();

/** A step of a schedule: who stepped, in which of its ways, from which position (`function:label operation`). */
const step = z.looseObject({ context: z.string(), way: count, position: z.string() });

/** Which kernel was explored; both documents have it. Where there is none (an abstract model), its facts are null. */
const exploredKernel = {
  file: z.string().optional(),
  parameters,
  fixes: names,
  era: z.string().nullable(),
  reverted: names,
  cgroup: z.enum(["v1", "v2"]).nullable(),
  kmem: z.boolean().nullable(),
  hacks: names,
};

/** The document `unwedge.witness/1`: everything that a finding is had again from. */
export const witnessSchema = z.looseObject({
  schema: z.literal("unwedge.witness/1"),
  tool: tool.optional(),
  incident: z.string().min(1),
  ...exploredKernel,
  outcome,
  strategy,
  schedule: z.array(step),
  cycle: z.array(step),
  contextSwitches: count,
  shortened: z.boolean(),
  irreversibleAfter: count.nullable(),
});

/** The document `unwedge.exploration/1`. */
export const explorationSchema = z.looseObject({
  schema: z.literal("unwedge.exploration/1"),
  tool,
  incident: z.string().min(1),
  title: z.string(),
  ...exploredKernel,
  strategy,
  seed: z.int().nullable(),
  outcome,
  message: z.string().nullable(),
  exits: names,
  complete: z.boolean(),
  stopped: z.string().nullable(),
  preemptions: count.nullable(),
  findings: count.optional(),
  deadlockStates: count.optional(),
  replayed: z.boolean(),
  lawsChecked: z.boolean(),
  scope: z.looseObject({
    tasks: count,
    pages: count,
    cpus: count,
    requests: count,
    timers: z.literal("free"),
    memoryModel: z.literal("sequential"),
    fixedChoices: names,
    fairness: z.string(),
  }),
  executions: count,
  steps: count,
  states: count.nullable(),
  pruned: count,
  depth: count,
  memoryBytes: count,
  omissionProbability: z.number().min(0).max(1),
  seconds: z.number().nonnegative().nullable(),
  saved: z.string().nullable(),
  witness: witnessSchema.nullable(),
  core: z.array(coreEdgeSchema).nullable(),
  breakers: z.array(contextRefSchema),
  stuckBehind: z.array(
    z.looseObject({ waitsFor: resourceRefSchema, event: z.string(), contexts: z.array(contextRefSchema), count }),
  ),
  contexts: z.array(
    z.looseObject({
      ref: contextRefSchema,
      state: z.string(),
      role: z.enum(["core", "behind"]),
      position: z.string(),
      trace: z.array(z.string()),
    }),
  ),
});

/** What a witness file holds, as a type. */
export type WitnessDocument = z.infer<typeof witnessSchema>;
/** What `explore --json` prints, as a type. */
export type ExplorationDocument = z.infer<typeof explorationSchema>;

/** The JSON Schema (draft 2020-12) that ships as `schema/exploration.json`. */
export function explorationJsonSchema(): Record<string, unknown> {
  return {
    $id: "unwedge.exploration/1",
    title: "unwedge.exploration/1",
    description:
      "What `unwedge explore --json` and `unwedge replay --json` print. Fields may be added; those listed keep their meaning.",
    ...z.toJSONSchema(explorationSchema, { io: "output" }),
  };
}

/** The JSON Schema (draft 2020-12) that ships as `schema/witness.json`. */
export function witnessJsonSchema(): Record<string, unknown> {
  return {
    $id: "unwedge.witness/1",
    title: "unwedge.witness/1",
    description:
      "What `unwedge explore -o FILE` writes and `unwedge replay FILE` reads. Fields may be added; those listed keep their meaning.",
    ...z.toJSONSchema(witnessSchema, { io: "output" }),
  };
}
