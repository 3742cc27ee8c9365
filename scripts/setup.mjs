#!/usr/bin/env node
// Makes a clone runnable: `npm install` when the dependencies changed, `tsc` into dist/ when the sources changed,
// nothing otherwise. Speaks on stderr only. Two at once are safe: one works, the other waits and finds it done.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { acquireLock } from "./lock.mjs";

/** Root of the clone. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const talk = (text) => process.stderr.write(`unwedge set-up: ${text}\n`);

/** A set-up step failed; `message` says which and what to do. */
export class SetupError extends Error {}

const sha = (parts) => {
  const h = createHash("sha1");
  for (const p of parts) h.update(p).update("\0");
  return h.digest("hex");
};
const readText = (file) => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
};

/** What decides about node_modules: the dependency lists, the lock file, and what native packages are chosen by. */
const dependencyKey = (dir) => {
  const p = JSON.parse(readFileSync(join(dir, "package.json"), "utf8"));
  const lists = JSON.stringify([p.dependencies, p.devDependencies, p.optionalDependencies, p.overrides]);
  const lock = readText(join(dir, "package-lock.json")) ?? "";
  return sha([lists, lock, process.platform, process.arch, process.versions.modules]);
};

/** Files that the build reads, sorted. Tests and samples are not compiled. */
const sourceFiles = (dir) => {
  const found = [];
  const walk = (d) => {
    for (const e of readdirSync(d, { withFileTypes: true })) {
      const path = join(d, e.name);
      if (e.isDirectory()) {
        if (e.name !== "samples") walk(path);
      } else if (/\.(ts|tsx|json)$/.test(e.name) && !/\.test\.ts$/.test(e.name)) found.push(path);
    }
  };
  walk(join(dir, "src"));
  return [...found.sort(), ...["package.json", "tsconfig.json", "tsconfig.build.json"].map((f) => join(dir, f))];
};
const sourceKey = (dir) =>
  sha(
    sourceFiles(dir)
      .flatMap((f) => [relative(dir, f), readFileSync(f)])
      .concat([process.versions.node]),
  );

const stampFile = (dir) => join(dir, "node_modules", ".unwedge", "installed");
const buildStampFile = (dir) => join(dir, "dist", ".built-from");
const installed = (dir) => readText(stampFile(dir)) === dependencyKey(dir);
const built = (dir) => readText(buildStampFile(dir)) === sourceKey(dir) && existsSync(join(dir, "dist/cli/main.js"));

/** Runs a program; resolves with its exit code and what it printed. */
const run = (command, args, cwd) =>
  new Promise((done) => {
    const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    child.stdout.on("data", (d) => (text += d));
    child.stderr.on("data", (d) => (text += d));
    child.on("error", (e) => done({ code: -1, text: e.code === "ENOENT" ? `${command}: not found` : e.message }));
    child.on("close", (code, signal) => done({ code: code ?? -1, text: text.trim() || `ended by ${signal}` }));
  });

const install = async (dir) => {
  talk("installing packages (npm install) ...");
  // npm's own level may be "silent" here (.npmrc keeps `npm start -- ... --json` clean); its errors are wanted.
  const args = ["install", "--no-audit", "--no-fund", "--include=dev", "--loglevel=error"];
  const script = process.env.npm_execpath;
  const viaNode = script !== undefined && /npm-cli\.js$/.test(script) && existsSync(script);
  const r = viaNode ? await run(process.execPath, [script, ...args], dir) : await run("npm", args, dir);
  if (r.code !== 0) throw new SetupError(`npm install failed (exit ${r.code}):\n${lastLines(r.text, 15)}`);
  mkdirSync(dirname(stampFile(dir)), { recursive: true });
  writeFileSync(stampFile(dir), dependencyKey(dir));
};

const lastLines = (text, n) => text.split("\n").slice(-n).join("\n");
const firstLines = (text, n) => {
  const lines = text.split("\n");
  return lines.length <= n ? text : [...lines.slice(0, n), `... and ${lines.length - n} lines more`].join("\n");
};

const listFiles = (dir, under = "") =>
  readdirSync(join(dir, under), { withFileTypes: true }).flatMap((e) =>
    e.isDirectory() ? listFiles(dir, join(under, e.name)) : [join(under, e.name)],
  );

const compiler = (dir) => {
  for (const from of [dir, root]) {
    try {
      return createRequire(join(from, "package.json")).resolve("typescript/bin/tsc");
    } catch {
      // not there
    }
  }
  throw new SetupError("the build failed: package typescript is missing; remove node_modules and try again");
};

/** Makes the resumable functions of what was built resumable, with the transform that was just built. */
export const compilePrograms = async (dir, from, to, built) => {
  const compiler = join(built, "resumable/transform/build.js");
  if (!existsSync(compiler)) return;
  const problems = (await import(pathToFileURL(compiler).href)).compilePrograms(dir, from, to);
  if (problems.length > 0) throw new SetupError(`the build failed:\n${firstLines(problems.join("\n"), 20)}`);
};

/** Compiles beside dist/, then moves changed files in one by one and removes outputs without a source. */
const build = async (dir) => {
  talk("building (tsc) ...");
  const key = sourceKey(dir);
  const fresh = join(dir, `.dist-${process.pid}`);
  const target = join(dir, "dist");
  try {
    const args = [
      compiler(dir),
      "-p",
      "tsconfig.build.json",
      "--noEmitOnError",
      "--pretty",
      "false",
      "--outDir",
      fresh,
    ];
    const r = await run(process.execPath, args, dir);
    if (r.code !== 0) throw new SetupError(`the build failed (tsc, exit ${r.code}):\n${firstLines(r.text, 20)}`);
    await compilePrograms(dir, "src", fresh, fresh);
    replaceTree(fresh, target);
    chmodSync(join(target, "cli/main.js"), 0o755);
    writeFileSync(buildStampFile(dir), key);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
};

const replaceTree = (from, to) => {
  mkdirSync(to, { recursive: true });
  rmSync(join(to, ".built-from"), { force: true });
  const files = listFiles(from);
  for (const f of files) {
    const old = join(to, f);
    const now = join(from, f);
    if (existsSync(old) && statSync(old).isFile() && readFileSync(old).equals(readFileSync(now))) continue;
    mkdirSync(dirname(old), { recursive: true });
    renameSync(now, old);
  }
  const keep = new Set(files);
  for (const f of listFiles(to)) if (!keep.has(f)) rmSync(join(to, f));
  removeEmptyFolders(to);
};
const removeEmptyFolders = (dir) => {
  for (const e of readdirSync(dir, { withFileTypes: true })) {
    if (!e.isDirectory()) continue;
    const path = join(dir, e.name);
    removeEmptyFolders(path);
    if (readdirSync(path).length === 0) rmSync(path, { recursive: true });
  }
};

/** Installs and builds what is out of date in `dir`; resolves with what was done. */
export const setUp = async (dir = root) => {
  if (installed(dir) && built(dir)) return { installed: false, built: false };
  mkdirSync(join(dir, "node_modules", ".unwedge"), { recursive: true });
  const release = await acquireLock(join(dir, "node_modules", ".unwedge", "lock"), () =>
    talk("waiting for another set-up of this clone ..."),
  );
  try {
    const did = { installed: !installed(dir), built: false };
    if (did.installed) await install(dir);
    did.built = !built(dir);
    if (did.built) await build(dir);
    return did;
  } finally {
    release();
  }
};

/** {@link setUp}, with one clear error and exit code 2 instead of an exception. */
export const setUpOrExit = async (dir = root) => {
  try {
    return await setUp(dir);
  } catch (e) {
    if (!(e instanceof SetupError)) throw e;
    talk(e.message);
    process.exit(2);
  }
};

// `node scripts/setup.mjs [FOLDER]`
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await setUpOrExit(process.argv[2] === undefined ? root : resolve(process.argv[2]));
}
