/** Promise: an abstract incident is listed, explored, replayed and refused like any other; what needs a kernel is null. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommandLine } from "../src/cli/program.ts";
import { explorationJsonSchema, explorationSchema, witnessJsonSchema } from "../src/report/exploration-schema.ts";

const ajv = new Ajv2020({ strict: true, allErrors: true });
const validate = ajv.compile(explorationJsonSchema());
const validateWitness = ajv.compile(witnessJsonSchema());

async function unwedge(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = "";
  let err = "";
  const code = await runCommandLine(args, {
    out: async (text) => void (out += text),
    err: (line) => void (err += `${line}\n`),
    stdin: Readable.from([]),
    stdinPiped: false,
    stdinTty: false,
    outTty: false,
    columns: 80,
    rows: 1_000_000,
    env: {},
    interrupted: new AbortController().signal,
  });
  return { code, out, err };
}

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "unwedge-abstract-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const documentOf = (out: string) => {
  const document: unknown = JSON.parse(out);
  expect(validate(document), JSON.stringify(validate.errors)).toBe(true);
  return explorationSchema.parse(document);
};

describe("unwedge explore", () => {
  it("finds the ring, and replays it from a witness without a kernel", async () => {
    const file = join(dir, "ring.json");
    const { code, out } = await unwedge("explore", "spin-ring", "--json", "-o", file);
    expect(code).toBe(1);
    const found = documentOf(out);
    expect(found).toMatchObject({ outcome: "deadlock", era: null, cgroup: null, kmem: null, fixes: [], hacks: [] });
    expect(found.core).toHaveLength(4);
    const witness: unknown = JSON.parse(readFileSync(file, "utf8"));
    expect(validateWitness(witness), JSON.stringify(validateWitness.errors)).toBe(true);
    const again = await unwedge("replay", file, "--json");
    expect(again.code).toBe(1);
    const replayed = documentOf(again.out);
    expect(replayed.witness?.schedule).toEqual(found.witness?.schedule);
    expect(replayed.core).toEqual(found.core);
    writeFileSync(file, JSON.stringify({ ...(witness as object), era: "6.1.192" }));
    const refused = await unwedge("replay", file);
    expect(refused.code).toBe(2);
    expect(refused.err).toContain("--era and --cgroup need a kernel");
  });

  it("says in text who waits for whom, and nothing of kernels", async () => {
    const { code, out } = await unwedge("explore", "spin-abba", "--no-pager");
    expect(code).toBe(1);
    expect(out).toContain("An abstract model: no kernel is in it.");
    expect(out.replace(/\s+/g, " ")).toMatch(/WHO WAITS FOR WHOM .*PG_locked of page.*PG_writeback of page/);
    expect(out).toContain("WHERE THEY STAND");
    expect(out).not.toMatch(/undefined|--check-invariants|AS THE KERNEL/);
    expect(out.trimEnd().split("\n").at(-1)).toBe(
      "  unwedge explore spin-abba -o witness.json; unwedge replay witness.json",
    );
  });

  it("covers all schedules where nothing is wrong", async () => {
    const { code, out } = await unwedge("explore", "spin-ring", "--param", "PREALLOC=1", "--json");
    expect(code).toBe(0);
    expect(documentOf(out)).toMatchObject({ outcome: "none", complete: true, witness: null, core: null });
  });

  it("goes on after the first finding with --all-findings, and counts", async () => {
    const { code, out } = await unwedge("explore", "spin-abba", "--all-findings", "--no-reduce", "--json");
    expect(code).toBe(1);
    expect(documentOf(out)).toMatchObject({ complete: true, states: 3242, deadlockStates: 4, findings: 1 });
    const wrong = await unwedge("explore", "spin-abba", "--all-findings", "--strategy", "hunt");
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining("all-findings-need-prove") });
  });

  it("finds the livelock by default; the deferred one only where the scheduler may be unfair", async () => {
    const livelock = await unwedge("explore", "spin-jbd2", "--json");
    expect(documentOf(livelock.out).outcome).toBe("livelock");
    const fair = await unwedge("explore", "spin-jbd2", "--param", "DEFER=1", "--fair", "--json");
    expect(documentOf(fair.out)).toMatchObject({ outcome: "none", complete: true });
    const unfair = await unwedge("explore", "spin-jbd2", "--param", "DEFER=1", "--unfair", "--json");
    expect(documentOf(unfair.out).outcome).toBe("livelock");
  });

  it.each([
    [["--era", "6.1.192"], "--era needs a kernel"],
    [["--fix", "prealloc-pte"], "--fix needs a kernel"],
    [["--cgroup", "v2", "--nokmem"], "--cgroup and --nokmem need a kernel"],
    [["--hack", "moving"], "--hack needs a kernel"],
    [["--check-invariants"], "--check-invariants needs a kernel"],
    [["--compare", "all"], "no switches to compare"],
    [["--param", "K=7"], "parameter K must be a whole number from 1 to 6"],
  ])("refuses %j in one line", async (args, said) => {
    const { code, out, err } = await unwedge("explore", "spin-abba", ...args);
    expect(code).toBe(2);
    expect(out).toBe("");
    expect(err).toContain(said);
    expect(err.trimEnd().split("\n")).toHaveLength(1);
  });
});

it("unwedge incidents lists them, marked", async () => {
  const { incidents } = JSON.parse((await unwedge("incidents", "--json")).out) as {
    incidents: { id: string; abstract: boolean; era: string | null; cgroup: string | null; parameters: object }[];
  };
  const marked = incidents.filter(({ abstract }) => abstract);
  expect(marked.map(({ id }) => id)).toEqual(["spin-abba", "spin-irq", "spin-jbd2", "spin-ring"]);
  expect(marked.every(({ era, cgroup }) => era === null && cgroup === null)).toBe(true);
  expect(incidents.filter(({ abstract }) => !abstract).every(({ era }) => typeof era === "string")).toBe(true);
  expect((await unwedge("incidents", "--no-pager")).out).toContain("kernel:  none: an abstract model");
});
