/** The thread that searches, started before it is known what for: while the command line is read, it loads the searches. */
import { Worker } from "node:worker_threads";
import type { WorkerInput } from "./worker.ts";

let waiting: Worker | undefined;

/** Starts the thread; it keeps nobody alive until there is a job for it. Sources are not run by a bare Node, so neither is a thread of theirs. */
export function startSearcher(incident: string | undefined): void {
  if (!import.meta.url.endsWith(".js")) return;
  waiting = startThread(incident);
  waiting.unref();
}

/** The thread that waits, or a new one, with its job; the process lives until it ends. */
export function searcher(input: WorkerInput): Worker {
  const worker = waiting ?? startThread(undefined);
  waiting = undefined;
  worker.ref();
  worker.postMessage(input);
  return worker;
}

function startThread(incident: string | undefined): Worker {
  return new Worker(new URL("./worker.js", import.meta.url), { workerData: incident });
}
