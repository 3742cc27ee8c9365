/** The public shape of `affected --json`: type, check and JSON Schema come from here. */
import { z } from "zod";

const names = z.array(z.string());
/** A fact and where it was read. */
const fact = <T extends z.ZodType>(value: T) => z.looseObject({ value, from: z.string() }).nullable();

const status = z.enum(["affected", "unknown", "unreachable", "fixed"]);

const condition = z.looseObject({
  what: z.string(),
  holds: z.boolean().nullable(),
  because: z.string(),
  decidedBy: names,
  source: z.string(),
});

const experiment = z.looseObject({
  role: z.enum(["witness", "proof"]),
  incident: z.string(),
  command: z.string(),
  /** Null: not run. */
  result: z
    .looseObject({
      outcome: z.enum(["deadlock", "livelock", "lockup", "invariant", "none"]),
      complete: z.boolean(),
      states: z.int().nonnegative().nullable(),
      asExpected: z.boolean(),
    })
    .nullable(),
});

const answer = z.looseObject({
  kind: z.enum(["bug", "incident"]),
  id: z.string().min(1),
  title: z.string(),
  status,
  reason: z.string().min(1),
  commit: z.string().nullable(),
  decidedBy: names,
  conditions: z.array(condition),
  incident: z.string().nullable(),
  experiments: z.array(experiment),
  sources: names,
});

/** The document `unwedge.affected/1`. */
export const affectedSchema = z.looseObject({
  schema: z.literal("unwedge.affected/1"),
  tool: z.looseObject({ name: z.literal("unwedge"), version: z.string().min(1) }),
  machine: z.looseObject({
    kernel: z
      .looseObject({
        release: z.string(),
        /** The stable release it is made from; null where the name hides it. */
        point: z.string().nullable(),
        pointFrom: z.string().nullable(),
        distribution: z.string().nullable(),
        /** What its builder adds to that release. */
        backports: z.enum(["none", "stable", "features", "local"]),
        from: z.string(),
      })
      .nullable(),
    config: z.looseObject({ release: z.string().nullable(), from: z.string() }).nullable(),
    cgroup: fact(z.enum(["v1", "v2"])),
    memcg: fact(z.boolean()),
    kmem: fact(z.boolean()),
    filesystems: z.looseObject({ value: names, from: z.string(), complete: z.boolean() }).nullable(),
    swap: fact(z.boolean()),
  }),
  counts: z.looseObject({
    affected: z.int().nonnegative(),
    unknown: z.int().nonnegative(),
    unreachable: z.int().nonnegative(),
    fixed: z.int().nonnegative(),
  }),
  /** The explorations were run. */
  proven: z.boolean(),
  notes: names,
  answers: z.array(answer),
});

/** What `affected --json` prints, as a type. */
export type AffectedDocument = z.infer<typeof affectedSchema>;

/** The JSON Schema (draft 2020-12) that ships as `schema/affected.json`. */
export function affectedJsonSchema(): Record<string, unknown> {
  return {
    $id: "unwedge.affected/1",
    title: "unwedge.affected/1",
    description: "What `unwedge affected --json` prints. Fields may be added; those listed keep their meaning.",
    ...z.toJSONSchema(affectedSchema, { io: "output" }),
  };
}
