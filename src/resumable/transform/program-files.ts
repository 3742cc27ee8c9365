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

/** Compiles a program of the house; undefined when it has nothing to compile. `imports` says what an import becomes. */
export function compileProgram(
  path: string,
  source: string,
  imports: (specifier: string) => string = (specifier) => specifier,
): Transformed | undefined {
  if (!isProgram(path) || !hasGenerators(source)) return undefined;
  const near = posix.relative(posix.dirname(path), "src/resumable/functions.ts");
  const runtime = imports(near.startsWith(".") ? near : `./${near}`);
  return transformModule(source, { file: path, runtime, typescript: true, imports });
}
