/** Name and version of this package, as `--version` and the JSON documents print them. */
import { readFileSync } from "node:fs";

/** The package's folder; the same way up from src/cli and from dist/cli. */
export const packageRoot: URL = new URL("../../", import.meta.url);

/** `version` of package.json. */
export function packageVersion(): string {
  const p: unknown = JSON.parse(readFileSync(new URL("package.json", packageRoot), "utf8"));
  return typeof p === "object" && p !== null && "version" in p && typeof p.version === "string" ? p.version : "0.0.0";
}

/** The head of every JSON document. */
export function documentHead(schema: string): { schema: string; tool: { name: string; version: string } } {
  return { schema, tool: { name: "unwedge", version: packageVersion() } };
}
