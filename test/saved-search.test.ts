/** Promise: a proof that was stopped goes on from its file as if it had not been, and no other file is taken for one. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { type ExploreFlags, runExplore } from "../src/cli/commands/explore.ts";
import { type JobHooks, type Library, performJob, stateRate } from "../src/cli/explore/job.ts";
import { progressLine } from "../src/cli/explore/run-job.ts";
import { readSavedHeader, readSavedSearch, writeSavedSearch } from "../src/cli/explore/saved-search-file.ts";
import { CliError } from "../src/cli/messages.ts";
import { type ProveOptions, type ProveOutcome, prove } from "../src/explore/prove.ts";
import { RandomNumbers } from "../src/explore/random-numbers.ts";
import type { SavedSearch } from "../src/explore/saved-search.ts";
import { abba, randomToy } from "../src/explore/toys.ts";
import { incidents } from "../src/incidents/index.ts";
import { prepare } from "../src/incidents/prepare.ts";
import { explorationSchema } from "../src/report/exploration-schema.ts";
import { twoMutexes } from "./two-mutexes-program.ts";

const library: Library = { incidents: [twoMutexes, ...incidents], prepare };
let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "unwedge-saved-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const head = { incident: "toy", choices: {}, strategy: null, seed: null, bounds: {}, seconds: 1 } as const;

describe("a file", () => {
  it("gives back what was written, of a hundred programs stopped anywhere", () => {
    const draw = new RandomNumbers(3);
    const told = ({ bytes: _, ...rest }: ProveOutcome) => rest;
    let written = 0;
    for (let seed = 200; seed < 320; seed++) {
      const parts = seed % 3 > 0;
      const options: ProveOptions = { find: "all", reduce: seed % 2 === 0, exact: seed % 5 === 0 };
      const whole = prove(randomToy(seed, { parts }), options);
      let search: SavedSearch | undefined;
      const file = join(dir, "toy");
      prove(randomToy(seed, { parts }), {
        ...options,
        maxSteps: draw.below(whole.steps + 1),
        save(saved) {
          search = structuredClone(saved);
          writeSavedSearch(file, head, undefined, saved);
        },
      });
      if (search === undefined) continue;
      written++;
      const resume = readSavedSearch(file);
      expect(resume, String(seed)).toEqual(search);
      expect(told(prove(randomToy(seed, { parts }), { find: "first", resume: resume! }))).toEqual(told(whole));
    }
    expect(written).toBeGreaterThan(100);
    expect(readdirSync(dir).filter((name) => name.endsWith(".part"))).toEqual([]);
  });

  it("is cut into frames, and arrays go over their ends", () => {
    const file = join(dir, "frames");
    const words = Int32Array.from({ length: 3_000_000 }, (_, i) => i * 7919);
    const bytes = Uint8Array.from({ length: 5_000_001 }, (_, i) => i % 251);
    const data = { deep: [{ words }, { bytes, text: "é", none: null }], empty: new Int32Array(0) };
    const size = writeSavedSearch(file, head, undefined, data as unknown as SavedSearch);
    expect(readFileSync(file).length).toBe(size);
    const back = readSavedSearch(file) as unknown as typeof data;
    const [first, second] = back.deep as [{ words: Int32Array }, { bytes: Uint8Array; text: string }];
    expect(Buffer.compare(Buffer.from(first.words.buffer), Buffer.from(words.buffer))).toBe(0);
    expect(Buffer.compare(second.bytes, bytes)).toBe(0);
    expect([second.text, back.empty.length]).toEqual(["é", 0]);
  });

  it("cut off or changed anywhere is refused", () => {
    const file = join(dir, "whole");
    prove(abba({ parts: true }), {
      find: "all",
      maxSteps: 9,
      save: (saved) => void writeSavedSearch(file, head, undefined, saved),
    });
    const whole = readFileSync(file);
    const begin = whole.indexOf("\n") + 1;
    const draw = new RandomNumbers(9);
    const bad = join(dir, "bad");
    const refused = (content: Uint8Array): void => {
      writeFileSync(bad, content);
      expect(() => readSavedSearch(bad)).toThrow(/is damaged or cut off/);
    };
    for (const end of [begin, begin + 3, begin + 36, begin + 40, whole.length - 36, whole.length - 1])
      refused(whole.subarray(0, end));
    refused(Buffer.concat([whole, Buffer.from([0])]));
    for (let i = 0; i < 60; i++) {
      const changed = Buffer.from(whole);
      changed[begin + draw.below(whole.length - begin)]! ^= 1 << draw.below(8);
      refused(changed);
    }
    // what the header says is part of it
    refused(Buffer.from(whole.toString("latin1").replace('"incident":"toy"', '"incident":"tox"'), "latin1"));
  });
});

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function explore(flags: Partial<ExploreFlags>, incident?: string, interrupted?: AbortSignal): Promise<Run> {
  let out = "";
  let err = "";
  const t = {
    out: async (text: string) => {
      out += text;
    },
    err: (line: string) => {
      err += `${line}\n`;
    },
    stdin: Readable.from([]),
    stdinPiped: false,
    stdinTty: false,
    outTty: false,
    columns: 80,
    rows: 1_000_000,
    env: {},
    interrupted: interrupted ?? new AbortController().signal,
  };
  try {
    return { code: await runExplore(t, incident, { color: "never", pager: false, ...flags }, library), out, err };
  } catch (e) {
    if (!(e instanceof CliError)) throw e;
    return { code: e.exitCode, out, err: `${err}${e.message}\n` };
  }
}

const answer = (run: Run) => {
  const { seconds: _, memoryBytes: __, saved: ___, ...rest } = explorationSchema.parse(JSON.parse(run.out));
  return rest;
};

describe("explore --save and --resume", () => {
  const small = ["faulters=1", "writers=0", "room=0"];
  let usually: Promise<Run> | undefined;
  /** The answer of short searches and a proof, one after the other. */
  const usual = async () => {
    usually ??= explore({ param: small, fix: ["prealloc-pte"], json: true }, "memcg-writeback-abba");
    return answer(await usually);
  };
  test.each([
    [
      "a proof",
      { strategy: "prove", param: small, fix: ["prealloc-pte"] },
      "memcg-writeback-abba",
      ["1", "4000", "9000"],
    ],
    ["one that finds", { strategy: "prove", param: small }, "memcg-writeback-abba", ["700"]],
    ["these cut short", { param: small, fix: ["prealloc-pte"] }, "memcg-writeback-abba", ["3000"]],
    ["exact", { strategy: "prove", exact: true, fix: ["nofs-pte"] }, "two-mutexes", ["5"]],
  ] as const)("%s: the answer is that of a search that went on", async (_, flags, incident, stops) => {
    const file = join(dir, "search");
    const whole = "strategy" in flags ? answer(await explore({ ...flags, json: true }, incident)) : await usual();
    let given: Parameters<typeof explore> = [{ ...flags }, incident];
    for (const maxStates of stops) {
      const stopped = await explore({ ...given[0], maxStates, save: file, json: true }, given[1]);
      expect(stopped.code).toBe(3);
      expect(stopped.err).toMatch(/wrote .*unwedge explore --resume .*\[search-saved(-begin)?\]/);
      expect(explorationSchema.parse(JSON.parse(stopped.out))).toMatchObject({ saved: file, stopped: "states" });
      given = [{ resume: file }, undefined];
    }
    const end = await explore({ resume: file, json: true, save: file });
    expect(answer(end)).toEqual(whole);
    expect(end.err).toContain("[search-save-none]");
  });

  it("keeps what Ctrl-C stops, says how to go on, and exits with 130", async () => {
    const file = join(dir, "interrupted");
    const stopped = await explore(
      { fix: ["nofs-pte"], strategy: "prove", save: file, param: ["steps=500"] },
      "two-mutexes",
      AbortSignal.abort(),
    );
    expect(stopped.code).toBe(130);
    expect(stopped.err).toContain(`unwedge explore --resume ${file}`);
    expect(stopped.out).toContain(`To go on with this search:\n  unwedge explore --resume ${file}`);
    const end = await explore({ resume: file, json: true });
    const whole = await explore(
      { fix: ["nofs-pte"], strategy: "prove", param: ["steps=500"], json: true },
      "two-mutexes",
    );
    expect(answer(end)).toEqual(answer(whole));
  });

  it("stopped in a phase before the proof, it begins again", async () => {
    const file = join(dir, "early");
    let polls = 0;
    const hooks: JobHooks = { stop: () => ++polls > 2, progress: () => undefined, now: () => 0 };
    const choices = { fixes: ["prealloc-pte"], parameters: { faulters: 1, writers: 0, room: 0 } };
    const common = { kind: "explore", incident: "memcg-writeback-abba", choices, strategy: undefined } as const;
    const job = { ...common, seed: undefined, bounds: {}, maxSeconds: undefined, jobs: 1, save: file };
    const result = await performJob(job, hooks, library);
    expect(result).toMatchObject({ kind: "explored", saved: { kind: "written", proof: false } });
    expect(readSavedHeader(file).proof).toBe(false);
    expect(answer(await explore({ resume: file, json: true }))).toEqual(await usual());
  });

  it("stopped in a phase of a search that goes on, it keeps what it had", async () => {
    const file = join(dir, "again");
    const flags = { fix: ["skip-deadlockable-mappings"] };
    await explore({ ...flags, maxStates: "60000", save: file }, "fuse-server-memcg");
    expect(readSavedSearch(file)?.states).toBe(60_000);
    const stopped = await explore({ resume: file, save: file }, undefined, AbortSignal.abort());
    expect(stopped.code).toBe(130);
    expect(readSavedSearch(file)?.states).toBe(60_000);
    const whole = await explore({ ...flags, json: true }, "fuse-server-memcg");
    expect(answer(await explore({ resume: file, json: true, maxMemory: "200" }))).toEqual(answer(whole));
  }, 240_000);

  it("refuses other files, versions and models in one line", async () => {
    const file = join(dir, "other");
    const stop = { fix: ["nofs-pte"], strategy: "prove", maxStates: "5", save: file };
    expect((await explore(stop, "two-mutexes")).code).toBe(3);
    const whole = readFileSync(file).toString("latin1");
    const refused = async (content: string, why: string): Promise<void> => {
      writeFileSync(file, content, "latin1");
      const run = await explore({ resume: file });
      expect(run).toMatchObject({ code: 2, out: "" });
      expect(run.err).toBe(`unwedge: ${file}: ${why} [saved-search-unreadable]\n`);
    };
    const { version, model } = readSavedHeader(file);
    await refused(
      whole.replace(version, "0.0.9"),
      `was written by unwedge 0.0.9, and this is ${version}: search again`,
    );
    await refused(
      whole.replace(model, model.replace(/./, "x")),
      "was written by another version of the model: search again",
    );
    await refused(
      whole.replace("saved-search/1", "saved-search/9"),
      "is no saved search of this version; give what --save has written",
    );
    await refused("{}\n", "is no saved search of this version; give what --save has written");
    await refused("", "is no saved search of this version; give what --save has written");
    await refused(whole.slice(0, -40), "is damaged or cut off: the search in it cannot go on");
    rmSync(file);
    expect((await explore({ resume: file })).err).toContain("no such file");
    expect((await explore({ resume: dir })).err).toContain("is not a file");
  });

  it("refuses what cannot go on or contradicts the file", async () => {
    const file = join(dir, "refused");
    const told = async (flags: Partial<ExploreFlags>, incident?: string) => {
      const { code, err } = await explore(flags, incident);
      expect(code).toBe(2);
      return err;
    };
    expect(await told({ save: file, strategy: "hunt" }, "two-mutexes")).toContain(
      "leave out --strategy hunt [save-needs-prove]",
    );
    expect(await told({ save: file, maxPreemptions: "2" }, "two-mutexes")).toContain("[save-needs-prove]");
    expect(await told({ save: file, compare: "all" }, "two-mutexes")).toContain("[save-needs-prove]");
    expect(await told({ resume: file, fix: ["nofs-pte"] })).toContain(
      "leave out --fix; bounds may be given anew [resume-decides]",
    );
    expect(await told({ resume: file }, "two-mutexes")).toContain("leave out two-mutexes");
    expect(await told({})).toContain("[explore-nothing]");
    const unwritable = await explore(
      { fix: ["nofs-pte"], strategy: "prove", maxStates: "5", save: join(dir, "no", "x") },
      "two-mutexes",
    );
    expect(unwritable).toMatchObject({ code: 3, out: expect.stringContaining("CANNOT TELL") });
    expect(unwritable.err).toContain("cannot be written (ENOENT)");
  });
});

test("progress says states, rate, depth and memory, and no guess of what is left", () => {
  const rate = stateRate();
  const counts = (states: number) => ({ states, steps: states * 3, executions: undefined, depth: 77, bytes: 2e6 });
  expect(rate("prove", counts(0), 0)).toBe(undefined);
  expect(rate("prove", counts(500), 500)).toBe(undefined);
  expect(rate("prove", counts(4_000), 2_000)).toBe(2_000);
  for (let s = 3; s <= 30; s++) rate("prove", counts(4_000 + s * 100), s * 1_000);
  expect(Math.round(rate("prove", counts(7_100), 31_000)!)).toBe(100);
  // a search that was misled counts its states anew
  expect(rate("prove", counts(10), 32_000)).toBe(undefined);
  expect(progressLine({ phase: "prove", counts: counts(1_234), seconds: 12.3, perSecond: 456.7 })).toBe(
    "prove: 1,234 states, 457/s, depth 77, 2 MB, 12 s, 3,702 steps",
  );
});
