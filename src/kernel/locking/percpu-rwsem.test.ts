import { describe, expect, it } from "vitest";
import { create, Entity, fields, int, type Resumable } from "../../resumable/index.ts";
import type { Kernel } from "../sched/kernel.ts";
import { deadSubset, obstacleOf } from "../sched/stuck.ts";
import { runAlone, runRandomly, runSteps, testKernel } from "../sched/testing.ts";
import { PercpuRwSemaphore, percpuDownRead, percpuDownWrite, percpuUpRead, percpuUpWrite } from "./percpu-rwsem.ts";

class Inside extends Entity {
  declare readers: number;
  declare writers: number;
  static {
    fields(Inside, { readers: int, writers: int });
  }
}

/** Reads once, or again while it reads. */
function* read(sem: PercpuRwSemaphore, depth: number): Resumable {
  yield* percpuDownRead(sem);
  if (depth > 1) yield* read(sem, depth - 1);
  yield undefined;
  percpuUpRead(sem);
}
function* write(sem: PercpuRwSemaphore): Resumable {
  yield* percpuDownWrite(sem);
  yield undefined;
  percpuUpWrite(sem);
}
function* watched(sem: PercpuRwSemaphore, inside: Inside, writes: boolean): Resumable {
  if (writes) yield* percpuDownWrite(sem);
  else yield* percpuDownRead(sem);
  inside[writes ? "writers" : "readers"]++;
  yield undefined;
  inside[writes ? "writers" : "readers"]--;
  if (writes) percpuUpWrite(sem);
  else percpuUpRead(sem);
}

const semOf = (): PercpuRwSemaphore => create(PercpuRwSemaphore, { lockClass: "sem" });
const waits = (kernel: Kernel, context: number): readonly string[] => {
  const obstacle = obstacleOf(kernel, kernel.tasks[context]!);
  return obstacle?.kind === "wait" ? obstacle.wait.providers.map(String) : [];
};

describe("a per-CPU rwsem", () => {
  it("has readers or one writer inside, and everybody gets through", () => {
    for (let seed = 0; seed < 200; seed++) {
      let worst = "";
      const kernel = testKernel("6.1", {
        invariants: () => {
          if (inside.writers > 1 || (inside.writers > 0 && inside.readers > 0)) worst = "both";
          return undefined;
        },
      });
      const [sem, inside] = [semOf(), create(Inside)];
      for (const writes of [false, true, false, true, false]) {
        kernel.spawn({ comm: writes ? "writer" : "reader" }, watched, [sem, inside, writes]);
      }
      runRandomly(kernel, seed);
      expect(kernel.tasks.map((t) => kernel.machine.finished(t.context))).not.toContain(false);
      expect(worst).toBe("");
    }
  });

  it("may be read twice while nobody writes", () => {
    for (let seed = 0; seed < 50; seed++) {
      const kernel = testKernel("6.1");
      const sem = semOf();
      for (let i = 0; i < 2; i++) kernel.spawn({ comm: "reader" }, read, [sem, 2]);
      runRandomly(kernel, seed);
      expect(kernel.tasks.every((t) => kernel.machine.finished(t.context))).toBe(true);
    }
  });

  it("read twice around a writer is a deadlock of the two, and each waits for the other alone", () => {
    const kernel = testKernel("6.1");
    const sem = semOf();
    const reader = kernel.spawn({ comm: "reader" }, read, [sem, 2]);
    const writer = kernel.spawn({ comm: "writer" }, write, [sem]);
    kernel.spawn({ comm: "other" }, read, [sem, 1]);
    runSteps(kernel, reader, 1);
    runAlone(kernel, writer);
    runAlone(kernel, reader);
    runAlone(kernel, kernel.tasks[2]!);
    expect([0, 1, 2].map((c) => waits(kernel, c))).toEqual([["writer/1001"], ["reader/1000"], ["writer/1001"]]);
    expect(deadSubset(kernel)).toEqual([0, 1, 2]);
  });

  it("readers that wait behind a second writer wait for that one", () => {
    const kernel = testKernel("6.1");
    const sem = semOf();
    const [first, second] = [1, 2].map(() => kernel.spawn({ comm: "writer" }, write, [sem]));
    const reader = kernel.spawn({ comm: "reader" }, read, [sem, 1]);
    runSteps(kernel, first!, 2);
    runAlone(kernel, second!);
    runAlone(kernel, reader);
    expect([waits(kernel, 1), waits(kernel, 2)]).toEqual([["writer/1000"], ["writer/1001"]]);
    runAlone(kernel, first!);
    expect(waits(kernel, 2)).toEqual(["writer/1001"]);
    runAlone(kernel, second!);
    runAlone(kernel, reader);
    expect(kernel.machine.finished(reader.context)).toBe(true);
  });
});
