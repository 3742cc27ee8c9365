import { describe, expect, test } from "vitest";
import { evidence, hung, record, snapshot, sysrq } from "../../test/diagnose-worlds.ts";
import { collectEvidence, textInput } from "../evidence/index.ts";
import type { TaskRecord } from "../evidence/types.ts";
import { Interpreter } from "../knowledge/interpret.ts";
import { subjectsOf } from "./subjects.ts";
import { type Persistence, Timeline } from "./timeline.ts";

const interpreter = new Interpreter();
const LOCK = ["__mutex_lock", "some_taker", "vfs_write", "do_syscall_64"];
const OTHER = ["folio_wait_writeback", "other_fn", "vfs_fsync_range", "do_syscall_64"];
const RECLAIM = ["reclaim_throttle", "shrink_node", "try_to_free_pages", "some_op", "do_syscall_64"];
const RECLAIM_STEP = [
  "preempt_schedule_common",
  "shrink_folio_list",
  "shrink_node",
  "try_to_free_pages",
  "some_op",
  "do_syscall_64",
];

/** Persistence of pid 7 in a log. */
async function inLog(...parts: readonly string[]): Promise<Persistence | undefined> {
  const e = await collectEvidence([textInput("log", parts.join(""))]);
  return subjectsOf(e, interpreter).find((s) => s.ref.pid === 7)?.persistence;
}
const me = (frames: readonly string[]) => ({ pid: 7, frames });
const BYSTANDER = { pid: 8, frames: LOCK };

describe("persistence, from logs", () => {
  test("one dump with a clock is a moment; without any clock it is as reported", async () => {
    expect(await inLog(sysrq(10, [me(LOCK)]))).toBe("moment");
    expect(await inLog(sysrq(undefined, [me(LOCK)]))).toBe("as-reported");
  });

  test("a bare pasted stack with a clock is as reported too: only live dumps are moments", () => {
    for (const [kind, expected] of [
      ["sysrq-w", "moment"],
      ["sysrq-t", "moment"],
      ["proc-stack", "moment"],
      ["other", "as-reported"],
      ["crash-bt", "as-reported"],
    ] as const) {
      const now = record({ pid: 7, frames: LOCK });
      const e = evidence({ tasks: [now], snapshots: [snapshot({ kind, time: 10 })] });
      expect([kind, new Timeline(e, interpreter).persistenceOf([now], now)]).toEqual([kind, expected]);
    }
  });

  test("reported hung is stuck, with or without a clock", async () => {
    expect(await inLog(hung(200, me(LOCK)))).toBe("stuck");
    expect(await inLog(hung(undefined, me(LOCK)))).toBe("stuck");
  });

  test("hung there, then shown there again, is stuck; shown elsewhere later, it moved", async () => {
    expect(await inLog(hung(200, me(LOCK)), sysrq(210, [me(LOCK)]))).toBe("stuck");
    expect(await inLog(hung(200, me(LOCK)), sysrq(210, [me(OTHER)]))).toBe("moved");
  });

  test("elsewhere first, then reported hung here, is stuck", async () => {
    expect(await inLog(sysrq(10, [me(OTHER)]), hung(200, me(LOCK)))).toBe("stuck");
  });

  test("a hung report whose stack was torn still counts for where it is shown next", async () => {
    expect(await inLog(hung(200, me(["torn_frame"])), sysrq(210, [me(LOCK)]))).toBe("stuck");
  });

  test("unmoved in two dumps five seconds apart is stuck; less apart is one moment", async () => {
    expect(await inLog(sysrq(10, [me(LOCK)]), sysrq(15, [me(LOCK)]))).toBe("stuck");
    expect(await inLog(sysrq(10, [me(LOCK)]), sysrq(14, [me(LOCK)]))).toBe("moment");
  });

  test("in another place in the earlier dump: moved", async () => {
    expect(await inLog(sysrq(10, [me(OTHER)]), sysrq(20, [me(LOCK)]))).toBe("moved");
  });

  test("an earlier printing without a stack is no sign that it moved", () => {
    const [bare, now] = [record({ pid: 7, snapshot: 0 }), record({ pid: 7, line: 9, snapshot: 1, frames: LOCK })];
    const e = evidence({ tasks: [bare, now], snapshots: [snapshot({ time: 10 }), snapshot({ time: 20, line: 8 })] });
    expect(new Timeline(e, interpreter).persistenceOf([bare, now], now)).toBe("moment");
  });

  test("the same wait of another operation is another place", async () => {
    const read = ["__mutex_lock", "some_taker", "vfs_read", "do_syscall_64"];
    expect(await inLog(sysrq(10, [me(read)]), sysrq(20, [me(LOCK)]))).toBe("moved");
  });

  test("a complete dump in between that does not show it: it came back", async () => {
    const gone = [sysrq(10, [me(LOCK)]), sysrq(20, [BYSTANDER]), sysrq(30, [me(LOCK)])] as const;
    expect(await inLog(...gone)).toBe("moved");
    expect(await inLog(gone[0], sysrq(20, [BYSTANDER, me(LOCK)]), gone[2])).toBe("stuck");
  });

  test("a dump cut off in between does not prove that it was gone", async () => {
    const cut = sysrq(20, [BYSTANDER]).replace(/ do_syscall_64[^\n]*\n[^\n]*<\/TASK>\n/, " some_fn+0x1/0x2\n");
    expect(cut).not.toContain("</TASK>");
    expect(await inLog(sysrq(10, [me(LOCK)]), cut, sysrq(30, [me(LOCK)]))).toBe("stuck");
  });

  test("changed user registers: one system call ended and the next got here", async () => {
    const withRegs = (time: number, rsp: string) =>
      sysrq(time, [me(LOCK)]).replace(
        /(\[[ .\d]+\])( {2}<\/TASK>)/,
        `$1 RIP: 0033:0x7f0000001234\n$1 RSP: 002b:${rsp} EFLAGS: 00000246 ORIG_RAX: 0000000000000001\n$1$2`,
      );
    expect(await inLog(withRegs(10, "00007ffd00000010"), withRegs(20, "00007ffd00000010"))).toBe("stuck");
    expect(await inLog(withRegs(10, "00007ffd00000010"), withRegs(20, "00007ffd00000020"))).toBe("moved");
  });

  test("the steps of one reclaim loop are one place", async () => {
    expect(await inLog(sysrq(10, [me(RECLAIM)]), sysrq(20, [me(RECLAIM_STEP)]))).toBe("stuck");
    const other = RECLAIM_STEP.map((f) => (f === "some_op" ? "another_op" : f));
    expect(await inLog(sysrq(10, [me(RECLAIM)]), sysrq(20, [me(other)]))).toBe("moved");
  });

  test("a wait without a time-out inside reclaim is a place of its own", async () => {
    const hard = ["folio_wait_writeback", "shrink_folio_list", "shrink_node", "try_to_free_pages", "some_op"];
    expect(await inLog(sysrq(10, [me(RECLAIM)]), sysrq(20, [me(hard)]))).toBe("moved");
    expect(await inLog(sysrq(10, [me(hard)]), sysrq(20, [me(hard)]))).toBe("stuck");
  });

  test("another offset or a `?` frame does not mean that it moved", async () => {
    const noisy = ["__mutex_lock+0x5/0x100", "? stale_fn", ...LOCK.slice(1)];
    expect(await inLog(sysrq(10, [me(noisy)]), sysrq(20, [me(LOCK)]))).toBe("stuck");
  });
});

test("files without any clock are apart: nobody collects one moment twice", () => {
  const now = record({ pid: 7, frames: LOCK, input: 1, snapshot: 1 });
  const before = (input: number) => record({ pid: 7, frames: LOCK, input, snapshot: 0 });
  const of = (first: TaskRecord, secondInput: number) =>
    new Timeline(
      evidence({
        tasks: [first, now],
        snapshots: [snapshot({ kind: "other" }), snapshot({ kind: "other", input: secondInput })],
      }),
      interpreter,
    ).persistenceOf([first, now], now);
  expect(of(before(0), 1)).toBe("stuck");
  expect(of(before(1), 1)).toBe("as-reported");
});

describe("released", () => {
  const at = (line: number, snap: number, t: Partial<TaskRecord> = {}) =>
    record({ pid: 7, line, snapshot: snap, state: "D", frames: LOCK, ...t });
  const dumps = (n: number, complete = true) =>
    Array.from({ length: n }, (_, i) => snapshot({ line: i * 100, complete }));
  const released = (now: TaskRecord, tasks: readonly TaskRecord[], snapshots = dumps(2)) =>
    new Timeline(evidence({ tasks: [now, ...tasks], snapshots }), interpreter).isReleased(now);
  const other = record({ pid: 8, line: 110, snapshot: 1, frames: LOCK });

  test("blocked once, and not in the last complete dump", () => {
    expect(released(at(10, 0), [other])).toBe(true);
    expect(released(at(10, 0), [other, at(120, 1)])).toBe(false);
  });
  test("also when the last dump shows nobody at all", () => {
    expect(released(at(10, 0), [])).toBe(true);
  });
  test("not by a dump that is incomplete, cut, of another input, or earlier", () => {
    expect(released(at(10, 0), [other], dumps(2, false))).toBe(false);
    expect(released(at(10, 0), [{ ...other, truncated: true }])).toBe(false);
    expect(released(at(10, 0), [other], [snapshot(), snapshot({ input: 1, line: 100 })])).toBe(false);
    expect(released(at(150, 5), [other])).toBe(false);
  });
  test("only the last dump counts", () => {
    const third = record({ pid: 7, line: 210, snapshot: 2, frames: LOCK });
    expect(released(at(10, 0), [other, third], dumps(3))).toBe(false);
  });
  test("who sleeps interruptibly or runs is in no list of blocked tasks anyway", () => {
    for (const state of ["S", "R", "I"] as const) expect(released(at(10, 0, { state }), [other])).toBe(false);
  });
  test("a stack without pid cannot be missed", () => {
    const { pid: _, ...bare } = at(10, 0);
    expect(released(bare, [other])).toBe(false);
  });
});
