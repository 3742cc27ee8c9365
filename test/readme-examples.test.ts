/**
 * Promise: what README.md shows is what happens. An example is a fenced block below
 * `<!-- example: exit N[, run: COMMAND][, show: PART; PART] -->`; a console block brings its command in its first line.
 * Parts are `top` (up to the first blank line) and section headings. `BLESS=1` rewrites the blocks; read the diff.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const readme = join(root, "README.md");
const text = readFileSync(readme, "utf8");
const pattern = /<!-- example: exit (\d+)(?:, run: (.*?))?(?:, show: (.*?))? -->\n```(\w+)\n([\s\S]*?)```\n/g;

const unwedge = (command: string): { status: number | null; stdout: string } => {
  const words = command.trim().split(/\s+/);
  expect(words[0]).toBe("unwedge");
  const env = { ...process.env, NO_COLOR: "1", PAGER: "cat" };
  return spawnSync(process.execPath, [join(root, "dist/cli/main.js"), ...words.slice(1)], {
    cwd: root,
    encoding: "utf8",
    input: "",
    env,
  });
};

/** The named parts of a report, `...` between parts that do not follow each other. */
function parts(output: string, wanted: readonly string[]): string {
  const blocks = output.trimEnd().split(/\n\n(?=[A-Z][A-Z ]+\n)/);
  const top = blocks[0]!.split("\n\n")[0]!;
  const shown = wanted.map((name) => {
    const block = name === "top" ? top : blocks.find((b) => b.startsWith(`${name}\n`));
    expect(block, `the answer has no part ${name}`).toBeDefined();
    return block;
  });
  return `${shown.join("\n...\n")}\n`;
}

beforeAll(() => {
  const built = spawnSync(process.execPath, [join(root, "scripts/setup.mjs")], { encoding: "utf8" });
  expect(built.stderr).not.toContain("failed");
}, 240_000);

describe("README.md", () => {
  const examples = [...text.matchAll(pattern)];
  it("has examples, a picture among them", () => {
    expect(examples.length).toBeGreaterThanOrEqual(2);
    expect(examples.map((e) => e[4])).toContain("mermaid");
  });

  it.each(examples.map((e) => [e[2] ?? e[5]!.split("\n")[0]!.replace(/^\$ /, ""), e] as const))("%s", (command, e) => {
    const [whole, code, run, show, , block] = e;
    const r = unwedge(command);
    expect(r.status).toBe(Number(code));
    const body = show === undefined ? r.stdout : parts(r.stdout, show.split("; "));
    const expected = run === undefined ? `$ ${command}\n${body}` : body;
    if (process.env.BLESS)
      writeFileSync(
        readme,
        readFileSync(readme, "utf8").replace(
          whole,
          () => `${whole.slice(0, whole.length - block!.length - 4)}${expected}\`\`\`\n`,
        ),
      );
    else expect(block).toBe(expected);
  });

  const shell = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap((m) => m[1]!.split("\n"));
  const commands = shell.flatMap((l) =>
    [...l.matchAll(/(?:unwedge|npm start --) ([a-z]+)((?: [^|;&#]+)?)/g)].map((m) => [m[1]!, m[2]!] as const),
  );
  it.each(commands)("unwedge %s%s: the command and its options exist", (name, rest) => {
    const help = unwedge(`unwedge ${name} --help`);
    expect(help.status).toBe(0);
    for (const option of rest.match(/--[a-z-]+/g) ?? []) expect(help.stdout).toContain(option);
  });

  it("links only to files that exist", () => {
    for (const [, target] of text.matchAll(/\]\(([^)#]+)\)/g)) {
      if (!/^https?:/.test(target!)) expect(existsSync(join(root, target!)), target).toBe(true);
    }
  });
});
