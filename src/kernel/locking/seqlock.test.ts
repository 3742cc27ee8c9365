import { expect, it } from "vitest";
import { op, type Resumable } from "../../resumable/index.ts";
import { obstacleOf } from "../sched/stuck.ts";
import { runAlone, runSteps, testKernel } from "../sched/testing.ts";
import { createSeqLock, readSeqbegin, type SeqLock, writeSeqlock, writeSequnlock } from "./seqlock.ts";

const inside = op("inside", {});
function* write(seq: SeqLock): Resumable {
  yield* writeSeqlock(seq);
  yield inside(undefined);
  writeSequnlock(seq);
}
function* read(seq: SeqLock): Resumable {
  yield* readSeqbegin(seq);
}

it("a reader spins while a writer is in its section, for that writer alone, and not before or after", () => {
  const kernel = testKernel("6.1");
  const seq = createSeqLock("some_seq");
  const [writer, early, late] = [write, read, read].map((fn, i) => kernel.spawn({ comm: `t${i}` }, fn, [seq]));
  runAlone(kernel, early!);
  expect(kernel.machine.finished(early!.context)).toBe(true);
  runSteps(kernel, writer!, 1);
  const obstacle = obstacleOf(kernel, late!);
  expect(obstacle?.kind === "wait" && [obstacle.wait.state, obstacle.wait.providers]).toEqual(["R", [writer]]);
  runAlone(kernel, writer!);
  runAlone(kernel, late!);
  expect(kernel.machine.finished(late!.context)).toBe(true);
});
