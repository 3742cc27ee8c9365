/** The promise: `diagnose --json` prints the document of the contract, and the schema in the package describes it. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { toContract } from "../src/report/json.ts";
import { SAMPLES } from "../src/report/samples/index.ts";
import { diagnosisJsonSchema, diagnosisSchema } from "../src/report/schema.ts";

const schema = diagnosisJsonSchema();
const validate = new Ajv2020({ strict: true, allErrors: true }).compile(schema);

test("the schema in the package is the generated one (re-bless with vitest -u)", async () => {
  await expect(`${JSON.stringify(schema, undefined, 2)}\n`).toMatchFileSnapshot("../schema/diagnosis.json");
});

describe.each(SAMPLES.map((sample) => [sample.name, sample.diagnosis] as const))("%s", (_name, diagnosis) => {
  const document: unknown = JSON.parse(JSON.stringify(toContract(diagnosis, { version: "1.2.3" })));

  test("validates with the shipped schema and with zod", () => {
    expect(validate(document), JSON.stringify(validate.errors)).toBe(true);
    expect(diagnosisSchema.safeParse(document).error).toBeUndefined();
  });

  test("has every field of the contract, null where a value is not known", () => {
    const checked = diagnosisSchema.parse(document);
    expect(checked.tool).toEqual({ name: "unwedge", version: "1.2.3" });
    for (const edge of checked.core) {
      expect(edge.heldBy.length + edge.why.length).toBeGreaterThan(1);
      for (const ref of [edge.waiter, ...edge.heldBy]) {
        expect(Object.keys(ref)).toEqual(expect.arrayContaining(["kind", "pid", "comm", "cpu", "line"]));
      }
      expect(Object.keys(edge.waitsFor)).toEqual(["class", "id"]);
    }
    for (const [index, group] of checked.stuckBehind.entries()) {
      expect(group.contexts.length).toBeLessThanOrEqual(1000);
      expect(group.count).toBe(diagnosis.stuckBehind[index]?.count);
    }
  });

  test("advice has what to do and what to collect, with its command", () => {
    const { advice } = diagnosisSchema.parse(document);
    for (const text of diagnosis.advice) expect(advice).toContain(text);
    for (const { command } of diagnosis.missing) expect(advice.some((text) => text.endsWith(command))).toBe(true);
  });
});

test("advice is said once; terminals, reasons and the era of a bug are there when the diagnosis has them", () => {
  const { diagnosis } = SAMPLES.find((sample) => sample.name === "abba")!;
  const document = toContract(
    {
      ...diagnosis,
      advice: ["Save the log.", "Save the log."],
      missing: [],
      terminals: [{ role: "hardware", name: "the block device", count: 2 }],
      reasons: ["nobody else can end it"],
      knownBugs: diagnosis.knownBugs.map((bug) => ({ ...bug, outsideEra: true })),
    },
    { version: "1" },
  );
  expect(validate(JSON.parse(JSON.stringify(document)))).toBe(true);
  expect(document.advice).toEqual(["Save the log."]);
  expect(document.terminals).toEqual([{ role: "hardware", name: "the block device", count: 2 }]);
  expect(document.reasons).toEqual(["nobody else can end it"]);
  expect(document.knownBugs.map((bug) => bug.outsideEra)).toEqual([true]);
  expect(toContract(diagnosis, { version: "1" })).toMatchObject({ terminals: [], reasons: [] });
});

test("a bare crash stack is a task without pid, with the line of its first frame", () => {
  const livelock = SAMPLES.find((sample) => sample.name === "livelock");
  const document = toContract(livelock!.diagnosis, { version: "1" });
  expect(document.core[0]?.waiter).toMatchObject({ kind: "task", pid: null, comm: null, line: 22 });
  expect(document.core.at(-1)?.waitsFor).toEqual({ class: "jbd2_handle", id: "sda2-8" });
  expect(document.stuckBehind[0]?.count).toBe(1187);
  expect(document.stuckBehind[0]?.contexts).toHaveLength(1000);
});

test("fields may be added, wrong ones are refused", () => {
  const document = JSON.parse(JSON.stringify(toContract(SAMPLES[0]!.diagnosis, { version: "1" }))) as Record<
    string,
    unknown
  >;
  expect(validate({ ...document, addedLater: 1 })).toBe(true);
  expect(validate({ ...document, verdict: "maybe" })).toBe(false);
  expect(validate({ ...document, core: [{ waiter: {} }] })).toBe(false);
  const { summary: _, ...without } = document;
  expect(validate(without)).toBe(false);
});
