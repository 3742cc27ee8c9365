import { describe, expect, it } from "vitest";
import { op, type Resumable } from "../../../resumable/index.ts";
import { PF_MEMALLOC, PF_MEMALLOC_NOFS } from "../../gfp.ts";
import type { Kernel } from "../../sched/kernel.ts";
import { obstacleOf } from "../../sched/stuck.ts";
import type { Task } from "../../sched/task.ts";
import { runAlone, runSteps, testKernel } from "../../sched/testing.ts";
import { kjournald2 } from "./commit.ts";
import { bootJournal, type Journal } from "./journal.ts";
import { jbd2_JournalStart, jbd2JournalStop } from "./transaction.ts";

const change = op("change metadata", {});
function* update(journal: Journal, sync: boolean): Resumable {
  const handle = yield* jbd2_JournalStart(journal);
  handle.sync = sync;
  // once more, as nested functions do
  yield* jbd2_JournalStart(journal);
  yield change(undefined);
  yield* jbd2JournalStop(handle);
  yield* jbd2JournalStop(handle);
}

function world(release = "4.7"): { kernel: Kernel; journal: Journal; updates: readonly Task[] } {
  const kernel = testKernel(release);
  const journal = bootJournal(kernel, "8:0", kjournald2);
  const updates = [true, false, false].map((sync, i) => kernel.spawn({ comm: `update${i}` }, update, [journal, sync]));
  return { kernel, journal, updates };
}
const waitOf = (kernel: Kernel, task: Task) => {
  const obstacle = obstacleOf(kernel, task);
  return obstacle?.kind === "wait" ? [obstacle.wait.resource.class, ...obstacle.wait.providers.map(String)] : undefined;
};

describe("a journal", () => {
  it("commits when all handles are stopped; meanwhile nobody opens one", () => {
    const { kernel, journal, updates } = world();
    const [, open, late] = updates;
    runSteps(kernel, open!, 1);
    runAlone(kernel, journal.thread);
    expect(waitOf(kernel, journal.thread)).toEqual(["jbd2_handle", String(open)]);
    runAlone(kernel, late!);
    expect(waitOf(kernel, late!)).toEqual(["jbd2_transaction", String(journal.thread)]);
    runAlone(kernel, open!);
    runAlone(kernel, journal.thread);
    expect([journal.commitSequence, journal.running]).toEqual([1, undefined]);
    runAlone(kernel, late!);
    expect(journal.running?.tid).toBe(2);
  });

  it("makes who stops a synchronous handle wait for the commit, but nobody who reclaims", () => {
    const { kernel, journal, updates } = world();
    const [sync] = updates;
    runAlone(kernel, sync!);
    expect(waitOf(kernel, sync!)).toEqual(["jbd2_commit", String(journal.thread)]);
    runAlone(kernel, journal.thread);
    runAlone(kernel, sync!);
    expect(kernel.machine.finished(sync!.context)).toBe(true);
    const other = world();
    other.updates[0]!.flags |= PF_MEMALLOC;
    runAlone(other.kernel, other.updates[0]!);
    expect(other.kernel.machine.finished(other.updates[0]!.context)).toBe(true);
    expect(other.journal.commitRequest).toBe(1);
  });

  it.each([
    ["4.11", false],
    ["4.12", true],
  ])("in %s a handle is a NOFS scope: %s", (release, scope) => {
    const { kernel, updates } = world(release);
    runSteps(kernel, updates[1]!, 1);
    expect((updates[1]!.flags & PF_MEMALLOC_NOFS) !== 0).toBe(scope);
    runAlone(kernel, updates[1]!);
    expect(updates[1]!.flags & PF_MEMALLOC_NOFS).toBe(0);
  });
});
