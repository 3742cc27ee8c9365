/** The promise: `explore --json` and witness files are the documents of the contract, and the schemas in the package describe them. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it, test } from "vitest";
import { exploreIncident } from "../src/explore/incident.ts";
import { compareDocument, compareText } from "../src/report/comparison.ts";
import { explorationText } from "../src/report/exploration.ts";
import { explorationDocument, witnessDocument } from "../src/report/exploration-json.ts";
import {
  explorationJsonSchema,
  explorationSchema,
  witnessJsonSchema,
  witnessSchema,
} from "../src/report/exploration-schema.ts";
import { prepareTwoMutexes } from "./two-mutexes-program.ts";

const ajv = new Ajv2020({ strict: true, allErrors: true });
const validate = ajv.compile(explorationJsonSchema());
const validateWitness = ajv.compile(witnessJsonSchema());

test.each([
  ["exploration", explorationJsonSchema()],
  ["witness", witnessJsonSchema()],
])("schema/%s.json is the generated one (re-bless with vitest -u)", async (name, schema) => {
  await expect(`${JSON.stringify(schema, undefined, 2)}\n`).toMatchFileSnapshot(`../schema/${name}.json`);
});

const ordered = { fixes: ["nofs-pte"] };
const cases = {
  deadlock: exploreIncident(prepareTwoMutexes({ waiter: 1 })),
  livelock: exploreIncident(prepareTwoMutexes({ spinner: 1 }, ordered), { strategy: "prove" }),
  invariant: exploreIncident(prepareTwoMutexes({ broken: 1 }, ordered)),
  none: exploreIncident(prepareTwoMutexes({}, ordered), { strategy: "prove" }),
  open: exploreIncident(prepareTwoMutexes({ steps: 9 }, ordered), { strategy: "prove", bounds: { maxStates: 9 } }),
};

describe.each(Object.entries(cases))("%s", (name, e) => {
  const document: unknown = JSON.parse(JSON.stringify(explorationDocument(e, { version: "1.2.3", seconds: 0.5 })));

  it("validates with the shipped schemas and with zod", () => {
    expect(validate(document), JSON.stringify(validate.errors)).toBe(true);
    expect(explorationSchema.safeParse(document).error).toBeUndefined();
    if (e.witness === undefined) return;
    const witness: unknown = JSON.parse(JSON.stringify(witnessDocument(e.witness, "1.2.3")));
    expect(validateWitness(witness), JSON.stringify(validateWitness.errors)).toBe(true);
    expect(witnessSchema.safeParse(witness).error).toBeUndefined();
  });

  it("has every field of the contract, null where a value is not known", () => {
    const checked = explorationSchema.parse(document);
    expect(checked).toMatchObject({ incident: "two-mutexes", era: "6.1.192", reverted: [], seconds: 0.5 });
    expect(checked.outcome).toBe(name === "open" ? "none" : name);
    expect(checked.witness === null).toBe(checked.outcome === "none");
    expect(checked.core === null).toBe(checked.outcome !== "deadlock");
    expect(checked.complete).toBe(name === "none");
    for (const edge of checked.core ?? []) {
      expect(Object.keys(edge.waiter)).toEqual(expect.arrayContaining(["kind", "pid", "comm", "cpu", "line"]));
      expect(edge.confidence).toBe("proven");
    }
  });

  it("reads as text: the verdict first, the command last, 80 columns of ASCII", async () => {
    const text = explorationText(e);
    await expect(text).toMatchFileSnapshot(`../src/report/samples/golden/exploration-${name}.txt`);
    const lines = text.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^(DEADLOCK|LIVELOCK|BROKEN INVARIANT|NOTHING WRONG FOUND|CANNOT TELL): /);
    expect(lines.at(-1)).toMatch(/^ {2}unwedge explore two-mutexes/);
    for (const line of lines) {
      expect(line).toMatch(/^[\x20-\x7e]*$/);
      // kernel lines and commands stay whole
      if (!/^task:|^ {2}unwedge /.test(line)) expect(line.length).toBeLessThanOrEqual(80);
    }
  });
});

test("a proof says which searches came before it", () => {
  const text = explorationText(exploreIncident(prepareTwoMutexes({}, ordered)));
  expect(text).toMatch(/\* [\d,]+ executions before it, at random and in partial-order order, found\s+nothing\n/);
  expect(text).toContain("* complete within the scope below");
});

test("a comparison is a table and the document of the contract", async () => {
  const rows = [
    { name: "(as it is)", exploration: cases.deadlock, seconds: 0.25 },
    { name: "--fix nofs-pte", exploration: cases.none, seconds: 12.3 },
    { name: "--cgroup v2", exploration: cases.open, seconds: 0 },
    { name: "--fix other", refused: "there is none" },
  ];
  const text = compareText(rows, "unwedge explore two-mutexes --compare all");
  await expect(text).toMatchFileSnapshot("../src/report/samples/golden/exploration-compare.txt");
  const document = compareDocument("two-mutexes", rows, "1");
  expect(document).toMatchObject({ schema: "unwedge.compare/1", incident: "two-mutexes" });
  expect(document.rows.map((row) => [row.switch, row.outcome])).toEqual([
    ["(as it is)", "deadlock"],
    ["--fix nofs-pte", "none"],
    ["--cgroup v2", "none"],
  ]);
  for (const row of document.rows) expect(validate(JSON.parse(JSON.stringify(row)))).toBe(true);
  expect(document.refused).toEqual([{ switch: "--fix other", message: "there is none" }]);
});
