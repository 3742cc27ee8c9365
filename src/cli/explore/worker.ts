/** The thread that searches: the process's own thread stays free for Ctrl-C. */
import { parentPort, workerData } from "node:worker_threads";
import { loadIncident } from "../../incidents/catalogue.ts";
import { isAbstract } from "../../incidents/incident.ts";
import { crewFor } from "./crew.ts";
import { type Job, performJob } from "./job.ts";

/** What the thread is to do. */
export interface WorkerInput {
  readonly job: Job;
  /** One word; not 0: stop. */
  readonly stop: Int32Array;
}

parentPort?.once("message", ({ job, stop }: WorkerInput) => {
  void performJob(job, {
    stop: () => Atomics.load(stop, 0) !== 0,
    progress: (progress) => parentPort?.postMessage({ progress }),
    now: () => performance.now(),
    crew: crewFor,
    peakRss: () => process.resourceUsage().maxRSS * 1024,
  }).then((result) => parentPort?.postMessage({ result }));
});

// what a job will most likely need, while it is still being put together; a job loads the rest, and says what fails
void import("../../explore/incident.ts");
const guessed: unknown = workerData;
if (typeof guessed === "string") {
  const incident = await loadIncident(guessed);
  if (incident !== undefined)
    await (isAbstract(incident) ? import("../../incidents/prepare-abstract.ts") : import("../../incidents/prepare.ts"));
}
