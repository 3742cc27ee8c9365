import { describe, expect, it } from "vitest";
import { op, type Resumable } from "../../../resumable/index.ts";
import { PF_MEMALLOC, PF_MEMALLOC_NOFS } from "../../gfp.ts";
import { bootPage } from "../../mm/boot-pages.ts";
import { bootMm } from "../../mm/mm.ts";
import type { Page } from "../../mm/page.ts";
import type { Kernel } from "../../sched/kernel.ts";
import { obstacleOf } from "../../sched/stuck.ts";
import type { Task } from "../../sched/task.ts";
import { runAlone, runSteps, testKernel } from "../../sched/testing.ts";
import { kjournald2 } from "./commit.ts";
import { bootJournal, type Journal } from "./journal.ts";
import {
  jbd2_JournalStart,
  jbd2JournalDirtyMetadata,
  jbd2JournalStartReserved,
  jbd2JournalStop,
} from "./transaction.ts";

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

function* change1(journal: Journal, credits: number, page: Page): Resumable {
  const handle = yield* jbd2_JournalStart(journal, credits);
  jbd2JournalDirtyMetadata(handle, page);
  yield change(undefined);
  yield* jbd2JournalStop(handle);
}
function* reserved(journal: Journal): Resumable {
  yield* jbd2JournalStop(yield* jbd2JournalStartReserved(journal));
}

describe("a log of 8 blocks, of which a transaction takes 2", () => {
  function small(count: number) {
    const kernel = testKernel("5.15.135");
    bootMm(kernel);
    const page = bootPage(kernel);
    const journal = bootJournal(kernel, "8:0", kjournald2, { logBlocks: 8 });
    const tasks = Array.from({ length: count }, (_, i) =>
      kernel.spawn({ comm: `update${i}` }, change1, [journal, i === 0 ? 1 : 2, page]),
    );
    return { kernel, page, journal, tasks };
  }
  it("a handle that does not fit waits for the commit, which it asks for", () => {
    const { kernel, journal, tasks } = small(2);
    runAlone(kernel, tasks[0]!);
    runAlone(kernel, tasks[1]!);
    expect(waitOf(kernel, tasks[1]!)).toEqual(["jbd2_transaction", String(journal.thread)]);
    expect(journal.commitRequest).toBe(1);
    runAlone(kernel, journal.thread);
    runAlone(kernel, tasks[1]!);
    expect(kernel.machine.finished(tasks[1]!.context)).toBe(true);
    expect(journal.running?.tid).toBe(2);
  });
  it("what is committed keeps its page and its blocks until a checkpoint, which who finds no space makes", () => {
    const { kernel, page, journal, tasks } = small(5);
    const free: number[] = [];
    for (const task of tasks) {
      runAlone(kernel, task);
      expect(kernel.machine.finished(task.context)).toBe(true);
      runAlone(kernel, journal.thread);
      free.push(journal.free);
    }
    // 1 block, then 2 each; the fifth finds one and frees that of the first
    expect(free).toEqual([7, 5, 3, 1, 0]);
    expect([page.refs, journal.checkpoints.length]).toEqual([4, 4]);
  });
  it("a reserved handle joins the locked transaction, and the commit waits for it, too", () => {
    const { kernel, journal, tasks } = small(1);
    const late = kernel.spawn({ comm: "conversion" }, reserved, [journal]);
    runSteps(kernel, tasks[0]!, 1);
    runAlone(kernel, journal.thread);
    runSteps(kernel, late, 1);
    runAlone(kernel, tasks[0]!);
    expect(waitOf(kernel, journal.thread)).toEqual(["jbd2_handle", String(late)]);
    runAlone(kernel, late);
    runAlone(kernel, journal.thread);
    expect(journal.commitSequence).toBe(1);
  });
});
