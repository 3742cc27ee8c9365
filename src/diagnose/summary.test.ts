import { describe, expect, test } from "vitest";
import { abba, evidence, noProgress, type PartyOptions, parties, record, world } from "../../test/diagnose-worlds.ts";
import type { Evidence } from "../evidence/types.ts";
import type { Progress } from "./progress.ts";
import { summaryOf } from "./summary.ts";
import { decide } from "./verdict.ts";
import { coreViews, stuckGroups } from "./view.ts";
import type { Party } from "./wants.ts";

function summary(all: readonly Party[], p: Partial<Progress> = {}, e: Partial<Evidence> = {}): string {
  const ev = evidence({ tasks: [record({ frames: ["f"] })], ...e });
  const f = decide(ev, world(all), { ...noProgress, ...p });
  return summaryOf(f, coreViews(f), stuckGroups(f), ev);
}
const GLOBAL = { scope: "global" } as const;
const has = (id: string) => [{ id, ...GLOBAL }];
const wants = (id: string) => ({ id, ...GLOBAL });
const io = { class: "device_io", event: "complete", scope: "device", providers: ["device"] } as const;

describe("a deadlock", () => {
  test("of two", () => {
    expect(summary(abba())).toMatch(
      /^t[12] \([12]\) waits for mutex ([ab]) held by t[12] \([12]\), which waits for mutex ([ab]) that only t[12] \([12]\) can end\.$/,
    );
  });
  test("with others besides, counted", () => {
    const more = (count: number) => [...abba(), ...parties({}, {}, { want: wants("a"), count }).slice(2)];
    expect(summary(more(1))).toMatch(/; 1 more context waits besides\.$/);
    expect(summary(more(5))).toMatch(/; 5 more contexts wait besides\.$/);
  });
  test("with itself", () => {
    const self = parties({
      frames: ["w", "h"],
      want: { ...wants("a"), frame: 0 },
      haves: [{ ...wants("a"), frame: 1 }],
    });
    expect(summary(self)).toBe("t1 (1) waits for mutex a, which only it can end itself.");
  });
  test("of three", () => {
    const ring = parties(
      { want: wants("b"), haves: has("a") },
      { want: wants("c"), haves: has("b") },
      { want: wants("a"), haves: has("c") },
    );
    expect(summary(ring)).toMatch(/^(t[123] \([123)]+(, | and )?){3} wait for each other in a circle\.$/);
  });
});

test("a livelock: who retries for what, holding what, and how many wait behind it", () => {
  const loop: PartyOptions = {
    want: { class: "memcg_charge", event: "uncharge", scope: "memcg", sleep: "poll", any: true, retries: true },
    haves: [
      { class: "jbd2_handle", scope: "journal" },
      { class: "s_umount", scope: "sb" },
    ],
  };
  const flusher: PartyOptions = {
    want: { class: "jbd2_handle", event: "updates_zero", scope: "journal" },
    haves: [{ class: "writeback_work", scope: "device" }],
  };
  expect(summary(parties(loop, flusher, { want: { id: "x" } }), { storage: "still" })).toBe(
    "t1 (1) retries for memory of its cgroup to come free while it holds a jbd2 handle, and what would help it waits behind it; 1 more context waits.",
  );
});

describe("no deadlock", () => {
  test("slow", () => {
    expect(summary(parties({ want: io }), { storage: "advancing" })).toBe(
      "Slow, not deadlocked: counters of finished work still rise; 1 context waits.",
    );
  });
  test("lost I/O", () => {
    expect(summary(parties({ want: io }, { want: io }), { ioStuck: true })).toBe(
      "Submitted I/O does not complete: requests are in flight and none completes; 2 contexts wait behind it.",
    );
  });
  test("nobody waits", () => {
    expect(summary(parties({ blocked: false }))).toBe("Nobody waits abnormally: nobody waits in the last dump.");
    expect(summary([], {}, { tasks: [] })).toBe("No blocked task in this input.");
  });
});

describe("cannot tell", () => {
  test("one waiter: the median report", () => {
    expect(summary(parties({ want: { class: "PG_locked", scope: "page" } }))).toBe(
      "Cannot tell yet: t1 (1) is a waiter, for the lock of a page (PG_locked); the chain ends at a holder that is not in this log.",
    );
  });
  test("many waiters, of which the largest group is named", () => {
    const x = { id: "x" };
    expect(summary(parties({ want: x }, { want: x }))).toContain("2 contexts wait, all for mutex x;");
    expect(summary(parties({ want: { id: "y" } }, { want: x }, { want: x }))).toContain(
      "3 contexts wait, 2 of them for mutex x;",
    );
  });
  test("where the chain ends", () => {
    expect(summary(parties({ want: io }))).toContain("which may be slow or may have lost the I/O");
    expect(summary(parties({ want: { id: "x", providers: ["server"] } }))).toContain("a server outside this machine");
    expect(summary(parties({ want: wants("x") }, { comm: "busy", blocked: false, haves: has("x") }))).toContain(
      "ends at busy, which can run",
    );
  });
  test("a cycle that is not sure enough is named as such", () => {
    const all = parties(
      {
        persistence: "moment",
        want: { class: "i_rwsem", scope: "inode" },
        haves: [{ class: "xfs_ilock", scope: "inode" }],
      },
      { want: { class: "xfs_ilock", scope: "inode" }, haves: [{ class: "i_rwsem", scope: "inode" }] },
    );
    expect(summary(all)).toContain("A possible cycle (t1 (1) and t2 (2)) is not sure enough to be called one.");
  });
  test("no stack, or none that says anything", () => {
    expect(summary([], {}, { tasks: [], snapshots: [] })).toBe(
      "Cannot tell: no stack of a task was recognised in this input.",
    );
    expect(summary(parties({}))).toBe("Cannot tell: no context's wait could be read from this input.");
  });
});
