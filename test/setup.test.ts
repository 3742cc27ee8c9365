/** Promise: a clone is installed and built when it must be, never twice, by one of two at once. */
import { type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const script = join(dirname(dirname(fileURLToPath(import.meta.url))), "scripts/setup.mjs");
let clone: string;

const put = (path: string, text: string): void => {
  mkdirSync(dirname(join(clone, path)), { recursive: true });
  writeFileSync(join(clone, path), text);
};
const setUp = (): SpawnSyncReturns<string> => spawnSync(process.execPath, [script, clone], { encoding: "utf8" });
const setUpBeside = (): Promise<{ code: number | null; err: string }> =>
  new Promise((done) => {
    const p = spawn(process.execPath, [script, clone], { stdio: ["ignore", "ignore", "pipe"] });
    let err = "";
    p.stderr.on("data", (d: Buffer) => {
      err += d.toString();
    });
    p.on("close", (code) => done({ code, err }));
  });
const count = (text: string, what: RegExp): number => text.match(new RegExp(what, "g"))?.length ?? 0;

beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), "unwedge-setup-"));
  put("package.json", '{ "name": "small", "version": "1.0.0", "type": "module" }');
  put(
    "tsconfig.json",
    '{ "compilerOptions": { "target": "ES2022", "module": "NodeNext", "strict": true, "types": [] } }',
  );
  put(
    "tsconfig.build.json",
    '{ "extends": "./tsconfig.json", "compilerOptions": { "rootDir": "src" }, "include": ["src"], "exclude": ["**/*.test.ts"] }',
  );
  put("src/cli/main.ts", "export const one: number = 1;\n");
  put("src/old/gone.ts", "export const two: number = 2;\n");
});
afterEach(() => rmSync(clone, { recursive: true, force: true }));

describe("set-up of a clone", () => {
  it("installs and builds once, then does nothing, and says so on stderr only", () => {
    const first = setUp();
    expect(first.stderr).toContain("npm install");
    expect(first.stderr).toContain("tsc");
    expect([first.status, first.stdout]).toEqual([0, ""]);
    expect(existsSync(join(clone, "dist/cli/main.js"))).toBe(true);
    const second = setUp();
    expect([second.status, second.stdout, second.stderr]).toEqual([0, "", ""]);
  });

  it("rebuilds after a change and removes outputs whose source is gone", () => {
    setUp();
    expect(existsSync(join(clone, "dist/old/gone.js"))).toBe(true);
    rmSync(join(clone, "src/old"), { recursive: true });
    put("src/cli/main.ts", "export const one: number = 11;\n");
    const r = setUp();
    expect(r.stderr).not.toContain("npm install");
    expect(r.stderr).toContain("tsc");
    expect(readFileSync(join(clone, "dist/cli/main.js"), "utf8")).toContain("11");
    expect(existsSync(join(clone, "dist/old"))).toBe(false);
    expect(readdirSync(clone).filter((f) => f.startsWith(".dist-"))).toEqual([]);
  });

  it("does not rebuild for a test or a sample, but installs again for a new lock file", () => {
    setUp();
    put("src/cli/main.test.ts", "export {};\n");
    put("src/cli/samples/x.json", "{}");
    expect(setUp().stderr).toBe("");
    put(
      "package.json",
      '{ "name": "small", "version": "1.0.0", "type": "module", "overrides": { "nothing": "1.0.0" } }',
    );
    expect(setUp().stderr).toContain("npm install");
  });

  it("fails with one clear error, keeps the old build, and recovers", () => {
    setUp();
    put("src/cli/main.ts", 'export const one: number = "no";\n');
    const bad = setUp();
    expect(bad.status).toBe(2);
    expect(bad.stdout).toBe("");
    expect(bad.stderr).toContain("the build failed");
    expect(bad.stderr).toContain("src/cli/main.ts(1,");
    expect(readFileSync(join(clone, "dist/cli/main.js"), "utf8")).toContain("one = 1");
    put("src/cli/main.ts", "export const one: number = 3;\n");
    expect(setUp().status).toBe(0);
    expect(readFileSync(join(clone, "dist/cli/main.js"), "utf8")).toContain("one = 3");
  });

  it("says what npm said when the install fails", () => {
    put("package.json", '{ "name": "small", "type": "module", "dependencies": { "x": "file:./not-there.tgz" } }');
    const r = setUp();
    expect(r.status).toBe(2);
    expect(r.stderr).toContain("npm install failed");
    expect(r.stderr).toContain("not-there");
  });

  it("lets one of several work while the others wait", async () => {
    const all = await Promise.all([setUpBeside(), setUpBeside(), setUpBeside()]);
    expect(all.map((r) => r.code)).toEqual([0, 0, 0]);
    const said = all.map((r) => r.err).join("");
    expect(count(said, /npm install/)).toBe(1);
    expect(count(said, /\(tsc\)/)).toBe(1);
    expect(readdirSync(join(clone, "node_modules/.unwedge"))).toEqual(["installed"]);
  });

  it("takes over the lock of a process that is gone", () => {
    put("node_modules/.unwedge/lock", `${hostname()} 999999999 1`);
    const r = setUp();
    expect(r.status).toBe(0);
    expect(r.stderr).not.toContain("waiting");
    expect(readdirSync(join(clone, "node_modules/.unwedge"))).toEqual(["installed"]);
  });
});
