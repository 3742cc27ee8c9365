/** A thread that helps with a proof, as a member of its team. */
import { workerData } from "node:worker_threads";
import type { Learnable } from "../../explore/learned.ts";
import { searchAsMember } from "../../explore/team/member.ts";
import { stopTeam } from "../../explore/team/team-memory.ts";
import type { CrewInput, CrewReport } from "./crew.ts";
import { programOf } from "./job.ts";

const { job, share, me, port, done } = workerData as CrewInput;
let report: CrewReport;
try {
  const subject = await programOf(job);
  report = { report: searchAsMember(subject.start() as Learnable, share.memory, me, share) };
} catch (error) {
  stopTeam(share.memory);
  report = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
port.postMessage(report);
Atomics.store(done, 0, 1);
Atomics.notify(done, 0);
