/** The one sentence a tired person understands. */
import type { Evidence } from "../evidence/types.ts";
import { deadlockSentence, plural } from "./deadlock-sentence.ts";
import type { CoreEdgeView, StuckGroupView } from "./types.ts";
import type { Finding } from "./verdict.ts";
import { refOf } from "./view.ts";
import { contextWords, list, resourceWords } from "./words.ts";

/** One sentence: the verdict, who, and for what. */
export function summaryOf(
  f: Finding,
  core: readonly CoreEdgeView[],
  groups: readonly StuckGroupView[],
  evidence: Evidence,
): string {
  const waiting = groups.reduce((n, g) => n + g.count, 0);
  switch (f.verdict) {
    case "deadlock":
      return deadlockSentence(core, waiting);
    case "livelock":
      return livelock(f, core, waiting);
    case "lost-io":
      return `Submitted I/O does not complete: ${f.reasons[0] ?? "the device does not answer"}; ${plural(waiting, "context")} ${waiting === 1 ? "waits" : "wait"} behind it.`;
    case "missed-wakeup":
      return "Nobody is left who could raise the event that is waited for.";
    case "slow":
      return `Slow, not deadlocked: ${f.reasons[0] ?? "a provider is alive"}; ${plural(waiting, "context")} wait${waiting === 1 ? "s" : ""}.`;
    case "none":
      return evidence.tasks.length > 0
        ? `Nobody waits abnormally: ${f.reasons[0] ?? "no blocked task"}.`
        : "No blocked task in this input.";
    case "unknown":
      return unknown(f, groups, waiting, evidence);
  }
}

function livelock(f: Finding, core: readonly CoreEdgeView[], behind: number): string {
  const looper = core.find((e) => e.any) ?? core[0];
  const who = looper ? contextWords(looper.waiter) : "A task";
  const held = heldByLooper(f, core);
  return `${who} retries ${looper ? `for ${resourceWords(looper.waitsFor)}` : "for ever"}${held ? ` while it holds ${held}` : ""}, and what would help it waits behind it; ${plural(behind, "more context")} wait${behind === 1 ? "s" : ""}.`;
}

function heldByLooper(f: Finding, core: readonly CoreEdgeView[]): string | undefined {
  const looper = core.find((e) => e.any)?.waiter ?? core[0]?.waiter;
  const wanted = new Set(core.filter((e) => e.heldBy.some((h) => h.key === looper?.key)).map((e) => e.waitsFor.class));
  const party = f.model.parties.find((p) => p.subject.ref.key === looper?.key);
  const names = party?.haves
    .filter((h) => wanted.has(h.class) || h.class === "jbd2_handle")
    .map((h) => (h.class === "jbd2_handle" ? "a jbd2 handle" : h.class === "PG_locked" ? "a page lock" : h.class));
  return names && names.length > 0 ? list([...new Set(names)]) : undefined;
}

function unknown(f: Finding, groups: readonly StuckGroupView[], waiting: number, evidence: Evidence): string {
  const g = groups[0];
  const reason = f.reasons[0];
  if (
    reason !== undefined &&
    (!g || waiting === 0) &&
    evidence.tasks.length + evidence.splats.length + evidence.lockups.length > 0
  )
    return `Cannot tell: ${reason}.`;
  if (!g && evidence.tasks.length === 0) return "Cannot tell: no stack of a task was recognised in this input.";
  if (!g) return "Cannot tell: no context's wait could be read from this input.";
  const end = f.terminals[0];
  const where = reason ?? (end ? endWords(end.role, end.name) : "the chain ends outside this log");
  const suspect = f.suspect
    ? ` A possible cycle (${list(f.suspect.contexts.map((c) => contextWords(refOf(f.model, c))))}) is not sure enough to be called one.`
    : "";
  if (waiting === 1)
    return `Cannot tell yet: ${contextWords(g.contexts[0]!)} is a waiter, for ${resourceWords(g.waitsFor)}; ${where}.${suspect}`;
  return `Cannot tell yet: ${plural(waiting, "context")} wait, ${g.count === waiting ? "all" : `${g.count} of them`} for ${resourceWords(g.waitsFor)}; ${where}.${suspect}`;
}

function endWords(role: string, name: string): string {
  if (role === "hardware") return "the chain ends at the block device, which may be slow or may have lost the I/O";
  if (role === "server") return "the chain ends at a server outside this machine";
  if (role === "running")
    return name.startsWith("waits") ? `there are ${name}` : `the chain ends at ${name}, which can run`;
  return `the chain ends at ${name}`;
}
