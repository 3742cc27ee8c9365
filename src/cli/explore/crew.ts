/** Threads that help with a proof. Whoever starts them searches, too, and does not return to its event loop meanwhile. */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import type { MemberReport } from "../../explore/team/member.ts";
import type { Crew, Share } from "../../explore/team/prove-together.ts";
import type { ExploreJob } from "./job.ts";

/** What a helping thread is started with. */
export interface CrewInput {
  readonly job: ExploreJob;
  readonly share: Share;
  /** Its number in the team. */
  readonly me: number;
  readonly port: MessagePort;
  /** One word; 1 when its report is on the way. */
  readonly done: Int32Array;
}

/** What it sends. */
export type CrewReport = { readonly report: MemberReport } | { readonly error: string };

/** The threads for a job: so many as it asks for, the caller's own among them. */
export function crewFor(job: ExploreJob): Crew {
  return {
    members: job.jobs,
    start(share) {
      const helpers = Array.from({ length: job.jobs - 1 }, (_, i) => helper(job, share, i + 1));
      return () => helpers.map((wait) => wait());
    },
  };
}

function helper(job: ExploreJob, share: Share, me: number): () => MemberReport {
  const { port1, port2 } = new MessageChannel();
  const done = new Int32Array(new SharedArrayBuffer(4));
  const workerData: CrewInput = { job, share, me, port: port2, done };
  const worker = new Worker(new URL("./crew-worker.js", import.meta.url), { workerData, transferList: [port2] });
  worker.unref();
  return () => {
    Atomics.wait(done, 0, 0);
    const message = receiveMessageOnPort(port1)?.message as CrewReport;
    if ("error" in message) throw new Error(`a thread of the search failed: ${message.error}`);
    return message.report;
  };
}
