import { describe, expect, test } from "vitest";
import { evidence, lockList, record, snapshot } from "../../test/diagnose-worlds.ts";
import type { HeldLockList, TaskRecord } from "../evidence/types.ts";
import { Interpreter } from "../knowledge/interpret.ts";
import { type Subject, subjectsOf } from "./subjects.ts";

const interpreter = new Interpreter();
const LOCK = ["__mutex_lock", "some_taker", "vfs_write", "do_syscall_64"];
const OTHER = ["folio_wait_writeback", "other_fn", "vfs_fsync_range", "do_syscall_64"];

const subjects = (tasks: readonly TaskRecord[], heldLocks: readonly HeldLockList[] = []): Subject[] =>
  subjectsOf(evidence({ tasks, heldLocks, snapshots: [snapshot(), snapshot(), snapshot()] }), interpreter);
const at = (line: number, t: Parameters<typeof record>[0] = {}) =>
  record({ pid: 7, comm: "t7", state: "D", frames: LOCK, line, ...t });

describe("printings to tasks", () => {
  test("printings of one pid are one subject, described by the last; in the order of the log", () => {
    const [s, ...rest] = subjects([at(30, { snapshot: 1, frames: OTHER, cpu: 3 }), at(10)]);
    expect(rest).toEqual([]);
    expect(s?.key).toBe("pid:7");
    expect(s?.records.map((r) => r.line)).toEqual([10, 30]);
    expect(s?.now.line).toBe(30);
    expect(s?.meaning.wait?.class).toBe("PG_writeback");
    expect(s?.ref).toEqual({ key: "pid:7", kind: "task", pid: 7, comm: "t7", cpu: 3, input: 0, line: 30 });
    expect(s?.persistence).toBe("moved");
  });

  test("stacks without pid stay apart, named by where they stand", () => {
    const bare = (line: number, input = 0) => record({ line, input, frames: LOCK });
    expect(subjects([bare(5), bare(9), bare(5, 1)]).map((s) => s.key)).toEqual(["bare:0:5", "bare:0:9", "bare:1:5"]);
    expect(subjects([bare(5)])[0]?.ref).toEqual({ key: "bare:0:5", kind: "task", input: 0, line: 5 });
  });

  test("later files come later, whatever their line numbers", () => {
    expect(subjects([at(3, { input: 1, frames: OTHER }), at(90)])[0]?.now.input).toBe(1);
  });

  test("of a damaged last printing of the same operation, the last clear one is taken", () => {
    const torn = ["torn_frame", "vfs_write", "do_syscall_64"];
    expect(subjects([at(10), at(30, { frames: torn })])[0]?.now.line).toBe(10);
    expect(subjects([at(10), at(20), at(30, { frames: torn })])[0]?.now.line).toBe(20);
  });

  test("but not one of another operation or another state", () => {
    const torn = ["torn_frame", "vfs_write", "do_syscall_64"];
    expect(subjects([at(10, { frames: OTHER }), at(30, { frames: torn })])[0]?.now.line).toBe(30);
    expect(subjects([at(10, { state: "S" }), at(30, { frames: torn })])[0]?.now.line).toBe(30);
  });

  test("a printing without a stack says nothing of where it is; without any stack the last line has to do", () => {
    expect(subjects([at(10), at(30, { frames: [] })])[0]?.now.line).toBe(10);
    expect(subjects([at(10, { frames: [] }), at(30, { frames: [] })])[0]?.now.line).toBe(30);
  });

  test("a running last printing is clear", () => {
    const running = ["preempt_schedule_common", "vfs_write", "do_syscall_64"];
    expect(subjects([at(10), at(30, { frames: running })])[0]?.now.line).toBe(30);
  });
});

describe("names", () => {
  const refOf = (...comms: (string | undefined)[]) =>
    subjects(comms.map((comm, i) => at(10 * (i + 1), { comm })))[0]?.ref;
  test("kworkers by either spelling, their job cut off", () => {
    expect(refOf("kworker/u4:0+flush-254:0")).toMatchObject({ kind: "kworker", comm: "kworker/u4:0" });
    expect(refOf("u10:0+flush-8:80")).toMatchObject({ kind: "kworker", comm: "u10:0" });
    expect(refOf("7:1H+kblockd")).toMatchObject({ kind: "kworker", comm: "7:1H" });
    expect(refOf("c++filt")).toMatchObject({ kind: "task", comm: "c++filt" });
    expect(refOf("kworkerish")?.kind).toBe("task");
  });
  test("the first name that is printed at all", () => {
    expect(refOf(undefined, "", "late")?.comm).toBe("late");
    expect(refOf("first", "second")?.comm).toBe("first");
  });
});

describe("blocked", () => {
  const blocked = (t: Parameters<typeof record>[0]) => subjects([record({ pid: 7, frames: LOCK, ...t })])[0]?.blocked;
  test("D, unstated or reported hung; not S, I or Z", () => {
    expect(blocked({ state: "D" })).toBe(true);
    expect(blocked({})).toBe(true);
    expect(blocked({ state: "S", blockedSeconds: 120 })).toBe(true);
    for (const state of ["S", "I", "Z", "T"] as const) expect(blocked({ state })).toBe(false);
  });
  test("R only inside reclaim", () => {
    expect(blocked({ state: "R" })).toBe(false);
    expect(blocked({ state: "R", frames: ["shrink_lruvec", "try_to_free_pages", "f"] })).toBe(true);
  });
});

describe("lock lists", () => {
  const locksOf = (tasks: readonly TaskRecord[], ...lists: HeldLockList[]) => subjects(tasks, lists)[0]?.locks?.line;
  test("a list belongs to stacks printed before it; one before all of them is of another moment", () => {
    expect(locksOf([at(50)], lockList(7, [["m"]], { line: 60 }))).toBe(60);
    expect(locksOf([at(50)], lockList(7, [["m"]], { line: 40 }))).toBeUndefined();
    expect(locksOf([at(50)], lockList(7, [["m"]], { line: 60, input: 1 }))).toBeUndefined();
    expect(locksOf([at(50)], lockList(8, [["m"]], { line: 60 }))).toBeUndefined();
  });
  test("the last list that fits", () => {
    const [early, late, other] = [60, 70, 80].map((line, i) => lockList(7, [["m"]], { line, input: i === 2 ? 1 : 0 }));
    expect(locksOf([at(50)], early!, late!, other!)).toBe(70);
  });
  test("between two printings of the stack it fits the first", () => {
    expect(locksOf([at(50), at(90, { snapshot: 1 })], lockList(7, [["m"]], { line: 60 }))).toBe(60);
  });
});

test("the longest time blocked, and how many equal tasks it stands for", () => {
  const [s] = subjects([at(10, { blockedSeconds: 245, count: 3 }), at(30, { snapshot: 1, blockedSeconds: 122 })]);
  expect(s?.blockedSeconds).toBe(245);
  expect(s?.count).toBe(3);
  const [plain] = subjects([at(10)]);
  expect(plain?.blockedSeconds).toBeUndefined();
  expect(plain?.count).toBe(1);
});

test("released: a later complete dump does not show it", () => {
  const tasks = [at(10), record({ pid: 8, line: 30, snapshot: 1, frames: LOCK, state: "D" })];
  const e = evidence({ tasks, snapshots: [snapshot(), snapshot({ line: 25 })] });
  expect(subjectsOf(e, interpreter).map((s) => s.released)).toEqual([true, false]);
});
