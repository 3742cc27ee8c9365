import { describe, expect, test } from "vitest";
import { analyze } from "./analyze.ts";
import { findCores } from "./cores.ts";
import { all, any, atLeast, graphBuilder } from "./graph-builder.ts";
import { compile, extractor } from "./net.ts";
import { printAnalysis } from "./print.ts";
import { reduce } from "./reduce.ts";
import type { Confidence, ContextId, EventId, WaitCondition, WaitGraph } from "./types.ts";

/** Tasks a, b, c ... that each can do one thing, called by the same letter. */
function tasks(names: string, sure: Partial<Record<string, Confidence>> = {}) {
  const g = graphBuilder();
  const id: Record<string, ContextId> = {};
  const event: Record<string, EventId> = {};
  for (const name of names) {
    const context = (id[name] = g.context({ kind: "task", comm: name }));
    event[name] = g.event({ class: "mutex", id: name }, "unlock", {
      by: [{ context, confidence: sure[name] ?? "proven" }],
    });
  }
  return {
    g,
    id: (name: string): ContextId => id[name]!,
    event: (name: string): EventId => event[name]!,
    /** `wait("a", "bc")`: a waits for b and c. */
    wait: (who: string, forAll: string): void => g.wait(id[who]!, all(...[...forAll].map((name) => event[name]!))),
    print: (): string => {
      const graph = g.build();
      return printAnalysis(graph, analyze(graph)).replace(/c(\d+)/g, (_, n) => names[Number(n)]!);
    },
  };
}

describe("reduce", () => {
  test("nothing waits, nothing is dead", () => {
    expect(reduce({ contexts: [], events: [] })).toEqual({ dead: [], timed: [] });
    expect(analyze({ contexts: [{ kind: "task" }], events: [] })).toEqual({
      dead: [],
      cores: [],
      stuckBehind: [],
      breakers: [],
      timed: [],
    });
    expect(printAnalysis({ contexts: [], events: [] }, analyze({ contexts: [], events: [] }))).toBe("dead -\n");
  });

  test("empty conditions and thresholds out of range", () => {
    const alone = (wait: WaitCondition) => reduce({ contexts: [{ kind: "task", wait }], events: [] }).dead;
    expect(alone(all())).toEqual([]);
    expect(alone(any())).toEqual([0]);
    expect(alone(atLeast(0))).toEqual([]);
    expect(alone(atLeast(-3))).toEqual([]);
    expect(alone(atLeast(1))).toEqual([0]);
    expect(alone(atLeast(2, all(), all()))).toEqual([]);
    expect(alone(atLeast(3, all(), all()))).toEqual([0]);
    expect(alone(atLeast(2 ** 40, all()))).toEqual([0]);
    expect(alone(any(any(), all(any())))).toEqual([0]);
    expect(alone(any(any(), all(all())))).toEqual([]);
  });

  test("the same event counts as often as it is named", () => {
    const t = tasks("abc");
    t.g.wait(t.id("a"), atLeast(2, t.event("b"), t.event("b"), t.event("c")));
    t.wait("c", "c");
    expect(reduce(t.g.build()).dead).toEqual([t.id("c")]);
  });

  test("retrying does not make a context able to run, and without a wait it runs anyway", () => {
    const g = graphBuilder();
    const spinning = g.context({ kind: "task" });
    g.wait(spinning, g.event({ class: "memcg_charge" }, "uncharge", { by: [spinning] }), { retries: true });
    expect(reduce(g.build()).dead).toEqual([spinning]);
    expect(reduce({ contexts: [{ kind: "task", retries: true }], events: [] }).dead).toEqual([]);
  });
});

describe("timed", () => {
  test("a wait names the shortest timer that ends it, also through another context", () => {
    const g = graphBuilder();
    const slow = g.context({ kind: "kworker", comm: "kcryptd" });
    const behind = g.context({ kind: "task" });
    const both = g.context({ kind: "task" });
    const idle = g.context({ kind: "task" });
    const throttled = g.event({ class: "dirty_limit" }, "below", { timerSeconds: 0.1 });
    const element = g.event({ class: "mempool" }, "element_freed", { by: [slow], timerSeconds: 5 });
    const commit = g.event({ class: "jbd2_commit" }, "commit", { by: [idle], timerSeconds: 0.2 });
    const lease = g.event({ class: "server" }, "reply", { timerSeconds: 30 });
    g.wait(slow, any(lease, throttled));
    g.wait(behind, element);
    g.wait(both, all(element, lease, commit));
    const graph = g.build();
    expect(printAnalysis(graph, analyze(graph))).toBe("dead -\ntimed c0 e0 0.1s\ntimed c1 e0 0.1s\ntimed c2 e3 30s\n");
  });

  test("of equal timers the first event is named", () => {
    const g = graphBuilder();
    const t = g.context({ kind: "task" });
    const one = g.event({ class: "a" }, "x", { timerSeconds: 1 });
    const two = g.event({ class: "b" }, "x", { timerSeconds: 1 });
    g.wait(t, any(two, one));
    expect(reduce(g.build()).timed).toEqual([{ context: t, event: one, seconds: 1 }]);
  });
});

describe("cores", () => {
  test("page lock against writeback: a cycle of two, everyone else behind it", () => {
    const t = tasks("xfws", { f: "likely" });
    t.wait("f", "w");
    t.wait("w", "f");
    t.wait("x", "s");
    t.wait("s", "w");
    expect(t.print()).toBe(
      [
        "dead x f w s",
        "deadlock cycle exact likely: f w",
        "  f --> unlock(mutex w) by w proven",
        "  w --> unlock(mutex f) by f likely",
        "stuck mutex s: x",
        "stuck mutex w: s",
        "breakers f w",
        "",
      ].join("\n"),
    );
  });

  test("the shortest cycle of several that share a member, from its lowest member on", () => {
    const t = tasks("abcdef");
    t.wait("a", "b");
    t.wait("b", "c");
    t.wait("c", "ad");
    t.wait("d", "f");
    t.wait("f", "e");
    t.wait("e", "c");
    expect(t.print()).toBe(
      [
        "dead a b c d e f",
        "deadlock cycle exact proven: a b c",
        "  a --> unlock(mutex b) by b proven",
        "  b --> unlock(mutex c) by c proven",
        "  c --> unlock(mutex a) by a proven",
        "stuck mutex f: d",
        "stuck mutex c: e",
        "stuck mutex e: f",
        "breakers c",
        "",
      ].join("\n"),
    );
  });

  test("two cycles apart are two cores, the one with more behind it first, and nothing breaks both", () => {
    const t = tasks("abcdefg");
    t.wait("a", "b");
    t.wait("b", "a");
    t.wait("c", "d");
    t.wait("d", "e");
    t.wait("e", "c");
    t.wait("f", "e");
    t.wait("g", "fa");
    expect(t.print()).toBe(
      [
        "dead a b c d e f g",
        "deadlock cycle exact proven: c d e",
        "  c --> unlock(mutex d) by d proven",
        "  d --> unlock(mutex e) by e proven",
        "  e --> unlock(mutex c) by c proven",
        "deadlock cycle exact proven: a b",
        "  a --> unlock(mutex b) by b proven",
        "  b --> unlock(mutex a) by a proven",
        "stuck mutex e: f",
        "stuck mutex f: g",
        "breakers -",
        "",
      ].join("\n"),
    );
  });

  test("with as many behind, the smaller core comes first, then the one of the lower context", () => {
    const t = tasks("abcdefgh");
    t.wait("a", "b");
    t.wait("b", "c");
    t.wait("c", "a");
    t.wait("g", "h");
    t.wait("h", "g");
    t.wait("e", "f");
    t.wait("f", "e");
    expect(t.print().match(/: . ./g)).toEqual([": e f", ": g h", ": a b"]);
  });

  test("it is contexts behind that count, not events, and each once", () => {
    const g = graphBuilder();
    const [a, b, c, d, e, f, h] = [..."abcdefh"].map((comm) => g.context({ kind: "task", comm })) as [
      ContextId,
      ContextId,
      ContextId,
      ContextId,
      ContextId,
      ContextId,
      ContextId,
    ];
    const lock = (by: ContextId) => g.event({ class: "mutex" }, "unlock", { by: [by] });
    g.wait(a, lock(b));
    g.wait(b, lock(a));
    g.wait(e, all(lock(a), lock(b), all(lock(a), lock(a)), lock(b), lock(a)));
    g.wait(c, lock(d));
    g.wait(d, lock(c));
    const once = lock(c);
    g.wait(f, once);
    g.wait(h, once);
    expect(analyze(g.build()).cores.map((core) => core.contexts)).toEqual([
      [c, d],
      [a, b],
    ]);
  });

  test("of cores alike in all else the one of the lowest context is first, whatever its kind", () => {
    const t = tasks("abc");
    t.wait("a", "a");
    t.g.wait(t.id("b"), any());
    t.wait("c", "c");
    expect(t.print().match(/: .\n/g)).toEqual([": a\n", ": b\n", ": c\n"]);
  });

  test("who waits for the same lost event is behind its core", () => {
    const t = tasks("abcdef");
    t.wait("a", "a");
    t.wait("b", "a");
    const lost = t.g.event({ class: "completion" }, "complete");
    for (const who of "cdef") t.g.wait(t.id(who), lost);
    expect(t.print().match(/: .\n/g)).toEqual([": c\n", ": a\n", ": b\n"]);
  });

  test("an OR makes a knot, and everybody who could end the wait is in it", () => {
    const t = tasks("abcd", { c: "possible" });
    t.g.wait(t.id("a"), any(t.event("b"), t.event("c")));
    t.wait("b", "a");
    t.wait("c", "a");
    t.g.wait(t.id("d"), any(t.event("a"), t.event("c")));
    expect(t.print()).toBe(
      [
        "dead a b c d",
        "deadlock knot exact possible: a b c",
        "  a -any-> unlock(mutex b) by b proven",
        "  a -any-> unlock(mutex c) by c possible",
        "  b --> unlock(mutex a) by a proven",
        "  c --> unlock(mutex a) by a proven",
        "stuck mutex a: d",
        "breakers a b c",
        "",
      ].join("\n"),
    );
  });

  test("a knot in which something could be left out is greedy", () => {
    const t = tasks("abcdefg");
    for (const [who, ...others] of ["abc", "bca", "cab"]) t.g.wait(t.id(who!), any(...others.map(t.event)));
    const graph = t.g.build();
    expect(analyze(graph).cores[0]).toMatchObject({ kind: "knot", minimal: "exact", contexts: [0, 1, 2] });
    const u = tasks("abcd");
    for (const [who, ...others] of ["abcd", "bacd", "cabd", "dabc"])
      u.g.wait(u.id(who!), atLeast(2, ...others.map(u.event)));
    expect(u.print()).toBe(
      [
        "dead a b c d",
        "deadlock knot greedy proven: a b c",
        "  a -any-> unlock(mutex b) by b proven",
        "  a -any-> unlock(mutex c) by c proven",
        "  b -any-> unlock(mutex a) by a proven",
        "  b -any-> unlock(mutex c) by c proven",
        "  c -any-> unlock(mutex a) by a proven",
        "  c -any-> unlock(mutex b) by b proven",
        "stuck mutex a: d",
        "breakers -",
        "",
      ].join("\n"),
    );
  });

  test("a knot of two is known to be smallest though a third was left out", () => {
    const g = graphBuilder();
    const [a, b, c] = ["a", "b", "c"].map((comm) => g.context({ kind: "task", comm })) as [
      ContextId,
      ContextId,
      ContextId,
    ];
    const by = (...providers: ContextId[]) => g.event({ class: "mempool" }, "element_freed", { by: providers });
    const both = by(a, b);
    g.wait(a, all(both, by(b, c)));
    g.wait(b, all(both, by(a, c)));
    g.wait(c, by(a, b));
    expect(analyze(g.build()).cores).toMatchObject([{ kind: "knot", minimal: "exact", contexts: [a, b] }]);
  });

  test("one event with several providers is a knot of all of them", () => {
    const g = graphBuilder();
    const [a, b, c] = ["a", "b", "c"].map((comm) => g.context({ kind: "task", comm }));
    const element = g.event({ class: "mempool", id: "m" }, "element_freed", {
      by: [b!, { context: c!, confidence: "likely" }, b!],
    });
    const lock = g.event({ class: "mutex", id: "l" }, "unlock", { by: [a!] });
    g.wait(a!, element);
    g.wait(b!, lock);
    g.wait(c!, lock);
    const graph = g.build();
    expect(printAnalysis(graph, analyze(graph))).toBe(
      [
        "dead c0 c1 c2",
        "deadlock knot exact proven: c0 c1 c2",
        "  c0 --> element_freed(mempool m) by c1 c2 proven",
        "  c1 --> unlock(mutex l) by c0 proven",
        "  c2 --> unlock(mutex l) by c0 proven",
        "breakers c0 c1 c2",
        "",
      ].join("\n"),
    );
  });

  test("a context that waits for itself is a cycle of one, also behind an OR", () => {
    const t = tasks("ab");
    t.wait("a", "a");
    t.g.wait(t.id("b"), any(t.event("b"), any()));
    expect(t.print()).toBe(
      [
        "dead a b",
        "deadlock cycle exact proven: a",
        "  a --> unlock(mutex a) by a proven",
        "deadlock cycle exact proven: b",
        "  b --> unlock(mutex b) by b proven",
        "breakers -",
        "",
      ]
        .join("\n")
        .replace("  b -->", "  b -any->")
        .replace("deadlock cycle exact proven: b", "deadlock knot exact proven: b"),
    );
  });

  test("of several reasons to stay blocked the surest is told, then the first", () => {
    const g = graphBuilder();
    const [a, b] = ["a", "b"].map((comm) => g.context({ kind: "task", comm }));
    const guess = g.event({ class: "guess" }, "unlock", { by: [{ context: b!, confidence: "possible" }] });
    const doubt = g.event({ class: "doubt" }, "unlock", { by: [b!], providersKnown: "likely" });
    const sure = g.event({ class: "sure" }, "unlock", { by: [b!] });
    const also = g.event({ class: "also" }, "unlock", { by: [b!] });
    const back = g.event({ class: "back" }, "unlock", { by: [a!] });
    g.wait(a!, all(guess, any(doubt, sure), all(sure, also)));
    g.wait(b!, all(any(guess, back), back));
    const graph = g.build();
    expect(printAnalysis(graph, analyze(graph))).toContain(
      "cycle exact proven: c0 c1\n  c0 --> unlock(sure) by c1 proven\n  c1 --> unlock(back) by c0 proven\n",
    );
  });

  test("the arrows that are told are in the order of the condition", () => {
    const g = graphBuilder();
    const [a, b] = ["a", "b"].map((comm) => g.context({ kind: "task", comm }));
    const raised = (name: string, confidence: Confidence) =>
      g.event({ class: name }, "unlock", { by: [{ context: b!, confidence }] });
    const [likely, possible, proven] = [raised("l", "likely"), raised("p", "possible"), raised("s", "proven")];
    g.wait(a!, atLeast(2, likely, possible, proven, any(likely)));
    g.wait(b!, g.event({ class: "back" }, "unlock", { by: [a!] }));
    const graph = g.build();
    expect(printAnalysis(graph, analyze(graph))).toContain(
      "  c0 -any-> unlock(l) by c1 likely\n  c0 -any-> unlock(s) by c1 proven\n  c1 -->",
    );
  });

  test("a retrying member makes it a livelock", () => {
    const t = tasks("ab");
    t.wait("b", "a");
    t.g.wait(t.id("a"), t.event("b"), { retries: true });
    expect(t.print()).toContain("livelock cycle exact proven: a b");
  });

  test("a core is found again inside what is left of a part", () => {
    // Two pairs in one strongly connected part: a-b and c-d, each also waiting for the other.
    const t = tasks("abcd");
    t.wait("a", "bc");
    t.wait("b", "a");
    t.wait("c", "da");
    t.wait("d", "c");
    expect(t.print().match(/: . ./g)).toEqual([": a b", ": c d"]);
  });
});

describe("lost wakeups", () => {
  test("one waiter stands for all that wait for the same event, the rest is stuck behind it", () => {
    const g = graphBuilder();
    const waiters = ["a", "b", "c"].map((comm) => g.context({ kind: "task", comm }));
    const spinner = g.context({ kind: "task", comm: "s" });
    const lost = g.event({ class: "completion", id: "done" }, "complete", { providersKnown: "likely" });
    for (const w of waiters) g.wait(w, lost);
    g.wait(spinner, any(lost, any()), { retries: true });
    const held = g.event({ class: "mutex", id: "m" }, "unlock", { by: [waiters[1]!] });
    g.wait(g.context({ kind: "task", comm: "d" }), all(held, lost));
    const graph = g.build();
    expect(printAnalysis(graph, analyze(graph))).toBe(
      [
        "dead c0 c1 c2 c3 c4",
        "missed-wakeup orphan exact likely: c0",
        "  c0 --> complete(completion done) by - likely",
        "livelock orphan exact likely: c3",
        "  c3 -any-> complete(completion done) by - likely",
        "stuck completion done: c1 c2",
        "stuck mutex m: c4",
        "breakers -",
        "",
      ].join("\n"),
    );
  });

  test("waits that nothing at all can end are cores of their own", () => {
    const t = tasks("abc");
    t.g.wait(t.id("a"), any(), { retries: true });
    t.g.wait(t.id("b"), all(atLeast(2, all()), t.event("c")));
    expect(t.print()).toBe(
      "dead a b\nlivelock orphan exact proven: a\nmissed-wakeup orphan exact proven: b\nbreakers -\n",
    );
  });

  test("waiters of different lost events are told apart, those of the same are not", () => {
    const g = graphBuilder();
    const lost = Array.from({ length: 13 }, (_, i) => g.event({ class: "completion", id: `${i}` }, "complete"));
    const waiters = Array.from({ length: 4 }, () => g.context({ kind: "task" }));
    g.wait(waiters[0]!, any(lost[1]!, lost[12]!));
    g.wait(waiters[1]!, any(lost[11]!, lost[2]!));
    g.wait(waiters[2]!, any(lost[1]!, lost[12]!));
    g.wait(waiters[3]!, lost[1]!);
    const { cores, stuckBehind } = analyze(g.build());
    expect(cores.map((core) => core.contexts)).toEqual([[0], [3], [1]]);
    expect(stuckBehind).toEqual([{ resource: { class: "completion", id: "1" }, contexts: [2] }]);
  });

  test("a single lost event has a breaker, and a cycle next to it is found too", () => {
    const t = tasks("abcd");
    t.g.wait(t.id("a"), t.g.event({ class: "completion" }, "complete"));
    t.wait("b", "a");
    expect(t.print()).toContain("stuck mutex a: b\nbreakers a\n");
    t.wait("c", "da");
    t.wait("d", "c");
    expect(t.print()).toContain("deadlock cycle exact proven: c d");
    expect(t.print()).toContain("breakers -\n");
  });

  test("a branch that can never hold does not hide the one that is waited for", () => {
    const t = tasks("abc");
    t.wait("a", "b");
    t.wait("b", "a");
    t.g.wait(t.id("c"), any(any(), all(any(), t.event("b")), t.event("a")));
    expect(t.print()).toContain("stuck mutex b: c\n");
  });
});

describe("stuck", () => {
  test("groups are by class and instance, largest first, and satisfied parts are passed over", () => {
    const g = graphBuilder();
    const task = (comm: string) => g.context({ kind: "task", comm });
    const [a, b, runs] = [task("a"), task("b"), task("runs")];
    const lock = (id?: string, ...by: ContextId[]) =>
      g.event(id === undefined ? { class: "mutex" } : { class: "mutex", id }, "unlock", { by });
    const [byA, byB] = [lock("m", a), lock("n", b)];
    g.wait(a, byB);
    g.wait(b, byA);
    const anonymous = lock(undefined, a);
    const other = g.event({ class: "rwsem", id: "m" }, "up", { by: [a] });
    const free = lock("free", runs);
    g.wait(task("c"), anonymous);
    g.wait(task("d"), other);
    g.wait(task("e"), all(any(byA, free), byB));
    g.wait(task("f"), all(byA, byB));
    g.wait(task("g"), byB);
    const { stuckBehind } = analyze(g.build());
    expect(stuckBehind).toEqual([
      { resource: { class: "mutex", id: "n" }, contexts: [5, 7] },
      { resource: { class: "mutex" }, contexts: [3] },
      { resource: { class: "rwsem", id: "m" }, contexts: [4] },
      { resource: { class: "mutex", id: "m" }, contexts: [6] },
    ]);
  });
});

describe("the work limit", () => {
  const pairs = (): WaitGraph => {
    const t = tasks("abcdef");
    for (const [who, other] of ["ab", "ba", "cd", "dc", "ef", "fe"]) t.wait(who!, other!);
    return t.g.build();
  };
  const deadNet = (graph: WaitGraph) => {
    const net = compile(graph);
    return extractor(net)(net.need, reduce(graph).dead, "members");
  };

  test("one core is found however little work is allowed, and it is said that there may be more", () => {
    const graph = pairs();
    expect(findCores(graph, deadNet(graph), Infinity)).toMatchObject({ more: false, cores: [{}, {}, {}] });
    expect(findCores(graph, deadNet(graph), 0)).toMatchObject({
      more: true,
      cores: [{ contexts: [0, 1], minimal: "exact" }],
    });
  });

  test("the analysis says that there may be more, puts the rest under stuck and names no breaker", () => {
    const graph = pairs();
    expect(printAnalysis(graph, analyze(graph, { arrows: 0 }))).toBe(
      [
        "dead c0 c1 c2 c3 c4 c5",
        "deadlock cycle exact proven: c0 c1",
        "  c0 --> unlock(mutex b) by c1 proven",
        "  c1 --> unlock(mutex a) by c0 proven",
        "more cores not searched",
        "stuck mutex d: c2",
        "stuck mutex c: c3",
        "stuck mutex f: c4",
        "stuck mutex e: c5",
        "breakers -",
        "",
      ].join("\n"),
    );
    expect(analyze(graph, { arrows: 1_000_000 })).toEqual(analyze(graph));
    expect(analyze(graph)).not.toHaveProperty("moreCores");
  });

  test("beyond the limit nobody is counted as behind a core", () => {
    const t = tasks("abcdef");
    for (const who of "ab") t.g.wait(t.id(who), t.g.event({ class: "completion" }, "complete"));
    for (const [who, other] of ["ca", "db", "eb", "fb"]) t.wait(who!, other!);
    const order = (arrows: number) => analyze(t.g.build(), { arrows }).cores.map((core) => core.contexts[0]);
    // Three arrows lead from the first core to whom is behind it: its lost event, its context and what that could raise.
    expect(order(3)).toEqual([1, 0]);
    expect(order(2)).toEqual([0, 1]);
  });

  test("a region costs its size and something for itself", () => {
    const graph = pairs();
    // The whole of three pairs: 12 arrows, 8 passes, 2,000; each pair: 4 arrows, 8 passes, 2,000, and 4 arrows walked at most.
    const found = (allowance: number) => findCores(graph, deadNet(graph), allowance).cores.length;
    expect(found(2096 + 2032)).toBe(1);
    expect(found(2096 + 2 * 2032 + 10)).toBe(2);
    expect(found(2096 + 3 * 2032 + 20)).toBe(3);
  });

  test("a cycle that is not known to be the shortest is made minimal and called greedy", () => {
    const t = tasks("abcdef");
    for (const [who, ...others] of ["ab", "bc", "cd", "de", "ea", "fe"]) t.wait(who!, others.join(""));
    const one = t.g.build();
    expect(findCores(one, deadNet(one), 0).cores[0]).toMatchObject({ contexts: [0, 1, 2, 3, 4], minimal: "exact" });
    // a-b-c and e-f in one strongly connected part, a-b-c found first.
    const u = tasks("abcdef");
    for (const [who, ...others] of ["ab", "bc", "cad", "de", "ef", "fec"]) u.wait(who!, others.join(""));
    const two = u.g.build();
    expect(findCores(two, deadNet(two), 0).cores.map((c) => [c.contexts, c.minimal])).toEqual([[[0, 1, 2], "greedy"]]);
    expect(findCores(two, deadNet(two), Infinity).cores.map((c) => [c.contexts, c.minimal])).toEqual([
      [[4, 5], "exact"],
      [[0, 1, 2], "exact"],
    ]);
    // The shortest cycle through a goes a-b-c-d-e, though c-d-e is shorter: what cannot be left out is kept.
    const v = tasks("abcde");
    for (const [who, ...others] of ["ab", "bc", "cd", "de", "eac"]) v.wait(who!, others.join(""));
    const chord = v.g.build();
    expect(findCores(chord, deadNet(chord), 0).cores[0]).toMatchObject({
      kind: "cycle",
      contexts: [2, 3, 4],
      minimal: "greedy",
    });
  });
});

describe("size", () => {
  const on = (event: number): WaitCondition => ({ kind: "event", event: event as EventId });
  const chain = (size: number, next: (c: number) => number | undefined): WaitGraph => ({
    contexts: Array.from({ length: size }, (_, c) => {
      const event = next(c);
      return event === undefined ? { kind: "task" } : { kind: "task", wait: on(event) };
    }),
    events: Array.from({ length: size }, (_, c) => ({
      resource: { class: "mutex" },
      verb: "unlock",
      providers: [{ context: c as ContextId, confidence: "proven" }],
    })),
  });

  test("chains and cycles of 100,000 overflow no stack and are linear", () => {
    const n = 100_000;
    expect(analyze(chain(n, (c) => (c + 1 < n ? c + 1 : undefined))).dead).toEqual([]);
    const cycle = analyze(chain(n, (c) => (c + 1) % n));
    expect([cycle.cores.length, cycle.cores[0]!.contexts.length, cycle.breakers.length]).toEqual([1, n, n]);
    const behind = analyze(chain(n, (c) => (c + 1 < n ? c + 1 : c - 1)));
    expect(behind.cores[0]!.contexts).toEqual([n - 2, n - 1]);
    expect(behind.stuckBehind[0]!.contexts.length).toBe(n - 2);
  });

  test("a condition nested 100,000 deep", () => {
    let wait = on(0);
    for (let i = 0; i < 100_000; i++) wait = { kind: i % 2 ? "any" : "all", of: [wait] };
    const graph = { ...chain(1, () => undefined), contexts: [{ kind: "task" as const, wait }] };
    const analysis = analyze(graph);
    expect(analysis.cores[0]).toMatchObject({ kind: "cycle", contexts: [0] });
    expect(printAnalysis(graph, analysis)).toContain("c0 --> unlock(mutex) by c0 proven");
  });
});
