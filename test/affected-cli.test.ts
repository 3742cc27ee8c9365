/** Promise: `affected` answers on stdout, exits by what it knows for sure, names what is wrong in one line; its JSON is the schema's. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { type AffectedFlags, runAffected } from "../src/cli/commands/affected.ts";
import { runCommandLine } from "../src/cli/program.ts";
import type { Terminal } from "../src/cli/terminal.ts";
import { memcgWritebackAbba } from "../src/incidents/memcg-writeback-abba.ts";
import { type AffectedDocument, affectedJsonSchema, affectedSchema } from "../src/report/affected-schema.ts";

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const run = (args: readonly string[], stdin = ""): Promise<Run> =>
  onTerminal((t) => runCommandLine(["affected", ...args], t), stdin);
/** With `--prove` over one incident: all of them are searched in test/affected-proofs.test.ts. */
const prove = (flags: Partial<AffectedFlags>, stdin = ""): Promise<Run> =>
  onTerminal(
    (t) => runAffected(t, { color: "never", pager: false, prove: true, ...flags }, { incidents: [memcgWritebackAbba] }),
    stdin,
  );

async function onTerminal(command: (t: Terminal) => Promise<number>, stdin: string): Promise<Run> {
  let out = "";
  let err = "";
  const terminal: Terminal = {
    out: async (text) => {
      out += text;
    },
    err: (line) => {
      err += `${line}\n`;
    },
    stdin: Readable.from([Buffer.from(stdin)]),
    stdinPiped: false,
    stdinTty: true,
    outTty: false,
    columns: 80,
    rows: 1_000_000,
    env: {},
    interrupted: new AbortController().signal,
  };
  return { code: await command(terminal), out, err };
}

let dir: string;
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(dir, name), content);
  return join(dir, name);
};
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "unwedge-affected-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const CONFIG =
  "# Linux/x86 6.1.69 Kernel Configuration\nCONFIG_A=y\nCONFIG_B=y\nCONFIG_C=y\nCONFIG_D=y\nCONFIG_MEMCG=y\n";
const LOG =
  "[0.0] Linux version 4.19.15 (x) #1 SMP\n[0.0] Command line: quiet cgroup_no_v1=all\n[1.0] EXT4-fs (sda1): mounted filesystem with ordered data mode.\n";
const base = ["--release", "4.20.0", "--cgroup", "v1", "--boot", "quiet", "--fs", "ext4,xfs"];
const validate = new Ajv2020({ strict: true, allErrors: true }).compile(affectedJsonSchema());

async function document(args: readonly string[]): Promise<AffectedDocument> {
  const { out } = await run([...args, "--json"]);
  const parsed: unknown = JSON.parse(out);
  expect(validate(parsed), JSON.stringify(validate.errors)).toBe(true);
  return affectedSchema.parse(parsed);
}

test("schema/affected.json is the generated one (re-bless with vitest -u)", async () => {
  await expect(`${JSON.stringify(affectedJsonSchema(), undefined, 2)}\n`).toMatchFileSnapshot(
    "../schema/affected.json",
  );
});

describe("the text", () => {
  it("is 80 columns of ASCII, affected first; commands stay whole", async () => {
    const { code, out } = await prove({ release: "4.20.0", cgroup: "v2", boot: "quiet", fs: "ext4,xfs" });
    expect(code).toBe(1);
    const lines = out.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^AFFECTED by \d+ entries: \d+ unknown, \d+ unreachable, \d+ fixed\.$/);
    for (const line of lines) {
      expect(line).toMatch(/^[\x20-\x7e]*$/);
      if (!line.startsWith("      unwedge ")) expect(line.length).toBeLessThanOrEqual(80);
    }
    const headings = lines.filter((line) => /^[A-Z]{5}/.test(line)).slice(1);
    expect(headings.map((line) => line.split(/[: ]/)[0])).toEqual(["AFFECTED", "UNKNOWN", "UNREACHABLE", "FIXED"]);
    expect(out).toContain("witness: deadlock");
    expect(out).toContain("proof: none, every schedule (");
  });
  it("says that a name hides the point release, and what a log and a configuration tell", async () => {
    const { out } = await run(["--release", "6.1.0-17-amd64"]);
    expect(out.replace(/\s+/g, " ")).toContain("6.1.x, with patches of its own; the name hides the point release");
    const told = await run(["--release", "6.1.0-17-amd64", "--config", file("config-6.1.0-17-amd64", CONFIG)]);
    expect(told.out.replace(/\s+/g, " ")).toContain("6.1.69 (from config-6.1.0-17-amd64)");
    const logged = await run(["--log", file("kern.log", LOG)]);
    expect(logged.out.replace(/\s+/g, " ")).toContain("cgroup v2 (cgroup_no_v1=all (kern.log:2))");
  });
});

describe("the exit code", () => {
  it.each([
    ["something for sure", base, 1],
    ["nothing for sure, something unknown", ["--release", "6.1.0-17-amd64"], 3],
    ["whatever it is", [...base, "--exit-zero"], 0],
  ])("%s", async (_, args, code) => {
    expect((await run(args)).code).toBe(code);
  });
  it("nothing can happen", async () => {
    // every filesystem and driver is out, and every fix is in
    const { code, out } = await run(["--release", "6.18", "--fs", "none", "--config", file("empty", CONFIG)]);
    expect(out).toMatch(/^NOT AFFECTED: 0 unknown, /);
    expect(code).toBe(0);
  });
});

describe("bad input is one clear line", () => {
  it.each([
    [[], "affected-nothing", "give --release"],
    [["--release", "nonsense"], "release-malformed", "write it as uname -r prints it"],
    [["--release", "6.1.69foo"], "release-malformed", "did you mean 6.1.69?"],
    [["--release", "6.1", "--cgroup", "v3"], "cgroup-unknown", "v1, v2"],
    [["--release", "6.1", "--swap", "maybe"], "swap-unknown", "yes, no"],
    [["--release", "6.1", "--fs", "etx4"], "fs-unknown", "did you mean ext4?"],
    [["--release", "6.1", "--fs", ","], "fs-unknown", "name all that are in use"],
    [["--release", "6.1", "--has", "xyz"], "commit-malformed", "7 digits"],
    [["--release", "6.1", "--has", "63f3655f9501", "--lacks", "63f3655"], "commit-contradiction", "both"],
    [["--config", "/nonexistent"], "input-missing", "no such file"],
    [["--log", "-", "--config", "-"], "input-stdin-twice", "only once"],
  ])("%j", async (args, id, text) => {
    const { code, out, err } = await run(args);
    expect([code, out]).toEqual([2, ""]);
    expect(err.trimEnd().split("\n")).toHaveLength(1);
    expect(err).toContain(text);
    expect(err).toContain(`[${id}]`);
  });
  it("files that are something else", async () => {
    const text = file("text", "# Title\n\nSome words.\n");
    expect((await run(["--config", text])).err).toContain("[config-malformed]");
    expect((await run(["--log", text])).err).toContain("says nothing of a kernel's configuration in 3 lines");
    expect((await run(["--config", dir])).err).toContain("[input-directory]");
  });
});

describe("the document", () => {
  it("has what is known of the machine, and every answer", async () => {
    const d = await document([...base, "--swap", "no"]);
    expect(d.machine).toMatchObject({
      kernel: { release: "4.20.0", point: "4.20.0", distribution: null, backports: "none", from: "--release" },
      config: null,
      cgroup: { value: "v1", from: "--cgroup" },
      filesystems: { value: ["ext4", "xfs"], complete: true },
      swap: { value: false, from: "--swap" },
    });
    const { affected, unknown, unreachable, fixed } = d.counts;
    expect(affected + unknown + unreachable + fixed).toBe(d.answers.length);
    expect(d.proven).toBe(false);
    const abba = d.answers.find((a) => a.id === "memcg-pte-charge-writeback");
    expect(abba).toMatchObject({ status: "affected", commit: "63f3655f9501", incident: "memcg-writeback-abba" });
    expect(abba?.experiments).toEqual([
      {
        role: "witness",
        incident: "memcg-writeback-abba",
        command: "unwedge explore memcg-writeback-abba",
        result: null,
      },
    ]);
    for (const c of abba?.conditions ?? []) expect(c.source.length).toBeGreaterThan(8);
  });
  it("null where nothing is known, and notes of contradictions and damage", async () => {
    const config = file(
      "config.gz",
      gzipSync(`${CONFIG}CONFIG_E=y\nCONFIG_F=y\nCONFIG_G=y\nCONFIG_H=y\nwhat is this\n`),
    );
    const d = await document(["--release", "5.10.1", "--config", config]);
    expect(d.machine).toMatchObject({ cgroup: null, memcg: null, kmem: null, filesystems: null, swap: null });
    expect(d.notes).toHaveLength(2);
    expect(d.notes.join(" ")).toContain("1 lines are no settings, the first is line 11");
    expect(d.notes.join(" ")).toContain("is the configuration of 6.1.69, not of 5.10.1");
  });
  it("reads a log from standard input, and --prove adds results", async () => {
    const { code, out } = await prove({ log: ["-"], json: true }, LOG);
    expect(code).not.toBe(2);
    const d = affectedSchema.parse(JSON.parse(out));
    expect(d.proven).toBe(true);
    const abba = d.answers.find((a) => a.id === "memcg-pte-charge-writeback");
    expect(abba).toMatchObject({ status: "unreachable" });
    expect(abba?.experiments.map((e) => e.result?.outcome)).toEqual(["none", "deadlock"]);
  });
  it("fields may be added, wrong ones are refused", async () => {
    const d = await document(base);
    expect(validate({ ...d, later: 1 })).toBe(true);
    expect(validate({ ...d, counts: {} })).toBe(false);
    expect(validate({ ...d, answers: [{ ...d.answers[0], status: "perhaps" }] })).toBe(false);
  });
});
