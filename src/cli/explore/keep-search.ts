/** Keeps a search that a bound stops in a file, and fetches one to go on with. */
import type { SavedSearch } from "../../explore/saved-search.ts";
import { errorCode } from "../error-code.ts";
import type { Job, Saved } from "./job.ts";
import {
  checkModel,
  readSavedHeader,
  readSavedSearch,
  type SavedHeader,
  SavedSearchFileError,
  writeSavedSearch,
} from "./saved-search-file.ts";

/** Writes to the job's `save` when the search asks for it; undefined when the job has none. */
export function keeping(
  job: Job & { readonly kind: "explore" },
  userFile: string | undefined,
  seconds: () => number,
): { readonly save: (search: SavedSearch | undefined) => void; readonly saved: () => Saved } | undefined {
  const { save: file, incident, choices, strategy, seed, bounds } = job;
  if (file === undefined) return undefined;
  const { exact = false, fair = false, unfair = false, all = false, reduce = true } = bounds;
  let saved: Saved = { kind: "none" };
  return {
    saved: () => saved,
    save(search) {
      const what = {
        incident,
        choices,
        strategy: strategy ?? null,
        seed: seed ?? null,
        bounds: { exact, fair, unfair, all, reduce },
        seconds: seconds(),
      };
      try {
        const bytes = writeSavedSearch(file, what, userFile, search);
        saved = { kind: "written", bytes, proof: search !== undefined };
      } catch (error) {
        const why = errorCode(error);
        if (why === undefined) throw error;
        saved = { kind: "failed", why };
      }
    },
  };
}

/** The search in a file (undefined in it: begin again), or why it cannot be used. */
export function loadSearch(
  file: string,
  userFile: string | undefined,
): { readonly search: SavedSearch | undefined } | { readonly why: string } {
  return reading(() => {
    checkModel(readSavedHeader(file), userFile);
    return { search: readSavedSearch(file) };
  });
}

/** What a file says it holds, or why it cannot be used. */
export function loadHeader(file: string): { readonly head: SavedHeader } | { readonly why: string } {
  return reading(() => ({ head: readSavedHeader(file) }));
}

function reading<T>(read: () => T): T | { readonly why: string } {
  try {
    return read();
  } catch (error) {
    if (error instanceof SavedSearchFileError) return { why: error.message };
    if (error instanceof RangeError) return { why: "does not fit into this machine's memory" };
    const code = errorCode(error);
    if (code === undefined) throw error;
    return { why: code === "ENOENT" ? "no such file" : `cannot be read (${code})` };
  }
}
