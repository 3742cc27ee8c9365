/** Which model this is: a hash of the files that say what a search does. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Floors that decide how a search goes on. */
const FLOORS = ["resumable", "waits", "kernel", "incidents", "explore"] as const;
/** The same way up from src/cli/explore and from dist/cli/explore. */
const ROOT = new URL("../../", import.meta.url);

/** SHA-256 of the model as it is installed, in hexadecimal; with `file`, also of a user's own incident. */
export function modelHash(file?: string): string {
  const hash = createHash("sha256");
  const ending = import.meta.url.endsWith(".js") ? ".js" : ".ts";
  for (const floor of FLOORS) {
    const folder = fileURLToPath(new URL(`${floor}/`, ROOT));
    const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
    for (const name of names.sort()) {
      if (!name.endsWith(ending) || name.endsWith(`.test${ending}`) || name.endsWith(".d.ts")) continue;
      hash
        .update(`${floor}/${name}\0`)
        .update(readFileSync(`${folder}${name}`))
        .update("\0");
    }
  }
  if (file !== undefined) hash.update(readFileSync(file));
  return hash.digest("hex");
}
