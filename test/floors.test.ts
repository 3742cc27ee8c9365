/** Promise: floors import downwards only, deterministic floors are deterministic, every floor says what is in it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { checkFile, checkFloors, deterministic, floors, houseFiles } from "../scripts/check-floors.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const messages = (path: string, text: string): string[] => checkFile(path, text).map((p) => p.message);

describe("the house as it stands", () => {
  it("has no import that points up or sideways, and no clock or chance where none may be", () => {
    expect(houseFiles(root).length).toBeGreaterThan(20);
    expect(checkFloors(root).map((p) => `${p.file}:${p.line}: ${p.message}`)).toEqual([]);
  });

  const folders = readdirSync(join(root, "src"), { withFileTypes: true })
    .filter((e) => e.isDirectory())
    .map((e) => e.name);
  it.each(folders)("src/%s has a README of 5 to 14 lines", (folder) => {
    const file = join(root, "src", folder, "README.md");
    expect(existsSync(file), `${file} is missing`).toBe(true);
    const lines = readFileSync(file, "utf8")
      .split("\n")
      .filter((l) => l.trim() !== "");
    expect(lines.length).toBeGreaterThanOrEqual(5);
    expect(lines.length).toBeLessThanOrEqual(14);
  });
});

describe("the floor rule", () => {
  const order = floors.flatMap((group, rank) => group.map((name) => ({ name, rank })));
  const file = (floor: string): string =>
    floor === "index" ? "src/index.ts" : floor === "ui" ? "ui/a/x.ts" : `src/${floor}/x.ts`;
  const path = (from: string, to: string): string => {
    const target = file(to).replace("/x.ts", "/y.ts");
    return `${"../".repeat(file(from).split("/").length - 1)}${target}`;
  };

  it("allows exactly the floors below, for every pair", () => {
    for (const a of order) {
      for (const b of order) {
        if (a.name === b.name) continue;
        const found = messages(file(a.name), `import { x } from "${path(a.name, b.name)}";`);
        expect([a.name, b.name, found.length]).toEqual([a.name, b.name, b.rank < a.rank ? 0 : 1]);
      }
    }
  });

  it("sees every way to import", () => {
    const ways = [
      'import type { A } from "../cli/a.ts";',
      'export * from "../cli/a.ts";',
      'export { a } from "../cli/a.ts";',
      'import "../cli/a.ts";',
      'const a = await import("../cli/a.ts");',
      'const a = require("../cli/a.ts");',
      'type A = import("../cli/a.ts").A;',
    ];
    for (const way of ways) expect([way, messages("src/waits/x.ts", way).length]).toEqual([way, 1]);
    expect(messages("src/waits/x.ts", '// import "../cli/a.ts";\nconst s = \'import "../cli/a.ts"\';')).toEqual([]);
  });

  it("refuses folders that are on no floor and loose files in src", () => {
    expect(messages("src/misc/x.ts", "")).toHaveLength(1);
    expect(messages("src/x.ts", "")).toHaveLength(1);
    expect(messages("src/cli/x.ts", 'import "../misc/y.ts";')).toHaveLength(1);
    expect(messages("src/index.ts", 'import "./cli/main.ts";')).toHaveLength(1);
  });
});

describe("the determinism rule", () => {
  const bad = [
    "const t = Date.now();",
    "const t = new Date();",
    "const t = globalThis.Date.now();",
    "const t = performance.now();",
    "const t = Math.random();",
    "const { random } = Math;",
    'const t = Math["random"]();',
    "const t = process.env.HOME;",
    "setTimeout(f, 1);",
    'import { readFileSync } from "node:fs";',
    'import fs from "fs";',
  ];
  it.each(bad)("refuses %s", (text) => {
    for (const floor of deterministic) expect(messages(`src/${floor}/x.ts`, text).length).toBeGreaterThan(0);
    expect(messages("src/cli/x.ts", text)).toEqual([]);
    expect(messages("src/waits/x.test.ts", text)).toEqual([]);
  });

  it("leaves names alone that only look like it", () => {
    const text =
      "interface A { readonly process: string; Date: number }\nconst b = a.process + a.Date + Math.max(1, 2); // Date.now()";
    expect(messages("src/kernel/mm/x.ts", text)).toEqual([]);
  });
});
