import { describe, expect, test } from "vitest";
import {
  abba,
  evidence,
  noProgress,
  type PartyOptions,
  parties,
  record,
  snapshot,
  world,
} from "../../test/diagnose-worlds.ts";
import type { DeviceTrouble, Evidence, LockupReport } from "../evidence/types.ts";
import { diagnose } from "./index.ts";
import type { Progress } from "./progress.ts";
import { decide, type Finding, isFruitless } from "./verdict.ts";
import type { Party } from "./wants.ts";

const TASKS = [record({ pid: 1, frames: ["f"] })];
const trouble = (kind: DeviceTrouble["kind"]): DeviceTrouble => ({ kind, input: 0, line: 1, text: kind });
const say = (
  all: readonly Party[],
  p: Partial<Progress> = {},
  e: Partial<Evidence> = {},
  victims = new Set<number>(),
): Finding => decide(evidence({ tasks: TASKS, ...e }), world(all, { victims }), { ...noProgress, ...p });
const short = (f: Finding) => `${f.verdict} ${f.confidence}`;

/** Two tasks, each holding an inode of the class the other waits for: joined by class only. */
const byClass = (a: PartyOptions = {}, b: PartyOptions = {}): Party[] =>
  parties(
    { ...a, want: { class: "i_rwsem", scope: "inode" }, haves: [{ class: "xfs_ilock", scope: "inode" }] },
    { ...b, want: { class: "xfs_ilock", scope: "inode" }, haves: [{ class: "i_rwsem", scope: "inode" }] },
  );

describe("a cycle of exact instances", () => {
  test("needs no clock", () => {
    for (const persistence of ["stuck", "as-reported", "moment", "moved"] as const)
      expect(short(say(abba({ persistence }, { persistence })))).toBe("deadlock proven");
  });
  test("is as sure as its weakest link", () => {
    expect(short(say(abba({ haves: [{ id: "a", scope: "global", confidence: "likely" }] })))).toBe("deadlock likely");
    const possible = say(abba({ haves: [{ id: "a", scope: "global", confidence: "possible" }] }));
    expect(possible.verdict).not.toBe("deadlock");
  });
  test("is none when a member has gone on, or sleeps interruptibly", () => {
    expect(say(abba({ released: true })).verdict).toBe("unknown");
    expect(say(abba({ want: { sleep: "interruptible" }, now: { state: "S" } })).verdict).toBe("unknown");
    expect(say(abba({ want: { sleep: "interruptible" }, now: { state: "D" } })).verdict).toBe("deadlock");
    expect(say(abba({ want: { sleep: "killable" } })).verdict).toBe("deadlock");
  });
  test("names its core and assumes nothing", () => {
    const f = say(abba());
    expect(f.core?.contexts).toEqual([0, 1]);
    expect(f.assumptions).toEqual([]);
    expect(f.suspect).toBeUndefined();
  });
});

describe("a cycle joined by class", () => {
  test("counts only when every member is known to stay where it is", () => {
    const both = (a: Party["subject"]["persistence"], b: Party["subject"]["persistence"]) =>
      short(say(byClass({ persistence: a }, { persistence: b })));
    expect(both("stuck", "stuck")).toBe("deadlock likely");
    expect(both("stuck", "as-reported")).toBe("deadlock likely");
    expect(both("stuck", "moment")).toBe("unknown possible");
    expect(both("moved", "stuck")).toBe("unknown possible");
  });
  test("counters that stand still make up for a member seen only once", () => {
    const all = byClass({}, { persistence: "moment" });
    expect(say(all, { storage: "still" }).verdict).toBe("deadlock");
    expect(say(all, { memory: "still" }).verdict).toBe("deadlock");
    expect(say(all, { storage: "still", memory: "advancing" }).verdict).toBe("slow");
    expect(say(byClass({ persistence: "moment" }, { persistence: "moment" }), { storage: "still" }).verdict).toBe(
      "unknown",
    );
  });
  test("what is not sure enough is kept as a suspect", () => {
    expect(say(byClass({ persistence: "moment" })).suspect?.contexts).toEqual([0, 1]);
  });
  test("with several candidates for the holder, only hung reports will do", () => {
    const twoHolders = (persistence: Party["subject"]["persistence"]) =>
      parties(
        { persistence, want: { class: "i_rwsem", scope: "inode" }, haves: [{ class: "xfs_ilock", scope: "inode" }] },
        ...[1, 2].map(
          (): PartyOptions => ({
            persistence,
            want: { class: "xfs_ilock", scope: "inode" },
            haves: [{ class: "i_rwsem", scope: "inode" }],
          }),
        ),
      );
    expect(say(twoHolders("stuck")).verdict).toBe("deadlock");
    expect(say(twoHolders("as-reported")).verdict).toBe("unknown");
    const mixed = twoHolders("as-reported");
    const [first, ...others] = twoHolders("stuck");
    expect(say([first!, ...mixed.slice(1)]).verdict).toBe("unknown");
    expect(say([mixed[0]!, ...others]).verdict).toBe("unknown");
    expect(say(byClass({ persistence: "as-reported" }, { persistence: "as-reported" })).verdict).toBe("deadlock");
  });
});

describe("a cycle that the device could end", () => {
  const writeback = {
    class: "PG_writeback",
    event: "end_writeback",
    scope: "page",
    providers: ["holder", "device"],
  } as const;
  const page = { class: "PG_locked", scope: "page", confidence: "likely" } as const;
  const bio = { class: "PG_writeback", scope: "page", confidence: "likely" } as const;
  const all = (inReclaim: boolean, o: PartyOptions = {}) =>
    parties(
      { want: { ...writeback, inReclaim }, haves: [page], ...o },
      { want: { class: "PG_locked", scope: "page" }, haves: [bio] },
    );

  test("in reclaim: likely, and the assumption is said", () => {
    const f = say(all(true));
    expect(short(f)).toBe("deadlock likely");
    expect(f.assumptions.join()).toContain("not submitted");
  });
  test("outside reclaim the device ends it", () => {
    expect(say(all(false)).verdict).toBe("unknown");
  });
  test("troubles of a device take the assumption away", () => {
    expect(say(all(true), {}, { troubles: [trouble("timeout")] }).verdict).not.toBe("deadlock");
    expect(say(all(true), {}, { troubles: [trouble("recovered")] }).verdict).toBe("deadlock");
  });
  test("troubles do not undo a cycle that needs no hypothesis", () => {
    expect(say(abba(), {}, { troubles: [trouble("timeout")] }).verdict).toBe("deadlock");
    expect(say(byClass(), {}, { troubles: [trouble("timeout")] }).verdict).toBe("deadlock");
  });
  test("a stacked device's worker takes two", () => {
    const io = { class: "device_io", event: "complete", scope: "device", providers: ["device"] } as const;
    const have = { class: "device_io", scope: "device", confidence: "likely" } as const;
    const two = say(
      parties({ want: io, haves: [page] }, { want: { class: "PG_locked", scope: "page" }, haves: [have] }),
    );
    expect(short(two)).toBe("deadlock likely");
    expect(two.assumptions.join()).toContain("blocked worker");
  });
});

describe("livelock", () => {
  const loop = {
    class: "memcg_charge",
    event: "uncharge",
    scope: "memcg",
    sleep: "poll",
    any: true,
    retries: true,
    inReclaim: true,
  } as const;
  const handle = { class: "jbd2_handle", scope: "journal" } as const;
  const flusher: PartyOptions = {
    want: { class: "jbd2_handle", event: "updates_zero", scope: "journal" },
    haves: [{ class: "writeback_work", scope: "device" }],
  };
  const all = (a: PartyOptions = {}, b: PartyOptions = {}) =>
    parties({ want: loop, haves: [handle], ...a }, { ...flusher, ...b });
  const FRUITLESS = {
    input: 0,
    line: 1,
    values: { nr_reclaimed: 0, "nr.taken": 10, "nr.unqueued_dirty": 10, priority: 0 },
  };

  test("a loop that holds what its helper waits for", () => {
    const f = say(all());
    expect(short(f)).toBe("livelock possible");
    expect(f.core?.contexts).toEqual([0, 1]);
    expect(f.assumptions.join()).toContain("no other task");
  });
  test("likely once counters stand still or the log shows the fruitless scans", () => {
    expect(short(say(all(), { storage: "still" }))).toBe("livelock likely");
    expect(short(say(all(), { memory: "still" }))).toBe("livelock likely");
    expect(short(say(all(), {}, { scanControls: [FRUITLESS] }))).toBe("livelock likely");
  });
  test("not while the disk works, nor while the group gets pages", () => {
    expect(short(say(all(), { storage: "advancing" }))).toBe("slow likely");
    expect(short(say(all(), { memory: "advancing" }))).toBe("slow likely");
    expect(say(all(), { memory: "advancing", storage: "still" }).verdict).toBe("livelock");
  });
  test("not from one moment without counters", () => {
    expect(say(all({ persistence: "moment" })).verdict).toBe("unknown");
    expect(say(all({ persistence: "moment" }), { storage: "still" }).verdict).toBe("livelock");
    expect(say(all({ persistence: "moment" }), {}, { scanControls: [FRUITLESS] }).verdict).toBe("livelock");
  });
  test("not of a loop that holds nothing, nor of tasks that have gone on", () => {
    expect(say(all({ haves: [] })).verdict).not.toBe("livelock");
    expect(say(all({ released: true })).verdict).not.toBe("livelock");
  });
  test("fruitless scans stand in for a flusher that was not printed", () => {
    const alone = parties({ want: loop, haves: [handle] });
    expect(say(alone).verdict).toBe("unknown");
    const f = say(alone, {}, { scanControls: [FRUITLESS] });
    expect(short(f)).toBe("livelock likely");
    expect(f.assumptions.join()).toContain("the flusher needs a jbd2 handle");
  });
});

describe("a fruitless scan", () => {
  const scan = { nr_reclaimed: 0, nr_scanned: 100, "nr.unqueued_dirty": 90, priority: 3 };
  test("takes pages, frees none, finds them dirty, at the end of its rope", () => {
    expect(isFruitless({ values: scan })).toBe(true);
    expect(isFruitless({ values: { ...scan, nr_reclaimed: 1 } })).toBe(false);
    expect(isFruitless({ values: { ...scan, "nr.unqueued_dirty": 89 } })).toBe(false);
    expect(isFruitless({ values: { ...scan, priority: 4 } })).toBe(false);
    expect(isFruitless({ values: { ...scan, nr_scanned: 0 } })).toBe(false);
    const { priority: _p, ...early } = scan;
    expect(isFruitless({ values: early })).toBe(false);
    const { nr_reclaimed: _r, ...unsaid } = scan;
    expect(isFruitless({ values: unsaid })).toBe(false);
  });
});

describe("open ends", () => {
  const io = { class: "device_io", event: "complete", scope: "device", providers: ["device"] } as const;
  const device = (o: PartyOptions = {}) => parties({ want: io, ...o });
  const on = (provider: "server" | "admin" | "timer") => parties({ want: { id: "x", providers: [provider] } });

  test("nothing recognised, or nobody waits", () => {
    expect(short(say([], {}, { tasks: [], snapshots: [] }))).toBe("unknown possible");
    expect(short(say([], {}, { tasks: [] }))).toBe("none likely");
    expect(short(say([], {}, { tasks: [], snapshots: [snapshot({ complete: false })] }))).toBe("unknown possible");
    const idle = parties(
      { meaning: { state: "idle", holds: [], doing: [], unknown: [] } },
      { blocked: false },
      { released: true },
    );
    expect(short(say(idle))).toBe("none likely");
  });
  test("a hung report or a lockup is never none", () => {
    const lockup: LockupReport = { kind: "soft-lockup", input: 0, line: 1 };
    expect(short(say(parties({ released: true, blockedSeconds: 120 })))).toBe("slow likely");
    expect(say([], {}, { tasks: [], snapshots: [], lockups: [lockup] }).verdict).toBe("unknown");
  });
  test("everybody was elsewhere in another dump: ordinary waits", () => {
    expect(short(say(parties({ persistence: "moved", want: { id: "x" } })))).toBe("none likely");
    expect(short(say(device({ persistence: "moved" }), { storage: "still" }))).toBe("none likely");
    expect(short(say(device({ persistence: "moved" })))).toBe("slow likely");
    expect(short(say(device({ persistence: "moved", blockedSeconds: 120 })))).toBe("slow likely");
    expect(say(parties({ want: io, persistence: "moved" }, { want: io })).verdict).toBe("unknown");
    expect(say(parties({ want: io, persistence: "moved" }, { want: io, persistence: "as-reported" })).verdict).not.toBe(
      "none",
    );
  });
  test("counters that rise: slow", () => {
    expect(short(say(device(), { storage: "advancing" }))).toBe("slow likely");
    expect(short(say(device(), { memory: "advancing" }))).toBe("slow likely");
  });
  test("the device: lost when requests hang or it had trouble, slow when it recovered, else unknown", () => {
    expect(short(say(device(), { ioStuck: true, storage: "still" }))).toBe("lost-io likely");
    expect(short(say(device(), {}, { troubles: [trouble("io-error")] }))).toBe("lost-io likely");
    expect(short(say(device(), {}, { troubles: [trouble("reset"), trouble("recovered")] }))).toBe("slow likely");
    expect(short(say(device(), {}, { troubles: [trouble("recovered")] }))).toBe("unknown possible");
    expect(short(say(device()))).toBe("unknown possible");
  });
  test("trouble and requests in flight explain only waits that end there", () => {
    const elsewhere = parties({ want: { id: "x" } });
    expect(say(elsewhere, {}, { troubles: [trouble("io-error")] }).verdict).toBe("unknown");
    expect(say(elsewhere, { ioStuck: true }).verdict).toBe("unknown");
  });
  test("a server that does not answer is lost I/O, an administrator or a timer is slow", () => {
    expect(say(on("server"), {}, { troubles: [trouble("server-not-responding")] }).verdict).toBe("lost-io");
    expect(say(on("server")).verdict).toBe("unknown");
    expect(short(say(on("admin")))).toBe("slow likely");
    const x = { id: "x", providers: ["admin"] } as const;
    expect(say(parties({ want: x }, { want: x })).reasons).toEqual(["2 waits end at an administrator"]);
  });
  test("timed sleeps end by themselves; what others wait for behind one may not", () => {
    const x = { id: "x", scope: "global" } as const;
    const sleeper: PartyOptions = { want: { id: "y", sleep: "timed" }, haves: [x] };
    const timed = (persistence: Party["subject"]["persistence"]) =>
      short(say(parties(sleeper, { persistence, want: x })));
    expect(short(say(parties(sleeper)))).toBe("slow likely");
    expect(timed("as-reported")).toBe("slow likely");
    expect(timed("stuck")).toBe("unknown possible");
  });
  test("a holder outside the log: unknown", () => {
    expect(short(say(parties({ want: { id: "x" } })))).toBe("unknown possible");
  });
});

test("no input, no claim", async () => {
  expect((await diagnose("nothing of a kernel here\n")).verdict).toBe("unknown");
});
