/**
 * Which files of the house hold resumable functions, and how one of them is compiled (@internal).
 *
 * A program is every file of `kernel/` and `incidents/`, their tests among them, and every `*-program.ts` anywhere.
 */
import { posix } from "node:path";
import { hasGenerators, type Transformed, transformModule } from "./transform.ts";

/** True for a file whose generator functions are resumable; `path` is relative to the root, with `/`. */
export function isProgram(path: string): boolean {
  return /^src\/(kernel|incidents)\/.*\.ts$/.test(path) || /-program\.ts$/.test(path);
}

/** What becomes of the program's imports: as they are (for tests), or of compiled files. */
export type Imports = "sources" | "compiled";

/** Compiles a program of the house; undefined when it has nothing to compile. */
export function compileProgram(path: string, source: string, imports: Imports): Transformed | undefined {
  if (!isProgram(path) || !hasGenerators(source)) return undefined;
  const runtime = posix.relative(posix.dirname(path), "src/resumable/functions.ts");
  return transformModule(source, {
    file: path,
    runtime: runtime.startsWith(".") ? runtime : `./${runtime}`,
    typescript: true,
    compiledImports: imports === "compiled",
  });
}
