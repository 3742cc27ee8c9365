/**
 * Which sleeping lock a function takes and which it holds over which calls, for the thousands of functions that no row is
 * about. Derived from kernel sources by a linear scan (scripts/lock-facts.mjs): right for most functions, so `likely` at best,
 * and a lock is known by its name, not its instance.
 */
import { lockFacts } from "./lock-facts-data.ts";

/** A class of locks: the member's or variable's name, and where it belongs. */
export interface LockName {
  readonly kind: "mutex" | "rwsem" | "semaphore";
  readonly mode?: "read" | "write";
  readonly id: string;
  /** Folder (or file, for vague names) whose locks of this name are meant; absent for the only one of the kernel. */
  readonly realm?: string;
}

interface FunctionFacts {
  readonly file: string;
  readonly takes: ReadonlyMap<string, readonly LockName[]>;
  readonly over: ReadonlyMap<string, readonly LockName[]>;
}

let index: Map<string, number> | undefined;
const parsed = new Map<string, FunctionFacts>();

/** Where each function's line begins: the whole is 1 MB, a diagnosis needs a few dozen lines of it. */
function lineOf(fn: string): number | undefined {
  if (!index) {
    index = new Map();
    let at = 1;
    while (at < lockFacts.length) {
      index.set(lockFacts.slice(at, lockFacts.indexOf("\t", at)), at);
      const end = lockFacts.indexOf("\n", at);
      at = end < 0 ? lockFacts.length : end + 1;
    }
  }
  return index.get(fn);
}

const KINDS: Readonly<Record<string, LockName["kind"]>> = { m: "mutex", r: "rwsem", w: "rwsem", s: "semaphore" };

function nameOf(mode: string, text: string): LockName | undefined {
  const kind = KINDS[mode];
  if (!kind || text === "?") return undefined;
  const bare = text.startsWith("!") ? text.slice(1) : text;
  const colon = bare.lastIndexOf(":");
  return {
    kind,
    ...(mode === "r" && { mode: "read" as const }),
    ...(mode === "w" && { mode: "write" as const }),
    id: colon < 0 ? bare : bare.slice(colon + 1),
    ...(colon >= 0 && { realm: bare.slice(0, colon) }),
  };
}

function factsOf(fn: string): FunctionFacts | undefined {
  const known = parsed.get(fn);
  if (known) return known;
  const at = lineOf(fn);
  if (at === undefined) return undefined;
  const [, file = "", takes = "", over = ""] = lockFacts.slice(at, lockFacts.indexOf("\n", at)).split("\t");
  const facts: FunctionFacts = { file, takes: parseTakes(takes), over: parseOver(over) };
  parsed.set(fn, facts);
  return facts;
}

function parseTakes(text: string): Map<string, LockName[]> {
  const out = new Map<string, LockName[]>();
  for (const part of text.split(" ")) {
    const [mode = "", ids] = part.split("=");
    if (ids !== undefined)
      out.set(
        mode,
        ids.split("|").map((id) => nameOf(mode, id) ?? { kind: "mutex", id: "?" }),
      );
  }
  return out;
}

function parseOver(text: string): Map<string, LockName[]> {
  const out = new Map<string, LockName[]>();
  for (const part of text.split(" ")) {
    const [locks = "", callees] = part.split("<");
    if (callees === undefined) continue;
    const names = locks.split("+").flatMap((l) => nameOf(l[0] ?? "", l.slice(1)) ?? []);
    for (const c of callees.split(",")) out.set(c, names);
  }
  return out;
}

/** The one lock of this kind and mode that `fn` takes itself; undefined when it takes several or none. */
export function lockTakenIn(
  fn: string,
  cls: string,
  mode: "read" | "write" | undefined,
): (LockName & { readonly source: string }) | undefined {
  const facts = factsOf(fn);
  if (!facts) return undefined;
  const modes =
    cls === "mutex"
      ? ["m"]
      : cls === "semaphore"
        ? ["s"]
        : mode === "read"
          ? ["r"]
          : mode === "write"
            ? ["w"]
            : ["r", "w"];
  const taken = modes.flatMap((m) => facts.takes.get(m) ?? []);
  const ids = new Set(taken.map((l) => l.id));
  const only = taken[0];
  return ids.size === 1 && only && only.id !== "?" ? { ...only, source: `${facts.file}:${fn}` } : undefined;
}

const ALLOCATORS =
  /^(__)?(k[vmz]*alloc|kmem_cache_alloc|alloc_pages|__get_free_page|get_zeroed_page|vmalloc|vzalloc|kstrdup|kmemdup|kasprintf|slab_alloc|___slab_alloc)/;

/** What a stack shows of calls that are inlined or tail-called: the function of the source is one of these. */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  __flush_work: ["flush_work", "cancel_work_sync", "flush_delayed_work", "cancel_delayed_work_sync"],
  __cancel_work_timer: ["cancel_work_sync", "cancel_delayed_work_sync"],
  __cancel_work_sync: ["cancel_work_sync", "cancel_delayed_work_sync"],
  __flush_workqueue: ["flush_workqueue"],
  __wait_for_common: [
    "wait_for_completion",
    "wait_for_completion_timeout",
    "wait_for_completion_killable",
    "wait_for_completion_io",
  ],
  wait_for_common: [
    "wait_for_completion",
    "wait_for_completion_timeout",
    "wait_for_completion_killable",
    "wait_for_completion_io",
  ],
  __synchronize_srcu: ["synchronize_srcu", "synchronize_srcu_expedited"],
  __wait_rcu_gp: ["synchronize_rcu"],
};

/** What is held over every one of the names that the function calls. */
function overAny(
  over: ReadonlyMap<string, readonly LockName[]>,
  names: readonly string[],
): readonly LockName[] | undefined {
  const lists = names.flatMap((n) => (over.has(n) ? [over.get(n)!] : []));
  return lists.length === 0 ? undefined : lists[0]!.filter((l) => lists.every((o) => o.some((x) => x.id === l.id)));
}

/** Locks that `fn` holds while `inner`, the next frame above it, runs. `waits`: `inner` is the sleep itself, in a lock of this mode or otherwise. */
export function locksHeldOver(
  fn: string,
  inner: string | undefined,
  waits: "m" | "r" | "w" | "s" | "sleep" | undefined,
): readonly (LockName & { readonly source: string })[] {
  const facts = factsOf(fn);
  if (!facts || facts.over.size === 0) return [];
  const { over } = facts;
  const named = inner === undefined ? undefined : overAny(over, [inner, ...(ALIASES[inner] ?? [])]);
  const held =
    named ??
    (waits ? over.get(`#${waits}`) : undefined) ??
    (inner !== undefined && ALLOCATORS.test(inner) ? over.get("#alloc") : undefined) ??
    (waits ? [] : over.get("*")) ??
    [];
  return held.map((l) => ({ ...l, source: `${facts.file}:${fn}` }));
}
