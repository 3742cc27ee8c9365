/** Promise: `explore`, `replay` and `incidents` answer on stdout, exit as the contract says, and name what is wrong in one line. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ExploreFlags, runExplore } from "../src/cli/commands/explore.ts";
import { runIncidents } from "../src/cli/commands/incidents.ts";
import { runReplay } from "../src/cli/commands/replay.ts";
import type { Library } from "../src/cli/explore/job.ts";
import { CliError } from "../src/cli/messages.ts";
import { runCommandLine } from "../src/cli/program.ts";
import type { Terminal } from "../src/cli/terminal.ts";
import { prepare } from "../src/incidents/prepare.ts";
import { explorationSchema } from "../src/report/exploration-schema.ts";
import { twoMutexes } from "./two-mutexes-program.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const library: Library = { incidents: [twoMutexes], prepare };

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly progress: readonly (string | undefined)[];
}

async function run(command: (t: Terminal) => Promise<number>, stdin = "", interrupted?: AbortSignal): Promise<Run> {
  let out = "";
  let err = "";
  const progress: (string | undefined)[] = [];
  const t: Terminal = {
    out: async (text) => {
      out += text;
    },
    err: (line) => {
      err += `${line}\n`;
    },
    progress: (line) => void progress.push(line),
    stdin: Readable.from([Buffer.from(stdin)]),
    stdinPiped: true,
    stdinTty: false,
    outTty: false,
    columns: 80,
    rows: 1_000_000,
    env: {},
    interrupted: interrupted ?? new AbortController().signal,
  };
  try {
    return { code: await command(t), out, err, progress };
  } catch (e) {
    if (!(e instanceof CliError)) throw e;
    return { code: e.exitCode, out, err: `${err}${e.message}\n`, progress };
  }
}

const explore = (flags: Partial<ExploreFlags>, incident = "two-mutexes", interrupted?: AbortSignal): Promise<Run> =>
  run((t) => runExplore(t, incident, { color: "never", pager: false, ...flags }, library), "", interrupted);
const replay = (file: string, stdin = "", json = false): Promise<Run> =>
  run((t) => runReplay(t, file, { color: "never", pager: false, json }, library), stdin);

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "unwedge-explore-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe("--max-preemptions", () => {
  it("covers schedules with so many preemptions, says so, and is never called complete", async () => {
    const none = await explore({ maxPreemptions: "0" });
    expect(none.code).toBe(3);
    expect(none.out.replace(/\s+/g, " ")).toContain("only all schedules without preemptions were seen");
    const document = explorationSchema.parse(JSON.parse((await explore({ maxPreemptions: "0", json: true })).out));
    expect(document).toMatchObject({ strategy: "prove", outcome: "none", complete: false, preemptions: 0 });
  });
  it("finds what one preemption leads to", async () => {
    expect((await explore({ maxPreemptions: "1" })).out).toMatch(/^DEADLOCK/);
  });
  it("bounds a proof only", async () => {
    const wrong = await explore({ maxPreemptions: "1", strategy: "pct" });
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining("leave out --strategy pct")]);
  });
});

describe("explore", () => {
  it("says what it found and exits with 1", async () => {
    const r = await explore({});
    expect(r.code).toBe(1);
    expect(r.out).toMatch(/^DEADLOCK: fault \(1000\) waits for mutex lock_b held by kworker/);
    expect(r.out.trimEnd().split("\n").at(-1)).toBe(
      "  unwedge explore two-mutexes -o witness.json; unwedge replay witness.json",
    );
    expect(r.err).toBe("");
    expect(r.progress.at(-1)).toBe(undefined);
  });

  it("exits with 0 for none and complete, with 3 when a bound was reached", async () => {
    expect(await explore({ fix: ["nofs-pte"] })).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^NOTHING WRONG/),
    });
    const open = await explore({ fix: ["nofs-pte"], strategy: "prove", maxStates: "5" });
    expect(open).toMatchObject({ code: 3, out: expect.stringMatching(/^CANNOT TELL: .*the bound on states/s) });
    const memory = await explore({
      fix: ["nofs-pte"],
      param: ["steps=500"],
      strategy: "prove",
      maxMemory: "0",
    });
    expect(memory).toMatchObject({ code: 3, out: expect.stringMatching(/^CANNOT TELL: .*the memory bound/s) });
    expect((await explore({ exitZero: true })).code).toBe(0);
  });

  it("prints one document with --json, its choices in it", async () => {
    const r = await explore({
      json: true,
      param: ["steps=3", "hack=swapped"],
      cgroup: "v2",
      nokmem: true,
      era: "5.15.0",
    });
    const document = explorationSchema.parse(JSON.parse(r.out));
    expect(document).toMatchObject({
      outcome: "deadlock",
      era: "5.15.0",
      cgroup: "v2",
      kmem: false,
      hacks: ["swapped"],
      parameters: { steps: 3 },
    });
  });

  it("writes a witness with -o that replays to the same", async () => {
    const file = join(dir, "witness.json");
    const r = await explore({ output: file, param: ["waiter=1"] });
    expect(r.err).toContain("[output-written]");
    expect(r.out.trimEnd().split("\n").at(-1)).toBe(`  unwedge replay ${file}`);
    const again = await replay(file);
    expect(again.code).toBe(1);
    const findings = (text: string) => text.slice(0, text.indexOf("\nWHAT "));
    expect(findings(again.out)).toBe(findings(r.out));
    const piped = await replay("-", readFileSync(file, "utf8"), true);
    expect(explorationSchema.parse(JSON.parse(piped.out))).toMatchObject({ outcome: "deadlock", replayed: true });
    expect((await explore({ fix: ["nofs-pte"], output: join(dir, "none.json") })).err).toContain("[witness-none]");
    expect(existsSync(join(dir, "none.json"))).toBe(false);
    expect(await explore({ output: join(dir, "no/where") })).toMatchObject({ code: 2 });
  });

  it("gives what it has when interrupted", async () => {
    const interrupt = new AbortController();
    interrupt.abort();
    const r = await explore({ fix: ["nofs-pte"], param: ["steps=1000"] }, "two-mutexes", interrupt.signal);
    expect(r.code).toBe(130);
    expect(r.err).toContain("[explore-interrupted]");
    expect(r.out).toMatch(/^CANNOT TELL/);
  });

  it("compares every switch", async () => {
    const r = await explore({ compare: "all", json: true });
    expect(r.code).toBe(1);
    const { schema, rows } = JSON.parse(r.out) as {
      schema: string;
      rows: { switch: string; outcome: string; complete: boolean }[];
    };
    expect(schema).toBe("unwedge.compare/1");
    expect(rows.map((row) => [row.switch, row.outcome, row.complete])).toEqual([
      ["(as it is)", "deadlock", false],
      ["--revert prealloc-pte", "deadlock", false],
      ["--fix nofs-pte", "none", true],
      ["--hack swapped", "deadlock", false],
      ["--hack swapped --revert prealloc-pte", "deadlock", false],
      ["--hack swapped --fix nofs-pte", "none", true],
      ["--nokmem", "deadlock", false],
      ["--cgroup v2", "deadlock", false],
    ]);
    const text = await explore({ compare: "all", fix: ["nofs-pte"] });
    expect(text.out).toMatch(/^two-mutexes: 6 variants: 0 with a finding, 6 without any/);
    expect(text.code).toBe(0);
  });

  it.each([
    [{}, "two-mutexe", "no incident is called two-mutexe (did you mean two-mutexes?)"],
    [{ fix: ["nofs-pt"] }, undefined, 'has no fix "nofs-pt"; it has prealloc-pte, nofs-pte (did you mean nofs-pte?)'],
    [{ revert: ["nofs-pte"] }, undefined, "never merged"],
    [{ fix: ["prealloc-pte"] }, undefined, "is in 6.1.192 already"],
    [{ fix: ["all"] }, undefined, "--compare all"],
    [{ era: "9.9" }, undefined, "nearest: 6.18"],
    [{ param: ["stepz=3"] }, undefined, 'no parameter "stepz" (did you mean steps?)'],
    [{ param: ["steps=5000"] }, undefined, "from 0 to 1000"],
    [{ param: ["steps"] }, undefined, "write it as name=number"],
    [{ param: ["steps=x"] }, undefined, "write it as name=number"],
    [{ hack: ["swaped"] }, undefined, 'no hack "swaped" (did you mean swapped?)'],
    [{ strategy: "pure" }, undefined, "not one of hunt, prove, pct, random"],
    [{ cgroup: "v3" }, undefined, "not one of v1, v2"],
    [{ maxStates: "-1" }, undefined, "not a whole number"],
    [{ compare: "some" }, undefined, "only all is possible"],
    [{ compare: "all", era: "1" }, undefined, 'unknown era "1"'],
    [{}, "./no-such-file.ts", "no such file"],
  ] as const)("%o %s: one line and exit code 2", async (flags, incident, says) => {
    const r = await explore(flags, incident);
    expect([r.code, r.out]).toEqual([2, ""]);
    expect(r.err.trimEnd().split("\n")).toHaveLength(1);
    expect(r.err).toContain(says);
    expect(r.err).toMatch(/^unwedge: .* \[[a-z-]+\]\n$/);
  });
});

describe("replay", () => {
  it("refuses what is no witness of this version, in one line", async () => {
    const file = join(dir, "w.json");
    await explore({ output: file });
    const witness = JSON.parse(readFileSync(file, "utf8")) as { schedule: { position: string }[]; schema: string };
    const wrong = async (text: string, says: string): Promise<void> => {
      const r = await replay("-", text);
      expect([r.code, r.out]).toEqual([2, ""]);
      expect(r.err.trimEnd().split("\n")).toHaveLength(1);
      expect(r.err).toContain(says);
    };
    await wrong("nonsense", "no JSON");
    await wrong(JSON.stringify({ ...witness, schema: "unwedge.witness/7" }), "unwedge.witness/7 is not");
    await wrong(JSON.stringify({ ...witness, incident: "gone" }), "no incident is called gone");
    await wrong(JSON.stringify({ ...witness, era: "3.0" }), "unknown era");
    const [first, ...rest] = witness.schedule;
    const moved = { ...witness, schedule: [{ ...first, position: "mutexLock:9 mutex_lock lock_z" }, ...rest] };
    await wrong(JSON.stringify(moved), "step 1 of 2: expected fault/1000 at mutexLock:9 mutex_lock lock_z, found");
    expect(await replay(join(dir, "absent.json"))).toMatchObject({ code: 2 });
  });
});

describe("incidents", () => {
  it("lists ids, switches and parameters", async () => {
    const r = await run((t) => runIncidents(t, { pager: false }, library));
    expect(r.out).toMatch(/^two-mutexes\n {2}Two mutexes/);
    expect(r.out).toContain("--param: steps=2 (0 to 1000): steps of a bystander");
    const json = await run((t) => runIncidents(t, { pager: false, json: true }, library));
    expect(JSON.parse(json.out)).toMatchObject({ schema: "unwedge.incidents/1", incidents: [{ id: "two-mutexes" }] });
  });
});

describe("the command line", () => {
  it("knows the commands and their options", async () => {
    for (const name of ["explore", "replay", "incidents"]) {
      const r = await run((t) => runCommandLine([name, "--help"], t));
      expect(r.code).toBe(0);
      expect(r.out).toContain("--json");
    }
    expect(await run((t) => runCommandLine(["explore"], t))).toMatchObject({ code: 2 });
  });

  it("finds the deadlock of the first document", async () => {
    const r = await run((t) => runCommandLine(["explore", "memcg-writeback-abba", "--json"], t));
    expect(r.code).toBe(1);
    const document = explorationSchema.parse(JSON.parse(r.out));
    expect(document.core?.map((edge) => edge.waitsFor.class).sort()).toEqual(["PG_locked", "PG_writeback"]);
  });
});

describe("the built command", { timeout: 240_000 }, () => {
  const main = join(root, "dist/cli/main.js");
  beforeAll(() => {
    const built = spawnSync(process.execPath, [join(root, "scripts/setup.mjs")], { encoding: "utf8" });
    expect(built.stderr).not.toContain("failed");
  }, 240_000);

  it("searches in a thread, and Ctrl-C gives what was found so far", async () => {
    const args = [main, "explore", "memcg-writeback-abba", "--fix", "prealloc-pte", "--param", "faulters=4"];
    const child = spawn(process.execPath, [...args, "--strategy", "prove"], { cwd: dir });
    let out = "";
    let err = "";
    child.stdout.on("data", (d: Buffer) => {
      out += d.toString();
    });
    child.stderr.on("data", (d: Buffer) => {
      err += d.toString();
    });
    const closed = new Promise<number | null>((done) => child.on("close", done));
    await new Promise((done) => setTimeout(done, 2500));
    child.kill("SIGINT");
    expect(await closed).toBe(130);
    expect(err).toContain("[explore-interrupted]");
    expect(out).toMatch(/^CANNOT TELL: nothing wrong found in memcg-writeback-abba so far/);
  });

  it("is a library too, with its schemas", () => {
    const script = `
      import { exploreIncident, parseWitness } from "unwedge/explore";
      import { incidents, prepare } from "unwedge/incidents";
      import { kernelLog } from "unwedge/kernel";
      import exploration from "unwedge/schema/exploration.json" with { type: "json" };
      import witness from "unwedge/schema/witness.json" with { type: "json" };
      const { prepared } = prepare(incidents[0]);
      const e = exploreIncident(prepared, { strategy: "random" });
      console.log(e.outcome, parseWitness(e.witness).ok, kernelLog(prepared.kernel).length > 0);
      console.log(exploration.title, witness.title);`;
    const r = spawnSync(process.execPath, ["--no-warnings", "--input-type=module", "-e", script], {
      cwd: root,
      encoding: "utf8",
    });
    expect([r.stderr, r.stdout]).toEqual(["", "deadlock true true\nunwedge.exploration/1 unwedge.witness/1\n"]);
  });

  it("explores a user's own file, whose witness replays", () => {
    writeFileSync(
      join(dir, "mine.ts"),
      `import { defineIncident } from "unwedge/incidents";
import { Mutex, mutexLock } from "unwedge/kernel";
import { create, type Resumable } from "unwedge/resumable";

function* both(first: Mutex, second: Mutex): Resumable {
  yield* mutexLock(first);
  yield* mutexLock(second);
}

export default defineIncident({
  id: "mine",
  title: "two locks",
  era: "6.1.192",
  parameters: {},
  fixes: [],
  fixedChoices: [],
  setup(scene) {
    const [a, b] = [create(Mutex, { lockName: "a_lock" }), create(Mutex, { lockName: "b_lock" })];
    scene.task("one", {}, both, [a, b]);
    scene.task("two", {}, both, [b, a]);
  },
});
`,
    );
    const unwedge = (...args: readonly string[]) =>
      spawnSync(process.execPath, [main, ...args], { cwd: dir, encoding: "utf8" });
    const r = unwedge("explore", "./mine.ts", "-o", "mine.json");
    expect([r.status, r.stderr]).toEqual([1, "unwedge: wrote mine.json [output-written]\n"]);
    expect(r.stdout).toMatch(/^DEADLOCK: one \(1000\) waits for mutex b_lock held by two/);
    const again = unwedge("replay", "mine.json");
    expect(again.status).toBe(1);
    expect(again.stdout).toMatch(/^DEADLOCK/);
    writeFileSync(join(dir, "bad.ts"), "export const x = ;\n");
    const bad = unwedge("explore", "./bad.ts");
    expect(bad.status).toBe(2);
    expect(bad.stderr).toMatch(/^unwedge: .*bad\.ts:1.* \[incident-file\]\n$/);
    writeFileSync(join(dir, "empty.ts"), "export const x = 1;\n");
    expect(unwedge("explore", "./empty.ts").stderr).toContain("exports no incident");
  });
});
