/** Where one stack ends and the next begins, when no header says so. */
import { type IndexedFrameLine, isEntrySymbol, isOutermostSymbol } from "./frames.ts";
import type { OpenRecord } from "./open-record.ts";
import type { LogLine } from "./reader.ts";

/** Frames of one stack are not this far apart. */
const STACK_GAP_SECONDS = 10;

/** Nothing is missing: the stack reaches its entry, or its end was printed. */
export const isComplete = (o: OpenRecord): boolean => {
  const last = o.frames[o.frames.length - 1];
  return o.ended || (last !== undefined && isEntrySymbol(last.symbol));
};

/** Nothing can follow: the stack's last possible frame was printed. */
export const isOver = (o: OpenRecord): boolean => {
  const last = o.frames[o.frames.length - 1];
  return o.ended || (last !== undefined && isOutermostSymbol(last.symbol));
};

/** True when frame `f` cannot belong to record `o`. */
export const startsAnother = (o: OpenRecord, l: LogLine, f: IndexedFrameLine): boolean => {
  if (f.count !== undefined) return true;
  const form = f.line.form;
  const numbered = form === "crash" || form === "drgn";
  if (o.frames.length === 0) {
    // A header waits for its frames; crash's headers only for numbered ones and the other way round.
    if (o.bare || o.trace) return numbered && !o.bare;
    return (o.format === "crash-bt") !== numbered && (numbered || o.format === "crash-bt");
  }
  if (numbered !== (o.form === "crash" || o.form === "drgn")) return true;
  if (numbered) {
    if (f.index === undefined || o.lastIndex === undefined) return false; // [exception RIP: ...]
    if (f.index === o.lastIndex + 1) return false;
    return f.index <= o.lastIndex || o.blank || o.prose;
  }
  if ((form === "proc") !== (o.form === "proc")) return true;
  if (o.ended) return true;
  // `grep over_high /proc/*/stack`: a sleeping function cannot have called itself from where it sleeps.
  if (form === "proc")
    return o.blank || o.prose || (o.bare && o.frames.length === 1 && o.frames[0] === f.line.frames[0]);
  if (o.bare && o.blank) return true;
  const late = l.time !== undefined && o.lastTime !== undefined && Math.abs(l.time - o.lastTime) > STACK_GAP_SECONDS;
  if (!(late || o.blank || o.prose) || !isOver(o)) return false;
  const f0 = f.line.frames[0];
  // Behind `ret_from_fork` there may still come `? kthread` and `ret_from_fork_asm`.
  return f0 !== undefined && !f0.unreliable && !isEntrySymbol(f0.symbol);
};
