/** Promise: a state of the model, printed as the kernel prints it, is read back by `diagnose`, with the same core. */
import { describe, expect, it } from "vitest";
import { exploreIncident } from "../src/explore/incident.ts";
import { replayIncident } from "../src/explore/replay-incident.ts";
import { diagnose } from "../src/index.ts";
import type { Kernel } from "../src/kernel/sched/kernel.ts";
import { hungTaskReport, kernelLog, procPidStack, showState, taskFrames } from "../src/kernel/sched/show-task.ts";
import { prepareTwoMutexes } from "./two-mutexes-program.ts";

/** The kernel of two mutexes where its two tasks are dead. */
function deadTwoMutexes(era: string): Kernel {
  const prepared = prepareTwoMutexes({ waiter: 1, worker: 1 }, { era });
  const { witness } = exploreIncident(prepared);
  replayIncident(prepared, witness!);
  return prepared.kernel;
}

const symbols = (frames: readonly { readonly text: string }[]) => frames.map((frame) => frame.text.split("+")[0]);

describe.each(["4.4", "4.12", "4.20.0", "5.4", "5.15.0", "6.1.192", "6.12", "6.18"])("logs of %s", (release) => {
  const kernel = deadTwoMutexes(release);
  const [fault, flusher] = kernel.tasks;

  it("are read whole: every task, state and frame", async () => {
    const d = await diagnose(`${kernelLog(kernel)}${showState(kernel).join("\n")}\n`);
    expect(d.unparsed.count).toBe(0);
    expect(d.unknownFrames).toEqual([]);
    expect(d.kernel.release).toBe(kernel.era.release);
    for (const task of [fault!, flusher!]) {
      const view = d.details.find((v) => v.pid === task.pid);
      expect([view?.comm, view?.state]).toEqual([task.comm, "D"]);
      expect(symbols(view?.frames ?? [])).toEqual(taskFrames(kernel, task));
    }
  });

  it("of one hung task alone are read too", async () => {
    const d = await diagnose(hungTaskReport(kernel, flusher!).join("\n"));
    expect(d.inputs[0]?.format).toBe("hung_task");
    expect(d.details.map((view) => [view.pid, view.blockedSeconds])).toEqual([[flusher!.pid, 120]]);
  });

  it("out of /proc too", async () => {
    const d = await diagnose(`== ${flusher!.pid} ${flusher!.comm}\n${procPidStack(kernel, flusher!).join("\n")}\n`);
    expect(d.inputs[0]?.format).toBe("proc-stack");
    expect(d.unparsed.count).toBe(0);
  });
});
