/** Does a job in a thread of its own, shows how far it is, and stops it when the user interrupts. */
import { count, plural } from "../../report/words.ts";
import type { Terminal } from "../terminal.ts";
import { type Job, type JobProgress, type JobResult, type Library, performJob, type RunProgress } from "./job.ts";
import { searcher } from "./searcher.ts";

/** Runs the job; with a library of its own (a test's) in this thread. */
export async function runJob(t: Terminal, job: Job, library?: Library): Promise<JobResult> {
  const progress = (at: JobProgress | RunProgress): void => t.progress?.(progressLine(at));
  try {
    // sources are not run by a bare Node, so neither is a thread of theirs
    if (library !== undefined || !import.meta.url.endsWith(".js")) {
      return await performJob(
        job,
        {
          stop: () => t.interrupted.aborted,
          progress,
          now: () => performance.now(),
          peakRss: () => process.resourceUsage().maxRSS * 1024,
        },
        library,
      );
    }
    return await inThread(t, job, progress);
  } finally {
    t.progress?.(undefined);
  }
}

function inThread(t: Terminal, job: Job, progress: (at: JobProgress | RunProgress) => void): Promise<JobResult> {
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const worker = searcher({ job, stop });
  const interrupt = (): void => void Atomics.store(stop, 0, 1);
  if (t.interrupted.aborted) interrupt();
  else t.interrupted.addEventListener("abort", interrupt, { once: true });
  return new Promise<JobResult>((resolve, reject) => {
    worker.on("message", (message: { readonly progress?: JobProgress | RunProgress; readonly result?: JobResult }) => {
      if (message.progress !== undefined) progress(message.progress);
      if (message.result !== undefined) resolve(message.result);
    });
    worker.on("error", reject);
    worker.on("exit", (code) => reject(new Error(`the search ended without an answer (exit ${code})`)));
  }).finally(() => t.interrupted.removeEventListener("abort", interrupt));
}

/**
 * `prove: 12,345 states, 1,200/s, depth 310, 52 MB, 12 s, 40,000 steps`. How much is left is not said: while states lead to new
 * ones, nobody knows.
 */
export function progressLine(at: JobProgress | RunProgress): string {
  if ("virtual" in at) {
    const { virtual, steps, seconds } = at;
    return `run: ${virtual.toFixed(1)} virtual s, ${plural(steps, "step")}, ${Math.round(seconds)} s`;
  }
  const { phase, counts, seconds, perSecond } = at;
  const parts = [
    ...(counts.states === undefined ? [] : [plural(counts.states, "state")]),
    ...(perSecond === undefined ? [] : [`${count(Math.round(perSecond))}/s`]),
    ...(counts.executions === undefined ? [] : [plural(counts.executions, "execution")]),
    `depth ${count(counts.depth)}`,
    `${count(Math.round(counts.bytes / 1e6))} MB`,
    `${Math.round(seconds)} s`,
    plural(counts.steps, "step"),
  ];
  return `${phase}: ${parts.join(", ")}`;
}
