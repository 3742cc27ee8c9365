import { describe, expect, test } from "vitest";
import {
  abba,
  evidence,
  meaning,
  noProgress,
  type PartyOptions,
  parties,
  record,
  world,
} from "../../test/diagnose-worlds.ts";
import { Interpreter } from "../knowledge/interpret.ts";
import { decide, type Finding } from "./verdict.ts";
import {
  breakerRefs,
  coreViews,
  countContexts,
  detailsOf,
  refOf,
  stuckGroups,
  tellingHolds,
  unexplainedOf,
  unknownFramesOf,
  wantedClasses,
} from "./view.ts";
import type { Party, World } from "./wants.ts";

const GLOBAL = { scope: "global" } as const;
const interpreter = new Interpreter(undefined, []);
const finding = (all: readonly Party[], w: Partial<World> = {}): Finding =>
  decide(evidence({ tasks: [record({ frames: ["f"] })] }), world(all, w), noProgress);
const more = (...rest: readonly PartyOptions[]) => [...abba(), ...parties({}, {}, ...rest).slice(2)];
const details = (all: readonly Party[], limit?: number) => detailsOf(finding(all), interpreter, limit);

test("a core edge: who, for what, held by whom, and the evidence of both sides", () => {
  const all = abba(
    {
      want: { because: "frame a_waits", line: 11 },
      haves: [{ id: "a", ...GLOBAL, because: "frame a_holds", line: 12 }],
    },
    {
      want: { because: "frame b_waits", line: 21 },
      haves: [{ id: "b", ...GLOBAL, because: "frame b_holds", line: 22 }],
      now: { input: 1 },
    },
  );
  const edge = coreViews(finding(all)).find((e) => e.waiter.pid === 1);
  expect(edge).toMatchObject({
    waitsFor: { class: "mutex", id: "b" },
    event: "unlock",
    any: false,
    why: ["frame a_waits", "frame b_holds"],
    lines: [
      { input: 0, line: 11 },
      { input: 1, line: 22 },
    ],
    confidence: "proven",
  });
  expect(edge?.heldBy.map((h) => h.pid)).toEqual([2]);
  expect(coreViews(finding(parties({ want: { id: "x" } })))).toEqual([]);
});

describe("breakers", () => {
  const inode = (cls: string) => ({ class: cls, scope: "inode" }) as const;
  test("each of two that wait for each other", () => {
    expect(
      breakerRefs(finding(abba()))
        .map((r) => r.pid)
        .sort(),
    ).toEqual([1, 2]);
  });
  test("one of several candidates for a wait is not sure", () => {
    const candidate: PartyOptions = { want: inode("xfs_ilock"), haves: [inode("i_rwsem")] };
    const f = finding(parties({ want: inode("i_rwsem"), haves: [inode("xfs_ilock")] }, candidate, candidate));
    expect(f.verdict).toBe("deadlock");
    expect(breakerRefs(f).map((r) => r.pid)).toEqual([1]);
  });
  test("none without a core", () => {
    expect(breakerRefs(finding(parties({ want: { id: "x" } })))).toEqual([]);
  });
});

describe("groups behind it", () => {
  test("by what they wait for, the largest first; not the core, nor who only idles or runs", () => {
    const groups = stuckGroups(
      finding(
        more(
          { want: { id: "a", ...GLOBAL } },
          { want: { id: "z" }, count: 4 },
          { want: { id: "z" } },
          { want: { id: "q" }, blocked: false },
        ),
      ),
    );
    expect(groups.map((g) => `${g.waitsFor.id} x${g.count} by ${g.contexts.map((c) => c.pid)}`)).toEqual([
      "z x5 by 4,5",
      "a x1 by 3",
    ]);
    expect(groups[1]?.heldBy.map((h) => h.pid)).toEqual([1]);
    expect(groups[0]?.heldBy.map((h) => h.kind)).toEqual(["unknown"]);
  });
  test("events part groups of one resource", () => {
    const groups = stuckGroups(finding(parties({ want: { id: "x" } }, { want: { id: "x", event: "other" } })));
    expect(groups.map((g) => g.event).sort()).toEqual(["other", "unlock"]);
  });
  test("at most 1,000 are listed; the count is exact", () => {
    const all = parties(...Array.from({ length: 1203 }, (_, i) => ({ want: { id: "x" }, count: i === 0 ? 11 : 1 })));
    const [g] = stuckGroups(finding(all));
    expect([g?.contexts.length, g?.count]).toEqual([1000, 1213]);
  });
});

describe("holds worth telling", () => {
  const party = parties({
    haves: [{ class: "sb_writers" }, { class: "mutex", id: "f_pos_lock" }, { class: "s_umount" }],
  })[0]!;
  test("everyday ones are hidden until somebody waits for them", () => {
    expect(tellingHolds(party, new Set()).map((h) => h.class)).toEqual(["s_umount"]);
    expect(tellingHolds(party, new Set(["sb_writers"])).map((h) => h.class)).toEqual(["sb_writers", "s_umount"]);
    expect(tellingHolds(party, new Set(["mutex"])).map((h) => h.class)).toEqual(["mutex", "s_umount"]);
  });
  test("classes that blocked tasks wait for", () => {
    expect([...wantedClasses(parties({ want: { class: "x" } }, { want: { class: "y" }, blocked: false }, {}))]).toEqual(
      ["x"],
    );
  });
});

describe("details", () => {
  test("the core first, then holders, then the order of the log; with their roles", () => {
    const x = { id: "x", ...GLOBAL };
    const all = parties(
      { want: { id: "y" } },
      { want: { class: "unknown", id: "f" } },
      { blocked: false, haves: [x] },
      { want: x },
      { want: { id: "z" }, haves: [{ id: "w", ...GLOBAL }] },
      { want: { id: "w", ...GLOBAL } },
      {},
      { blocked: false },
    );
    expect(details(all).map((d) => `${d.pid} ${d.role}`)).toEqual([
      "3 running",
      "5 holder",
      "1 victim",
      "2 unexplained",
      "4 victim",
      "6 victim",
      "7 bystander",
    ]);
    expect(details(more({ want: { id: "a", ...GLOBAL } })).map((d) => `${d.pid} ${d.role}`)).toEqual([
      "1 core",
      "2 core",
      "3 victim",
    ]);
    expect(details(all, 2).map((d) => d.pid)).toEqual([3, 5]);
  });

  test("frames as the kernel prints them, with what is said of them and their lines", () => {
    const [d] = details(
      parties({
        frames: ["schedule+0x5a/0xd0", "? stale+0x1/0x2", "waits [ext4]", "holds", "stranger"],
        now: { frameLines: [1, 2, 3, 4, 5] },
        want: { id: "x", frame: 1 },
        haves: [{ class: "s_umount", frame: 2 }],
      }),
    );
    expect(d?.frames).toEqual([
      { text: "schedule+0x5a/0xd0", line: 1 },
      { text: "? stale+0x1/0x2", line: 2 },
      { text: "waits [ext4]", line: 3, says: "waits for mutex x" },
      { text: "holds", line: 4, says: "holds s_umount" },
      { text: "stranger", line: 5, says: "not in the table" },
    ]);
  });

  test("what it holds and waits for, in full where known and without what is not", () => {
    const [d] = details(
      parties({
        want: { class: "rwsem", mode: "write", line: 8 },
        haves: [
          { class: "s_umount", mode: "read", line: 9 },
          { id: "m", because: "here" },
        ],
      }),
    );
    expect(d?.wait).toEqual({
      resource: { class: "rwsem" },
      event: "unlock",
      mode: "write",
      sleep: "uninterruptible",
      any: false,
      because: "frame waiting",
      line: 8,
    });
    expect(d?.holds).toEqual([
      { resource: { class: "s_umount" }, mode: "read", confidence: "proven", because: "held by 1", line: 9 },
      { resource: { class: "mutex", id: "m" }, confidence: "proven", because: "here" },
    ]);
  });

  test("a wait at the innermost frame is said there", () => {
    const [d] = details(parties({ frames: ["waits", "f"], want: { id: "x", frame: 0 } }));
    expect(d?.frames[0]?.says).toBe("waits for mutex x");
  });

  test("the worker's job, the state and the time it has waited", () => {
    const now = { state: "D", workqueue: { name: "writeback", work: "wb_workfn", description: "flush-8:0" } } as const;
    expect(details(parties({ want: { id: "x" }, blockedSeconds: 245, now }))[0]).toMatchObject({
      state: "D",
      blockedSeconds: 245,
      workqueue: "writeback wb_workfn (flush-8:0)",
      wait: { resource: { class: "mutex", id: "x" }, event: "unlock", sleep: "uninterruptible", any: false },
    });
  });
});

test("names of those whom no stack shows", () => {
  const listed = new Map([["aa", { pid: 9, comm: "ghost", input: 0, line: 5 }]]);
  const { model } = finding(parties({ want: { address: "aa" } }, { want: { id: "x" } }), { listed });
  expect(refOf(model, 2)).toMatchObject({ kind: "task", pid: 9, comm: "ghost" });
  expect(refOf(model, 3)).toEqual({
    key: "implicit:unknown-holder:a holder that is not in this log",
    kind: "unknown",
    comm: "a holder that is not in this log",
  });
  expect(refOf(model, 0).pid).toBe(1);
});

test("unknown frames of blocked tasks, the most frequent first, each once per stack", () => {
  const m = meaning({ unknown: ["odd_a", "odd_b"] });
  const all = parties(
    { frames: ["odd_a", "odd_a", "? odd_b", "known"], meaning: m, count: 2 },
    { frames: ["odd_b [mod]"], meaning: m, count: 3 },
    { frames: ["odd_a"], meaning: m, blocked: false },
  );
  expect(unknownFramesOf(all)).toEqual([
    { symbol: "odd_b", module: "mod", count: 3 },
    { symbol: "odd_a", count: 2 },
  ]);
});

describe("the contract's count", () => {
  const asleep = { blocked: false, now: { state: "S" } } as const;
  test("tasks in D, reported hung, blocked or of unstated state, each with its number", () => {
    expect(countContexts(parties({ count: 3 }, asleep, { blocked: false, now: { state: undefined } }))).toBe(4);
    const was = { ...asleep, records: [record({ state: "D" }), record({ state: "S" })] };
    expect(countContexts(parties(was))).toBe(1);
    expect(countContexts(parties({ blocked: true, now: { state: "R" } }))).toBe(1);
  });
  test("of those, whose wait nobody can say", () => {
    const all = parties(
      { want: { class: "unknown" } },
      {},
      { want: { id: "x" } },
      ...(["running", "idle", "spinning"] as const).map((state): PartyOptions => ({ meaning: meaning({ state }) })),
      { ...asleep, want: { class: "unknown" } },
    );
    expect(unexplainedOf(all).map((r) => r.pid)).toEqual([1, 2]);
  });
});
