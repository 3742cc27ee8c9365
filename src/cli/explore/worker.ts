/** The thread that searches: the process's own thread stays free for Ctrl-C. */
import { parentPort, workerData } from "node:worker_threads";
import { crewFor } from "./crew.ts";
import { type Job, type JobResult, performJob } from "./job.ts";

/** What the thread is started with. */
export interface WorkerInput {
  readonly job: Job;
  /** One word; not 0: stop. */
  readonly stop: Int32Array;
}

const { job, stop } = workerData as WorkerInput;
const result: JobResult = await performJob(job, {
  stop: () => Atomics.load(stop, 0) !== 0,
  progress: (progress) => parentPort?.postMessage({ progress }),
  now: () => performance.now(),
  crew: crewFor,
});
parentPort?.postMessage({ result });
