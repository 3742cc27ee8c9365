import { describe, expect, test } from "vitest";
import { abba, type PartyOptions, parties, world } from "../../test/diagnose-worlds.ts";
import { analyze } from "../waits/index.ts";
import type { WaitCondition } from "../waits/types.ts";
import { type Hypothesis, type Model, modelOf } from "./model.ts";
import { terminalsOf } from "./terminals.ts";
import type { World } from "./wants.ts";

const name = (m: Model, id: number) => (id < m.parties.length ? `${id}` : m.implicit[id - m.parties.length]!.role);

/** `all(mutex a unlock <- 1 likely)` */
function words(m: Model, w: WaitCondition): string {
  if (w.kind !== "event") return `${w.kind}(${w.of.map((c) => words(m, c)).join("; ")})`;
  const e = m.graph.events[w.event]!;
  const timer = e.timer ? ` ${e.timer.seconds} s` : "";
  const by = e.providers.map((p) => `${name(m, p.context)} ${p.confidence}`).join(", ");
  return `${[e.resource.class, e.resource.id, e.verb].filter(Boolean).join(" ")}${timer} <- ${by}`;
}

/** What the first party waits for. */
function first(w: World, h: Hypothesis = {}): string | undefined {
  const m = modelOf(w, h);
  const wait = m.graph.contexts[0]?.wait;
  return wait && words(m, wait);
}
const of = (...all: PartyOptions[]) => world(parties(...all));
const GLOBAL = { scope: "global" } as const;

describe("who ends a wait", () => {
  test("its holder, and nobody else", () => {
    expect(first(world(abba()))).toBe("mutex b unlock <- 1 proven");
  });
  test("nobody known: a holder outside the log", () => {
    expect(first(of({ want: { id: "x" } }))).toBe("mutex x unlock <- unknown-holder likely");
  });
  test("a holder that is only possible leaves room for the real one", () => {
    expect(
      first(of({ want: { id: "x", ...GLOBAL } }, { haves: [{ id: "x", ...GLOBAL, confidence: "possible" }] })),
    ).toBe("mutex x unlock <- 1 possible, unknown-holder likely");
  });
  test("any of several candidates, when one has it", () => {
    const x = { id: "x", ...GLOBAL };
    expect(first(of({ want: x }, { haves: [x] }, { haves: [x] }))).toBe("mutex x unlock <- 1 proven, 2 proven");
  });
  test.each(["server", "admin", "timer", "anyone"] as const)("%s is never excluded by a holder", (hint) => {
    const x = { id: "x", ...GLOBAL };
    expect(first(of({ want: { ...x, providers: ["holder", hint] } }, { haves: [x] }))).toMatch(
      /<- 1 proven, \w+ likely$/,
    );
  });
  test.each(["flusher", "jbd2", "worker", "kthread"] as const)("%s only when nobody known has it", (hint) => {
    const x = { id: "x", ...GLOBAL };
    const want = { ...x, providers: [hint] };
    expect(first(of({ want }, { haves: [x] }))).toBe("mutex x unlock <- 1 proven");
    expect(first(of({ want }))).toBe(`mutex x unlock <- ${hint} likely`);
  });
  test("a freeze that is in the log is not an administrator's to come", () => {
    const want = { class: "sb_freeze", event: "thaw", scope: "sb", providers: ["admin", "holder"] } as const;
    const have = { class: "sb_freeze", scope: "sb" } as const;
    expect(first(of({ want }, { haves: [have] }))).toBe("sb_freeze thaw <- 1 likely");
    expect(first(of({ want }, { haves: [{ ...have, confidence: "possible" }] }))).toContain("admin");
    expect(first(of({ want }))).toBe("sb_freeze thaw <- admin likely");
  });
  test("a released task waits for nothing any more", () => {
    expect(first(world(abba({ released: true })))).toBeUndefined();
  });
  test("a timed sleep ends by itself", () => {
    expect(first(of({ want: { id: "x", sleep: "timed", seconds: 4 } }))).toBe(
      "mutex x unlock 4 s <- unknown-holder likely",
    );
    expect(first(of({ want: { id: "x", sleep: "timed" } }))).toContain(" 1 s ");
    expect(first(of({ want: { id: "x", sleep: "poll", seconds: 4 } }))).not.toContain(" s ");
  });
  test("a queued writer is in a reader's way although only readers hold the lock", () => {
    const x = { class: "rwsem", id: "x", ...GLOBAL } as const;
    const read = { ...x, mode: "read" } as const;
    expect(first(of({ want: read }, { haves: [read] }, { want: { ...x, mode: "write" } }))).toBe(
      "rwsem x unlock <- 2 likely",
    );
    expect(first(of({ want: read }, { haves: [x] }, { want: { ...x, mode: "write" } }))).toBe(
      "rwsem x unlock <- 1 proven",
    );
  });
});

describe("waits that need every holder to let go", () => {
  const two = (w: PartyOptions["want"]) => {
    const have = { class: w!.class ?? "mutex", id: w!.id, ...GLOBAL };
    return first(of({ want: { ...w, ...GLOBAL } }, { haves: [have] }, { haves: [have] }));
  };
  test.each(["jbd2_handle", "queue_freeze", "srcu", "rcu_grace_period", "btrfs_transaction"])("%s", (cls) => {
    expect(two({ class: cls, event: "e" })).toBe(`all(${cls} e <- 1 proven; ${cls} e <- 2 proven)`);
  });
  test("a writer waits for all readers; others for whoever has it", () => {
    expect(two({ class: "rwsem", id: "x", mode: "write" })).toMatch(/^all\(.*1 proven; .*2 proven\)$/);
    expect(two({ class: "rwsem", id: "x" })).toBe("rwsem x unlock <- 1 proven, 2 proven");
    expect(two({ class: "btrfs_transaction", event: "commit" })).toBe("btrfs_transaction commit <- 1 proven, 2 proven");
  });
  test("of which the only possible ones and itself are not asked for", () => {
    const x = { class: "jbd2_handle", scope: "journal" } as const;
    const w = of(
      { want: { ...x, event: "updates_zero", frame: 0 }, haves: [{ ...x, frame: 2 }] },
      { haves: [x] },
      { haves: [{ ...x, confidence: "possible" }] },
      { haves: [x] },
    );
    expect(first(w)).toBe("all(jbd2_handle updates_zero <- 1 likely; jbd2_handle updates_zero <- 3 likely)");
  });
});

describe("the device", () => {
  const writeback = {
    class: "PG_writeback",
    event: "end_writeback",
    scope: "page",
    providers: ["holder", "device"],
  } as const;
  const holder: PartyOptions = { haves: [{ class: "PG_writeback", scope: "page", confidence: "likely" }] };
  const withDevice = "PG_writeback end_writeback <- 1 likely, hardware likely";
  const without = "PG_writeback end_writeback <- 1 likely";
  const inReclaim = { want: { ...writeback, inReclaim: true } };

  test("may end any writeback, unless a hypothesis says the bio is not submitted", () => {
    expect(first(of(inReclaim, holder))).toBe(withDevice);
    expect(first(of(inReclaim, holder), { unsubmitted: true })).toBe(without);
    expect(first(of(inReclaim, holder), { unsubmittedForAll: true })).toBe(without);
    expect(first(of(inReclaim, holder), { stackedDevice: true })).toBe(withDevice);
  });
  test("that hypothesis is about reclaim's waits only", () => {
    expect(first(of({ want: writeback }, holder), { unsubmitted: true })).toBe(withDevice);
    expect(first(of({ want: writeback }, holder), { unsubmittedForAll: true })).toBe(without);
  });
  test("has done its part where end-of-I/O works pile up: the worker is left", () => {
    const pendingEndIo = { fn: "xfs_end_io", queue: "xfs-conv/dm-0", count: 58, input: 0, line: 1 };
    const w = (...all: PartyOptions[]) => world(parties(...all), { pendingEndIo });
    expect(first(w(inReclaim, holder))).toBe("PG_writeback end_writeback <- 1 likely, worker likely");
    const io = { class: "device_io", event: "complete", scope: "device", providers: ["device"] } as const;
    expect(first(w({ want: io }))).toBe("device_io complete <- hardware likely");
  });
  test("a stacked device's worker stands for other I/O", () => {
    const io = { class: "device_io", event: "complete", scope: "device", providers: ["device"] } as const;
    const worker: PartyOptions = { haves: [{ class: "device_io", scope: "device", confidence: "likely" }] };
    expect(first(of({ want: io }, worker))).toBe("device_io complete <- 1 likely, hardware likely");
    expect(first(of({ want: io }, worker), { stackedDevice: true })).toBe("device_io complete <- 1 likely");
    expect(first(of({ want: io }, worker), { unsubmitted: true })).toContain("hardware");
    expect(first(of({ want: io }), { stackedDevice: true })).toBe("device_io complete <- hardware likely");
  });
});

describe("reclaim", () => {
  const loop: PartyOptions = {
    want: { class: "memcg_charge", event: "uncharge", scope: "memcg", sleep: "poll", any: true, retries: true },
  };
  const flusher: PartyOptions = { haves: [{ class: "writeback_work", scope: "device" }] };

  test("ends by any of: clean pages, other tasks and the device", () => {
    expect(first(of(loop))).toBe(
      "any(memcg_charge pages_cleaned <- flusher likely; memcg_charge uncharge <- hardware likely, anyone likely)".replace(
        "anyone",
        "group",
      ),
    );
  });
  test("the flusher that is in the log cleans pages, unless it is the one that reclaims", () => {
    expect(first(of(loop, flusher))).toContain("any(memcg_charge pages_cleaned <- 1 likely;");
    expect(first(of({ ...loop, ...flusher }))).toContain("pages_cleaned <- flusher likely");
  });
  test("the exit of a victim; not its own", () => {
    const all = parties(loop, {});
    expect(first(world(all, { victims: new Set([1]) }))).toContain("oom_victim exit <- 1 likely");
    expect(first(world(all, { victims: new Set([0]) }))).not.toContain("oom_victim");
  });
  test("alone under its hypothesis", () => {
    expect(first(of(loop), { reclaimAlone: true })).toBe("any(memcg_charge pages_cleaned <- flusher likely)");
  });
  test("the flusher behind the journal waits for every open handle", () => {
    const handle: PartyOptions = { haves: [{ class: "jbd2_handle", scope: "journal" }] };
    const m = modelOf(of(loop, handle, handle), { flusherNeedsJournal: true, reclaimAlone: true });
    const flusher = m.implicit.findIndex((i) => i.role === "flusher") + m.parties.length;
    expect(words(m, m.graph.contexts[flusher]!.wait!)).toBe(
      "all(jbd2_handle updates_zero <- 1 likely; jbd2_handle updates_zero <- 2 likely)",
    );
    const plain = modelOf(of(loop, handle), { reclaimAlone: true });
    expect(plain.graph.contexts.at(-1)?.wait).toBeUndefined();
  });
  test("is marked as a loop; a plain wait is not", () => {
    const m = modelOf(of(loop, { want: { id: "x" } }));
    expect(m.graph.contexts.map((c) => c.retries)).toEqual(
      [true, undefined, undefined, undefined, undefined, undefined].slice(0, m.graph.contexts.length),
    );
  });
});

describe("OOM victims", () => {
  const waits: PartyOptions = {
    want: { class: "memcg_oom", event: "uncharge", scope: "memcg", providers: ["victim", "anyone"] },
  };
  test("their exit ends a wait for OOM handling; others may free memory, unless nobody else does", () => {
    const w = world(parties(waits, {}), { victims: new Set([1]) });
    expect(first(w)).toBe("memcg_oom uncharge <- 1 likely, group likely");
    expect(first(w, { reclaimAlone: true })).toBe("memcg_oom uncharge <- 1 likely");
    expect(first(of(waits), { reclaimAlone: true })).toBe("memcg_oom uncharge <- victim likely, group likely");
  });
});

describe("holders that only a lock list shows", () => {
  const listed = new Map([["aa", { pid: 9, comm: "ghost", input: 0, line: 5 }]]);
  const waiter = { want: { id: "x", address: "aa" } };
  test("are live nodes: they may well run", () => {
    const m = modelOf(world(parties(waiter, waiter), { listed }));
    expect(m.implicit).toEqual([{ kind: "task", role: "unknown-holder", name: "ghost (9)", pid: 9, comm: "ghost" }]);
    expect(m.graph.contexts[2]).toEqual({ kind: "task", pid: 9, comm: "ghost", line: 5 });
    expect(words(m, m.graph.contexts[0]!.wait!)).toBe("mutex x unlock <- unknown-holder proven");
    expect(analyze(m.graph).dead).toEqual([]);
  });
  test("but a holder with a stack comes first", () => {
    expect(first(world(parties(waiter, { haves: [{ address: "aa" }] }), { listed }))).toBe(
      "mutex x unlock <- 1 proven",
    );
  });
});

test("a party's context keeps its name, pid and line", () => {
  const m = modelOf(of({ pid: 7, comm: "x", line: 3 }, { pid: undefined, comm: undefined, line: 9 }));
  expect(m.graph.contexts).toEqual([
    { kind: "task", pid: 7, comm: "x", line: 3 },
    { kind: "task", line: 9 },
  ]);
});

test("waiters for the same thing share one event", () => {
  const x = { id: "x", ...GLOBAL };
  const m = modelOf(of({ want: x }, { want: x }, { want: { ...x, event: "other" } }, { haves: [x] }));
  const events = m.graph.contexts.slice(0, 3).map((c) => (c.wait?.kind === "event" ? c.wait.event : undefined));
  expect(events[0]).toBe(events[1]);
  expect(events[2]).not.toBe(events[0]);
});

test("the dead of a small circle, and only they", () => {
  const m = modelOf(world([...abba()]));
  expect(analyze(m.graph).dead).toEqual([0, 1]);
  expect(analyze(modelOf(world(abba({}, { released: true }))).graph).dead).toEqual([]);
});

describe("terminals", () => {
  const ends = (w: World) => {
    const m = modelOf(w);
    return terminalsOf(m, analyze(m.graph)).map((t) => `${t.role} ${t.name} x${t.count} ${t.parties.join()}`);
  };
  const x = { id: "x", ...GLOBAL };
  const io = { class: "device_io", event: "complete", scope: "device", providers: ["device"] } as const;

  test("follow the chain to its end; the most contexts first", () => {
    expect(ends(of({ want: { id: "y" } }, { want: x }, { want: io, haves: [x] }, { want: x, count: 5 }))).toEqual([
      "hardware the block device x7 1,2,3",
      "unknown-holder a holder that is not in this log x1 0",
    ]);
  });
  test("a holder that can run", () => {
    expect(ends(of({ want: x }, { comm: "busy", haves: [x] }))).toEqual(["running busy x1 0"]);
  });
  test("a timer, a server, an administrator", () => {
    expect(ends(of({ want: { ...x, sleep: "timed" } }))).toEqual(["timed a timer x1 0"]);
    expect(ends(of({ want: { ...x, providers: ["server"] } }))).toEqual(["server the server x1 0"]);
    expect(ends(of({ want: { ...x, providers: ["admin"] } }))).toEqual(["admin an administrator x1 0"]);
  });
  test("the dead end at the deadlock", () => {
    expect(ends(world(abba()))).toEqual(["dead the deadlock x2 0,1"]);
  });
  test("who is released or not blocked does not count", () => {
    expect(ends(of({ want: io, released: true }, { want: io, blocked: false }, { want: io }))).toEqual([
      "hardware the block device x1 2",
    ]);
  });
  test("a circle that something else can end ends there", () => {
    const [a, b] = [
      { id: "a", ...GLOBAL },
      { id: "b", ...GLOBAL },
    ];
    const w = of({ want: { ...b, providers: ["anyone"] }, haves: [a] }, { want: a, haves: [b] });
    expect(ends(w)).toEqual(["group other tasks that free memory x2 0,1"]);
  });
  test("at most twenty parties are named", () => {
    const all = Array.from({ length: 25 }, () => ({ want: io }));
    expect(ends(of(...all))[0]).toMatch(/ x25 0,1,.*,19$/);
  });
});
