import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { breakersAmong } from "./breakers.ts";
import { all, any, atLeast, graphBuilder } from "./graph-builder.ts";
import { minimize } from "./minimize.ts";
import { CONTEXT, compile, EVENT, extractor, GATE, type Rows } from "./net.ts";
import { blockedContexts, release, remainder, settle, undo } from "./propagate.ts";
import { stronglyConnected } from "./scc.ts";
import { shortestCycle } from "./shortest-cycle.ts";
import type { ContextId, EventId } from "./types.ts";
import { findPins, selfBlocked } from "./ways-out.ts";

const rowsOf = (targets: readonly (readonly number[])[]): Rows => {
  const start = [0];
  for (const row of targets) start.push(start.at(-1)! + row.length);
  return { start: new Int32Array(start), targets: new Int32Array(targets.flat()) };
};

const digraph = fc
  .integer({ min: 1, max: 9 })
  .chain((n) => fc.array(fc.array(fc.nat(n - 1), { maxLength: 3 }), { minLength: n, maxLength: n }));

/** Steps of the shortest way of at least one arrow from one node to another. */
function distance(targets: readonly (readonly number[])[], from: number, to: number): number {
  let front = new Set([from]);
  for (let steps = 1; steps <= targets.length; steps++) {
    front = new Set([...front].flatMap((v) => targets[v]!));
    if (front.has(to)) return steps;
  }
  return Infinity;
}

/** `next[i]` lists for which tasks task i waits, all of them. */
function andGraph(next: readonly (readonly number[])[]) {
  const g = graphBuilder();
  const ids = next.map(() => g.context({ kind: "task" }));
  const events = ids.map((c) => g.event({ class: "mutex", id: `${c}` }, "unlock", { by: [c] }));
  next.forEach((row, i) => {
    g.wait(ids[i]!, all(...row.map((t) => events[t]!)));
  });
  return g.build();
}

describe("graphs", () => {
  test("strongly connected parts are those of mutual reachability, numbered against the arrows", () => {
    fc.assert(
      fc.property(digraph, (targets) => {
        const { of, sizes } = stronglyConnected(rowsOf(targets));
        targets.forEach((row, v) => {
          for (const w of row) expect(of[w]!).toBeLessThanOrEqual(of[v]!);
          targets.forEach((_, w) => {
            const mutual = distance(targets, v, w) < Infinity && distance(targets, w, v) < Infinity;
            expect(of[v] === of[w]).toBe(v === w || mutual);
          });
        });
        expect([...sizes]).toEqual(sizes.map((_, part) => of.filter((p) => p === part).length));
      }),
      { numRuns: 1000 },
    );
  });

  test("the shortest cycle is as short as any and follows arrows", () => {
    fc.assert(
      fc.property(digraph, fc.constantFrom(0, Infinity), (targets, allowance) => {
        const found = shortestCycle(rowsOf(targets), allowance);
        const shortest = Math.min(...targets.map((_, v) => distance(targets, v, v)));
        if (found === undefined) {
          expect(shortest).toBe(Infinity);
          return;
        }
        const { cycle } = found;
        if (found.shortest) expect(cycle.length).toBe(shortest);
        if (allowance === Infinity) expect(found.shortest).toBe(true);
        expect(new Set(cycle).size).toBe(cycle.length);
        cycle.forEach((v, i) => {
          expect(targets[v]).toContain(cycle[(i + 1) % cycle.length]);
        });
        expect(found.cost).toBeGreaterThanOrEqual(cycle.length);
      }),
      { numRuns: 1000 },
    );
  });

  test("a single long cycle, with tails in and out, is walked once", () => {
    // 0-1-2-3-4-0; 5 and 6 lead in, 7 is led to, and 8-9 is a part of its own.
    const targets = [[1], [2, 7], [3], [4], [0], [0], [5], [], [9], [8]];
    const { cycle, cost } = shortestCycle(rowsOf(targets.slice(0, 8)), Infinity)!;
    expect([...cycle].sort()).toEqual([0, 1, 2, 3, 4]);
    expect(cost).toBeLessThanOrEqual(6);
    expect(shortestCycle(rowsOf(targets), Infinity)).toMatchObject({ cycle: [9, 8], shortest: true });
    expect(shortestCycle(rowsOf([[1], []]), Infinity)).toBeUndefined();
    expect(shortestCycle(rowsOf([]), Infinity)).toBeUndefined();
  });

  test("a search is cut off at the best length so far, and ends at a cycle of one", () => {
    // 0-1-0, then 2 leads around a ring of eight that need not be walked to its end.
    const ring = [[1], [0], [3], [4], [5], [6], [7], [8], [9], [2]];
    const found = shortestCycle(rowsOf(ring), Infinity)!;
    expect(found.cycle.length).toBe(2);
    expect(found.cost).toBeLessThan(12);
    expect(shortestCycle(rowsOf([[0], ...ring.slice(1)]), Infinity)).toEqual({ cycle: [0], shortest: true, cost: 1 });
  });

  test("the allowance is arrows walked", () => {
    const targets = [[1], [2], [0, 3], [4, 2], [2, 3]];
    const whole = shortestCycle(rowsOf(targets), Infinity)!;
    expect([...whole.cycle].sort()).toEqual([2, 3]);
    expect(shortestCycle(rowsOf(targets), 0)).toMatchObject({ cycle: { length: 3 }, shortest: false });
    const first = shortestCycle(rowsOf(targets), 0)!.cost;
    expect(shortestCycle(rowsOf(targets), first - 1)!.shortest).toBe(false);
    expect(shortestCycle(rowsOf(targets), whole.cost)!.shortest).toBe(true);
  });
});

describe("nets", () => {
  test("contexts, events and gates are laid out in that order, with inputs and their transpose", () => {
    const g = graphBuilder();
    const [a, b] = [g.context({ kind: "task" }), g.context({ kind: "task" })];
    const e = g.event({ class: "mutex" }, "unlock", { by: [b, a] });
    const f = g.event({ class: "mutex" }, "unlock");
    g.wait(a, atLeast(1, all(e, any(f, e)), f));
    const net = compile(g.build());
    expect({ ...net, inputStart: [...net.inputStart], feedStart: [...net.feedStart] }).toEqual({
      contexts: 2,
      kind: new Uint8Array([CONTEXT, CONTEXT, EVENT, EVENT, GATE, GATE]),
      origin: new Int32Array([0, 1, 0, 1, -1, -1]),
      need: new Int32Array([1, 0, 1, 1, 2, 1]),
      inputStart: [0, 2, 2, 4, 4, 6, 8],
      inputs: new Int32Array([4, 3, 1, 0, 2, 5, 3, 2]),
      feedStart: [0, 1, 2, 4, 6, 7, 8],
      feeds: new Int32Array([2, 2, 4, 5, 0, 5, 0, 4]),
    });
  });

  test("a part keeps what is unmet, and what is raised outside needs nothing", () => {
    const g = graphBuilder();
    const [a, b, c] = [0, 1, 2].map(() => g.context({ kind: "task" })) as [ContextId, ContextId, ContextId];
    const [ea, eb, ebc] = [[a], [b], [b, c]].map((by) => g.event({ class: "mutex" }, "unlock", { by })) as [
      EventId,
      EventId,
      EventId,
    ];
    g.wait(a, all(eb, ebc));
    g.wait(b, ea);
    g.wait(c, ea);
    const net = compile(g.build());
    const extract = extractor(net);
    const part = extract(net.need, [0, 1], "members");
    expect(Array.from(part.origin)).toEqual([0, 1, 1, 2, 0]);
    expect(Array.from(part.need)).toEqual([2, 1, 1, 0, 1]);
    expect(Array.from(part.inputs)).toEqual([2, 3, 4, 1, 0]);
    expect(blockedContexts(settle(part))).toEqual([0, 1]);
    expect(Array.from(remainder(settle(part)).need)).toEqual([1, 1, 1, 1]);
    expect(Array.from(extract(net.need, [0], "nobody").need)).toEqual([2, 0, 0]);
    // the scratch of one extraction does not leak into the next
    expect(extract(net.need, [0, 1], "members")).toEqual(part);
    expect(Array.from(extract(net.need, [2], "members").need)).toEqual([1, 0]);
  });

  test("undo takes back exactly what a release did, also one that was stopped", () => {
    fc.assert(
      fc.property(digraph, fc.array(fc.nat(8), { maxLength: 4 }), fc.nat(511), (targets, order, stopAt) => {
        const net = compile(andGraph(targets));
        const state = settle(net);
        const stop = Uint8Array.from({ length: net.contexts }, (_, c) => (stopAt >> c) & 1);
        const snapshot = () => [state.fired, state.passed, state.blocked, [...state.need]];
        const marks: { mark: number; before: ReturnType<typeof snapshot> }[] = [];
        for (const c of order) {
          if (c >= net.contexts) continue;
          marks.push({ mark: state.fired, before: snapshot() });
          const done = release(state, c, stop);
          const fired = [...state.trail.subarray(marks.at(-1)!.mark, state.fired)];
          if (done) {
            expect(state.blocked).toBe(blockedContexts(state).length);
            expect(fired.some((v) => stop[v] === 1)).toBe(false);
            expect(state.passed).toBe(state.fired);
          } else {
            expect(fired.some((v) => stop[v] === 1)).toBe(true);
            break;
          }
        }
        for (const { mark, before } of marks.reverse()) {
          undo(state, mark);
          expect(snapshot()).toEqual(before);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("taking back counts contexts, not events", () => {
    const g = graphBuilder();
    g.wait(g.context({ kind: "task" }), g.event({ class: "completion" }, "complete"));
    const state = settle(compile(g.build()));
    release(state, 0);
    expect([state.blocked, state.fired]).toEqual([0, 1]);
    undo(state, 0);
    expect([state.blocked, state.fired]).toEqual([1, 0]);
  });

  test("a released context stays released when its own condition is met later", () => {
    const state = settle(compile(andGraph([[1], [0]])));
    expect(state.blocked).toBe(2);
    expect(release(state, 0)).toBe(true);
    expect([state.blocked, state.fired]).toEqual([0, 4]);
    expect(release(state, 1)).toBe(true);
    expect(state.fired).toBe(4);
  });
});

describe("ways out", () => {
  const net = (
    make: (g: ReturnType<typeof graphBuilder>, lock: (...by: number[]) => EventId) => void,
    contexts: number,
  ) => {
    const g = graphBuilder();
    for (let i = 0; i < contexts; i++) g.context({ kind: "task" });
    make(g, (...by) => g.event({ class: "mutex" }, "unlock", { by: by as ContextId[] }));
    return compile(g.build());
  };

  test("pins are single ways out, through nested ANDs, in order", () => {
    const n = net((g, lock) => {
      g.wait(0 as ContextId, all(lock(2), all(lock(1, 1), any(lock(3)))));
      g.wait(1 as ContextId, any(lock(0)));
      g.wait(2 as ContextId, lock(0));
      g.wait(3 as ContextId, lock(2));
    }, 4);
    const { start, targets, pure } = findPins(n);
    expect([[...start], [...targets], pure]).toEqual([[0, 3, 4, 5, 6], [2, 1, 3, 0, 0, 2], true]);
  });

  test("an OR, a k of n and an event of several providers are not pins", () => {
    const several = net((g, lock) => g.wait(0 as ContextId, all(lock(0, 1), lock(1))), 2);
    expect([[...findPins(several).targets], findPins(several).pure]).toEqual([[1], false]);
    const or = net((g, lock) => g.wait(0 as ContextId, all(any(lock(0), lock(1)), lock(1))), 2);
    expect([[...findPins(or).targets], findPins(or).pure]).toEqual([[1], false]);
    const some = net((g, lock) => g.wait(0 as ContextId, atLeast(2, lock(0), lock(1), lock(1))), 2);
    expect([[...findPins(some).targets], findPins(some).pure]).toEqual([[], false]);
    const lost = net((g, lock) => g.wait(0 as ContextId, all(lock(), lock(1))), 2);
    expect([[...findPins(lost).targets], findPins(lost).pure]).toEqual([[1], false]);
  });

  test("self-blocked are those whose own release is the only one that would help", () => {
    const n = net((g, lock) => {
      g.wait(0 as ContextId, any(lock(0), all(lock(1), lock(0, 0))));
      g.wait(1 as ContextId, all(lock(1, 0), lock(0)));
      g.wait(2 as ContextId, any(lock(), all(lock(2), lock(1))));
      g.wait(3 as ContextId, atLeast(2, lock(3), lock(1), lock(2)));
      g.wait(4 as ContextId, atLeast(2, lock(4), lock(1), any(lock(4), lock())));
    }, 5);
    expect(selfBlocked(n)).toEqual([0, 2, 4]);
  });
});

describe("leaving out", () => {
  test("nothing of a ring can be left out, and it takes one trial to know", () => {
    const ring = compile(andGraph([[1], [2], [3], [0]]));
    expect(minimize(ring)).toEqual({ members: [0, 1, 2, 3], only: true, cost: 8 });
  });

  test("of two rings the one with the lowest member stays", () => {
    const two = compile(andGraph([[1], [0], [3], [2]]));
    expect(minimize(two)).toMatchObject({ members: [0, 1], only: false });
  });
});

describe("breakers", () => {
  test("of two rings through one member only that one breaks; whom it frees or who is freed in vain is not tried twice", () => {
    const eight = compile(andGraph([[1], [2], [0, 3], [4], [2]]));
    expect(breakersAmong(eight, [0, 1, 2])).toEqual({ breakers: [2], trials: 2 });
    expect(breakersAmong(eight, [2, 1, 0])).toEqual({ breakers: [2], trials: 2 });
    expect(breakersAmong(eight, [4, 3, 2])).toEqual({ breakers: [2], trials: 2 });
    expect(breakersAmong(eight, [])).toEqual({ breakers: [], trials: 0 });
  });

  test("a ring of any size takes one trial", () => {
    const ring = compile(andGraph(Array.from({ length: 50 }, (_, i) => [(i + 1) % 50])));
    expect(breakersAmong(ring, [...ring.origin.subarray(0, 50)])).toMatchObject({
      breakers: { length: 50 },
      trials: 1,
    });
    expect(breakersAmong(ring, [49, 7, 0])).toEqual({ breakers: [0, 7, 49], trials: 3 });
  });

  test("a long chain of non-breakers takes one trial", () => {
    // 0 waits for 1, 1 for 2 ... and 9 for 0 and for 10, which waits for itself.
    const chain = Array.from({ length: 10 }, (_, i) => [i + 1]);
    const net = compile(andGraph([...chain.slice(0, 9), [0, 10], [10]]));
    expect(breakersAmong(net, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])).toMatchObject({ breakers: [], trials: 1 });
  });

  test("a breaker that frees another only through an AND", () => {
    // 0 waits for 1; 1 for 2 and 3; 2 and 3 for 0.
    const and = compile(andGraph([[1], [2, 3], [0], [0]]));
    expect(breakersAmong(and, [0, 1, 2])).toEqual({ breakers: [0, 1], trials: 3 });
    const plain = compile(andGraph([[1], [0], [0]]));
    expect(breakersAmong(plain, [1, 0])).toEqual({ breakers: [0, 1], trials: 1 });
  });
});
