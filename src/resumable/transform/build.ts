/** The transform in the build: replaces what `tsc` made of the programs by their compiled form (@internal). */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { TransformError } from "../errors.ts";
import { compileProgram, isProgram } from "./program-files.ts";

function filesUnder(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return entry.name === "samples" ? [] : filesUnder(path);
    return entry.name.endsWith(".ts") && !entry.name.endsWith(".test.ts") ? [path] : [];
  });
}

/** `./page.ts` is `./page.js` in the build. */
const compiledName = (specifier: string): string =>
  specifier.startsWith(".") ? specifier.replace(/\.ts$/, ".js") : specifier;

/**
 * Compiles the programs under `root/from` (a folder of sources, e.g. `src`) over their `tsc` outputs in `to`, with source
 * maps that lead to the sources. Returns what is wrong, one line per file; empty when all is well.
 */
export function compilePrograms(root: string, from: string, to: string): readonly string[] {
  const problems: string[] = [];
  for (const file of filesUnder(join(root, from))) {
    const path = relative(root, file).split(sep).join("/");
    if (!isProgram(path)) continue;
    try {
      const done = compileProgram(path, readFileSync(file, "utf8"), compiledName);
      if (done === undefined) continue;
      const out = join(to, relative(join(root, from), file)).replace(/\.ts$/, ".js");
      const map = { ...done.map, file: basename(out), sources: [relative(dirname(out), file).split(sep).join("/")] };
      mkdirSync(dirname(out), { recursive: true });
      writeFileSync(out, `${done.code}\n//# sourceMappingURL=${basename(out)}.map\n`);
      writeFileSync(`${out}.map`, JSON.stringify(map));
    } catch (error) {
      if (!(error instanceof TransformError)) throw error;
      problems.push(error.message);
    }
  }
  return problems;
}
