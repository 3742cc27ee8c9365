/**
 * The public shape of `diagnose --json`, once: types, check and JSON Schema come from here.
 *
 * Every object is loose: fields may be added in a version, those listed keep their meaning.
 */
import { z } from "zod";

const line = z.int().positive();
const confidence = z.enum(["proven", "likely", "possible"]);

/** A context; `line` is 1-based, in the input named by `input`. */
export const contextRefSchema = z.looseObject({
  kind: z.enum(["task", "kworker", "irq", "device", "bio", "external", "unknown"]),
  pid: z.int().nullable(),
  comm: z.string().nullable(),
  cpu: z.int().nullable(),
  line: line.nullable(),
});

/** A resource: the field's word for its class, and the instance where it is known. */
export const resourceRefSchema = z.looseObject({ class: z.string().min(1), id: z.string().nullable() });

const at = z.looseObject({ input: z.int().nonnegative(), line });

/** An edge of a core. */
export const coreEdgeSchema = z.looseObject({
  waiter: contextRefSchema,
  waitsFor: resourceRefSchema,
  event: z.string(),
  any: z.boolean(),
  heldBy: z.array(contextRefSchema),
  why: z.array(z.string()),
  confidence,
});

const detail = z.looseObject({
  ref: contextRefSchema,
  role: z.enum(["core", "holder", "victim", "running", "unexplained", "bystander"]),
  state: z.string().nullable(),
  blockedSeconds: z.number().nullable(),
  workqueue: z.string().nullable(),
  count: z.int().positive(),
  wait: z
    .looseObject({
      waitsFor: resourceRefSchema,
      event: z.string(),
      mode: z.enum(["read", "write"]).nullable(),
      sleep: z.enum(["uninterruptible", "killable", "interruptible", "timed", "poll", "spin"]),
      any: z.boolean(),
      because: z.string(),
      line: line.nullable(),
    })
    .nullable(),
  holds: z.array(
    z.looseObject({
      resource: resourceRefSchema,
      mode: z.enum(["read", "write"]).nullable(),
      confidence,
      because: z.string(),
      line: line.nullable(),
    }),
  ),
  doing: z.array(z.string()),
  frames: z.array(z.looseObject({ text: z.string(), line: line.nullable(), says: z.string().nullable() })),
});

/** The document `unwedge.diagnosis/1`. */
export const diagnosisSchema = z.looseObject({
  schema: z.literal("unwedge.diagnosis/1"),
  tool: z.looseObject({ name: z.literal("unwedge"), version: z.string().min(1) }),
  inputs: z.array(
    z.looseObject({ name: z.string(), format: z.string(), bytes: z.int().nonnegative(), lines: z.int().nonnegative() }),
  ),
  kernel: z.looseObject({ release: z.string().nullable(), pageApi: z.enum(["folio", "page"]).nullable() }),
  verdict: z.enum(["deadlock", "livelock", "slow", "lost-io", "missed-wakeup", "none", "unknown"]),
  exits: z.array(z.string()),
  confidence,
  summary: z.string(),
  core: z.array(coreEdgeSchema),
  stuckBehind: z.array(
    z.looseObject({
      waitsFor: resourceRefSchema,
      contexts: z.array(contextRefSchema).max(1000),
      count: z.int().nonnegative(),
    }),
  ),
  contexts: z.int().nonnegative(),
  unexplained: z.array(contextRefSchema),
  knownBugs: z.array(
    z.looseObject({
      id: z.string(),
      title: z.string(),
      fix: z.string().nullable(),
      match: z.number().min(0).max(1),
      outsideEra: z.boolean().optional(),
      incident: z.string().nullable(),
    }),
  ),
  advice: z.array(z.string()),
  assumptions: z.array(z.string()),
  breakers: z.array(contextRefSchema).optional(),
  answers: z.array(z.looseObject({ question: z.string(), answer: z.string(), lines: z.array(at) })).optional(),
  missing: z.array(z.looseObject({ fact: z.string(), command: z.string() })).optional(),
  terminals: z.array(z.looseObject({ role: z.string(), name: z.string(), count: z.int().nonnegative() })).optional(),
  reasons: z.array(z.string()).optional(),
  unknownFrames: z
    .array(z.looseObject({ symbol: z.string(), module: z.string().nullable(), count: z.int().positive() }))
    .optional(),
  unparsed: z
    .looseObject({
      count: z.int().nonnegative(),
      first: z.looseObject({ input: z.int().nonnegative(), line, text: z.string() }).nullable(),
    })
    .optional(),
  cutLines: z.int().nonnegative().optional(),
  details: z.array(detail).optional(),
});

/** What `diagnose --json` prints, as a type. */
export type DiagnosisDocument = z.infer<typeof diagnosisSchema>;

/** The JSON Schema (draft 2020-12) that ships as `schema/diagnosis.json`. */
export function diagnosisJsonSchema(): Record<string, unknown> {
  return {
    $id: "unwedge.diagnosis/1",
    title: "unwedge.diagnosis/1",
    description: "What `unwedge diagnose --json` prints. Fields may be added; those listed keep their meaning.",
    ...z.toJSONSchema(diagnosisSchema, { io: "output" }),
  };
}
