import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compilePrograms } from "./build.ts";
import { isProgram } from "./program-files.ts";
import { resumablePrograms } from "./vite-plugin.ts";

let root: string;
const put = (path: string, text: string): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "unwedge-build-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const PROGRAM = 'import { lock } from "../lock.ts";\nexport function* f(x: number) {\n  yield lock(x);\n}\n';

describe("programs", () => {
  it("are the files of kernel and incidents, and those called so", () => {
    const yes = [
      "src/kernel/mm/vmscan.ts",
      "src/incidents/abba.ts",
      "src/kernel/a.test.ts",
      "test/small-program.ts",
      "a-program.ts",
    ];
    const no = [
      "src/explore/prove.ts",
      "test/program.ts",
      "src/kernel/README.md",
      "a/src/kernel/x.ts",
      "src/kernels/x.ts",
    ];
    expect([...yes, ...no].filter(isProgram)).toEqual(yes);
  });

  it("are compiled over what tsc made of them, with maps that lead to the sources", () => {
    put("src/kernel/mm/page.ts", PROGRAM);
    put("src/kernel/mm/plain.ts", "export const a = 1;\n");
    put("src/kernel/mm/page.test.ts", PROGRAM);
    put("src/explore/toy-program.ts", PROGRAM);
    put("src/explore/other.ts", PROGRAM);
    put("src/samples/no-program.ts", PROGRAM);
    put("dist/kernel/mm/page.js", "old");
    expect(compilePrograms(root, "src", join(root, "dist"))).toEqual([]);
    const code = readFileSync(join(root, "dist/kernel/mm/page.js"), "utf8");
    expect(code).toContain('import { lock } from "../lock.js";');
    expect(code).toContain('from "../../resumable/functions.js";\n//# sourceMappingURL=page.js.map\n');
    expect(code).toContain('file: "src/kernel/mm/page.ts"');
    const map = JSON.parse(readFileSync(join(root, "dist/kernel/mm/page.js.map"), "utf8")) as Record<string, unknown>;
    expect([map.file, map.sources, map.sourcesContent]).toEqual([
      "page.js",
      ["../../../src/kernel/mm/page.ts"],
      [PROGRAM],
    ]);
    expect(readFileSync(join(root, "dist/explore/toy-program.js"), "utf8")).toContain('"../resumable/functions.js"');
    const others = ["kernel/mm/plain.js", "kernel/mm/page.test.js", "explore/other.js", "samples/no-program.js"];
    expect(others.filter((f) => existsSync(join(root, "dist", f)))).toEqual([]);
  });

  it("that cannot be compiled are all named", () => {
    put("src/kernel/a.ts", "function* f() { try { yield; } finally {} }");
    put("src/kernel/b.ts", "\nfunction* f() { yield this; }");
    put("src/kernel/c.ts", "function* f() { yield; }");
    expect(compilePrograms(root, "src", join(root, "dist"))).toEqual([
      "src/kernel/a.ts:1: try/catch/finally around a stop is not supported: test the result instead",
      "src/kernel/b.ts:2: `this` does not live in a frame: pass the object as a parameter",
    ]);
    expect(existsSync(join(root, "dist/kernel/c.js"))).toBe(true);
  });

  it("are compiled for tests as they are loaded, whatever stands behind their path", () => {
    const plugin = resumablePrograms("/root");
    const done = plugin.transform(PROGRAM, "/root/src/kernel/mm/page.ts?v=1");
    expect(done?.code).toContain('import { lock } from "../lock.ts";');
    expect(done?.code).toContain('from "../../resumable/functions.ts";');
    expect((JSON.parse(done?.map ?? "{}") as { sources: unknown }).sources).toEqual(["page.ts"]);
    expect(plugin.transform(PROGRAM, "/root/src/explore/page.ts")).toBeUndefined();
    expect(plugin.transform("export const a = 1;", "/root/src/kernel/page.ts")).toBeUndefined();
    expect(plugin.transform(PROGRAM, "/root/small-program.ts")?.code).toContain('"./src/resumable/functions.ts"');
  });
});
