/**
 * Promise: docs/explore-any-program.md works as it is written. A block below `<!-- file: NAME -->` is put into an empty folder;
 * a console block below `<!-- example: exit N -->` is run there: its lines are printed in that order, `...` stands for others.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const text = readFileSync(join(root, "docs/explore-any-program.md"), "utf8");
const files = [...text.matchAll(/<!-- file: (\S+) -->\n```\w+\n([\s\S]*?)```\n/g)].map((m) => [m[1]!, m[2]!] as const);
const examples = [...text.matchAll(/<!-- example: exit (\d+) -->\n```console\n\$ (.*)\n([\s\S]*?)```\n/g)];

let folder: string;
const run = (words: readonly string[]) =>
  spawnSync(process.execPath, words, {
    cwd: folder,
    encoding: "utf8",
    input: "",
    env: { ...process.env, NO_COLOR: "1" },
  });

beforeAll(() => {
  const built = spawnSync(process.execPath, [join(root, "scripts/setup.mjs")], { encoding: "utf8" });
  expect(built.stderr).not.toContain("failed");
  folder = mkdtempSync(join(tmpdir(), "unwedge-any-"));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules/unwedge"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  for (const [name, content] of files) writeFileSync(join(folder, name), content);
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("docs/explore-any-program.md", () => {
  it("has files whose types are right", () => {
    const compilerOptions = { target: "ES2023", module: "NodeNext", strict: true, noEmit: true, types: [] };
    const names = files.map(([name]) => name).filter((name) => name.endsWith(".ts"));
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: names }));
    const { status, stdout } = run([join(root, "node_modules/typescript/bin/tsc"), "-p", "."]);
    expect([status, stdout]).toEqual([0, ""]);
  });

  it.each(examples.map(([, code, command, lines]) => [command!, Number(code), lines!] as const))(
    "%s",
    (command, code, lines) => {
      const words = command.split(" ");
      const [, , ...rest] = words;
      const r = run(words[0] === "npx" ? [join(root, "dist/cli/main.js"), ...rest] : words.slice(1));
      expect([r.status, r.stderr]).toEqual([code, ""]);
      let from = 0;
      for (const part of lines.split(/^\.\.\.\n/m)) {
        const at = r.stdout.indexOf(part, from);
        expect(at, `in ${r.stdout}\nafter ${from}: ${part}`).toBeGreaterThanOrEqual(0);
        from = at + part.length;
      }
    },
  );
});
