/** Promise: `import { diagnose } from "unwedge"` works from the built package, silently and without shared state. */
import { type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import * as library from "../src/index.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const mail = readFileSync(join(root, "samples/tour/memcg-writeback-abba.txt"), "utf8");

describe("the library", () => {
  it("diagnoses a string, an input, and several inputs", async () => {
    const one = await library.diagnose(mail);
    expect(one.verdict).toBe("deadlock");
    expect(one.core).toHaveLength(2);
    const named = await library.diagnose(library.textInput("mail", mail), { release: "4.14.98" });
    expect(named.inputs[0]?.name).toBe("mail");
    expect(named.kernel.release).toBe("4.14.98");
    const two = await library.diagnose([mail, library.textInput("poem", "roses are red\n")]);
    expect(two.inputs).toHaveLength(2);
    expect(two.verdict).toBe("deadlock");
  });

  it("has every renderer", async () => {
    const d = await library.diagnose(mail);
    expect(library.toText(d)).toMatch(/^DEADLOCK/);
    expect(library.toContract(d, { version: "1" }).schema).toBe("unwedge.diagnosis/1");
    expect(library.toDot(d)).toContain("digraph");
    expect(library.toMermaid(d)).not.toBe("");
    expect(await library.toSvg(d)).toContain("<svg");
    expect(await library.toHtml(d, { sources: [mail] })).toContain("</html>");
  });

  it("keeps no state: calls in any order and at once give the same", async () => {
    const other = readFileSync(join(root, "samples/tour/ext4-writeback-hang.log.gz"));
    const console_ = (): library.EvidenceInput => ({ name: "console", chunks: [other] });
    const alone = await library.diagnose(mail);
    const all = await Promise.all([
      library.diagnose(console_()),
      library.diagnose(mail),
      library.diagnose(console_()),
      library.diagnose(mail),
    ]);
    expect(all[1]).toEqual(alone);
    expect(all[3]).toEqual(alone);
    expect(all[2]).toEqual(all[0]);
  });

  it("prints nothing", async () => {
    const out = vi.spyOn(process.stdout, "write");
    const err = vi.spyOn(process.stderr, "write");
    try {
      await library.diagnose(mail);
      expect([out.mock.calls, err.mock.calls]).toEqual([[], []]);
    } finally {
      out.mockRestore();
      err.mockRestore();
    }
  });
});

describe("the built package", { timeout: 240_000 }, () => {
  let user: string;
  const node = (args: readonly string[], input = ""): SpawnSyncReturns<string> =>
    spawnSync(process.execPath, args, { cwd: user, encoding: "utf8", input });
  beforeAll(() => {
    const built = spawnSync(process.execPath, [join(root, "scripts/setup.mjs")], { encoding: "utf8" });
    expect(built.stderr).not.toContain("failed");
    user = mkdtempSync(join(tmpdir(), "unwedge-user-"));
    mkdirSync(join(user, "node_modules"));
    symlinkSync(root, join(user, "node_modules/unwedge"));
    writeFileSync(join(user, "package.json"), '{ "type": "module" }');
    writeFileSync(join(user, "mail.txt"), mail);
  }, 240_000);
  afterAll(() => rmSync(user, { recursive: true, force: true }));

  it("is imported by name, as are the language and the schema", () => {
    const script = `
      import { diagnose } from "unwedge";
      import * as waits from "unwedge/waits";
      import schema from "unwedge/schema/diagnosis.json" with { type: "json" };
      import { readFileSync } from "node:fs";
      const d = await diagnose(readFileSync("mail.txt", "utf8"));
      console.log(d.verdict, Object.keys(waits).length > 0, typeof schema);`;
    const r = node(["--no-warnings", "--input-type=module", "-e", script]);
    expect([r.stderr, r.stdout]).toEqual(["", "deadlock true object\n"]);
  });

  it("has types that a strict user can compile against", () => {
    const source = `import { diagnose, type Diagnosis, type Verdict } from "unwedge";
const d: Diagnosis = await diagnose("", { release: "6.1" });
const v: Verdict = d.verdict;
// @ts-expect-error a diagnosis is read only
d.verdict = "none";
export { v };
`;
    writeFileSync(join(user, "use.ts"), source);
    for (const types of ["@types", "undici-types"])
      symlinkSync(join(root, "node_modules", types), join(user, "node_modules", types));
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const r = node([
      tsc,
      "--noEmit",
      "--strict",
      "--target",
      "es2023",
      "--module",
      "nodenext",
      "--types",
      "node",
      "--preserveSymlinks",
      "use.ts",
    ]);
    expect(r.stdout).toBe("");
  });

  const main = join(root, "dist/cli/main.js");
  it("ends with the verdict's code, from files and pipes", () => {
    expect(node([main, "diagnose", "mail.txt"]).status).toBe(1);
    expect(node([main], mail).status).toBe(1);
    expect(node([main, "diagnose", "nothing.txt"]).status).toBe(2);
    expect(node([main, "--json"], "roses are red\n").status).toBe(3);
  });

  it("survives a reader that leaves early", () => {
    const r = spawnSync("sh", ["-c", `"$0" "$1" diagnose --all mail.txt | head -n 1`, process.execPath, main], {
      cwd: user,
      encoding: "utf8",
    });
    expect(r.stderr).toBe("");
    expect(r.stdout).toMatch(/^DEADLOCK/);
  });

  it("answers from what it has read when interrupted", async () => {
    const child = spawn(process.execPath, [main, "diagnose", "-"], { cwd: user });
    let out = "";
    let err = "";
    child.stdout.on("data", (d: Buffer) => {
      out += d.toString();
    });
    child.stderr.on("data", (d: Buffer) => {
      err += d.toString();
    });
    const closed = new Promise<number | null>((done) => child.on("close", done));
    // more than a pipe holds: once all of it is taken, the process is reading, and the mail was read first
    await new Promise((done) => child.stdin.write(`${mail}${"\n".repeat(4 * 1024 * 1024)}`, done));
    child.kill("SIGINT");
    expect(await closed).toBe(130);
    expect(err).toContain("[interrupted]");
    expect(out).toMatch(/^DEADLOCK/);
  });

  it("npm start passes arguments, the folder they mean, and the exit code", () => {
    const env = { ...process.env, INIT_CWD: user };
    const start = (args: readonly string[]): SpawnSyncReturns<string> =>
      spawnSync("npm", ["start", "--", ...args], {
        cwd: root,
        encoding: "utf8",
        env,
        stdio: ["ignore", "pipe", "pipe"],
      });
    const prefixed = spawnSync("npm", ["--prefix", root, "start", "--", "diagnose", "mail.txt", "--json"], {
      cwd: user,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    expect(prefixed.status).toBe(1);
    expect(JSON.parse(prefixed.stdout)).toMatchObject({ verdict: "deadlock" });
    expect(start(["diagnose", "nothing.txt"]).status).toBe(2);
    const tour = start([]);
    expect(tour.status).toBe(0);
    expect(tour.stdout).toContain("Try next");
  });
});
