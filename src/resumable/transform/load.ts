/**
 * Programs of users, compiled when they are loaded: a file and the files it imports relatively go, compiled, to a folder of
 * their own under the system's temporary folder, which is removed at the end of the process; nothing is written beside them.
 */
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, extname, isAbsolute, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { TransformError } from "../errors.ts";
import { transformModule } from "./transform.ts";

/** The package this file belongs to. */
const packageRoot = fileURLToPath(new URL("../../../", import.meta.url));
interface PackageFile {
  readonly name: string;
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
}

let folder: string | undefined;
function outputFolder(): string {
  if (folder === undefined) {
    const made = mkdtempSync(join(tmpdir(), "unwedge-programs-"));
    process.on("exit", () => rmSync(made, { recursive: true, force: true }));
    folder = made;
  }
  return folder;
}
let written = 0;

/** A file as messages name it. */
function shown(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith("..") || isAbsolute(near) ? path : near;
}

const isFile = (path: string): boolean => existsSync(path) && statSync(path).isFile();

/** The file that a relative import means: as written, `.ts` for `.js`, or with an extension added. */
function findImported(path: string): string | undefined {
  const stem = path.slice(0, path.length - extname(path).length);
  const fits = [
    path,
    `${stem}.ts`,
    `${stem}.mts`,
    `${path}.ts`,
    `${path}.js`,
    join(path, "index.ts"),
    join(path, "index.js"),
  ];
  return fits.find(isFile);
}

const COMPILED = new Set([".ts", ".mts", ".js", ".mjs"]);

/** One loading: the files met so far, with where their compiled form goes. */
class Loading {
  private readonly outputs = new Map<string, string>();
  private readonly queue: string[] = [];
  private readonly own = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as PackageFile;

  /** URL of the compiled form of a file, which is compiled later. */
  private output(file: string): string {
    let to = this.outputs.get(file);
    if (to === undefined) {
      to = join(outputFolder(), `${written++}-${basename(file, extname(file))}.mjs`);
      this.outputs.set(file, to);
      this.queue.push(file);
    }
    return pathToFileURL(to).href;
  }

  private ownModule(specifier: string, where: string): string {
    const entry = this.own.exports[specifier === this.own.name ? "." : `.${specifier.slice(this.own.name.length)}`];
    const path = typeof entry === "object" ? entry.default : entry;
    if (path !== undefined) return pathToFileURL(join(packageRoot, path)).href;
    const known = Object.keys(this.own.exports).filter((key) => !/\.json$/.test(key));
    const names = known.map((key) => this.own.name + key.slice(1));
    throw new TransformError(`${where}: there is no ${specifier}; there are: ${names.join(", ")}`);
  }

  private resolve(specifier: string, file: string, line: number): string {
    const where = `${shown(file)}:${line}`;
    if (specifier === this.own.name || specifier.startsWith(`${this.own.name}/`))
      return this.ownModule(specifier, where);
    if (specifier.startsWith("file:") || specifier.startsWith("node:") || specifier.startsWith("data:"))
      return specifier;
    if (specifier.startsWith(".") || isAbsolute(specifier)) {
      const found = findImported(resolve(dirname(file), specifier));
      if (found === undefined) throw new TransformError(`${where}: cannot find ${specifier}`);
      return COMPILED.has(extname(found)) ? this.output(found) : pathToFileURL(found).href;
    }
    try {
      const found = createRequire(file).resolve(specifier);
      return isAbsolute(found) ? pathToFileURL(found).href : found;
    } catch {
      throw new TransformError(`${where}: cannot find package ${specifier}`);
    }
  }

  private compile(file: string): void {
    const done = transformModule(readFileSync(file, "utf8"), {
      file: shown(file),
      runtime: pathToFileURL(join(packageRoot, "dist/resumable/functions.js")).href,
      typescript: /\.m?ts$/.test(file),
      imports: (specifier, line) => this.resolve(specifier, file, line),
    });
    const map = Buffer.from(JSON.stringify({ ...done.map, sources: [pathToFileURL(file).href] })).toString("base64");
    const mark = "//# sourceMappingURL=data:application/json;base64,";
    writeFileSync(this.outputs.get(file) as string, `${done.code}\n${mark}${map}\n`);
  }

  /** Compiles a file and what it imports; returns the URL to import. */
  start(file: string): string {
    const url = this.output(file);
    for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) this.compile(next);
    return url;
  }

  /** A message of Node's loader with the files' own names. */
  explain(error: unknown, file: string): unknown {
    if (!(error instanceof SyntaxError)) return error;
    let said = error.message;
    for (const [from, to] of this.outputs) {
      for (const name of [pathToFileURL(to).href, to, `./${basename(to)}`]) said = said.replaceAll(name, shown(from));
    }
    return new TransformError(`${shown(file)}: ${said.split("\n")[0]}`, { cause: error });
  }
}

/**
 * Loads a user's file (`.ts`, `.mts`, `.js`, `.mjs`) whose generator functions are resumable, and returns what it exports.
 * Its imports of `unwedge/...` mean this package. Throws {@link TransformError} with one line when the file or an import is
 * not there, is not valid, or holds what cannot be resumable; what the file itself throws comes through.
 *
 * @example
 * const { default: incident } = await loadProgram("./my-incident.ts");
 * @since 0.2.0
 */
export async function loadProgram(path: string): Promise<Readonly<Record<string, unknown>>> {
  if (!isFile(path)) throw new TransformError(`${path}: ${existsSync(path) ? "not a file" : "no such file"}`);
  const file = realpathSync(path);
  if (!COMPILED.has(extname(file))) {
    throw new TransformError(`${path}: a program is a .ts, .mts, .js or .mjs file`);
  }
  const loading = new Loading();
  const url = loading.start(file);
  // errors of the program then name its own lines
  process.setSourceMapsEnabled(true);
  try {
    return (await import(url)) as Record<string, unknown>;
  } catch (error) {
    throw loading.explain(error, file);
  }
}
