/**
 * Works of a workqueue dump: `52508:fn`, `24(RESCUER):fn`, `BAR(12)` (someone flushes the queue), `58*fn` (since 6.4), separated by
 * commas, or by blanks when they run on the same worker.
 * @internal
 */
import { normaliseSymbol, ownCopy } from "../frames.ts";

/** A line cannot make more works than this, whatever count it claims. */
const MAX_WORKS = 4096;
const WORK = /^(?:(\d{1,10})(?:\([A-Z]+\))?:|bh(?:\([A-Z]+\))?:)?(?:(\d{1,10})\*)?([A-Za-z_.][\w.]*(?:\(\d+\))?)$/;

/** The works of one list, in order. */
export function readWorks(text: string): { pid?: number; fn: string }[] {
  const works: { pid?: number; fn: string }[] = [];
  let worker: { pid?: number } = {};
  for (const word of text.split(/\s+/)) {
    const m = WORK.exec(word.endsWith(",") ? word.slice(0, -1) : word);
    if (m === null) continue;
    // After a blank the same worker goes on: `980:hub_event hub_event`.
    if (m[1] !== undefined) worker = { pid: Number(m[1]) };
    const pid = worker;
    if (word.endsWith(",")) worker = {};
    const fn = ownCopy(m[3]!.includes("(") ? m[3]! : normaliseSymbol(m[3]!));
    const times = Math.max(1, Number(m[2] ?? 1));
    for (let i = 0; i < times && works.length < MAX_WORKS; i++) works.push({ ...pid, fn });
  }
  return works;
}
