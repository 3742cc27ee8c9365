/**
 * Rows by function name. Looking up a stack must not depend on how large the table is.
 * @internal
 */
import type { CallerRow, DoingRow, HoldRow, KnowledgeRow, WaitRow } from "./types.ts";

export interface RowIndex {
  readonly wait: ReadonlyMap<string, readonly WaitRow[]>;
  readonly caller: ReadonlyMap<string, readonly CallerRow[]>;
  readonly hold: ReadonlyMap<string, readonly HoldRow[]>;
  readonly doing: ReadonlyMap<string, readonly DoingRow[]>;
  readonly neutral: ReadonlySet<string>;
}

function put<T>(map: Map<string, T[]>, key: string, row: T): void {
  const list = map.get(key);
  if (list) list.push(row);
  else map.set(key, [row]);
}

/** Builds the lookup of a table. */
export function indexRows(rows: readonly KnowledgeRow[]): RowIndex {
  const wait = new Map<string, WaitRow[]>();
  const caller = new Map<string, CallerRow[]>();
  const hold = new Map<string, HoldRow[]>();
  const doing = new Map<string, DoingRow[]>();
  const neutral = new Set<string>();
  for (const row of rows) {
    for (const fn of row.fn) {
      if (row.kind === "wait") put(wait, fn, row);
      else if (row.kind === "caller") put(caller, fn, row);
      else if (row.kind === "hold") put(hold, fn, row);
      else if (row.kind === "doing") put(doing, fn, row);
      else neutral.add(fn);
    }
  }
  return { wait, caller, hold, doing, neutral };
}
