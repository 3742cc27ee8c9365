/** Promise: a user's own file of resumable functions is compiled when it is loaded, and what is wrong with it is said in a line. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const dist = join(dirname(dirname(fileURLToPath(import.meta.url))), "dist");
let folder: string;

const put = (name: string, text: string): void => {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
};
/** Loads a file in a process of its own, does `then` with what it exports (`m`), and returns what was printed. */
const load = (name: string, then = ""): string => {
  const text = `
    import { loadProgram } from ${JSON.stringify(pathToFileURL(join(dist, "resumable/transform/load.js")).href)};
    import { Machine, World } from ${JSON.stringify(pathToFileURL(join(dist, "resumable/index.js")).href)};
    try { const m = await loadProgram(${JSON.stringify(name)}); ${then} }
    catch (e) { console.log(e.name + ": " + e.message); console.log(e.cause?.stack ?? ""); }`;
  const done = spawnSync(process.execPath, ["--input-type=module", "-e", text], { cwd: folder, encoding: "utf8" });
  return done.stdout + done.stderr;
};
const firstLine = (text: string): string => text.split("\n")[0] as string;

const RUN = `
  const world = new World(); const machine = new Machine(world);
  machine.spawn("t", m.body); world.seal();
  while (!machine.finished(0)) { machine.step(0, 0); console.log(machine.position(0)); }`;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "unwedge-load-")));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("loading a program", () => {
  it("compiles it and what it imports, with this package for unwedge, and writes nothing beside it", () => {
    put(
      "mine.ts",
      `import { op, type Resumable } from "unwedge/resumable";
import type { Nothing } from "./types-only.ts";
import { twice } from "./lib/twice.js";
import "node:path";
const say = op<number>("say", { apply: (x) => console.log("said", x) });
export function* body(): Resumable { const n: Nothing | number = 2; for (const x of [1, n]) yield* twice(say, x); }
export const later = () => import("./lib/late.ts");
`,
    );
    put(
      "lib/twice.ts",
      `import { body } from "../mine.ts";
import data from "./data.json" with { type: "json" };
enum Count { Two = 2 }
export function* twice(say: (x: number) => undefined, x: number): Generator<undefined, void, any> {
  for (let i = 0; i < Count.Two; i++) yield say(x + data.ten);
  void body;
}
`,
    );
    put("lib/data.json", '{ "ten": 10 }');
    put("lib/late.ts", "export const late: number = 5;\n");
    const said = load("mine.ts", `${RUN} console.log((await m.later()).late);`);
    expect(said.split("\n").filter((line) => /^(said|twice|end|5)/.test(line))).toEqual([
      "twice:1 say 11",
      "said 11",
      "twice:1 say 11",
      "said 11",
      "twice:1 say 12",
      "said 12",
      "twice:1 say 12",
      "said 12",
      "end",
      "5",
    ]);
    expect(readdirSync(folder)).toEqual(["lib", "mine.ts"]);
  });

  it("keeps the source's lines in errors", () => {
    put(
      "mine.ts",
      "type A = 1;\nexport function* body() {\n  yield;\n  const a: A[] = [];\n  (a as any).b.c = 1;\n}\n",
    );
    const said = load("mine.ts", RUN);
    expect(firstLine(said)).toBe("body:1 step");
    expect(said).toContain("body (mine.ts:3)");
    expect(said).toContain("mine.ts:5:");
  });

  it.each([
    ["none.ts", "", "none.ts: no such file"],
    [".", "", ".: not a file"],
    ["a.txt", "", "a.txt: a program is a .ts, .mts, .js or .mjs file"],
    ["a.ts", "\nconst = 1;\n", "a.ts:2: Unexpected token"],
    [
      "a.ts",
      "export function* f() {\n  try {\n    yield;\n  } finally {}\n}",
      "a.ts:2: try/catch/finally around a stop",
    ],
    ["a.ts", '\nimport "./b.ts";', "a.ts:2: cannot find ./b.ts"],
    ["a.ts", '\nimport "no-such-package";', "a.ts:2: cannot find package no-such-package"],
    ["a.js", 'import "unwedge/nothing";', "a.js:1: there is no unwedge/nothing; there are: unwedge, "],
    ["a.js", 'import { nothing } from "unwedge/resumable";', "a.js: The requested module"],
    ["a.ts", "export namespace N { export let x = 1; x++; }\nexport = 5;", "a.ts:2: `export = <value>;`"],
  ])("says what is wrong with %s: %s", (name, text, message) => {
    if (text !== "") put(name, text);
    if (name === "a.txt") put(name, "x");
    expect(firstLine(load(name))).toContain(`TransformError: ${message}`);
  });
});
