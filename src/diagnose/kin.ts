/**
 * Is this the work item, or the thread, that the waiter means? A stack names the function that flushes, not the item; but
 * code flushes its own items: the waiter and the worker's function are of one module, or of one family of names.
 */
import type { Subject } from "./subjects.ts";

/** First words of names that many subsystems share. */
const COMMON = new Set([
  "do",
  "sys",
  "vfs",
  "get",
  "put",
  "the",
  "new",
  "generic",
  "process",
  "worker",
  "kthread",
  "wait",
  "flush",
  "drain",
  "destroy",
  "cancel",
  "mm",
  "dev",
  "device",
  "driver",
  "work",
]);

function family(fn: string): string | undefined {
  const first = fn.replace(/^_+/, "").split("_")[0] ?? "";
  return first.length >= 2 && first !== fn && !COMMON.has(first) ? first : undefined;
}

interface Named {
  readonly fn: string;
  readonly module?: string;
}

function reliable(s: Subject): Named[] {
  return s.now.stack.frames
    .filter((f) => !f.unreliable && f.symbol !== "")
    .map((f) => ({ fn: f.symbol, ...(f.module !== undefined && { module: f.module }) }));
}

/** The function of the work item or thread: what the worker's loop called. */
function jobOf(s: Subject): Named | undefined {
  const frames = reliable(s);
  const loop = frames.findIndex(
    (f) => f.fn === "process_one_work" || f.fn === "kthread_worker_fn" || f.fn === "kthread",
  );
  const called = loop > 0 ? frames[loop - 1] : undefined;
  const work = s.now.workqueue?.work;
  return called ?? (work === undefined ? undefined : { fn: work });
}

/** Frames outside the wait that may tell whose item is flushed. */
const CALLERS = 4;

/** Does the worker run what the waiter, whose wait ends at `frame` of its stack, is likely to flush or stop? */
export function isKin(waiter: Subject, frame: number, worker: Subject): boolean {
  const job = jobOf(worker);
  if (!job) return false;
  const callers = reliable(waiter).slice(frame + 1, frame + 1 + CALLERS);
  return callers.some((c) => {
    if (c.module !== undefined && c.module === job.module) return true;
    const f = family(c.fn);
    return (
      f !== undefined &&
      (f === family(job.fn) || worker.now.workqueue?.name.startsWith(f) === true || isThreadOf(f, worker))
    );
  });
}

/** Kernel threads carry the name their subsystem gave them. */
function isThreadOf(name: string, s: Subject): boolean {
  return s.now.stack.names.includes("kthread") && (s.ref.comm ?? "").startsWith(name);
}
