/**
 * Structures as crash and gdb print them: `{ name = value, nested = { ... } }`, on one line or many, several structures after each
 * other. Values are kept by path (`nr.dirty`); only plain numbers.
 * @internal
 */
import { ownCopy } from "../frames.ts";

const MAX_FIELDS = 512;
const MAX_LINES = 4096;
const FIELD =
  /([A-Za-z_]\w{0,127})\s*=\s*\{|\}|\{|([A-Za-z_]\w{0,127})\s*=\s*(-?(?:0x[0-9a-fA-F]{1,16}|\d{1,25})(?![\w]))?/g;

/** A structure being read. */
export interface DebuggerStruct {
  readonly values: Record<string, number>;
  /** Depth of braces; 0 when the structure is complete. */
  depth: number;
  lines: number;
  fields: number;
  readonly path: string[];
}

/** An empty structure, before its first brace. */
export function openStruct(): DebuggerStruct {
  return { values: Object.create(null) as Record<string, number>, depth: 0, lines: 0, fields: 0, path: [] };
}

/** Reads one line of it. Returns false when the line is no part of a structure. */
export function readStructLine(s: DebuggerStruct, text: string): boolean {
  const t = text.trim();
  if (t === "" || s.lines++ > MAX_LINES || !/[{}=]/.test(t) || t.length > 16384) return false;
  let any = false;
  FIELD.lastIndex = 0;
  for (let m = FIELD.exec(t); m !== null; m = FIELD.exec(t)) {
    any = true;
    if (m[0] === "}") {
      s.path.pop();
      if (--s.depth <= 0) return true;
    } else if (m[0] === "{" || m[1] !== undefined) {
      // The first brace belongs to the structure itself: its name is no part of the path.
      s.path.push(s.depth === 0 ? "" : (m[1] ?? ""));
      s.depth++;
    } else if (m[3] !== undefined && s.depth > 0 && s.fields < MAX_FIELDS) {
      const name = [...s.path.slice(0, 16), m[2]!].filter((p) => p !== "").join(".");
      if (!(name in s.values)) {
        s.values[ownCopy(name)] = Number(m[3].startsWith("-0x") ? Number.NaN : m[3]);
        s.fields++;
      }
    }
  }
  return any;
}
