/** Where the lab keeps packages and puts results. */
import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LabError } from "./errors.ts";

/** lab/guest of this package; the same way up from src/lab and from dist/lab. */
export const guestFolder: string = fileURLToPath(new URL("../../lab/guest", import.meta.url));

/** `$XDG_CACHE_HOME/unwedge/lab`, or `~/.cache/unwedge/lab`. A relative XDG_CACHE_HOME counts as unset, as its specification says. */
export function cacheFolder(env: Readonly<Record<string, string | undefined>>): string {
  const given = env.XDG_CACHE_HOME;
  const base = given?.startsWith("/") ? given : join(env.HOME || homedir(), ".cache");
  return join(base, "unwedge", "lab");
}

/**
 * The folder for the results of one call: the one asked for, which must be new or empty, or the first free one of
 * `unwedge-lab/NAME`, `unwedge-lab/NAME-2`, ...
 */
export function resultFolder(asked: string | undefined, name: string): string {
  const free = (folder: string): boolean => !existsSync(folder) || isEmptyFolder(folder);
  if (asked !== undefined) {
    if (free(asked)) return asked;
    throw new LabError("lab-usage", `${asked}: is not empty; choose another folder, results are never overwritten`);
  }
  const base = join("unwedge-lab", name);
  for (let i = 1; ; i++) {
    const folder = i === 1 ? base : `${base}-${i}`;
    if (free(folder)) return folder;
  }
}

function isEmptyFolder(folder: string): boolean {
  try {
    return readdirSync(folder).length === 0;
  } catch {
    return false;
  }
}
