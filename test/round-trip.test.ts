/** Promise: a state of the model, printed as the kernel prints it, is read back by `diagnose`, with the same core. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { exploreIncident } from "../src/explore/incident.ts";
import { replayIncident } from "../src/explore/replay-incident.ts";
import { incidents, memcgWritebackAbba } from "../src/incidents/index.ts";
import { prepare } from "../src/incidents/prepare.ts";
import type { Choices } from "../src/incidents/prepared.ts";
import { diagnose } from "../src/index.ts";
import { procStack } from "../src/kernel/frame-names.ts";
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
    kernel.world.activate();
    for (const task of [fault!, flusher!]) {
      const view = d.details.find((v) => v.pid === task.pid);
      expect([view?.comm, view?.state]).toEqual([task.comm, "D"]);
      expect(symbols(view?.frames ?? [])).toEqual(taskFrames(kernel, task));
    }
  });

  it("of one hung task alone are read too", async () => {
    kernel.world.activate();
    const d = await diagnose(hungTaskReport(kernel, flusher!).join("\n"));
    expect(d.inputs[0]?.format).toBe("hung_task");
    kernel.world.activate();
    expect(d.details.map((view) => [view.pid, view.blockedSeconds])).toEqual([[flusher!.pid, 120]]);
  });

  it("out of /proc too", async () => {
    kernel.world.activate();
    const d = await diagnose(`== ${flusher!.pid} ${flusher!.comm}\n${procPidStack(kernel, flusher!).join("\n")}\n`);
    expect(d.inputs[0]?.format).toBe("proc-stack");
    expect(d.unparsed.count).toBe(0);
  });
});

/** The core as anybody would compare it: who waits for which kind of thing, held by whom. */
interface Edge {
  readonly waiter: { readonly pid?: number };
  readonly waitsFor: { readonly class: string };
  readonly heldBy: readonly { readonly pid?: number }[];
}
const coreOf = (edges: readonly Edge[]): string[] =>
  edges.map((e) => `${e.waiter.pid} waits for ${e.waitsFor.class} of ${e.heldBy.map((by) => by.pid).join()}`).sort();

const deadlocks: readonly (readonly [string, string, Choices])[] = [
  ["memcg-writeback-abba", "4.20.0", {}],
  ["memcg-writeback-abba", "6.1.192", { reverted: ["prealloc-pte"] }],
  ["xfs-page-lock-order", "4.20.0", {}],
];

describe.each(deadlocks)("the deadlock of %s on %s", (id, era, choices) => {
  const incident = incidents.find((one) => one.id === id)!;
  const result = prepare(incident, { ...choices, era });
  if (!result.ok) throw new Error(result.error.message);
  const { kernel } = result.prepared;
  const e = exploreIncident(result.prepared);
  replayIncident(result.prepared, e.witness!);

  it("printed as a log and diagnosed has the same core, and the log names the incident", async () => {
    const d = await diagnose(kernelLog(kernel));
    expect(d.verdict).toBe("deadlock");
    expect(coreOf(d.core)).toEqual(coreOf(e.account!.core));
    expect(d.knownBugs.map((bug) => bug.incident)).toContain(id);
    expect(d.unparsed.count).toBe(0);
    expect(d.unknownFrames).toEqual([]);
  });

  it("has the same core from /proc/PID/stack", async () => {
    kernel.world.activate();
    const dead = kernel.tasks.filter((task) => e.account!.contexts.some((c) => c.pid === task.pid));
    const stacks = dead.flatMap((task) => [`== ${task.pid} ${task.comm}`, ...procPidStack(kernel, task), ""]);
    const d = await diagnose(stacks.join("\n"));
    expect(coreOf(d.core)).toEqual(coreOf(e.account!.core));
  });
});

it("the blocked stacks of memcg-writeback-abba equal those of the document, function by function", () => {
  const result = prepare(memcgWritebackAbba, {});
  if (!result.ok) throw new Error(result.error.message);
  const { kernel } = result.prepared;
  const { witness, account } = exploreIncident(result.prepared);
  replayIncident(result.prepared, witness!);
  const document = readFileSync(new URL("../samples/documents/memcg-writeback-abba.txt", import.meta.url), "utf8");
  const printed = document.split("\n\n").map((part) => [...part.matchAll(/^\[<\w+>\] (\w+)\+/gm)].map((m) => m[1]!));
  const stacks = printed.filter((names) => names.length > 10);
  expect(stacks).toHaveLength(2);
  const core = kernel.tasks.filter((task) => account!.core.some((edge) => edge.waiter.pid === task.pid));
  const model = core.map((task) => procStack(taskFrames(kernel, task)));
  expect(model.map((names) => names.join("\n")).sort()).toEqual(stacks.map((names) => names.join("\n")).sort());
});
