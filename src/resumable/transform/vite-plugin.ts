/** The transform in tests: a Vite plugin that compiles the programs of the house before Vite strips their types (@internal). */
import { posix, relative, sep } from "node:path";
import { compileProgram } from "./program-files.ts";

/** What Vite needs of a plugin, so that the build does not depend on Vite. */
interface VitePlugin {
  readonly name: string;
  readonly enforce: "pre";
  transform(source: string, id: string): { readonly code: string; readonly map: string } | undefined;
}

/** Compiles the programs under `root`. @since 0.2.0 */
export function resumablePrograms(root: string): VitePlugin {
  return {
    name: "unwedge-resumable",
    enforce: "pre",
    transform(source, id) {
      const path = relative(root, id.split("?")[0] as string)
        .split(sep)
        .join("/");
      const done = compileProgram(path, source);
      if (done === undefined) return undefined;
      return { code: done.code, map: JSON.stringify({ ...done.map, sources: [posix.basename(path)] }) };
    },
  };
}
