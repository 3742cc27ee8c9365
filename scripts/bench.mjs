#!/usr/bin/env node
// `npm run bench [-- NAME...] [-- ARGS]`: compiles bench/ beside the sources it imports and runs every bench/*.ts
// (or those named), one process each, so that peak memory is its own.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compilePrograms, root, setUpOrExit } from "./setup.mjs";

await setUpOrExit();
// Inside the clone, so that packages are found from there.
const out = join(root, `.dist-bench-${process.pid}`);
const run = (args) => spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" }).status ?? 1;
const [names, rest] = splitArguments(process.argv.slice(2));
const all = readdirSync(join(root, "bench"))
  .filter((f) => f.endsWith(".ts") && !/(\.test|-program)\.ts$/.test(f))
  .map((f) => f.slice(0, -3));
const wanted = names.length > 0 ? names : all;
const missing = wanted.filter((n) => !all.includes(n));
if (missing.length > 0) {
  process.stderr.write(`no bench/${missing[0]}.ts; there are: ${all.join(", ")}\n`);
  process.exit(2);
}
try {
  mkdirSync(out, { recursive: true });
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const config = join(out, "tsconfig.json");
  const files = wanted.map((n) => join(root, "bench", `${n}.ts`));
  const compilerOptions = {
    rootDir: root,
    outDir: out,
    noEmitOnError: true,
    types: ["node"],
    typeRoots: [join(root, "node_modules/@types")],
  };
  writeFileSync(config, JSON.stringify({ extends: join(root, "tsconfig.json"), compilerOptions, include: [], files }));
  const compiled = run([tsc, "-p", config]);
  if (compiled !== 0) process.exitCode = compiled;
  else {
    for (const from of ["src", "bench"]) await compilePrograms(root, from, join(out, from), join(root, "dist"));
    for (const n of wanted) process.exitCode ||= run([join(out, "bench", `${n}.js`), ...rest]);
  }
} finally {
  rmSync(out, { recursive: true, force: true });
}

/** Bare words name benchmarks; everything from the first option on is theirs. */
function splitArguments(args) {
  const at = args.findIndex((a) => a.startsWith("-"));
  return at < 0 ? [args, []] : [args.slice(0, at), args.slice(at)];
}
