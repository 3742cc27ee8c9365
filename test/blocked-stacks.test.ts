/**
 * The model's blocked stacks are those of the document and of the lab's real kernel, function by function: uncertain frames (`?`)
 * and the frames that the lab's build inlines aside.
 */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { random, replay } from "../src/explore/index.ts";
import { type Choices, memcgWritebackAbba, prepare } from "../src/incidents/index.ts";
import { LAB_INLINED } from "../src/kernel/frame-names.ts";
import type { Kernel } from "../src/kernel/sched/kernel.ts";
import { procPidStack, taskFrames } from "../src/kernel/sched/show-task.ts";

/** The kernel of the incident, standing in its deadlock, with the fault and the flusher first. */
const deadlocked = (choices: Choices): { readonly kernel: Kernel; readonly dead: readonly number[] } => {
  const result = prepare(memcgWritebackAbba, choices);
  if (!result.ok) throw new Error(result.error.message);
  const { kernel } = result.prepared;
  const machine = kernel.start();
  const { finding } = random(machine, { maxExecutions: 4000, seed: 3 });
  if (finding === undefined) throw new Error("no deadlock was met");
  expect(replay(machine, finding.schedule).ok).toBe(true);
  return { kernel, dead: finding.contexts };
};
const taskOf = (kernel: Kernel, dead: readonly number[], kind: "task" | "kworker") => {
  const task = kernel.tasks.find((t) => dead.includes(t.context) && t.kind === kind);
  if (task === undefined) throw new Error(`no dead ${kind}`);
  return task;
};
/** `[<ffffffff811aaa52>] wait_on_page_bit+0x82/0xa0` or `[<0>] folio_wait_bit_common+0x124/0x2d0` → the name. */
const names = (text: string): string[] =>
  text
    .split("\n")
    .filter((line) => !line.includes("?"))
    .map((line) => /\]\s+([\w.]+)\+0x/.exec(line)?.[1])
    .filter((name) => name !== undefined);

describe("memcg-writeback-abba in 4.20.0", () => {
  const document = readFileSync(new URL("../samples/documents/memcg-writeback-abba.txt", import.meta.url), "utf8");
  const [fault = [], flusher = []] = document
    .split(/\[<ffffffffffffffff>\]/)
    .slice(0, 2)
    .map(names);

  it("has the document's two stacks", () => {
    const { kernel, dead } = deadlocked({});
    expect(fault.length).toBe(20);
    expect(flusher.length).toBe(13);
    expect(names(procPidStack(kernel, taskOf(kernel, dead, "task")).join("\n"))).toEqual(fault);
    expect(names(procPidStack(kernel, taskOf(kernel, dead, "kworker")).join("\n"))).toEqual(flusher);
  });
});

describe("memcg-writeback-abba in 6.1.192 without the fix", () => {
  const path = new URL("cases/seed0-abba-strike-traced-2.dstacks.txt.gz", import.meta.url);
  const dump = gunzipSync(readFileSync(path)).toString("utf8");
  const stackOf = (comm: RegExp): string[] => names(dump.split("\n== ").find((part) => comm.test(part)) ?? "");

  it("has the stacks that a real kernel printed", () => {
    const { kernel, dead } = deadlocked({ era: "6.1.192", reverted: ["prealloc-pte"] });
    const seen = (kind: "task" | "kworker"): string[] =>
      taskFrames(kernel, taskOf(kernel, dead, kind)).filter((name) => !LAB_INLINED.has(name));
    const asleep = ["__schedule", "schedule", "io_schedule"];
    expect(seen("task")).toEqual([...asleep, ...stackOf(/^\d+ pmdfault0/)]);
    expect(seen("kworker")).toEqual([...asleep, ...stackOf(/kworker\/u4:1/)]);
  });
});
