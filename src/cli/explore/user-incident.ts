/** A user's own incident: a file that exports one. Only here the compiler of resumable functions is loaded. */
import type { AnyIncident } from "../../incidents/incident.ts";
import { printable } from "../messages.ts";

/** The incident of a file, its default export first, or why there is none in one line. */
export async function loadUserIncident(
  file: string,
): Promise<{ readonly incident: AnyIncident } | { readonly error: string }> {
  const { loadProgram } = await import("../../resumable/transform/load.ts");
  let exported: Readonly<Record<string, unknown>>;
  try {
    exported = await loadProgram(file);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const said = printable(error.message.split("\n")[0] ?? "");
    return { error: said.startsWith(file) || error.name === "TransformError" ? said : `${file}: ${said}` };
  }
  const found = [exported.default, ...Object.values(exported)].find(isIncident);
  return found === undefined ? { error: `${file}: exports no incident (see defineIncident)` } : { incident: found };
}

function isIncident(value: unknown): value is AnyIncident {
  if (typeof value !== "object" || value === null) return false;
  const { id, setup, program, parameters } = value as Readonly<Record<string, unknown>>;
  const built = typeof setup === "function" || typeof program === "function";
  return typeof id === "string" && built && typeof parameters === "object";
}
