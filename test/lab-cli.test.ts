/** Promise: `lab` says in one line what it cannot do and what to do about it, before it downloads or boots anything. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, expect, it } from "vitest";
import { runCommandLine } from "../src/cli/program.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "unwedge-lab-cli-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ["", ""];
  const code = await runCommandLine(["lab", ...args], {
    out: async (text) => {
      out += text;
    },
    err: (line) => {
      err += `${line}\n`;
    },
    stdin: Readable.from([]),
    stdinPiped: false,
    stdinTty: true,
    outTty: false,
    columns: 80,
    rows: 1000,
    // a host without any program, and a cache without any package
    env: { PATH: join(dir, "bin"), XDG_CACHE_HOME: join(dir, "cache") },
    interrupted: new AbortController().signal,
  });
  return { code, out, err };
}

it("lists the scenarios", async () => {
  const text = await run();
  expect(text.code).toBe(0);
  expect(text.out).toContain("jbd2-memcg-oom");
  const json = JSON.parse((await run("--json")).out) as { schema: string; scenarios: { name: string }[] };
  expect(json.schema).toBe("unwedge.lab-scenarios/1");
  expect(json.scenarios.map((s) => s.name)).toEqual([
    "jbd2-memcg-oom",
    "healthy",
    "slow-disk",
    "fsfreeze",
    "memcg-steps",
  ]);
});

it.each([
  [["jbd2-memcg-om"], "did you mean jbd2-memcg-oom?"],
  [["healthy", "--cgroup", "3"], "--cgroup 3"],
  [["healthy", "--param", "tasks=many"], "--param tasks=many"],
  [["healthy", "--runs", "0"], "--runs 0"],
  [["healthy", "--runs", "1000"], "--runs 1000"],
])("%j is refused with one line and exit code 2", async (args, why) => {
  const r = await run(...args);
  expect(r).toMatchObject({ code: 2, out: "" });
  expect(r.err).toContain(why);
  expect(r.err.trimEnd().split("\n")).toHaveLength(1);
  expect(existsSync(join(dir, "cache"))).toBe(false);
});

it("never overwrites results", async () => {
  writeFileSync(join(dir, "kernel.log"), "");
  const r = await run("healthy", "-o", dir);
  expect(r.code).toBe(2);
  expect(r.err).toContain("is not empty");
});

it.each([["--prepare"], ["healthy"]])("%s without apt-get says what is missing", async (arg) => {
  const r = await run(arg, ...(arg === "healthy" ? ["-o", join(dir, "out")] : []));
  expect(r).toMatchObject({ code: 2, out: "" });
  expect(r.err).toMatch(/^unwedge: the lab cannot work here: .*\[lab-unavailable\]\n$/);
  expect(existsSync(join(dir, "out"))).toBe(false);
});
